"""Two stacks on one machine: when the server of one stands where the other's was, nothing of either is touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from data.jobs import JobStore
from data.lake import Lake
from leadmill.settings import Settings
from pipelines.execution import canvas
from pipelines.execution.broker import make_celery
from pipelines.intake.submission import Submission
from pipelines.intake.submit import submit
from tests.stand_ins.stack import PREFIX, Spine
from tests.valkey import Valkey

pytestmark = pytest.mark.stack


def until(what: Callable[[], object], seconds: float, why: str) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, why
        time.sleep(0.05)


def everything(url: str) -> dict[bytes, bytes | None]:
    """Every key but those of Celery's own control queues, which hold no jobs."""
    with redis.Redis.from_url(url) as client:
        keys = [key for key in client.scan_iter("*") if b"_kombu" not in key and b"pidbox" not in key]
        return {key: client.dump(key) for key in sorted(keys)}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    with Spine(tmp_path_factory.mktemp("ours")) as stack:
        yield stack


def test_a_worker_takes_nothing_from_a_server_that_took_its_servers_port(ours: Spine, tmp_path: Path) -> None:
    theirs = Valkey(tmp_path / "theirs" / "valkey").start()
    settings = Settings(
        REDIS_URL=theirs.url, data_url=str(tmp_path / "theirs" / "data"), key_prefix=PREFIX, celery_broker_url=None
    )
    store = JobStore.connect(theirs.url, PREFIX, lake=settings.data_dir)
    celery = make_celery(settings)
    job = submit(
        store,
        Lake(settings.data_dir),
        lambda outs: canvas.dispatch(celery, outs),
        Submission("pipeline", company_urls=["theirs.example"]),
    ).job_id
    celery.close()
    store.redis.close()
    theirs.stop()
    log = tmp_path / "stages.log"
    mine = ours.submit(6, seconds=0.3, partition_size=1, log=str(log))
    until(lambda: log.exists() and "process" in log.read_text(), 30, "no work under way")
    ours.server.stop()
    theirs.port = ours.server.port
    theirs.start()
    before = everything(theirs.url)
    assert any(b"processing" in key for key in before), "no message waits that could be stolen"
    time.sleep(5)  # the consumer comes back, leases are renewed, the reconciler looks: enough for each to do harm
    assert everything(theirs.url) == before
    assert str(tmp_path / "theirs" / "data") in ours.log(), "it says whose the store is"
    theirs.stop()
    ours.server.start()
    assert ours.wait(mine) == ["completed"]
    record = ours.store.read(mine)
    assert record and float(record["coverage"]) == 1
    assert ours.store.read(job) is None


def test_what_has_another_data_folder_does_not_join(ours: Spine, tmp_path: Path) -> None:
    before = ours.store.workers()
    env = {**ours.env, "LEADMILL_DATA_URL": str(tmp_path / "elsewhere")}
    strangers = [
        subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "tests.stand_ins.app", what],
            env=env, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3],
        )
        for what in ("worker", "beat")
    ]  # fmt: skip
    for stranger in strangers:
        try:
            _, said = stranger.communicate(timeout=60)
        finally:
            stranger.kill()
        assert stranger.returncode == 2, said
        for part in (
            "error: ", "is no lake yet", str(tmp_path / "elsewhere"), str(ours.settings.data_dir), "LEADMILL_DATA_URL",
        ):  # fmt: skip
            assert part in said
        assert "Traceback" not in said
    assert set(ours.store.workers()) == set(before)
    assert not (tmp_path / "elsewhere").exists()
    assert ours.wait(ours.submit(2)) == ["completed"]


def test_a_worker_whose_disk_is_gone_takes_no_more_messages(ours: Spine) -> None:
    data = ours.settings.data_dir
    data.rename(ours.folder / "disk")
    data.mkdir()
    assert ours.workers[0].wait(60) == 0, "it ends by itself"
    assert "the lake is gone" in ours.log()
    job = ours.submit(1)  # the test's own store asks for no lake
    assert ours.store.units(job)["launch"]["s"] == "h"
    shutil.rmtree(data)
    (ours.folder / "disk").rename(data)
    ours.start_worker()
    assert ours.wait(job) == ["completed"]


def test_flower_listens_for_this_machine_alone_unless_told_otherwise(tmp_path: Path) -> None:
    with Valkey(tmp_path / "valkey", aof=False) as server:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FLOWER_")}
        env = {**kept, "REDIS_URL": server.url, "LEADMILL_DATA_URL": str(tmp_path / "data")}
        for more, wanted in (((), {"127.0.0.1"}), (("--address=127.0.0.2",), {"127.0.0.2"})):
            flower = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "tasks.app", "flower", "--port=0", *more],
                env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[3],
            )  # fmt: skip
            try:
                process = psutil.Process(flower.pid)

                def listening(process: psutil.Process = process) -> set[str]:
                    return {c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}

                until(listening, 30, "flower did not come up")
                assert listening() == wanted
            finally:
                flower.kill()
                flower.wait()
