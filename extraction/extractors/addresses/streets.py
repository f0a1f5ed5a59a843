"""What a street looks like: a word for one and a number, a number before a name, a P.O. box.

How sure a text is a street is told by 0 to 3, and what belongs to one beside it (a floor, a house number that stands
alone) is told apart from the town.
"""

from __future__ import annotations

import re
from functools import lru_cache

from extraction.extractors.addresses.formats import table

#: A street without a number; one by its form alone (`Oudendijk 3`); one by its word, or a P.O. box.
UNNUMBERED, FORMED, NAMED = 1, 2, 3
MAX_STREET = 100

WORDS = re.compile(r"(?<!\d)[^\W\d_]+(?:[-./'’][^\W\d_]+)*\.?")
#: Signs and numbers that no street has; each search begins with the one sign that finds it.
_NEVER = re.compile(
    r"[@©®$€£¥%=<>{}!?+\d](?:(?<=[@©®$€£¥%=<>{}!?])|(?<=\d)(?:\d\d[-. ]\d{3,4}\b(?!\s[^\W\d_]{3})|\d{6}"
    r"|[.:]\d\d?[./]\d|/\d\d?/(?:19|20)\d\d|(?<!\w.)\d?[:.hH]\d\d\b)|(?<!\w\+)(?<=\+)\d)"
)
#: Words that no street has.
_NEVER_WORDS = frozenset(
    "tel phone fax call fon mobile gsm email www http https uhr mon tue wed thu fri sat sun monday friday january "
    "february march april june july august september october november december year years employees since copyright "
    "license version item items page pages customers vat iban reg".split()
)
_NEVER_NUMBERED = re.compile(
    r"\be-mail\b|\bmay\s\d|\b(?:c\.?\s?p\.?|cep|plz|zip(?:\scode)?|post\s?code)[\s:]{1,2}\d+\b", re.IGNORECASE
)
_MAY_BE_NUMBERED = frozenset("mail may p cp cep plz zip code postcode".split())
_LETTERS = re.compile(r"\w+")
#: A date, or a house with its stair and door behind a street's word: `Mariahilfer Straße 45/2/7`.
_SHORT_DATE = re.compile(r"\d/\d\d?/\d")
_BOX = re.compile(
    r"\b(?:p\.?\s?o\.?\s?box|post\s?office box|pmb|locked bag|private bag|postfach|postbus|case postale|"
    r"boîte postale|b\.?p\.?|"
    r"apartado(?: de correos| postal)?|casella postale|caixa postal|skr(?:ytka)?\.? poczt\w*\.?|postboks|"
    r"box|pl|p\.?\s?b\.?|а/я)"
    r"\s?(?:no\.?|nr\.?|#)?\s?\d{1,6}\b",
    re.IGNORECASE,
)
_NUMBER_FIRST = re.compile(
    r"\d{1,6}[A-Za-z]?(?:\s?[-–/&]\s?\d{1,6}[A-Za-z]?){0,3},?\s"
    r"(?:(?:[NSEW]|[NS]\.?[EW])\.?\s(?=[A-Z][A-Za-z]|\d{1,3}(?:st|nd|rd|th)\b)|(?=\S*[^\W\d_]{2}))\S"
)
_NUMBER_LAST = re.compile(
    r"[^\W\d_][^\d]{1,50}?[\s.,/](?:n[ºo°r]\.?\s?|no\.\s?|д\.\s?|буд\.\s?|№\s?)?\d{1,5}\s?-?[A-Za-zА-Яа-я]?"
    r"(?:\s?[-–/.]\s?\d{0,5}\s?[A-Za-z]?)?(?:[-/\s][A-Za-z]{1,2}\d{0,3})?(?:\s(?:bus|bte|boîte|app|apt|lok|m|kv)\.?\s?\w{1,4})?\Z",
    re.IGNORECASE,
)
#: A house number alone, with what may stand before one.
HOUSE = re.compile(
    r"(?:n[ºo°r]?\.?|nr\.?|no\.?|num\.?|nº|№|д\.?|дом|буд\.?|будинок|br\.?|št\.?|sz\.?|#)?\s?"
    r"(?:\d{1,5}(?:\s?[-/]?[A-Za-zА-Яа-я]|\s?(?:bis|ter|quater))?(?:\s?[-–/+]\s?\d{1,5}\s?[A-Za-z]?)?\.?|"
    r"s\.?\s?/?n\.?(?:\s?c\.?)?)\Z",
    re.IGNORECASE,
)
_ROOM_WORDS = (
    r"suite|ste|unit|units|bureau|büro|floor|flat|level|lvl|apt|apartment|room|rm|office|shop|bldg|building|block|blk|tower|"
    r"étage|etage|stock|stiege|top|tür|hinterhaus|aufgang|bus|boîte|bte|piso|planta|local|oficina|of|sala|conj|"
    r"andar|loja|lokal|lok|scala|interno|int|kat|daire|kancelář|кв|оф|офис|офіс|кабинет|этаж|поверх|wing|gate|bl|sc|ap|et|"
    r"warehouse|km|sco|lot|plot|door|entrance|bat|bât|bâtiment|escalier|portal|puerta|torre|nave|h\.?no|gf|#"
)
#: Which one: a number, one or two letters held apart, or a word that tells one; so `Stearns` is no suite, and
#: `Tower Bridge` no tower.
_WHICH_ROOM = (
    r"(?:[.-]?\s?(?:no\.?\s?)?#?\s?\d[\w.-]{0,5}"
    r"|(?:\.\s?|\s)(?:no\.?\s?)?#?\s?(?!(?:of|in|by|at|to|on|an|am|im|de|du|da|do|la|le|el|en|al)\b)"
    r"[^\W\d_]{1,2}(?:[.-]?\d[\w.-]{0,4})?"
    r"|\s(?:one|two|three|four|five|six|north|south|east|west|central|nord|süd|sud|ost|est|ouest|links|rechts))"
)
ROOM = re.compile(
    rf"\d{{1,2}}\.?[ºª]\s?(?:[A-Z]|esq|dto|dt|frente|fte|izq|izda|dcha|dch)?\.?\Z|r/c\b|(?:(?:{_ROOM_WORDS}){_WHICH_ROOM}|(?:suite|ste|apt|apartment|bldg)\.?\s[\w.-]{{1,6}}|#\s?\w{{1,6}}|business\scent(?:er|re)\b)(?=\W|\Z)"
    r"|\d{1,3}\s?(?:st|nd|rd|th|\.|º|ª|°|er|e|ème)?\s?(?:floor|fl|og|etage|stock|andar|piso|planta|étage|emelet|em|kerros|"
    r"vån|tr|sal|piętro|kat|этаж|поверх)\b|\d{1,2}\.\s?(?:tv|th|mf)\b"
    r"|(?:ground|first|second|third|fourth|fifth|sixth|top|upper|lower|mezzanine)\s+(?:floor|level)\b",
    re.IGNORECASE,
)
#: What the words above begin with, and those for floors: spares most texts the match.
_ROOM_BEGINS = frozenset(
    word[:2]
    for word in (
        *_ROOM_WORDS.replace("\\", "").split("|"),
        *"hno r/c ground first second third fourth sixth top upper lower me".split(),
    )
)
_DIRECTION = re.compile(r"(?:[NS]\.?[EW]?|[EW])\.?|North|South|East|West", re.IGNORECASE)
_BUILDING = re.compile(
    r"\b(?:house|building|tower|towers|centre|center|park|estate|mills?|works|plaza|haus|gebäude|immeuble|"
    r"bâtiment|résidence|edificio|edifício|torre|court|quarter|point|arcade|mall|complex|campus|bldg)\Z",
    re.IGNORECASE,
)
#: Where a firm lies that has no street: an industrial zone, a hamlet.
_SITE = re.compile(
    r"(?:zone\s(?:industrielle|artisanale|commerciale|d['’]activités?)|z\.?\s?[ia]\.?(?:\s?[ce]\.?)?|lieu[- ]?dit|"
    r"le bourg|parc\sd['’]activités?|pol(?:ígono|igono|\.)\s(?:industrial|ind\.?)|p\.\s?i\.|"
    r"zona\s(?:industriale|artigianale|industrial)|località|loc\.|contrada|c\.da|frazione|fraz\.|"
    r"gewerbegebiet|industriegebiet|bedrijventerrein|industrieterrein)\s[^\W\d_]"
    r"|(?:le bourg|zone industrielle|gewerbegebiet|industriegebiet)\Z",
    re.IGNORECASE,
)
_WITH = re.compile(r"(?:c\s?/\s?o|z\.?\s?hd\.?|attn\.?|attention|t\.?a\.?v\.?|à l'attention)\b", re.IGNORECASE)
#: What stands before a house number and is none of the street: a firm's name, a label, a sentence.
_LEAD = re.compile(
    r"^(?!(?:p\.?\s?o\.?\s)?(?:box|suite|ste|unit|floor|flat|level|shop|apt|building|no\.?|pmb)\b)"
    r"[^\d]{2,80}?[\s:,.]\s?(?=\d{1,6}[A-Za-z]?\s+(?:[NSEW]\.?\s|[A-Z]|\d+(?:st|nd|rd|th)\b))",
    re.IGNORECASE,
)
#: The firm's name with its legal form before its street: `Acme S.A. Paseo del Prado 1`.
FIRM = re.compile(
    r"^.{0,80}?(?<!\w)(?:GmbH(?:\s?&\s?Co\.?\s?KG)?|AG|KG|e\.\s?K\.|S\.\s?A\.(?:\s?U\.)?|S\.\s?L\.(?:\s?U\.)?|SARL|SAS|S\.?r\.?l\.|"
    r"S\.?p\.?A\.|B\.?V\.|Lda\.|Ltda\.|Sp\. z o\.o\.|AB|ApS|A/S|Oy|Ltd\.?(?:\s?Şti\.?)?|A\.\s?Ş\.|"
    r"Limited|LLP|LLC|Inc\.)[\s,.·•|–-]{1,4}(?=\S)"
)
#: The end of a firm's name that a sign has cut off: `Kyoto Tools Co., Ltd. 2-5-1 Kawaramachi`.
_FORM_FIRST = re.compile(
    r"(?:Ltd|Limited|Inc|LLC|LLP|Corp|Lda|Ltda|GmbH|Co|Şti|Pte|Pty|S\.A|S\.L|B\.V|N\.V)[.,]{0,2}\s(?=\S)"
)
#: What stands in the place of a house number where there is none.
_NO_NUMBER = re.compile(r"[\s,](?:s/n\.?|s\.\s?n\.|s\.?\s?n\.?\s?c\.?)\Z", re.IGNORECASE)
#: Sentences before a street: `Visit us at 12 High Street`, `Unser Büro: …`.
_TOLD = re.compile(
    r"^.{0,60}?\b(?:address|adresse|anschrift|office|headquarters|location|visit us|dirección|indirizzo|"
    r"adres)s?\s?[:\-–]\s|^.{0,60}?\b(?:located at|situated at|based at|find us at|offices? at|visit us at|sitz in der|"
    r"befindet sich in der)\s",
    re.IGNORECASE,
)


