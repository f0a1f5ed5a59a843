"""Which notices go where: rules, what holds without one, what a job asks for, and what Redis knows of it."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from cli.main import all_commands
from data.notice_channels import (
    NoticeChannels,
    ProjectNotices,
    Rule,
    SigningSecret,
    StoredChannel,
    rotated,
    with_channel,
)
from leadmill.errors import InputError, NoticesUnreadableError
from leadmill.notices import KINDS, Delivery, Notice, Severity
from leadmill.redaction import redacted
from leadmill.settings import Settings
from pipelines.notices.channels.apprise import Apprise
from pipelines.notices.channels.webhook import Webhook
from pipelines.notices.message import ADVICE, title_of
from pipelines.notices.rules import Rules
from pipelines.settings_check import setting_faults

JOB = "job_01m87y64dj5hb5nx2fnv"
NOW = datetime(2027, 1, 31, tzinfo=UTC)
MAIL = "mailtos://u:secret99@mail.example.com?from=leads@example.com&to=ops@example.com"


@pytest.fixture
def channels(tmp_path: Path) -> NoticeChannels:
    return NoticeChannels(tmp_path)


@pytest.fixture
def rules(tmp_path: Path, channels: NoticeChannels) -> Rules:
    return Rules(Settings(data_url=str(tmp_path)), channels)


def channel(name: str, url: str = MAIL, secret: str = "") -> StoredChannel:
    return StoredChannel(name, url, NOW, (SigningSecret(secret),) if secret else ())


def put(channels: NoticeChannels, project: str, names: Sequence[str], *own: Rule) -> None:
    made = {name: channel(name) for name in names}
    channels.change(project, lambda had: ProjectNotices({**had.channels, **made}, own, had.callback_secrets))


def notice(kind: str, project: str = "default", tags: tuple[str, ...] = (), **asked: str) -> Notice:
    job = JOB if kind.startswith(("job.", "unit.")) else None
    return Notice("ntc_1-a", kind, KINDS[kind].severity, project, 0.0, job, tags, {}, asked)


def told(rules: Rules, *what: Notice) -> list[str]:
    return [one.name for each in what for one in rules.channels_of(each)]


def test_nobody_is_told_where_nothing_is_set_up(rules: Rules) -> None:
    assert told(rules, *map(notice, KINDS)) == [] and rules.wanted() == set()


def test_a_first_channel_hears_of_what_is_wrong(rules: Rules, channels: NoticeChannels) -> None:
    put(channels, "default", ["ops"])
    wrong = {kind.name for kind in KINDS.values() if kind.severity is not Severity.INFO}
    assert {name for name in KINDS if told(rules, notice(name)) == ["default:ops"]} == wrong == rules.wanted()
    assert told(rules, notice("job.failed", "acme")) == []


def test_what_another_process_has_just_made_hears_of_what_comes_after_it(
    tmp_path: Path, rules: Rules, channels: NoticeChannels
) -> None:
    """Whoever spreads a notice, sends it or lets Redis know who listens may have looked at the file a moment before."""
    for name, asks in (
        ("one", lambda: told(rules, notice("job.failed"))),
        ("two", rules.wanted),
        ("three", lambda: rules.channel("default:three", notice("job.failed"))),
    ):
        channels.table()  # looked at, and held for a second
        NoticeChannels(tmp_path).change("default", lambda had, name=name: with_channel(had, channel(name)))
        assert asks(), name
        NoticeChannels(tmp_path).change("default", lambda had: ProjectNotices())


def test_a_rule_says_what_goes_to_its_channels_and_others_hear_as_before(
    rules: Rules, channels: NoticeChannels
) -> None:
    put(channels, "default", ["ops", "sales"], Rule(("sales",), ("job.*",), tags=("spring",)))
    assert told(rules, notice("job.completed", tags=("spring", "x"))) == ["default:sales"]
    assert told(rules, notice("job.completed", tags=("autumn",)), notice("job.cancelled")) == []
    assert told(rules, notice("job.failed", tags=("spring",))) == ["default:sales", "default:ops"]
    assert told(rules, notice("workers.gone")) == ["default:ops"]
    assert "job.completed" in rules.wanted() and "workers.back" not in rules.wanted()


def test_severity_and_kinds_bound_a_rule(rules: Rules, channels: NoticeChannels) -> None:
    put(channels, "default", ["ops"], Rule(("ops",), ("job.failed", "workers.*"), Severity.CRITICAL))
    assert told(rules, notice("workers.gone")) == ["default:ops"]
    assert told(rules, notice("job.failed"), notice("workers.back"), notice("beat.gone")) == []
    assert rules.wanted() == {"workers.gone"}
    put(channels, "default", ["ops"], Rule(("ops",), ("job.failed",)))
    assert told(rules, notice("job.low_coverage")) == ["default:ops"], "a special case of a failed job"


def test_rules_of_the_default_project_may_be_about_others(rules: Rules, channels: NoticeChannels) -> None:
    put(channels, "acme", ["mine"])
    put(channels, "default", ["ops"], Rule(("ops",), ("job.failed",), projects=("acme", "beta")))
    assert told(rules, notice("job.failed", "acme")) == ["acme:mine", "default:ops"]
    assert told(rules, notice("job.failed", "beta")) == ["default:ops"]
    assert told(rules, notice("job.failed"), notice("job.failed", "gamma")) == []
    put(channels, "default", ["ops"], Rule(("ops",), projects=("*",)))
    assert told(rules, notice("job.completed", "gamma"), notice("job.completed")) == ["default:ops"] * 2
    assert told(rules, notice("workers.gone", "default")) == ["default:ops"], "acme hears of its own alone"


def test_a_job_asks_for_channels_addresses_and_a_callback(rules: Rules, channels: NoticeChannels) -> None:
    put(channels, "acme", ["mine"], Rule(("mine",), ("job.failed",)))
    asked = notice("job.completed", "acme", notify="mine,me@x.example,gone", callback_url="https://crm.example.com/x")
    assert told(rules, asked) == ["acme:mine", "acme:mail:me@x.example"], "no secret signs a callback yet"
    channels.change("acme", lambda had: ProjectNotices(had.channels, had.rules, (SigningSecret("whsec_a"),)))
    callback, mine, mail = rules.channels_of(asked)
    assert isinstance(callback, Webhook) and callback.name == f"acme:callback:{JOB}" and len(callback.name) <= 100
    assert (callback.url, list(callback.secrets)) == ("https://crm.example.com/x", ["whsec_a"])
    assert isinstance(mail, Apprise) and "to=me%40x.example" in mail.url and "ops%40" not in mail.url
    assert mine.groups and not callback.groups
    assert rules.channel(callback.name, notice("job.completed", "acme")) is None


def test_what_a_job_cannot_ask_for_is_refused_with_a_hint(rules: Rules, channels: NoticeChannels) -> None:
    with pytest.raises(InputError, match="needs a channel that sends mail"):
        rules.check_notify("default", ["me@x.example"])
    with pytest.raises(InputError, match="leadmill notices rotate callback"):
        rules.check_callback("default", "https://crm.example.com/")
    with pytest.raises(InputError, match=r"127\.0\.0\.1 is not a public .*LEADMILL_WEBHOOK_ALLOW"):
        rules.check_callback("default", "http://127.0.0.1/")
    put(channels, "default", ["sales"])
    with pytest.raises(InputError, match="did you mean 'sales'") as raised:
        rules.check_notify("default", ["sales", "slaes"])
    assert raised.value.field == "notify[1]"
    for wrong in ("me@", "a,b@x.example", "a b@x.example", "x" * 50 + "@x.example", "me@x.example?to=b@c.example"):
        with pytest.raises(InputError, match="no mail address"):
            rules.check_notify("default", [wrong])
    rules.check_notify("default", ["sales", "me@x.example"])


def test_a_job_has_notices_mailed_where_reports_may_be(tmp_path: Path, channels: NoticeChannels) -> None:
    put(channels, "default", ["sales"])
    bounded = Rules(Settings(data_url=str(tmp_path), mail_domains=["example.com"]), channels)
    bounded.check_notify("default", ["me@example.com"])
    with pytest.raises(InputError, match="nothing is mailed to x"):
        bounded.check_notify("default", ["me@x.example"])
    asked = notice("job.failed", notify="me@x.example,me@example.com")
    assert [name for name in told(bounded, asked) if "@" in name] == ["default:mail:me@example.com"]


def test_urls_of_the_settings_are_channels(tmp_path: Path) -> None:
    settings = Settings(data_url=str(tmp_path), notify_urls=f"{MAIL}, ntfy://leads", webhook_allow=["10.0.0.0/8"])
    rules = Rules(settings, NoticeChannels(tmp_path))
    first, second = rules.channels_of(notice("job.failed"))
    assert (first.name, second.name) == ("default:settings-1", "default:settings-2")
    assert isinstance(first, Apprise) and first.allow == ["10.0.0.0/8"] and "job.failed" in rules.wanted()
    assert rules.channels_of(notice("job.failed", "acme")) == []


def test_an_older_secret_signs_until_its_time(rules: Rules, channels: NoticeChannels) -> None:
    secrets = rotated(rotated((SigningSecret("whsec_a"),), "whsec_b", 3600, NOW), "whsec_c", 60, NOW)
    assert [one.secret for one in secrets] == ["whsec_c", "whsec_b"], "two at most"
    made = StoredChannel("crm", "https://crm.example.com/", NOW, secrets)
    channels.change("default", lambda had: with_channel(had, made))
    for later, count in ((0, 2), (59, 2), (61, 1)):
        with time_machine.travel(NOW + timedelta(seconds=later), tick=False):
            (found,) = rules.channels_of(notice("job.failed"))
            assert isinstance(found, Webhook) and len(found.secrets) == count
    assert rotated(secrets, "whsec_d", 0, NOW) == (SigningSecret("whsec_d"),)


def test_a_receiver_that_is_gone_is_off_until_it_is_put_again(rules: Rules, channels: NoticeChannels) -> None:
    made = channel("crm", "https://crm.example.com/", "whsec_a")
    channels.change("default", lambda had: with_channel(had, made))
    (found,) = rules.channels_of(notice("job.failed"))
    assert isinstance(found, Webhook)
    channels.switch_off("default", "crm", "https://other.example.com/", "410")
    assert told(rules, notice("job.failed")) == ["default:crm"], "it was given another URL meanwhile"
    found.switch_off("answered 410 Gone")
    assert told(rules, notice("job.failed")) == [] and rules.channel("default:crm", notice("job.failed")) is None
    assert channels.of("default").channels["crm"].off == "answered 410 Gone"


def test_the_file_is_for_its_owner_and_other_processes_see_a_change(tmp_path: Path, channels: NoticeChannels) -> None:
    put(channels, "acme", ["mine"], Rule(("mine",), ("job.*",), Severity.WARNING, ("x",)))
    file = tmp_path / "notices.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert NoticeChannels(tmp_path).table() == channels.table()
    assert "secret99" not in repr(channels.table())


def test_the_passwords_of_a_project_hide_nothing_that_is_told_of_another(tmp_path: Path) -> None:
    url = "jsons://u:completed@hooks.example.com/?token=warning"
    NoticeChannels(tmp_path).change("acme", lambda _: ProjectNotices({"x": channel("x", url)}))
    assert NoticeChannels(tmp_path).of("acme").channels["x"].url == url
    assert redacted.within({"completed": "warning"}) == {"completed": "warning"}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"projects": {"A b": {}}}', '{"projects": {"a": {"channels": 1, "rules": []}}}']
)
def test_a_file_that_cannot_be_read_is_told_and_changes_nothing(tmp_path: Path, rules: Rules, text: str) -> None:
    (tmp_path / "notices.json").write_text(text)
    with pytest.raises(NoticesUnreadableError, match=r"notices\.json"):
        rules.channels_of(notice("job.failed"))
    with pytest.raises(NoticesUnreadableError):
        NoticeChannels(tmp_path).change("default", lambda had: had)
    assert (tmp_path / "notices.json").read_text() == text


def test_what_is_wrong_says_what_to_do() -> None:
    said = {kind.name for kind in KINDS.values() if kind.severity is not Severity.INFO}
    assert said <= ADVICE.keys() <= KINDS.keys()


def test_the_commands_that_are_advised_are_there() -> None:
    known = all_commands()
    assert any("leadmill " in text for text in ADVICE.values())
    for kind, text in ADVICE.items():
        for words in re.findall(r"leadmill ([a-z-]+(?: [a-z-]+)?)", text):
            group, _, inner = words.partition(" ")
            command = known.commands.get(group)
            assert command is not None, (kind, words)
            assert not hasattr(command, "commands") or inner in command.commands, (kind, words)


def test_what_a_page_says_calls_nobody() -> None:
    about = {"error": "<!channel> @Everyone <@U1>\r\nmore, for a@b.example"}
    title = title_of(replace(notice("job.failed"), about=about), Delivery("x", "x"))
    assert title == f"Job {JOB} failed: <\u200b!channel> @\u200bEveryone <\u200b@U1> more, for a@b.example"
    for calls in ("@**all**", '@"all"', "<users/all>", "x@everyone"):
        said = title_of(replace(notice("job.failed"), about={"error": calls}), Delivery("x", "x"))
        assert calls not in said and said.count("\u200b") == 1


@pytest.mark.parametrize(
    ("urls", "told"),
    [
        ("ntfy://leads, syslog://", "LEADMILL_NOTIFY_URLS: URL 2: no service 'syslog'"),
        ("https://crm.example.com/geheim77", "LEADMILL_NOTIFY_URLS: URL 1: a web address is a webhook"),
    ],
)
def test_a_wrong_url_of_the_settings_stops_the_start(tmp_path: Path, urls: str, told: str) -> None:
    faults = setting_faults(Settings(data_url=str(tmp_path), notify_urls=urls))
    assert [fault.level for fault in faults] == ["fail"] and faults[0].text.startswith(told)
    assert "geheim77" not in faults[0].text
