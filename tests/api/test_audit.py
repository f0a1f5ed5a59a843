"""The audit of the running application: one entry for every write and every refusal, and no secret in any."""

from __future__ import annotations

import getpass
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from cli.child import python_command
from data.api_keys import KeyRegistry
from data.audit import AuditFiles, AuditFilter, AuditStream, page
from data.jobs import JobStore
from leadmill.access import Role
from leadmill.ids import JOB_ID
from leadmill.settings import Settings
from pipelines.intake import bulk
from tests.api.conftest import V1, Worker, post
from tests.valkey import free_port

Row = dict[str, Any]
NO_JOB = "job_" + "0" * 20


class Audit:
    """The entries, read past the API."""

    def __init__(self, store: JobStore, root: Path) -> None:
        self.stream, self.files = AuditStream(store), AuditFiles(root)

    def rows(self, **wanted: Any) -> list[Row]:
        """Oldest first."""
        return page(self.stream, self.files, AuditFilter(**wanted), 10_000).rows[::-1]

    def soon(self, count: int) -> list[Row]:
        """All of them, once there are so many: nobody waits for the entry of a refusal."""
        until = time.monotonic() + 10
        while len(rows := self.rows()) < count and time.monotonic() < until:
            time.sleep(0.01)
        return rows

    def flush(self) -> None:
        with self.files.exclusive(5):
            self.files.flush(self.stream)


@pytest.fixture
def audit(store: JobStore, settings: Settings) -> Audit:
    return Audit(store, settings.data_dir)


class Keys:
    """Keys by name, and the headers that show them."""

    def __init__(self, settings: Settings) -> None:
        self.registry = KeyRegistry(settings.data_dir)
        self.ids: dict[str, str] = {}
        self.secrets: dict[str, str] = {}

    def make(self, name: str, role: Role, project: str = "default") -> dict[str, str]:
        key, secret = self.registry.create(name, role, project)
        self.ids[name], self.secrets[name] = key.id, secret
        return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def keys(settings: Settings) -> Keys:
    """Made before the application starts, which then asks for one."""
    return Keys(settings)


@pytest.fixture
def admin(keys: Keys) -> dict[str, str]:
    return keys.make("ada", Role.ADMIN)


@pytest.fixture
def viewer(keys: Keys, admin: dict[str, str]) -> dict[str, str]:
    return keys.make("vera", Role.VIEWER)


@pytest.fixture
def known(viewer: dict[str, str], client: TestClient) -> TestClient:
    """The client of an application that has these keys."""
    return client


