"""What a page declares about itself: JSON-LD read tolerantly, and the basics of microdata.

Real JSON-LD comes with comments, CDATA, control characters, trailing commas and braces too many; a
reader that insists on JSON loses one page in twenty. Sizes and depths are bounded throughout.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.text import clean

#: Longest JSON-LD script read, characters, and entities taken from a page.
MAX_SCRIPT = 300_000
MAX_ITEMS = 300
MAX_NESTING = 40
MAX_VALUE = 2_000
#: Values of one property that are looked at.
MAX_VALUES = 50

_WRAPPERS = re.compile(r"<!--|-->|<!\[CDATA\[|\]\]>|/\*\s*\*/")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
#: A string. One that is never closed goes on to the end, as a comment does: a pattern that looked for the end, did
#: not find it and began again at the next quote would take a time that is quadratic in the script's length.
_STRING = r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)'
#: Strings are matched so that what looks like a comment inside one is left alone (`"http://…"`).
_COMMENTS = re.compile(_STRING + r"|/\*(?:[^*]++|\*(?!/))*+(?:\*/|\Z)|//[^\n]*+", re.DOTALL)
_TRAILING = re.compile(_STRING + r"|,(?=\s*+[}\]])", re.DOTALL)
_DOUBLED = re.compile(_STRING + r"|,(?:\s*+,)++", re.DOTALL)
_BRACES = re.compile(_STRING + r"|[{}\[\]]", re.DOTALL)
_LEADING = re.compile(r"[\s,;]*+")
#: A backslash before what JSON cannot escape.
_BAD_ESCAPE = re.compile(r'\\(?!["\\/bfnrtu])')

#: Types that stand for the company itself, most telling first. Sub-types of LocalBusiness are many: by suffix too.
ORGANIZATION = frozenset(
    "organization corporation localbusiness store onlinestore onlinebusiness ngo professionalservice "
    "hotel restaurant "
    "medicalbusiness medicalclinic medicalorganization dentist physician attorney legalservice "
    "autodealer autorepair "
    "homeandconstructionbusiness generalcontractor plumber electrician roofingcontractor "
    "hvacbusiness locksmith "
    "financialservice insuranceagency accountingservice bankorcreditunion realestateagent travelagency "
    "educationalorganization school collegeoruniversity newsmediaorganization airline library "
    "entertainmentbusiness "
    "foodestablishment bakery cafeorcoffeeshop barorpub lodgingbusiness resort "
    "healthandbeautybusiness beautysalon "
    "dayspa hairsalon sportsactivitylocation exercisegym employmentagency furniturestore homegoodsstore "
    "electronicsstore clothingstore jewelrystore hardwarestore bikestore booksstore movingcompany "
    "housepainter "
    "automotivebusiness emergencyservice governmentorganization performinggroup sportsorganization "
    "brand".split()
)


class Item(NamedTuple):
    """One declared entity: its types in lower case without namespace, its properties, and where it was declared."""

    types: frozenset[str]
    properties: dict[str, Any]
    method: str
    #: Nested in another entity (the publisher of an article, the seller of an offer).
    nested: bool

    @property
    def is_organization(self) -> bool:
        return not self.types.isdisjoint(ORGANIZATION)

    def texts(self, name: str) -> list[str]:
        """The property's values that are text (or numbers, or the name of an entity), cleaned."""
        values = self.properties.get(name)
        found = []
        for value in values if isinstance(values, list) else [values]:
            inner = value.get("@value", value.get("name")) if isinstance(value, dict) else value
            if isinstance(inner, (str, int, float)) and not isinstance(inner, bool):
                text = clean(html.unescape(str(inner)[: MAX_VALUE * 2]), MAX_VALUE)
                if text:
                    found.append(text)
            if len(found) >= MAX_VALUES:
                break
        return found

    def first(self, name: str) -> str | None:
        """The first of `texts`."""
        return next(iter(self.texts(name)), None)

    def parts(self, name: str) -> list[dict[str, Any]]:
        """The property's values that are entities themselves."""
        values = self.properties.get(name)
        parts = (value for value in (values if isinstance(values, list) else [values]) if isinstance(value, dict))
        return list(islice(parts, MAX_VALUES))

    def inner(self, properties: dict[str, Any]) -> Item:
        """One of `parts`, to read its own properties."""
        return Item(frozenset(), properties, "", nested=True)


