"""Stages that turn rows into rows: a partition's companies and their pages, through a plain function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from data.parts import PartKind
from extraction.budget import too_costly_row
from extraction.looks import left_out
from leadmill.log import get_logger
from leadmill.rows import ErrorRow
from pipelines.execution.marks import mark_name, marks
from pipelines.execution.unit_run import UnitRun
from pipelines.stages import STAGES

log = get_logger(__name__)

#: `work(rows, pages, *, now, on_progress)`: good rows and error rows. Rows of other kinds (`Stage.also`) go to lists,
#: or are given (`Stage.reads_also`). `on_progress` takes a text behind the number: why pages are read that need not be.
Work = Callable[..., tuple[Sequence[Mapping[str, Any]], list[ErrorRow]]]


def run_on_rows(run: UnitRun, work: Work) -> None:
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
        each = 1 / max(1, len(companies))
        _through(run, work, companies, run.read("pages"), lambda done, why="": _tell(run, done * each, why))
        return
    for number, row in enumerate(companies):
        pages = [page for page in run.read("pages") if page["company_id"] == row["company_id"]]
        with marks().at(row["company_id"]):
            _through(run, work, [row], pages, lambda done, why="": run.lease.check())
        run.progress((number + 1) / len(companies))


def _through(
    run: UnitRun,
    work: Work,
    companies: list[dict[str, Any]],
    pages: Iterable[dict[str, Any]],
    on_progress: Callable[..., None],
) -> None:
    watched = _Pages(run, pages)
    own = {row["company_id"] for row in companies}
    given = {
        kind: [row for row in run.kept(cast("PartKind", kind)) if row["company_id"] in own]
        for kind in STAGES[run.stage].reads_also
    }
    also: dict[PartKind, list[Mapping[str, Any]]] = {kind: [] for kind in run.also}
    rows, errors = work(companies, watched, now=run.now, on_progress=on_progress, **also, **given)
    run.write(rows)
    if "looks" in also:
        also["looks"] += map(left_out, watched.errors)
    for kind, made in also.items():
        run.write_also(kind, made)
    told = [error for error in errors if error not in watched.errors]  # kept with the looks, too
    run.write_errors([*watched.errors, *map(watched.reason, told)])


def _tell(run: UnitRun, fraction: float, why: str) -> None:
    if why:
        _warn_once(run.job_id, run.stage, why)
    run.progress(fraction, why)


@lru_cache(maxsize=256)
def _warn_once(job_id: str, stage: str, why: str) -> None:
    """Tell a job's own log: once a process, for what is true of a partition is most often true of all."""
    log.warning("more work than need be", job=job_id, stage=stage, why=why)


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
