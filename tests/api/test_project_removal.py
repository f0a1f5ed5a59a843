"""A project is removed by an admin of the default one: asked, refused, confirmed, seen, done, and begun anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.api_keys import KeyRegistry
from data.ending import ending, put_mark
from data.jobs import JobStore
from data.lake import Lake
from leadmill.access import Role
from leadmill.settings import Settings
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime
from pipelines.stages import STAGES
from tasks.work import body_of
from tests.api.conftest import V1, Worker, post


@pytest.fixture
def secrets(settings: Settings) -> dict[str, str]:
    """Asked for before the client, so that the API finds the keys."""
    keys = KeyRegistry(settings.data_dir)
    made = {"ops": keys.create("ops", Role.ADMIN)[1], "looks": keys.create("looks", Role.OPERATOR)[1]}
    return made | {project: keys.create("boss", Role.ADMIN, project)[1] for project in ("acme", "other")}


def test_a_project_is_removed(
    secrets: dict[str, str], client: TestClient, settings: Settings, store: JobStore, lake: Lake
) -> None:
    def ask(who: str, method: str, path: str, **more: Any) -> Any:
        return client.request(method, f"{V1}{path}", headers={"Authorization": f"Bearer {secrets[who]}"}, **more)

    def work(job: str) -> Any:
        runtime = Runtime(settings, store, lake, lambda outs: None)
        for unit in ("launch", "remove_project", "publish"):
            run_unit(runtime, body_of(STAGES[unit]), job, unit, 0, 0, owner="o:1", chained=False)
        return ask("ops", "GET", f"/jobs/status/{job}").json()

    client.headers["Authorization"] = f"Bearer {secrets['acme']}"
    live, done = post(client)["job_id"], post(client)["job_id"]
    worker = Worker(store.of("acme"), lake.of("acme"))
    worker.finish(done)
    worker.rows(done, "score", ["a.example"], name="A", country="DE", score=80.0, tier="A")
    kept = ask("other", "POST", "/pipelines", json={"company_urls": ["b.example"]}).json()["job_id"]

    for who, project, status in (
        ("acme", "acme", 403), ("looks", "acme", 403), ("other", "acme", 404), ("ops", "nobody", 404),
        ("ops", "A.B", 404), ("ops", "default", 409), ("ops", "acme", 409),
    ):  # fmt: skip
        answer = ask(who, "DELETE", f"/projects/{project}")
        assert answer.status_code == status, (who, project, answer.text)
    assert "1 live job, 1 API key:" in answer.json()["detail"] and "confirm=acme" in answer.json()["detail"]
    assert ask("ops", "DELETE", "/projects/acme?confirm=other").status_code == 422
    assert ask("acme", "GET", f"/jobs/status/{live}").json()["status"] == "pending"

    accepted = ask("ops", "DELETE", "/projects/acme?confirm=acme")
    assert accepted.status_code == 202 and accepted.json()["kind"] == "remove_project"
    job = accepted.json()["job_id"]
    assert ask("acme", "GET", "/jobs/list").json()["code"] == "key_unknown"
    assert ask("ops", "DELETE", "/projects/acme").json()["job_id"] == job, "asked again it is the job that is at it"
    assert ask("ops", "GET", "/projects/acme").json()["removal"]["job_id"] == job
    for method, path, body in (
        ("POST", "/keys", {"name": "new", "role": "viewer", "project": "acme"}),
        ("PUT", "/projects/acme", {"live_jobs": 1}),
    ):  # fmt: skip
        refused = ask("ops", method, path, json=body)
        assert refused.status_code == 409 and "acme is being removed" in refused.json()["detail"]

    mark = ending(lake.data, "acme")
    assert mark is not None
    ask("ops", "DELETE", f"/jobs/cancel/{job}")
    again = ask("ops", "DELETE", "/projects/acme").json()["job_id"]
    assert again != job and store.record(again)
    put_mark(lake.data, "acme", replace(mark, since=datetime.fromtimestamp(0, UTC)))  # it need not wait
    ended = work(again)
    [found] = ended["result"]["projects"]
    assert ended["status"] == "completed" and (found["name"], found["jobs_cancelled"]) == ("acme", 1)
    assert ask("ops", "DELETE", "/projects/acme").status_code == 404
    assert [one["name"] for one in ask("ops", "GET", "/projects").json()["items"]] == ["default", "other"]
    assert ask("other", "GET", f"/jobs/status/{kept}").status_code == 200

    told = ask("ops", "GET", "/audit?limit=100").json()["items"]
    of_removal = [one["status"] for one in told if one["action"] == "remove_project" and one["id"] == "acme"]
    assert of_removal[:5] == [404, 202, 202, 202, 422]
    assert live in {one["id"] for one in told if one["project"] == "acme"}, "what it did stays told"

    made = ask("ops", "POST", "/keys", json={"name": "boss", "role": "admin", "project": "acme"}).json()
    secrets["acme"] = made["key"]
    for path in ("/jobs/list", "/companies", "/schedules", "/jobs/dead"):
        assert ask("acme", "GET", path).json()["items"] == []
    assert ask("acme", "GET", "/jobs/statistics").status_code == 200
    assert ask("acme", "POST", "/pipelines", json={"company_urls": ["a.example"]}).status_code == 202
    assert len(ask("acme", "GET", "/jobs/list").json()["items"]) == 1
