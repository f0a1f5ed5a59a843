"""People who sign in by a provider: a real one on loopback, that is well, misbehaves, and is away."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient
from joserfc.jwk import RSAKey

from api import sessions as known_sessions
from api.app import create_app
from api.gate import PROVIDER_PATHS
from api.oidc import attempt, bounded, provider
from api.oidc.router import IN_VAIN
from data import sessions
from data.api_keys import KeyRegistry
from data.audit import AuditFiles, AuditFilter, AuditStream, page
from data.jobs import JobStore
from leadmill.access import Role
from leadmill.errors import ConfigError
from leadmill.settings import Settings
from pipelines.settings_check import setting_faults
from tests.api.conftest import V1
from tests.stand_ins.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider

pytestmark = pytest.mark.stack

LIST = f"{V1}/jobs/list"
OURS = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}
#: What browsers say of somebody who comes back from the provider.
SENT_BACK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Accept": "text/html,*/*;q=0.8"}
ROLES = "leads-admins=admin, sales=operator:acme"
BODY = {"company_urls": ["a.example"]}


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_sessions, "KNOWN_S", -1.0)
    monkeypatch.setattr(provider, "AWAY_S", -1.0)


@pytest.fixture
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider() as found:
        yield found


@pytest.fixture
def own(settings: Settings, idp: IdentityProvider) -> Settings:
    KeyRegistry(settings.data_dir).create("first", Role.ADMIN)
    return settings.model_copy(update=given(idp))


def given(idp: IdentityProvider) -> dict[str, Any]:
    return {
        "oidc_issuer": idp.url, "oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET, "oidc_roles": ROLES,
    }  # fmt: skip


@pytest.fixture
def browser(own: Settings) -> Iterator[TestClient]:
    with a_browser(own) as found:
        yield found


def a_browser(own: Settings, at: str = "http://localhost") -> TestClient:
    return TestClient(create_app(own), at, client=("127.0.0.1", 50_000), follow_redirects=False)


def begin(browser: TestClient, onward: str = "/") -> str:
    """Where the provider is asked to let somebody in."""
    answer = browser.get("/sign-in/oidc", params={"next": onward}, headers=SENT_BACK)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def come_back(browser: TestClient, address: str) -> Any:
    return browser.get(urlsplit(address)._replace(scheme="", netloc="").geturl(), headers=SENT_BACK)


def sign_in(browser: TestClient, idp: IdentityProvider, onward: str = "/") -> Any:
    return come_back(browser, idp.let_in(begin(browser, onward)))


def said(answer: Any, status: int, words: str) -> None:
    assert answer.status_code == status and words in answer.text, (answer.status_code, answer.text[-1_500:])
    assert "set-cookie" not in answer.headers and 'type="password"' in answer.text


# ---- in, and out ---------------------------------------------------------------------------------------------


def test_a_person_signs_in_and_out(browser: TestClient, idp: IdentityProvider) -> None:
    form = browser.get("/sign-in?next=/docs%3Fa%3Db%26c", headers=SENT_BACK).text
    assert f"Sign in with {urlsplit(idp.url).netloc}" in form and 'href="/sign-in/oidc?next=/docs%3Fa%3Db%26c"' in form
    address = begin(browser, "/docs?a=b&c")
    asked = parse_qs(urlsplit(address).query)
    assert asked["redirect_uri"] == ["http://localhost/sign-in/oidc/callback"]
    cookies = dict(browser.cookies)
    assert list(cookies) and all(one[0] not in str(cookies) for one in (asked["state"], asked["nonce"]))
    done = come_back(browser, idp.let_in(address))
    assert (done.status_code, done.headers["location"]) == (303, "/docs?a=b&c")
    held, cleared = done.headers.get_list("set-cookie")
    assert held.endswith("; Path=/; HttpOnly; SameSite=Lax") and "_attempt=; Max-Age=0;" in cleared
    assert "operator of project acme" in browser.get("/", headers=SENT_BACK).text
    assert "Ada L." in browser.get("/", headers=SENT_BACK).text
    assert browser.post(f"{V1}/pipelines", json=BODY, headers=OURS).status_code == 202
    assert browser.post(f"{V1}/keys", json={}, headers=OURS).status_code == 403, "an operator makes no keys"
    assert browser.get(LIST, headers={"Sec-Fetch-Site": "same-site"}).status_code == 403
    kept = dict(browser.cookies)
    assert browser.post("/sign-out", headers=OURS).status_code == 303
    browser.cookies.update(kept)
    assert browser.get(LIST, headers=OURS).json()["code"] == "session_ended"


def test_the_audit_names_the_person(browser: TestClient, idp: IdentityProvider, store: JobStore, own: Settings) -> None:
    sign_in(browser, idp)
    browser.post(f"{V1}/pipelines", json=BODY, headers=OURS)
    idp.claims["groups"] = ["staff"]
    sign_in(browser, idp)
    end = time.monotonic() + 10
    while len(rows := page(AuditStream(store), AuditFiles(own.data_dir), AuditFilter(), 100).rows) < 3:
        assert time.monotonic() < end, rows
        time.sleep(0.02)
    told = {(row["action"], row["status"], row["code"]): row for row in rows}
    entered, worked = told["sign_in", 303, None], told["submit_pipeline", 202, None]
    assert entered["id"] == f"ada-1 at {idp.url}" and ("sign_in", 403, "role_missing") in told
    for row in (entered, worked):
        assert (row["name"], row["role"], row["project"]) == ("Ada L.", "operator", "acme")
        assert row["key"] == entered["key"] and row["key"].startswith("oidc_")


def test_over_https_it_is_the_public_url_that_one_comes_back_to(own: Settings, idp: IdentityProvider) -> None:
    public = "https://leads.example.org"
    there = own.model_copy(update={"public_url": public})
    # A proxy that sends another host.
    with a_browser(there, "http://127.0.0.1:8000") as behind:
        assert f'href="{public}/sign-in/oidc?next=/"' in behind.get("/sign-in").text
        answer = behind.get("/sign-in/oidc", headers=SENT_BACK)
        cookie = answer.headers["set-cookie"]
        assert (
            cookie.startswith("__Host-leadmill_attempt=") and "Max-Age=600;" in cookie and cookie.endswith("; Secure")
        )
        assert parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"] == [
            f"{public}/sign-in/oidc/callback"
        ]
        sent = idp.let_in(answer.headers["location"])
        behind.cookies.clear()
        done = behind.get(
            urlsplit(sent)._replace(scheme="", netloc="").geturl(), headers={"Cookie": cookie.partition(";")[0]}
        )
        assert done.status_code == 303 and done.headers["set-cookie"].startswith("__Host-leadmill=")
    with a_browser(own.model_copy(update={"allowed_hosts": ["leads.lan"]}), "http://leads.lan") as far:
        assert far.get("/sign-in/oidc").status_code == 403 and "plain HTTP" in far.get("/sign-in/oidc").text


@pytest.mark.parametrize("onward", ["//evil.example", "/\\evil.example", "https://evil.example", "/" + "a" * 2_000])
def test_nobody_is_sent_to_another_host(browser: TestClient, idp: IdentityProvider, onward: str) -> None:
    assert sign_in(browser, idp, onward).headers["location"] == "/"


def test_a_provider_is_asked_for_the_scopes_that_are_set(own: Settings) -> None:
    for scopes in ("openid profile email", "openid groups"):
        with a_browser(own.model_copy(update={"oidc_scopes": scopes})) as browser:
            assert parse_qs(urlsplit(begin(browser)).query)["scope"] == [scopes]


def test_only_its_two_calls_are_open_and_only_where_it_is_set(own: Settings, app: FastAPI, browser: TestClient) -> None:
    def open_paths(of: FastAPI) -> set[str]:
        routes = iter_route_contexts(of.routes)
        return {str(one.path) for one in routes if getattr(one.original_route, "role", "") is None}

    assert open_paths(browser.app) - open_paths(app) == PROVIDER_PATHS  # type: ignore[arg-type]
    assert browser.head("/sign-in/oidc", headers=SENT_BACK).status_code == 405, "to look at it begins nothing"
    with TestClient(app, "http://localhost") as without:
        for path in PROVIDER_PATHS:
            assert without.get(path).status_code == 401
        assert "Sign in with" not in without.get("/sign-in").text


# ---- what is not to be believed ------------------------------------------------------------------------------


def spoiled(**claims: Any) -> Callable[[dict[str, Any], dict[str, Any]], None]:
    return lambda found, header: found.update(claims)


NOW = int(time.time())
SPOILED: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "wrong nonce": spoiled(nonce="x"),
    "no nonce": lambda found, header: found.pop("nonce"),
    "other issuer": spoiled(iss="https://evil.example"),
    "for another": spoiled(aud="another"),
    "for others, too, and not said for whom": spoiled(aud=[CLIENT_ID, "another"]),
    "given to another": spoiled(azp="another"),
    "expired": spoiled(exp=NOW - 600, iat=NOW - 900),
    "without end": lambda found, header: found.pop("exp"),
    "made before": spoiled(iat=NOW - 3_000),
    "made in the future": spoiled(iat=NOW + 3_000),
    "no time": lambda found, header: found.pop("iat"),
    "no subject": lambda found, header: found.pop("sub"),
    "a subject that is none": spoiled(sub=7),
    "an empty subject": spoiled(sub=""),
    "for another access token": spoiled(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
    "unsigned": lambda found, header: header.update(alg="none"),
    "by the public key": lambda found, header: header.update(alg="HS256"),
    "by a key that is not listed": lambda found, header: header.update(kid="three"),
}


def test_an_id_token_that_is_not_to_be_believed(browser: TestClient, idp: IdentityProvider) -> None:
    for how, spoil in SPOILED.items():
        idp.spoil = spoil
        answer = sign_in(browser, idp)
        assert (how, answer.status_code) == (how, 401)
        said(answer, 401, "identity provider said")
        assert browser.get(LIST, headers=OURS).status_code == 401
    idp.spoil = lambda found, header: None
    assert sign_in(browser, idp).status_code == 303, "the same is believed without that"


def test_another_key_of_the_same_id_is_not_taken(browser: TestClient, idp: IdentityProvider) -> None:
    assert sign_in(browser, idp).status_code == 303
    idp.key = RSAKey.generate_key(2048, {"kid": "one"})
    said(sign_in(browser, idp), 401, "identity provider said")


def test_keys_are_exchanged_and_those_of_other_kinds_count(
    browser: TestClient, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    idp.key, idp.algorithm = idp.keys[1], "ES256"
    for _ in range(3):
        assert sign_in(browser, idp).status_code == 303
    assert idp.asked.count("/keys") == 1 and idp.asked.count("/.well-known/openid-configuration") == 1
    idp.key, idp.algorithm = RSAKey.generate_key(2048, {"kid": "new"}), "PS256"
    idp.keys.append(idp.key)
    said(sign_in(browser, idp), 401, "a key that it does not list")
    assert idp.asked.count("/keys") == 1, "not for each that is unknown"
    monkeypatch.setattr(provider, "KEYS_EVERY_S", -1.0)
    assert sign_in(browser, idp).status_code == 303 and idp.asked.count("/keys") == 2


def test_a_secret_may_be_shown_in_the_form(browser: TestClient, idp: IdentityProvider) -> None:
    idp.described["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert sign_in(browser, idp).status_code == 303 and idp.sent["client_secret"] == CLIENT_SECRET


# ---- whose answer it is --------------------------------------------------------------------------------------


def test_what_another_browser_has_begun_is_not_ended_here(browser: TestClient, idp: IdentityProvider) -> None:
    begun = idp.let_in(begin(browser))
    with_none = TestClient(browser.app, "http://localhost", follow_redirects=False)
    said(come_back(with_none, begun), 400, "has not begun to sign in")
    begin(with_none)  # has a cookie, but of another attempt
    said(come_back(with_none, begun), 400, "another browser or another attempt")
    for query in ("", "?code=x", "?state=x&code=x", f"?{urlsplit(begun).query}&state=x"):
        said(browser.get(f"/sign-in/oidc/callback{query}", headers=SENT_BACK), 400, "sign in again")
    ((name, value),) = browser.cookies.items()
    for forged in (value[:-1], f"9{value}", value.replace(".", "..", 1), "x"):
        answer = TestClient(browser.app, "http://localhost", cookies={name: forged}, follow_redirects=False)
        said(come_back(answer, begun), 400, "has not begun to sign in")
    assert idp.asked.count("/token") == 0
    assert come_back(browser, begun).status_code == 303


def test_an_attempt_is_used_once_and_not_for_long(
    browser: TestClient, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = idp.let_in(begin(browser))
    cookies = dict(browser.cookies)
    assert come_back(browser, begun).status_code == 303
    browser.cookies.clear()
    browser.cookies.update(cookies)
    said(come_back(browser, begun), 401, "gave nothing")  # the provider's code is used up
    again = idp.let_in(idp.addresses[-1])
    said(come_back(browser, again), 400, "was used before")
    begun = idp.let_in(begin(browser))
    monkeypatch.setattr(attempt, "ATTEMPT_S", -1)
    said(come_back(browser, begun), 400, "longer than 10 minutes")


def test_another_code_is_worth_nothing_in_ones_own_attempt(browser: TestClient, idp: IdentityProvider) -> None:
    """PKCE: somebody else's code, in an answer that is otherwise one's own."""
    other = TestClient(browser.app, "http://localhost", follow_redirects=False)
    theirs = parse_qs(urlsplit(idp.let_in(begin(other))).query)["code"][0]
    mine = idp.let_in(begin(browser))
    code = parse_qs(urlsplit(mine).query)["code"][0]
    said(come_back(browser, mine.replace(code, theirs)), 401, "gave nothing")


def test_an_answer_says_whose_it_is(browser: TestClient, idp: IdentityProvider) -> None:
    said(come_back(browser, f"{idp.let_in(begin(browser))}&iss=https://evil.example"), 401, "another provider")
    assert come_back(browser, f"{idp.let_in(begin(browser))}&iss={idp.url}").status_code == 303


def test_a_person_that_goes_back_is_told_so(browser: TestClient, idp: IdentityProvider) -> None:
    state = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    answer = come_back(browser, f"/sign-in/oidc/callback?error=access_denied&error_description=<b>&state={state}")
    said(answer, 401, "did not let you in")
    assert "<b>" not in answer.text


# ---- who may do what -----------------------------------------------------------------------------------------


def test_who_has_no_role_is_told_so(browser: TestClient, idp: IdentityProvider) -> None:
    for groups in (["staff"], [], "sale", {"sales": 1}, None, [["sales"]], 7):
        idp.claims["groups"] = groups
        said(sign_in(browser, idp), 403, "The identity provider knows you as Ada L.")
    idp.claims["groups"] = "sales"
    assert sign_in(browser, idp).status_code == 303


def test_an_address_counts_once_it_is_verified(own: Settings, idp: IdentityProvider) -> None:
    roles = {"oidc_claim": "email", "oidc_roles": "ada@example.org=viewer"}
    with a_browser(own.model_copy(update=roles)) as browser:
        idp.claims["email"] = "ada@example.org"
        for verified in (None, False, "true", 1):
            idp.claims["email_verified"] = verified
            said(sign_in(browser, idp), 403, "gives you a role")
        idp.claims["email_verified"] = True
        assert sign_in(browser, idp).status_code == 303


def test_roles_that_change_count_at_once(own: Settings, idp: IdentityProvider) -> None:
    with a_browser(own) as browser:
        assert sign_in(browser, idp).status_code == 303
        cookies = dict(browser.cookies)

    def after(status: int, **changed: Any) -> str:
        with a_browser(own.model_copy(update=changed)) as later:
            later.cookies.update(cookies)
            assert later.get(LIST, headers=OURS).status_code == status, changed
            return str(later.get("/", headers=SENT_BACK).text)

    assert "viewer of project default" in after(200, oidc_roles="staff=viewer,sales=admin")
    after(401, oidc_roles="others=viewer")
    after(401, oidc_claim="roles")
    after(401, oidc_issuer=None, oidc_client_id=None, oidc_client_secret=None, oidc_roles=None)
    assert "operator of project acme" in after(200)


def test_a_persons_session_ends_however_much_it_is_used(
    browser: TestClient, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(browser, idp)
    assert browser.get(LIST, headers=OURS).status_code == 200
    monkeypatch.setattr(sessions, "PERSON_S", -1)
    assert browser.get(LIST, headers=OURS).json()["code"] == "session_ended"


def test_a_subject_is_another_person_at_another_provider() -> None:
    one = sessions.PersonSession("https://a.example", "7", "A", "groups", (), 0)
    assert one.owner == one._replace(name="B", values=("x",)).owner
    assert len({one.owner, one._replace(issuer="https://b.example").owner, one._replace(subject="8").owner}) == 3


# ---- a provider that is not well -----------------------------------------------------------------------------


def _slow(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" ")
            time.sleep(0.05)
    except OSError:
        return


def _huge(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    try:
        for _ in range(200):
            handler.wfile.write(b" " * 100_000)
    except OSError:
        return


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_provider_that_is_not_well(
    browser: TestClient, idp: IdentityProvider, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "KEYS_EVERY_S", -1.0)
    for answer, words in (
        ((500, {}), "it answered 500"),
        ((200, b"[]"), "else than a JSON object"),
        ((200, b"[" * 100_000), "else than a JSON object"),
        (_slow, "took longer"),
        (_huge, "is larger than"),
        ((302, {}), "gave nothing" if path == "/token" else "it answered 302"),
    ):
        monkeypatch.setattr(bounded, "ANSWER_S", 0.3 if answer is _slow else 10.0)
        idp.instead[path] = answer
        described = path.startswith("/.")
        found = browser.get("/sign-in/oidc", headers=SENT_BACK) if described else sign_in(browser, idp)
        refused = path == "/token" and answer == (302, {})
        said(found, 401 if refused else 503, words)
        assert refused or found.headers["retry-after"]
    idp.instead.clear()
    assert sign_in(browser, idp).status_code == 303, "it is asked again"


def test_a_provider_that_names_itself_otherwise_or_leads_elsewhere(browser: TestClient, idp: IdentityProvider) -> None:
    for described, words in (
        ({"issuer": f"{idp.url}/"}, "names itself otherwise"),
        ({"token_endpoint": "http://10.0.0.1/token"}, "no token_endpoint"),
        ({"jwks_uri": "file:///etc/passwd"}, "no jwks_uri"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "no authorization_endpoint"),
    ):
        idp.described = described
        said(browser.get("/sign-in/oidc", headers=SENT_BACK), 503, words)
    assert "/token" not in idp.asked


def test_a_slow_provider_takes_few_threads(
    own: Settings, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "MAX_WAITING", 1)
    asked, go_on = threading.Event(), threading.Event()

    def waits(handler: BaseHTTPRequestHandler) -> None:
        asked.set()
        go_on.wait(30)
        handler.send_error(500)

    idp.instead["/.well-known/openid-configuration"] = waits
    with a_browser(own) as browser, ThreadPoolExecutor(1) as pool:
        first = pool.submit(TestClient(browser.app, "http://localhost").get, "/sign-in/oidc")
        assert asked.wait(30)
        try:
            said(browser.get("/sign-in/oidc", headers=SENT_BACK), 503, "Many people sign in")
        finally:
            go_on.set()
        said(first.result(), 503, "it answered 500")


def test_who_waits_for_a_provider_that_is_away_is_told_what_the_first_was(
    browser: TestClient, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider, "AWAY_S", 60.0)
    idp.instead["/.well-known/openid-configuration"] = (500, {})
    for _ in range(5):
        said(browser.get("/sign-in/oidc", headers=SENT_BACK), 503, "it answered 500")
    assert len(idp.asked) == 1
    idp.instead.clear()
    monkeypatch.setattr(provider, "AWAY_S", -1.0)
    assert sign_in(browser, idp).status_code == 303


def test_asking_in_vain_is_bounded_by_address(own: Settings, idp: IdentityProvider) -> None:
    trusting = own.model_copy(update={"trusted_proxies": ["127.0.0.1/32"]})
    with a_browser(trusting) as guessing:
        for _ in range(IN_VAIN.burst):
            assert sign_in(guessing, idp).status_code == 303, "what is believed is not counted"
        idp.spoil = spoiled(aud="another")
        for _ in range(IN_VAIN.burst):
            said(sign_in(guessing, idp), 401, "identity provider said")
        asked = len(idp.asked)
        answer = sign_in(guessing, idp)
        said(answer, 429, "Too many attempts")
        assert int(answer.headers["retry-after"]) > 0 and len(idp.asked) == asked
        idp.spoil = spoiled()
        guessing.headers["X-Forwarded-For"] = "203.0.113.8"
        assert sign_in(guessing, idp).status_code == 303


def test_signing_in_counts_at_the_rate_of_the_person(own: Settings, idp: IdentityProvider) -> None:
    with a_browser(own.model_copy(update={"rate_limit": "0.01/2"})) as browser:
        assert [sign_in(browser, idp).status_code for _ in range(3)] == [303, 303, 429]


def test_who_can_write_to_redis_gives_nobody_a_role(
    browser: TestClient, idp: IdentityProvider, store: JobStore
) -> None:
    sign_in(browser, idp)
    assert browser.get(LIST, headers=OURS).status_code == 200
    (key,) = store.redis.scan_iter(store.key("session:*"))
    kept = str(store.redis.get(key))
    for forged in (
        kept.replace('"sales"', '"leads-admins"'),
        kept.replace("Ada L.", "Bo"),
        json.dumps([*json.loads(kept)[:-1], ""]),
        json.dumps(json.loads(kept)[:-1]),
    ):
        store.redis.set(key, forged)
        assert browser.get(LIST, headers=OURS).status_code == 401
    store.redis.set(key, kept)
    assert browser.get(LIST, headers=OURS).status_code == 200


def test_keys_let_in_while_the_provider_is_away(own: Settings, idp: IdentityProvider) -> None:
    secret = KeyRegistry(own.data_dir).create("Bo", Role.VIEWER)[1]
    idp.__exit__()
    with a_browser(own) as browser:
        said(browser.get("/sign-in/oidc", headers=SENT_BACK), 503, "sign in by a key")
        assert browser.post("/sign-in", data={"key": secret, "next": "/"}, headers=OURS).status_code == 303


# ---- settings ------------------------------------------------------------------------------------------------


def test_what_is_wrong_with_the_settings_is_told_at_the_start(own: Settings, settings: Settings) -> None:
    for field in ("oidc_client_id", "oidc_client_secret", "oidc_roles"):
        less = own.model_copy(update={field: None})
        with pytest.raises(ConfigError, match=f"LEADMILL_{field.upper()}"), a_browser(less):
            pass
    alone = own.model_copy(update={"oidc_issuer": None})
    assert [fault.level for fault in setting_faults(alone)] == ["fail"] * 3
    with pytest.raises(ValueError, match="at least 16 characters"):
        Settings(oidc_client_secret="short")
    plain = own.model_copy(update={"public_url": "http://leads.lan"})
    with pytest.raises(ConfigError, match="LEADMILL_PUBLIC_URL"), a_browser(plain):
        pass


def test_without_a_key_it_would_be_for_nothing(settings: Settings, idp: IdentityProvider) -> None:
    with pytest.raises(ConfigError, match="leadmill keys create"), a_browser(settings.model_copy(update=given(idp))):
        pass


def test_without_the_extra_it_is_said_and_without_the_setting_nothing_is_imported(
    own: Settings, idp: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "authlib.common.urls", None)
    monkeypatch.delitem(sys.modules, "api.oidc.provider")
    monkeypatch.delitem(sys.modules, "api.oidc.router")
    monkeypatch.delattr("api.oidc.provider")
    with pytest.raises(ConfigError, match=r"pip install 'leadmill\[oidc\]'"):
        create_app(own)
    script = "import sys, api.app; print(*[m for m in sys.modules if m.startswith(('authlib', 'joserfc', 'api.oidc'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""
