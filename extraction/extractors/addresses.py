"""Postal addresses: declared ones first, then those that a country's postcode rule finds in the text.

A rule names a country only where its pattern can be no other's (US state + ZIP, British and Canadian
codes); five-digit codes need a street beside them and take their country from the company.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from extraction.document import Document
from extraction.extractors.countries import country_code, country_named
from extraction.findings import Finding
from extraction.structured import Node
from extraction.text import clean, squash

PARTS = ("street", "city", "region", "postcode", "country")
#: Longest part, characters; addresses taken from one page; longest line looked at.
MAX_PART = 120
MAX_ADDRESSES = 12
MAX_LINE = 320
#: Lines with something like a postcode that are looked at closely on one page.
MAX_LOOKED = 300

_DIGIT = re.compile(r"\d|〒")
_HINT = re.compile(r"(?<!\d)\d{4,5}(?!\d)|\d\s{0,2}[A-Z]{2}\b|\d[A-Z][ -]?\d|\d{2}-\d{3}|\d{3}[ -]\d{2}|〒")
_STATE_NAMES = dict(
    pair.split(":")
    for pair in (
        "Alabama:AL,Alaska:AK,Arizona:AZ,Arkansas:AR,California:CA,Colorado:CO,Connecticut:CT,Delaware:DE,"
        "Florida:FL,Georgia:GA,Hawaii:HI,Idaho:ID,Illinois:IL,Indiana:IN,Iowa:IA,Kansas:KS,Kentucky:KY,"
        "Louisiana:LA,Maine:ME,Maryland:MD,Massachusetts:MA,Michigan:MI,Minnesota:MN,Mississippi:MS,Missouri:MO,"
        "Montana:MT,Nebraska:NE,Nevada:NV,New Hampshire:NH,New Jersey:NJ,New Mexico:NM,New York:NY,"
        "North Carolina:NC,North Dakota:ND,Ohio:OH,Oklahoma:OK,Oregon:OR,Pennsylvania:PA,Rhode Island:RI,"
        "South Carolina:SC,South Dakota:SD,Tennessee:TN,Texas:TX,Utah:UT,Vermont:VT,Virginia:VA,Washington:WA,"
        "West Virginia:WV,Wisconsin:WI,Wyoming:WY"
    ).split(",")
)
_STATES = "|".join([*_STATE_NAMES.values(), "DC", "PR"])
#: Begins at a word only and gives no letter back: linear on any text.
_CITY = (
    r"(?<!\w)[A-ZÀ-ÖØ-ÞŚŁŻŹČŠŽ][\w.'’]*+(?:[ -](?:[A-ZÀ-ÖØ-Þ][\w.'’]*+|am|an|der|den|im|in|de|la|le|les|"
    r"sur|sous|bei|ob|upon|on|of|del|di|aan|en|d'[A-Z]\w*)){0,4}"
)


class _Rule(NamedTuple):
    """How a country writes the line with the postcode. `country` None: several write it so."""

    country: str | None
    pattern: re.Pattern[str]
    #: The code alone is proof; else a street must stand before it.
    sure: bool
    #: What the code looks like: cheap to look for, and spares most lines the pattern.
    code: re.Pattern[str]


_FIVE = re.compile(r"(?<!\d)\d{5}(?!\d)")
_FOUR = re.compile(r"(?<!\d)\d{4}(?!\d)")
_CA_CODE = re.compile(r"[A-Z]\d[A-Z][ -]?\d[A-Z]\d")
_GB_CODE = re.compile(r"\d[A-Z]? {1,2}\d[A-Z]{2}\b")
_NL_CODE = re.compile(r"\d{4}\s?[A-Z]{2}\b")
_PL_CODE = re.compile(r"\d\d-\d{3}")
_PT_CODE = re.compile(r"\d{4}-\d{3}")
_SE_CODE = re.compile(r"\d{3} \d\d\b")
_JP_CODE = re.compile("〒")
_CA_PROVINCES = (
    "AB|BC|MB|NB|NL|NS|NT|NU|ON|PE|QC|SK|YT|Ontario|Quebec|Québec|Alberta|British Columbia|Manitoba|Saskatchewan|"
    "Nova Scotia|New Brunswick"
)
#: Code, prefecture, town and the rest in one run: `〒392-0099 長野県諏訪市見本町9-99`.
_JP_ADDRESS = (
    r"〒\s?(?P<postcode>\d{3}-\d{4})\s?(?P<region>東京都|北海道|(?:京都|大阪)府|[^\s\d]{2,3}県)?"
    r"(?P<city>[^\s\d]{1,6}?[市区町村]市?|[^\s\d]{0,20})(?P<rest>[^\s、,　]{1,30})?"
)
_GB_POSTCODE = (
    r"\b(?:GIR ?0AA|[A-PR-UWYZ](?:[0-9]{1,2}|[A-HK-Y][0-9]{1,2}|[0-9][A-HJKPSTUW]|[A-HK-Y][0-9][ABEHMNPRVWXY])"
    r"\s{1,2}[0-9][ABD-HJLNP-UW-Z]{2})\b"
)


def _after_city(region: str, postcode: str) -> re.Pattern[str]:
    """City, region, postcode: `Fort Collins, CO 80525`."""
    return re.compile(
        rf"(?P<city>{_CITY})\s?,?\s{{1,2}}\(?(?P<region>{region})\)?\.?,?\s{{1,3}}(?P<postcode>{postcode})"
    )


def _before_city(postcode: str, mark: str = "") -> re.Pattern[str]:
    """Postcode, city, with the country's mark before: `D-80331 München`."""
    return re.compile(rf"(?<![\w.,:/-]){mark}(?P<postcode>{postcode})\s{{1,3}}(?P<city>{_CITY})")


