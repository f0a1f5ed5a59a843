"""The leads of a job that scores nothing itself: each planned company's newest scored row, or why it has none."""
# ruff: noqa: S608  identifiers and paths are quoted by reports.rows

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.damage import enduring, naming
from data.duck import connection
from data.job_files import JobFiles
from data.schemas import STAGE_SCHEMAS
from pipelines.execution.unit_run import UnitRun
from reports.rows import path_literal, quote, select_rows, with_input_headers
from tasks.input_lines import IDENTITY, input_lines

#: What the plan knows where the scored row is missing.
_FROM_PLAN = {
    "company_id": "plan.company_id",
    "domain": "plan.domain",
    "url": "coalesce(lead.url, plan.url)",
    "error_category": "coalesce(plan.error_category, lead.error_category, "
    "CASE WHEN lead.company_id IS NULL THEN 'data' END)",
    # Its own list's: a report over companies of the lake has none, and never shows another one's.
    "input": "input_lines.input",
    "error": "coalesce(plan.error, lead.error, "
    "CASE WHEN lead.company_id IS NULL THEN 'no scored row: run score first' END)",
}


def collect_leads(run: UnitRun) -> Path:
    """Write the job's leads as a scratch file with the columns of stage `score`; it never becomes a part."""
    lake = run.runtime.lake
    sources = sorted({row["source_job"] for row in run.job.plan() if row["source_job"]})
    out = run.files.scratch("leads.parquet")

    def files() -> dict[str, list[Path]]:
        return {"score": [file for job in sources for file in lake.parts(job, "score")] + lake.snapshot_files("score")}

    headers = run.job.input_headers()
    lines = [run.job.input_path()] if headers else []
    with naming(lake, lines):
        enduring(lake, files, lambda found: _collect(run.job, found["score"], sources, headers, out))
    return out


def _collect(job: JobFiles, files: Sequence[Path], sources: Sequence[str], headers: Sequence[str], out: Path) -> None:
    """The newest row of each company; a row of the jobs that the plan names goes before one of another job."""
    schema = STAGE_SCHEMAS["score"]
    cursor = connection().cursor()
    lines = input_lines(cursor, job.input_path() if headers else None)
    columns = ", ".join(f"{_FROM_PLAN.get(name, f'lead.{name}')} AS {name}" for name in schema.names)
    cursor.execute(
        f"""
        COPY (
            SELECT {columns}
            FROM (SELECT *, {IDENTITY} AS identity FROM read_parquet({path_literal(job.plan_path())})) AS plan
            LEFT JOIN (
                SELECT *, job_id IN (SELECT unnest($sources::VARCHAR[])) AS wanted
                FROM ({select_rows(cursor, files, schema)})
                QUALIFY row_number() OVER (PARTITION BY company_id ORDER BY wanted DESC, scored_at DESC) = 1
            ) AS lead ON lead.company_id = plan.company_id
            LEFT JOIN ({lines}) AS input_lines ON input_lines.identity = plan.identity
        ) TO {quote(str(out))} (FORMAT parquet, COMPRESSION zstd{with_input_headers(headers)})
        """,
        {"sources": list(sources)},
    )
