"""What a town looks like, and what stands beside one and is none of it: CEDEX, a district, a region, a country."""

from __future__ import annotations

import re
from functools import lru_cache

from extraction.extractors.addresses.formats import folded, table
from extraction.extractors.addresses.streets import ROOM, WORDS, names_street
from extraction.extractors.countries import country_named

MAX_TOWN = 60
_MAX_WORDS = 6
#: Small words inside names of towns: `Frankfurt am Main`, `Vila Nova de Gaia`.
_INNER = frozenset(
    "am an der den dem im in de la le les sur sous bei beim ob upon on of the del della di da do dos das du des d "
    "el los las lo y e i a à al aux en et aan op het ter te bij nad pod na pri u v under by next to cum und och og "
    "ved sul sulla sullo nel nella nello negli dei degli dello delle alla alle allo ai agli unter auf vor van lui "
    "i. a. d. o. v. b. a.d. a.m. a.d.d. i.d. i.d.opf. ob.".split()
)
#: Capitalised words that are no town, nor its last word.
_NEVER = frozenset(
    "tel tél telefon teléfono telefono telephone téléphone telefoon phone fon fax mobile mobil mob email e-mail "
    "mail web website www internet home contact kontakt copyright all open hours monday tuesday wednesday thursday "
    "friday saturday sunday mon tue wed thu fri sat sun montag dienstag mittwoch donnerstag freitag samstag sonntag "
    "january february april june july august september october november december januar februar märz juni juli "
    "oktober dezember eur usd gbp chf gmbh ltd limited llc inc corp bv nv sarl sas srl kg ohg oy ab aps plc llp "
    "pty uhr and und our your map karte directions menu click call model series type version item part code size "
    "ref order art serial bolt screw page step figure table chapter section customers people users employees "
    "reviews vat ust-id ustid hrb kvk btw siret siren rcs registered company reg no nip regon krs ico ičo dič iban "
    "bic gps lat nif nipc cif cnpj uid ustid mwst tva iva piva p.iva p.i cvr y-tunnus orgnr org.nr abn acn "
    "gstin cin bce kbo rpr rpm rea cui adószám zapsaná zapsána αφμ α.φ.μ".split()
)
_CEDEX = re.compile(r"\s*\b(?:cedex|cédex)\b(?:\s+\d{1,2})?|\s[IVX]{1,5}\.\s?ker(?:ület|\.)", re.IGNORECASE)
#: The number of a district behind the town: `Dublin 2`, `Praha 1`, `Lyon 3e`, `Budapest XI.`.
_DISTRICT = re.compile(r"(?<=[^\W\d_])\s+(?:\d{1,2}(?:er|e|ème|\.|ª|W)?|[IVX]{1,5}\.)(?=\s|\Z|[,.)])")
_KINDS = re.compile(
    r"(?:г|город|гор|м|місто|гр|с|смт|пос|city of|town of|kab|kabupaten|"
    r"kota(?! (?:kinabalu|bharu|tinggi|belud|samarahan|damansara)\b)|"
    r"loc|gemeente|stadt|nr|near)\.?\s+(?=[^\W\d_])"
    r"|(?:г|м|гр)\.(?=[^\W\d_])",
    re.IGNORECASE,
)
_REGION = re.compile(
    r"(?:co\.?|county|comté|provincia(?: de| di)?|prov\.?|province of|jud\.?|jude[țt]ul|woj\.?|województwo|"
    r"kreis|landkreis|region|región|oblast)\s+[^\W\d_]",
    re.IGNORECASE,
)
_REGION_ENDS = tuple(
    "обл обл. область край район р-н megye województwo oblast county province prefecture vármegye županija maakunta "
    "län fylke".split()
)
#: `'s-Hertogenbosch`, `l'Isle`, `d'Enghien`; `a.M.`, `a.d.`
_APOSTROPHE = re.compile(r"(?:['’]?[sdlt]|(?:de|su|ne|a)ll)['’-][^\W\d_]")
_SHORTENED = re.compile(r"(?:[a-z]\.)+[A-Z]?\.?\Z")
#: First words of towns that are called after a region: `New Delhi`.
_PREFIXES = frozenset(
    "new north south east west old san santa st st. saint port upper lower great greater nueva la".split()
)
#: A part of a town, called so before its name.
QUARTER = re.compile(
    r"(?:col|colonia|fracc|fraccionamiento|barrio|bairro|urb|urbanización|dzielnica|kelurahan)\.?\s", re.IGNORECASE
)
_FIRM = re.compile("株式会社|有限会社|合同会社|公司|주식회사")
_NUMBERED = re.compile(r"\d{1,5}[A-Za-z]?\Z")
_DIRECTION = re.compile(r"(?:[NSEW]|[NS][EW])\.?\s+(?=\S)")


