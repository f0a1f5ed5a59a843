"""Recurring pipelines: the calls, and that a planned time becomes one job whatever clocks and schedulers do."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import schedules as kept
from data.jobs import JobStore
from data.lake import Lake
from data.schedules import ScheduleStore
from leadmill.declared import PERIODIC
from leadmill.errors import InputError
from leadmill.settings import Settings
from leadmill.time_zones import time_zone
from pipelines.intake.cron import check_cron
from pipelines.intake.schedule_registry import ScheduleRegistry
from pipelines.intake.schedules import Ticker, create
from pipelines.intake.submission import Submission
from tests.api.conftest import V1, Valkey

PIPELINE = {"company_urls": ["acme.example"], "tags": ["weekly"], "priority": "low", "deadline": 600}
#: A Tuesday.
NOON = datetime(2026, 11, 24, 12, 0, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)


def body(name: str = "leads", cron: str = "0 6 * * 1", **pipeline: Any) -> dict[str, Any]:
    return {"name": name, "cron": cron, "pipeline": {**PIPELINE, **pipeline}}


# ---- the calls ----------------------------------------------------------------------------------------


def test_life_of_a_schedule(client: TestClient) -> None:
    assert client.get(f"{V1}/schedules").json() == {"items": [], "next_cursor": None}
    answer = client.post(f"{V1}/schedules", json=body())
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["name"], made["cron"], made["paused"]) == ("leads", "0 6 * * 1", False)
    assert made["explanation"] == "At 06:00 on Monday"
    runs = [datetime.fromisoformat(at) for at in made["next_runs"]]
    assert len(runs) == 3 and runs[1] - runs[0] == timedelta(days=7)
    assert all(run.weekday() == 0 and (run.hour, run.minute) == (6, 0) for run in runs)
    assert runs[0] > datetime.now(UTC) and made["last_tick"] is None
    assert made["pipeline"]["company_urls"] == ["acme.example"] and made["pipeline"]["deadline"] == 600
    assert made["pipeline"]["priority"] == "low" and made["pipeline"]["report"]["formats"] == ["html", "csv"]

    answer = client.post(f"{V1}/schedules", json=body())
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    paused = client.post(f"{V1}/schedules/leads/pause").json()
    assert paused["paused"] is True and paused["next_runs"] == []
    listed = client.get(f"{V1}/schedules").json()["items"]
    assert [(one["name"], one["paused"]) for one in listed] == [("leads", True)]
    assert client.post(f"{V1}/schedules/leads/resume").json()["next_runs"] == made["next_runs"]
    assert client.delete(f"{V1}/schedules/leads").status_code == 204
    assert client.get(f"{V1}/schedules").json()["items"] == []
    for method, path in (("DELETE", ""), ("POST", "/pause"), ("POST", "/resume")):
        answer = client.request(method, f"{V1}/schedules/leads{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (body(name="a/b"), "name"),
        (body(name="cleanup"), "name"),
        (body(name=""), "name"),
        (body(cron="@daily"), "cron"),
        (body(cron="0 6 * *"), "cron"),
        (body(cron="61 6 * * *"), "cron"),
        (body(cron="0 0 30 2 *"), "cron"),
        (body(cron="0 6 * * 1" + " " * 200), "cron"),
        ({**body(), "timezone": "Europe/Nowhere"}, "timezone"),
        ({**body(), "timezone": "../localtime"}, "timezone"),
        ({**body(), "timezone": None}, "timezone"),
        (body(company_urls=["a.example", "ftp://x"]), "pipeline.company_urls[1]"),
        (body(company_urls=[]), "pipeline.company_urls"),
        (body(stages=["scrape", "score"]), "pipeline.stages"),
        (body(min_coverage=7), "pipeline.min_coverage"),
        (body(run_at="2036-01-01T00:00:00Z"), "pipeline.run_at"),
        (body(deadline="2036-01-01T00:00:00Z"), "pipeline.deadline"),
        ({"name": "x", "cron": "* * * * *"}, "pipeline"),
    ],
)
def test_wrong_schedules_name_the_field(client: TestClient, wrong: dict[str, Any], field: str) -> None:
    answer = client.post(f"{V1}/schedules", json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text
    assert answer.json()["field"] == field
    assert client.get(f"{V1}/schedules").json()["items"] == []


def test_a_schedule_is_run_now_beside_its_planned_times(client: TestClient, store: JobStore, lake: Lake) -> None:
    made = client.post(f"{V1}/schedules", json=body()).json()
    first = client.post(f"{V1}/schedules/leads/run", headers={"Idempotency-Key": "a"})
    assert first.status_code == 202 and first.headers["location"].endswith(first.json()["job_id"])
    again = client.post(f"{V1}/schedules/leads/run", headers={"Idempotency-Key": "a"})
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    client.post(f"{V1}/schedules/leads/pause")
    paused = client.post(f"{V1}/schedules/leads/run").json()
    assert paused["job_id"] != first.json()["job_id"], "without a key each call is a job"
    job = client.get(f"{V1}/jobs/status/{first.json()['job_id']}").json()
    assert (job["kind"], job["priority"]) == ("pipeline", "low")
    assert job["tags"] == ["weekly", "schedule:leads", "run now"]
    client.post(f"{V1}/schedules/leads/resume")
    [after] = client.get(f"{V1}/schedules").json()["items"]
    assert {**after, "pipeline": made["pipeline"]} == made, "its next runs and its last tick are what they were"
    absent = client.post(f"{V1}/schedules/nobody/run")
    assert (absent.status_code, absent.json()["code"]) == (404, "not_found")
    nonsense = client.post(f"{V1}/schedules/leads/run", headers={"Idempotency-Key": " "})
    assert (nonsense.status_code, nonsense.json()["field"]) == (422, "Idempotency-Key")
    store.redis.hset(store.key("schedule_bodies"), "leads", '{"kind": 7}')
    broken = client.post(f"{V1}/schedules/leads/run")
    assert (broken.status_code, broken.json()["code"]) == (409, "conflict")
    assert "delete it and make it again" in broken.json()["detail"]


def test_their_number_has_a_limit(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MAX_SCHEDULES", 2)
    made = [client.post(f"{V1}/schedules", json=body(f"s{n}")).status_code for n in range(3)]
    assert made == [201, 201, 409]


@pytest.mark.parametrize(
    "cron", ["9" * 99 + " * * * *", "1/1/1/1/1/1/0 * * * *", "* * * * 1#9", "٣ * * * *", "- - - - -"]
)
def test_hostile_expressions_are_refused(cron: str) -> None:
    with pytest.raises(InputError):
        check_cron(cron)


def test_a_schedule_has_a_time_zone(client: TestClient) -> None:
    made = client.post(f"{V1}/schedules", json={**body(cron="30 8 * * *"), "timezone": "Europe/Berlin"}).json()
    assert made["timezone"] == "Europe/Berlin"
    local = [datetime.fromisoformat(at) for at in made["next_runs_local"]]
    assert {at.strftime("%H:%M") for at in local} == {"08:30"} and local[0].utcoffset() in (HOUR, 2 * HOUR)
    assert [datetime.fromisoformat(at) for at in made["next_runs"]] == local
    assert all(at.endswith("+00:00") for at in made["next_runs"])
    [shown] = client.get(f"{V1}/schedules").json()["items"]
    assert (shown["timezone"], shown["next_runs_local"]) == ("Europe/Berlin", made["next_runs_local"])
    assert client.post(f"{V1}/schedules", json=body("utc")).json()["timezone"] == "UTC"


def test_they_are_listed_page_after_page(client: TestClient) -> None:
    for name in ("b", "a", "d", "c"):
        assert client.post(f"{V1}/schedules", json=body(name)).status_code == 201
    first = client.get(f"{V1}/schedules", params={"limit": 3}).json()
    client.delete(f"{V1}/schedules/c")
    client.post(f"{V1}/schedules", json=body("bb"))
    second = client.get(f"{V1}/schedules", params={"limit": 3, "cursor": first["next_cursor"]}).json()
    assert [[one["name"] for one in page["items"]] for page in (first, second)] == [["a", "b", "c"], ["d"]]
    assert second["next_cursor"] is None
    for wrong in ({"limit": 0}, {"limit": "x"}, {"cursor": "x"}):
        assert client.get(f"{V1}/schedules", params=wrong).json()["field"] == next(iter(wrong))


def test_a_zone_that_was_mistyped_is_told(client: TestClient) -> None:
    answer = client.post(f"{V1}/schedules", json={**body(), "timezone": "Europe/Berln"})
    assert answer.status_code == 422 and "did you mean 'Europe/Berlin'?" in answer.json()["detail"]


# ---- ticks --------------------------------------------------------------------------------------------


class Clock:
    """Tickers over one store, told what time it is, and the jobs that came of it."""

    def __init__(self, store: JobStore, lake: Lake) -> None:
        self.store, self.lake = store, lake
        self.sent: list[str] = []
        self.registry = ScheduleRegistry(store, lake)
        self.tickers = [self.ticker(), self.ticker()]

    def ticker(self) -> Ticker:
        return Ticker(self.store, self.lake, lambda outs: self.sent.extend(out.job_id for out in outs))

    def add(self, name: str = "hourly", cron: str = "0 * * * *", at: datetime = NOON, zone: str = "UTC") -> None:
        create(self.store, self.lake, name, cron, Submission("pipeline", company_urls=["acme.example"]), at, zone)

    def at(self, now: datetime, which: int = 0) -> bool:
        """Tick; whether the user's schedule was submitted."""
        return any(name not in PERIODIC for name in self.tickers[which].tick(now))

    def break_body(self, name: str) -> None:
        """In both places where it is kept."""
        self.store.redis.hdel(self.store.key("schedule_bodies"), name)
        [file] = (self.lake.root / "schedules").glob(f"{name}-*.json")
        file.write_text("{")

    def jobs(self, name: str = "hourly") -> list[str]:
        return [job for job, _ in self.store.ids(f"t:schedule:{name}", limit=1_000)]

    def missed(self) -> list[int]:
        return [event["missed"] for event in self.store.criticals() if event["kind"] == "missed_ticks"
                and event["name"] not in PERIODIC]  # fmt: skip