def countries_by_words(text: str) -> frozenset[str]:
    """The countries whose streets are called by a word of the text; none where no word tells."""
    known = table()
    told: frozenset[str] = frozenset()
    for word in _street_words(text):
        told = told | known.street_words.get(word, frozenset())
        for ending in known.endings.get(word[-1:], ()):
            if word.endswith(ending) and len(word) > len(ending):
                told = told | known.street_endings[ending]
                break
    return told


@lru_cache(maxsize=1_024)
def _street_words(text: str) -> list[str]:
    """Case-folded words that may name a street. A single letter does so with a dot or stroke behind it only: `u.`."""
    found = []
    for match in WORDS.finditer(text[:MAX_STREET]):
        word = match[0].casefold()
        bare = word.rstrip(".")
        if len(bare) == 1 and not (word.endswith(".") or text[match.end() : match.end() + 1] in ("/", ".", "º")):
            continue
        found.append(bare)
        if "." in bare or "/" in bare:  # `ul.Prosta`, `c/Mayor`
            head = re.split(r"[./]", bare, maxsplit=1)[0]
            found.append(head)
    return found


@lru_cache(maxsize=2_048)
def names_street(text: str, *, surely: bool = False) -> bool:
    """Whether a word of the text names a street; `surely`: none that towns are called by as well."""
    known = table()
    if surely:
        text = text.partition(" an der ")[0]  # `Neustadt an der Weinstraße`
    street_words, endings = known.street_words, known.sure_endings if surely else known.endings
    for word in _street_words(text):
        if word in street_words and not (surely and word in known.ambiguous):
            return True
        ends = endings.get(word[-1:])
        if ends and word.endswith(ends) and word not in ends:
            return True
    return False


