"""Leadmill's spine with empty stage bodies: the real tasks, records, leases, events and parts around nothing.

`celery -A benchmarks.worker_app worker`. A job's option `bench` says what the bodies do: `parts` (write one row a
stage and partition; default true) and `seconds` (sleep in scrape). LEADMILL_BENCH_OFF names guarantees that this
worker does without, to show what each costs (see benchmarks.without).
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from data.unit_files import PlanSize
from pipelines.execution import plan as planning
from pipelines.execution import publish as publishing
from pipelines.execution.unit_run import UnitRun
from tasks.app import app
from tasks.unit_task import unit_task

app.conf.imports = []
_COLUMN = {"scrape": "scraped_at", "process": "processed_at", "enrich": "enriched_at"}


def _one_a_partition(companies: int, processes: int) -> int:
    return 1


planning.partition_size = _one_a_partition


def _options(run: UnitRun) -> dict[str, Any]:
    found: dict[str, Any] = run.options.get("bench", {})
    return found


def _writes(run: UnitRun) -> bool:
    return bool(_options(run).get("parts", True))


def _row(run: UnitRun, number: int) -> dict[str, Any]:
    domain = f"c{number:05d}.example"
    return {"company_id": f"comp_{number:016x}", "domain": domain, "url": f"https://{domain}/"}


@unit_task("launch")
def launch(run: UnitRun) -> None:
    """The real one; without parts its plan is not written either."""
    if not _writes(run):
        run.files.write_plan = lambda parts, _headers=(): reduce(PlanSize.with_rows, parts, PlanSize(0, 0))  # type: ignore[method-assign]
    planning.launch(run)


def _work(run: UnitRun) -> None:
    if (seconds := _options(run).get("seconds", 0)) and run.stage == "scrape":
        time.sleep(seconds)
    if _writes(run):
        run.outcome.rows_in = 1
        run.write([{**_row(run, run.partition or 0), _COLUMN[run.stage]: datetime.now(UTC)}])


for _name in _COLUMN:
    unit_task(_name)(_work)


@unit_task("score")
def score(run: UnitRun) -> None:
    """One row a partition."""
    if _writes(run):
        at = datetime.now(UTC)
        run.write({**_row(run, i), "score": 1.0, "scored_at": at} for i in range(run.grant.partitions))


@unit_task("report")
def render(run: UnitRun) -> None:
    """One small file a format."""
    if _writes(run):
        run.files.write_json(f"reports/report.{run.grant.unit.partition(':')[2]}", {"job": run.job_id})


@unit_task("publish")
def publish(run: UnitRun) -> None:
    """The real one; without parts there is nothing to count and no manifest."""
    if _writes(run):
        publishing.publish(run)
    else:
        run.outcome.status = "completed"
        run.outcome.fields = {"coverage": 1}


if OFF := os.environ.get("LEADMILL_BENCH_OFF"):
    from benchmarks.without import take_out

    take_out(*OFF.split(","))
