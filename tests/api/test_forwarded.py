"""Behind a proxy: whom a request comes from, and by which address the API is known; nobody else's word counts."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from api.app import create_app
from api.forwarded import MAX_PROXIES, TrustedProxies
from data.api_keys import KeyRegistry
from leadmill.access import Role
from leadmill.settings import Settings
from tests.api.conftest import V1, post

PROXY = "10.9.0.2"
PROXIES = ["10.9.0.0/29", "fd00:9::/64", "203.0.113.50/32"]


def told(peer: str | None, *lines: str, name: str = "x-forwarded-for") -> str | None:
    headers = [(name.encode(), line.encode("latin-1")) for line in lines]
    scope: dict[str, Any] = {"type": "http", "client": peer and (peer, 50_000), "headers": headers}
    return TrustedProxies(PROXIES).caller_of(scope)


@pytest.mark.parametrize(
    ("lines", "caller"),
    [
        (["198.51.100.7"], "198.51.100.7"),
        (["1.2.3.4, 198.51.100.7"], "198.51.100.7"),  # the caller wrote the first, the proxy the last
        (["10.9.0.1", "127.0.0.1", "198.51.100.7"], "198.51.100.7"),  # the header three times
        (["198.51.100.7", "10.9.0.3"], "198.51.100.7"),
        (["6.6.6.6, 198.51.100.7,203.0.113.50 ,\t10.9.0.3"], "198.51.100.7"),
        (["198.51.100.7:4711"], "198.51.100.7"),
        (["2001:DB8::0:7"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (["[2001:db8::7]:443, [fd00:9::3]:80"], "2001:db8::7"),
        (["::ffff:198.51.100.7, ::ffff:10.9.0.3"], "198.51.100.7"),
        (["nonsense, \x00, 198.51.100.7"], "198.51.100.7"),  # what the caller wrote is not even looked at
        (["x" * 20_000 + ",198.51.100.7"], "198.51.100.7"),
        (["," * 20_000 + "198.51.100.7"], "198.51.100.7"),
        (["10.9.0.4"], "10.9.0.4"),  # the proxy itself asks
        (["10.9.0.4, 10.9.0.3"], "10.9.0.4"),
        ([", ".join(["6.6.6.6"] + ["10.9.0.3"] * MAX_PROXIES)], "10.9.0.3"),  # too deep
        (["unknown"], PROXY), (["198.51.100.7, unknown"], PROXY), (["198.51.100.7, unknown, 10.9.0.3"], PROXY),
        ([""], PROXY), ([","], PROXY), (["198.51.100.7,"], PROXY), (["_hidden"], PROXY), (["localhost"], PROXY),
        (["198.51.100.7:x"], PROXY), (["198.51.100.7:123456"], PROXY), (["198.51.100.07"], PROXY),
        (["198.51.100"], PROXY), (["3325256711"], PROXY), (["[2001:db8::7"], PROXY), (["fe80::1%eth0"], PROXY),
        (["198.51.100.7 6.6.6.6"], PROXY), (["198.51.100.7\n6.6.6.6"], PROXY), (["for=198.51.100.7"], PROXY),
        (["198.51.100.7/32"], PROXY), (["１９８.51.100.7".encode().decode("latin-1")], PROXY), (["1" * 61], PROXY),
        ([], PROXY),
    ],
)  # fmt: skip
def test_the_last_address_that_is_no_proxy_of_ours(lines: list[str], caller: str) -> None:
    assert told(PROXY, *lines) == caller


def test_nobody_else_is_believed() -> None:
    for peer in ("198.51.100.7", "10.9.0.8", "127.0.0.1", "::1", "fd00:8::2", "testclient"):
        assert told(peer, "6.6.6.6") == peer
        assert told(peer, "6.6.6.6, 10.9.0.2") == peer
    assert told(None, "6.6.6.6") is None
    assert told("::ffff:10.9.0.2", "198.51.100.7") == "198.51.100.7"
    assert told("fd00:9::1", "198.51.100.7") == "198.51.100.7"
    for other in ("forwarded", "x-real-ip", "x-client-ip", "cf-connecting-ip", "true-client-ip"):
        assert told(PROXY, "6.6.6.6", "for=6.6.6.6", name=other) == PROXY


def test_keys_audit_and_caller_see_the_address_that_a_proxy_of_ours_tells(settings: Settings) -> None:
    keys = KeyRegistry(settings.data_dir)
    _, admin = keys.create("ops", Role.ADMIN)
    _, near = keys.create("near", Role.OPERATOR, networks=["198.51.100.0/24", "2001:db8::/32"])
    proxied = settings.model_copy(update={"trusted_proxies": PROXIES})
    body = {"company_urls": ["a.example"]}

    def ask(peer: str, *lines: str, key: str = near) -> tuple[int, str | None]:
        client._transport.client = (peer, 50_000)  # type: ignore[attr-defined]
        headers = [("Authorization", f"Bearer {key}"), *(("X-Forwarded-For", line) for line in lines)]
        answer = client.post(f"{V1}/pipelines", json=body, headers=headers)
        return answer.status_code, answer.json().get("code")

    refused = (401, "key_not_from_here")
    with TestClient(create_app(proxied), "http://localhost") as client:
        assert ask(PROXY, "198.51.100.7")[0] == 202
        assert ask(PROXY, "6.6.6.6", "[2001:db8::7]:4711")[0] == 202
        assert ask(PROXY, "198.51.100.7, 6.6.6.6") == refused
        assert ask(PROXY, "198.51.100.7, unknown") == refused
        assert ask(PROXY) == refused
        assert ask("192.0.2.1", "198.51.100.7") == refused
        assert ask("198.51.100.9", "6.6.6.6")[0] == 202
        assert ask("192.0.2.1", "198.51.100.7", key=admin)[0] == 202
    with TestClient(create_app(settings), "http://localhost") as client:  # no proxy is named: nobody is believed
        assert ask(PROXY, "198.51.100.7") == refused
        told = client.get(f"{V1}/audit", headers={"Authorization": f"Bearer {admin}"}).json()["items"]
    seen = [entry["address"] for entry in reversed(told)]
    assert seen[:8] == [
        "198.51.100.7", "2001:db8::7", "6.6.6.6", PROXY, PROXY, "192.0.2.1", "198.51.100.9", "192.0.2.1",
    ]  # fmt: skip


def test_event_streams_are_counted_by_that_address(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(settings.model_copy(update={"trusted_proxies": PROXIES}))
    with TestClient(app, "http://localhost", client=(PROXY, 50_000)) as client:
        job = post(client)["job_id"]
        client.delete(f"{V1}/jobs/cancel/{job}").raise_for_status()
        seats: list[str] = []
        hub = app.state.installation.hub
        taken = hub.seats.seat

        def seat(who: str) -> Any:
            seats.append(who)
            return taken(who)

        monkeypatch.setattr(hub.seats, "seat", seat)
        client.get(f"{V1}/jobs/{job}/events", headers={"X-Forwarded-For": "6.6.6.6, 198.51.100.7"})
    assert seats == ["198.51.100.7"]


@pytest.mark.parametrize("value", ["10.0.0.0/99", "proxy", "10.0.0.1/", "10.0.0.0-10.0.0.9", "*", "0.0.0.0/0", "::/0"])
def test_proxies_that_are_none_are_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=value)


# ---- the address by which it is known ------------------------------------------------------------------

URL = "https://leads.example.org"


def test_links_that_leave_begin_with_the_public_url(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"public_url": URL}))
    spoofed = {"Host": "leads.example.org", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "gopher"}
    with TestClient(app, "http://localhost", headers=spoofed) as client:
        answer = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]})
        job = answer.json()["job_id"]
        assert answer.headers["location"] == f"{URL}{V1}/jobs/status/{job}"
        assert answer.headers["location"] == answer.json()["links"]["self"]
        listed = client.get(f"{V1}/jobs/list").json()["items"][0]
        single = client.get(f"{V1}/jobs/status/{job}").json()
        ended = client.delete(f"{V1}/jobs/cancel/{job}").json()
        for told in (answer.json(), listed, single, ended):
            assert {link.removeprefix(URL)[:13] for link in told["links"].values()} == {f"{V1}/jobs/"[:13]}
            assert all(link.startswith(f"{URL}{V1}/") for link in told["links"].values())
        plan = {"name": "daily", "cron": "0 6 * * *", "pipeline": {"company_urls": ["a.example"]}}
        assert client.post(f"{V1}/schedules", json=plan).headers["location"] == f"{URL}{V1}/schedules"
        key = client.post(f"{V1}/keys", json={"name": "ops", "role": "admin"})
        assert key.headers["location"] == f"{URL}{V1}/keys"
        auth = {"Authorization": f"Bearer {key.json()['key']}"}
        assert client.get(f"{V1}/openapi.json", headers=auth).json()["servers"] == [{"url": URL}]
    with TestClient(create_app(settings), "http://localhost") as client:
        assert client.get("/healthz", headers={"Host": "leads.example.org"}).status_code == 421


def test_the_audit_names_the_job_of_an_answer_with_a_whole_address(settings: Settings) -> None:
    _, admin = KeyRegistry(settings.data_dir).create("ops", Role.ADMIN)
    app = create_app(settings.model_copy(update={"public_url": URL}))
    with TestClient(app, "http://localhost", headers={"Authorization": f"Bearer {admin}"}) as client:
        job = post(client)["job_id"]
        client.delete(f"{V1}/jobs/cancel/{job}").raise_for_status()
        client.post(f"{V1}/jobs/{job}/resume").raise_for_status()
        entries = client.get(f"{V1}/audit?status=202").json()["items"]
    assert [entry["id"] for entry in entries] == [job] * 3


@pytest.mark.parametrize(
    ("host", "origin", "good"),
    [
        ("leads.example.org", URL, True), ("leads.example.org:443", URL, True),
        ("127.0.0.1:8000", URL, True),  # a proxy that sends the address of its upstream as Host
        ("127.0.0.1:8000", "http://leads.example.org", False), ("127.0.0.1:8000", f"{URL}:8443", False),
        ("127.0.0.1:8000", f"{URL}.evil.example", False), ("leads.example.org", "https://evil.example", False),
        ("127.0.0.1:8000", "null", False),
    ],
)  # fmt: skip
def test_pages_of_the_public_url_may_write_and_no_others(
    settings: Settings, host: str, origin: str, good: bool
) -> None:
    app = create_app(settings.model_copy(update={"public_url": URL}))
    with TestClient(app, "http://localhost") as client:
        headers = {"Host": host, "Origin": origin}
        answer = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]}, headers=headers)
        assert answer.status_code == (202 if good else 403)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (URL, URL), (f"{URL}/", URL), ("HTTPS://Leads.Example.org:443", URL), ("http://a.example:80/", "http://a.example"),
        ("http://[2001:DB8::1]:8080", "http://[2001:db8::1]:8080"), ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        *((wrong, None) for wrong in (
            "leads.example.org", "ftp://leads.example.org", f"{URL}/leadmill", f"{URL}?a=b", f"{URL}#a", "https://",
            "https://user:pass@leads.example.org", "https://a b", f"{URL}:99999", "//leads.example.org",
            "javascript:alert(1)", "https://*.example.org",
        )),
    ],
)  # fmt: skip
def test_what_a_public_url_is(given: str, kept: str | None) -> None:
    if kept is not None:
        assert Settings(public_url=given).public_url == kept
        return
    with pytest.raises(ValidationError, match=r"https://leads\.example\.org, without a path"):
        Settings(public_url=given)
