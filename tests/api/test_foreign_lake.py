"""An API whose job store belongs to another lake: it says so, and does nothing."""

from __future__ import annotations

import time
from pathlib import Path

from fastapi.testclient import TestClient

from api import probing
from api.app import create_app
from data.jobs import JobStore
from leadmill.settings import Settings
from tests.api.conftest import V1


def test_health_readiness_and_every_call_say_whose_the_store_is(settings: Settings, tmp_path: Path) -> None:
    theirs = JobStore.connect(settings.redis_url, settings.key_prefix, lake=tmp_path / "theirs")
    theirs.note_place(f"there:{tmp_path / 'theirs'}")
    with TestClient(create_app(settings), base_url="http://localhost", raise_server_exceptions=False) as client:
        for call in ("/readyz", f"{V1}/jobs/list", f"{V1}/jobs/statistics", f"{V1}/schedules"):
            answer = client.get(call)
            assert (answer.status_code, answer.json()["code"]) == (503, "foreign_lake"), call
            assert f"there:{tmp_path / 'theirs'}" in answer.json()["detail"]
        answer = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]})
        assert (answer.status_code, answer.json()["code"]) == (503, "foreign_lake")
        assert "job_id" not in answer.json(), "it does not count, whatever becomes of the store"
        health = client.get("/healthz")
        assert (health.status_code, health.json()["status"], health.json()["redis"]) == (503, "fail", "refused")
        assert str(tmp_path / "theirs") in health.json()["detail"]
    assert not theirs.ids("s:pending")
    theirs.redis.close()


def test_a_folder_that_becomes_another_lakes_under_a_running_api(client: TestClient, settings: Settings) -> None:
    """Another disk is mounted there: its connections are open, so nothing would ask again."""
    assert client.get("/healthz").status_code == 200
    mark = settings.data_dir / "lake.id"
    own = mark.read_text()
    mark.write_text("lake_00000000000000000000\n")
    time.sleep(probing.KEPT_S)
    health = client.get("/healthz")
    assert (health.status_code, health.json()["redis"]) == (503, "refused")
    assert "lake_00000000000000000000" in health.json()["detail"]
    assert client.get("/readyz").json()["code"] == "foreign_lake"
    answer = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]})
    assert (answer.status_code, answer.json()["code"]) == (503, "foreign_lake")
    mark.write_text(own)
    time.sleep(probing.KEPT_S)
    assert client.get("/healthz").status_code == 200
    assert client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]}).status_code == 202
