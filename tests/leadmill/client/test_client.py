"""The Python client against a real socket: retries, Retry-After, typed errors, paging, waiting, downloads."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from leadmill import ApiError, Client, answers
from leadmill.client import job_handle, transport
from leadmill.client.errors import ApiUnreachableError
from leadmill.client.job_handle import JobHandle
from leadmill.client.protocol import discover_base_url
from leadmill.errors import InputError
from leadmill.settings import get_settings

V1 = "/api/v1"


@pytest.fixture
def client(api: Any) -> Iterator[Client]:
    with Client(api.url, timeout=5) as it:
        yield it


def test_submit_sends_what_was_given_and_nothing_else(api: Any, client: Client, answer: Any) -> None:
    api.on("POST", f"{V1}/pipelines", answer({"job_id": "job_1", "kind": "pipeline", "status": "pending"}, 202))
    handle = client.submit(
        ["https://a.example", "b.example"], stages=["scrape"], priority="high", tags=["x"], min_coverage=0.5
    )
    assert handle.id == "job_1"
    sent = api.requests[-1]
    assert sent.json == {
        "company_urls": ["https://a.example", "b.example"],
        "stages": ["scrape"],
        "priority": "high",
        "tags": ["x"],
        "min_coverage": 0.5,
    }
    assert len(sent.headers["idempotency-key"]) > 10


@pytest.mark.parametrize("end", ["", "/", "/api/v1", "/api/v1/"])
def test_an_address_may_be_that_of_the_examples_by_curl(api: Any, answer: Any, end: str) -> None:
    api.on("GET", f"{V1}/jobs/statistics", answer({}))
    with Client(api.url + end, timeout=5) as client:
        client.statistics()
        assert client.base_url == api.url


def test_one_text_is_not_a_list_of_urls(client: Client) -> None:
    with pytest.raises(TypeError):
        client.submit("https://a.example")


@pytest.mark.parametrize("kind", ["pipeline", "statistics", "pnig"])
def test_a_kind_without_a_call_of_its_own_is_refused_here(api: Any, client: Client, kind: str) -> None:
    with pytest.raises(InputError, match="there are: process, enrich, cleanup, health_check, optimize_db"):
        client.submit_kind(kind)
    assert not api.requests


def test_csv_is_sent_as_it_is(api: Any, client: Client, answer: Any, tmp_path: Path) -> None:
    api.on("POST", f"{V1}/pipelines", answer({"job_id": "job_1"}, 202))
    file = tmp_path / "hosts.csv"
    file.write_bytes("url\nhttps://münchen.example\n,,bad\n".encode())
    client.submit(csv=file, tags=["t"])
    sent = api.requests[-1]
    assert sent.headers["content-type"].startswith("multipart/form-data")
    assert file.read_bytes() in sent.body
    assert b'filename="hosts.csv"' in sent.body
    assert b'{"tags": ["t"]}' in sent.body


@pytest.mark.parametrize("headers", [{}, {"retry-after": "31"}])
def test_a_quota_that_is_used_up_is_told_at_once(
    api: Any, client: Client, a_problem: Any, headers: dict[str, str]
) -> None:
    api.on("POST", f"{V1}/pipelines", a_problem(429, "quota_exceeded", "used up", headers))
    with pytest.raises(ApiError, match="used up"):
        client.submit(["a.example"])
    assert len(api.requests) == 1


def test_a_busy_api_is_asked_again_with_the_same_key(
    api: Any, client: Client, answer: Any, a_problem: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    api.on(
        "POST",
        f"{V1}/jobs/scrape/company",
        a_problem(503, "unavailable", "Redis does not answer", {"retry-after": "0"}),
        a_problem(429, "rate_limited", "slow down", {"retry-after": "0.3"}),
        answer({"job_id": "job_1"}, 202),
    )
    began = time.monotonic()
    assert client.scrape_company("a.example").id == "job_1"
    assert time.monotonic() - began >= 0.3, "Retry-After is kept"
    keys = {request.headers["idempotency-key"] for request in api.requests}
    assert len(api.requests) == 3
    assert len(keys) == 1
    assert capfd.readouterr() == ("", ""), "a program's output stays its own"


def test_what_a_program_does_at_its_own_retries_stays(api: Any, client: Client, answer: Any, a_problem: Any) -> None:
    import stamina

    told: list[str] = []
    stamina.instrumentation.set_on_retry_hooks([lambda details: told.append(details.name)])
    try:
        busy = a_problem(503, "unavailable", "Redis does not answer", {"retry-after": "0"})
        api.on("GET", f"{V1}/jobs/statistics", busy, answer({}))
        client.statistics()
        assert len(told) == 1
    finally:
        stamina.instrumentation.set_on_retry_hooks([])


def test_no_url_is_not_asked_again() -> None:
    with Client("http://127.0.0.1:9") as client, pytest.raises(ApiUnreachableError, match="not a usable") as caught:
        client._transport.request("GET", "/\0")
    assert not caught.value.may_pass


def test_a_post_without_key_is_not_repeated(api: Any, client: Client, a_problem: Any) -> None:
    api.on("POST", f"{V1}/jobs/bulk", a_problem(503, "unavailable", "later"))
    with pytest.raises(ApiError):
        client._transport.request("POST", f"{V1}/jobs/bulk")
    assert len(api.requests) == 1


def test_a_given_key_is_used(api: Any, client: Client, answer: Any) -> None:
    api.on("POST", f"{V1}/jobs/process/data", answer({"job_id": "job_1"}, 202))
    client.process(["comp_0123456789abcdef"], idempotency_key="mine")
    assert api.requests[-1].headers["idempotency-key"] == "mine"
    assert "idempotency_key" not in api.requests[-1].json


def test_retries_end_and_the_error_says_all(api: Any, client: Client, a_problem: Any) -> None:
    api.on(
        "GET",
        f"{V1}/jobs/statistics",
        a_problem(503, "unavailable", "Redis does not answer", {"retry-after": "0"}, request_id="r1", job_id="job_9"),
    )
    with pytest.raises(ApiError) as caught:
        client.statistics()
    error = caught.value
    assert (error.status, error.code, error.detail) == (503, "unavailable", "Redis does not answer")
    assert (error.request_id, error.job_id, error.retry_after_s) == ("r1", "job_9", 0.0)
    assert len(api.requests) == 4


def test_a_refused_body_is_not_repeated_and_names_its_field(api: Any, client: Client, a_problem: Any) -> None:
    refusal = a_problem(422, "invalid_input", "not a URL: 'x y'", field="company_urls[17]")
    api.on("POST", f"{V1}/pipelines", refusal)
    with pytest.raises(ApiError) as caught:
        client.submit(["x y"])
    assert caught.value.field == "company_urls[17]"
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("body", "detail"),
    [(b"<html><h1>Bad\n gateway</h1></html>", "Bad gateway"), (b"", "I'm a Teapot"), (b"[1]", "[1]")],
)
def test_an_error_that_is_no_problem_json(api: Any, client: Client, answer: Any, body: bytes, detail: str) -> None:
    api.on("GET", f"{V1}/jobs/statistics", answer(body, 418, {"x-request-id": "r2"}))
    with pytest.raises(ApiError) as caught:
        client.statistics()
    assert caught.value.code == "http_418"
    assert caught.value.detail == f"HTTP 418 without a word of Leadmill (a proxy, another address?): {detail}"
    assert caught.value.request_id == "r2"


def test_something_else_listens_there(api: Any, client: Client, answer: Any) -> None:
    api.on("GET", "/healthz", answer(b"hello"))
    with pytest.raises(ApiError, match="not JSON"):
        client.health()


@pytest.mark.stack
def test_nobody_listens() -> None:
    with Client("http://127.0.0.1:9", retries=0, timeout=2) as client, pytest.raises(ApiUnreachableError) as caught:
        client.health()
    assert caught.value.status == 0
    assert "127.0.0.1:9" in str(caught.value)


def test_environment_proxies_do_not_stand_before_this_machine(api: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Client(api.url, retries=0) as client:
        assert client.health() == {"status": "ok"}


def test_lists_are_read_page_after_page(api: Any, client: Client, answer: Any, a_job: Any) -> None:
    def script(request: Any) -> Any:
        if request.path != f"{V1}/jobs/list":
            return None
        start = int(request.query.get("cursor", "0"))
        items = [a_job(f"job_{n}") for n in range(start, min(start + int(request.query["limit"]), 250))]
        following = start + len(items)
        return answer({"items": items, "next_cursor": str(following) if following < 250 else None})

    api.scripts.insert(0, script)
    assert [job.id for job in client.list_jobs(status="running")] == [f"job_{n}" for n in range(250)]
    assert len(api.requests) == 3
    assert all(request.query["status"] == "running" for request in api.requests)
    api.requests.clear()
    assert len(list(client.list_jobs(limit=120))) == 120
    assert [request.query["limit"] for request in api.requests] == ["100", "20"]
    api.requests.clear()
    next(iter(client.list_jobs()))
    assert len(api.requests) == 1, "pages are fetched when needed"


def test_a_job_as_a_record(api: Any, client: Client, answer: Any, a_job: Any) -> None:
    raw = a_job("job_7", "completed", coverage=0.9, duration_s=4.5, finished_at="2026-11-24T10:00:09+00:00", new=1)
    api.on("GET", f"{V1}/jobs/status/job_7", answer(raw))
    job = client.status("job_7")
    assert job.ended
    assert (job.coverage, job.duration_s, job.progress.percentage) == (0.9, 4.5, 40.0)
    assert job.finished_at is not None
    assert job.created_at is not None
    assert (job.finished_at - job.created_at).total_seconds() == 9
    assert (job.stages[0].name, job.stages[0].done, job.stages[0].total) == ("scrape", 2, 4)
    assert job.raw["new"] == 1


def sse(*events: tuple[str, str]) -> bytes:
    return b"".join(f"id: {number}\nevent: status\ndata: {data}\n\n".encode() for number, data in events)


def log_line(number: str, event: str) -> bytes:
    return f'id: {number}\nevent: warning\ndata: {{"event": "{event}"}}\n\n'.encode()


def stream(answer: Any, pieces: Iterator[bytes]) -> Any:
    return answer(pieces=pieces, headers={"content-type": "text/event-stream"})


def test_wait_is_woken_by_the_event_of_the_end(api: Any, client: Client, answer: Any, a_job: Any) -> None:
    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job()), answer(a_job(status="completed")))

    def pieces() -> Iterator[bytes]:
        yield sse(("1", '{"status": "running"}'))
        time.sleep(0.4)
        yield sse(("2", '{"status": "completed"}'))
        time.sleep(5)

    api.on("GET", f"{V1}/jobs/job_1/events", stream(answer, pieces()))
    began = time.monotonic()
    assert client.job("job_1").wait(timeout=10).status == "completed"
    assert 0.3 < time.monotonic() - began < 2


def test_wait_goes_on_behind_the_last_event_after_a_cut(api: Any, client: Client, answer: Any, a_job: Any) -> None:
    running = answer(a_job())
    api.on("GET", f"{V1}/jobs/status/job_1", running, running, answer(a_job(status="failed")))
    path = f"{V1}/jobs/job_1/events"
    api.on(
        "GET",
        path,
        stream(answer, iter([sse(("7", "{}"))])),
        stream(answer, iter([sse(("8", '{"status": "failed"}'))])),
    )
    assert client.job("job_1").wait(timeout=10).status == "failed"
    assert [request.headers.get("last-event-id") for request in api.asked("GET", path)] == [None, "7"]


def test_wait_polls_where_there_is_no_stream(api: Any, client: Client, answer: Any, a_job: Any) -> None:
    running = answer(a_job())
    api.on("GET", f"{V1}/jobs/status/job_1", running, running, running, answer(a_job(status="cancelled")))
    began = time.monotonic()
    assert client.job("job_1").wait().status == "cancelled"
    assert 0.3 < time.monotonic() - began < 2
    assert len(api.asked("GET", f"{V1}/jobs/job_1/events")) == 1


def test_wait_has_an_end(api: Any, client: Client, answer: Any, a_job: Any) -> None:
    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job()))

    def silent() -> Iterator[bytes]:
        yield b": hello\n\n"
        time.sleep(8)

    api.on("GET", f"{V1}/jobs/job_1/events", stream(answer, silent()))
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="scraping"):
        client.job("job_1").wait(timeout=0.7)
    assert time.monotonic() - began < 2.5


def test_who_waits_or_follows_waits_for_an_api_that_starts_again(
    api: Any, client: Client, answer: Any, a_job: Any, a_problem: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(job_handle, "POLL_S", (0.01, 0.01))
    away, status, log = (
        a_problem(503, "unavailable", "Redis is away"),
        f"{V1}/jobs/status/job_1",
        f"{V1}/jobs/job_1/logs",
    )
    api.on("GET", status, *[away] * 9, answer(a_job(status="completed")))
    assert client.job("job_1").wait(timeout=10).status == "completed"
    api.on("GET", status, *[away] * 9, answer(a_job()))
    api.on(
        "GET",
        f"{log}/events",
        stream(answer, iter([log_line("7", "a")])),
        away,
        stream(answer, iter([log_line("8", "b"), sse(("", '{"status": "completed"}'))])),
    )
    assert [line["event"] for line in client.logs("job_1", follow=True)] == ["a", "b"]
    assert [request.headers.get("last-event-id") for request in api.asked("GET", f"{log}/events")] == [None, "7", "7"]
    with Client(api.url, retries=0) as hasty, pytest.raises(ApiError):
        api.on("GET", status, away)
        hasty.job("job_1").wait(timeout=10)


def test_a_report_is_whole_or_not_there(api: Any, client: Client, answer: Any, a_problem: Any, tmp_path: Path) -> None:
    api.on("GET", f"{V1}/jobs/job_1/report", answer(b"a,b\n" * 50_000, headers={"content-type": "text/csv"}))
    saved = client.job("job_1").report("csv", tmp_path)
    assert saved == tmp_path / "job_1.csv"
    assert saved.stat().st_size == 200_000
    assert api.requests[-1].query == {"format": "csv"}
    api.on("GET", f"{V1}/jobs/job_2/report", a_problem(409, "conflict", "cancelled: resume, or partial=true"))
    with pytest.raises(ApiError) as caught:
        client.download_report("job_2", "html", tmp_path / "x.html")
    assert caught.value.code == "conflict"
    assert [file.name for file in tmp_path.iterdir()] == ["job_1.csv"]


@pytest.mark.parametrize(
    ("call", "method", "path", "body"),
    [
        (lambda c: c.scrape_companies(["a"]), "POST", "/jobs/scrape/companies", {"company_urls": ["a"]}),
        (
            lambda c: c.scrape_batch(["q"], max_results_per_query=3),
            "POST",
            "/jobs/scrape/batch",
            {"search_queries": ["q"], "max_results_per_query": 3},
        ),
        (lambda c: c.enrich(["i"]), "POST", "/jobs/process/enrich", {"company_ids": ["i"]}),
        (lambda c: c.score(["i"]), "POST", "/jobs/process/scores", {"company_ids": ["i"]}),
        (
            lambda c: c.report(report_type="leads"),
            "POST",
            "/jobs/analytics/report",
            {"company_ids": [], "report_type": "leads"},
        ),
        (
            lambda c: c.analyze(["i"]),
            "POST",
            "/jobs/analytics/analyze",
            {"company_ids": ["i"], "report_type": "comprehensive"},
        ),
        (lambda c: c.cleanup(30), "POST", "/jobs/maintenance/cleanup", None),
        (lambda c: c.submit_kind("process", ["comp_1"]), "POST", "/jobs/process/data", {"company_ids": ["comp_1"]}),
        (lambda c: c.health_check(), "POST", "/jobs/maintenance/health-check", None),
        (lambda c: c.optimize_db(), "POST", "/jobs/maintenance/optimize-db", None),
        (lambda c: c.resume("job_1"), "POST", "/jobs/job_1/resume", None),
        (lambda c: c.rerun("job_1", "score"), "POST", "/pipelines/job_1/rerun", None),
        (lambda c: c.cancel("job_1"), "DELETE", "/jobs/cancel/job_1", None),
        (lambda c: c.replay("job_1"), "POST", "/jobs/job_1/replay", None),
        (lambda c: c.rerun("job_1", "score", tags=["x"]), "POST", "/pipelines/job_1/rerun", {"tags": ["x"]}),
        (lambda c: c.health_check(priority="high"), "POST", "/jobs/maintenance/health-check", {"priority": "high"}),
        (lambda c: c.submit(), "POST", "/pipelines", {}),
        (
            lambda c: c.scrape_companies(["a"], run_at=datetime(2027, 1, 31, 8, tzinfo=UTC), deadline=60),
            "POST",
            "/jobs/scrape/companies",
            {"company_urls": ["a"], "run_at": "2027-01-31T08:00:00+00:00", "deadline": 60},
        ),
        (
            lambda c: c.create_schedule("n", "0 6 * * 1", company_urls=["a"], min_coverage=0.5),
            "POST",
            "/schedules",
            {"name": "n", "cron": "0 6 * * 1", "pipeline": {"company_urls": ["a"], "min_coverage": 0.5}},
        ),
        (lambda c: c.pause_schedule("n/a"), "POST", "/schedules/n%2Fa/pause", None),
        (lambda c: c.resume_schedule("n"), "POST", "/schedules/n/resume", None),
        (lambda c: c.delete_schedule("n"), "DELETE", "/schedules/n", None),
    ],
)
def test_each_call_goes_to_its_place(
    api: Any, client: Client, answer: Any, call: Any, method: str, path: str, body: Any
) -> None:
    api.on(method, V1 + path, answer({"job_id": "job_2", "status": "pending"}, 202))
    call(client)
    sent = api.requests[-1]
    assert (sent.json if sent.body else None) == body


def test_the_running_stack_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("LEADMILL_API_HOST", "LEADMILL_API_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEADMILL_DATA_URL", str(tmp_path))

    def found() -> str:
        get_settings.cache_clear()
        return discover_base_url()

    assert found() == "http://127.0.0.1:8000"
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "api.url").write_text("http://127.0.0.1:4711\n")
    assert found() == "http://127.0.0.1:4711"
    monkeypatch.setenv("LEADMILL_API_PORT", "5000")
    assert found() == "http://127.0.0.1:5000", "the environment comes first"
    monkeypatch.setenv("LEADMILL_API_HOST", "0.0.0.0")
    assert found() == "http://127.0.0.1:5000"
    get_settings.cache_clear()


@pytest.mark.stack
def test_importing_the_client_is_cheap() -> None:
    code = (
        "import sys, time; t = time.process_time(); from leadmill import Client; t = time.process_time() - t\n"
        "heavy = {'httpx2', 'pydantic', 'redis', 'celery', 'data', 'tasks', 'api', 'pipelines', 'reports', 'cli'}\n"
        "print(t, *sorted(heavy & set(sys.modules)))"
    )
    best = min(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    )
    assert best[1:] == []
    assert float(best[0]) < 0.2


def test_values_are_counted_and_tables_saved(api: Any, client: Client, answer: Any, tmp_path: Path) -> None:
    counted = {"companies": 2, "facets": {"tier": [{"value": "A", "companies": 2}]}}
    api.on("GET", f"{V1}/companies/facets", answer(counted))
    assert client.facets("tier", limit=3, country=["DE"])["facets"]["tier"][0]["companies"] == 2
    assert api.requests[-1].query == {"field": "tier", "limit": "3", "country": "DE"}
    client.facets()
    assert api.requests[-1].query == {}
    for kind in ("csv", "xlsx"):
        api.on("GET", f"{V1}/companies.{kind}", answer(b"x" * 100_000, headers={"content-type": "text/csv"}))
    saved = client.download_companies("csv", tmp_path, tier="A,B", layout="crm", bom=False)
    assert saved == tmp_path / "leadmill-companies.csv" and saved.stat().st_size == 100_000
    assert api.requests[-1].query == {"tier": "A,B", "layout": "crm", "bom": "false"}
    assert client.download_companies("xlsx", tmp_path / "all.xlsx") == tmp_path / "all.xlsx"
    assert api.requests[-1].query == {}
    with pytest.raises(TypeError, match="did you mean 'tier'"):
        client.facets(teir="A")  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("call", "form"),
    [
        (Client.statistics, answers.Statistics),
        (Client.schedules, list[answers.Schedule]),
        (Client.create_schedule, answers.Schedule),
        (Client.pause_schedule, answers.Schedule),
        (Client.resume_schedule, answers.Schedule),
        (Client.companies, Iterator[answers.Company]),
        (Client.facets, answers.CompanyFacets),
        (Client.explain, answers.Explanation),
        (Client.errors, Iterator[answers.ErrorEntry]),
        (JobHandle.errors, Iterator[answers.ErrorEntry]),
        (Client.dead, Iterator[answers.DeadLetter]),
        (Client.bulk, answers.BulkAction),
        (Client.health, answers.Health),
        (Client.preview, answers.ListPreview),
    ],
)
def test_calls_give_what_the_api_declares(call: Any, form: Any) -> None:
    """The forms that OpenAPI is made of, and that the tests of the API hold every answer against."""
    assert get_type_hints(call)["return"] == form


def test_the_audit_is_read_by_its_filters(api: Any, client: Client, answer: Any) -> None:
    api.on(
        "GET", "/api/v1/audit", answer({"items": [{"entry_id": "aud_1"}, {"entry_id": "aud_2"}], "next_cursor": "x"})
    )
    assert [one["entry_id"] for one in client.audit(action="cancel", status=409, limit=2)] == ["aud_1", "aud_2"]
    assert api.requests[-1].query == {"action": "cancel", "status": "409", "limit": "2"}
    with pytest.raises(TypeError):
        client.audit(actoin="cancel")  # type: ignore[call-arg]
