"""What is told of a company, in which words, and its values as people read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from api.empty_fields import is_empty
from reports import display_names

#: Columns by the part of the page that they stand in, with their words.
SECTIONS = {
    "How to reach it": {
        "emails": "E-mail", "phones": "Phone", "fax": "Fax", "address": "Address", "contact_url": "Contact page",
        "social": "Profiles",
    },
    "Who it is": {
        "legal_name": "Legal name", "industry": "Industry", "employees_min": "People", "founded": "Founded",
        "country": "Country", "language": "Language", "vat_id": "VAT number", "register": "Register",
        "careers_url": "Careers", "pricing_url": "Prices", "alias": "Also under",
    },
    "What it runs on": {"technologies": "Technologies"},
}  # fmt: skip
#: Every column that is told, by its words; in the order in which changes from one run to the next are.
WORDS = {"score": "Score", "tier": "Tier", "name": "Name", "description": "Description"} | {
    name: words for fields in SECTIONS.values() for name, words in fields.items()
}


def values_of(row: Mapping[str, Any], name: str) -> list[str]:
    """A field as people read it, each value as a text."""
    value: Any = row.get(name)
    if name == "employees_min":
        return _people(value, row.get("employees_max"))
    if is_empty(value):
        return []
    if name == "address":
        land = value.get("country") or row.get("country")
        parts = [*(value.get(part) for part in ("street", "postcode", "city", "region")), land and _land(land)]
        value = ", ".join(filter(None, parts))
    elif name in _SAID:
        value = _SAID[name](value)
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _people(least: int | None, most: int | None) -> list[str]:
    if least is None and most is None:
        return []
    return [f"{least}" if least == most else f"{least} or more" if most is None else f"{least or 1} to {most}"]


_land = display_names.country
_SAID: Mapping[str, Callable[[Any], Any]] = {
    "register": lambda one: ", ".join(filter(None, (one.get(part) for part in ("number", "court")))),
    "score": lambda one: f"{round(one, 1):g}",
    "country": _land,
    "language": display_names.language,
    "social": lambda one: [url for _, url in sorted(one.items())],
}
