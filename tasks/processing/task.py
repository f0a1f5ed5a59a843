"""The score stage: what is scored, and what is told of companies without a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from data.damage import enduring, naming
from data.duck import holding_little
from data.job_files import JobFiles
from data.jobs import DEADLINE_STRUCK
from data.lake import Lake, partition_of
from leadmill.errors import ErrorCategory
from pipelines.committed import Units, files_of
from pipelines.execution.unit_run import UnitRun
from pipelines.scoring.chosen import model_of
from pipelines.scoring.models import Models
from pipelines.stages import partition_number, partition_stages

if TYPE_CHECKING:
    import duckdb

_DAMAGED = (ErrorCategory.SYSTEM.value, "its part was damaged on disk; resume the job to fetch it again")


def score(run: UnitRun) -> None:
    """Score every company of the plan (see tasks.processing.score.score_leads); those of many lines share by share."""
    from tasks.input_lines import Share, shares
    from tasks.processing.score import ScoreResult, score_leads

    runtime, job_id = run.runtime, run.job_id
    lake, chain = runtime.lake, partition_stages(run.grant.stages)
    units = runtime.store.unit_states(job_id)
    job = files_of(lake, job_id, units, run.grant.stages)
    model = model_of(run.options, lake.job_dir(job_id) / "input", Models.of(runtime.settings))
    if chain:
        rows = job.valid(chain[-1])
        damaged = lake.set_damaged_aside(rows)
        rows = [file for file in rows if file not in damaged]
        errors = [file for stage in chain for file in job.valid(stage, "errors")]
        unreadable = lake.set_damaged_aside(errors)
        errors = [file for file in errors if file not in unreadable]
    else:
        rows, errors, damaged = [], [], []
    failed = {
        number: state.failure
        for unit, state in units.items()
        if state.failure and (number := partition_number(unit)) is not None
    }
    companies = job.plan_rows()
    unhanded = _never_handed(run, units, companies) | {partition_of(file): _DAMAGED for file in damaged}
    plan = job.plan_path()
    headers = job.input_headers()
    lines = job.input_path() if headers else None

    def score_share(con: duckdb.DuckDBPyConnection, share: Share, out: Path) -> ScoreResult:
        own = {"rows": rows}
        return enduring(
            lake, lambda: own if chain else {"rows": _known_rows(lake, job)}, partial(score_from, con, share, out)
        )

    def score_from(
        con: duckdb.DuckDBPyConnection, share: Share, out: Path, files: Mapping[str, Sequence[Path]]
    ) -> ScoreResult:
        return score_leads(
            con,
            plan=plan,
            rows=files["rows"],
            row_errors=errors,
            unit_errors={**unhanded, **failed},
            model=model,
            job_id=job_id,
            now=run.now,
            out=out,
            lines=lines,
            input_headers=headers,
            share=share,
        )

    results = []
    with naming(lake, [plan, *([lines] if lines else [])]):
        for share in shares(lines):
            with run.files.part_at() as out:
                query = partial(score_share, share=share, out=out)
                results.append(holding_little(companies, run.files.scratch("scoring"), query))
    run.outcome.rows_in = run.outcome.rows_out = sum(result.rows for result in results)
    run.outcome.errors = sum(result.failed for result in results)


def _known_rows(lake: Lake, job: JobFiles) -> list[Path]:
    """Where a job that only scores finds its companies' rows: in other jobs and the snapshot."""
    from pipelines.scoring.conditions import READS

    sources = sorted(source for source in job.plan_values("source_job") if source)
    return lake.across(sources).all(READS) + lake.snapshot_files(READS)


def _never_handed(run: UnitRun, units: Units, companies: int) -> dict[int, tuple[str, str]]:
    """Partitions that the deadline struck before they were handed out; no more than the plan has companies."""
    error = (ErrorCategory.DEADLINE.value, DEADLINE_STRUCK)
    return {i: error for i in range(min(run.grant.partitions, companies)) if f"p{i}" not in units}
