"""What is refused because there is too much of it: nothing of it is kept, and it is taken once there is room."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from cli.main import main
from data import project_quotas, shared_file
from leadmill import Client
from leadmill.declared import PERIODIC
from leadmill.settings import get_settings
from pipelines.intake.schedules import Ticker, create
from pipelines.intake.submission import Submission
from tests.api.test_events import Server
from tests.effects.conftest import V1, Mill
from tests.tasks.scraping.hostile_server import HostileServer

Open = Callable[..., Mill]
ONE = {"company_urls": ["a.example"]}


def traces(mill: Mill) -> tuple[set[str], set[str]]:
    """Names of the job store's keys of jobs and of what is counted, and of job folders."""
    found = {str(key).removeprefix(mill.store.prefix) for key in mill.store.redis.keys(mill.store.prefix + "*")}
    kept = {name for name in found if name.startswith(("job:", "doc:", "units:", "ev:", "idx:", "idem:", "used:"))}
    return kept, set(mill.lake.storage.names(mill.lake.root / "jobs"))


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


# ---- quotas of a project -------------------------------------------------------------------------------


def refused(mill: Mill, body: dict[str, Any], path: str = "/pipelines") -> tuple[Any, ...]:
    """Which quota refuses a request, and what is left of it."""
    before = traces(mill)
    answer = mill.http.post(V1 + path, json=body)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (429, "quota_exceeded"), told
    assert traces(mill) == before, "nothing of it is kept"
    assert bool(told.get("resets_at")) == told["quota"].endswith("_per_day")
    return told["quota"], told["limit"], told["left"], told["asked"], "Retry-After" in answer.headers


def urls(number: int) -> dict[str, Any]:
    return {"company_urls": [f"{name}.example" for name in "abcdefghij"[:number]]}


def test_a_project_has_so_many_live_jobs(open_mill: Open) -> None:
    mill = open_mill(LEADMILL_QUOTA_LIVE_JOBS="1")
    job = mill.submit("/pipelines", ONE)
    assert refused(mill, ONE) == ("live_jobs", 1, 0, 1, True)
    mill.http.delete(f"{V1}/jobs/cancel/{job}")
    mill.submit("/pipelines", ONE)
    assert refused(mill, {}, f"/jobs/{job}/resume")[0] == "live_jobs"


def test_a_job_has_so_many_companies(open_mill: Open, tmp_path: Path) -> None:
    directory = tmp_path / "directory.csv"
    directory.write_text("name,url,keywords\n" + "".join(f"{name},{name}.example,solar\n" for name in "abc"))
    mill = open_mill(LEADMILL_QUOTA_COMPANIES_PER_JOB="2", LEADMILL_SEARCH_PROVIDER=f"directory:{directory}")
    assert refused(mill, urls(3)) == ("companies_per_job", 2, 2, 3, False)
    mill.submit("/pipelines", {"company_urls": ["a.example", "https://www.a.example/x", "b.example"]})
    job = mill.run("/pipelines", {"search_queries": ["solar"]})
    told = mill.http.get(f"{V1}/jobs/status/{job}").json()
    assert (told["status"], told["error"]["category"]) == ("failed", "quota")
    assert told["error"]["message"] == "the project's quota of companies a job is 2, and this needs 3"
    assert not mill.rows(job, "scrape", "errors")
    mill.submit("/jobs/process/scores", {"company_ids": [f"comp_{n:016x}" for n in range(3)]})


def test_a_day_of_a_project_has_so_many_companies(open_mill: Open) -> None:
    mill = open_mill(LEADMILL_QUOTA_COMPANIES_PER_DAY="5")
    job = mill.submit("/pipelines", urls(4))
    assert refused(mill, urls(2)) == ("companies_per_day", 5, 1, 2, True)
    mill.http.delete(f"{V1}/jobs/cancel/{job}")
    mill.submit("/pipelines", urls(5))
    csv = {"content": b"url\na.example\n", "headers": {"Content-Type": "text/csv"}}
    assert mill.http.post(f"{V1}/pipelines", **csv).status_code == 429, "a list has one company at least"  # type: ignore[arg-type]


def test_when_the_pages_of_a_day_are_used_up_what_is_left_waits(open_mill: Open, server: HostileServer) -> None:
    mill = open_mill(LEADMILL_QUOTA_PAGES_PER_DAY="1")
    body = {"company_urls": [server.url("plain")], "crawl": {"max_pages": 1}}
    later = mill.submit("/jobs/scrape/companies", body)
    mill.run("/jobs/scrape/companies", body)
    assert refused(mill, body, "/jobs/scrape/companies") == ("pages_per_day", 1, 0, 1, True)
    asked = len(server.asked)
    mill.work(later)
    assert len(server.asked) == asked, "nothing is fetched"
    [cause] = mill.http.get(f"{V1}/jobs/status/{later}").json()["result"]["missing"]
    assert cause["category"] == "quota" and "resume the job after 00:00 UTC" in cause["error"]


