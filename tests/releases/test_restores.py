"""The lake of each earlier version beside an empty server: what is told before its jobs are put back, and after."""

from __future__ import annotations

import json
import tomllib
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
from tests.releases.fixture import VERSIONS, Left
from tests.valkey import Valkey

V1 = "/api/v1"
#: Their input lay in the record alone, and no launch had written it down (that of a maintenance job never does).
LOST = {"0.1.0": {"pending", "later", "health queued", "optimize queued"}}
LOST["0.2.0"] = LOST["0.1.0"] - {"later"}
#: Roles of which the manifest tells how they ended; 0.1.0 wrote none of a cancelled job.
ENDED = {"0.1.0": {"cleanup", "completed", "resumed", "scored", "health", "optimized", "failed", "ticked"}}
ENDED["0.2.0"] = ENDED["0.1.0"] | {"cancelled"}


@pytest.fixture(scope="module", params=VERSIONS)
def left(request: pytest.FixtureRequest) -> Left:
    return Left.by(request.param)


def lost(left: Left) -> set[str]:
    """Roles that cannot come back."""
    return LOST[left.folder.name]


def back(left: Left) -> set[str]:
    """What comes back: every job but those, and but the one that cleanup took away."""
    return set(left.said["jobs"]) - {left.roles[role] for role in lost(left) | {"archived"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("server"), aof=False) as running:
        yield running


@pytest.fixture
def lake(left: Left, tmp_path: Path) -> Lake:
    left.lay_out(tmp_path / "data")
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


def test_every_release_is_kept() -> None:
    named = tomllib.loads((Path(__file__).parents[2] / "docs" / "releases.toml").read_text())
    assert set(VERSIONS) == set(named), "make_fixture.py, run in a checkout of the release, makes what is missing"


def test_before_they_are_put_back_jobs_are_told_as_they_will_be(
    left: Left, client: TestClient, store: JobStore
) -> None:
    told = {role: client.get(f"{V1}/jobs/status/{job}") for role, job in left.roles.items()}
    assert store.redis.keys("leadmill:job:*") == [], "asking for it changes nothing"
    for role, answer in told.items():
        job = left.roles[role]
        if role in lost(left):
            assert answer.status_code == 404
            continue
        assert answer.status_code == 200, f"{role}: {answer.text}"
        found, before = answer.json(), left.said["jobs"][job]
        if role in ENDED[left.folder.name] or role == "archived":
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


def test_all_that_the_lake_knows_is_put_back(left: Left, client: TestClient, store: JobStore, lake: Lake) -> None:
    told = {role: client.get(f"{V1}/jobs/status/{job}").json() for role, job in left.roles.items()}
    assert set(restore_missing(store, lake)) == back(left)
    assert restore_missing(store, lake) == []
    for role, before in told.items():
        if role in lost(left) | {"archived"}:
            continue
        found = client.get(f"{V1}/jobs/status/{left.roles[role]}").json()
        assert {**found, "finished_at": 0, "duration_s": 0} == {**before, "finished_at": 0, "duration_s": 0}, role
    kept = (lake.job_dir(left.roles["uploaded"]) / "input" / "job.json").exists()  # 0.1.0 wrote no options down
    assert ("default options" in (store.read(left.roles["uploaded"]) or {})["error"]) != kept
    assert client.get(f"{V1}/jobs/list?limit=200").status_code == 200
    totals = client.get(f"{V1}/jobs/statistics").json()["totals"]["by_status"]
    assert sum(totals.values()) == len(back(left))


@pytest.mark.parametrize("role", ["failed", "running", "uploaded", "cancelled"])
def test_whoever_acts_on_a_job_puts_it_back(left: Left, role: str, client: TestClient, store: JobStore) -> None:
    answer = client.post(f"{V1}/jobs/{left.roles[role]}/resume")
    assert answer.status_code == 202, answer.text
    record = store.read(left.roles[role])
    assert record and record["status"] == "pending" and record["attempt"] == "2"


def test_a_job_that_cannot_be_read_holds_up_no_other(
    left: Left, client: TestClient, store: JobStore, lake: Lake
) -> None:
    broken = sorted(left.roles[role] for role in ("completed", "cleanup"))
    for job, text in zip(broken, ("{", json.dumps({"record": 3, "attempt": 1})), strict=True):
        (lake.job_dir(job) / "manifest.json").write_text(text)
    assert set(restore_missing(store, lake)) == back(left) - {*broken}
    told = [event["job"] for event in store.criticals() if event["kind"] == "job_not_restored"]
    assert sorted(told) == broken
    for job in broken:
        answer = client.get(f"{V1}/jobs/status/{job}")
        assert answer.status_code == 503 and "cannot be read" in answer.json()["detail"]
