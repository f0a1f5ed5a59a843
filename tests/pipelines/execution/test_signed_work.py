"""Workers that take signed messages alone: the key turned on and off under way, and old messages sent again."""

from __future__ import annotations

import gc
import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery

from data.jobs import HandOut
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from tests.faults.proof import until
from tests.stand_ins.stack import Spine

pytestmark = pytest.mark.stack

KEY = "0123456789abcdef" * 2
CHAIN = ("scrape", "process", "enrich")
CLOSE = (("score",), ("render:html", "render:csv"), ("publish",))


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    """Its workers have the key; `celery`, which sends what a test submits, has none."""
    with Spine(tmp_path_factory.mktemp("signing"), env={"LEADMILL_SIGNING_KEY": KEY}) as stack:
        yield stack
        gc.collect()  # a chord's result that goes later would look for a server that is gone


def signed(stack: Spine) -> Celery:
    return make_celery(stack.settings.model_copy(update={"signing_key": KEY}))


def thrown_away(stack: Spine) -> Counter[str]:
    return sum((Counter(worker.thrown_away) for worker in stack.store.workers().values()), Counter())


def test_what_was_queued_before_the_key_is_sent_again_signed(signing: Spine, tmp_path: Path) -> None:
    jobs = [signing.submit(4) for _ in range(3)]
    assert signing.wait(jobs) == ["completed"] * 3
    until(lambda: thrown_away(signing)["unsigned"] >= 3, 10, "the counts told")
    assert "it is not signed" in signing.log(10**8)


def test_a_message_sent_again_does_nothing(signing: Spine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    app = signed(signing)
    job = signing.submit(3, log=str(log))
    assert signing.wait(job) == ["completed"]
    before, units = thrown_away(signing), signing.store.units(job)
    record, ran = signing.store.read(job), log.read_text()
    again = [HandOut(job, "launch", epoch, 0, 3, "launch") for epoch in (0, 1)]
    again += [HandOut(job, f"p{n}", epoch, 0, 3, "scrape", CHAIN) for n in range(3) for epoch in (0, 1)]
    again += [
        HandOut(job, "score", 0, 0, 2, "score", (), CLOSE),
        HandOut(job, "publish", 0, 0, 2, "publish", (), CLOSE),
    ]
    canvas.dispatch(app, again)
    assert signing.wait(signing.submit(3)) == ["completed"], "behind them in the same queues"
    assert (signing.store.read(job), signing.store.units(job), log.read_text()) == (record, units, ran)
    assert thrown_away(signing)["wrong_mac"] == before["wrong_mac"] == 0


def test_jobs_under_way_go_on_when_the_key_is_turned_off(signing: Spine) -> None:
    signing.celery = signed(signing)
    keyed, signing._extra = signing.workers[0], {}
    jobs = [signing.submit(6, seconds=0.2) for _ in range(2)]
    plain = signing.start_worker()
    signing.await_workers()
    os.kill(keyed.pid, signal.SIGTERM)
    jobs += [signing.submit(3) for _ in range(2)]
    assert signing.wait(jobs) == ["completed"] * 4, "a worker without the key takes signed messages, too"
    keyed.wait(20)
    assert plain.poll() is None
