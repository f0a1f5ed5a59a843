"""The lake of 0.1.0 beside a server that is empty: what is told before its jobs are put back, and what they become."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from fastapi.testclient import TestClient

from api.app import create_app
from data.jobs import JobStore
from data.lake import Lake
from leadmill.settings import Settings
from pipelines.execution.restore import restore_missing
from tests.releases.fixture import Left
from tests.valkey import Valkey

LEFT = Left.by("0.1.0")
ROLES: dict[str, str] = LEFT.answers()["roles"]
SAID = LEFT.answers()["jobs"]
V1 = "/api/v1"
#: Their input lay in the record alone, and no launch had written it down (that of a maintenance job never does).
LOST = {"pending", "later", "health queued", "optimize queued"}
#: What comes back: every job but those, and but the one that cleanup took away.
BACK = SAID.keys() - {ROLES[role] for role in LOST} - {ROLES["archived"]}
ENDED = {"cleanup", "completed", "resumed", "scored", "health", "optimized", "failed", "ticked"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("server"), aof=False) as running:
        yield running


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    LEFT.lay_out(tmp_path / "data")
    return Lake(tmp_path / "data")


@pytest.fixture
def store(server: Valkey) -> JobStore:
    client = redis.Redis.from_url(server.url, decode_responses=True)
    client.flushall()
    return JobStore(client, "leadmill:")


@pytest.fixture
def client(server: Valkey, store: JobStore, lake: Lake) -> Iterator[TestClient]:
    settings = Settings(REDIS_URL=server.url, data_url=str(lake.root))
    with TestClient(create_app(settings), base_url="http://localhost") as connected:
        yield connected


def test_before_they_are_put_back_jobs_are_told_as_they_will_be(client: TestClient, store: JobStore) -> None:
    told = {role: client.get(f"{V1}/jobs/status/{job}") for role, job in ROLES.items()}
    assert store.redis.keys("leadmill:job:*") == [], "asking for it changes nothing"
    for role, answer in told.items():
        job = ROLES[role]
        if role in LOST:
            assert answer.status_code == 404
            continue
        assert answer.status_code == 200, f"{role}: {answer.text}"
        found, before = answer.json(), SAID[job]
        if role in ENDED or role == "archived":
            for name in ("status", "coverage", "kind", "tags", "attempt", "created_at"):
                assert found[name] == before[name], (role, name)
        else:
            assert (
                found["status"] == "failed"
                and "emptied" in found["error"]["detail" if found["error"]["detail"] else "message"]
            )
        for path in ("errors", "report?format=html", "report?format=csv&partial=true"):
            more = client.get(f"{V1}/jobs/{job}/{path}")
            assert more.status_code < 500, (role, path, more.text)
            assert role == "archived" or "cleaned up" not in more.text, (role, path, more.text)
    assert client.get(f"{V1}/jobs/list").status_code == 200


def test_all_that_the_lake_knows_is_put_back(client: TestClient, store: JobStore, lake: Lake) -> None:
    told = {role: client.get(f"{V1}/jobs/status/{job}").json() for role, job in ROLES.items()}
    assert set(restore_missing(store, lake)) == BACK
    assert restore_missing(store, lake) == []
    for role, before in told.items():
        if role in LOST | {"archived"}:
            continue
        found = client.get(f"{V1}/jobs/status/{ROLES[role]}").json()
        assert {**found, "finished_at": 0, "duration_s": 0} == {**before, "finished_at": 0, "duration_s": 0}, role
    assert "default options" in (store.read(ROLES["uploaded"]) or {})["error"]
    assert client.get(f"{V1}/jobs/list?limit=200").status_code == 200
    totals = client.get(f"{V1}/jobs/statistics").json()["totals"]["by_status"]
    assert sum(totals.values()) == len(BACK)


@pytest.mark.parametrize("role", ["failed", "running", "uploaded", "cancelled"])
def test_whoever_acts_on_a_job_puts_it_back(role: str, client: TestClient, store: JobStore) -> None:
    answer = client.post(f"{V1}/jobs/{ROLES[role]}/resume")
    assert answer.status_code == 202, answer.text
    record = store.read(ROLES[role])
    assert record and record["status"] == "pending" and record["attempt"] == "2"


def test_a_job_that_cannot_be_read_holds_up_no_other(client: TestClient, store: JobStore, lake: Lake) -> None:
    broken = sorted(ROLES[role] for role in ("completed", "cleanup"))
    for job, text in zip(broken, ("{", json.dumps({"record": 3, "attempt": 1})), strict=True):
        (lake.job_dir(job) / "manifest.json").write_text(text)
    assert set(restore_missing(store, lake)) == BACK - {*broken}
    told = [event["job"] for event in store.criticals() if event["kind"] == "job_not_restored"]
    assert sorted(told) == broken
    for job in broken:
        answer = client.get(f"{V1}/jobs/status/{job}")
        assert answer.status_code == 503 and "cannot be read" in answer.json()["detail"]
