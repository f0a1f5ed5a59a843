"""Each fault that health looks for is made on purpose; each finding names it and a command."""

from __future__ import annotations

import json
from collections import namedtuple
from datetime import timedelta
from typing import Any

import pytest
import redis

from data import probes
from data.jobs import LIMITS, JobStore
from data.schedules import ScheduleStore
from leadmill.declared import PERIODIC
from leadmill.settings import Settings
from pipelines.execution import thrown_away
from pipelines.execution.recovery import Node
from pipelines.queues import LEVELS, Queue
from tasks.maintenance import redis_checks
from tasks.maintenance.health import check_health
from tests.tasks.maintenance.conftest import Driver
from tests.valkey import free_port

EMPTY = {(queue.value, level): 0 for queue in Queue for level in LEVELS}


@pytest.fixture
def sound(driver: Driver) -> Driver:
    """A stack in which all is well, but for the append-only file."""
    node = Node("w@h", tuple(queue.value for queue in Queue), 4)
    driver.store.claim({}, node=node.name, about=node.about())
    for name in PERIODIC:
        ScheduleStore(driver.store).ticked(name, driver.now)
    return driver


def check(driver: Driver, lengths: Any = EMPTY, url: str = "redis://127.0.0.1:6379/0") -> dict[str, dict[str, Any]]:
    settings = Settings(data_url=str(driver.lake.root), redis_url=url)
    found = check_health(driver.store, driver.lake, settings, lengths, driver.now)
    states = ("ok", "warn", "fail")
    assert found["status"] == states[max(states.index(row["status"]) for row in found["checks"])]
    for row in found["checks"]:
        assert set(row) == {"name", "status", "message", "advice"}
        assert (row["advice"] is None) == (row["status"] == "ok"), row
    json.dumps(found)
    rows = {row["name"]: row for row in found["checks"]}
    assert len(rows) == len(found["checks"])
    return rows


def faults(rows: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: row["status"] for name, row in rows.items() if row["status"] != "ok" and not name.startswith("disk")}


def test_a_sound_stack_has_one_warning_the_missing_file(sound: Driver) -> None:
    sound.completed(["a.example"], 1)
    sound.at(0)
    sound.submit()
    rows = check(sound, url="redis://user:secret@h.example:7000/1")
    assert faults(rows) == {"redis persistence": "warn"}
    assert (
        rows["redis persistence"]["advice"]
        == "redis-cli -u 'redis://user:***@h.example:7000/1' CONFIG SET appendonly yes"
    )


def test_no_answer_is_a_finding(driver: Driver) -> None:
    client = redis.Redis(port=free_port(), decode_responses=True, socket_connect_timeout=1, retry=None)
    driver.store = JobStore(client, "test:")
    rows = check(driver, lengths=None)
    assert rows["redis"]["status"] == rows["queues"]["status"] == "fail"
    assert set(rows) <= {"settings", "redis", "queues", "disk", "disk files", "disk access", "damaged files"}


def test_queues_without_a_listener(sound: Driver) -> None:
    sound.store.leave("w@h")
    node = Node("v@h", ("processing",), 1)
    sound.store.claim({}, node=node.name, about=node.about())
    rows = check(sound)
    assert rows["workers processing"]["status"] == "ok"
    assert rows["workers scraping"] | {"message": ""} == {
        "name": "workers scraping", "status": "fail", "message": "", "advice": "leadmill worker -Q scraping",
    }  # fmt: skip