@lru_cache(maxsize=2_048)
def leading(text: str, *, any_case: bool = False) -> tuple[str, str]:
    """(town, rest) of a text that begins with a town; ("", text) where it does not.

    A town ends where a word is no name: small letters, digits, signs. `any_case` takes small letters too: only where
    the code beside it is proof.
    """
    text = _CEDEX.sub("", text[:200])
    kind = _KINDS.match(text)
    words = (text[kind.end() :] if kind else text).split()
    end = 0
    for place, word in enumerate(words[: _MAX_WORDS + 1]):
        sort = _sort(word, any_case=any_case)
        if sort == "none" and place == 0 and word.casefold() == "tel" and words[1:2] and words[1][0].isupper():
            sort = "name"  # `Tel Aviv`
        if sort == "none":
            break
        if sort == "name":
            end = place + 1
            if word[-1] in ",;:)" or (word[-1] == "." and len(word) > 4):
                break
    town = " ".join(words[:end]).strip(" ,.;:") if end <= _MAX_WORDS else ""
    return (town, " ".join(words[end:])) if 1 < len(town) <= MAX_TOWN else ("", text)


def _sort(word: str, *, any_case: bool) -> str:
    """What a word is to a town: a `name`, an `inner` one that needs a name behind it, or `none`."""
    bare = word.strip(",.;:()'’\"")
    if not bare or word[0] in "(|–—-/&+[" or bare in ("SpA", "SPA"):
        return "none"
    if any(map(str.isdigit, bare)) or bare.casefold() in _NEVER:
        return "none"
    if not bare[0].isalpha():
        return "none"
    if not bare[0].islower() or any_case or bare[1:2].isupper() or _APOSTROPHE.match(word):
        return "name"
    return "inner" if word.casefold() in _INNER or _SHORTENED.match(word) else "none"


@lru_cache(maxsize=2_048)
def whole(text: str, *, any_case: bool = False) -> str:
    """The town that a text is, and nothing else; "" where it is none."""
    text = _DISTRICT.sub("", text) if len(text) <= MAX_TOWN + 20 and not QUARTER.match(text) else ""
    town, rest = leading(text, any_case=any_case)
    if not town or _FIRM.search(town) or (rest and not rest.startswith("(")) or names_street(town, surely=True):
        return ""
    return town


def without_country(town: str) -> tuple[str, str | None]:
    """(town, country) of `Paris France`: a country's name is no part of the town before it."""
    words = town.split()
    for count in (1, 2):
        if len(words) > count and words[-count - 1].casefold() not in _INNER:
            country = country_named(" ".join(words[-count:]))
            if country and len(" ".join(words[-count:])) > 2:
                return " ".join(words[:-count]), country
    return town, None


def district_off(town: str) -> str:
    return _DISTRICT.sub("", town)


@lru_cache(maxsize=1_024)
def after_street(text: str) -> tuple[str, str]:
    """(street, town) of a text that has both without a sign between: `440 Hall of Fame Avenue Springfield`."""
    if not any(map(str.isdigit, text)):
        return "", ""
    known = table()
    for surely in (True, False):
        ends = [
            match.end()
            for match in WORDS.finditer(text[:160])
            if (word := match[0].casefold().rstrip(".")) in known.street_words
            and len(word) > 1
            and not (surely and word in known.ambiguous)
            and any(map(str.isdigit, text[: match.start()]))
        ]
        for end in reversed(ends):
            street, town = _rooms_taken(text[:end], text[end:].strip(" ,.-"))
            if found := whole(town):
                return street, found
    words = text.rsplit(" ", 3)
    for count in range(1, min(3, len(words) - 1) + 1):  # `HaBarzel 3 Tel Aviv`
        if _NUMBERED.match(words[-count - 1].rpartition(" ")[2]) and text[0].isalpha():
            town = " ".join(words[-count:])
            return (text[: -len(town)].strip(), town) if whole(town) else ("", "")
    return "", ""


def _rooms_taken(street: str, town: str) -> tuple[str, str]:
    """The room and the direction between a street and a town go to the street: `Main St N Suite 4 | Dallas`."""
    for pattern in (_DIRECTION, ROOM):
        if (match := pattern.match(town)) and match.end() < len(town):
            street, town = f"{street} {match[0].strip()}", town[match.end() :].strip(" ,.-")
    return street, town


def is_region(text: str, countries: tuple[str, ...]) -> str | None:
    """The region that a whole text names in one of the countries, as it is kept: `Colorado` → `CO`."""
    text = text.strip(" ().,-/")
    if not 1 < len(text) <= 50 or any(map(str.isdigit, text)):
        return None
    known = table()
    at = known.regions.get(folded(text), frozenset())
    for country in countries:
        if country in at and (len(text) > 3 or text[0].isupper()):
            return known.formats[country].regions[folded(text)]
    return text if text.lower().endswith(_REGION_ENDS) or _REGION.match(text) else None


def region_behind(text: str, countries: tuple[str, ...]) -> tuple[str, str | None]:
    """(rest, region) of a text that ends with a region: `Sydney NSW`, `Murano (VE)`, `São Paulo/SP`."""
    bracket = re.search(r"[\s(/]\(?([^()/]{2,40})\)?\s*\Z", text) if text[-1:] == ")" or "/" in text else None
    if bracket and (region := is_region(bracket[1], countries)):
        return text[: bracket.start()].strip(" ,.-/("), region
    words = text.split(" ")
    for count in (3, 2, 1):
        if len(words) > count and (region := is_region(" ".join(words[-count:]), countries)):
            tail = " ".join(words[-count:])
            if words[-count - 1].casefold() in _PREFIXES or (len(tail) > 3 and words[-count - 1].casefold() in _INNER):
                continue
            return " ".join(words[:-count]).strip(" ,.-/("), region
    return text, None
