"""Schedules when the server is emptied, when entries are nonsense, and when lake and Redis differ."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.job_files import JobFiles
from data.jobs import JobStore
from data.lake import Lake
from data.schedules import ScheduleStore
from leadmill.declared import PERIODIC
from leadmill.time_zones import time_zone
from pipelines.intake.schedules import Ticker
from pipelines.manifest import manifest_of
from tests.api.conftest import V1

HOUR = timedelta(hours=1)
BODY = {"company_urls": ["acme.example"], "tags": ["weekly"], "report": {"formats": ["csv"]}}
#: Entries that are no schedule.
NONSENSE = ("not json", "[]", "7", "null", '{"name": "bad"}', "{}", '{"name": "bad", "cron": 5, "created_at": "x"}')


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def add(client: TestClient, name: str, cron: str = "0 * * * *", zone: str = "UTC") -> None:
    made = client.post(f"{V1}/schedules", json={"name": name, "cron": cron, "timezone": zone, "pipeline": BODY})
    assert made.status_code == 201, made.text


def items(client: TestClient) -> dict[str, dict]:
    answer = client.get(f"{V1}/schedules")
    assert answer.status_code == 200, answer.text
    return {one["name"]: one for one in answer.json()["items"]}


def ticker(store: JobStore, lake: Lake) -> Ticker:
    return Ticker(store, lake, lambda outs: None)


def ticked(one: Ticker, at: datetime) -> list[str]:
    return [name for name in one.tick(at) if name not in PERIODIC]


def told(store: JobStore, kind: str) -> list[str]:
    found = [event for event in store.criticals(500) if event["kind"] == kind]
    return [event.get("name", "") for event in found if event.get("name") not in PERIODIC]


def file_of(lake: Lake, name: str) -> Path:
    [file] = (lake.root / "schedules").glob(f"{name}-*.json")
    return file


def made_long_ago(lake: Lake, name: str, at: datetime) -> None:
    file = file_of(lake, name)
    file.write_text(json.dumps({**json.loads(file.read_text()), "created_at": at.isoformat()}))


# ---- an emptied server -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["api", "beat"])
def test_schedules_outlive_their_server(
    reader: str, client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    for name in ("hourly", "halted", "gone"):
        add(client, name, zone="Asia/Kathmandu" if name == "halted" else "UTC")
    client.post(f"{V1}/schedules/halted/pause")
    assert client.delete(f"{V1}/schedules/gone").status_code == 204
    assert ticked(ticker(store, lake), now + HOUR) == ["hourly"]
    before = items(client)
    assert before["halted"]["timezone"] == "Asia/Kathmandu"
    store.redis.flushall()
    if reader == "beat":
        ticker(store, lake).tick(now + HOUR + timedelta(seconds=1))
        assert set(store.redis.hkeys(store.key("schedules"))) == {"hourly", "halted"}
    after = items(client)
    assert set(after) == {"hourly", "halted"}
    for name, one in after.items():
        assert {**one, "last_tick": None} == {**before[name], "last_tick": None}
    assert after["halted"]["paused"] and ScheduleStore(store).get("hourly").body["tags"] == ["weekly"]
    assert [e["restored"] for e in store.criticals() if e["kind"] == "schedules_restored"] == [2]
    assert (
        client.post(f"{V1}/schedules", json={"name": "hourly", "cron": "* * * * *", "pipeline": BODY}).status_code
        == 409
    )


def test_a_tick_whose_job_is_in_the_lake_is_not_submitted_again(
    client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    add(client, "daily", f"0 {now.hour} * * *")
    made_long_ago(lake, "daily", now - timedelta(hours=20))
    assert ticked(ticker(store, lake), now + timedelta(minutes=1)) == ["daily"]
    [(job, _)] = store.ids("t:schedule:daily")
    record = store.record(job)
    assert record is not None
    manifest = manifest_of(store, JobFiles.unrecorded(lake, job), record, {}, status="running", now=now)
    (lake.job_dir(job)).mkdir(parents=True)
    (lake.job_dir(job) / "manifest.json").write_text(json.dumps(manifest))  # as launch does: the lake knows the job
    store.redis.flushall()
    again = ticker(store, lake)
    assert ticked(again, now + timedelta(minutes=2)) == []
    assert items(client)["daily"]["last_tick"]["job_id"] == job
    assert ticked(again, now + timedelta(days=1, minutes=1)) == ["daily"], "it goes on at its next planned time"
    assert told(store, "missed_ticks") == []


def test_a_tick_whose_job_was_lost_before_it_began_is_submitted_again(
    client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    add(client, "hourly")
    made_long_ago(lake, "hourly", now - 9 * HOUR)
    assert ticked(ticker(store, lake), now + timedelta(minutes=1)) == ["hourly"]
    store.redis.flushall()
    assert ticked(ticker(store, lake), now + timedelta(minutes=2)) == ["hourly"]
    assert len(store.ids("t:schedule:hourly")) == 1 and told(store, "missed_ticks") == []


def test_schedules_of_0_1_0_are_copied_to_the_lake(client: TestClient, store: JobStore, lake: Lake) -> None:
    add(client, "old")
    file_of(lake, "old").unlink()
    ticker(store, lake).tick(datetime.now(UTC))
    assert json.loads(file_of(lake, "old").read_text())["body"]["company_urls"] == ["acme.example"]
    assert oct(file_of(lake, "old").stat().st_mode & 0o777) == "0o600"
    assert oct(file_of(lake, "old").parent.stat().st_mode & 0o777) == "0o700"
    store.redis.flushall()
    assert set(items(client)) == {"old"}


def test_what_was_deleted_or_paused_does_not_come_back(client: TestClient, store: JobStore, lake: Lake) -> None:
    """A writer that dies between the two places leaves what it was asked for, not what was before."""
    add(client, "deleted")
    add(client, "paused")
    file_of(lake, "deleted").rename(file_of(lake, "deleted").with_suffix(".deleted"))  # Redis has it still
    text = file_of(lake, "paused").read_text()
    file_of(lake, "paused").write_text(text.replace('"paused": false', '"paused": true'))
    ticker(store, lake).tick(datetime.now(UTC))
    found = items(client)
    assert set(found) == {"paused"} and found["paused"]["paused"]
    assert not list((lake.root / "schedules").glob("deleted*"))
    assert client.delete(f"{V1}/schedules/deleted").status_code == 404


def test_deleted_while_the_server_is_empty(client: TestClient, store: JobStore, lake: Lake) -> None:
    add(client, "one")
    store.redis.flushall()
    assert client.delete(f"{V1}/schedules/one").status_code == 204
    ticker(store, lake).tick(datetime.now(UTC))
    assert items(client) == {}
    add(client, "one")


def test_two_writers_at_once(client: TestClient, store: JobStore, lake: Lake) -> None:
    """Whatever the order: lake and Redis hold the same in the end, and what was deleted last is gone."""

    def restore(_: int) -> None:
        store.redis.delete(store.key("schedules"), store.key("schedule_bodies"))
        ticker(store, lake).tick(datetime.now(UTC))

    for name in ("a", "b", "c"):
        add(client, name)
    moves: list[Callable[[int], object]] = [
        restore,
        lambda n: client.post(f"{V1}/schedules/a/{'pause' if n % 2 else 'resume'}"),
        lambda n: client.delete(f"{V1}/schedules/b"),
        lambda n: client.post(f"{V1}/schedules", json={"name": "d", "cron": "0 0 * * *", "pipeline": BODY}),
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: moves[n % len(moves)](n), range(24)))
    ticker(store, lake).tick(datetime.now(UTC))
    found = items(client)
    assert set(found) == {"a", "c", "d"}
    for name, one in found.items():
        assert json.loads(file_of(lake, name).read_text())["paused"] == one["paused"]


def test_a_lake_that_takes_nothing_keeps_nothing(
    client: TestClient, store: JobStore, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(client, "there")

    def full(fd: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    refused = client.post(f"{V1}/schedules", json={"name": "new", "cron": "0 0 * * *", "pipeline": BODY})
    assert refused.status_code == 507 and "No space left" in refused.json()["detail"]
    assert client.post(f"{V1}/schedules/there/pause").status_code == 507
    monkeypatch.undo()
    found = items(client)
    assert set(found) == {"there"} and not found["there"]["paused"]
    assert not list((lake.root / "schedules").glob("*.tmp")) and not list((lake.root / "schedules").glob(".*.tmp"))


def test_a_tick_that_the_disk_does_not_take_waits_and_stops_no_other(
    client: TestClient, store: JobStore, lake: Lake, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = {"company_urls": [f"company-{n:05d}.example" for n in range(4_000)]}
    made = client.post(f"{V1}/schedules", json={"name": "a-large", "cron": "0 * * * *", "pipeline": large})
    assert made.status_code == 201
    add(client, "small")
    one = ticker(store, lake)
    one.tick(now)

    def full(fd: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)
    assert ticked(one, now + HOUR) == ["small"]
    assert ticked(one, now + HOUR + timedelta(seconds=1)) == []
    assert told(store, "tick_waits") == ["a-large"]
    monkeypatch.undo()
    assert ticked(one, now + HOUR + timedelta(seconds=2)) == ["a-large"]


# ---- nonsense -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", NONSENSE)
def test_an_unreadable_entry_stands_for_itself(
    text: str, client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    add(client, "behind")
    store.redis.hset(store.key("schedules"), "bad", text)
    one = ticker(store, lake)
    assert ticked(one, now + HOUR) == ["behind"]
    one.tick(now + HOUR + timedelta(seconds=1))
    ticker(store, lake).tick(now + HOUR + timedelta(seconds=2))
    assert told(store, "unreadable_schedule") == ["bad"], "told once"
    found = items(client)
    assert found["bad"]["fault"] and found["bad"]["next_runs"] == [] and found["behind"]["fault"] is None
    assert client.post(f"{V1}/schedules/bad/pause").status_code == 409
    assert client.delete(f"{V1}/schedules/bad").status_code == 204
    assert set(items(client)) == {"behind"}
    add(client, "bad")


@pytest.mark.parametrize("text", NONSENSE)
def test_an_entry_that_the_lake_has_whole_is_mended(text: str, client: TestClient, store: JobStore, lake: Lake) -> None:
    add(client, "hourly")
    store.redis.hset(store.key("schedules"), "hourly", text)
    store.redis.hset(store.key("schedule_bodies"), "hourly", text)
    assert items(client)["hourly"]["fault"] is None
    assert told(store, "unreadable_schedule") == ["hourly"]
    assert ticked(ticker(store, lake), datetime.now(UTC) + HOUR) == ["hourly"]
    store.redis.hset(store.key("schedule_bodies"), "hourly", text)
    assert ticked(ticker(store, lake), datetime.now(UTC) + 2 * HOUR) == ["hourly"]


def test_a_torn_file_is_shown_and_can_be_deleted(client: TestClient, store: JobStore, lake: Lake) -> None:
    add(client, "torn")
    add(client, "whole")
    file_of(lake, "torn").write_text("{")
    store.redis.flushall()
    found = items(client)
    assert found["torn"]["fault"] and found["whole"]["fault"] is None
    assert "torn" in told(store, "unreadable_schedule")
    assert client.delete(f"{V1}/schedules/torn").status_code == 204
    assert set(items(client)) == {"whole"}


def test_names_that_no_call_made_can_be_deleted(client: TestClient, store: JobStore, lake: Lake) -> None:
    for name in ("../../etc", "a b", "ü"):
        store.redis.hset(store.key("schedules"), name, "{")
        assert name in items(client)
        assert client.delete(f"{V1}/schedules/{name.replace('../', '%2E%2E/')}").status_code == 204
    assert items(client) == {}


@pytest.mark.parametrize(
    "body", ['{"kind": "pipeline"}', '{"kind": "x", "priority": 1}', '{"company_urls": 5}', "[", ""]
)
def test_a_body_that_is_none_is_refused_and_stops_no_other(
    body: str, client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    add(client, "broken")
    add(client, "good")
    store.redis.hset(store.key("schedule_bodies"), "broken", body)
    kept = json.loads(file_of(lake, "broken").read_text())
    file_of(lake, "broken").write_text(json.dumps({**kept, "body": json.loads(body) if body[:1] == "{" else 3}))
    one = ticker(store, lake)
    assert ticked(one, now + HOUR) == ["good"]
    assert ticked(one, now + HOUR + timedelta(seconds=1)) == []
    assert told(store, "tick_refused") == ["broken"]
    assert client.get(f"{V1}/schedules").status_code == 200
    assert client.delete(f"{V1}/schedules/broken").status_code == 204


@pytest.mark.parametrize("key", ["schedules", "schedule_bodies", "ticks", "tick_jobs", "ticked:hourly"])
@pytest.mark.parametrize("kind", ["string", "list"])
def test_a_key_of_another_type_is_set_aside(
    key: str, kind: str, client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    add(client, "hourly")
    assert ticked(ticker(store, lake), now + HOUR) == ["hourly"]
    store.redis.delete(store.key(key))
    _ = store.redis.set(store.key(key), "x") if kind == "string" else store.redis.rpush(store.key(key), "x")
    one = ticker(store, lake)
    one.tick(now + HOUR + timedelta(seconds=1))
    assert ticked(one, now + 2 * HOUR) == ["hourly"]
    assert set(items(client)) == {"hourly"}
    assert client.post(f"{V1}/schedules/hourly/pause").status_code == 200
    assert client.delete(f"{V1}/schedules/hourly").status_code == 204
    assert told(store, "key_set_aside") and store.redis.exists(store.key(f"set-aside:{key}"))


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-24T13:00:00", "{}", "7"])
def test_nonsense_for_a_tick_is_no_tick(
    text: str, client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    add(client, "hourly")
    assert ticked(ticker(store, lake), now + HOUR) == ["hourly"]
    for name in ("hourly", "cleanup"):
        store.redis.hset(store.key("ticks"), name, text)
        store.redis.hset(store.key("tick_jobs"), name, text)
    store.redis.zadd(store.key("ticked:hourly"), {"nonsense": 1.0})
    one = ticker(store, lake)
    one.tick(now + HOUR + timedelta(seconds=1))
    assert len(store.ids("t:schedule:hourly")) == 1, "what was submitted is not submitted again"
    assert items(client)["hourly"]["fault"] is None
    assert ticked(one, now + 2 * HOUR) == ["hourly"]


# ---- time zones ------------------------------------------------------------------------------------------


def test_a_schedule_of_0_2_0_is_one_of_utc(client: TestClient, store: JobStore, lake: Lake) -> None:
    add(client, "old", "30 6 * * *")
    file = file_of(lake, "old")
    kept = {name: value for name, value in json.loads(file.read_text()).items() if name != "timezone"}
    file.write_text(json.dumps(kept))
    header = {name: value for name, value in kept.items() if name != "body"}
    for redis_keeps in (True, False):
        store.redis.flushall()
        if redis_keeps:
            store.redis.hset(store.key("schedules"), "old", json.dumps(header))
            store.redis.hset(store.key("schedule_bodies"), "old", json.dumps(kept["body"]))
        one = items(client)["old"]
        assert (one["timezone"], one["fault"]) == ("UTC", None)
        assert [at[11:16] for at in one["next_runs"]] == ["06:30"] * 3


def test_a_zone_that_is_none_here_costs_its_own_schedule_alone(
    client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    add(client, "good")
    add(client, "moved", zone="Europe/Berlin")
    for kept in (store.redis.hget(store.key("schedules"), "moved"), file_of(lake, "moved").read_text()):
        assert '"Europe/Berlin"' in str(kept)
    file_of(lake, "moved").write_text(file_of(lake, "moved").read_text().replace("Europe/Berlin", "Mars/Base"))
    store.redis.flushall()
    assert "no time zone 'Mars/Base'" in items(client)["moved"]["fault"]
    assert ticked(ticker(store, lake), now + HOUR) == ["good"]


def test_after_an_emptied_server_a_tick_of_a_zone_is_known_by_its_job(
    client: TestClient, store: JobStore, lake: Lake, now: datetime
) -> None:
    """Kathmandu is 5:45 ahead: its planned time is no full hour of UTC."""
    now -= HOUR  # so that the planned time is over, whatever the minute is: a job is not made before it
    local = (now + timedelta(minutes=15)).astimezone(time_zone("Asia/Kathmandu"))
    add(client, "daily", f"{local.minute} {local.hour} * * *", "Asia/Kathmandu")
    made_long_ago(lake, "daily", now - timedelta(hours=20))
    assert ticked(ticker(store, lake), now + timedelta(minutes=14)) == []
    assert ticked(ticker(store, lake), now + timedelta(minutes=16)) == ["daily"]
    assert (
        client.get(f"{V1}/schedules").json()["items"][0]["last_tick"]["planned"]
        == (now + timedelta(minutes=15)).isoformat()
    )
    store.redis.delete(*store.redis.keys(store.key("tick*")))
    [(job, _)] = store.ids("t:schedule:daily")
    store.redis.hdel(store.key("schedules"), "daily")
    record = store.record(job)
    assert record is not None
    manifest = manifest_of(store, JobFiles.unrecorded(lake, job), record, {}, status="running", now=now)
    (lake.job_dir(job)).mkdir(parents=True, exist_ok=True)
    (lake.job_dir(job) / "manifest.json").write_text(json.dumps(manifest))
    one = ticker(store, lake)
    assert ticked(one, now + timedelta(minutes=16)) == []
    assert ticked(one, now + timedelta(days=1, minutes=16)) == ["daily"]