def writes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and template of every call that changes something. Of browsers: tests/api/test_sign_in.py."""
    for route in iter_route_contexts(app.routes):
        for method in sorted((route.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            assert route.path_format is not None
            if route.path_format not in ("/sign-in", "/sign-out", "/ui/new/look"):
                yield method, route.path_format


BODIES: dict[str, Any] = {
    f"{V1}/pipelines": {"company_urls": ["acme.example"]},
    f"{V1}/schedules": {"name": "daily", "cron": "0 6 * * 1", "pipeline": {"company_urls": ["acme.example"]}},
    f"{V1}/jobs/bulk": {"action": "cancel", "filter": {"tag": "nobody"}},
    f"{V1}/jobs/scrape/companies": {"company_urls": ["acme.example"]},
    f"{V1}/jobs/scrape/company": {"company_url": "acme.example"},
    f"{V1}/keys": {"name": "new", "role": "viewer"},
    f"{V1}/projects/{{name}}": {"live_jobs": 5},
}


def test_every_write_has_one_entry_with_its_caller_its_id_and_its_answer(
    known: TestClient, app: FastAPI, admin: dict[str, str], keys: Keys, worker: Worker, audit: Audit
) -> None:
    job_id = str(post(known, headers=admin)["job_id"])
    victim = keys.registry.create("old", Role.VIEWER)[0].id
    values = {"job_id": job_id, "name": "daily", "key_id": victim, "delivery_id": "ntc_1-0|default:crm"}
    sent: dict[str, tuple[str, str, httpx2.Response, str | None]] = {}
    for number, (method, template) in enumerate(writes(app)):
        path, named = template, None
        for name, value in values.items():
            if f"{{{name}" in template:
                path = template.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
                named = value
        request_id = f"walk-{number}"
        as_ada = {**admin, "X-Request-ID": request_id}
        answer = known.request(method, path, json=BODIES.get(template), headers=as_ada, follow_redirects=False)
        sent[request_id] = method, template, answer, named
    assert len(sent) > 20
    rows = audit.soon(len(sent) + 1)
    assert len(rows) == len(sent) + 1, [one["request_id"] for one in rows]
    by_request = {one["request_id"]: one for one in rows if one["request_id"] in sent}
    assert by_request.keys() == sent.keys()
    for request_id, (method, template, answer, named) in sent.items():
        one = by_request[request_id]
        assert (one["key"], one["name"], one["role"], one["project"]) == (keys.ids["ada"], "ada", "admin", "default")
        assert (one["method"], one["route"], one["status"]) == (method, template, answer.status_code), one
        assert one["action"] not in (None, "no_such_call") and one["address"] == "testclient"
        if answer.status_code >= 400 and "json" in answer.headers["content-type"]:  # a form shows its faults itself
            assert one["code"] == answer.json()["code"]
        if "/jobs/status/" in answer.headers.get("location", ""):
            of = named if template.startswith(f"{V1}/projects") else answer.json()["job_id"]
            assert one["id"] == of and JOB_ID.match(answer.json()["job_id"])
        elif named is not None:
            assert one["id"] == named, one
    # A page sends what its form holds; these bodies are those of the API.
    made = {one["action"]: one for one in by_request.values() if not one["route"].startswith("/ui/")}
    assert made["create_schedule"]["id"] == "daily"
    assert made["create_key"]["id"] in {one.id for one in keys.registry.table().keys.values()} - {victim}
    assert made["cancel_all"]["count"] == 0, "nothing matched"
    assert not [one for one in made.values() if one["status"] in (404, 405) and one["id"] is None]


def test_a_bulk_call_names_what_it_was_done_on(
    known: TestClient, admin: dict[str, str], audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MAX_NAMED", 10)
    ids = [str(post(known, headers=admin)["job_id"]) for _ in range(12)]
    body = {"action": "cancel", "filter": {}}
    known.post(f"{V1}/jobs/bulk", json={**body, "dry_run": True}, headers=admin)
    assert "done_ids" not in known.post(f"{V1}/jobs/bulk", json=body, headers=admin).json()
    audit.soon(14)
    dry, done = audit.rows(action="cancel_all")
    assert (dry["id"], dry["count"], done["count"]) == (None, 0, 12)
    named = done["id"].split(" ")
    assert len(named) == 10 and set(named) < set(ids)
    for flushed in (False, True):
        if flushed:
            with audit.files.exclusive(5):
                audit.files.flush(audit.stream)
        assert [one["action"] for one in audit.rows(id=named[-1])] == ["submit_pipeline", "cancel_all"]


def test_every_refusal_has_one_entry(
    known: TestClient, app: FastAPI, viewer: dict[str, str], keys: Keys, audit: Audit
) -> None:
    expected: dict[str, tuple[str | None, int, str, str | None]] = {}

    def refused(status: int, key: str | None, method: str, path: str, **what: Any) -> None:
        request_id = f"no-{len(expected)}"
        headers = {**what.pop("headers", {}), "X-Request-ID": request_id}
        answer = known.request(method, path, headers=headers, **what)
        assert answer.status_code == status, (method, path, answer.text)
        expected[request_id] = key, status, answer.json()["code"], what.get("template")

    vera = keys.ids["vera"]
    for method, template in writes(app):
        path = template.replace("{job_id}", NO_JOB).replace("{name}", "x").replace("{key_id}", "abcd1234")
        refused(403, vera, method, path, headers=viewer)
        refused(401, None, method, path)
    refused(401, None, "GET", f"{V1}/jobs/list")
    refused(401, vera, "GET", f"{V1}/jobs/list", headers={"X-API-Key": f"lm_{vera}_{'x' * 43}"})
    refused(401, None, "GET", f"{V1}/jobs/list", headers={"X-API-Key": "hunter2hunter2hunter2"})
    refused(403, vera, "GET", f"{V1}/audit", headers=viewer)
    refused(421, None, "GET", f"{V1}/jobs/list", headers={"Host": "evil.example"})
    refused(403, None, "POST", f"{V1}/pipelines", headers={"Sec-Fetch-Site": "cross-site"})
    refused(413, None, "POST", f"{V1}/pipelines", headers={"Content-Length": "9" * 12})
    assert known.get(f"{V1}/jobs/status/{NO_JOB}", headers=viewer).status_code == 404, "no refusal: it is not audited"
    assert known.get("/healthz").status_code == 200
    rows = audit.soon(len(expected))
    assert len(rows) == len(expected)
    found = {one["request_id"]: (one["key"], one["status"], one["code"]) for one in rows}
    assert found == {name: value[:3] for name, value in expected.items()}
    assert {one["route"] for one in rows if one["status"] == 401} > {f"{V1}/pipelines", f"{V1}/jobs/list"}


def test_a_flood_of_refusals_is_counted(known: TestClient, app: FastAPI, audit: Audit) -> None:
    for _ in range(130):
        assert known.get(f"{V1}/jobs/list").status_code == 401
    known.portal.call(app.state.auditor.tell_counted)  # type: ignore[union-attr]
    rows = audit.soon(101)
    assert len(rows) == 101 and sum(one["count"] for one in rows) == 130
    assert (rows[-1]["action"], rows[-1]["count"], rows[-1]["status"]) == ("refused", 30, 401)


def test_the_first_key_is_audited(client: TestClient, audit: Audit) -> None:
    """Also by a command on the machine, and without Redis."""
    assert client.post(f"{V1}/keys", json={"name": "ada", "role": "admin"}).status_code == 201
    [one] = audit.soon(1)
    assert (one["action"], one["name"], one["status"]) == ("create_key", "local", 201)


def test_keys_changed_on_the_machine(settings: Settings, audit: Audit) -> None:
    env = {"PATH": "/usr/bin:/bin", "REDIS_URL": "redis://127.0.0.1:1/0", "LEADMILL_DATA_URL": settings.data_url}

    def keys_(*words: str) -> str:
        command = [sys.executable, "-m", "cli.main", "keys", *words]
        return subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.strip()

    secret = keys_("create", "ada", "--role", "admin")
    key_id = secret.split("_")[1]
    again = keys_("rotate", key_id)
    keys_("revoke", key_id)
    rows = audit.rows()
    assert [(one["action"], one["id"], one["status"]) for one in rows] == [
        ("create_key", key_id, None), ("rotate_key", key_id, None), ("revoke_key", key_id, None),
    ]  # fmt: skip
    assert {(one["name"], one["address"], one["project"]) for one in rows} == {
        (getpass.getuser(), socket.gethostname(), "default")
    }
    text = json.dumps(rows, default=str) + (audit.files.folder / "local.jsonl").read_text()
    assert secret.split("_", 2)[2] not in text and again.split("_", 2)[2] not in text


SECRETS = ("hunter2", "SeCrEtSeCrEt", "geheim-query", "geheim-body", "geheim-cookie", "geheim-agent")


def test_no_secret_body_or_query_is_in_it(
    known: TestClient, admin: dict[str, str], keys: Keys, audit: Audit, tmp_path: Path
) -> None:
    stolen = "lm_abcd1234_" + "SeCrEt" * 7 + "S"
    headers = {**admin, "Cookie": "a=geheim-cookie", "User-Agent": "geheim-agent"}
    for method, path in (
        ("POST", f"/pipelines?token=geheim-query&{stolen}=1"),
        ("POST", f"/jobs/{stolen}/resume"),
        ("DELETE", f"/jobs/cancel/{stolen}"),
        ("DELETE", f"/schedules/{stolen}"),
        ("DELETE", "/schedules/hunter2 geheim-query"),
        ("POST", "/hunter2"),
        ("POST", f"/{stolen}"),
        ("DELETE", f"/keys/{stolen}"),
    ):
        known.request(method, V1 + path, json={"name": "geheim-body", "x": stolen}, headers=headers)
        known.request(method, V1 + path, headers={"X-API-Key": stolen})
        known.request(method, V1 + path, headers={"Authorization": "Basic hunter2"})
        known.request(method, V1 + path, headers={**headers, "Host": "hunter2.example"})
        known.request(method, V1 + path, headers={**headers, "X-Request-ID": stolen[:3] + "hunter2 x"})
    known.post(f"{V1}/pipelines", json={"company_urls": ["acme.example"], "tags": ["geheim-body"]}, headers=headers)
    pipeline = {"company_urls": ["acme.example"]}
    for name in ("geheim-body!", "geheim-body\u202e", stolen):
        known.post(f"{V1}/schedules", json={"name": name, "cron": "0 3 * * 1", "pipeline": pipeline}, headers=headers)
    audit.soon(44)
    secrets = [*SECRETS, *(secret.rpartition("_")[2] for secret in keys.secrets.values())]
    raw = json.dumps(audit.stream.oldest(10_000))
    audit.flush()
    rows = audit.rows()
    for text in (raw, json.dumps(rows, default=str), *(file.name for file in audit.files.folder.rglob("*"))):
        assert not [secret for secret in secrets if secret in text]
    assert {one["key"] for one in rows} == {keys.ids["ada"], "abcd1234", None}
    assert any(one["id"] and JOB_ID.match(one["id"]) for one in rows)


def test_the_call_gives_pages_filters_and_its_own_part_to_each_project(
    known: TestClient, app: FastAPI, keys: Keys, admin: dict[str, str], viewer: dict[str, str], audit: Audit
) -> None:
    other = keys.make("otto", Role.ADMIN, "acme")
    app.state.installation.keyring.look()
    job_id = post(known, headers=admin)["job_id"]
    known.delete(f"{V1}/jobs/cancel/{job_id}", headers=admin)
    known.post(f"{V1}/pipelines", json={}, headers=other)
    known.post(f"{V1}/pipelines", json={}, headers=viewer)
    known.post(f"{V1}/pipelines", json={})
    audit.soon(5)
    audit.flush()
    post(known, headers=admin)

    def asked(headers: dict[str, str], **wanted: Any) -> list[tuple[str, int]]:
        answer = known.get(f"{V1}/audit", params=wanted, headers=headers)
        assert answer.status_code == 200, answer.text
        return [(one["name"], one["status"]) for one in answer.json()["items"]]

    everything = [("ada", 202), (None, 401), ("vera", 403), ("otto", 422), ("ada", 202), ("ada", 202)]
    assert asked(admin) == everything
    assert asked(other) == asked(admin, project="acme") == [("otto", 422)]
    assert asked(other, project="default") == []
    assert asked(admin, key=keys.ids["vera"]) == asked(admin, status=403) == [("vera", 403)]
    assert asked(admin, id=job_id) == [("ada", 202)] * 2
    assert asked(admin, action="cancel", since="2020-01-01T00:00:00Z") == [("ada", 202)]
    assert asked(admin, until="2020-01-01T00:00:00Z") == []
    pages, cursor = [], None
    while True:
        answer = known.get(f"{V1}/audit", params={"limit": 2, **({"cursor": cursor} if cursor else {})}, headers=admin)
        pages += [(one["name"], one["status"]) for one in answer.json()["items"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert pages == everything
    assert known.get(f"{V1}/audit", params={"cursor": "WyJ4Il0"}, headers=admin).status_code == 422


def test_an_api_that_is_killed_has_lost_no_answered_write(
    settings: Settings, admin: dict[str, str], audit: Audit, tmp_path: Path
) -> None:
    port = free_port()
    env = {"PATH": "/usr/bin:/bin", "REDIS_URL": settings.redis_url, "LEADMILL_DATA_URL": settings.data_url}
    answered: list[str] = []
    with (tmp_path / "api.log").open("wb") as log:
        process = subprocess.Popen(python_command("api", "127.0.0.1", str(port)), env=env, stdout=log, stderr=log)
        try:
            _until(lambda: _health(port) == 200)
            callers = [threading.Thread(target=_submit, args=(port, admin, answered)) for _ in range(6)]
            for one in callers:
                one.start()
            _until(lambda: len(answered) > 60)
        finally:
            process.kill()
            process.wait()
        for one in callers:
            one.join()
    entries = [one["id"] for one in audit.rows(action="submit_pipeline", status=202)]
    assert set(answered) <= set(entries) and len(entries) == len(set(entries))


def _submit(port: int, headers: dict[str, str], answered: list[str]) -> None:
    body = {"company_urls": ["acme.example"]}
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False) as client:
        while True:
            try:
                answered.append(client.post(f"{V1}/pipelines", json=body).json()["job_id"])
            except (httpx2.TransportError, ValueError):
                return


def _health(port: int) -> int:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code
    except httpx2.TransportError:
        return 0


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 40
    while not done():
        assert time.monotonic() < until
        time.sleep(0.02)
