"""API keys at the door: every route asks for one and for the role that it declares. They come and go by the API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from api import keyring as keyrings
from api.app import create_app
from api.authentication import by_key, given_key
from api.gate import OPEN_PATHS
from data.api_keys import FILE, KeyNotes, KeyRegistry
from data.jobs import JobStore
from leadmill import ApiError, Client
from leadmill.access import Role
from leadmill.errors import InputError, KeyRefusedError
from leadmill.rate import Rate
from leadmill.settings import Settings
from tests.api.conftest import V1, Valkey, Worker
from tests.api.test_events import Server

ROLES = tuple(Role)
BODY = {"company_urls": ["a.example"]}


@pytest.fixture(autouse=True)
def _any_number_of_wrong_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests send more than one may guess (tests/api/test_rate_limit.py)."""
    monkeypatch.setattr(keyrings, "GUESSES", Rate(1_000, 10_000))


@pytest.fixture
def registry(settings: Settings) -> KeyRegistry:
    return KeyRegistry(settings.data_dir)


@pytest.fixture
def secrets(registry: KeyRegistry) -> dict[Role, str]:
    """A key of each role. Asked for before the client, so that the API finds them."""
    return {role: registry.create(role.value, role)[1] for role in ROLES}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def refused(answer: Any, status: int, code: str) -> None:
    about = f"{answer.request.method} {answer.request.url} → {answer.status_code} {answer.text[:200]}"
    assert answer.status_code == status, about
    assert answer.headers["content-type"] == "application/problem+json", about
    if answer.request.method != "HEAD":
        assert answer.json()["code"] == code, about
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer"), about


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


# ---- the walk ----------------------------------------------------------------------------------------------


def routes(app: FastAPI) -> Iterator[tuple[str, str, Role | None]]:
    """Method, address and role of everything that the application answers; names in addresses are filled."""
    for route in iter_route_contexts(app.routes):
        assert route.path
        path = route.path.replace("{job_id}", "job_x").replace("{company_id}", "x").replace("{name:path}", "x")
        path = path.replace("{name}", "x").replace("{key_id}", "x").replace("{delivery_id}", "x")
        path = path.replace("{domain}", "x.example").replace("{digest}", "0" * 16)
        assert "{" not in path
        for method in route.methods or ():
            yield method, path, route.original_route.role  # type: ignore[union-attr]


def test_every_route_asks_for_a_key_and_for_its_role(
    secrets: dict[Role, str], app: FastAPI, client: TestClient
) -> None:
    walked = list(routes(app))
    assert len(walked) > 60 and {role for _, _, role in walked} == {None, *ROLES}
    assert {path for _, path, role in walked if role is None} == {*OPEN_PATHS, f"/static/{'0' * 16}/x"}
    for method, path, role in walked:
        nobody, wrong = client.request(method, path), client.request(method, path, headers=bearer("lm_x"))
        if role is None:
            assert nobody.status_code == wrong.status_code != 401, path
            continue
        refused(nobody, 401, "key_missing")
        assert method == "HEAD" or "X-API-Key, or in Authorization behind `Bearer`" in nobody.json()["detail"]
        refused(wrong, 401, "key_unknown")
        for has in ROLES:
            answer = client.request(method, path, headers=bearer(secrets[has]))
            if has < role:
                refused(answer, 403, "forbidden")
                assert method == "HEAD" or role.value in answer.json()["detail"]
            else:
                assert answer.status_code not in (401, 403), (method, path, answer.text)


def test_what_is_no_route_asks_for_a_key_too(secrets: dict[Role, str], app: FastAPI, client: TestClient) -> None:
    paths = {path for _, path, role in routes(app) if role is not None}
    strange = ("/nowhere", "//healthz", "/healthz/", "/HEALTHZ", "/healthz/x", "/readyz/../metrics", "/static/x",
               f"/static/{'0' * 16}/../../metrics", "/api/v1", "/api/v2/jobs/list", "/redoc", "/openapi.json", "/docs/",
               "/favicon.ico")  # fmt: skip
    for path in (*paths, *strange):
        for method in ("OPTIONS", "PUT", "PATCH", "TRACE", "GET", "BREW"):
            refused(client.request(method, f"http://localhost{path}"), 401, "key_missing")
    assert client.options(f"{V1}/jobs/list", headers=bearer(secrets[Role.VIEWER])).status_code == 204
    refused(client.get("/nowhere", headers=bearer(secrets[Role.VIEWER])), 404, "not_found")


