"""Browsers: signing in by a key, what a session may, when it ends, and what pages of others cannot do by it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api import sessions as known_sessions
from api.app import create_app
from data import sessions
from data.api_keys import KeyRegistry
from data.audit import AuditFiles, AuditFilter, AuditStream, page
from data.identity import read_id
from data.jobs import JobStore
from data.sessions import SLIDING_S, Session, SessionStore, digest_of_session
from leadmill.access import Role
from leadmill.settings import Settings
from tests.api.conftest import V1, Valkey
from tests.valkey import Valkey as Server

PUBLIC = "https://leads.example.org"
LIST = f"{V1}/jobs/list"
#: What browsers say of a request that a page of ours sends, and of a person who opens one.
OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
OPENED = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}
BODY = {"company_urls": ["a.example"]}


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request asks Redis, so that nobody has to wait for a second."""
    monkeypatch.setattr(known_sessions, "KNOWN_S", -1.0)


@pytest.fixture
def registry(settings: Settings) -> KeyRegistry:
    return KeyRegistry(settings.data_dir)


@pytest.fixture
def secret(registry: KeyRegistry) -> str:
    """Of an operator. Asked for before the browser, so that the API finds it."""
    return registry.create("Ada & Co", Role.OPERATOR, "acme")[1]


@pytest.fixture
def browser(secret: str, app: FastAPI) -> Iterator[TestClient]:
    """Keeps cookies, and has an address."""
    with TestClient(app, "http://localhost", client=("127.0.0.1", 50_000), follow_redirects=False) as found:
        yield found


def sign_in(browser: TestClient, key: str, onward: str = "/", **headers: str) -> Any:
    return browser.post("/sign-in", data={"key": key, "next": onward}, headers={**OURS, **headers})


def code(answer: Any) -> Any:
    return answer.json().get("code")


# ---- in, and out ---------------------------------------------------------------------------------------------


def test_a_browser_is_signed_in_by_a_key_and_out_again(browser: TestClient, secret: str, settings: Settings) -> None:
    first = browser.get("/docs?x=1", headers=OPENED)
    assert first.status_code == 303 and first.headers["location"] == "/sign-in?next=/docs%3Fx%3D1"
    form = browser.get(first.headers["location"], headers=OPENED)
    assert form.status_code == 200 and 'value="/docs?x=1"' in form.text and "autocomplete" in form.text
    done = sign_in(browser, f"  {secret} ", "/docs?x=1")
    assert (done.status_code, done.headers["location"]) == (303, "/docs?x=1")
    name, attributes = done.headers["set-cookie"].split("=", 1)
    lake = read_id(settings.data_dir)
    assert lake and name == f"leadmill_{lake[5:17]}"
    assert attributes.split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Lax"]
    for path in ("/", "/docs"):
        shown = browser.get(path, headers=OPENED).text
        assert "Ada &amp; Co" in shown and "operator of project acme" in shown and 'action="/sign-out"' in shown
    assert browser.post(f"{V1}/pipelines", json=BODY, headers=OURS).status_code == 202
    assert browser.post(f"{V1}/keys", json={}, headers=OURS).status_code == 403, "the role is that of the key"
    cookies = dict(browser.cookies)
    out = browser.post("/sign-out", headers=OURS)
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in") and "Max-Age=0" in out.headers["set-cookie"]
    assert not browser.cookies
    browser.cookies.update(cookies)
    assert code(browser.get(LIST, headers=OURS)) == "session_ended"
    again = browser.post("/sign-out", headers=OURS)
    assert again.status_code == 400 and "not signed in any more" in again.text