def test_what_workers_threw_away(sound: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(sound)["messages"]["status"] == "ok"
    monkeypatch.setattr(thrown_away, "_counts", {})
    for node, reason in (("a@h", "unsigned"), ("b@h", "foreign_task"), ("c@h", "unsigned")):
        thrown_away.throw_away(thrown_away.Reason(reason), "thrown away", reason)
        sound.store.claim({}, node=node, about=Node(node, (), 1).about())
    found = check(sound)["messages"]
    assert found["status"] == "warn" and "6 (unsigned 4, foreign task 2)" in str(found["message"])


def test_workers_that_do_not_sign_beside_some_that_do(sound: Driver) -> None:
    assert "signing" not in check(sound), "none does"
    sound.store.claim({}, node="s@h", about=Node("s@h", (), 1, signs=True).about())
    found = check(sound)["signing"]
    assert found["status"] == "warn" and str(found["message"]).startswith("1 of 2 workers do not sign")
    sound.store.leave("w@h")
    assert "signing" not in check(sound), "all do"


def test_a_job_that_nothing_would_move(sound: Driver) -> None:
    job_id = sound.submit()
    assert check(sound)["jobs stuck"]["status"] == "ok"
    sound.store.redis.delete(sound.store.key("due"))
    found = check(sound)["jobs stuck"]
    assert found["status"] == "fail" and job_id in found["message"]


def test_work_that_waits(sound: Driver) -> None:
    sound.at(10 / 1440)
    waiting = sound.submit()
    later = sound.submit(run_at=sound.now.timestamp() + 9_000)
    found = check(sound)
    assert found["jobs pending"]["status"] == "warn" and waiting in found["jobs pending"]["message"]
    assert later not in found["jobs pending"]["message"]
    assert found["units waiting"]["status"] == "warn" and f"{waiting} launch" in found["units waiting"]["message"]
    assert found["reconciler"]["status"] == "fail"


def test_units_that_die_and_units_set_aside(sound: Driver) -> None:
    job_id = sound.submit()
    for deaths in range(1, int(LIMITS["MAX_DEATHS"]) + 1):
        sound.begin(job_id, "launch")
        sound.store.died(job_id, "launch", "owner:1", "SIGKILL")
        found = check(sound)
        if deaths < LIMITS["MAX_DEATHS"]:
            assert f"{job_id} launch" in found["units dying"]["message"] and found["units set aside"]["status"] == "ok"
    assert found["units set aside"]["status"] == "warn" and "SIGKILL" in found["units set aside"]["message"]
    assert "units dying" not in found


def test_a_scheduler_that_stands_still(sound: Driver) -> None:
    ScheduleStore(sound.store).ticked("statistics", sound.now - timedelta(hours=3))
    found = check(sound)["schedules"]
    assert found["status"] == "warn" and "statistics" in found["message"] and "cleanup" not in found["message"]


def test_a_schedule_that_cannot_be_read(sound: Driver) -> None:
    sound.store.redis.hset(sound.store.key("schedules"), "my leads", "{")
    rows = check(sound)
    assert rows["schedules kept"]["status"] == "fail" and "'my leads'" in rows["schedules kept"]["message"]
    assert rows["schedules kept"]["advice"] == "leadmill schedules delete 'my leads'"
    assert rows["schedules"]["status"] == "ok"


@pytest.mark.parametrize(("kind", "state"), [("job_not_restored", "fail"), ("tick_waits", "warn")])
def test_what_others_told_is_a_finding(kind: str, state: str, sound: Driver) -> None:
    sound.store.critical(kind, {"job": "job_x", "error": "torn"})
    found = check(sound)[kind.replace("_", " ")]
    assert found["status"] == state and "job_x" in found["message"] and "torn" in found["message"]


def test_long_queues_full_disks_and_forgotten_files(sound: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = sound.cancelled(["a.example"], 1)
    torn = sound.lake.job_dir(job_id) / "_tmp" / "process.p0.1~process+part-00000-0.parquet"
    torn.parent.mkdir(exist_ok=True)
    torn.write_bytes(b"x")
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(probes.shutil, "disk_usage", lambda path: usage(10, 9, 1_000_000_000))
    rows = check(sound, {**EMPTY, ("scraping", 1): 10_001})
    assert faults(rows) == {"redis persistence": "warn", "queues": "warn", "temporary files": "warn"}
    assert rows["disk"]["status"] == "warn" and job_id in rows["temporary files"]["message"]
    monkeypatch.setattr(probes.shutil, "disk_usage", lambda path: usage(10, 9, 1_000))
    assert check(sound)["disk"]["status"] == "fail"


SOUND_INFO = {
    "aof_enabled": 1, "aof_last_write_status": "ok", "aof_last_bgrewrite_status": "ok", "rdb_last_bgsave_status": "ok",
    "maxmemory_policy": "noeviction", "used_memory": 10, "maxmemory": 100, "connected_clients": 3, "maxclients": 100,
    "loading": 0, "redis_version": "7",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "name", "status"),
    [
        ({}, None, None),
        ({"loading": 1}, "redis", "warn"),
        ({"aof_enabled": 0}, "redis persistence", "warn"),
        ({"aof_last_write_status": "err"}, "redis persistence", "fail"),
        ({"rdb_last_bgsave_status": "err"}, "redis persistence", "fail"),
        ({"maxmemory_policy": "allkeys-lru"}, "redis eviction", "fail"),
        ({"used_memory": 80}, "redis memory", "warn"),
        ({"used_memory": 95}, "redis memory", "fail"),
        ({"maxmemory": 0, "total_system_memory": 11}, "redis memory", "fail"),
        ({"maxmemory": 0}, None, None),
        ({"connected_clients": 95}, "redis clients", "fail"),
    ],
)
def test_what_redis_says_of_itself(change: dict[str, Any], name: str | None, status: str | None) -> None:
    class Stub:
        def server_info(self) -> tuple[float, dict[str, Any]]:
            return 0.001, {**SOUND_INFO, **change}

    rows = list(redis_checks.check_redis(Stub(), "redis://h"))  # type: ignore[arg-type]
    assert {row.name: row.status for row in rows if row.status != "ok"} == ({name: status} if name else {})