_RULES = (
    _Rule("US", _after_city(f"(?:{_STATES})|{'|'.join(_STATE_NAMES)}", r"\d{5}(?:-\d{4})?(?![\d-])"), True, _FIVE),
    _Rule("CA", _after_city(_CA_PROVINCES, r"[ABCEGHJ-NPRSTVXY]\d[A-Z][ -]?\d[A-Z]\d\b"), True, _CA_CODE),
    _Rule("GB", re.compile(rf"(?:(?P<city>{_CITY})[\s,.]{{1,3}})?(?P<postcode>{_GB_POSTCODE})"), True, _GB_CODE),
    _Rule("AU", _after_city("NSW|VIC|QLD|SA|WA|TAS|ACT|NT|Vic|Qld", r"\d{4}(?!\d)"), True, _FOUR),
    _Rule("NL", _before_city(r"[1-9]\d{3}\s?[A-Z]{2}", "(?:NL-)?"), False, _NL_CODE),
    _Rule("PL", _before_city(r"\d\d-\d{3}", "(?:PL-)?"), False, _PL_CODE),
    _Rule("PT", _before_city(r"\d{4}-\d{3}"), False, _PT_CODE),
    _Rule("SE", _before_city(r"[1-9]\d\d\s\d\d", "(?:SE?-)?"), False, _SE_CODE),
    _Rule("JP", re.compile(_JP_ADDRESS), True, _JP_CODE),
    _Rule(None, _before_city(r"\d{5}", r"(?:(?P<mark>DE|D|FR|F|IT|I|ES|E|AT|A|CH|BE|B|DK|L)[ -]\s?)?"), False, _FIVE),
    _Rule(None, _before_city(r"[1-9]\d{3}", r"(?P<mark>AT|A|CH|BE|B|DK|L|LU|NO|N)[ -]\s?"), False, _FOUR),
    # A bare number of four digits that looks like a year is taken for one.
    _Rule(None, _before_city(r"(?!19\d\d|20\d\d)[1-9]\d{3}"), False, _FOUR),
)
_MARKS = {"D": "DE", "F": "FR", "I": "IT", "E": "ES", "A": "AT", "B": "BE", "L": "LU", "N": "NO"}
_FOUR_DIGITS = frozenset(("AT", "CH", "BE", "DK", "NO", "LU", "AU", "NZ", "HU", "SI", "BG", "LI"))
_FIVE_DIGITS = frozenset(
    ("DE", "FR", "IT", "ES", "FI", "EE", "GR", "TR", "MX", "HR", "UA", "LT", "MY", "TH", "ID", "KR", "MC")
)
_STREET = re.compile(
    r"\b(?:street|str\.?|st\.?|road|rd\.?|avenue|ave\.?|av\.?|boulevard|blvd\.?|drive|dr\.?|lane|"
    r"ln\.?|way|court|ct\.?|circle|parkway|pkwy\.?|highway|hwy\.?|place|plaza|square|sq\.?|suite|"
    r"ste\.?|"
    r"terrace|close|crescent|cres\.?|estate|park|house|building|unit|floor|freeway|fwy|loop|trail|"
    r"pike|turnpike|route|rt\.?|box|broadway|mews|row|yard|wharf|hill|gardens|grove|"
    r"rue|chemin|allée|allee|quai|impasse|cours|via|viale|piazza|corso|calle|carrer|paseo|plaza|"
    r"avenida|avda\.?|rua|praça|ulica|ul\.?|platz|weg|gasse|ring|damm|ufer|allee|laan|plein|kade|gata|"
    r"gatan|vägen|vej|gade)\b"
    r"|(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|ring|damm|ufer|straat|laan|weg|plein|kade|gracht|"
    r"gatan|vägen|vej|gade|tie|katu)\s\d",
    re.IGNORECASE,
)
#: What stands before a house number and is none of the street: a firm's name, a label, a sentence.
_LEAD = re.compile(
    r"^(?!(?:p\.?\s?o\.?\s)?(?:box|suite|ste|unit|floor|flat|level|shop|apt|building|no\.?|"
    r"pmb)\b)[^\d]{2,80}?[\s:,.]\s?(?=\d{1,6}[A-Za-z]?\s+(?:[NSEW]\.?\s|[A-Z]|\d+(?:st|nd|rd|th)\b))",
    re.IGNORECASE,
)
#: The firm's name with its legal form before its street: `Acme S.A. Paseo del Prado 1`.
_FIRM = re.compile(
    r"^.{2,80}?\b(?:GmbH(?:\s?&\s?Co\.?\s?KG)?|AG|KG|e\.\s?K\.|S\.\s?A\.(?:\s?U\.)?|S\.\s?L\.(?:\s?U\.)?|SARL|SAS|S\.?r\.?l\.|"
    r"S\.?p\.?A\.|B\.?V\.|Lda\.|Ltda\.|Sp\. z o\.o\.|AB|ApS|A/S|Oy|Ltd\.?|Limited|LLP|LLC|Inc\.)[\s,.·•|–-]{1,4}(?=\S)"
)
#: What follows a town in the same breath and is none of it: `Madrid. Tel.`; the dot of `St. Gallen` is short.
_AFTER_CITY = re.compile(r"(?<=\w{4})\.(?:\s.*)?$|\s(?:Tel|Tél|Telefon|Fon|Fax|Phone)\b.*$")
_ROOM = re.compile(r"^(?:suite|ste\.?|unit|floor|flat|level|apt\.?|#)\s?#?[\w-]{1,8}$", re.IGNORECASE)
_TAIL_LABEL = re.compile(
    r"^.{0,60}?(?:address|adresse|anschrift|office|headquarters|location|visit us|dirección|indirizzo|"
    r"adres)s?\s?[:\-–]\s",
    re.IGNORECASE,
)


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `address`; the value is a mapping of `PARTS` (country None where the page does not say)."""
    count = 0
    seen: set[str] = set()
    for address, method, confidence, place in _candidates(page):
        key = squash(" ".join(filter(None, (address["street"], address["postcode"], address["city"]))))
        if key and key not in seen:
            seen.add(key)
            line, node = (None, place) if isinstance(place, str) else (place, "")
            yield page.found("address", address, method, confidence, line=line, node=node)
            count += 1
            if count >= MAX_ADDRESSES:
                return


def _candidates(page: Document) -> Iterator[tuple[dict[str, Any], str, float, int | str]]:
    """(address, method, how surely, its line or declared node)."""
    for located in page.graph.addresses:
        node = located.node
        declared = _declared(located.value)
        if declared and (declared["city"] or declared["postcode"] or declared["street"]):
            yield declared, node.method, 0.7 if located.loose else 0.85 if located.branch else 0.95, node.id
    weight = 0.85 if page.kind in ("imprint", "contact") else 0.7
    before: list[str] = []
    looked = 0
    for place, line in enumerate(page.lines):
        if len(line) <= MAX_LINE and _DIGIT.search(line) and _HINT.search(line) and looked < MAX_LOOKED:
            looked += 1
            address = _in_line(line, before)
            if address:
                yield (
                    address,
                    "imprint" if page.kind == "imprint" else "text",
                    weight if address["street"] else weight - 0.25,
                    place,
                )
        before = [*before[-2:], line]


def _declared(value: Node | str) -> dict[str, Any] | None:
    if isinstance(value, str):
        return None

    def part(name: str) -> str | None:
        return (value.first(name) or "")[:MAX_PART] or None

    return {
        "street": part("streetAddress"),
        "city": part("addressLocality"),
        "region": part("addressRegion"),
        "postcode": (part("postalCode") or "")[:20] or None,
        "country": country_code(value.first("addressCountry")),
    }


def _in_line(line: str, before: list[str]) -> dict[str, Any] | None:
    for rule in _RULES:
        match = rule.pattern.search(line) if rule.code.search(line) else None
        if match is None:
            continue
        parts = match.groupdict()
        head = line[: match.start()]
        street = _street(head, before, required=not rule.sure or parts.get("city") is None)
        mark = parts.get("mark")
        if not rule.sure and street is None:
            continue
        city = parts.get("city") or ""
        if rule.country in ("US", "CA", "AU", "GB") and street is None and head.strip(" ,") == "":
            street = _street("", before, required=True)
        street, city = _parted(street, city)
        if not city and rule.country == "GB":
            street, city = _last_part(street)
        if street and rule.country in ("US", "CA"):
            street = _LEAD.sub("", street, count=1)
        street, city = parts.get("rest") or street, _AFTER_CITY.sub("", city)
        tail = line[match.end() :][:40]
        return {
            "street": clean(street, MAX_PART) or None if street else None,
            "city": clean(city, MAX_PART) or None,
            "region": _STATE_NAMES.get(parts.get("region") or "", parts.get("region")),
            "postcode": clean(parts["postcode"], 20),
            "country": rule.country
            or _MARKS.get(mark or "", mark)
            or country_named(re.split(r"[,.|\d]", tail.strip(" ,.-–|"))[0]),
        }
    return None


def _street(head: str, before: list[str], *, required: bool) -> str | None:
    """The street: what stands before on the line, else the lines before when they look like one."""
    head = _FIRM.sub("", _TAIL_LABEL.sub("", head[-160:]), count=1).strip(" ,|•·-–:;")
    if head and any(map(str.isdigit, head)) and (_STREET.search(head) or re.match(r"^\d", head)):
        head = re.split(r"\s[|•·]\s", head)[-1].strip(" ,")
        return f"{above}, {head}" if _ROOM.match(head) and (above := _line_above(before)) else head
    last = head.rpartition(",")[2].strip()
    if last and any(map(str.isdigit, last)) and _looks_like_street(last):
        return last
    for place, line in enumerate(reversed(before[-2:]), start=1):
        text = _TAIL_LABEL.sub("", line[:160]).strip(" ,|•·-–:;")
        if len(text) <= 90 and any(map(str.isdigit, text)) and "@" not in text and _looks_like_street(text):
            above = _line_above(before[:-place]) if _ROOM.match(text) else None
            return f"{above}, {text}" if above else text
    return head if head and not required and len(head) <= 60 and any(map(str.isdigit, head)) else None


def _line_above(before: list[str]) -> str | None:
    text = before[-1].strip(" ,|•·-–:;")[:91] if before else ""
    return text if len(text) <= 90 and any(map(str.isdigit, text)) and _looks_like_street(text) else None


def _looks_like_street(text: str) -> bool:
    if re.search(r"\d{3}[-. ]\d{3,4}|\b(?:tel|phone|fax|call)\b|[©$€£]", text, re.IGNORECASE):
        return False
    return bool(
        _STREET.search(text)
        or re.match(r"^\d{1,5}[a-zA-Z]?,?\s[A-Z]", text)
        or re.match(r"^[A-ZÀ-Þ][\wß-ÿ.'’ -]{3,40}\s\d{1,4}\s?[a-z]?$", text)
    )


def _parted(street: str | None, city: str) -> tuple[str | None, str]:
    """Street and city where the city swallowed the street's end: `440` + `Hall of Fame Avenue Springfield`."""
    if street is None or not re.fullmatch(r"[\dA-Za-z]{0,2}\d+[A-Za-z]?", street):
        return street, city
    ends = [match.end() for match in _STREET.finditer(city) if match.end() < len(city)]
    if not ends:
        return street, city
    return f"{street} {city[: ends[-1]]}", city[ends[-1] :].strip(" ,.")