@pytest.fixture
def clock(store: JobStore, lake: Lake) -> Clock:
    return Clock(store, lake)


def test_a_tick_is_one_submit(clock: Clock, client: TestClient) -> None:
    clock.add()
    assert not clock.at(NOON) and not clock.at(NOON + timedelta(minutes=59))
    assert clock.at(NOON + HOUR)
    assert [clock.at(NOON + HOUR + timedelta(seconds=n)) for n in range(1, 5)] == [False] * 4
    [job] = clock.jobs()
    assert job in clock.sent
    found = client.get(f"{V1}/jobs/status/{job}").json()
    assert (found["kind"], found["tags"]) == ("pipeline", ["schedule:hourly"])
    [shown] = client.get(f"{V1}/schedules").json()["items"]
    assert shown["last_tick"] == {"planned": "2026-11-24T13:00:00+00:00", "job_id": job}


def test_two_schedulers_make_one_job(clock: Clock) -> None:
    clock.add()
    tickers = [clock.ticker() for _ in range(6)]
    for hour in range(1, 6):
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda ticker, at=NOON + hour * HOUR: ticker.tick(at), tickers))
    assert len(clock.jobs()) == 5


def test_a_restart_changes_nothing(clock: Clock) -> None:
    clock.add()
    assert clock.at(NOON + HOUR)
    clock.tickers[0] = clock.ticker()
    assert not clock.at(NOON + HOUR + timedelta(seconds=3))
    assert len(clock.jobs()) == 1