def test_a_body_is_not_looked_at_before_the_role(secrets: dict[Role, str], client: TestClient) -> None:
    for headers, status, code in (({}, 401, "key_missing"), (bearer(secrets[Role.VIEWER]), 403, "forbidden")):
        answer = client.post(f"{V1}/pipelines", content=b"{", headers={**headers, "Content-Type": "application/json"})
        refused(answer, status, code)
        refused(client.post(f"{V1}/pipelines?nobody=1", headers=headers), status, code)


def test_a_route_that_declares_no_role_stops_the_start(app: FastAPI) -> None:
    async def open_to_all(scope: Any, receive: Any, send: Any) -> None: ...

    app.mount("/plugin", open_to_all)
    with pytest.raises(TypeError, match="declares no role"), TestClient(app):
        pass


def test_nor_can_one_be_made(app: FastAPI) -> None:
    from api.routing import Router

    with pytest.raises(TypeError, match="declares no role"):
        Router().add_api_route("/x", lambda: None)


# ---- how a key is sent, and when it counts -------------------------------------------------------------------


def test_both_headers_and_no_other_way(secrets: dict[Role, str], client: TestClient) -> None:
    secret, url = secrets[Role.VIEWER], f"{V1}/jobs/list"
    for headers in (bearer(secret), {"Authorization": f"bEARER   {secret} "}, {"X-API-Key": secret},
                    {"X-API-Key": secret, "Authorization": "Basic cHJveHk6cHJveHk="}):  # fmt: skip
        assert client.get(url, headers=headers).status_code == 200, headers
    for name, value in (("Authorization", secret), ("Authorization", f"Basic {secret}"), ("Cookie", f"key={secret}"),
                        ("Authorization", f"Token {secret}"), ("X-Forwarded-For", "127.0.0.1")):  # fmt: skip
        headers = {name: value}
        refused(client.get(url, headers=headers), 401, "key_missing")
    refused(client.get(url, headers={"X-API-Key": "", **bearer(secret)}), 401, "key_unknown")
    refused(client.get(url, headers={"Authorization": "Bearer "}), 401, "key_unknown")
    refused(client.get(f"{url}?api_key={secret}"), 401, "key_missing")


def test_from_another_network_expired_or_rotated(registry: KeyRegistry, secrets: dict[Role, str], app: FastAPI) -> None:
    key, near = registry.create("near", Role.VIEWER, networks=["10.0.0.0/8"])
    with TestClient(app, "http://localhost", client=("10.1.2.3", 50_000)) as client:
        assert client.get(f"{V1}/jobs/list", headers=bearer(near)).status_code == 200
        far = TestClient(app, "http://localhost", client=("192.168.0.1", 50_000))
        refused(far.get(f"{V1}/jobs/list", headers={**bearer(near), "X-Forwarded-For": "10.1.2.3"}), 401,
                "key_not_from_here")  # fmt: skip
        client.post(f"{V1}/keys/{key.id}/rotate", headers=bearer(secrets[Role.ADMIN])).raise_for_status()
        refused(client.get(f"{V1}/jobs/list", headers=bearer(near)), 401, "key_unknown")


def test_without_any_key_everybody_may_everything_and_a_key_is_no_matter(client: TestClient, valkey: Valkey) -> None:
    assert client.get(f"{V1}/keys").json() == {"items": [], "next_cursor": None}
    assert client.get(f"{V1}/jobs/list", headers=bearer("lm_x")).status_code == 200
    assert not valkey.client.keys("*api_key*"), "nothing is kept of what is not used"


