"""Job JSON in every state, lists, statistics, cancel, resume and rerun."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.jobs import JobStore
from data.lake import Lake, UnitFiles
from pipelines.views import listing
from pipelines.views.statistics import quantile
from tests.api.conftest import V1, Worker, post, status
from tests.plans import write_plan

ALL_QUEUES = ("scraping", "processing", "analytics", "maintenance")


def problem(answer: Any, code: int, name: str) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["code"], found["status"]) == (code, name, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert found["request_id"] == answer.headers["x-request-id"]
    return found


def test_life_of_a_pipeline(client: TestClient, worker: Worker) -> None:
    job_id = post(client)["job_id"]
    job = status(client, job_id)
    assert set(job) == {
        "job_id", "kind", "status", "priority", "tags", "parent", "created_at", "started_at", "finished_at",
        "duration_s", "progress", "coverage", "waiting_for", "turn", "stages", "error", "attempt", "result", "links",
    }  # fmt: skip
    assert job["status"] == "pending" and job["started_at"] is None and job["duration_s"] is None
    assert job["waiting_for"] == ("no worker listens on `processing`; start one: `leadmill worker -Q processing`")
    created = datetime.fromisoformat(job["created_at"])
    assert created.tzinfo == UTC and abs(created.timestamp() - time.time()) < 60

    worker.listen("processing", "analytics", "maintenance")
    assert status(client, job_id)["waiting_for"] == "a free process on `processing`"
    worker.launch(job_id)
    job = status(client, job_id)
    assert job["status"] == "running"
    assert "`leadmill worker -Q scraping`" in job["waiting_for"]
    assert [stage["name"] for stage in job["stages"]] == ["scrape", "process", "enrich", "score", "report"]

    worker.listen(*ALL_QUEUES)
    grant = worker.begin(job_id, "p0")
    worker.store.renew(grant, 50, "", 6, [0] * 9)
    assert status(client, job_id)["progress"]["message"] == "6 pages fetched, 0 of 2 partitions"
    worker.store.renew(grant, 100, "3 of 4 companies", 1, [90_000, 7, 0, 2, 0, 1, 3, 0, 0])
    job = status(client, job_id)
    assert job["waiting_for"] is None
    assert job["progress"]["message"] == "3 of 4 companies" and job["progress"]["details"]["pages"] == 7
    details = job["progress"]["details"]
    assert (details["received_bytes"], details["answers"]) == (90_000, {"2xx": 7, "4xx": 2, "none": 1})
    assert details["hosts_waiting"] == {"pace": 3} and details["pages_per_second"] > 0
    assert job["stages"][0]["status"] == "running" and job["stages"][1]["status"] == "pending"
    worker.store.commit(grant, rows_in=3, rows_out=2, errors=1)
    for index in (1, 2):
        worker.commit(job_id, "p0", index, rows_in=2, rows_out=2)
    worker.fail(job_id, "p1")
    job = status(client, job_id)
    assert [s["partitions"] for s in job["stages"][:3]] == [{"total": 2, "done": 1, "failed": 1}] * 3
    assert [s["status"] for s in job["stages"][:3]] == ["completed"] * 3
    assert (job["stages"][0]["rows_in"], job["stages"][0]["rows_out"], job["stages"][0]["errors"]) == (3, 2, 1)
    assert 0 < job["progress"]["percentage"] < 100 and job["progress"]["current_step"] == 4

    worker.commit(job_id, "score", rows_out=4)
    job = status(client, job_id)
    assert job["stages"][4]["partitions"] == {"total": 2, "done": 0, "failed": 0}
    worker.commit(job_id, "render:html")
    worker.commit(job_id, "render:csv")
    worker.publish(job_id, coverage=0.75)
    job = status(client, job_id)
    assert job["status"] == "completed" and job["coverage"] == 0.75 and job["result"] == {"companies": 4}
    assert job["progress"]["percentage"] == 100 and job["progress"]["current_step"] == 5
    assert job["waiting_for"] is None and job["duration_s"] >= 0 and job["finished_at"] >= job["started_at"]
    assert "resume" in job["links"] and "cancel" not in job["links"]


def test_waiting_for_other_jobs_and_for_a_retry(client: TestClient, worker: Worker) -> None:
    worker.listen(*ALL_QUEUES)
    first = post(client)["job_id"]
    time.sleep(0.003)
    second = post(client, "/jobs/scrape/company", {"company_url": "b.example"})["job_id"]
    assert status(client, second)["waiting_for"] == "1 job ahead of it in `processing`"
    worker.launch(first, partitions=1)
    worker.fail(first, "p0", final=False, error="host is away")
    job = status(client, first)
    assert job["status"] == "retry"
    assert job["waiting_for"].startswith("retry at ") and job["waiting_for"].endswith("UTC after: host is away")
    items = {job["job_id"]: job for job in client.get(f"{V1}/jobs/list").json()["items"]}
    assert items[first]["waiting_for"] == job["waiting_for"]


def test_failed_job_tells_its_error(client: TestClient, worker: Worker) -> None:
    job_id = post(client)["job_id"]
    worker.fail(job_id, "launch", error="no company matches\nsecond line")
    worker.publish(job_id, "failed", 0.0)
    job = status(client, job_id)
    assert job["status"] == "failed"
    assert job["error"]["category"] == "network" and job["error"]["message"] == "no company matches"
    assert "second line" in job["error"]["detail"]
    assert {stage["status"] for stage in job["stages"]} == {"skipped"}


def test_cancel_then_resume(client: TestClient, worker: Worker) -> None:
    job_id = post(client)["job_id"]
    worker.launch(job_id)
    worker.begin(job_id, "p0")
    answer = client.delete(f"{V1}/jobs/cancel/{job_id}")
    assert answer.status_code == 202 and answer.json()["status"] == "cancelled"
    job = status(client, job_id)
    assert job["status"] == "cancelled" and job["stages"][0]["status"] == "cancelled"
    found = problem(client.delete(f"{V1}/jobs/cancel/{job_id}"), 409, "conflict")
    assert "cancelled" in found["detail"] and "resume" in found["detail"]

    headers = {"Idempotency-Key": "again"}
    answer = client.post(f"{V1}/jobs/{job_id}/resume", headers=headers)
    assert answer.status_code == 202 and answer.json()["status"] == "pending"
    repeat = client.post(f"{V1}/jobs/{job_id}/resume", headers=headers)
    assert repeat.status_code == 202 and repeat.headers["idempotency-replayed"] == "true"
    assert repeat.content == answer.content
    job = status(client, job_id)
    assert job["attempt"] == 2 and job["status"] == "pending"
    problem(client.post(f"{V1}/pipelines/{job_id}/resume"), 409, "conflict")
    other = post(client)["job_id"]
    client.delete(f"{V1}/jobs/cancel/{other}")
    problem(client.post(f"{V1}/jobs/{other}/resume", headers=headers), 409, "conflict")


def test_resume_takes_units_from_the_manifest(client: TestClient, worker: Worker, store: JobStore, lake: Lake) -> None:
    job_id = post(client, "/jobs/scrape/company", {"company_url": "a.example"})["job_id"]
    worker.launch(job_id)
    worker.partitions(job_id, "p0")
    worker.fail(job_id, "p1")
    units = store.units(job_id)
    worker.publish(job_id, "completed", 0.5)
    folder = lake.job_dir(job_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"units": units}))
    write_plan(UnitFiles(lake, job_id, "launch", "launch", 1), [])
    lake.expose(job_id, "launch", "launch", 1)
    store.redis.delete(store.key(f"units:{job_id}"))
    assert client.post(f"{V1}/jobs/{job_id}/resume").status_code == 202
    assert store.units(job_id)["p0"]["s"] == "d" and store.units(job_id)["p1"]["s"] == "p"


def test_job_whose_record_was_cleaned_up(client: TestClient, worker: Worker, store: JobStore, lake: Lake) -> None:
    job_id = post(client, body={"company_urls": ["a.example"], "tags": ["old"]})["job_id"]
    worker.finish(job_id, coverage=0.5)
    before = status(client, job_id)
    record = store.read(job_id) or {}
    folder = lake.job_dir(job_id)
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "job_id": job_id, "kind": "pipeline", "status": "completed", "coverage": 0.5, "result": {"companies": 4},
        "error": None, "attempt": 1, "stages": record["stages"].split(","), "input": {}, "options": {},
        "written_at": before["finished_at"], "units": {}, "record": {**record, "status": "running", "result": ""},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    store.forget(job_id)
    after = status(client, job_id)
    changed = {"duration_s": 0, "finished_at": 0, "links": None}
    assert {**after, **changed} == {**before, **changed}
    assert set(after["links"]) == {"self", "errors", "report"}, "what is not possible any more is not offered"
    assert "cleaned up" in problem(client.post(f"{V1}/jobs/{job_id}/resume"), 404, "not_found")["detail"]


def test_rerun_makes_a_child(client: TestClient, worker: Worker, store: JobStore) -> None:
    job_id = post(client, body={"company_urls": ["a.example"], "tags": ["t"], "scoring_model": "b2b-default"})["job_id"]
    url = f"{V1}/pipelines/{job_id}/rerun"
    problem(client.post(url, params={"from_stage": "score"}), 409, "conflict")
    worker.finish(job_id)
    answer = client.post(url, params={"from_stage": "score"})
    assert answer.status_code == 202, answer.text
    child = status(client, answer.json()["job_id"])
    assert child["parent"] == job_id and child["tags"] == ["t"]
    assert [stage["name"] for stage in child["stages"]] == ["score", "report"]
    assert store.asked(child["job_id"])[1]["scoring_model"] == "b2b-default" and child["priority"] == "normal"
    answer = client.post(url, params={"from_stage": "report"}, json={"tags": ["again"], "min_coverage": 0.5})
    child = status(client, answer.json()["job_id"])
    record = store.read(child["job_id"]) or {}
    assert (child["tags"], child["priority"], record["min"]) == (["again"], "normal", "0.5")
    answer = client.post(url, params={"from_stage": "report"}, json={"priority": "high"})
    child = status(client, answer.json()["job_id"])
    assert (child["tags"], child["priority"]) == (["t"], "high")
    assert problem(client.post(url, params={"from_stage": "launch"}), 422, "invalid_input")["field"] == "from_stage"
    assert problem(client.post(url), 422, "invalid_input")["field"] == "from_stage"


@pytest.mark.parametrize("job_id", ["job_" + "0" * 20, "job_x", "..%2f..%2fetc", "comp_0"])
def test_unknown_jobs_are_404(client: TestClient, job_id: str) -> None:
    for method, path in (
        ("GET", f"/jobs/status/{job_id}"),
        ("GET", f"/jobs/{job_id}/events"),
        ("GET", f"/jobs/{job_id}/errors"),
        ("GET", f"/jobs/{job_id}/report"),
        ("DELETE", f"/jobs/cancel/{job_id}"),
        ("POST", f"/jobs/{job_id}/resume"),
        ("POST", f"/pipelines/{job_id}/resume"),
        ("POST", f"/pipelines/{job_id}/rerun?from_stage=score"),
    ):
        problem(client.request(method, V1 + path), 404, "not_found")


# ---- lists -------------------------------------------------------------------------------------------


def page_ids(client: TestClient, **params: Any) -> list[str]:
    """Job ids over all pages of a list."""
    found: list[str] = []
    for _ in range(50):
        answer = client.get(f"{V1}/jobs/list", params=params)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [job["job_id"] for job in page["items"]]
        if not page["next_cursor"]:
            return found
        params["cursor"] = page["next_cursor"]
    raise AssertionError("the list has no end")


def test_list_pages_newest_first_and_filters(client: TestClient, worker: Worker) -> None:
    jobs = []
    for i in range(12):
        body = {"company_urls": [f"c{i}.example"], "tags": ["even" if i % 2 == 0 else "odd", f"n{i}"]}
        jobs.append(post(client, "/pipelines" if i % 3 else "/jobs/scrape/companies", body)["job_id"])
        time.sleep(0.002)
    client.delete(f"{V1}/jobs/cancel/{jobs[3]}")
    client.delete(f"{V1}/jobs/cancel/{jobs[4]}")
    worker.launch(jobs[5])
    newest = jobs[::-1]
    assert page_ids(client) == page_ids(client, limit=5) == page_ids(client, limit=1) == newest
    assert page_ids(client, status="cancelled") == [jobs[4], jobs[3]]
    assert page_ids(client, status="running") == [jobs[5]]
    assert page_ids(client, kind="scrape", limit=2) == [jobs[9], jobs[6], jobs[3], jobs[0]]
    assert page_ids(client, tag="even", limit=4) == newest[1::2]
    assert page_ids(client, tag="even", kind="scrape") == [jobs[6], jobs[0]]
    assert page_ids(client, tag="odd", kind="scrape", status="cancelled") == [jobs[3]]
    assert page_ids(client, text="N11") == [jobs[11]]
    assert page_ids(client, tag="nobody") == []
    since = status(client, jobs[8])["created_at"]
    assert page_ids(client, since=since, limit=3) == newest[:4]


def test_list_looks_at_a_bounded_number(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = [post(client)["job_id"] for _ in range(9)]
    monkeypatch.setattr(listing, "MAX_LOOKED_AT", 4)
    page = client.get(f"{V1}/jobs/list", params={"text": jobs[0]}).json()
    assert page["items"] == [] and page["next_cursor"]
    assert page_ids(client, text=jobs[0]) == [jobs[0]]


def test_list_refuses_what_it_does_not_know(client: TestClient) -> None:
    for params, field in (
        ({"status": "lost"}, "status"),
        ({"kind": "x"}, "kind"),
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"cursor": "!!"}, "cursor"),
        ({"cursor": "MTIzOmpvYg"}, "cursor"),
    ):
        assert problem(client.get(f"{V1}/jobs/list", params=params), 422, "invalid_input")["field"] == field


# ---- statistics -------------------------------------------------------------------------------------------


def test_statistics(client: TestClient, worker: Worker, store: JobStore) -> None:
    empty = client.get(f"{V1}/jobs/statistics").json()
    assert empty["totals"]["jobs"] == 0 and empty["rates"] == {"success": None, "failure": None}
    assert empty["queues"]["scraping"] == {"waiting": 0, "oldest_s": None, "workers": 0, "processes": 0}

    done = [post(client)["job_id"] for _ in range(3)]
    for job_id in done:
        worker.finish(job_id)
    bad = post(client, "/jobs/scrape/company", {"company_url": "x.example"})["job_id"]
    worker.finish(bad, "failed", 0.0)
    client.delete(f"{V1}/jobs/cancel/{post(client)['job_id']}")
    waiting = post(client)["job_id"]
    worker.listen("scraping", "processing")
    time.sleep(0.1)
    figures = client.get(f"{V1}/jobs/statistics").json()
    by_status = figures["totals"]["by_status"]
    assert by_status == {
        "pending": 1, "running": 0, "retry": 0, "completed": 3, "failed": 1, "cancelled": 1
    }  # fmt: skip
    assert figures["totals"]["jobs"] == 6
    assert figures["totals"]["by_kind"]["pipeline"] == 5 and figures["totals"]["by_kind"]["scrape"] == 1
    assert figures["rates"] == {"success": 0.75, "failure": 0.25}
    assert figures["durations"]["pipeline"]["count"] == 4
    scraped = figures["durations"]["scrape"]
    assert scraped["p95_s"] is None and 0 <= scraped["fastest_s"] <= scraped["slowest_s"], "of one no quantile is told"
    processing = figures["queues"]["processing"]
    assert (processing["workers"], processing["processes"]) == (1, 2)
    assert processing["waiting"] >= 1 and figures["queues"]["analytics"]["workers"] == 0
    assert figures["workers"][0]["name"] == "w1" and figures["workers"][0]["queues"] == ["scraping", "processing"]
    assert figures["stages"]["scrape"]["begun"] > 0 and "launch" in figures["stages"]
    assert waiting

    store.forget(done[0])  # cleanup takes records, not counts
    after = client.get(f"{V1}/jobs/statistics").json()
    assert after["totals"]["by_status"] == by_status


def test_age_of_the_oldest_message(client: TestClient, worker: Worker) -> None:
    post(client)
    time.sleep(0.3)
    post(client)
    for _ in range(100):
        queue = client.get(f"{V1}/jobs/statistics").json()["queues"]["processing"]
        if queue["waiting"] == 2:
            break
        time.sleep(0.02)
    assert queue["waiting"] == 2 and 0.3 <= queue["oldest_s"] < 30


def test_quantiles_come_from_the_buckets() -> None:
    histogram = {0: 50, 100: 40, 140: 10}
    assert quantile(histogram, 0.5) is not None and quantile(histogram, 0.5) < 0.001  # type: ignore[operator]
    middle, late = quantile(histogram, 0.9), quantile(histogram, 0.95)
    assert middle is not None and late is not None
    assert 13 < middle < 16 and 600 < late < 700
    assert quantile({}, 0.5) is None