@lru_cache(maxsize=2_048)
def strength(text: str) -> int:
    """How surely a text is a street: 0 no, `UNNUMBERED`, `FORMED`, `NAMED`."""
    if not 3 <= len(text) <= MAX_STREET:
        return 0
    whole, text = text, _FORM_FIRST.sub("", text)
    numbered = any(map(str.isdigit, text)) or bool(text[-1] in "nNcC." and _NO_NUMBER.search(text))
    named = text.count(" ") <= 11 and names_street(text)
    sited = not numbered and is_site(text)
    if not (numbered or named or sited) or _is_never(whole) or _WITH.match(whole):
        return 0
    if numbered and _BOX.search(text):
        return NAMED
    if named or sited:
        told = UNNUMBERED if sited or _is_title(text) or _begins_with_word(text) else 0
        return NAMED if numbered else told
    return FORMED if numbered and not _SHORT_DATE.search(text) and _is_formed(text) else 0


def _is_never(text: str) -> bool:
    """Whether a text has a sign, a number or a word that no street has."""
    if _NEVER.search(text):
        return True
    words = _LETTERS.findall(text.lower())
    return not _NEVER_WORDS.isdisjoint(words) or (
        not _MAY_BE_NUMBERED.isdisjoint(words) and _NEVER_NUMBERED.search(text) is not None
    )