def test_health_says_no_more_than_whether(secrets: dict[Role, str], client: TestClient, worker: Worker) -> None:
    for headers in ({}, bearer("lm_x"), bearer(secrets[Role.OPERATOR])):
        assert client.get("/healthz", headers=headers).json() in ({"status": "ok"}, {"status": "fail"})
        answer = client.get("/readyz", headers=headers)
        assert (answer.status_code, answer.json()["detail"]) == (503, "not ready")
    admin = bearer(secrets[Role.ADMIN])
    assert "disk_free_bytes" in client.get("/healthz", headers=admin).json()
    assert "leadmill worker" in client.get("/readyz", headers=admin).json()["detail"]
    worker.listen("scraping", "processing", "analytics", "maintenance")
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/readyz", headers=admin).json() == {"status": "ready", "workers": 1}


# ---- where the table cannot be believed -----------------------------------------------------------------------


def closed(client: TestClient, secret: str) -> None:
    for headers in ({}, bearer(secret)):
        refused(client.get(f"{V1}/jobs/list", headers=headers), 503, "keys_unreadable")
        refused(client.get("/readyz", headers=headers), 503, "unavailable")
        assert client.get("/healthz", headers=headers).json() == {"status": "fail"}


def test_a_viewer_of_the_default_project_watches_what_all_share(registry: KeyRegistry, app: FastAPI) -> None:
    keys = {project: registry.create("watch", Role.VIEWER, project)[1] for project in ("default", "acme")}
    with TestClient(app, "http://localhost") as client:
        seen = {name: client.get(f"{V1}/jobs/statistics", headers=bearer(key)).json() for name, key in keys.items()}
        told = {name: client.get("/metrics", headers=bearer(key)).text for name, key in keys.items()}
    assert "scraping" in seen["default"]["queues"] and seen["default"]["workers"] is not None
    assert seen["acme"]["queues"] == {} and seen["acme"]["workers"] is None
    assert "leadmill_workers" in told["default"] and "leadmill_workers" not in told["acme"]


def test_the_last_uses_before_an_end_are_kept(registry: KeyRegistry, app: FastAPI, store: JobStore) -> None:
    key, secret = registry.create("cli", Role.VIEWER)
    with TestClient(app, "http://localhost") as client:
        app.state.installation.keyring._end.set()  # as if the second of the last use were not over
        assert client.get(f"{V1}/jobs/list", headers=bearer(secret)).status_code == 200
    assert key.id in KeyNotes(store).last_used()


def test_damaged_older_or_gone_it_lets_nobody_in(
    secrets: dict[Role, str], settings: Settings, app: FastAPI, client: TestClient, registry: KeyRegistry
) -> None:
    file, ring = settings.data_dir / FILE, app.state.installation.keyring
    before, secret = file.read_bytes(), secrets[Role.ADMIN]
    registry.create("one more", Role.VIEWER)
    newest = file.read_bytes()
    ring.look()
    for content in (b"{", before, None, b"", None):
        file.unlink() if content is None else file.write_bytes(content)
        ring.look()
        closed(client, secret)
    with TestClient(create_app(settings), "http://localhost") as started_later:  # Redis has heard of one
        closed(started_later, secret)
    file.write_bytes(newest)
    ring.look()
    assert client.get(f"{V1}/jobs/list", headers=bearer(secret)).status_code == 200
    file.unlink()
    registry.create("anew", Role.ADMIN)
    ring.look()
    refused(client.get(f"{V1}/jobs/list", headers=bearer(secret)), 401, "key_unknown")


def test_the_last_revoked_key_leaves_it_closed(
    registry: KeyRegistry, app: FastAPI, settings: Settings, client: TestClient
) -> None:
    key, secret = registry.create("only", Role.ADMIN)
    app.state.installation.keyring.look()
    refused(client.get(f"{V1}/jobs/list"), 401, "key_missing")
    registry.revoke(key.id)
    app.state.installation.keyring.look()
    refused(client.get(f"{V1}/jobs/list"), 401, "key_missing")
    refused(client.get(f"{V1}/jobs/list", headers=bearer(secret)), 401, "key_revoked")
    with TestClient(create_app(settings), "http://localhost") as started_later:
        refused(started_later.get(f"{V1}/jobs/list"), 401, "key_missing")


