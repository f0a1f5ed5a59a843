"""Which fields were found, and in how many leads."""
# ruff: noqa: S608  the source is built by reports.rows; the conditions are fixed text

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reports.figures import Bar, figure
from reports.final_rows import GOOD, FinalRows, share
from reports.wording import counted, percent

#: A field that more than this share of the leads lack is worth a warning.
MISSING = 0.25
_WATCHED = {"emails": "no e-mail address", "phones": "no phone number", "industry": "no known industry"}

#: Fields whose presence is counted, with the words for them.
FIELDS: dict[str, tuple[str, str]] = {
    "name": ("name", "coalesce(name, '') <> ''"),
    "emails": ("e-mail", "len(emails) > 0"),
    "phones": ("phone", "len(phones) > 0"),
    "address": ("address", "coalesce(address.street, address.city, address.postcode) IS NOT NULL"),
    "country": ("country", "country IS NOT NULL"),
    "industry": ("industry", "industry IS NOT NULL"),
    "employees": ("company size", "coalesce(employees_min, employees_max) IS NOT NULL"),
    "technologies": ("technologies", "len(technologies) > 0"),
    "social": ("social network", "cardinality(social) > 0"),
    "description": ("description", "coalesce(description, '') <> ''"),
    "legal_name": ("legal name", "legal_name IS NOT NULL"),
    "vat_id": ("VAT number", "vat_id IS NOT NULL"),
    "register": ("register number", "register IS NOT NULL"),
    "founded": ("founding year", "founded IS NOT NULL"),
    "contact_url": ("contact page", "contact_url IS NOT NULL"),
    "careers_url": ("careers page", "careers_url IS NOT NULL"),
    "pricing_url": ("pricing page", "pricing_url IS NOT NULL"),
}


def _query(rows: FinalRows) -> list[dict[str, Any]]:
    counts = ", ".join(f"count(*) FILTER ({GOOD} AND {has}) AS {field}" for field, (_, has) in FIELDS.items())
    (found,) = rows.ask(f"SELECT {counts} FROM {rows.source}")
    return [
        {"field": field, "label": label, "found": found[field], "share": share(found[field], rows.leads)}
        for field, (label, _) in FIELDS.items()
    ]


def _bars(fields: list[dict[str, Any]]) -> list[Bar]:
    return [(field["label"], field["found"], percent(field["share"])) for field in fields]


def _warnings(analysis: Mapping[str, Any]) -> Iterable[str]:
    found = {field["field"]: field["share"] for field in analysis["fields"]}
    gaps = sorted(((1 - found[field], words) for field, words in _WATCHED.items()), reverse=True)
    yield from (f"{percent(gap)} have {words}." for gap, words in gaps if gap > MISSING)
    totals = analysis["totals"]
    unreachable = totals["leads"] - totals["reachable"]
    if unreachable:
        verb = "has" if unreachable == 1 else "have"
        yield f"{counted(unreachable, 'lead', 'leads')} {verb} neither e-mail nor phone."


SECTION = figure(
    "fields",
    position=31,
    report_types=("comprehensive", "summary", "quality"),
    title="What was found",
    column="Field",
    query=_query,
    bars=_bars,
    warnings=_warnings,
    severity=80,
    table=lambda fields: [("Field", "Found", "Share"), *_bars(fields)],
)
