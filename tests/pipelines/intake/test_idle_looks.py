"""What an idle stack asks of the store that its lake lies in: each request is paid, day and night."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.ending import Ending, put_mark
from data.identity import LAKE_FILE
from data.jobs import JobStore
from data.lake import Lake
from data.mounts import storage_at
from data.object_store import storage as of_store
from leadmill.errors import ForeignLakeError
from pipelines.intake.schedule_registry import ScheduleRegistry
from pipelines.intake.schedules import Ticker, create
from pipelines.intake.submission import Submission
from tests.stand_ins.s3 import S3Server
from tests.valkey import Valkey

pytestmark = pytest.mark.stack

NOW = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)

PIPELINE = Submission("pipeline", company_urls=["a.example"])


@pytest.fixture
def paired(store: JobStore, valkey: Valkey, s3_root: Path) -> JobStore:
    """An empty store that belongs to a lake in a bucket."""
    found = JobStore.connect(valkey.url, store.prefix, lake=s3_root)
    found.redis.ping()
    return found


def test_of_many_looks_at_an_idle_lake_few_are_requests(paired: JobStore, s3: S3Server, s3_root: Path) -> None:
    ticker = Ticker(paired, Lake(s3_root), lambda _outs: None)
    ticker.tick(NOW)
    paired.check_folder()
    s3.methods()
    for _ in range(8):
        assert ticker.tick(NOW) == []
        paired.check_folder()
    assert s3.methods() == {}


def test_what_others_change_is_seen_at_the_next_look(
    paired: JobStore, s3_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(s3_root)
    ticker, registry = Ticker(paired, lake, lambda _outs: None), ScheduleRegistry(paired, lake)
    ticker.tick(NOW)
    assert registry.read_all(NOW) == ([], [])
    create(paired, lake, "nightly", "0 3 * * *", PIPELINE, NOW)
    assert [one.name for one in registry.read_all(NOW)[0]] == ["nightly"], "what Redis tells is looked for in the lake"
    ScheduleRegistry(paired, lake).delete("nightly")
    assert registry.read_all(NOW) == ([], []), "and does not come back of what was seen before"

    other = Lake(s3_root, project="acme")
    create(paired.of("acme"), other, "nightly", "0 3 * * *", PIPELINE, NOW)
    paired.redis.flushall()
    monkeypatch.setattr(of_store.ObjectStorage, "look_s", 0.0)
    ticker.tick(NOW)
    assert [one.name for one in ScheduleRegistry(paired.of("acme"), other).read_all(NOW)[0]] == ["nightly"]
    put_mark(s3_root, "acme", Ending(NOW, None))
    assert ticker.tick(NOW) == []


def test_a_lake_that_was_replaced_is_refused_at_the_next_look(
    paired: JobStore, s3_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paired.check_folder()
    storage_at(s3_root).put(s3_root / LAKE_FILE, f"lake_{'0' * 20}\n".encode())
    paired.check_folder()
    monkeypatch.setattr(of_store.ObjectStorage, "look_s", 0.0)
    with pytest.raises(ForeignLakeError):
        paired.check_folder()