def test_a_wrong_key_is_told_so_counted_and_audited(
    browser: TestClient, secret: str, store: JobStore, settings: Settings
) -> None:
    wrong = f"{secret[:12]}{'x' * 43}"
    answer = sign_in(browser, wrong)
    assert answer.status_code == 401 and "No such API key" in answer.text and "set-cookie" not in answer.headers
    assert wrong not in answer.text and answer.headers["www-authenticate"].startswith("Bearer")
    for _ in range(25):
        last = sign_in(browser, wrong)
    assert last.status_code == 429 and int(last.headers["retry-after"]) > 0 and "wait" in last.text
    assert sign_in(browser, "").status_code == 422
    assert sign_in(browser, "x" * 9_000).status_code == 413
    end = time.monotonic() + 10
    while True:
        rows = page(AuditStream(store), AuditFiles(settings.data_dir), AuditFilter(action="sign_in"), 100).rows
        if len(rows) >= 3 or time.monotonic() > end:
            break
        time.sleep(0.02)
    assert {"key_unknown", "too_many_wrong_keys"} <= {row["code"] for row in rows}
    assert all(row["key"] == secret[3:11] for row in rows if row["status"] == 401)


def test_signing_in_counts_at_the_rate_of_the_key(secret: str, settings: Settings) -> None:
    with TestClient(
        create_app(settings.model_copy(update={"rate_limit": "0.01/3"})), "http://localhost", follow_redirects=False
    ) as slow:
        answers = [sign_in(slow, secret) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [303] * 3 + [429]
        assert "requests a second" in answers[-1].text and int(answers[-1].headers["retry-after"]) > 0
        assert "set-cookie" not in answers[-1].headers
        assert slow.get(LIST, headers={"X-API-Key": secret}).status_code == 429, "it is the same rate"
        assert slow.get("/sign-in").status_code == 200


def test_what_is_audited_and_that_neither_key_nor_session_is_kept(
    browser: TestClient, secret: str, store: JobStore, settings: Settings, valkey: Valkey
) -> None:
    sign_in(browser, secret)
    session_id = next(iter(browser.cookies.values()))
    browser.get("/", headers=OPENED)
    browser.post("/sign-out", headers=OURS)
    rows = page(AuditStream(store), AuditFiles(settings.data_dir), AuditFilter(), 100).rows
    assert [(row["action"], row["name"], row["status"]) for row in rows] == [
        ("sign_out", "Ada & Co", 303),
        ("sign_in", "Ada & Co", 303),
    ]
    sign_in(browser, secret)
    session_ids = (session_id, next(iter(browser.cookies.values())))
    assert session_ids[0] != session_ids[1]
    kept = " ".join(f"{key} {_value(valkey, key)}" for key in valkey.client.keys("*"))
    kept += " ".join(file.read_text("latin-1") for file in settings.data_dir.rglob("*") if file.is_file())
    assert digest_of_session(session_ids[1]) in kept, "it is looked for where it would be"
    for hidden in (secret[12:], *session_ids):
        assert hidden not in kept


def _value(valkey: Valkey, key: str) -> Any:
    read: dict[str, Any] = {
        "string": valkey.client.get,
        "hash": valkey.client.hgetall,
        "stream": valkey.client.xrange,
        "zset": lambda name: valkey.client.zrange(name, 0, -1),
        "list": lambda name: valkey.client.lrange(name, 0, -1),
    }
    return read[str(valkey.client.type(key))](key)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("/docs?a=b&c=/x//y", "/docs?a=b&c=/x//y"), ("//evil.example", "/"), ("/\\evil.example", "/"), ("", "/"),
        ("https://evil.example", "/"), ("/\t/evil.example", "/"), ("/a\r\nSet-Cookie: x=y", "/"), ("javascript:1", "/"),
        ("/" + "a" * 5_000, "/"), ("/ü", "/"), ("\\\\evil.example", "/"),
    ],
)  # fmt: skip
def test_nobody_is_sent_to_another_host(browser: TestClient, secret: str, given: str, kept: str) -> None:
    form = browser.get("/sign-in", params={"next": given}, headers=OPENED)
    assert f'name="next" value="{kept.replace("&", "&amp;")}"' in form.text
    assert sign_in(browser, secret, given).headers["location"] == kept


