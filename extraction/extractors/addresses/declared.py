"""Addresses that a page declares: as a node with its parts, or as one text, which is read as text is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from extraction.document import Document
from extraction.extractors.addresses.formats import code_form, countries_of, folded, table
from extraction.extractors.addresses.parts import MAX_CODE, MAX_PART, Address, address_of
from extraction.extractors.addresses.reader import Reader
from extraction.extractors.countries import country_code, country_named
from extraction.findings import Finding
from extraction.structured import Node

#: Longest address given as one text, characters.
_MAX_TEXT = 400
_CODE_AHEAD = re.compile(r"((?:[A-Z]{1,2}-)?\d{4,5}(?: [A-Z]{2})?|\d{3} \d\d|\d\d-\d{3}|\d{4}-\d{3})\s+(?=[^\W\d_])")
_BREAK = re.compile(r"\s?<br\s?/?>\s?", re.IGNORECASE)


def declared_addresses(page: Document, home: tuple[str, ...]) -> Iterator[Finding]:
    """Findings of field `address` from what a page declares of the company and its branches."""
    for located in page.graph.addresses:
        value = located.value
        address = of_text(value, home) if isinstance(value, str) else _of_node(value, home)
        if address and (address["city"] or address["postcode"] or address["street"]):
            confidence = 0.7 if located.loose else 0.85 if located.branch else 0.95
            yield page.declared("address", address, located.node, confidence, value if isinstance(value, str) else "")


def _of_node(node: Node, home: tuple[str, ...]) -> Address:
    def part(name: str) -> str | None:
        return _BREAK.sub(", ", node.first(name) or "")[:MAX_PART] or None

    address: Address = {
        "street": part("streetAddress"),
        "city": part("addressLocality"),
        "region": part("addressRegion"),
        "postcode": (part("postalCode") or "")[:MAX_CODE] or None,
        "country": country_code(node.first("addressCountry")),
        "head_office": False,
    }
    address = _in_its_parts(address, home)
    told = address["street"] or node.first("name")
    if told and not (address["city"] or address["postcode"]):
        # The whole address in the street's place, or as what the node is called.
        read = of_text(told, home)
        return {**address, **{name: value for name, value in read.items() if value}} if read else address
    return address


def _in_its_parts(address: Address, home: tuple[str, ...]) -> Address:
    """The address with what stands in the wrong part moved: `Paris, France`, `F-75002`; its country by its region."""
    city, code, country = address["city"], address["postcode"], address["country"]
    town, _, last = (city or "").rpartition(",")
    if town and (said := country_named(last.strip())):
        city, country = town.strip(), country or said
    if not code and city and (ahead := _CODE_AHEAD.match(city)) and countries_of(ahead[1]):
        code, city = ahead[1], city[ahead.end() :]  # `20457 Hamburg`
    mark, _, bare = (code or "").partition("-")
    if mark in table().marks and code_form(bare).strip("9 ") == "":
        country = country or table().marks[mark]
        code = bare if not table().formats[table().marks[mark]].always_marked else code
    if country is None and code and address["region"]:
        homes = table().regions.get(folded(address["region"]), frozenset()).intersection(countries_of(code))
        # `CA` with five digits may be Cagliari as well, on a site that points to Italy.
        likely = (*home, *(homes if len(homes) == 1 else ()), "US")
        country = next((one for one in likely if one in homes), None)
    return {**address, "city": city, "postcode": code, "country": country}


def of_text(text: str, home: tuple[str, ...]) -> Address | None:
    """The address that a text is, or None."""
    lines = [line for line in _BREAK.sub("\n", text[:_MAX_TEXT]).replace("\\n", "\n").splitlines() if line.strip()]
    reading = next(Reader(lines, home).read(), None)
    return address_of(reading) if reading else None