def test_missed_ticks_are_one_job_and_a_critical_event(clock: Clock) -> None:
    clock.add()
    assert clock.at(NOON + HOUR)
    assert clock.at(NOON + 5 * HOUR)
    assert len(clock.jobs()) == 2 and clock.missed() == [3]
    assert clock.at(NOON + 6 * HOUR) and clock.missed() == [3]


def test_a_clock_that_jumps_back_submits_nothing_twice(clock: Clock) -> None:
    clock.add()
    for hour in range(1, 5):
        assert clock.at(NOON + hour * HOUR)
    for minutes in range(60, 5 * 60, 7):
        assert not clock.at(NOON + timedelta(minutes=minutes - 1))
    assert len(clock.jobs()) == 4
    assert clock.at(NOON + 5 * HOUR) and len(clock.jobs()) == 5


def test_a_clock_that_jumps_far_ahead_and_returns_does_not_silence_a_schedule(clock: Clock) -> None:
    clock.add()
    assert clock.at(NOON + HOUR)
    future = NOON + timedelta(days=365)
    assert clock.at(future)
    assert not clock.at(NOON + HOUR + timedelta(minutes=1))
    assert clock.at(NOON + 2 * HOUR) and clock.at(NOON + 3 * HOUR)
    assert len(clock.jobs()) == 4
    assert not clock.at(future + timedelta(seconds=9)), "that time was submitted too early, not twice"
    assert clock.at(future + HOUR)


