"""Odd values at every route: whatever a caller sends, the answer is never that something went wrong here.

Each place gets some of the values, each value comes to many places; `LEADMILL_TEST_ODD=all` sends all to all.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import pages
from api.routing import Route
from data.lake import UnitFiles
from tests.api.conftest import V1, Worker, post
from tests.plans import write_plan

#: Raw, as they stand in the address.
ODD = [
    "", "%20", "%00", "-1", "0", "9" * 400, "1.5", "1e999", "NaN", "inf", "-inf", "1_000", "0x10", "+1", "%D9%A3",
    "%C2%B2", "null", "true", "[]", "%7B%7D", "%27", "%22", "%ED%A0%80", "%FF%FE", "%", "%F0%9F%99%82", "%5B", "(",
    "..%2F..%2Fetc%2Fpasswd",
    "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00%2B14:00", "2027-01-31", "2027-01-31T08:00:00Z", "a" * 3_000,
    "1:2", "1:", ":", "99999999999999999999-1", "%E2%80%A8", "a%0Ab", "*", "%5C",
    *(
        quote(base64.urlsafe_b64encode(text.encode()).decode())
        for text in ("", "[]", "[null]", "{}", "[1e999, 1]", '["a", "b"]', "[1, 2]", "\x00", '[NaN, "x"]', "1", '"',
                     '[1, "\\ud800"]', '[1, "\\u0000"]', f"{10**14}:job_{'0' * 20}", f"{10**14}:job|x")
    ),
]  # fmt: skip
WHOLE = ["%", "=", "&&", "%ff=%ff", "limit=1&limit=2", "a" * 5_000, "?", "#", "limit[]=1"]
EVERYWHERE = ("Accept", "Range", "If-None-Match", "X-Request-ID", "Content-Type", "Content-Length", "Origin", "Cookie")
HEADERS = [
    "",
    " ",
    "\x7f",
    "a" * 3_000,
    "-1",
    "9" * 300,
    "1-1",
    "bytes=0-",
    "bytes=9-1,a-b",
    "*/*;q=x",
    "gzip\t",
    ";=;",
]
VALUES: list[Any] = [
    None, True, -1, 0, 10**400, 1.5, 1e308, "", " ", "\x00", "\ud800", "a" * 3_000, "NaN", "1e999", [], {}, [[]],
    [None], {"a": {}}, ["\ud800"], [1], ["a"] * 3, "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
    "2999-01-01T00:00:00Z", "http://[", "job_x", "https://\ud800.example/", "*/1 * * * *", "0 0 31 2 *",
    ["http://[::1/"], ["a.example\x00"], {"formats": ["\ud800"]}, {"max_pages": 10**400},
]  # fmt: skip
JSON = [
    b"", b"null", b"[]", b"1", b'"x"', b"{", b"[" * 100_000, b'{"a":' * 50_000, b'{"deadline": 1e999}',
    b'{"deadline": NaN}', b"\xff\xfe", b'{"tags": ["\\ud800"]}', b"\x00", b"\xef\xbb\xbf{}",
    b'{"company_urls": "' + b"9" * 5_000 + b'"}', b'{"min_coverage": ' + b"9" * 5_000 + b"}",
]  # fmt: skip
CSV = [
    b"\x00\x00", b"url\n\xff\xfe", b"url\n" + b"a" * 200_000, b'url\n"', b'url\n"a\n' * 99, b"\xef\xbb\xbf",
    b";;;\n;;;", b"\r\r\r",
]  # fmt: skip
PART = b"--x\r\nContent-Disposition: form-data; name="
FORM = [
    b"--x", b"", PART + b'"file"\r\n\r\nurl\r\n--x--\r\n', PART + b'"options"\r\n\r\n\xff\r\n--x--\r\n',
    PART + b'"file"; filename="\xff"\r\n\r\nurl\na.example\r\n--x--\r\n',
]  # fmt: skip
BODIES: list[tuple[str, bytes]] = [
    *(("application/json", body) for body in JSON), *(("text/csv", body) for body in CSV),
    *(("multipart/form-data; boundary=x", body) for body in FORM),
    ("application/json; charset=\xff", b"{}"), ("application/json;;", b"{}"), ("", b"{}"), ("/", b"{}"),
    ("text/csv; x", b""), ("multipart/form-data", b""), ("multipart/form-data; boundary=", b"--\r\n"),
    ("multipart/form-data; boundary=\xff", b"--\xff--"), ("application/x-www-form-urlencoded", b"%=%&a"),
]  # fmt: skip


@pytest.fixture
def job_id(client: TestClient, worker: Worker) -> str:
    """An ended job with rows, for addresses that name one; none of the calls brings it back."""
    found = str(post(client)["job_id"])
    worker.finish(found)
    write_plan(UnitFiles(worker.lake, found, "launch", "launch", 1), [])  # without one a resume would make it again
    worker.lake.expose(found, "launch", "launch", 1)
    worker.rows(found, "score", ["a.example", "b.example"], score=50.0, tier="A")
    worker.error_rows(found, "scrape", ["c.example"])
    return found


def routes(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, address and description of every call, by the document that `/openapi.json` shows; and of every page."""
    for path, methods in app.openapi()["paths"].items():
        for method, about in methods.items():
            yield method.upper(), path, about
    for route in (route for router in pages.routers() for route in router.routes):
        assert isinstance(route, Route)
        names = [{"in": "query", "name": name} for name, _ in route._query_parameters()]
        yield from ((method, route.path, {"parameters": names}) for method in route.methods or ())


