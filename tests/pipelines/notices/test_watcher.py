"""Watchers beside each other on a real server: what is told, by whom, and how often."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from data import keys
from data.jobs import WORKER_GONE_S, JobStore
from data.presence import StackProcess
from data.probes import DISK
from leadmill.errors import NoticesUnreadableError
from leadmill.notices import KINDS, Delivery, Notice
from leadmill.settings import Settings
from pipelines.notices import disk_look, straight
from pipelines.notices.channel import Channel, ChannelError
from pipelines.notices.disk_look import DiskState
from pipelines.notices.rules import Rules
from pipelines.notices.watcher import Watcher
from tests.valkey import Valkey

ALL = ["scraping", "processing", "analytics", "maintenance"]


class Phone(Rules):
    """A channel that hears of everything; the first `fails` sends fail."""

    name, groups = "phone", False

    def __init__(self, fails: int = 0, unreadable: int = 0) -> None:
        self.heard: list[str] = []
        self._fails, self._unreadable = fails, unreadable

    def send(self, notice: Notice, delivery: Delivery) -> None:
        if self._fails:
            self._fails -= 1
            raise ChannelError("the line is busy")
        self.heard.append(f"{'Resolved: ' if delivery.resolves else ''}{notice.kind}")

    def wanted(self) -> set[str]:
        return set(KINDS)

    def channels_of(self, notice: Notice) -> Sequence[Channel]:
        if self._unreadable:
            self._unreadable -= 1
            raise NoticesUnreadableError("half a file")
        return (self,)

    def channel(self, name: str, notice: Notice) -> Channel | None:
        return self


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with Valkey(tmp_path / "valkey") as started:
        yield started


@pytest.fixture
def settings(server: Valkey, tmp_path: Path) -> Settings:
    return Settings(REDIS_URL=server.url, data_url=str(tmp_path / "var"), key_prefix="test:", celery_broker_url=None)


@pytest.fixture
def records(settings: Settings) -> Iterator[JobStore]:
    store = JobStore.connect(settings.redis_url, settings.key_prefix)
    yield store
    store.close()


@pytest.fixture
def watch(settings: Settings) -> Iterator[Callable[..., Watcher]]:
    """Starts a watcher that looks fifty times a second."""
    started: list[Watcher] = []

    def start(process: StackProcess, phone: Phone) -> Watcher:
        started.append(Watcher(settings, process, phone, look_s=0.02, settling=0))
        started[-1].start()
        return started[-1]

    yield start
    for one in started:
        one.close()


def seen(store: JobStore, node: str, ago_s: float = 0.0, queues: Sequence[str] = ALL) -> None:
    """A worker was seen."""
    about = {"queues": queues, "processes": 1, "pid": 1, "host": "here", "started": 1.0}
    store.redis.hset(store.key(keys.WORKER), node, json.dumps(about))
    store.redis.zadd(store.key(keys.WORKERS), {node: store.now_ms() - ago_s * 1000})


def outbox(store: JobStore) -> Counter[str]:
    rows: Any = store.redis.xrange(store.key(keys.NOTICES))
    return Counter(Notice.read(f"ntc_{entry}", text).kind for entry, fields in rows for text in fields.values())


def until(found: Callable[[], Any], wanted: Any) -> None:
    end = time.monotonic() + 20
    while found() != wanted:
        assert time.monotonic() < end, (found(), wanted)
        time.sleep(0.02)


def dies(watcher: Watcher, store: JobStore, kind: StackProcess) -> None:
    """As by kill -9, eleven seconds ago: it does not sign off."""
    watcher._ended.set()
    watcher._thread.join()
    (name,) = store.redis.zrange(store.key(kind), 0, -1)
    store.redis.zadd(store.key(kind), {name: store.now_ms() - (WORKER_GONE_S + 1) * 1000})


def test_what_is_gone_is_told_once_by_whoever_is_left(watch: Callable[..., Watcher], records: JobStore) -> None:
    phone = Phone()
    api, beat = watch(StackProcess.API, phone), watch(StackProcess.BEAT, phone)
    watch(StackProcess.BEAT, phone)
    seen(records, "w1", ago_s=WORKER_GONE_S + 1)
    until(lambda: outbox(records), {"workers.gone": 1})
    until(lambda: len(api.wrong_now()) == len(beat.wrong_now()) == 1, True)
    (told,) = api.wrong_now()
    assert told["text"].startswith("No worker is there: jobs wait: the worker did not sign off, last seen 1")
    seen(records, "w2")
    until(lambda: outbox(records), {"workers.gone": 1, "workers.back": 1})
    until(lambda: records.redis.zrange(records.key(keys.WORKERS), 0, -1), ["w2"])
    until(lambda: api.wrong_now() == beat.wrong_now() == [], True)
    records.leave("w2")  # on purpose, and the dead one has had a successor
    records.redis.lpush(records.prefix + "scraping", "a message")
    time.sleep(0.5)
    assert outbox(records).total() == 2 and api.wrong_now() == [] and phone.heard == []
    seen(records, "w3", queues=ALL[1:])
    until(lambda: outbox(records)["queue.unserved"], 1)
    seen(records, "w4")
    until(lambda: outbox(records)["queue.served"], 1)
    assert outbox(records).total() == 4


def test_workers_that_died_one_after_the_other_are_missed(watch: Callable[..., Watcher], records: JobStore) -> None:
    watch(StackProcess.BEAT, Phone())
    for i in range(10):
        seen(records, f"w{i}", ago_s=WORKER_GONE_S - i / 50)
    until(lambda: outbox(records), {"workers.gone": 1})


def test_each_of_api_and_beat_watches_the_other(watch: Callable[..., Watcher], records: JobStore) -> None:
    phone = Phone()
    for kind, other in (StackProcess.BEAT, StackProcess.API), (StackProcess.API, StackProcess.BEAT):
        name, stays = kind.value.removesuffix("s").removesuffix("_processe"), watch(other, phone)
        before = outbox(records)
        watch(kind, phone).close()
        time.sleep(0.2)
        assert outbox(records) == before, "it has signed off"
        ended = watch(kind, phone)
        until(lambda kind=kind: records.redis.zcard(records.key(kind)), 1)
        dies(ended, records, kind)
        until(lambda name=name: outbox(records)[f"{name}.gone"], 1)
        again = watch(kind, phone)
        until(lambda name=name: outbox(records)[f"{name}.back"], 1)
        again.close()
        stays.close()
    assert outbox(records).total() == 4 and phone.heard == []


def test_of_a_redis_that_takes_nothing_is_told_straight(
    watch: Callable[..., Watcher], records: JobStore, server: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_look, "LOOK_S", 0.02)
    monkeypatch.setattr(straight, "PAUSE_S", (0.02, 60.0))
    phone, other = Phone(fails=1), Phone(unreadable=3)
    watch(StackProcess.API, phone), watch(StackProcess.BEAT, other)
    seen(records, "w1")

    def both_hear(*kinds: str) -> None:
        for one in (phone, other):
            until(lambda one=one: one.heard[-len(kinds) :], list(kinds))

    records.redis.config_set("maxmemory", "1")
    both_hear("redis.refuses_writes")
    records.redis.config_set("maxmemory", "0")
    both_hear("redis.refuses_writes", "Resolved: redis.well")
    server.stop()
    both_hear("redis.away")
    monkeypatch.setattr(disk_look, "look_at_disk", lambda folder: DiskState(0, 0.5))
    both_hear("redis.away", "disk.nearly_full")  # there is no outbox to write that to
    monkeypatch.setattr(disk_look, "look_at_disk", lambda folder: DiskState(DISK[0] * 2, 0.5))
    both_hear("Resolved: disk.well")
    server.start()
    both_hear("Resolved: redis.back")
    assert len(phone.heard) == len(other.heard) == 6
    assert outbox(records).total() == 0


def test_nearly_full_is_told_before_it_is_full(watch: Callable[..., Watcher], records: JobStore) -> None:
    watcher = watch(StackProcess.BEAT, Phone())
    records.redis.setrange("ballast", 50_000_000, "x")
    used = int(records.redis.info("memory")["used_memory"])
    records.redis.config_set("maxmemory", str(int(used * 1.07)))
    until(lambda: outbox(records), {"redis.nearly_full": 1})
    assert "its limit" in watcher.wrong_now()[0]["text"]
    records.redis.config_set("maxmemory", str(used * 4))
    until(lambda: outbox(records), {"redis.nearly_full": 1, "redis.well": 1})
