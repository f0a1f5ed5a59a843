"""Tasks of queue `processing`: process and enrich a partition, score a job.

The work is imported where it is done: beat and workers of other queues load this module, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data.damage import enduring, naming
from data.duck import connection
from data.jobs import DEADLINE_STRUCK
from data.lake import Lake, partition_of
from extraction.budget import too_costly_row
from leadmill.errors import ErrorCategory, WorkError
from leadmill.rows import ErrorRow
from pipelines.execution.committed import committed_epochs, valid_parts
from pipelines.execution.marks import mark_name, marks
from pipelines.execution.unit_run import UnitRun
from pipelines.stages import STAGES, partition_number, partition_stages
from tasks.unit_task import unit_task

_DAMAGED = (ErrorCategory.SYSTEM.value, "its part was damaged on disk; resume the job to fetch it again")


@unit_task("process")
def process(run: UnitRun) -> None:
    """Turn a partition's pages into one row a company (see extraction.process.process_pages)."""
    from extraction.process import process_pages

    _per_company(run, process_pages)


@unit_task("enrich")
def enrich(run: UnitRun) -> None:
    """Add what a company's pages hint at (see extraction.enrich.enrich_rows)."""
    from extraction.enrich import enrich_rows

    _per_company(run, enrich_rows)


Work = Callable[..., tuple[Sequence[Mapping[str, Any]], list[ErrorRow]]]


def _per_company(run: UnitRun, work: Work) -> None:
    """Rows of the stage before, with their pages, through `work`; every company comes out as a row or an error."""
    given = list(run.read())
    run.outcome.rows_in = len(given)
    run.write_errors(run.lost(given))
    companies = [row for row in given if mark_name(row["company_id"]) not in run.grant.refused]
    run.write_errors(
        [
            too_costly_row(row, "company", run.stage, run.now)
            for row in given
            if mark_name(row["company_id"]) in run.grant.refused
        ]
    )
    if not run.grant.company_by_company:
        _through(run, work, companies, run.read("pages"), lambda done: run.progress(done / max(1, len(companies))))
        return
    for number, row in enumerate(companies):
        pages = [page for page in run.read("pages") if page["company_id"] == row["company_id"]]
        with marks().at(row["company_id"]):
            _through(run, work, [row], pages, lambda done: run.lease.check())
        run.progress((number + 1) / len(companies))


def _through(
    run: UnitRun,
    work: Work,
    companies: list[dict[str, Any]],
    pages: Iterable[dict[str, Any]],
    on_progress: Callable[[int], None],
) -> None:
    watched = _Pages(run, pages)
    rows, errors = work(companies, watched, now=run.now, on_progress=on_progress)
    run.write(rows)
    run.write_errors([*watched.errors, *map(watched.reason, errors)])


class _Pages:
    """The pages on their way into a stage: each is marked while it is worked on, and refused ones are left out."""

    def __init__(self, run: UnitRun, pages: Iterable[dict[str, Any]]) -> None:
        self._run, self._pages = run, pages
        #: Rows of `data.schemas.ERRORS` of the pages that were left out.
        self.errors: list[ErrorRow] = []
        self._companies: dict[str, bool] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for page in self._pages:
            company_id = str(page["company_id"])
            if mark_name(company_id, page["page_hash"]) in self._run.grant.refused:
                self.errors.append(too_costly_row(page, "page", self._run.stage, self._run.now))
                self._companies.setdefault(company_id, False)
                continue
            self._companies[company_id] = True
            with marks().at(company_id, page["page_hash"]):
                yield page

    def reason(self, error: ErrorRow) -> ErrorRow:
        """An error of the stage; of a company that lost all its pages here it says why."""
        if error["scope"] == "company" and self._companies.get(error["company_id"] or "") is False:
            return too_costly_row(error, "company", self._run.stage, self._run.now)
        return error


@unit_task("score")
def score(run: UnitRun) -> None:
    """Score every company of the plan (see tasks.processing.score.score_leads)."""
    from tasks.processing.score import ScoreResult, load_rules, score_leads

    runtime, job_id = run.runtime, run.job_id
    lake, chain = runtime.lake, partition_stages(run.grant.stages)
    units = runtime.store.units(job_id)
    lake.settle_all(job_id, committed_epochs(units, chain))
    model = load_rules(_scoring_file(run))
    if chain:
        rows = valid_parts(lake, job_id, chain[-1], "rows", units, chain)
        damaged = lake.set_damaged_aside(rows)
        rows = [file for file in rows if file not in damaged]
        errors = [file for stage in chain for file in valid_parts(lake, job_id, stage, "errors", units, chain)]
        unreadable = lake.set_damaged_aside(errors)
        errors = [file for file in errors if file not in unreadable]
    else:
        rows, errors, damaged = [], [], []
    failed = {
        number: tuple(state["m"])
        for unit, state in units.items()
        if state.get("m") and (number := partition_number(unit)) is not None
    }
    unhanded = _never_handed(run, units) | {partition_of(file): _DAMAGED for file in damaged}
    plan, out = lake.plan_path(job_id), run.files.part()

    def score_from(files: Mapping[str, Sequence[Path]]) -> ScoreResult:
        return score_leads(
            connection().cursor(),
            plan=plan,
            rows=files["rows"],
            row_errors=errors,
            unit_errors={**unhanded, **failed},
            model=model,
            job_id=job_id,
            now=run.now,
            out=out,
        )

    with naming(lake, [plan]):
        own = {"rows": rows}
        result = enduring(lake, lambda: own if chain else {"rows": _known_rows(lake, job_id)}, score_from)
    run.outcome.rows_in = result.rows
    run.outcome.rows_out = result.rows
    run.outcome.errors = result.failed


def _known_rows(lake: Lake, job_id: str) -> list[Path]:
    """Where a job that only scores finds its companies' rows: in other jobs and the snapshot."""
    reads = STAGES["score"].reads or ""
    sources = sorted({source for source in lake.plan_column(job_id, "source_job") if source})
    return [file for source in sources for file in lake.parts(source, reads)] + lake.snapshot_files(reads)


def _scoring_file(run: UnitRun) -> Path | None:
    chosen = run.options.get("scoring_model")
    if chosen not in (None, "default"):
        raise WorkError(f"no scoring model {chosen!r}; there is: default", ErrorCategory.DATA)
    return run.runtime.settings.scoring_file


def _never_handed(run: UnitRun, units: Mapping[str, Any]) -> dict[int, tuple[str, str]]:
    """Partitions that the deadline struck before they were handed out; no more than the plan has companies."""
    error = (ErrorCategory.DEADLINE.value, DEADLINE_STRUCK)
    companies = len(run.runtime.lake.plan_column(run.job_id, "company_id"))
    return {i: error for i in range(min(run.grant.partitions, companies)) if f"p{i}" not in units}
