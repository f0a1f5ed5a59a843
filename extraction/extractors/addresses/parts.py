"""The parts of an address as findings and rows have them."""

from __future__ import annotations

from typing import Any

from extraction.extractors.addresses.window import Reading
from extraction.text import clean

PARTS = ("street", "city", "region", "postcode", "country")
#: Longest part, and longest postcode, characters.
MAX_PART = 120
MAX_CODE = 20
#: A value of `PARTS`, each text or None, and `head_office`: whether the page calls it so.
Address = dict[str, Any]


def address_of(reading: Reading) -> Address:
    """A reading of text as a finding's value."""
    return {
        "street": clean(reading.street, MAX_PART) or None,
        "city": clean(reading.city, MAX_PART) or None,
        "region": clean(reading.region, MAX_PART) or None,
        "postcode": clean(reading.postcode, MAX_CODE) or None,
        "country": reading.country or None,
        "head_office": reading.head,
    }


def written(address: Address) -> str:
    """The address in one line, as reports show it, with its country."""
    return ", ".join(
        str(address[part]) for part in ("street", "city", "region", "postcode", "country") if address.get(part)
    )