def _last_part(street: str | None) -> tuple[str | None, str]:
    if street and "," in street:
        rest, _, city = street.rpartition(",")
        return rest.strip(), city.strip()
    return street, ""


def settle(findings: Sequence[Finding], country: str | None) -> Finding | None:
    """The company's one address: the surest and most complete, said on the most pages, first in the page order."""
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        value = finding.value
        code = value["postcode"] or ""
        if value["country"] is None and not is_postcode(code, country):
            continue
        groups[squash(code + (value["street"] or value["city"] or ""))[:40]].append(finding)
    if not groups:
        return None

    def weight(found: list[Finding]) -> float:
        best = max(found, key=lambda f: f.confidence)
        filled = sum(1 for part in PARTS if best.value[part])
        home = 0.15 if country is not None and best.value["country"] == country else 0.0
        return best.confidence + 0.08 * filled + 0.05 * min(4, len({f.page.url for f in found})) + home

    strongest = groups[max(groups, key=lambda key: weight(groups[key]))]
    best = max(strongest, key=lambda f: f.confidence + 0.08 * sum(1 for part in PARTS if f.value[part]))
    value = dict(best.value)
    value["country"] = value["country"] or country
    return best._replace(value=value)


def is_postcode(code: str, country: str | None) -> bool:
    """Whether a bare number may be a postcode of the country; unknown ones accept five digits. What has letters may."""
    digits = len(code)
    if country in _FOUR_DIGITS:
        return digits == 4
    return digits == 5 and (country is None or country in _FIVE_DIGITS) if code.isdigit() else True


def written(address: dict[str, Any]) -> str:
    """The address in one line, as reports show it, with its country."""
    return ", ".join(
        str(address[part]) for part in ("street", "city", "region", "postcode", "country") if address.get(part)
    )