def test_what_was_seen_long_ago_is_not_believed(
    secrets: dict[Role, str], client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyrings, "STALE_S", -1.0)
    closed(client, secrets[Role.ADMIN])


def test_without_redis_the_file_is_enough(settings: Settings, tmp_path: Path) -> None:
    registry = KeyRegistry(settings.data_dir)
    key, secret = registry.create("a", Role.VIEWER)
    lost = settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})
    with TestClient(create_app(lost), "http://localhost") as client:
        assert client.get(f"{V1}/openapi.json", headers=bearer(secret)).status_code == 200
        registry.revoke(key.id)
        until(lambda: client.get(f"{V1}/openapi.json", headers=bearer(secret)).status_code == 401)


def test_a_table_that_is_gone_is_missed_also_before_redis_answers(settings: Settings, store: JobStore) -> None:
    lost = settings.model_copy(update={"redis_url": "redis://127.0.0.1:9/0"})
    with TestClient(create_app(lost), "http://localhost") as never_had_one:
        assert never_had_one.get(f"{V1}/openapi.json").status_code == 200
    KeyRegistry(settings.data_dir).create("a", Role.ADMIN)
    (settings.data_dir / FILE).unlink()
    app = create_app(lost)
    with TestClient(app, "http://localhost") as client:
        refused(client.get(f"{V1}/openapi.json"), 503, "keys_unreadable")
        refused(client.post(f"{V1}/keys", json={"name": "b", "role": "admin"}), 503, "keys_unreadable")
        ring = app.state.installation.keyring
        ring._notes = KeyNotes(store)  # it answers, and has heard of none: it was taken away on purpose
        ring.look()
        assert client.get(f"{V1}/openapi.json").status_code == 200


# ---- keys by the API -----------------------------------------------------------------------------------------


def test_what_a_key_is_made_with(secrets: dict[Role, str], client: TestClient) -> None:
    body = {"name": "crm", "role": "operator", "networks": ["0.0.0.0/0", "::/0"], "expires_at": "2190-01-31T08:00:00Z"}
    made = client.post(f"{V1}/keys", json=body, headers=bearer(secrets[Role.ADMIN]))
    key = made.json()
    assert made.status_code == 201 and key.pop("key").startswith(f"lm_{key.pop('id')}_") and key.pop("created_at")
    rest = {"project": "default", "last_used_at": None, "revoked_at": None}
    assert key == {**body, **rest, "expires_at": "2190-01-31T08:00:00+00:00"}
    client.app.state.installation.keyring.look()  # type: ignore[attr-defined]
    no_address = client.get(f"{V1}/jobs/list", headers=bearer(made.json()["key"]))
    refused(no_address, 401, "key_not_from_here")


@pytest.fixture
def near(app: FastAPI) -> Iterator[TestClient]:
    """A client with an address."""
    with TestClient(app, "http://localhost", client=("127.0.0.1", 50_000)) as found:
        yield found


def test_a_key_is_made_used_rotated_and_revoked(
    secrets: dict[Role, str], near: TestClient, app: FastAPI, store: JobStore
) -> None:
    admin = bearer(secrets[Role.ADMIN])
    key = near.post(f"{V1}/keys", json={"name": "crm", "role": "operator"}, headers=admin).json()
    assert near.post(f"{V1}/pipelines", json=BODY, headers=bearer(key["key"])).status_code == 202
    app.state.installation.keyring.look()  # which keeps that it was used
    shown = {one["id"]: one for one in near.get(f"{V1}/keys", headers=admin).json()["items"]}
    assert set(shown) == {key["id"], *(secret[3:11] for secret in secrets.values())}
    assert shown[key["id"]]["last_used_at"].endswith("Z") and "key" not in shown[key["id"]]
    assert all("digest" not in one for one in shown.values())
    assert KeyNotes(store).last_used().keys() == {key["id"], secrets[Role.ADMIN][3:11]}
    again = near.post(f"{V1}/keys/{key['id']}/rotate", json={"grace_s": 60}, headers=admin).json()
    assert again["id"] == key["id"] and again["key"] != key["key"]
    for secret in (key["key"], again["key"]):
        assert near.get(f"{V1}/jobs/list", headers=bearer(secret)).status_code == 200
    assert near.delete(f"{V1}/keys/{key['id']}", headers=admin).status_code == 204
    refused(near.get(f"{V1}/jobs/list", headers=bearer(again["key"])), 401, "key_revoked")
    refused(near.post(f"{V1}/keys/{key['id']}/rotate", headers=admin), 409, "conflict")
    for method, path in (("DELETE", "nobody"), ("POST", "nobody/rotate")):
        refused(near.request(method, f"{V1}/keys/{path}", headers=admin), 404, "not_found")
    refused(near.delete(f"{V1}/keys/{secrets[Role.ADMIN][3:11]}", headers=admin), 409, "conflict")


