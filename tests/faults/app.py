"""The stand-ins of `tests.stand_ins.app`, made to fail in more ways: `celery -A tests.faults.app worker`.

A job's option `stand_in` may also say:
    scrape_s  the scrape alone takes so long
    reads     process reads the rows that scrape committed, as the true one does
    hang      unit names whose scrape runs until it is killed
    hog       {unit name: MB} whose scrape fills the memory and holds it
    scored    `real`: the score stage is the true one
    score_holds   pause point at which the score stops after its work
    report_s  each format takes so long
    counts    the report says how many rows the score has
Files in the folder `LEADMILL_TEST_TRAPS`, each sprung once: `disk-full` (the next part is cut short by ENOSPC).
"""

from __future__ import annotations

import errno
import gc
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import duckdb  # noqa: F401 - imported before the fork, as the real application does
import pyarrow.parquet as pq
from celery.signals import worker_init

from pipelines.execution.unit_run import UnitRun
from tasks import app as real_app
from tasks import unit_task as shells
from tasks.processing.task import score as real_score

BODIES: dict[str, Callable[[UnitRun], None]] = {}


def _collect(stage: str) -> Callable[[Any], Any]:
    def take(body: Any) -> Any:
        BODIES[stage] = body
        return body

    return take


with patch.object(shells, "unit_task", _collect):
    import tests.stand_ins.app as stand_ins

app = real_app.app
app.conf.imports = []
worker_init.disconnect(real_app._preload)  # scrapy and pandas are not needed here, and take seconds to load


@worker_init.connect
def _freeze(**_: Any) -> None:
    gc.collect()
    gc.freeze()


_write_table = pq.write_table


def _write_or_spring(table: Any, where: Any, **options: Any) -> None:
    trap = Path(os.environ.get("LEADMILL_TEST_TRAPS", "/nonexistent")) / "disk-full"
    try:
        trap.unlink()
    except OSError:
        _write_table(table, where, **options)
        return
    if not hasattr(where, "write"):
        where = Path(where).open("wb")  # noqa: SIM115 - left open as the fault leaves it
    where.write(b"PAR1 and then no more")
    where.flush()
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


pq.write_table = _write_or_spring


def scrape(run: UnitRun) -> None:
    how = stand_ins.steer(run)
    if run.grant.unit in how.get("hang", ()):
        stand_ins.note(run, "begin")
        while True:
            time.sleep(1)
    if megabytes := how.get("hog", {}).get(run.grant.unit):
        stand_ins.note(run, "begin")
        held = bytearray(os.urandom(1_000_000) * megabytes)
        while held:
            time.sleep(1)
    if "scrape_s" in how:
        how["seconds"] = how["scrape_s"]  # the grant's own copy of the options
    BODIES["scrape"](run)


def process(run: UnitRun) -> None:
    if stand_ins.steer(run).get("reads"):
        assert [row["domain"] for row in run.read()], "scrape left nothing to read"
    BODIES["process"](run)


def score(run: UnitRun) -> None:
    real = stand_ins.steer(run).get("scored") == "real"
    (real_score if real else BODIES["score"])(run)
    if point := stand_ins.steer(run).get("score_holds"):
        (Path(os.environ["LEADMILL_PAUSE_DIR"]) / point).touch()


def report(run: UnitRun) -> None:
    time.sleep(stand_ins.steer(run).get("report_s", 0))
    if not stand_ins.steer(run).get("counts"):
        BODIES["report"](run)
        return
    lake = run.runtime.lake
    rows = sum(1 for _ in lake.iter_rows(run.job.valid("score")))
    run.files.write_json(f"reports/report.{run.grant.unit.partition(':')[2]}", {"rows": rows})


def noted(body: Callable[[UnitRun], None]) -> Callable[[UnitRun], None]:
    """Launch and close note where they are in a word of their own, so that a campaign sees whom it hits."""

    def run_noted(run: UnitRun) -> None:
        stand_ins.note(run, "closing")
        body(run)
        stand_ins.note(run, "closed")

    return run_noted


ALL = {**BODIES, "scrape": scrape, "process": process, "score": score, "report": report}
for _name, _body in ALL.items():
    shells.unit_task(_name)(_body if _name in ("scrape", "process", "enrich") else noted(_body))
