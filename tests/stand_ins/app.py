"""A worker application whose stages are stand-ins: the real spine, with bodies that a test steers.

`celery -A tests.stand_ins.app worker`. A job's option `stand_in` says what the bodies do:
    seconds   each partition stage takes so long
    launch_s  launch takes so long on attempt 1
    parts     write a row a company as real parts (default true)
    die       unit names whose scrape kills its process, always
    stuck     unit names whose scrape sits in C code that holds the interpreter and looks for no signal, for ever
    fail      {unit name: times} whose scrape raises so many times
    bad       domains that never get a good row on attempt 1
    later     {domain: times} that its host says "later", each time for `later_s` seconds (default 1)
    wave_holds    pause point at which the first launch of a wave stops
"""

from __future__ import annotations

import collections
import itertools
import os
import signal
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from data.schemas import PLAN
from data.unit_files import PlanSize
from leadmill.errors import ErrorCategory, WorkError
from leadmill.rows import error_row
from pipelines.execution import plan as planning
from pipelines.execution import publish as publishing
from pipelines.execution.unit_run import UnitRun
from tasks.app import app
from tasks.unit_task import unit_task

app.conf.imports = []


def steer(run: UnitRun) -> dict:
    return run.options.get("stand_in", {})


@unit_task("launch")
def launch(run: UnitRun) -> None:
    is_first = run.grant.attempt == 1 and not run.grant.wave
    if is_first:
        pass_time(run, steer(run).get("launch_s", 0))
    if run.grant.wave:
        note(run, "wave")
        hold_first_wave(run)
    size = steer(run).get("partition_size")
    if not size or not is_first:
        planning.launch(run)
        return
    write, partitions = run.files.write_plan, 0

    def cut(parts: Iterable[pa.Table], headers: Sequence[str] = ()) -> PlanSize:
        nonlocal partitions
        rows = pa.concat_tables(parts)
        good = rows["error"].null_count
        partitions = -(-good // size)
        numbers = pa.array([i // size for i in range(good)] + [None] * (len(rows) - good), pa.int32())
        return write([rows.set_column(PLAN.get_field_index("partition"), PLAN.field("partition"), numbers)], headers)

    run.files.write_plan = cut  # type: ignore[method-assign,assignment]
    planning.launch(run)
    run.outcome.fields["pn"] = partitions


def note(run: UnitRun, what: str) -> None:
    """One line in the test's log: what, when, who."""
    if log := steer(run).get("log"):
        with Path(log).open("a") as handle:
            handle.write(
                f"{what} {run.job_id} {run.grant.unit} {run.stage} {run.grant.epoch} {os.getpid()} {time.time()}\n"
            )


def hold_first_wave(run: UnitRun) -> None:
    """Have the first launch of a wave stop at the pause point `wave_holds`."""
    if (point := steer(run).get("wave_holds")) and run.grant.epoch == 2:
        (Path(os.environ["LEADMILL_PAUSE_DIR"]) / point).touch()


def pass_time(run: UnitRun, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        run.lease.check()
        time.sleep(min(0.02, max(0.0, until - time.monotonic())))


def work(run: UnitRun) -> None:
    how, unit = steer(run), run.grant.unit
    note(run, "begin")
    pass_time(run, how.get("seconds", 0))
    if run.stage == "scrape":
        if unit in how.get("die", ()):
            os.kill(os.getpid(), signal.SIGKILL)
        if unit in how.get("stuck", ()):
            collections.deque(itertools.repeat(None), maxlen=0)
        if run.grant.tries < how.get("fail", {}).get(unit, 0):
            raise WorkError("told to fail", ErrorCategory.SYSTEM)
    write_rows(run, how)
    note(run, "end")


def write_rows(run: UnitRun, how: dict) -> None:
    if not how.get("parts", True):
        return
    companies = run.companies()
    run.outcome.rows_in = len(companies)
    bad = set(how.get("bad", ())) if run.grant.attempt == 1 else set()
    later = {domain for domain, times in how.get("later", {}).items() if run.grant.wave < times}
    if run.stage != "scrape":
        companies = [row for row in companies if row["domain"] not in later]
    column = {"scrape": "scraped_at", "process": "processed_at", "enrich": "enriched_at"}[run.stage]
    now = datetime.now(UTC)
    run.write(
        {"company_id": row["company_id"], "domain": row["domain"], "url": row["url"], column: now}
        for row in companies
        if row["domain"] not in bad | later
    )
    if run.stage == "scrape":
        until = now + timedelta(seconds=how.get("later_s", 1)) if run.grant.may_defer else None
        run.write_errors(
            [
                error_row(row, "company", "scrape", ErrorCategory.NETWORK, "asks later", now, deferred_until=until)
                for row in companies if row["domain"] in later
            ]
        )  # fmt: skip
    run.write_errors(
        [
            {"company_id": row["company_id"], "domain": row["domain"], "url": row["url"], "scope": "company",
             "stage": run.stage, "category": "network", "error": "told to be bad", "at": now}
            for row in companies if row["domain"] in bad
        ]
    )  # fmt: skip


for name in ("scrape", "process", "enrich"):
    unit_task(name)(work)


@unit_task("score")
def score(run: UnitRun) -> None:
    how = steer(run)
    if run.grant.tries < how.get("fail", {}).get("score", 0):
        raise WorkError("told to fail", ErrorCategory.SYSTEM)
    if not how.get("parts", True):
        return
    good = {row["company_id"] for row in run.runtime.lake.iter_rows(run.job.parts("enrich"))}
    run.write(
        {"company_id": row["company_id"], "domain": row["domain"], "url": row["url"], "score": 1.0,
         "error": row["error"] or (None if row["company_id"] in good else "no row"), "scored_at": datetime.now(UTC)}
        for row in run.job.plan()
    )  # fmt: skip


@unit_task("report")
def render(run: UnitRun) -> None:
    if steer(run).get("parts", True):
        run.files.write_json(f"reports/report.{run.grant.unit.partition(':')[2]}", {"job": run.job_id})


@unit_task("publish")
def publish(run: UnitRun) -> None:
    if steer(run).get("parts", True):
        publishing.publish(run)
    else:
        run.outcome.status = "completed"
        run.outcome.fields = {"coverage": 1}
