"""`leadmill notices` as a person meets it."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cli.main import main
from leadmill.settings import get_settings
from tests.cli.conftest import Ended

NOTICES = "/api/v1/notices"
Run = Callable[..., Any]
MAIL = {
    "name": "mail", "type": "apprise", "service": "mail", "target": "mailtos://mail.example.com to ops@example.com",
    "secrets": 0, "off": None, "from_settings": False, "made_at": "2027-01-31T08:00:00Z",
}  # fmt: skip
CRM = {
    **MAIL, "name": "crm", "type": "webhook", "service": "webhook", "target": "https://crm.example.com/…", "secrets": 2,
    "off": "answered 410 Gone",
}  # fmt: skip
RULE = {"channels": ["crm"], "kinds": ["job.*"], "severity": "info", "tags": ["spring"], "projects": []}


@pytest.fixture
def leadmill(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """The command in this process: each in one of its own would take a second."""

    def run(*arguments: str, env: dict[str, str], input: str = "") -> Ended:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", io.StringIO(input))
        get_settings.cache_clear()
        code = main(arguments)
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    yield run
    get_settings.cache_clear()


def test_channels(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    env = at(api.url)
    api.on("GET", f"{NOTICES}/channels", answer({"items": [MAIL, CRM], "next_cursor": None}))
    ended = leadmill("notices", "channels", "list", env=env)
    assert ended.out.splitlines()[1:] == [
        "mail\tmail\tmailtos://mail.example.com to ops@example.com\ton\t",
        "crm\twebhook\thttps://crm.example.com/…\toff: answered 410 Gone\t2 secrets",
    ]
    assert json.loads(leadmill("notices", "channels", "list", "--json", env=env).out) == [MAIL, CRM]

    api.on("PUT", f"{NOTICES}/channels/crm", answer({**CRM, "off": None, "secret": "whsec_new"}))
    ended = leadmill("notices", "channels", "add", "crm", "https://crm.example.com/hook", env=env)
    assert ended.out == "whsec_new\n" and "shown this once" in ended.err
    assert api.requests[-1].json == {"url": "https://crm.example.com/hook"}
    api.on("PUT", f"{NOTICES}/channels/mail", answer({**MAIL, "secret": None}))
    ended = leadmill("notices", "channels", "add", "mail", input="mailtos://u:p@mail.example.com\n", env=env)
    assert ended.code == 0 and api.requests[-1].json == {"url": "mailtos://u:p@mail.example.com"}
    assert ended.out == "" and "leadmill notices channels test mail" in ended.err

    api.on("POST", f"{NOTICES}/channels/crm/test", answer({"taken": False, "error": "answered 500"}))
    ended = leadmill("notices", "channels", "test", "crm", env=env)
    assert ended.code == 2 and "crm has not taken it: answered 500" in ended.err
    api.on("POST", f"{NOTICES}/channels/mail/test", answer({"taken": True, "error": None}))
    assert leadmill("notices", "channels", "test", "mail", env=env).code == 0

    api.on("DELETE", f"{NOTICES}/channels/mail", answer(None, 204))
    assert leadmill("notices", "channels", "remove", "mail", env=env).out == "mail\n"


def test_rotate(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    api.on(
        "POST", f"{NOTICES}/channels/callback/rotate", answer({"name": "callback", "secret": "whsec_x", "grace_s": 1})
    )
    ended = leadmill("notices", "rotate", "callback", "--grace", "2d", env=at(api.url))
    assert ended.out == "whsec_x\n" and api.requests[-1].json == {"grace_s": 172_800}
    ended = leadmill("notices", "rotate", "callback", "--grace", "soon", env=at(api.url))
    assert ended.code == 2 and "not a time" in ended.err


def test_rules(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    env = at(api.url)
    api.on("GET", f"{NOTICES}/rules", answer({"rules": [RULE], "unnamed": ["mail"]}))
    ended = leadmill("notices", "rules", "list", env=env)
    assert ended.out.splitlines()[1:] == ["1\tjob.*\tinfo\tspring\t\tcrm", "\tall\twarning\tany\t\tmail"]
    api.on("PUT", f"{NOTICES}/rules", answer({"rules": [RULE, RULE], "unnamed": []}))
    more = ["--kind", "job.failed", "--severity", "warning", "--tag", "x", "--project", "*"]
    assert "rule 2" in leadmill("notices", "rules", "add", "mail", *more, env=env).err
    added = {"channels": ["mail"], "kinds": ["job.failed"], "severity": "warning", "tags": ["x"], "projects": ["*"]}
    assert api.requests[-1].json == {"rules": [RULE, added]}
    assert leadmill("notices", "rules", "remove", "1", env=env).out == "1\n"
    assert api.requests[-1].json == {"rules": []}
    ended = leadmill("notices", "rules", "remove", "2", env=env)
    assert ended.code == 2 and "no rule 2" in ended.err


def test_whom_a_job_tells(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    api.on("POST", "/api/v1/pipelines", answer({"job_id": "job_" + "0" * 20, "links": {}}, 202))
    told = ["--notify", "sales", "--notify", "me@x.example", "--callback-url", "https://crm.example.com/hook"]
    assert leadmill("submit", "a.example", *told, env=at(api.url)).code == 0
    sent = api.requests[-1].json
    assert (sent["notify"], sent["callback_url"]) == (["sales", "me@x.example"], "https://crm.example.com/hook")


def test_log_and_replay(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    env = at(api.url)
    delivery = {
        "id": "ntc_1-0|default:crm", "channel": "crm", "notice": "ntc_1-0", "kind": "job.failed", "severity": "warning",
        "job_id": None, "title": "Job 'spring' failed", "result": "given_up", "attempt": 9,
        "at": "2027-01-31T08:00:07.122Z", "error": "answered 500", "status": 500, "took_s": 0.2,
    }  # fmt: skip
    api.on("GET", f"{NOTICES}/deliveries", answer({"items": [delivery], "next_cursor": None}))
    options = ["--channel", "crm", "--job", "job_1", "--result", "given_up", "--limit", "3"]
    ended = leadmill("notices", "log", *options, env=env)
    assert ended.out.splitlines()[1:] == [
        "2027-01-31 08:00:07\tcrm\tgiven up\t9\tJob 'spring' failed\tanswered 500\tntc_1-0|default:crm"
    ]
    assert "leadmill notices replay 'ntc_1-0|default:crm'" in ended.err, "a line to paste"
    assert api.requests[-1].query == {"channel": "crm", "job": "job_1", "result": "given_up", "limit": "3"}
    assert json.loads(leadmill("notices", "log", "--json", env=env).out) == [delivery]
    api.on("POST", f"{NOTICES}/deliveries/ntc_1-0%7Cdefault%3Acrm/replay", answer(None, 204))
    ended = leadmill("notices", "replay", "ntc_1-0|default:crm", env=env)
    assert ended.out == "ntc_1-0|default:crm\n", ended.err
