"""`leadmill lake copy` and `leadmill doctor --deep`: what they print, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from data.damage import damages
from data.identity import LAKE_FILE, read_id, write_id
from data.jobs import JobStore
from data.lake import Lake
from data.parts import DAMAGED
from leadmill.settings import get_settings
from tests.cli.conftest import Ended
from tests.small_lake import scored_job
from tests.stand_ins.s3 import S3Server
from tests.valkey import Valkey

pytestmark = pytest.mark.stack

Run = Callable[..., Ended]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process."""

    def run(*arguments: str) -> Ended:
        get_settings.cache_clear()
        code = main(arguments)
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    return run


@pytest.fixture(autouse=True)
def _settings_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LEADMILL_DATA_URL", "")  # what a command sets goes with the test
    monkeypatch.delenv("LEADMILL_DATA_URL")
    yield
    get_settings.cache_clear()


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake whose stack does not run."""
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")
    found = Lake(tmp_path / "var")
    write_id(found.data)
    for _ in range(3):
        scored_job(found)
    return found


def rows(root: Path) -> list[Any]:
    return [row["domain"] for row in Lake(root).newest("score")]


def test_a_copy_and_a_move(run: Run, lake: Lake, tmp_path: Path) -> None:
    copy, moved, before = tmp_path / "copy", tmp_path / "moved", rows(lake.data)
    done = run("lake", "copy", str(lake.data), str(copy))
    assert done.code == 0 and "3 jobs" in done.out and "each compared" in done.out
    assert "taken for stopped" in done.err and "an id of its own" in done.err
    assert rows(copy) == before and read_id(copy) != read_id(lake.data)
    own = read_id(lake.data)
    done = run("lake", "copy", str(lake.data), str(moved), "--move", "--json")
    told = json.loads(done.out)
    assert done.code == 0 and told["moved"] and told["lake"] == own == read_id(moved) and told["jobs"] == 3
    assert rows(moved) == before
    for source, target, said in ((moved, copy, "already"), (lake.data, tmp_path / "more", "was moved to")):
        done = run("lake", "copy", str(source), str(target))
        assert done.code == 2 and said in done.err and done.err.count("error:") == 1


def test_a_lake_at_work_is_not_copied(run: Run, lake: Lake, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    from data.jobs import NewJob
    from leadmill.ids import new_job_id

    monkeypatch.setenv("REDIS_URL", valkey.url)
    monkeypatch.setenv("LEADMILL_KEY_PREFIX", "copied:")
    target = lake.data.with_name("target")
    assert "taken for stopped" in run("lake", "copy", str(lake.data), str(target.with_name("first"))).err
    store = JobStore.connect(valkey.url, "copied:", lake=lake.data)
    store.generation("one")
    job = NewJob(
        job_id=new_job_id(),
        kind="pipeline",
        stages=("scrape",),
        partition_stages=("scrape",),
        tags=(),
        spec={},
        source={},
    )
    store.submit(job)
    done = run("lake", "copy", str(lake.data), str(target))
    assert done.code == 2 and "jobs of it wait or run (1)" in done.err and not target.exists()
    store.cancel(job.job_id)
    done = run("lake", "copy", str(lake.data), str(target))
    assert done.code == 0 and "taken for stopped" not in done.err
    store.redis.close()


def test_the_doctor_looks_deep(run: Run, lake: Lake) -> None:
    done = run("doctor", "--deep", "--data", str(lake.data))
    assert done.code == 0 and "0 torn, 0 missing" in done.err and "3 jobs" in done.err
    (lake.data / "notes.txt").write_text("mine")
    done = run("doctor", "--deep", "--json", "--data", str(lake.data))
    [told] = json.loads(done.out)["findings"]
    assert done.code == 0 and (told["fault"], told["level"], told["file"]) == ("foreign", "warn", "notes.txt")
    [part] = lake.parts(sorted(lake.job_ids())[0], "score")
    part.write_bytes(part.read_bytes()[:-20])
    done = run("doctor", "--deep", "--mend", "--data", str(lake.data))
    assert done.code == 1 and f"fail  torn: {part.relative_to(lake.data)}" in done.out
    assert "nothing is mended" in done.err and part.exists() and damages(lake) == []
    assert run("doctor", "--mend").code == 2 and not list(lake.data.rglob(f"{DAMAGED}*"))


def test_into_a_bucket_and_back(
    run: Run, lake: Lake, tmp_path: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, back, before = s3.place("some/prefix"), tmp_path / "back", rows(lake.data)
    for name, value in (
        ("ENDPOINT_URL", s3.url),
        ("ACCESS_KEY_ID", "id"),
        ("SECRET_ACCESS_KEY", "key"),
        ("REGION", "us-east-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    bucket = f"s3://{place.bucket}/some/prefix"
    assert run("lake", "copy", str(lake.data), bucket).code == 0
    told = json.loads(run("lake", "copy", bucket, str(back), "--move", "--json").out)
    assert told["source"] == bucket and told["files"] >= 3 and rows(back) == before
    assert "was moved to" in run("lake", "copy", bucket, str(tmp_path / "more")).err


def test_a_copy_that_is_killed_goes_on(lake: Lake, tmp_path: Path) -> None:
    target, before = tmp_path / "copy", rows(lake.data)
    command = [sys.executable, "-m", "cli.main", "lake", "copy", str(lake.data), str(target), "--move"]
    own, environment = read_id(lake.data), {**os.environ, "REDIS_URL": "redis://127.0.0.1:9/0"}
    for wait_s in (0.0, 0.02):  # after it has begun to write
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while not (target / LAKE_FILE).exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(wait_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert subprocess.run(command, env=environment, check=False, capture_output=True).returncode == 0
    assert rows(target) == before and read_id(target) == own
