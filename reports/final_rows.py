"""The final rows of a report, as one set that questions are asked of.

Each question is one DuckDB aggregation that reads only the columns it needs; which questions there are,
`reports.sections` says.
"""
# ruff: noqa: S608  the source is built by reports.rows; all else is fixed text

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from data.duck import KeptCursor
from data.schemas import STAGE_SCHEMAS
from leadmill.errors import WALLS
from reports.lead_order import BEST_FIRST, ORDERS
from reports.rows import count_rows, input_headers, quote, select_rows

#: Ranked order of leads, wherever no other is asked for.
RANKED = ORDERS[BEST_FIRST].sql
#: A row that counts as a lead.
GOOD = "error IS NULL"


#: At most so many rows are kept in memory while a report asks its many questions: each question's own reading of the
#: files (40 columns to bind, files to open) costs more than its answer. More rows stay in their files.
FEW_ROWS = 10_000


#: The codes of what keeps programs from a site that is there.
WALLED = ", ".join(quote(code) for code in sorted(WALLS))


@dataclass(frozen=True)
class FinalRows:
    """Rows in the final columns, one a company, that questions are asked of."""

    #: A DuckDB connection or cursor, perhaps one that is kept for few rows.
    con: Any
    #: The rows, as what may follow FROM.
    source: str
    #: The other columns of the job's input, in its order: the keys of `values` in column `input`.
    input_headers: Sequence[str] = ()
    #: The files that hold them, where there are more than fit into memory.
    files: Sequence[Path] = ()
    #: What one query answers for several sections, kept by the name of that query.
    shared: dict[str, Any] = field(default_factory=dict, compare=False)

    def ask(self, query: str) -> list[dict[str, Any]]:
        """The rows of a query as dictionaries."""
        cursor = self.con.again(query) if isinstance(self.con, KeptCursor) else self.con.execute(query)
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    @cached_property
    def totals(self) -> dict[str, Any]:
        """Counts of companies, of leads (those with a good row) and more, as section `totals` tells them."""
        (totals,) = self.ask(
            f"""SELECT count(*) FILTER (company_id <> '') AS companies, count(*) FILTER ({GOOD}) AS leads,
              count(*) FILTER (NOT {GOOD} AND company_id <> '') AS failed,
              count(*) FILTER (company_id = '') AS lines_without_company,
              round(avg(score) FILTER ({GOOD}), 1) AS mean_score,
              round(median(score) FILTER ({GOOD}), 1) AS median_score,
              round(stddev_pop(score) FILTER ({GOOD}), 1) AS score_spread,
              round(avg(quality::DOUBLE) FILTER ({GOOD}), 3) AS mean_quality,
              count(*) FILTER ({GOOD} AND coalesce(len(emails), 0) + coalesce(len(phones), 0) > 0) AS reachable,
              coalesce(sum(pages), 0)::BIGINT AS pages,
              count(*) FILTER (error_code IN ({WALLED})) AS walled,
              {iso("min(scraped_at)")} AS scraped_from, {iso("max(scraped_at)")} AS scraped_to,
              {iso("max(scored_at)")} AS scored_at, max(model_version) AS model_version,
              count(DISTINCT model_version) AS model_versions, count(fit) AS fitted
            FROM {self.source}"""
        )
        return {**totals, "coverage": share(totals["leads"], totals["companies"])}

    @property
    def leads(self) -> int:
        """How many rows are good."""
        return int(self.totals["leads"])


@contextmanager
def final_rows(con: Any, rows: Sequence[Path], count: int | None = None) -> Iterator[FinalRows]:
    """The rows of the files in the final columns, in no order, while the block lasts; `count`: how many, if known.

    Raises:
        duckdb.Error: a file is missing or no Parquet.
    """
    query = select_rows(con, rows, STAGE_SCHEMAS["score"])
    headers = input_headers(con, rows)
    if (count_rows(con, rows) if count is None else count) > FEW_ROWS:
        yield FinalRows(con, f"({query})", headers, rows)
        return
    if isinstance(con, KeptCursor):
        yield FinalRows(con, con.table("final_rows", query), headers)
        return
    table = f"final_rows_{secrets.token_hex(4)}"
    con.execute(f"CREATE TEMP TABLE {table} AS {query}")
    try:
        yield FinalRows(con, table, headers)
    finally:
        con.execute(f"DROP TABLE {table}")


def iso(column: str) -> str:
    """A time column as ISO 8601 text in UTC; works whatever the session's time zone is."""
    return f"strftime(make_timestamp(epoch_us({column})), '%Y-%m-%dT%H:%M:%SZ')"


def share(count: int, of: int) -> float:
    """A part of a whole from 0 to 1, to four places; 0 of nothing."""
    return round(count / of, 4) if of else 0.0