def fill(path: str, job_id: str, odd: str | None = None) -> str:
    for name, value in (("{job_id}", job_id), ("{company_id}", "comp_0123456789abcdef"), ("{name}", "daily")):
        path = path.replace(name, value if odd is None else odd)
    return path


_EVERY = 1 if os.environ.get("LEADMILL_TEST_ODD") == "all" else 8
_turns = itertools.count()


def some(values: Sequence[Any]) -> Sequence[Any]:
    """Another few of them each time."""
    return values[next(_turns) % _EVERY :: _EVERY]


class Caller:
    """Sends, and keeps what went wrong."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.wrong: list[str] = []
        self.sent = 0

    def send(self, method: str, url: str, **what: Any) -> int:
        self.sent += 1
        answer = self._client.request(method, url, **what)
        if answer.status_code >= 500 and not (url.startswith("/readyz") and answer.status_code == 503):
            self.wrong.append(f"{method} {url[:150]} {str(what)[:200]}: {answer.status_code} {answer.text[:150]}")
        elif answer.status_code >= 400:
            # Its own page may say what is wrong with it.
            is_form = url.startswith("/ui/") and (method == "POST" or url.startswith("/ui/sql?query="))
            told = {"application/problem+json", *(["text/html; charset=utf-8"] if is_form else [])}
            assert answer.headers["content-type"] in told, (method, url, answer.text)
        return answer.status_code

    def check(self) -> None:
        assert not self.wrong, f"{len(self.wrong)} of {self.sent}:\n" + "\n".join(self.wrong[:20])


@pytest.fixture
def caller(client: TestClient) -> Iterator[Caller]:
    found = Caller(client)
    yield found
    found.check()


def test_odd_addresses(app: FastAPI, caller: Caller, job_id: str) -> None:
    for method, path, about in routes(app):
        if "{" in path:
            for odd in some(ODD):
                if odd:
                    caller.send(method, fill(path, job_id, odd))
        names = [one["name"] for one in about.get("parameters", ()) if one["in"] == "query"]
        if method == "GET" or names:
            for name in [*names, "nobody"]:
                for odd in some(ODD):
                    caller.send(method, f"{fill(path, job_id)}?{name}={odd}")
                    if name == "format":
                        caller.send(method, f"{fill(path, job_id)}?partial=true&{name}={odd}")
            for whole in some(WHOLE):
                caller.send(method, f"{fill(path, job_id)}?{whole}")
    assert caller.sent > 300


def test_odd_headers(app: FastAPI, caller: Caller, job_id: str) -> None:
    for method, path, about in routes(app):
        named = [one["name"] for one in about.get("parameters", ()) if one["in"] == "header"]
        for name in [
            *named,
            "Accept",
            "Range",
            "If-None-Match",
            "X-Request-ID",
            "Content-Type",
            "Content-Length",
            "Origin",
            "Cookie",
        ]:
            for odd in some(HEADERS):
                if name == "Content-Length" and not odd.strip("-").isdigit():
                    continue
                caller.send(method, fill(path, job_id), headers={name: odd.encode()})
    assert caller.sent > 300


def test_odd_bodies(app: FastAPI, caller: Caller, job_id: str) -> None:
    for method, path, about in routes(app):
        if method != "POST":
            continue
        url = fill(path, job_id)
        for media, body in some(BODIES):
            caller.send(method, url, content=body, headers={"Content-Type": media.encode("latin-1")})
        for field, base in fields(app.openapi(), about):
            for value in some(VALUES):
                text = json.dumps({**base, field: value})
                caller.send(method, url, content=text, headers={"Content-Type": "application/json"})
    assert caller.sent > 300


def fields(document: dict[str, Any], about: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each field of a call's body, and the other fields of a body that would do."""
    good = {
        "company_urls": ["a.example"], "company_url": "a.example", "company_ids": ["comp_0123456789abcdef"],
        "search_queries": ["a"], "name": "n", "cron": "0 0 * * *", "pipeline": {"company_urls": ["a.example"]},
        "action": "cancel", "filter": {"tag": "nobody"},
    }  # fmt: skip
    schema = about.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = next((one for one in schema.get("anyOf", [schema]) if "$ref" in one), {})
    if "$ref" not in schema:
        return
    known = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    base = {name: good[name] for name in known["properties"] if name in good}
    for name in known["properties"]:
        yield name, base


def test_numbers_of_other_scripts_and_times_beyond_the_calendar(client: TestClient) -> None:
    for query in (
        "limit=%D9%A3",
        "cursor=%C2%B2",
        "since=9999-12-31T23:59:59-14:00",
        "since=0001-01-01T00:00:00%2B14:00",
    ):
        assert client.get(f"{V1}/jobs/list?{query}").status_code in (200, 422), query