def test_without_any_key_none_is_needed(client: TestClient, valkey: Valkey) -> None:
    for answer in (client.get("/sign-in"), client.post("/sign-in", data={"key": "x"})):
        assert answer.status_code == 200 and "No key is needed here" in answer.text and "<form" not in answer.text
    assert "Sign out" not in client.get("/").text
    assert not valkey.client.keys("*session*")


# ---- where a browser may sign in -----------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["http://10.1.2.3:8000", "http://leads.lan"])
def test_over_other_plain_http_it_is_refused_with_the_reason(secret: str, settings: Settings, host: str) -> None:
    there = settings.model_copy(update={"allowed_hosts": ["10.1.2.3", "leads.lan"]})
    with TestClient(create_app(there), host, follow_redirects=False) as browser:
        for answer in (
            browser.get("/sign-in"),
            browser.post("/sign-in", data={"key": secret}, headers={"Origin": host}),
        ):
            assert answer.status_code == 403 and "plain HTTP" in answer.text and "LEADMILL_PUBLIC_URL" in answer.text
            assert 'type="password"' not in answer.text and "set-cookie" not in answer.headers


def test_https_has_a_cookie_that_no_other_host_can_set(secret: str, settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"public_url": PUBLIC}))
    with TestClient(app, PUBLIC, follow_redirects=False) as browser:
        done = sign_in(browser, secret)
        assert done.headers["set-cookie"].startswith("__Host-leadmill=")
        assert done.headers["set-cookie"].endswith("; Path=/; HttpOnly; SameSite=Lax; Secure")
        assert browser.get(LIST, headers=OURS).status_code == 200
        cookie = {"Cookie": f"__Host-leadmill={browser.cookies['__Host-leadmill']}"}
    # A proxy that sends another host: the page says where it is.
    with TestClient(app, "http://127.0.0.1:8000", follow_redirects=False) as behind:
        assert sign_in(behind, secret, Origin=PUBLIC).headers["set-cookie"].startswith("__Host-leadmill=")
        assert behind.get(LIST, headers={**OURS, **cookie}).status_code == 200
        assert sign_in(behind, secret).headers["set-cookie"].startswith("leadmill_"), "on the machine itself"


def test_the_cookie_of_loopback_counts_nowhere_else(browser: TestClient, secret: str, settings: Settings) -> None:
    sign_in(browser, secret)
    ((name, value),) = browser.cookies.items()
    there = settings.model_copy(update={"allowed_hosts": ["leads.lan"]})
    for given in (f"{name}={value}", f"__Host-leadmill={value}"):
        with TestClient(create_app(there), "http://leads.lan") as far:
            assert code(far.get(LIST, headers={"Cookie": given})) == "key_missing"


# ---- whose requests count ------------------------------------------------------------------------------------


def test_pages_of_others_can_neither_write_nor_read_by_it(browser: TestClient, secret: str) -> None:
    sign_in(browser, secret)
    for site in ("cross-site", "same-site"):
        theirs = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
        for method, path in (("POST", f"{V1}/pipelines"), ("GET", LIST), ("POST", "/sign-out"), ("HEAD", "/")):
            answer = browser.request(method, path, headers=theirs)
            assert answer.status_code == 403 and (method == "HEAD" or code(answer) == "cross_origin"), (method, path)
        assert sign_in(browser, secret, **theirs).status_code == 403
        assert browser.get("/", headers={**OPENED, "Sec-Fetch-Site": site}).status_code == 200, "a link is followed"
    for headers in ({}, {"Origin": "http://localhost:3000"}, {"Origin": "null"}, {"Sec-Fetch-Site": "none"}):
        assert code(browser.post(f"{V1}/pipelines", json=BODY, headers=headers)) == "cross_origin", headers
    key = {"Authorization": f"Bearer {secret}"}
    assert browser.post(f"{V1}/pipelines", json=BODY, headers=key).status_code == 202, (
        "a program with a key says neither"
    )
    assert browser.post(f"{V1}/pipelines", json=BODY, headers={"Origin": "http://localhost"}).status_code == 202


