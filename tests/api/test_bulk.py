"""Acting on all that match, the dead-letter view, and its replay."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from data.lake import Lake, UnitFiles
from leadmill.ids import company_id
from pipelines.intake import bulk
from pipelines.views import dead_letters
from tests.api.conftest import V1, Worker, post, status
from tests.plans import write_plan

# ---- bulk ---------------------------------------------------------------------------------------------


def act(client: TestClient, action: str, filter: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    answer = client.post(f"{V1}/jobs/bulk", json={"action": action, "filter": filter or {}, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def counts(found: dict[str, Any]) -> tuple[int, int, int]:
    return found["matched"], found["done"], found["refused"]


def submit(client: TestClient, tag: str, number: int = 1) -> list[str]:
    return [post(client, body={"company_urls": ["a.example"], "tags": [tag]})["job_id"] for _ in range(number)]


def test_cancel_and_resume_all_that_match(client: TestClient, worker: Worker) -> None:
    wanted, others = submit(client, "spring", 5), submit(client, "autumn", 3)
    worker.finish(wanted[0])
    dry = act(client, "cancel", {"tag": "spring"}, dry_run=True)
    assert counts(dry) == (5, 4, 1) and dry["dry_run"] is True
    assert {status(client, job)["status"] for job in wanted[1:]} == {"pending"}, "a dry run does nothing"

    found = act(client, "cancel", {"tag": "spring"})
    assert counts(found) == (5, 4, 1) and found["next_cursor"] is None
    assert found["refused_jobs"] == [
        {"job_id": wanted[0], "status": "completed", "reason": "it is completed already"}
    ]  # fmt: skip
    assert {status(client, job)["status"] for job in wanted[1:]} == {"cancelled"}
    assert {status(client, job)["status"] for job in others} == {"pending"}
    assert counts(act(client, "cancel", {"tag": "spring"})) == (5, 0, 5), "twice does no harm"

    found = act(client, "resume", {"tag": "spring"})
    assert counts(found) == (5, 4, 1)
    assert found["refused_jobs"][0]["reason"] == "it is completed with nothing missing"
    assert {status(client, job)["attempt"] for job in wanted[1:]} == {2}
    assert counts(act(client, "resume", {"status": "pending"})) == (7, 0, 7)


def test_bulk_filters_are_those_of_the_list(client: TestClient) -> None:
    old = submit(client, "x", 2)
    time.sleep(0.01)
    since = datetime.now(UTC)
    time.sleep(0.01)
    new = submit(client, "y", 3)
    scrape = post(client, "/jobs/scrape/company", {"company_url": "a.example"})["job_id"]
    assert counts(act(client, "cancel", {"since": since.isoformat(), "kind": "pipeline"})) == (3, 3, 0)
    assert {status(client, job)["status"] for job in new} == {"cancelled"}
    assert {status(client, job)["status"] for job in [*old, scrape]} == {"pending"}
    assert counts(act(client, "cancel", {"text": old[0]})) == (1, 1, 0)
    assert counts(act(client, "cancel")) == (6, 2, 4), "no filter is all"


def test_a_bulk_call_ends_in_time_and_goes_on(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = submit(client, "x", 5)
    monkeypatch.setattr(bulk, "MAX_S", 0.0)
    total, cursor, calls = [0, 0, 0], None, 0
    while True:
        found = act(client, "cancel", {"tag": "x"}, **({"cursor": cursor} if cursor else {}))
        total = [a + b for a, b in zip(total, counts(found), strict=True)]
        calls += 1
        cursor = found["next_cursor"]
        if not cursor:
            break
    assert total == [5, 5, 0] and calls >= 5
    assert {status(client, job)["status"] for job in jobs} == {"cancelled"}


def test_refused_jobs_are_all_counted_and_a_few_named(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    submit(client, "x", 7)
    monkeypatch.setattr(bulk, "MAX_NAMED", 3)
    found = act(client, "resume", {"tag": "x"})
    assert counts(found) == (7, 0, 7) and len(found["refused_jobs"]) == 3


def test_a_job_that_ends_between_look_and_move_is_refused_with_the_reason(
    client: TestClient, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = submit(client, "x")

    def overtaken(action: Any, record: Any) -> None:
        store.cancel(record.job_id)

    monkeypatch.setattr(bulk, "refusal", overtaken)
    found = act(client, "cancel", {"tag": "x"})
    assert counts(found) == (1, 0, 1)
    assert "it is cancelled; legal now: resume" in found["refused_jobs"][0]["reason"]
    assert found["refused_jobs"][0]["job_id"] == job


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "cancel"}, "filter"),
        ({"action": "delete", "filter": {}}, "action"),
        ({"action": "cancel", "filter": {"status": "lost"}}, "filter.status"),
        ({"action": "cancel", "filter": {"since": "2026-01-01"}}, "filter.since"),
        ({"action": "cancel", "filter": {"tags": ["x"]}}, "filter.tags"),
        ({"action": "cancel", "filter": {}, "dry_run": "no"}, "dry_run"),
        ({"action": "cancel", "filter": {}, "cursor": "x"}, "cursor"),
    ],
)
def test_wrong_bulk_bodies_do_nothing_and_name_the_field(client: TestClient, body: dict[str, Any], field: str) -> None:
    [job] = submit(client, "x")
    answer = client.post(f"{V1}/jobs/bulk", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert status(client, job)["status"] == "pending"


# ---- dead letters -------------------------------------------------------------------------------------


def dead(client: TestClient, **params: Any) -> list[dict[str, Any]]:
    """All pages."""
    found: list[dict[str, Any]] = []
    for _ in range(100):
        answer = client.get(f"{V1}/jobs/dead", params=params)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        params["cursor"] = answer.json()["next_cursor"]
        if not params["cursor"]:
            return found
    raise AssertionError("the list has no end")


def broken(client: TestClient, worker: Worker, error: str = "boom") -> str:
    """A job whose partitions p0 (while processing) and p1 failed for good."""
    job = post(client)["job_id"]
    worker.launch(job)
    worker.commit(job, "p0", 0)
    worker.fail(job, "p0", 1, error=error)
    time.sleep(0.002)
    worker.fail(job, "p1", 0, error=error)
    return str(job)


def test_dead_units_with_the_reason(client: TestClient, worker: Worker, lake: Lake) -> None:
    assert dead(client) == []
    job = broken(client, worker, "no answer " * 90)
    rows = [
        {"company_id": company_id(f"c{n}.example"), "domain": f"c{n}.example", "url": None, "bare": False,
         "partition": min(n, 1)}
        for n in range(4)
    ]  # fmt: skip
    write_plan(UnitFiles(lake, job, "launch", "launch", 1), rows)
    lake.expose(job, "launch", "launch", 1)
    newest, older = dead(client)
    assert (newest["unit"], newest["stage"], newest["companies"]) == ("p1", "scrape", 3)
    assert (older["unit"], older["stage"], older["companies"]) == ("p0", "process", 1)
    assert newest["job_id"] == job and newest["kind"] == "pipeline" and newest["status"] == "running"
    assert newest["category"] == "network" and newest["reason"].startswith("no answer no answer")
    assert len(newest["reason"]) == 500
    assert datetime.now(UTC) - datetime.fromisoformat(newest["at"]) < timedelta(minutes=1)
    assert newest["links"]["replay"] == f"{V1}/jobs/{job}/replay"


def test_dead_units_are_paged_and_those_of_one_moment_too(client: TestClient, worker: Worker, store: JobStore) -> None:
    jobs = [broken(client, worker) for _ in range(4)]
    whole = dead(client)
    assert len(whole) == 8 and {item["job_id"] for item in whole} == set(jobs)
    for limit in (1, 3, 8, 9):
        assert dead(client, limit=limit) == whole
    store.redis.zadd(store.key("dead"), dict.fromkeys(store.redis.zrange(store.key("dead"), 0, -1), 1_700_000_000_000))
    names = [(item["job_id"], item["unit"]) for item in dead(client, limit=3)]
    assert len(names) == len(set(names)) == 8
    first = client.get(f"{V1}/jobs/dead", params={"limit": 3}).json()
    last = first["items"][-1]
    store.redis.zrem(store.key("dead"), f"{last['job_id']}|{last['unit']}")
    rest = dead(client, limit=3, cursor=first["next_cursor"])
    assert [(item["job_id"], item["unit"]) for item in rest] == names[3:], "the last one seen has gone since"


def test_what_is_not_dead_any_more_is_not_told(
    client: TestClient, worker: Worker, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, replayed, kept = (broken(client, worker) for _ in range(3))
    store.cancel(gone)
    store.forget(gone)
    failed = post(client)["job_id"]
    worker.fail(failed, "launch")
    worker.publish(failed, "failed", 0.0)
    assert {item["job_id"] for item in dead(client)} == {replayed, kept, failed}
    assert not [name for name in store.redis.zrange(store.key("dead"), 0, -1) if name.startswith(gone)]
    for job in (replayed, failed):
        if job == replayed:
            store.cancel(job)
        assert client.post(f"{V1}/jobs/{job}/replay").status_code == 202
    assert {item["job_id"] for item in dead(client)} == {kept}
    monkeypatch.setattr(dead_letters, "MAX_LOOKED_AT", 1)
    assert {item["job_id"] for item in dead(client)} == {kept}


def test_replay_is_resume_and_says_what_is_legal(client: TestClient, worker: Worker) -> None:
    job = broken(client, worker)
    answer = client.post(f"{V1}/jobs/{job}/replay")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert "legal now: cancel" in answer.json()["detail"]
    worker.commit(job, "score")
    worker.commit(job, "render:html")
    worker.commit(job, "render:csv")
    worker.publish(job, "failed", 0.0)
    answer = client.post(f"{V1}/jobs/{job}/replay", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 202 and answer.json()["job_id"] == job
    again = client.post(f"{V1}/jobs/{job}/replay", headers={"Idempotency-Key": "k"})
    assert again.headers["idempotency-replayed"] == "true"
    assert status(client, job)["attempt"] == 2
    assert client.post(f"{V1}/jobs/job_{'0' * 20}/replay").status_code == 404


@pytest.mark.parametrize("params", [{"cursor": "!"}, {"cursor": "MTIzOmpvYg"}, {"limit": 0}, {"limit": 999}])
def test_wrong_pages_are_refused(client: TestClient, params: dict[str, Any]) -> None:
    answer = client.get(f"{V1}/jobs/dead", params=params)
    assert (answer.status_code, answer.json()["field"]) == (422, next(iter(params)))
