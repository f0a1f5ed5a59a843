"""The fields of a lead that a column of a table can be made of: a closed set, each as a DuckDB expression.

These are the final columns (lists, maps and structs as short readable text) and what is derived of them: the first
address and number, the parts of the postal address, the country's name. What an input file brought is not among them
(see `reports.input_columns`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import pyarrow as pa
from iso3166 import countries_by_alpha2

from data.schemas import STAGE_SCHEMAS
from reports import display_names
from reports.input_columns import INPUT
from reports.rows import name, quote

#: Columns that no cell of a table tells: the input's have columns of their own, and what was not taken for the company
#: (another firm's number, say) must not be found beside what was.
_NOT_TOLD = (INPUT, "candidates")
#: Facts told in one cell, and characters of each one's value.
_FACTS = 40
_FACT_TEXT = 120
#: Reasons told as `why`, those of most weight first.
_REASONS = 4
_PHONE = "phone_as_written"


@dataclass(frozen=True)
class LeadField:
    """One field: an expression over the final columns and `rank`, and what it yields. An empty text is none."""

    sql: str
    kind: Literal["text", "number", "time", "flag"] = "text"


@cache
def lead_fields() -> dict[str, LeadField]:
    """Every field by its name: the final columns in their order, then those derived of them."""
    columns = {field.name: _of_column(field) for field in STAGE_SCHEMAS["score"] if field.name not in _NOT_TOLD}
    return {**columns, **_derived()}


def final_columns() -> list[str]:
    """The names of those fields that are final columns."""
    return [column for column in STAGE_SCHEMAS["score"].names if column not in _NOT_TOLD]


def prepare(con: Any) -> None:
    """Make the functions known that fields need, to the database of this connection; cheap to call again.

    The connection must outlive every query: DuckDB calls into nowhere once the one that made a function is closed.
    """
    import duckdb

    with suppress(duckdb.NotImplementedException, duckdb.CatalogException):  # it has been done before
        con.create_function(_PHONE, display_names.phone, [str, str], str)


def _derived() -> dict[str, LeadField]:
    codes = sorted(countries_by_alpha2)
    names = map(display_names.country, codes)
    country = f"map([{', '.join(map(quote, codes))}], [{', '.join(map(quote, names))}])[country]"
    heaviest = "list_reverse_sort(list_transform(contributions, lambda x: {weight: abs(x.points), part: x}))"
    reason = "concat(x.part.reason, printf(' (%+g)', x.part.points))"
    texts = {
        "why": joined(f"{heaviest}[1:{_REASONS}]", reason),
        "website": "CASE WHEN company_id <> '' THEN coalesce(url, domain) END",
        # What a line without a company has for a domain (`line 8`) is for people, not for the records of a CRM.
        "company_domain": "CASE WHEN company_id <> '' THEN domain END",
        "email": "emails[1]",
        "phone": f"{_PHONE}(phones[1], coalesce(country, ''))",
        "phone_e164": "phones[1]",
        "street": "address.street",
        "city": "address.city",
        "region": "address.region",
        "postcode": "address.postcode",
        "country_code": "country",
        "country_name": f"coalesce({country}, country)",
        # With a hyphen a spreadsheet would take 11-50 for a month.
        "size": "CASE WHEN employees_min = employees_max OR employees_max IS NULL AND employees_min IS NULL "
        "THEN employees_min::VARCHAR WHEN employees_max IS NULL THEN concat(employees_min, '+') "
        "ELSE concat(coalesce(employees_min, 1), '–', employees_max) END",
        "linkedin": "social['linkedin']",
        "rating": "CASE WHEN error IS NULL THEN CASE tier WHEN 'A' THEN 'Hot' WHEN 'B' THEN 'Warm' ELSE 'Cold' END END",
    }
    rank = LeadField("CASE WHEN error IS NULL THEN rank END", "number")
    return {"rank": rank, **{field: LeadField(sql) for field, sql in texts.items()}}


def _of_column(field: pa.Field) -> LeadField:
    column, kind = name(field.name), field.type
    if field.name in _NESTED:
        return LeadField(_NESTED[field.name](column))
    if pa.types.is_string(kind):
        return LeadField(column)
    if pa.types.is_list(kind):
        return LeadField(joined(column, "x"))
    if pa.types.is_timestamp(kind):
        return LeadField(column, "time")
    if pa.types.is_boolean(kind):
        return LeadField(column, "flag")
    return LeadField(f"round({column}::DOUBLE, 4)" if pa.types.is_floating(kind) else column, "number")


def _address(column: str) -> str:
    return _parts(column, "street", "city", "region", "postcode")


def _locations(column: str) -> str:
    addresses = f"list_transform({column}, lambda x: {_address('x')})"
    return f"array_to_string({_filled(addresses)}, '; ')"


def _register(column: str) -> str:
    return _parts(column, "number", "court", "country")


def _parts(column: str, *parts: str) -> str:
    """Parts of a struct as one text, those that are there."""
    trimmed = ", ".join(f"trim({column}.{part})" for part in parts)
    return f"array_to_string({_filled(f'[{trimmed}]')}, ', ')"


def _filled(texts: str) -> str:
    """Of a list of texts those that are not empty. DuckDB plans what it is given once; of `nullif` twice, and so each
    `nullif` in another one doubles what is inside.
    """
    return f"list_filter({texts}, lambda text: text <> '')"


def _social(column: str) -> str:
    return joined(f"map_entries({column})", "concat_ws(': ', x.key, x.value)")


def _facts(column: str) -> str:
    origin = "concat_ws(', ', x.source, round(x.confidence::DOUBLE, 2))"
    told = f"concat(x.field, ' = ', left(x.value, {_FACT_TEXT}), ' (', {origin}, ')')"
    return joined(f"{column}[1:{_FACTS}]", told)


def _contributions(column: str) -> str:
    return joined(column, "concat(x.rule, printf(' %+g: ', x.points), x.reason)")


#: Nested columns that have a form of their own.
_NESTED = {
    "address": _address,
    "register": _register,
    "locations": _locations,
    "social": _social,
    "facts": _facts,
    "contributions": _contributions,
}


def joined(items: str, told: str) -> str:
    """A list (an SQL expression) as one text, each item `x` as `told`."""
    told = items if told == "x" else f"list_transform({items}, lambda x: {told})"
    return f"array_to_string({told}, '; ')"