def test_a_key_goes_before_a_cookie(browser: TestClient, secret: str, registry: KeyRegistry) -> None:
    sign_in(browser, secret)
    assert code(browser.get(LIST, headers={**OURS, "X-API-Key": "lm_x"})) == "key_unknown"
    assert code(browser.get(LIST, headers={**OPENED, "X-API-Key": "lm_x"})) == "key_unknown", "not the way to sign in"


def test_only_who_opens_a_page_is_sent_to_sign_in(browser: TestClient) -> None:
    for headers in ({"Accept": "text/html"}, OPENED):
        assert (
            browser.get(f"{V1}/jobs/list?limit=5", headers=headers).headers["location"].startswith("/sign-in?next=/api")
        )
    for method, headers in (("GET", {}), ("GET", OURS), ("POST", {"Accept": "text/html"}), ("HEAD", OPENED),
                            ("GET", {"Accept": "text/html", "Sec-Fetch-Mode": "cors"})):  # fmt: skip
        assert browser.request(method, LIST, headers=headers).status_code == 401, (method, headers)
    location = browser.get("/a%20b//c%0d%0a?next=//x&y", headers=OPENED).headers["location"]
    assert parse_qs(urlsplit(location).query) == {"next": ["/a%20b//c%0d%0a?next=//x&y"]}


def test_two_cookies_of_that_name_are_none(browser: TestClient, secret: str) -> None:
    sign_in(browser, secret)
    ((name, value),) = browser.cookies.items()
    browser.cookies.clear()
    assert browser.get(LIST, headers={"Cookie": f"a=b; {name}={value}; c"}).status_code == 200
    assert code(browser.get(LIST, headers={"Cookie": f"{name}={'x' * 43}; {name}={value}"})) == "key_missing"


# ---- when it ends --------------------------------------------------------------------------------------------


def test_it_ends_with_its_key_and_says_why(
    browser: TestClient, secret: str, registry: KeyRegistry, app: FastAPI
) -> None:
    ring = app.state.installation.keyring
    sign_in(browser, secret)
    secret = registry.rotate(secret[3:11], 60)[1]
    ring.look()
    assert browser.get(LIST, headers=OURS).status_code == 200, "the old secret counts for a while"
    secret = registry.rotate(secret[3:11])[1]
    ring.look()
    assert code(browser.get(LIST, headers=OURS)) == "key_unknown"
    sign_in(browser, secret)
    registry.revoke(secret[3:11])
    ring.look()
    assert code(browser.get(LIST, headers=OURS)) == "key_revoked"
    assert browser.get("/", headers=OPENED).status_code == 303
    assert "was revoked" in browser.get("/sign-in", headers=OPENED).text


def test_it_counts_from_where_its_key_does(registry: KeyRegistry, app: FastAPI, settings: Settings) -> None:
    near = registry.create("near", Role.VIEWER, networks=["10.0.0.0/8"])[1]
    with TestClient(app, "http://localhost", client=("10.1.2.3", 5), follow_redirects=False) as browser:
        assert sign_in(browser, near).status_code == 303
        assert browser.get(LIST, headers=OURS).status_code == 200
        far = TestClient(app, "http://localhost", client=("192.168.0.1", 5), cookies=dict(browser.cookies))
        assert code(far.get(LIST, headers=OURS)) == "key_not_from_here"


def test_each_sign_in_is_another_session_and_ends_the_one_before(browser: TestClient, secret: str) -> None:
    sign_in(browser, secret)
    before = dict(browser.cookies)
    sign_in(browser, secret)
    assert dict(browser.cookies) != before
    browser.cookies.clear()
    browser.cookies.update(before)
    assert code(browser.get(LIST, headers=OURS)) == "session_ended"