def test_a_jump_back_behind_all_that_is_remembered_guesses_nothing(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "KEPT_TICKS", 3)
    clock.add()
    for hour in range(1, 9):
        assert clock.at(NOON + hour * HOUR)
    clock.store.redis.delete(*clock.store.redis.keys(clock.store.key("idem:*")))
    assert not clock.at(NOON + 2 * HOUR)
    assert len(clock.jobs()) == 8


def test_paused_schedules_submit_nothing_then_or_later(clock: Clock) -> None:
    clock.add()
    clock.registry.set_paused("hourly", True, NOON)
    assert not clock.at(NOON + 3 * HOUR)
    clock.registry.set_paused("hourly", False, NOON + 3 * HOUR + timedelta(minutes=9))
    assert not clock.at(NOON + 3 * HOUR + timedelta(minutes=10))
    assert clock.missed() == []
    assert clock.at(NOON + 4 * HOUR)
    clock.registry.set_paused("hourly", False, NOON + 5 * HOUR)  # it runs: nothing is passed over
    assert clock.at(NOON + 5 * HOUR) and clock.missed() == []


def test_a_schedule_that_is_made_again_begins_anew(clock: Clock) -> None:
    clock.add()
    assert clock.at(NOON + HOUR)
    schedules = ScheduleStore(clock.store)
    clock.registry.delete("hourly")
    assert not clock.at(NOON + 2 * HOUR)
    clock.add(at=NOON + 3 * HOUR)
    schedules.ticked("hourly", NOON + HOUR)  # a scheduler that had read the old one
    assert not clock.at(NOON + 3 * HOUR + timedelta(minutes=1)), "its first planned time is yet to come"
    assert clock.at(NOON + 4 * HOUR) and clock.missed() == []


@pytest.mark.parametrize("change", [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)])
def test_once_a_day_where_clocks_change(clock: Clock, change: datetime) -> None:
    """Berlin's clock skips 02:30, or shows it twice; two schedulers look, and are started anew in between."""
    start = change - timedelta(hours=26)
    clock.add("daily", "30 2 * * *", start, "Europe/Berlin")
    for step in range(3 * 96):
        if step % 40 == 0:
            clock.tickers = [clock.ticker(), clock.ticker()]
        clock.at(start + timedelta(minutes=15 * step), step % 2)
    planned = sorted(int(at) for at in clock.store.redis.zrange(clock.store.key("ticked:daily"), 0, -1))
    local = [datetime.fromtimestamp(at, UTC).astimezone(time_zone("Europe/Berlin")) for at in planned]
    assert [at.day for at in local] == [at.day for at in sorted(local)] and len({at.date() for at in local}) == 3
    assert [at.strftime("%H:%M") for at in local] == ["02:30", "03:00" if change.month == 3 else "02:30", "02:30"]
    assert len(clock.jobs("daily")) == 3 and clock.missed() == []


def test_a_refused_submit_is_told_and_stops_no_other(clock: Clock) -> None:
    clock.add("broken")
    clock.add("good")
    clock.break_body("broken")
    assert clock.at(NOON + HOUR)
    assert len(clock.jobs("good")) == 1 and clock.jobs("broken") == []
    told = [event for event in clock.store.criticals() if event["kind"] == "tick_refused"]
    assert [event["name"] for event in told] == ["broken"]
    clock.at(NOON + HOUR + timedelta(seconds=1))
    assert len([e for e in clock.store.criticals() if e["kind"] == "tick_refused"]) == 1, "once a planned time"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(moves=st.lists(st.tuples(st.integers(-400, 800), st.integers(0, 1)), max_size=25))
def test_whatever_the_clock_does_a_planned_time_is_one_job(
    moves: list[tuple[int, int]], valkey: Valkey, settings: Settings
) -> None:
    valkey.client.flushall()
    store = JobStore(valkey.client, settings.key_prefix)
    shutil.rmtree(settings.data_dir / "schedules", ignore_errors=True)
    clock = Clock(store, Lake(settings.data_dir))
    clock.add()
    now, submitted = NOON, 0
    for minutes, which in moves:
        now = max(NOON, now + timedelta(minutes=minutes))
        submitted += clock.at(now, which)
        clock.at(now, 1 - which)
    planned = valkey.client.zrange(store.key("ticked:hourly"), 0, -1)
    assert len(clock.jobs()) == submitted == len(planned)
    far = now + timedelta(days=3)
    assert clock.at(far) and len(clock.jobs()) == submitted + 1