def read_json_ld(script: str) -> list[Item]:
    """All entities of a JSON-LD script, `@graph` and nested ones included; broken beyond repair gives none."""
    items: list[Item] = []
    for value in _loads(script[:MAX_SCRIPT]):
        for item in _entities(value, nested=False, depth=0):
            items.append(item)
            if len(items) >= MAX_ITEMS:
                return items
    return items


def _entities(value: Any, *, nested: bool, depth: int) -> Iterator[Item]:
    if depth > MAX_NESTING:
        return
    if isinstance(value, list):
        for member in value[:MAX_ITEMS]:
            yield from _entities(member, nested=nested, depth=depth + 1)
    elif isinstance(value, dict):
        kinds = value.get("@type", value.get("type"))
        names = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if isinstance(kind, str)]
        if names:
            types = frozenset(re.split(r"[/#:]", name[:200])[-1].lower() for name in names[:20])
            yield Item(types, value, "json-ld", nested)
        for key, member in list(value.items())[:200]:
            if isinstance(member, (dict, list)):
                yield from _entities(member, nested=nested or (bool(names) and key != "@graph"), depth=depth + 1)


def _loads(script: str) -> list[Any]:
    """The values of a script: as JSON, else mended step by step, else its leading values."""
    if '"' not in script and "&quot;" in script:
        script = _unescaped(script)
    text = _WRAPPERS.sub(" ", script).strip().rstrip(";").strip()
    for mended in _mendings(text):
        try:
            return [json.loads(mended, strict=False)]
        except (ValueError, RecursionError):
            continue
    return list(_leading_values(mended)) if text else []


def _unescaped(script: str) -> str:
    try:
        return html.unescape(script)
    except ValueError:  # a character reference of more digits than Python reads
        return script


def _mendings(text: str) -> Iterator[str]:
    yield text
    text = _COMMENTS.sub(lambda match: match[0] if match[0][0] == '"' else " ", text)
    text = _CONTROLS.sub(" ", text)
    yield text
    text = _DOUBLED.sub(lambda match: match[0] if match[0][0] == '"' else ",", text)
    text = _TRAILING.sub(lambda match: match[0] if match[0][0] == '"' else "", text)
    text = _BAD_ESCAPE.sub("", text)
    yield text
    # A brace that was never closed: the page was cut, or its author miscounted.
    yield text + _missing_ends(text)


def _missing_ends(text: str) -> str:
    ends: list[str] = []
    for match in _BRACES.finditer(text):
        sign = match[0]
        if sign in "{[":
            ends.append("}" if sign == "{" else "]")
            if len(ends) > MAX_NESTING:
                return ""
        elif sign in "}]" and ends:
            ends.pop()
    return "".join(reversed(ends))


def _leading_values(text: str) -> Iterator[Any]:
    """Values one after the other, until one cannot be read: trailing braces, two objects without an array."""
    decoder = json.JSONDecoder(strict=False)
    position = 0
    for _ in range(20):
        match = _LEADING.match(text, position)
        position = match.end() if match else position
        if text[position : position + 1] not in ("{", "["):
            return
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            return
        yield value


def read_microdata(tree: LexborHTMLParser) -> list[Item]:
    """Organizations of schema.org microdata with their own properties and those of their address."""
    items = []
    for scope in tree.css("[itemscope][itemtype]")[:50]:
        types = frozenset(
            kind.rstrip("/").rsplit("/", 1)[-1].lower() for kind in (scope.attrs.get("itemtype") or "")[:400].split()
        )
        if types.isdisjoint(ORGANIZATION) and "postaladdress" not in types:
            continue
        properties: dict[str, Any] = {}
        address: dict[str, Any] = {}
        for node in scope.css("[itemprop]")[:60]:
            name = (node.attrs.get("itemprop") or "")[:60]
            target = address if name in _ADDRESS_PROPERTIES else properties
            if "itemscope" not in node.attrs:
                target.setdefault(name, _microdata_value(node))
        if address:
            properties["address"] = address
        items.append(Item(types, properties, "microdata", nested="itemprop" in scope.attrs))
    return items


_ADDRESS_PROPERTIES = frozenset(("streetAddress", "addressLocality", "addressRegion", "postalCode", "addressCountry"))


def _microdata_value(node: LexborNode) -> str:
    attributes = node.attrs
    value = attributes.get("content") or attributes.get("datetime")
    if not value and node.tag in ("a", "link"):
        value = attributes.get("href")
        if value and value[:4].lower() == "tel:":
            value = value[4:]
    elif not value and node.tag in ("img", "source"):
        value = attributes.get("src")
    return clean(value or node.text(separator=" "), MAX_VALUE)
