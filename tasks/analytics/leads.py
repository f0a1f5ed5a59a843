"""The leads of a job that scores nothing itself: each planned company's newest scored row, or why it has none."""
# ruff: noqa: S608  identifiers and paths are quoted by reports.rows

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from data.damage import enduring, naming
from data.duck import FEW_ROWS, holding_little
from data.mounts import opened
from data.schemas import STAGE_SCHEMAS
from pipelines.execution.unit_run import UnitRun
from reports.rows import ROW_GROUP, name, path_literal, quote, with_input_headers
from tasks.input_lines import IDENTITY, input_lines
from tasks.planned_companies import Told, each_company, newest

if TYPE_CHECKING:
    import duckdb

#: What the plan knows of a company, with its scored row or without one.
_FROM_PLAN = {
    "company_id": Told("plan.company_id", "plan.company_id"),
    "domain": Told("plan.domain", "plan.domain"),
    "url": Told("coalesce(row.url, plan.url)", "plan.url"),
    "error_category": Told(
        "coalesce(plan.error_category, row.error_category)", "coalesce(plan.error_category, 'data')"
    ),
    # Its own list's: a report over companies of the lake has none, and never shows another one's.
    "input": Told("input_lines.input", "input_lines.input"),
    "error": Told("coalesce(plan.error, row.error)", "coalesce(plan.error, 'no scored row: run score first')"),
}


def collect_leads(run: UnitRun) -> Path:
    """Write the job's leads as a scratch file with the columns of stage `score`; it never becomes a part."""
    lake = run.runtime.lake
    sources = sorted(source for source in run.job.plan_values("source_job") if source)
    out = run.files.scratch("leads.parquet")

    def files() -> dict[str, list[Path]]:
        return {"score": lake.across(sources).all("score") + lake.snapshot_files("score")}

    headers = run.job.input_headers()
    lines = run.job.input_path() if headers else None
    plan = run.job.plan_path()

    def collect(con: duckdb.DuckDBPyConnection) -> None:
        enduring(lake, files, lambda found: _collect(con, plan, found["score"], sources, headers, lines, out))

    with naming(lake, [plan, *([lines] if lines else [])]):
        holding_little(run.job.plan_rows(), run.files.scratch("collecting"), collect)
    return out


def _collect(
    con: duckdb.DuckDBPyConnection,
    plan: Path,
    files: Sequence[Path],
    sources: Sequence[str],
    headers: Sequence[str],
    lines: Path | None,
    out: Path,
) -> None:
    """The newest row of each company; a row of the jobs that the plan names goes before one of another job."""
    schema = STAGE_SCHEMAS["score"]
    columns = {column: _FROM_PLAN.get(column) or Told(f"row.{name(column)}") for column in schema.names}
    age = "scored_at + to_years(CASE WHEN job_id IN (SELECT unnest($sources::VARCHAR[])) THEN 1000 ELSE 0 END)"
    joins = f"LEFT JOIN ({input_lines(con, lines)}) AS input_lines ON input_lines.identity = plan.identity"
    many = pq.read_metadata(opened(plan)).num_rows > FEW_ROWS
    query = each_company(columns, files, newest(con, files, schema, age), joins=joins, many=many)
    con.execute(
        f"""
        COPY (
            WITH plan AS NOT MATERIALIZED (SELECT *, {IDENTITY} AS identity FROM read_parquet({path_literal(plan)}))
            {query}
        ) TO {quote(str(out))}
        (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}{with_input_headers(headers)})
        """,
        {"sources": list(sources)} if "$sources" in query else {},  # where no company stands twice nothing is chosen
    )
