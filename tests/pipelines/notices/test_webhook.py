"""Signed webhooks, sent to a real server and checked by somebody else's verifier."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from leadmill.egress import parse_allow
from leadmill.notices import Delivery, Notice, Severity
from pipelines.notices.channel import ChannelError
from pipelines.notices.channels import posting
from pipelines.notices.channels.services import refuse_url
from pipelines.notices.channels.signing import headers, key_of, new_secret
from pipelines.notices.channels.webhook import Webhook, body_of
from tests.pipelines.notices.receivers import Receiver, receiver

pytestmark = pytest.mark.stack

HERE = parse_allow(["127.0.0.0/8"])
JOB = "job_01m87y64dj5hb5nx2fnv"
ABOUT = {"kind": "pipeline", "status": "failed", "companies": 300, "coverage": 0.04, "error": "Straße?api_key=hidden1"}
FAILED = Notice("ntc_1-a", "job.failed", Severity.WARNING, "acme", 1_800_000_000.5, JOB, ("spring",), ABOUT)


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def send(url: str, *secrets: str, **more: object) -> None:
    channel = Webhook("acme:crm", url, secrets or (new_secret(),), HERE, "https://leads.example.com", **more)  # type: ignore[arg-type]
    channel.send(FAILED, Delivery("ntc_1-a|acme:crm", "acme:crm"))


def refused(url: str, **more: object) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        send(url, **more)
    return raised.value


def test_a_zero_is_told() -> None:
    nothing = replace(FAILED, about={"companies": 3, "coverage": 0.0, "category": None})
    sent = json.loads(body_of(nothing, Delivery("ntc_1-a|acme:crm", "acme:crm"), None))
    assert sent["data"]["coverage"] == 0 and not {"category", "link", "resolves"} & set(sent["data"])


def test_what_is_sent_is_json_signed_as_it_is_sent(server: Receiver) -> None:
    secret = new_secret()
    send(server.url("/good"), secret)
    (got,) = server.got
    told = Verifier(secret).verify(got.body, got.headers)
    assert told == {
        "type": "job.failed",
        "timestamp": "2027-01-15T08:00:00.500Z",
        "data": {
            **ABOUT, "error": "Straße?api_key=***", "severity": "warning", "project": "acme", "job_id": JOB,
            "title": "Job 'spring' failed: Straße?api_key=***", "tags": ["spring"],
            "link": f"https://leads.example.com/api/v1/jobs/status/{JOB}",
        },
    }  # fmt: skip
    assert got.headers["webhook-id"] == "ntc_1-a" and got.headers["content-type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(got.body + b" ", got.headers)
    with pytest.raises(WebhookVerificationError):
        Verifier(new_secret()).verify(got.body, got.headers)


def test_each_try_is_signed_anew_under_the_same_id(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = new_secret()
    assert refused(server.url("/twice")).retry
    monkeypatch.setattr(time, "time", lambda at=time.time: at() + 5)
    send(server.url("/twice"), secret)
    first, second = server.got
    assert first.body == second.body and first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"]) + 5
    Verifier(secret).verify(second.body, second.headers)


def test_the_receiver_of_the_docs_believes_it(server: Receiver, root: Path) -> None:
    page = (root / "docs" / "notices.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    made: dict[str, Any] = {}
    exec(block, made)
    secret = new_secret()
    send(server.url("/good"), secret)
    assert made["received"](secret, server.got[0].headers, server.got[0].body)["type"] == "job.failed"


def test_two_secrets_sign_while_one_is_exchanged(server: Receiver) -> None:
    new, old = new_secret(), new_secret()
    send(server.url("/good"), new, old)
    (got,) = server.got
    for secret in (new, old):
        Verifier(secret).verify(got.body, got.headers)
    assert len(got.headers["webhook-signature"].split()) == 2


def test_a_receiver_that_is_gone_is_switched_off(server: Receiver) -> None:
    told: list[str] = []
    error = refused(server.url("/410"), switch_off=told.append)
    assert not error.retry and error.status == 410 and told == [error.why]


def test_what_is_refused_for_now_is_tried_again(server: Receiver) -> None:
    busy = refused(server.url("/busy"))
    assert (busy.retry, busy.after_s, busy.status, busy.why) == (True, 7.0, 429, "answered 429")
    assert refused(server.url("/500")).retry
    assert refused("http://127.0.0.1:1/").retry


def test_no_redirect_is_followed(server: Receiver) -> None:
    for path, where in (("/redirect", server.url("/good")), ("/inward", "http://169.254.169.254/latest/meta-data")):
        error = refused(server.url(path))
        assert not error.retry and where in error.why
    assert [got.path for got in server.got] == ["/redirect", "/inward"]
    assert "token-of-mine" not in (why := refused(server.url("/echo/token-of-mine")).why) and "/echo/***" in why


def test_a_huge_answer_is_left_and_a_slow_one_too(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    send(server.url("/huge"))
    reply = posting.post(server.url("/huge"), b"{}", {}, HERE)
    assert reply.status == 200 and len(reply.text) == posting.ANSWER_BYTES
    with pytest.raises(posting.NotReachedError, match=r"no answer within 0\.3 s"):
        posting.post(server.url("/slow"), b"{}", {}, HERE, whole_s=0.3)


INNER = [
    "http://127.0.0.1:8080/", "http://localhost/", "http://10.1.2.3/", "http://169.254.169.254/latest", "http://[::1]/",
    "http://0x7f000001/", "http://2130706433/", "http://redis/", "http://db.internal/", "http://[::ffff:127.0.0.1]/",
]  # fmt: skip


@pytest.mark.parametrize("url", INNER)
def test_an_inner_address_is_refused_unless_allowed(url: str) -> None:
    assert refuse_url(url)
    with pytest.raises(posting.RefusedTargetError):
        posting.post(url, b"{}", {})


def test_where_a_name_leads_is_judged_as_it_is_dialled(server: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that was public when the channel was made, and leads inward now."""
    monkeypatch.setattr(posting.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", ("127.0.0.1", server.port))])
    url = f"http://hooks.example.com:{server.port}/good"
    assert refuse_url(f"{url}", HERE) is None
    with pytest.raises(posting.RefusedTargetError, match="not a public address"):
        posting.post("http://hooks.example.com:8080/good", b"{}", {})
    assert server.got == []
    assert posting.post(url, b"{}", {}, HERE).status == 204


@pytest.mark.parametrize(
    "url",
    [
        "https://u:p@hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://hooks.example.com/#x",
        "https://",
        "x" * 9,
        "https://hooks.example.com/ä",
        "https://h\u2024ooks.example.com/",
        "https://\u2460.example.com/",
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    assert refuse_url(url) and refuse_url(url, HERE)


def test_a_secret_is_one_that_others_can_use() -> None:
    secret = new_secret()
    assert len(key_of(secret)) == 32
    for wrong in ("whsec_", "whsec_c2hvcnQ=", secret.removeprefix("whsec_"), "whsec_!!!"):
        with pytest.raises(ValueError, match="whsec_ and base64"):
            key_of(wrong)
    assert headers([], "ntc_1-a", 1, b"")["webhook-signature"] == ""