def test_wrong_fields_are_named(client: TestClient) -> None:
    good = {"name": "a", "role": "admin"}
    for field, what in (
        ("name", {"name": ""}), ("role", {"role": "root"}), ("project", {"project": "../x"}), ("nobody", {"nobody": 1}),
        ("networks[0]", {"networks": ["home"]}), ("expires_at", {"expires_at": "2001-01-01T00:00:00Z"}),
    ):  # fmt: skip
        answer = client.post(f"{V1}/keys", json={**good, **what})
        assert (answer.status_code, answer.json().get("field")) == (422, field), answer.text
    refused(client.post(f"{V1}/keys", json={**good, "role": "viewer"}), 409, "conflict")
    assert client.post(f"{V1}/keys", json=good).status_code == 201
    refused(client.get(f"{V1}/keys"), 401, "key_missing")


def test_an_admin_of_a_project_has_to_do_with_its_keys_alone(
    secrets: dict[Role, str], registry: KeyRegistry, client: TestClient
) -> None:
    foreign = registry.create("theirs", Role.VIEWER, "other")[0]
    mine = bearer(registry.create("mine", Role.ADMIN, "acme")[1])
    client.app.state.installation.keyring.look()  # type: ignore[attr-defined]
    assert client.post(f"{V1}/keys", json={"name": "new", "role": "admin"}, headers=mine).json()["project"] == "acme"
    for project in ("default", "other"):
        body = {"name": "x", "role": "viewer", "project": project}
        refused(client.post(f"{V1}/keys", json=body, headers=mine), 403, "forbidden")
    assert {one["name"] for one in client.get(f"{V1}/keys", headers=mine).json()["items"]} == {"mine", "new"}
    for key_id in (foreign.id, secrets[Role.ADMIN][3:11]):
        refused(client.delete(f"{V1}/keys/{key_id}", headers=mine), 404, "not_found")
        refused(client.post(f"{V1}/keys/{key_id}/rotate", headers=mine), 404, "not_found")
    everything = client.get(f"{V1}/keys", headers=bearer(secrets[Role.ADMIN])).json()["items"]
    assert {one["project"] for one in everything} == {"default", "acme", "other"}


def test_by_the_client(app: FastAPI) -> None:
    server = Server(app)
    try:
        with Client(server.url, retries=0) as nobody:
            secret = nobody.create_key("root", "admin")["key"]
            with pytest.raises(ApiError) as raised:
                nobody.api_keys()
            assert (raised.value.status, raised.value.code) == (401, "key_missing")
        with Client(server.url, api_key=secret) as admin:
            key = admin.create_key(
                "crm", "viewer", project="acme", expires_at="2190-01-31T08:00:00Z", networks=["127.0.0.0/8"]
            )
            again = admin.rotate_key(key["id"], grace_s=60)
            for one in (key["key"], again["key"]):
                with Client(server.url, api_key=one) as viewer, pytest.raises(ApiError, match="role admin"):
                    viewer.api_keys()
            admin.revoke_key(key["id"])
            assert {one["name"]: bool(one["revoked_at"]) for one in admin.api_keys()} == {"root": False, "crm": True}
            assert (again["project"], again["networks"]) == ("acme", ["127.0.0.0/8"])
            assert again["expires_at"] == key["expires_at"] and again["expires_at"].startswith("2190-01-31")
        with pytest.raises(InputError, match="not an API key") as wrong:
            Client(server.url, api_key="geheim")
        assert "geheim" not in str(wrong.value)
    finally:
        server.stop(at_once=False)


