"""The stream of entries on a real server: its ids, what happens when it is emptied or too long, and a killed flush."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from data import keys
from data.audit import AuditFiles, AuditFilter, AuditStream, Entry, page
from data.audit.entry import LOST
from data.jobs import JobStore, NewJob
from data.jobs.model import Bounds
from data.lake import Lake
from leadmill.errors import ConflictError, DamagedRecordError, OverloadedError
from leadmill.ids import new_job_id
from tests.valkey import Valkey


@pytest.fixture
def stream(store: JobStore) -> AuditStream:
    return AuditStream(store)


@pytest.fixture
def files(lake: Lake) -> AuditFiles:
    return AuditFiles(lake.root)


def add(stream: AuditStream, files: AuditFiles, *actions: str) -> None:
    stream.append([Entry(action=action).text() for action in actions], files.newest)


def actions(stream: AuditStream, files: AuditFiles) -> list[str]:
    return [one["action"] for one in page(stream, files, AuditFilter(), 1_000).rows]


def flush(stream: AuditStream, files: AuditFiles) -> int:
    with files.exclusive(5):
        return files.flush(stream)


def test_entries_come_back_newest_first_before_and_after_a_flush(stream: AuditStream, files: AuditFiles) -> None:
    add(stream, files, "a", "b")
    add(stream, files, "c")
    assert stream.length() == 2
    assert actions(stream, files) == ["c", "b", "a"]
    assert flush(stream, files) == 3 and stream.length() == 0
    add(stream, files, "d")
    assert actions(stream, files) == ["d", "c", "b", "a"]


def test_an_emptied_server_goes_on_behind_the_files(stream: AuditStream, files: AuditFiles, store: JobStore) -> None:
    """Its clock may have been set back meanwhile: ids are never given twice."""
    ahead = store.now_ms() + 3_600_000
    store.redis.xadd(store.key(keys.AUDIT), {"e": f"[{Entry(action='a').text()}]"}, id=f"{ahead}-5")
    flush(stream, files)
    store.redis.flushall()
    add(stream, files, "b")
    add(stream, files, "c")
    assert actions(stream, files) == ["c", "b", "a"]
    assert flush(stream, files) == 2
    assert actions(stream, files) == ["c", "b", "a"]


def test_a_stream_that_is_too_long_loses_its_oldest_and_says_how_many(stream: AuditStream, files: AuditFiles) -> None:
    for number in range(30):
        add(stream, files, f"a{number}", f"b{number}")
    assert stream.make_room(30) == 0
    lost = stream.make_room(20)
    assert lost == 24 and stream.length() == 19
    [told] = page(stream, files, AuditFilter(action=LOST), 10).rows
    assert (told["count"], told["code"]) == (24, "stream_full")


@pytest.mark.parametrize(
    "hostile", ["18446744073709551615-18446744073709551615", "18446744073709551615-0", "9999999999999-0"]
)
def test_ids_follow_the_clock_again_after_one_of_somebody_elses(
    stream: AuditStream, files: AuditFiles, store: JobStore, hostile: str
) -> None:
    add(stream, files, "before")
    store.redis.xadd(store.key(keys.AUDIT), {"e": '[{"action": "theirs"}]'}, id=hostile)
    assert set(actions(stream, files)) == {"before", "theirs"}
    flush(stream, files)
    assert stream.length() == 0
    add(stream, files, "behind")
    ((at, _),) = stream.oldest(10)
    assert abs(at[0] - time.time() * 1000) < 60_000
    assert sorted(actions(stream, files)) == ["before", "behind", "theirs"]


def test_a_key_of_another_type_is_told(stream: AuditStream, files: AuditFiles, store: JobStore) -> None:
    store.redis.set(store.key(keys.AUDIT), "mine")
    with pytest.raises(DamagedRecordError):
        add(stream, files, "a")
    with pytest.raises(DamagedRecordError):
        flush(stream, files)


FLUSH = """
import sys
from pathlib import Path
from data.audit import AuditFiles, AuditStream
from data.jobs import JobStore
files, stream = AuditFiles(Path(sys.argv[1])), AuditStream(JobStore.connect(sys.argv[2], "test:"))
with files.exclusive(10):
    files.flush(stream)
"""


@pytest.mark.parametrize("point", ["audit_written", "audit_dropped", "audit_merged"])
def test_a_flush_killed_at(
    point: str, stream: AuditStream, files: AuditFiles, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: list[str] = []
    for number in range(26 if point == "audit_merged" else 2):
        add(stream, files, f"a{number}", f"b{number}")
        expected = [f"b{number}", f"a{number}", *expected]
        if point == "audit_merged":
            monkeypatch.setattr("data.audit.files.MERGED_FROM", 100)
            flush(stream, files)
    holds = tmp_path / "holds"
    holds.mkdir()
    (holds / point).touch()
    env = {**os.environ, "LEADMILL_PAUSE_DIR": str(holds)}
    with subprocess.Popen([sys.executable, "-c", FLUSH, str(files.root), valkey.url], env=env) as process:
        until = time.monotonic() + 30
        while not list(holds.glob(f"{point}.at.*")):
            assert process.poll() is None and time.monotonic() < until, f"nobody came to {point}"
            time.sleep(0.01)
        assert actions(stream, files) == expected, "while it stands there"
        process.send_signal(signal.SIGKILL)
    assert actions(stream, files) == expected
    flush(stream, files)
    assert actions(stream, files) == expected and stream.length() == 0


def job(**more: Any) -> NewJob:
    return NewJob(
        job_id=new_job_id(),
        kind="pipeline",
        stages=("scrape",),
        partition_stages=("scrape",),
        spec={},
        source={},
        **more,
    )


def test_a_submission_and_its_entry_are_one_move(stream: AuditStream, files: AuditFiles, store: JobStore) -> None:
    entry = Entry(action="submit_pipeline", name='"}]').text()
    assert not store.submit(job(), audit=entry).body.get("audited"), "whoever finds no stream begins it himself"
    assert actions(stream, files) == []
    add(stream, files, "a")
    key = {"idempotency_key": "k", "body_hash": "1"}
    assert store.submit(job(**key), audit=entry).body["audited"] == 2
    assert actions(stream, files) == ["submit_pipeline", "a"]
    assert not store.submit(job(**key), audit=entry).body.get("audited"), "a replay tells of another job"
    with pytest.raises(ConflictError):
        store.submit(job(idempotency_key="k", body_hash="2"), audit=entry)
    with pytest.raises(OverloadedError):
        store.submit(job(), Bounds(max_live=1), audit=entry)
    assert actions(stream, files) == ["submit_pipeline", "a"]
    store.redis.set(store.key(keys.AUDIT), "mine")
    assert not store.submit(job(), audit=entry).body.get("audited"), "a foreign key keeps nobody from submitting"
