"""Persons of the lake's companies: what jobs that asked for them found, read from parts of their own."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.lake_rows import first_page, run
from data.damage import enduring, look_at_ids
from data.duck import connection
from data.lake import Lake
from data.parts import OF_STAGE
from data.schemas import PEOPLE
from pipelines.views import cursors
from reports.rows import parquet, sql_type

MAX_PAGE = 1_000
_COLUMNS = ", ".join(f'"{name}"' for name in PEOPLE.names if name != "schema_version")
_REQUIRED = [field.name for field in PEOPLE if not field.nullable]
#: Company by company, the surest first.
_KEY = "(domain, -confidence::DOUBLE, person_id)"


@dataclass(frozen=True)
class PersonFilter:
    """Which persons; what is left out matches all."""

    #: What this job found; None: of each company what its newest job with persons found.
    job: str | None = None
    company_id: str | None = None
    #: One of these classes.
    role_classes: Sequence[str] = ()


def person_page(
    lake: Lake, wanted: PersonFilter, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Persons by company, surest first, and the cursor of the next page.

    Raises:
        InputError: not a cursor of ours.
    """
    after = cursors.decode_key(cursor, str, float, str) if cursor else None
    return enduring(
        lake, lambda: {"people": _files(lake, wanted.job)}, lambda files: _page(files, wanted, limit, after)
    )


def _files(lake: Lake, job: str | None) -> list[Path]:
    return lake.across(None if job is None else [job]).all(OF_STAGE["people"], "people")


def _page(
    files: Mapping[str, Sequence[Path]], wanted: PersonFilter, limit: int, after: tuple[Any, ...] | None
) -> tuple[list[dict[str, Any]], str | None]:
    if not files["people"]:
        return [], None
    conditions, parameters = [f"COLUMNS({_REQUIRED}) IS NOT NULL"], dict[str, Any]()
    if wanted.company_id is not None:
        conditions.append("company_id = $company")
        parameters["company"] = wanted.company_id
    every = f"SELECT * FROM ({_none()} UNION ALL BY NAME FROM {parquet(files['people'])})"
    newest = f"SELECT {_COLUMNS} FROM ({every}) WHERE {' AND '.join(conditions)}"
    if wanted.job is None:
        newest += " QUALIFY job_id = arg_max(job_id, seen_at) OVER (PARTITION BY company_id)"
    chosen = "true"
    if wanted.role_classes:
        chosen = "list_contains($classes, role_class)"
        parameters["classes"] = list(wanted.role_classes)
    if after:
        chosen += " AND sort_key > ($domain, $confidence::DOUBLE, $person)"
        parameters |= zip(("domain", "confidence", "person"), after, strict=True)
    rows = run(
        f"SELECT * FROM (SELECT *, {_KEY} AS sort_key FROM ({newest})) WHERE {chosen} "
        f"ORDER BY sort_key LIMIT {limit + 1:d}",
        parameters,
        exact="sort_key",
        schema=PEOPLE,
    )
    look_at_ids(rows)
    return first_page(rows, limit)


def _none() -> str:
    """No rows of every column, so that each exists whatever columns a file has."""
    columns = (f'NULL::{sql_type(connection(), field.type)} AS "{field.name}"' for field in PEOPLE)
    return f"SELECT {', '.join(columns)} WHERE FALSE"