# ---- in a process of its own -----------------------------------------------------------------------------------


def test_a_key_revoked_on_the_machine_is_refused_and_its_streams_end(
    settings: Settings, store: JobStore, api: str
) -> None:
    """Two streams of two keys; the one whose key is revoked ends."""
    registry = KeyRegistry(settings.data_dir)
    job = httpx2.post(f"{api}{V1}/pipelines", json=BODY, trust_env=False).json()["job_id"]
    (key, revoked), (_, kept) = (registry.create(name, Role.VIEWER) for name in ("a", "b"))
    url = f"{api}{V1}/jobs/{job}/events"
    until(lambda: httpx2.get(f"{api}{V1}/jobs/list", headers=bearer(revoked), trust_env=False).status_code == 200
          and httpx2.get(f"{api}{V1}/jobs/list", trust_env=False).status_code == 401)  # fmt: skip
    begun, ended = threading.Semaphore(0), {"a": threading.Event(), "b": threading.Event()}

    def follow(name: str, secret: str) -> None:
        try:
            with httpx2.stream("GET", url, headers=bearer(secret), timeout=60, trust_env=False) as answer:
                for _ in answer.iter_bytes():
                    begun.release()
        except httpx2.TransportError:  # of the one that is still open when the process is ended
            pass
        ended[name].set()

    for name, secret in (("a", revoked), ("b", kept)):
        threading.Thread(target=follow, args=(name, secret), daemon=True).start()
    for _ in range(2):
        assert begun.acquire(timeout=30)
    registry.revoke(key.id)
    assert ended["a"].wait(30)
    assert not ended["b"].is_set()
    refused(httpx2.get(url, headers=bearer(revoked), trust_env=False), 401, "key_revoked")


def test_who_came_before_the_first_key_is_welcome_no_more(
    app: FastAPI, client: TestClient, registry: KeyRegistry
) -> None:
    ring = app.state.installation.keyring
    still = by_key(ring, None, "127.0.0.1").still
    assert still()
    registry.create("first", Role.ADMIN)
    ring.look()
    assert not still()


def test_who_was_let_in_a_moment_ago_is_looked_for_again(
    app: FastAPI, client: TestClient, registry: KeyRegistry
) -> None:
    """An admission is kept within a second only, for that key from that address, while the table is the same."""
    ring = app.state.installation.keyring
    key, secret = registry.create("office", Role.VIEWER, networks=("10.0.0.0/8",))
    headers = {name.lower().encode(): value.encode() for name, value in bearer(secret).items()}
    ring.look()
    assert by_key(ring, given_key(headers), "10.0.0.1").caller.key_id == key.id
    with pytest.raises(KeyRefusedError, match="may not be used from"):
        by_key(ring, given_key(headers), "192.0.2.1")
    assert by_key(ring, given_key(headers), "10.0.0.1").caller.address == "10.0.0.1"
    registry.revoke(key.id)
    ring.look()
    with pytest.raises(KeyRefusedError, match="revoked"):
        by_key(ring, given_key(headers), "10.0.0.1")


def test_a_key_that_expires_is_let_in_no_more(app: FastAPI, client: TestClient, registry: KeyRegistry) -> None:
    ring = app.state.installation.keyring
    _, secret = registry.create("short", Role.VIEWER, expires_at=datetime.now(UTC) + timedelta(seconds=2))
    headers = {name.lower().encode(): value.encode() for name, value in bearer(secret).items()}
    ring.look()
    assert by_key(ring, given_key(headers), "10.0.0.1")

    def is_refused() -> bool:
        try:
            by_key(ring, given_key(headers), "10.0.0.1")
        except KeyRefusedError as error:
            return error.code == "key_expired"
        return False

    until(is_refused)
