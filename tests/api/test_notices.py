"""Channels, rules and tests by the API; what a job may ask for; and that Redis knows what is wanted."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from standardwebhooks import Webhook as Verifier

from cli.doctor import data_files
from data import keys
from data.api_keys import KeyRegistry
from data.jobs import JobStore
from data.lake import Lake
from data.notice_channels import notice_channels
from data.notices.entries import Outcome
from data.notices.outbox import Outbox
from leadmill import Client
from leadmill.access import Role
from leadmill.notices import KINDS, Notice, Severity
from leadmill.settings import Settings, get_settings
from pipelines.notices import setting_up
from pipelines.notices.rules import Rules
from pipelines.notices.setting_up import keep_wanted
from tests.api.conftest import V1, post
from tests.api.test_events import Server
from tests.pipelines.notices.receivers import Receiver, receiver

ALLOW = "127.0.0.0/8"
NOTICES = f"{V1}/notices"


@pytest.fixture
def settings(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Of the application, and of the process: what a job asks for is checked wherever it is submitted."""
    monkeypatch.setenv("LEADMILL_DATA_URL", str(settings.data_dir))
    monkeypatch.setenv("LEADMILL_WEBHOOK_ALLOW", ALLOW)
    get_settings.cache_clear()
    yield settings.model_copy(update={"webhook_allow": [ALLOW]})
    get_settings.cache_clear()


@pytest.fixture(scope="module")
def web() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def put(client: TestClient, name: str, url: str) -> dict[str, Any]:
    answer = client.put(f"{NOTICES}/channels/{name}", json={"url": url})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def wanted(store: JobStore) -> set[str]:
    return set(store.redis.hkeys(store.key(keys.NOTICES_WANTED)))


def test_a_webhook_is_made_tested_rotated_and_removed(client: TestClient, web: Receiver, store: JobStore) -> None:
    web.got.clear()
    url = web.url("/good?token=hidden99")
    made = put(client, "crm", url)
    shown = {"name": "crm", "type": "webhook", "service": "webhook", "secrets": 1, "off": None, "from_settings": False}
    assert shown.items() <= made.items() and made["target"] == f"http://127.0.0.1:{web.port}/…"
    assert put(client, "crm", url)["secret"] is None, "another URL leaves it its secret"
    assert wanted(store) == {kind.name for kind in KINDS.values() if kind.severity is not Severity.INFO}

    assert client.post(f"{NOTICES}/channels/crm/test").json() == {"taken": True, "error": None}
    fresh = client.post(f"{NOTICES}/channels/crm/rotate", json={"grace_s": 60}).json()
    assert client.post(f"{NOTICES}/channels/crm/test").json()["taken"]
    for got, secrets in zip(web.got, [[made["secret"]], [made["secret"], fresh["secret"]]], strict=True):
        for secret in secrets:
            assert Verifier(secret).verify(got.body, got.headers)["type"] == "channel.test"
    (listed,) = client.get(f"{NOTICES}/channels").json()["items"]
    assert listed["secrets"] == 2
    assert not {"hidden99", made["secret"], fresh["secret"]} & set(json.dumps(listed).split('"'))

    assert client.delete(f"{NOTICES}/channels/crm").status_code == 204
    for method, path in (("DELETE", ""), ("POST", "/test"), ("POST", "/rotate")):
        assert client.request(method, f"{NOTICES}/channels/crm{path}").status_code == 404
    assert wanted(store) == set()


def test_a_test_says_what_came_of_it(client: TestClient, web: Receiver) -> None:
    put(client, "down", web.url("/500"))
    assert client.post(f"{NOTICES}/channels/down/test").json() == {"taken": False, "error": "answered 500"}
    put(client, "gone", web.url("/410"))
    assert client.post(f"{NOTICES}/channels/gone/test").json()["taken"] is False
    found = {one["name"]: one["off"] for one in client.get(f"{NOTICES}/channels").json()["items"]}
    assert found["down"] is None and "410 Gone" in found["gone"]
    put(client, "gone", web.url("/good"))
    assert client.post(f"{NOTICES}/channels/gone/test").json()["taken"] is True


