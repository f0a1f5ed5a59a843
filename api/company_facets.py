"""How many companies match, and how many of them have each value of a field."""
# ruff: noqa: S608  the fields are those of `api.company_columns`

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from api.company_rows import Companies, CompanyFilter
from reports.lead_filter import MADE, REACHED_BY

#: Counting looks at every company, and is given up after so long.
FACETS_S = 5.0
#: Fields that have several values a company: a list, which of some columns are true, and the jobs that found it.
_LISTED, _HAS = "technologies", "has"
_JOB = "job"


def _count_query(newest: str, matches: str, table: str | None, *, fields: Sequence[str], limit: int) -> str:
    single = [one for one in fields if one not in (_LISTED, _HAS)]
    values_of = {one: f"SELECT {one} AS value, n FROM groups" for one in single}
    if _HAS in fields:
        single += [f"{_HAS}_{what}" for what in REACHED_BY]
        each_of = (f"SELECT '{what}' AS value, n FROM groups WHERE {_HAS}_{what}" for what in REACHED_BY)
        values_of[_HAS] = " UNION ALL ".join(each_of)
    if _LISTED in fields:
        values_of[_LISTED] = "SELECT unnest(counted) AS value, 1 AS n FROM found"
    each = "".join(
        f" UNION ALL (SELECT '{one}' AS field, value, sum(n)::BIGINT AS companies FROM ({values_of[one]}) "
        f"WHERE value IS NOT NULL GROUP BY value ORDER BY companies DESC, value LIMIT {limit:d})"
        for one in fields
    )
    # A table is read twice with less effort than it takes to keep what was found; the lake's files once.
    counted, kept = (f"list_distinct({_LISTED}) AS counted", "") if table is None else ("counted", "NOT ")
    made = (name if table else f"{sql} AS {name}" for name, sql in MADE.items() if name in single)
    columns = ", ".join([*(one for one in single if one not in MADE), *made, counted])
    groups = f"SELECT {', '.join([*single, 'count(*) AS n'])} FROM found {'GROUP BY ALL' if single else ''}"
    return (
        f"WITH found AS {kept}MATERIALIZED (SELECT {columns} FROM ({newest}) WHERE {matches}), "
        f"groups AS MATERIALIZED ({groups}) "
        f"SELECT NULL AS field, NULL AS value, coalesce(sum(n), 0)::BIGINT AS companies FROM groups{each}"
    )


def facets(
    companies: Companies, wanted: CompanyFilter, fields: Sequence[str], limit: int, within_s: float = FACETS_S
) -> dict[str, Any]:
    """How many companies match, and of each field its most frequent values with the number of companies.

    Raises:
        UnavailableError: counting took longer than `within_s`.
    """
    ends = time.monotonic() + within_s
    counted = [field for field in fields if field != _JOB]
    rows = companies.ask(wanted, partial(_count_query, fields=counted, limit=limit), within_s=within_s)
    found = {
        field: [{name: row[name] for name in ("value", "companies")} for row in rows if row["field"] == field]
        for field in fields
    }
    if _JOB in fields:
        found[_JOB] = companies.by_job(wanted, limit, max(0.01, ends - time.monotonic()))
    return {
        "companies": next((row["companies"] for row in rows if row["field"] is None), 0),
        "facets": found,
    }