def _is_formed(text: str) -> bool:
    if _is_title(text):
        formed = _NUMBER_LAST.match(text.lstrip("'’"))
    else:
        formed = _NUMBER_FIRST.match(text) if _is_title(text.lstrip("0123456789-–/& ,")) else None
    return formed is not None and not ROOM.fullmatch(text)


def _is_title(text: str) -> bool:
    """Whether a text begins as a name does: by a capital, or in a script that has none."""
    text = text.lstrip("'’\"( ")
    sign = text[2:3] if text[:2] in ("t ", "s-") else text[:1]  # `'t Zand`
    return bool(sign) and sign.isalpha() and not sign.islower()


def _begins_with_word(text: str) -> bool:
    """Whether a street's word and a name begin a text: `rue Haute`, `вул. Хрещатик`."""
    first, _, rest = text.partition(" ")
    names = (word[2:] if word[1:2] in ("'", "’") else word for word in rest.split())  # `rue de l'Église`
    return first.casefold().rstrip(".") in table().street_words and any(map(_is_title, names))


@lru_cache(maxsize=1_024)
def belongs(text: str) -> bool:
    """Whether a text is a part of a street beside it: a house number, a floor, a room."""
    return len(text) <= 40 and bool(
        _DIRECTION.fullmatch(text) or HOUSE.match(text) or (is_room(text) and not names_street(text))
    )


def is_room(text: str) -> bool:
    """Whether a text begins with a room, a unit or a floor."""
    first = text[:1]
    may_be = first.isdigit() or first == "#" or text[:2].lower() in _ROOM_BEGINS
    return may_be and ROOM.match(text) is not None


def is_site(text: str) -> bool:
    """Whether a text names a zone or a hamlet, in the place of a street: `ZA des Landes`."""
    return text[:1].lower() in "zlpcfgib" and _SITE.match(text) is not None


def is_box(text: str) -> bool:
    """Whether a street is nothing but a P.O. box."""
    return bool(_BOX.match(text))


def is_of_box(text: str, place: int) -> bool:
    """Whether what stands at a place of a text is the number of a P.O. box; `PL` is Poland as well."""
    box = _BOX.match(text)
    return box is not None and place < box.end() and text[:2].lower() != "pl"


def is_building(text: str) -> bool:
    return len(text) <= 50 and bool(_BUILDING.search(text)) and _is_title(text)


def bare_street(text: str) -> str:
    """The street of a text: firm, label and sentence before it taken off."""
    text = FIRM.sub("", _TOLD.sub("", text[-160:]), count=1)
    lead = _LEAD.match(text)
    if lead and names_street(text[lead.end() :]) and not names_street(lead[0]) and not is_room(text):
        text = text[lead.end() :]
    text = text.strip(" ,|•·-–:;")
    return text[:-1] if text[-1:] == "." and text[-2:-1].isdigit() else text