def test_lists_have_a_size_and_a_day_so_much_of_them(open_mill: Open) -> None:
    mill = open_mill(LEADMILL_QUOTA_UPLOAD_BYTES="20", LEADMILL_QUOTA_UPLOAD_BYTES_PER_DAY="30")

    def send(content: bytes) -> Any:
        answer = mill.http.post(f"{V1}/pipelines", content=content, headers={"Content-Type": "text/csv"})
        return answer.json().get("quota")

    before = traces(mill)
    assert send(b"url\nexample.com/abcde\n") == "upload_bytes" and traces(mill) == before
    assert [send(b"url\na.example.com\n") for _ in range(2)] == [None, "upload_bytes_per_day"]


# ---- quotas of one project -----------------------------------------------------------------------------

ALL = {
    "live_jobs": 3,
    "companies_per_job": 9,
    "companies_per_day": 20,
    "pages_per_day": None,
    "upload_bytes": 15,
    "upload_bytes_per_day": 30,
}


@pytest.fixture
def limited(open_mill: Open, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Mill, str]]:
    """A mill whose settings allow two live jobs and a page, and the address of its API."""
    monkeypatch.setattr(shared_file, "LOOK_S", 0.0)
    mill = open_mill(LEADMILL_QUOTA_LIVE_JOBS="2", LEADMILL_QUOTA_PAGES_PER_DAY="0")
    server = Server(create_app(get_settings()))
    yield mill, server.url
    server.stop()


def test_a_project_has_quotas_of_its_own(limited: tuple[Mill, str]) -> None:
    mill, url = limited
    with Client(url) as client:
        assert refused(mill, ONE)[0] == "pages_per_day"
        made = client.set_quotas("default", quotas=ALL)
        assert {one["name"]: one["limit"] for one in made["quotas"]} == ALL
        assert client.project(name="default") == made and client.projects() == [made]
        mill.submit("/pipelines", urls(8))
        assert refused(mill, urls(10))[:2] == ("companies_per_job", 9)
        shown = {one["name"]: (one["used"], one["left"]) for one in client.project("default")["quotas"]}
        assert (shown["live_jobs"], shown["companies_per_day"]) == ((1, 2), (8, 12))
        assert shown["pages_per_day"] == shown["companies_per_job"] == (None, None)
        client.set_quotas("default", {"live_jobs": 5})
        own = [one["name"] for one in client.project("default")["quotas"] if one["own"]]
        assert own == ["live_jobs"] and refused(mill, ONE)[0] == "pages_per_day"
        client.set_quotas("acme", {"live_jobs": 1})
        assert [one["name"] for one in client.projects()] == ["default", "acme"]
        for wrong in ({"live_jobs": -1}, {"live_jobs": "5"}, {"live": 5}):
            assert mill.http.put(f"{V1}/projects/acme", json=wrong).status_code == 422
        assert mill.http.put(f"{V1}/projects/No", json={}).status_code == 404
    (mill.lake.data / project_quotas.FILE).write_text("{")
    status, told = mill.post("/pipelines", ONE)
    assert (status, told["code"]) == (503, "quotas_unreadable")
    ready, health = mill.http.get("/readyz"), mill.http.get("/healthz").json()
    assert (ready.status_code, ready.json()["code"]) == (503, "quotas_unreadable")
    assert health["status"] == "fail" and project_quotas.FILE in health["warnings"][0]


def test_projects_set_and_list(
    limited: tuple[Mill, str], environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("LEADMILL_API_URL", limited[1])

    def leadmill(*arguments: str) -> str:
        get_settings.cache_clear()
        capsys.readouterr()
        assert main(arguments) == 0
        return capsys.readouterr().out

    given = [
        "--live-jobs", "3", "--companies-per-job", "9", "--companies-per-day", "20", "--pages-per-day", "none",
        "--upload-bytes", "15", "--upload-bytes-per-day", "30",
    ]  # fmt: skip
    made = json.loads(leadmill("projects", "set", "acme", *given, "--json"))
    assert {one["name"]: one["limit"] for one in made["quotas"]} == ALL
    leadmill("projects", "set", "acme", "--live-jobs", "default", "--upload-bytes", "16")
    listed = leadmill("projects", "list")
    assert "acme\tlive jobs\t2\tsettings\t0\t2" in listed and "acme\tupload bytes\t16\tits own" in listed
    assert "default\tpages per day\t0\tsettings\t0\t0" in listed
    assert main(("projects", "set", "acme", "--live-jobs", "many")) == 2