def test_while_redis_is_away_nobody_is_signed_in(secret: str, settings: Settings, tmp_path: Path) -> None:
    lake = Valkey(tmp_path / "own")
    own = settings.model_copy(update={"redis_url": lake.url})
    with TestClient(create_app(own), "http://localhost", follow_redirects=False) as browser:
        sign_in(browser, secret)
        assert browser.get(f"{V1}/openapi.json", headers=OURS).status_code == 200
        lake.stop()
        answer = browser.get(f"{V1}/openapi.json", headers=OURS)
        assert answer.status_code == 503 and answer.headers["retry-after"]
        assert sign_in(browser, secret).status_code == 503
        by_key = browser.get(f"{V1}/openapi.json", headers={"Authorization": f"Bearer {secret}"})
        assert by_key.status_code == 200, "whoever comes by a key needs no session"


def test_it_is_known_again_once_redis_is_back_however_many_asked_meanwhile(
    secret: str, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_sessions, "KNOWN_S", 0.3)
    with (
        Server(tmp_path / "own") as own,
        TestClient(
            create_app(settings.model_copy(update={"redis_url": own.url})), "http://localhost", follow_redirects=False
        ) as browser,
    ):
        end = time.monotonic() + 30
        while sign_in(browser, secret).status_code != 303:
            assert time.monotonic() < end
        own.stop()
        while browser.get(f"{V1}/openapi.json", headers=OURS).status_code != 503:
            assert time.monotonic() < end
        own.start()
        while browser.get(f"{V1}/openapi.json", headers=OURS).status_code != 200:
            assert time.monotonic() < end
            time.sleep(0.02)


# ---- as Redis keeps it ---------------------------------------------------------------------------------------


def test_it_slides_and_the_oldest_of_a_key_end(store: JobStore, valkey: Valkey) -> None:
    kept, of = SessionStore(store), Session("abcdefgh", "0" * 64)
    first = digest_of_session(kept.begin(of))
    key = store.key(f"session:{first}")
    valkey.client.expire(key, 100)
    assert kept.lives(first) and valkey.client.ttl(key) <= 100
    assert kept.find(first) == of and valkey.client.ttl(key) > SLIDING_S - 10
    valkey.client.expire(key, SLIDING_S - 30)
    assert kept.find(first) == of and valkey.client.ttl(key) <= SLIDING_S - 30, "at most once a minute"
    more = [digest_of_session(kept.begin(of)) for _ in range(sessions.MAX_OF_AN_OWNER)]
    other = digest_of_session(kept.begin(Session("hgfedcba", "1" * 64)))
    assert [kept.lives(one) for one in (first, *more, other)] == [False] + [True] * (len(more) + 1)
    kept.end(more[0])
    kept.end(more[0])
    assert kept.find(more[0]) is None and valkey.client.zcard(store.key("sessions:abcdefgh")) == len(more) - 1
    valkey.client.set(store.key(f"session:{first}"), "nonsense")
    assert kept.find(first) is None
    for name in valkey.client.keys("*session*"):
        assert 0 < valkey.client.ttl(name) <= SLIDING_S or "nonsense" in str(_value(valkey, name))


def test_what_redis_said_is_believed_for_a_second(
    browser: TestClient, secret: str, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_sessions, "KNOWN_S", 1_000.0)
    sign_in(browser, secret)
    assert browser.get(LIST, headers=OURS).status_code == 200
    names = valkey.client.keys("*session:*")
    assert len(names) == 1 and re.search(r":session:[0-9a-f]{64}\Z", str(names[0]))
    valkey.client.delete(*names)
    assert browser.get(LIST, headers=OURS).status_code == 200
    monkeypatch.setattr(known_sessions, "KNOWN_S", -1.0)
    assert browser.get(LIST, headers=OURS).status_code == 401