WRONG = [
    ("crm", "http://10.1.2.3/", "url", "LEADMILL_WEBHOOK_ALLOW"),
    ("crm", "https://u:p@x.example.com/", "url", "signed instead"),
    ("crm", "mailto://10.1.2.3?from=a@b.example", "url", "LEADMILL_WEBHOOK_ALLOW"),
    ("crm", "file:///tmp/x", "url", "no service 'file'"),
    ("crm", "slack://short", "url", "Slack"),
    ("CRM", "https://x.example.com/", "name", "1 to 40"),
    ("callback", "https://x.example.com/", "name", "callback"),
    ("settings-1", "https://x.example.com/", "name", "settings"),
]


def test_tests_that_hang_take_a_few_threads_at_most(client: TestClient, web: Receiver) -> None:
    put(client, "crm", web.url("/good"))
    with ExitStack() as held:
        for _ in range(setting_up.AT_ONCE_EACH):
            held.enter_context(setting_up.room("acme"))
        assert client.post(f"{NOTICES}/channels/crm/test").json()["taken"], "another project has its own places"
        for _ in range(setting_up.AT_ONCE_EACH):
            held.enter_context(setting_up.room("default"))
        busy = client.post(f"{NOTICES}/channels/crm/test")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
        assert client.put(f"{NOTICES}/channels/chat", json={"url": "ntfy://leads"}).status_code == 503
        assert client.get(f"{NOTICES}/channels").status_code == 200
    assert client.post(f"{NOTICES}/channels/crm/test").json()["taken"]


def test_a_wrong_channel_is_refused(client: TestClient) -> None:
    for name, url, field, told in WRONG:
        answer = client.put(f"{NOTICES}/channels/{name}", json={"url": url})
        assert answer.status_code == 422, (name, url, answer.text)
        assert answer.json()["field"] == field and told in answer.json()["detail"], answer.text
    assert client.get(f"{NOTICES}/channels").json()["items"] == []


def test_rules_are_put_as_a_whole_and_checked(client: TestClient, store: JobStore, web: Receiver) -> None:
    for name in ("a", "b"):
        put(client, name, web.url("/good"))
    assert client.get(f"{NOTICES}/rules").json() == {"rules": [], "unnamed": ["a", "b"]}
    rule = {"channels": ["a"], "kinds": ["job.completed"], "severity": "info", "tags": ["spring"], "projects": ["acme"]}
    assert client.put(f"{NOTICES}/rules", json={"rules": [rule]}).json() == {"rules": [rule], "unnamed": ["b"]}
    assert "job.completed" in wanted(store)
    assert client.delete(f"{NOTICES}/channels/a").status_code == 409
    for wrong, field in (
        ({"channels": ["c"]}, "rules[1].channels[0]"),
        ({"channels": ["a"], "kinds": ["job.faild"]}, "rules[1].kinds[0]"),
        ({"channels": ["a"], "kinds": ["jobs.*"]}, "rules[1].kinds[0]"),
        ({"channels": ["a"], "projects": ["Acme"]}, "rules[1].projects[0]"),
    ):
        answer = client.put(f"{NOTICES}/rules", json={"rules": [rule, wrong]})
        assert (answer.status_code, answer.json()["field"]) == (422, field), answer.text
    assert client.put(f"{NOTICES}/rules", json={"rules": []}).json()["unnamed"] == ["a", "b"]


def test_what_is_wanted_comes_back_after_redis_was_emptied(
    client: TestClient, store: JobStore, settings: Settings, web: Receiver
) -> None:
    put(client, "ops", web.url("/good"))
    before = wanted(store)
    store.redis.flushall()
    store.redis.hset(store.key(keys.NOTICES_WANTED), "job.cancelled", "1")
    keep_wanted(store, Rules(settings))
    assert wanted(store) == before and "job.failed" in before


