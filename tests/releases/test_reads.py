"""The present code over what earlier versions left: a lake, records of jobs in every state, messages in every queue."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis
from fastapi.testclient import TestClient

from api.app import create_app
from data.job_files import JobFiles
from data.lake import Lake
from leadmill import Client
from leadmill.client.errors import ApiError
from leadmill.settings import Settings
from tests.releases.fixture import VERSIONS, Left
from tests.valkey import Valkey

if TYPE_CHECKING:
    from cli.local_stack.stack import LocalStack
    from cli.sample_sites.server import SampleServer

V1 = "/api/v1"
PREFIX = "leadmill:"
#: Jobs that were under way or waited for a worker, and end by themselves.
UNDER_WAY = (
    "running", "struck", "pending", "uploaded", "report queued", "analysis queued", "health queued", "optimize queued",
    "scrape queued",
)  # fmt: skip
#: What tells of this moment and not of the job.
_NOW = ("waiting_for", "duration_s", "links")
_PATIENCE_S = 90


@pytest.fixture(scope="module", params=VERSIONS)
def left(request: pytest.FixtureRequest) -> Left:
    return Left.by(request.param)


@pytest.fixture(scope="module")
def server(left: Left, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("server")) as running:
        left.load(redis.Redis.from_url(running.url, decode_responses=True))
        yield running


@pytest.fixture(scope="module")
def data(left: Left, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake") / "data"
    left.lay_out(folder)
    return folder


@pytest.fixture(scope="module")
def read_first(left: Left, server: Valkey, data: Path) -> dict[str, Any]:
    """What the API says before any worker has started."""
    settings = Settings(REDIS_URL=server.url, data_url=str(data))
    jobs, events, errors = {}, {}, {}
    with TestClient(create_app(settings), base_url="http://localhost") as client:
        listed = client.get(f"{V1}/jobs/list?limit=200")
        assert listed.status_code == 200, listed.text
        for job in left.said["jobs"]:
            answer = client.get(f"{V1}/jobs/status/{job}")
            assert answer.status_code == 200, answer.text
            jobs[job] = answer.json()
            errors[job] = client.get(f"{V1}/jobs/{job}/errors").status_code
            events[job] = client.get(f"{V1}/jobs/{job}/report?format=html").status_code
        found: dict[str, Any] = {
            name: client.get(f"{V1}/{path}").json()
            for name, path in (
                ("companies", "companies?limit=200"), ("schedules", "schedules"), ("dead", "jobs/dead"),
                ("statistics", "jobs/statistics"),
            )
        }  # fmt: skip
        report = client.get(f"{V1}/jobs/{left.roles['completed']}/report?format=csv").content
        company = found["companies"]["items"][0]["company_id"]
        explained = client.get(f"{V1}/companies/{company}/explain?field=name").json()
    found["explained"] = explained
    return {**found, "listed": listed.json()["items"], "jobs": jobs, "errors": errors, "events": events, "csv": report}


@pytest.fixture(scope="module")
def stack(server: Valkey, data: Path, sites: SampleServer, read_first: dict[str, Any]) -> Iterator[LocalStack]:
    """The present stack on that lake and that server; everything is retained, however old the fixture is by now."""
    from cli.local_stack.stack import LocalStack

    env = {"REDIS_URL": server.url, "LEADMILL_HTTP_PROXY": sites.url, "LEADMILL_RETENTION_DAYS": "36500"}
    with LocalStack(data, workers=2, api_port=0, env=env) as running:
        yield running


@pytest.fixture(scope="module")
def client(stack: LocalStack) -> Iterator[Client]:
    with Client(stack.api_url) as connected:
        yield connected


@pytest.fixture(scope="module")
def ended(left: Left, client: Client) -> dict[str, str]:
    """Role → status, once everything that was under way has ended."""
    return {role: client.job(left.roles[role]).wait(_PATIENCE_S).status for role in UNDER_WAY}


def domains(data: Path, job: str, stage: str) -> Counter[str]:
    lake = Lake(data)
    return Counter(row["domain"] for row in lake.iter_rows(lake.parts(job, stage)))


def test_every_job_is_told_as_it_was(left: Left, read_first: dict[str, Any]) -> None:
    assert {job["job_id"] for job in read_first["listed"]} == set(left.said["jobs"])
    for job, before in left.said["jobs"].items():
        found = read_first["jobs"][job]
        for name in before.keys() - _NOW - {"progress"}:
            assert found[name] == before[name], f"{name} of {job}"
        known = before["progress"]["details"].keys()  # what its crawls got is told since
        details = {name: number for name, number in found["progress"]["details"].items() if name in known}
        assert {**found["progress"], "details": details} == before["progress"]


def test_facts_without_evidence_are_explained_as_far_as_they_go(read_first: dict[str, Any]) -> None:
    told = read_first["explained"]
    assert (told["state"], told["candidates"]) == ("found", []) and "less evidence" in told["told"]
    assert [(fact["value"], fact["quote"], fact["words"]) for fact in told["facts"]] == [(told["value"], None, None)]
    assert told["facts"][0]["source"]


def test_errors_and_reports_answer(left: Left, read_first: dict[str, Any], data: Path) -> None:
    assert set(read_first["errors"].values()) == {200}
    assert set(read_first["events"].values()) <= {200, 404, 409}
    file = data / "jobs" / left.roles["completed"] / "reports" / "report.csv"
    assert read_first["csv"] == file.read_bytes()


def test_companies_schedules_and_dead_letters_are_there(left: Left, read_first: dict[str, Any]) -> None:
    now = {one["company_id"]: one for one in read_first["companies"]["items"]}
    for before in left.said["companies"]:
        found = now[before["company_id"]]
        assert {name: found[name] for name in before} == before | {"probability": None}
    kept = ("name", "cron", "paused", "created_at", "last_tick")
    shown = {one["name"]: one for one in read_first["schedules"]["items"]}
    for before in left.said["schedules"]:
        assert {name: shown[before["name"]][name] for name in kept} == {name: before[name] for name in kept}
    units = [(one["job_id"], one["unit"], one["category"]) for one in read_first["dead"]["items"]]
    assert units == [(one["job_id"], one["unit"], one["category"]) for one in left.said["dead"]]
    assert sum(read_first["statistics"]["totals"]["by_status"].values()) == len(left.said["jobs"])


def test_what_was_under_way_goes_on_and_nothing_is_lost_or_doubled(
    left: Left, ended: dict[str, str], client: Client, data: Path
) -> None:
    assert ended == dict.fromkeys(UNDER_WAY, "completed")
    plan = JobFiles.unrecorded(Lake(data), left.roles["running"]).plan()
    assert domains(data, left.roles["running"], "score") == Counter(row["domain"] for row in plan)
    assert len(plan) == 94
    for role, companies in (("pending", 2), ("uploaded", 2), ("scrape queued", 2), ("struck", 2)):
        found = domains(data, left.roles[role], "score")
        assert len(found) == companies and set(found.values()) == {1}, role


def test_a_partition_that_was_done_is_not_done_again(
    left: Left, ended: dict[str, str], stack: LocalStack, data: Path
) -> None:
    before = {
        file: file.stat().st_mtime_ns
        for stage in ("scrape", "process", "enrich")
        for file in (data / "jobs" / left.roles["running"] / stage).glob("part-00000-*")
    }
    made = left.said["jobs"][left.roles["running"]]["created_at"]
    assert before
    for file, written in before.items():  # the archive keeps whole seconds
        assert written % 1_000_000_000 == 0, f"{file} was written anew since {made}"


def test_a_struck_job_ends_with_what_it_had(left: Left, ended: dict[str, str], data: Path) -> None:
    rows = Lake(data).iter_rows(Lake(data).parts(left.roles["struck"], "score"))
    assert "nordwind-solar.example" in {row["domain"] for row in rows if row["error"] is None}


def test_a_planned_start_still_waits(left: Left, ended: dict[str, str], client: Client) -> None:
    later = client.job(left.roles["later"]).status()
    assert later.status == "pending"
    assert later.waiting_for == left.said["jobs"][later.id]["waiting_for"]


@pytest.mark.parametrize("role", ["failed", "cancelled"])
def test_what_ended_early_resumes_and_completes(
    left: Left, role: str, ended: dict[str, str], client: Client, data: Path
) -> None:
    handle = client.job(left.roles[role])
    handle.resume()
    job = handle.wait(_PATIENCE_S)
    assert (job.status, job.coverage, job.attempt) == ("completed", 1, 2), job.raw
    assert set(domains(data, left.roles[role], "score").values()) == {1}
    with pytest.raises(ApiError, match="nothing missing"):
        handle.resume()


def test_a_repeated_request_is_the_job_that_it_was(left: Left, client: Client) -> None:
    urls = ["nordwind-solar.example", "donaukraft.example"]
    again = client.submit(urls, report={"formats": ["html", "csv"]}, tags=["first"], idempotency_key="key-2")
    assert again.id == left.roles["pending"]


def test_every_message_was_consumed_and_nobody_broke(ended: dict[str, str], stack: LocalStack, server: Valkey) -> None:
    stack.check_alive()
    found = redis.Redis.from_url(server.url, decode_responses=True)
    queues = [key for key in found.scan_iter(PREFIX + "*") if found.type(key) == "list" and "flow" not in key]
    until = time.monotonic() + 30
    while any(found.llen(key) for key in queues):
        assert time.monotonic() < until, {key: found.llen(key) for key in queues}
        time.sleep(0.1)
    for log in (stack.data_dir / "run").glob("worker-*.log"):
        assert "Traceback" not in log.read_text(), log.read_text()[-3_000:]
