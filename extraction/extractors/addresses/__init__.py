"""Postal addresses: what a page declares first, then what stands in its lines in the format of some country.

`reader` finds them in lines of text by `formats.toml`; `declared` takes those of structured data; `settling` decides
which one is the head office's and which are other offices.
"""

from __future__ import annotations

from collections.abc import Iterator

from extraction.document import Document
from extraction.extractors import countries
from extraction.extractors.addresses.declared import declared_addresses
from extraction.extractors.addresses.formats import is_postcode
from extraction.extractors.addresses.parts import PARTS, Address, address_of, written
from extraction.extractors.addresses.reader import Reader
from extraction.extractors.addresses.settling import offices, settle
from extraction.findings import Finding
from extraction.text import squash

__all__ = ["MAX_ADDRESSES", "PARTS", "find", "is_postcode", "offices", "settle", "written"]

#: Addresses taken from one page.
MAX_ADDRESSES = 40
#: Lines of an address above its code's that may name the company, their length, and the shortest name told.
LINES_ABOVE = 5
MAX_NAMING = 200
MIN_CORE = 4


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `address`; the value is a mapping of `PARTS` and whether it is called the head office's."""
    seen: set[str] = set()
    for finding in _candidates(page):
        key = key_of(finding.value)
        if key and key not in seen:
            seen.add(key)
            yield finding
            if len(seen) >= MAX_ADDRESSES:
                return


def key_of(address: Address) -> str:
    """What two writings of one address have in common on one page."""
    return squash(" ".join(filter(None, (address["street"], address["postcode"], address["city"]))))


def _candidates(page: Document) -> Iterator[Finding]:
    yield from declared_addresses(page, home_of(page))
    weight = 0.85 if page.kind in ("imprint", "contact") else 0.7
    method = "imprint" if page.kind == "imprint" else "text"
    above = -1
    for reading in Reader(page.lines, home_of(page), page.digit_lines).read():
        sure = weight if reading.street else weight - 0.25
        named = _is_named(page, reading.street, max(above + 1, reading.line - LINES_ABOVE), reading.line)
        above = reading.line
        yield page.found("address", {**address_of(reading), "named": named}, method, sure, line=reading.line)


def _is_named(page: Document, street: str, first: int, last: int) -> bool:
    """Whether the lines of an address, or the one above its street, have the company's name as its domain has it."""
    core, begins = page.core, street[:8]
    if len(core) < MIN_CORE:
        return False
    start = next((at for at in range(last, first - 1, -1) if begins in page.lines[at]), last)
    return any(core in squash(line[:MAX_NAMING]) for line in page.lines[max(first, start - 1) : last + 1])


def home_of(page: Document) -> tuple[str, ...]:
    """The countries that a page's domain and language point to, surest first."""
    language, _, place = page.html_lang.replace("_", "-").partition("-")
    told = (
        countries.from_domain(page.domain),
        countries.country_code(place) if len(place) == 2 else None,
        countries.from_language(language),
        *countries.speaking(language),
    )
    return tuple(dict.fromkeys(country for country in told if country))