def test_roles_and_projects(app: Any, settings: Settings, web: Receiver) -> None:
    registry = KeyRegistry(settings.data_dir)
    acme = {role: registry.create(role.value, role, "acme")[1] for role in Role}
    with TestClient(app, "http://localhost") as client:

        def ask(role: Role, method: str, path: str, body: Any = None) -> int:
            headers = {"Authorization": f"Bearer {acme[role]}"}
            return client.request(method, f"{NOTICES}{path}", json=body, headers=headers).status_code

        channel = {"url": web.url("/good")}
        assert ask(Role.OPERATOR, "PUT", "/channels/crm", channel) == 403
        assert ask(Role.ADMIN, "PUT", "/channels/crm", channel) == 200
        assert ask(Role.VIEWER, "POST", "/channels/crm/test") == 403
        assert ask(Role.OPERATOR, "POST", "/channels/crm/test") == 200
        assert ask(Role.OPERATOR, "POST", "/channels/crm/rotate") == 403
        assert ask(Role.VIEWER, "GET", "/channels") == ask(Role.VIEWER, "GET", "/rules") == 200
        rules = {"rules": [{"channels": ["crm"], "projects": ["*"]}]}
        assert ask(Role.ADMIN, "PUT", "/rules", rules) == 422, "others are the default project's affair"
        actions = {one["action"] for one in _audit(client, registry)}
        assert {"put_channel", "test_channel", "rotate_channel", "put_rules"} <= actions


def _audit(client: TestClient, registry: KeyRegistry) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Bearer {registry.create('root', Role.ADMIN, 'default')[1]}"}
    deadline = time.monotonic() + 10
    while True:
        answer = client.get(f"{V1}/audit", headers=headers)
        if answer.status_code == 200:
            return list(answer.json()["items"])
        assert time.monotonic() < deadline, answer.text  # the key is a moment old
        time.sleep(0.05)


def test_a_job_asks_to_be_told_of(client: TestClient, store: JobStore, lake: Lake, web: Receiver) -> None:
    body = {"company_urls": ["a.example"]}

    def refused(**more: Any) -> str:
        answer = client.post(f"{V1}/pipelines", json={**body, **more})
        assert answer.status_code == 422, answer.text
        return f"{answer.json()['field']}: {answer.json()['detail']}"

    url = web.url("/good")
    assert "leadmill notices rotate callback" in refused(callback_url=url)
    secret = client.post(f"{NOTICES}/channels/callback/rotate").json()["secret"]
    assert secret.startswith("whsec_")
    assert refused(callback_url="http://10.0.0.1/").startswith("callback_url: 10.0.0.1 is not a public address")
    assert refused(notify=["ops"]).startswith("notify[0]: no channel 'ops'")
    assert refused(notify=["a@b.example"]).startswith("notify[0]: a mail address needs a channel that sends mail")
    put(client, "ops", url)
    (listed, callback) = client.get(f"{NOTICES}/channels").json()["items"]
    assert (listed["name"], callback["type"]) == ("ops", "callback")

    asked = {**body, "notify": ["ops"], "callback_url": url}
    job = str(post(client, body=asked)["job_id"])
    record = store.read(job)
    assert record and (record["notify"], record["callback_url"]) == ("ops", url)
    csv = {"content": "url\na.example\n", "headers": {"Content-Type": "text/csv"}}
    answer = client.post(f"{V1}/pipelines", params={"notify": "ops", "callback_url": url}, **csv)  # type: ignore[arg-type]
    assert answer.status_code == 202, answer.text
    record = store.read(answer.json()["job_id"])
    assert record and (record["notify"], record["callback_url"]) == ("ops", url)
    assert not {"notify", "callback_url"} & (store.read(str(post(client, body=body)["job_id"])) or {}).keys()
    schedule = {"name": "weekly", "cron": "0 6 * * 1", "pipeline": {**asked, "notify": ["nobody"]}}
    answer = client.post(f"{V1}/schedules", json=schedule)
    assert (answer.status_code, answer.json()["field"]) == (422, "pipeline.notify[0]")
    assert client.post(f"{V1}/schedules", json={**schedule, "pipeline": asked}).status_code == 201


def test_the_calls_of_the_client(app: FastAPI, web: Receiver) -> None:
    server = Server(app)
    try:
        with Client(server.url, retries=0) as mill:
            made = mill.put_channel("crm", web.url("/good"))
            assert made["secret"] and mill.test_channel("crm")["taken"]
            assert mill.rotate_channel("crm", grace_s=60)["grace_s"] == 60
            assert [one["secrets"] for one in mill.notice_channels()] == [2]
            rules = mill.set_notice_rules([{"channels": ["crm"], "kinds": ["job.*"]}])
            assert rules == mill.notice_rules() and rules["rules"][0]["severity"] == "info"
            mill.set_notice_rules([])
            mill.delete_channel("crm")
            assert mill.notice_channels() == []
    finally:
        server.stop(at_once=False)


