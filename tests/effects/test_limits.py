"""What is refused because there is too much of it: nothing of it is kept, and it is taken once there is room."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from leadmill.declared import PERIODIC
from pipelines.intake.schedules import Ticker, create
from pipelines.intake.submit import Submission
from tests.effects.conftest import V1, Mill

Open = Callable[..., Mill]
ONE = {"company_urls": ["a.example"]}


def traces(mill: Mill) -> tuple[set[str], set[str]]:
    """Names of the job store's keys, and of job folders."""
    return set(mill.store.redis.keys(mill.store.key("*"))), set(mill.lake.storage.names(mill.lake.root / "jobs"))


def test_no_more_live_jobs_than_may_be(open_mill: Open) -> None:
    mill = open_mill(LEADMILL_MAX_LIVE_JOBS="2")
    first, _second = (mill.submit("/pipelines", ONE) for _ in range(2))
    before = traces(mill)
    csv = {"content": b"url\nb.example\n", "headers": {"Content-Type": "text/csv", "Idempotency-Key": "k"}}
    refused = mill.http.post(f"{V1}/pipelines", **csv)  # type: ignore[arg-type]
    assert (refused.status_code, refused.json()["code"]) == (503, "too_many_live_jobs")
    assert int(refused.headers["Retry-After"]) > 0 and "LEADMILL_MAX_LIVE_JOBS" in refused.json()["detail"]
    assert traces(mill) == before, "nothing of it is kept"

    mill.http.delete(f"{V1}/jobs/cancel/{first}")
    taken = mill.http.post(f"{V1}/pipelines", **csv)  # type: ignore[arg-type]
    assert taken.status_code == 202
    assert mill.http.post(f"{V1}/pipelines", **csv).json() == taken.json(), "a repeat is no job more"  # type: ignore[arg-type]
    for path in (f"/jobs/{first}/resume", f"/pipelines/{first}/rerun?from_stage=scrape"):
        assert mill.post(path, {})[0] == 503
    mill.http.delete(f"{V1}/jobs/cancel/{taken.json()['job_id']}")
    assert mill.post(f"/jobs/{first}/resume", {})[0] == 202


def test_all_that_match_are_resumed_as_far_as_there_is_room(open_mill: Open) -> None:
    mill = open_mill(LEADMILL_MAX_LIVE_JOBS="3")
    jobs = [mill.submit("/pipelines", ONE) for _ in range(3)]
    everything: dict[str, Any] = {"action": "cancel", "filter": {}}
    assert mill.post("/jobs/bulk", everything)[1]["done"] == 3
    mill.submit("/pipelines", ONE)
    resumed = {"action": "resume", "filter": {"status": "cancelled"}}
    status, told = mill.post("/jobs/bulk", resumed)
    assert (status, told["matched"], told["done"]) == (200, 2, 2) and told["next_cursor"]
    status, told = mill.post("/jobs/bulk", {**resumed, "cursor": told["next_cursor"]})
    assert (status, told["code"]) == (503, "too_many_live_jobs")
    left = [job for job in jobs if mill.http.get(f"{V1}/jobs/status/{job}").json()["status"] == "cancelled"]
    assert len(left) == 1


def test_a_planned_time_waits_for_room(open_mill: Open) -> None:
    mill = open_mill(LEADMILL_MAX_LIVE_JOBS="1")
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    create(mill.store, mill.lake, "hourly", "0 * * * *", Submission("pipeline", company_urls=["a.example"]), noon)
    job = mill.submit("/pipelines", ONE)
    ticker = Ticker(mill.store, mill.lake, lambda outs: None)
    at = noon + timedelta(hours=1)
    for second in range(3):
        assert "hourly" not in ticker.tick(at + timedelta(seconds=second))
    told = [event for event in mill.store.criticals() if event["name"] not in PERIODIC]
    assert [(event["kind"], event["name"], event["planned"]) for event in told] == [
        ("tick_waits", "hourly", at.isoformat())
    ]
    mill.http.delete(f"{V1}/jobs/cancel/{job}")
    assert "hourly" in ticker.tick(at + timedelta(minutes=1))
    assert mill.http.get(f"{V1}/schedules").json()["items"][0]["last_tick"]["planned"] == at.isoformat()
