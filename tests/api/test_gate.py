"""What stands before every request: host, origin, size, headers, and a crash that tells nothing away."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from anyio import BrokenResourceError
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import ValidationError

from api import gate, jobs
from api.app import create_app
from api.binding import check_bind, is_loopback
from data.api_keys import KeyRegistry
from leadmill.access import Role
from leadmill.errors import ConfigError
from leadmill.settings import Settings
from tests.api.conftest import V1, post

BODY = {"company_urls": ["a.example"]}


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("localhost", True), ("localhost:8000", True), ("127.0.0.1:8000", True), ("[::1]:8000", True), ("[::1]", True),
        ("LOCALHOST", True), ("evil.example", False), ("evil.example:8000", False), ("127.0.0.1.evil.example", False),
        ("", False), ("localhost.evil.example:80", False), ("0.0.0.0", False), ("testserver", False),
        ("localhost.", True), ("[0:0:0:0:0:0:0:1]:80", True), ("[::2]", False), ("[::1", False), ("::1", False),
        ("localhost:80:80", False), ("localhost:x", False), ("x@localhost", False), ("localhost/x", False),
        ("localhost, evil.example", False), ("127.1", False), ("*", False),
    ],
)  # fmt: skip
def test_host_header(client: TestClient, host: str, good: bool) -> None:
    answer = client.get("/healthz", headers={"Host": host})
    assert answer.status_code == (200 if good else 421), answer.text
    if not good:
        assert answer.json()["code"] == "host_not_allowed"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, False),
        ({"Origin": "http://localhost"}, True),
        ({"Origin": "http://localhost:81"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://["}, False),
        ({"Origin": ""}, False),
    ],
)
def test_cross_origin_posts_are_refused(client: TestClient, headers: dict[str, str], good: bool) -> None:
    answer = client.post(f"{V1}/pipelines", json=BODY, headers=headers)
    assert answer.status_code == (202 if good else 403), answer.text
    if not good:
        assert answer.json()["code"] == "cross_origin"
        assert client.get(f"{V1}/jobs/list", headers=headers).status_code == 200


def test_security_headers_on_every_answer(client: TestClient) -> None:
    for answer in (client.get("/healthz"), client.get("/nowhere"), client.get(f"{V1}/jobs/list", params={"limit": 0})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["x-request-id"]


def test_request_id_is_taken_over_when_it_is_harmless(client: TestClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "abc-1.2_3"}).headers["x-request-id"] == "abc-1.2_3"
    for bad in ("a b", "x" * 65, "<script>"):
        assert client.get("/healthz", headers={"X-Request-ID": bad}).headers["x-request-id"].startswith("req_")


def test_404_and_405_are_problems(client: TestClient) -> None:
    answer = client.get(f"{V1}/nothing/here")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert f"{V1}/nothing/here" in answer.json()["detail"]
    answer = client.get(f"{V1}/pipelines")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "POST, OPTIONS"
    assert answer.headers["content-type"] == "application/problem+json"
    there = {f"{V1}/schedules": "GET, HEAD, POST", f"{V1}/jobs/cancel/x": "DELETE", "/": "GET, HEAD"}
    for path, methods in there.items():
        for method in ("PATCH", "TRACE"):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["allow"]) == (405, f"{methods}, OPTIONS"), path
        answer = client.options(path)
        assert (answer.status_code, answer.headers["allow"], answer.content) == (204, f"{methods}, OPTIONS", b"")
    assert client.options(f"{V1}/nothing/here").status_code == 404


def test_where_get_is_there_is_head(client: TestClient) -> None:
    job = post(client)["job_id"]
    for path, calls in client.get(f"{V1}/openapi.json").json()["paths"].items():
        assert ("get" in calls) == ("head" in calls), path
        if "get" not in calls or path.endswith(("/events", "/readyz")):
            continue
        url = path.replace("{job_id}", job)
        got, head = client.get(url), client.head(url)
        assert (head.status_code, head.content) == (got.status_code, b""), path
        assert head.headers.get("content-type") == got.headers.get("content-type"), path
    head = client.head(f"{V1}/jobs/{job}/events")  # of a job that lives: no stream is opened, the answer ends
    assert head.status_code == 200 and head.headers["content-type"].startswith("text/event-stream")
    for path in ("/", f"{V1}/openapi.json"):
        assert client.head(path).status_code == 200


def test_a_query_parameter_that_a_call_does_not_have_is_refused(client: TestClient) -> None:
    job = post(client)["job_id"]
    for path, calls in client.get(f"{V1}/openapi.json").json()["paths"].items():
        for method in calls:
            url = path.replace("{job_id}", job).replace("{name}", "daily")
            answer = client.request(method, f"{url}?nobody=1")
            assert answer.status_code == 422, (method, path)
            assert method == "head" or answer.json()["field"] == "nobody"
    for query, said in (
        ("stauts=failed", "no query parameter 'stauts'; did you mean 'status'?"),
        ("limit=1&limit=2", "given twice"),
        ("limit=1&%00=2", "no query parameter"),
    ):
        answer = client.get(f"{V1}/jobs/list?{query}")
        assert answer.status_code == 422 and said in answer.json()["detail"], query
    for sent in ({"json": {"company_urls": ["a.example"]}}, {"files": {"file": ("a.csv", b"url\na.example\n")}}):
        answer = client.post(f"{V1}/pipelines?tags=x", **sent)  # type: ignore[arg-type]
        assert (answer.status_code, answer.json()["field"]) == (422, "tags"), "it belongs into the body"


@pytest.mark.parametrize("path", ["/companies/comp_0/outcome", "/scoring/models", "/scoring/simulate"])
def test_calls_of_later_issues_are_absent(client: TestClient, path: str) -> None:
    assert client.post(V1 + path, json={}).status_code in (404, 405)


def test_body_limit(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MAX_BODY", 1_000)
    monkeypatch.setattr(gate, "MAX_FILE_BODY", 2_000)

    def chunks(size: int) -> Iterator[bytes]:
        for _ in range(size // 100):
            yield b" " * 100

    json_type = {"Content-Type": "application/json"}
    for path, size in (("/jobs/scrape/companies", 1_500), ("/pipelines", 2_500)):
        for content in (b" " * size, chunks(size)):
            answer = client.post(V1 + path, content=content, headers=json_type)
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large"), answer.text
            assert answer.headers["content-type"] == "application/problem+json"
    answer = client.post(f"{V1}/pipelines", content=chunks(2_500), headers={"Content-Type": "text/csv"})
    assert answer.status_code == 413
    answer = client.post(f"{V1}/pipelines", files={"file": ("a.csv", b"url\n" + b"a.example\n" * 300)})
    assert answer.status_code == 413
    assert client.post(f"{V1}/pipelines", content=b" " * 1_500, headers=json_type).status_code == 422


def test_crash_is_a_problem_that_tells_nothing_away(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(jobs, "statistics_and_alarms", crash)
    answer = client.get(f"{V1}/jobs/statistics")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal_error")
    assert "secret" not in answer.text and problem["request_id"] in problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "secret detail" in caplog.text and problem["request_id"] in caplog.text


def test_a_client_that_hangs_up_amid_events_is_no_fault() -> None:
    gone, other = BrokenResourceError(), RuntimeError("x")
    assert gate._nobody_listens(ExceptionGroup("events", [gone, ExceptionGroup("inside", [gone])]))
    for error in (other, gone, ExceptionGroup("events", [gone, other])):
        assert not gate._nobody_listens(error)


def test_too_many_requests_under_way_leave_health_alone(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MAX_BUSY", 0)
    for path in ("//evil.example/x", "/%5Cevil.example", "/%09/evil.example"):
        page = client.get(f"http://localhost{path}", headers={"Accept": "text/html"})
        links = re.findall(r'href="([^"]*)"', page.text)
        assert page.status_code == 503 and not [one for one in links if re.match(r"[/\\\s]{2}|\w+:", one)], links
    answer = client.get(f"{V1}/jobs/list")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert client.get("/healthz").status_code == 200
    assert client.get(f"{V1}/jobs/job_{'0' * 20}/events").status_code == 404, "it has a limit of its own"
    monkeypatch.setattr(gate, "MAX_BUSY", 1)
    for _ in range(3):  # each gives its place back, refused ones too
        assert client.get(f"{V1}/jobs/list").status_code == 200
        assert client.get(f"{V1}/nowhere").status_code == 404


def test_openapi_holds_every_call_and_resolves(client: TestClient) -> None:
    document = client.get(f"{V1}/openapi.json").json()
    assert f"{V1}/pipelines" in document["paths"]
    body = document["paths"][f"{V1}/pipelines"]["post"]["requestBody"]["content"]
    lists = {
        "text/csv",
        "text/tab-separated-values",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }
    assert set(body) == {"application/json", "multipart/form-data", *lists}

    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                yield node["$ref"]
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    for reference in set(references(document)):
        found: Any = document
        for name in reference.removeprefix("#/").split("/"):
            found = found[name]
        assert found


# ---- binding -------------------------------------------------------------------------------------------


def test_check_bind(tmp_path: Path) -> None:
    closed = Settings(trust_network=False, data_url=str(tmp_path))
    trusted = closed.model_copy(update={"trust_network": True})
    for host in ("127.0.0.1", "::1", "localhost", "127.8.8.8"):
        assert is_loopback(host)
        check_bind(closed, host)
    for host in ("0.0.0.0", "::", "192.168.1.4", "example.com", ""):
        with pytest.raises(ConfigError, match="LEADMILL_TRUST_NETWORK=1"):
            check_bind(closed, host)
        check_bind(trusted, host)
    KeyRegistry(tmp_path).create("a", Role.VIEWER)
    check_bind(closed, "0.0.0.0")
    (tmp_path / "api_keys.json").write_text("{")
    check_bind(closed, "0.0.0.0")  # nobody is let in there


def test_start_refuses_an_open_bind(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"api_host": "0.0.0.0"}))
    with pytest.raises(ConfigError, match="TRUST_NETWORK"), TestClient(app):
        pass


@pytest.mark.parametrize(
    ("bound", "listed", "good", "bad"),
    [
        ("0.0.0.0", "", "localhost:8000 127.0.0.1 [::1]", "api:8000 0.0.0.0 evil.example 10.0.0.7"),
        ("::", "", "localhost [::1]:80", "[::] evil.example"),
        ("0.0.0.0", "api, leads.example.com:443", "api:8000 API leads.example.com localhost", "x.leads.example.com"),
        ("0.0.0.0", "*.example.com", "a.example.com a.b.example.com:8000", "example.com aexample.com a.example.com.x"),
        ("10.0.0.7", "", "10.0.0.7:8000 localhost", "10.0.0.8 evil.example"),
        ("fd00::7", "::8", "[fd00::7]:8000 [FD00:0::7] [::8]", "[fd00::8] fd00::7"),
        ("leads.lan", "", "leads.lan localhost", "evil.lan"),
    ],
)
def test_beyond_loopback_only_named_hosts_are_answered(
    settings: Settings, bound: str, listed: str, good: str, bad: str
) -> None:
    """A DNS name that somebody rebinds to the published port gets nothing, whatever address is bound."""
    update = {"api_host": bound, "trust_network": True, "allowed_hosts": Settings(allowed_hosts=listed).allowed_hosts}
    app: FastAPI = create_app(settings.model_copy(update=update))
    with TestClient(app) as client:
        for host in good.split():
            assert client.get("/healthz", headers={"Host": host}).status_code == 200, host
        for host in bad.split():
            answer = client.get("/healthz", headers={"Host": host})
            assert answer.status_code == 421, host
            assert "LEADMILL_ALLOWED_HOSTS" in answer.json()["detail"]


@pytest.mark.parametrize("listed", ["*", "*.com", "http://a.example", "a b", "*.a.*.example", "[::1]x", "a..example"])
def test_allowed_hosts_that_are_none_are_named(listed: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a host name|a wildcard is written"):
        Settings(allowed_hosts=listed)


def test_a_host_named_twice_is_refused(client: TestClient) -> None:
    answer = client.get("/healthz", headers=[("Host", "localhost"), ("Host", "evil.example")])
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.stack
def test_import_stays_light() -> None:
    code = (
        "import sys, api.app; print([m for m in ('scrapy', 'pandas', 'twisted.internet.reactor') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