def test_the_log_and_a_replay(app: FastAPI, client: TestClient, store: JobStore, web: Receiver) -> None:
    """A deliverer played by hand: one delivery is made, one is given up, one waits."""
    outbox = Outbox(store)
    client.post(f"{NOTICES}/channels/callback/rotate")
    put(client, "crm", web.url("/good"))
    job = str(post(client, body={"company_urls": ["a.example"], "callback_url": web.url("/good")})["job_id"])
    failed = Notice(
        "ntc_1795784400512-0", "job.failed", Severity.WARNING, "default", 1.0, job, ("spring",), {"error": "x"}
    )

    def deliver(channel: str, why: str = "") -> None:
        outbox.put(failed, channel)
        taken = outbox.take("me")
        assert taken is not None and taken.delivery.channel == channel
        came = Outcome("given_up", why, 410) if why else Outcome("sent", status=204)
        outbox.settle(taken, "me", came, 0.25)

    deliver("default:crm", "answered 410 Gone")
    deliver(f"default:callback:{job}")
    outbox.put(Notice.new("workers.gone"), "default:crm")
    outbox.put(Notice.new("workers.gone", project="acme"), "acme:crm")

    def log(**query: Any) -> list[tuple[str, str]]:
        answer = client.get(f"{NOTICES}/deliveries", params=query)
        assert answer.status_code == 200, answer.text
        return [(one["channel"], one["result"]) for one in answer.json()["items"]]

    waits, ended, told = ("crm", "waiting"), ("crm", "given_up"), (f"callback:{job}", "sent")
    assert log()[0] == waits and sorted(log()[1:]) == sorted([told, ended]) and log(limit=1) == [waits]
    assert log(channel="callback") == log(channel=told[0]) == [told], "what a job named itself is told, too"
    assert sorted(log(job=job)) == sorted([told, ended]) and log(job=job, channel="callback") == [told]
    assert log(result="given_up") == [ended] and log(channel="crm", result="sent") == log(channel="none") == []
    item = client.get(f"{NOTICES}/deliveries", params={"result": "given_up"}).json()["items"][0]
    expected = {"title": "Job 'spring' failed: x", "error": "answered 410 Gone", "status": 410, "took_s": 0.25}
    assert expected.items() <= item.items() and item["id"] == f"{failed.id}|default:crm"

    path = f"{NOTICES}/deliveries/{quote(item['id'], safe='')}/replay"
    assert client.post(path).status_code == 204
    assert log(channel="crm") == [waits, waits, ended]
    assert client.post(path).status_code == 409
    for nobodys in (f"{failed.id}|acme:crm", f"{failed.id}|default:none", "ntc_1-1|default:crm", "x"):
        assert client.post(f"{NOTICES}/deliveries/{quote(nobodys, safe='')}/replay").status_code == 404

    server = Server(app)
    try:
        with Client(server.url, retries=0) as mill:
            assert len(list(mill.deliveries(limit=2))) == 2
            mill.replay_delivery(f"{failed.id}|default:callback:{job}")
            assert [one["result"] for one in mill.deliveries(channel="callback", job=job)][-1] == "sent"
    finally:
        server.stop(at_once=False)


def test_a_file_that_cannot_be_read_is_told(client: TestClient, settings: Settings) -> None:
    (settings.data_dir / "notices.json").write_text("{")
    notice_channels.cache_clear()
    health = client.get("/healthz").json()
    assert health["status"] == "fail" and "notices.json" in health["warnings"][0]
    for path in ("channels", "rules"):
        answer = client.get(f"{NOTICES}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (503, "notices_unreadable")
    answer = client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"], "notify": ["ops"]})
    assert (answer.status_code, answer.json()["code"]) == (503, "notices_unreadable")
    assert client.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]}).status_code == 202
    (check,) = data_files.notices(settings.data_dir)
    assert (check.check, check.level) == ("notices", "fail") and "notices.json" in str(check.remedy)
