"""Reports by mail: what is handed to a real mail server, and what its refusals mean."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from data.lake import Lake
from leadmill.errors import InputError
from leadmill.ids import new_job_id
from leadmill.mail_address import is_address
from leadmill.notices import Delivery, Notice
from leadmill.redaction import redacted
from leadmill.settings import Settings
from pipelines.notices import report_mail, smtp
from pipelines.notices.channel import ChannelError
from pipelines.notices.report_mail import ReportMail, check_mail_to, report_mails
from tests.stand_ins.mail_server import MailBox, mail_server

pytestmark = pytest.mark.stack  # sockets
TO = "anna.meier@example.com"
PASSWORD = "p@ss/w:rd"


@pytest.fixture
def box() -> Iterator[MailBox]:
    with mail_server() as started:
        yield started


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "var")


@pytest.fixture
def settings(box: MailBox, lake: Lake) -> Settings:
    url = f"smtp://robot:p%40ss%2Fw%3Ard@127.0.0.1:{box.port}?from=leads@sender.example"
    return Settings(data_url=str(lake.root), smtp_url=url)


@pytest.fixture
def notice(lake: Lake) -> Notice:
    """Of a job whose report lies in the lake."""
    job = new_job_id()
    folder = lake.job_dir(job) / "reports"
    folder.mkdir(parents=True)
    written = {"subject": "Süd: 3 leads", "text": "Grüße\n.\nend", "html": "<body>Grüße</body>"}
    (folder / "mail.json").write_text(json.dumps(written))
    (folder / "report.csv").write_bytes("\ufeffname\r\nMüller\r\n".encode())
    asked = {"mail_to": f"{TO},not an address"}
    return Notice("ntc_1-1", "report.ready", Notice.new("report.ready").severity, "default", 1e9, job,
                  about={"status": "completed"}, asked=asked)  # fmt: skip


def send(settings: Settings, notice: Notice, to: str = TO) -> None:
    ReportMail(f"default:report:{to}", to, settings).send(notice, Delivery(f"{notice.id}|{to}", to))


def parts(mail: EmailMessage) -> dict[str, EmailMessage]:
    return {part.get_content_type(): part for part in mail.walk() if isinstance(part, EmailMessage)}


def test_a_report_arrives_with_its_csv(box: MailBox, settings: Settings, notice: Notice) -> None:
    assert report_mails(notice) == [TO]
    send(settings, notice)
    send(settings, notice)  # its deliverer died before it could note that it was taken
    mail, again = box.mails
    assert (mail["From"], mail["To"], mail["Subject"]) == ("Leadmill <leads@sender.example>", TO, "Süd: 3 leads")
    assert box.envelopes == [TO] * 2 and box.logins[0] == f"robot\0{PASSWORD}"
    found = parts(mail)
    assert found["text/plain"].get_content().split() == ["Grüße", ".", "end"]
    assert "Grüße" in found["text/html"].get_content()
    assert found["text/csv"].get_payload(decode=True) == "\ufeffname\r\nMüller\r\n".encode()
    assert found["text/csv"].get_content_charset() == "utf-8"
    assert found["text/csv"].get_filename() == f"{notice.job_id}.csv"
    assert mail["Message-ID"] == again["Message-ID"] and mail["Message-ID"].endswith("@sender.example>")
    assert mail["Auto-Submitted"] == "auto-generated"


def test_a_large_csv_is_told_of_instead(
    box: MailBox, settings: Settings, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_mail, "MAX_ATTACHED", 10)
    send(settings, notice)
    (mail,) = box.mails
    found = parts(mail)
    assert "text/csv" not in found
    for kind in ("text/plain", "text/html"):
        assert f"leadmill report {notice.job_id} --format csv" in found[kind].get_content()


@pytest.mark.parametrize("written", ["", "[1]", '{"subject": 1, "text": "", "html": ""}', None])
def test_what_cannot_be_read_is_mailed_without(
    written: str | None, box: MailBox, settings: Settings, notice: Notice, lake: Lake
) -> None:
    assert notice.job_id is not None
    file = lake.job_dir(notice.job_id) / "reports/mail.json"
    file.unlink() if written is None else file.write_text(written)
    send(settings, notice)
    assert box.mails[0]["Subject"] == f"The report of job {notice.job_id} is ready"
    assert "text/csv" in parts(box.mails[0])


def test_no_header_can_be_put_in(box: MailBox, settings: Settings, notice: Notice, lake: Lake) -> None:
    assert notice.job_id is not None
    file = lake.job_dir(notice.job_id) / "reports/mail.json"
    file.write_text(json.dumps({"subject": "a\r\nBcc: evil@x.com\r\n\r\nbody", "text": "t", "html": ""}))
    send(settings, notice)
    assert box.mails[0]["Bcc"] is None and box.envelopes == [TO]
    assert box.mails[0]["Subject"] == "a Bcc: evil@x.com body"


@pytest.mark.parametrize(
    "text",
    ["a@b.de\nBcc: c@d.de", "a b@c.de", "<a@b.de>", "a@b", "@b.de", "a@b.de,c@d.de", "a|b@c.de", "-f@b.de", "ü@b.de",
     "a@b.de>", f"{'a' * 40}@{'b' * 30}.de", "", None],
)  # fmt: skip
def test_what_is_no_address(text: Any) -> None:
    assert not is_address(text)


def test_who_may_get_something(settings: Settings, notice: Notice, box: MailBox) -> None:
    bounded = settings.model_copy(update={"mail_domains": ["Example.com"]})
    check_mail_to(bounded, [TO])
    with pytest.raises(InputError, match=r"LEADMILL_MAIL_DOMAINS allows Example\.com") as refused:
        check_mail_to(bounded, [TO, "a@elsewhere.com"])
    assert refused.value.field == "report.mail_to[1]"
    with pytest.raises(InputError, match="LEADMILL_SMTP_URL"):
        check_mail_to(settings.model_copy(update={"smtp_url": None}), [TO])
    with pytest.raises(ChannelError) as given_up:  # it was allowed when the job was submitted
        send(bounded, notice, "a@elsewhere.com")
    assert not given_up.value.retry and box.mails == []


@pytest.mark.parametrize(
    ("at", "answer", "again"),
    [
        ("RCPT", "550 no such user", False), ("RCPT", "450 greylisted", True), ("MAIL", "553 sender", False),
        (".", "554 spam", False), (".", "452 full", True), ("AUTH", "535 wrong password", True),
        ("EHLO", "421 later", True),
    ],
)  # fmt: skip
def test_what_a_refusal_means(
    at: str, answer: str, again: bool, box: MailBox, settings: Settings, notice: Notice
) -> None:
    box.answers[at] = answer
    if at == "EHLO":
        box.answers["HELO"] = answer
    with pytest.raises(ChannelError) as refused:
        send(settings, notice)
    assert refused.value.retry is again and answer[:3] in refused.value.why
    assert PASSWORD not in refused.value.why and box.mails == []


def test_a_server_that_is_slow_or_away(
    box: MailBox, settings: Settings, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "_ALL_S", 0.3)
    box.slow_s = 0.1
    with pytest.raises(ChannelError, match="not within") as refused:
        send(settings, notice)
    assert refused.value.retry
    away = settings.model_copy(update={"smtp_url": "smtp://127.0.0.1:1"})
    with pytest.raises(ChannelError, match=r"127\.0\.0\.1:1: .*refused") as refused:
        send(away, notice)
    assert refused.value.retry


def test_a_mail_that_was_taken_is_not_sent_again_for_a_bad_goodbye(
    box: MailBox, settings: Settings, notice: Notice
) -> None:
    box.answers["QUIT"] = "451 odd"
    send(settings, notice)
    assert len(box.mails) == 1


def test_a_password_is_sent_encrypted_only(
    box: MailBox, settings: Settings, notice: Notice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "LOOPBACK_NAMES", frozenset())
    with pytest.raises(ChannelError, match="no encryption"):
        send(settings, notice)
    assert box.logins == []


@pytest.mark.parametrize(
    "url", ["http://a.de", "smtp://", "smtp://a.de/x", "smtp://a.de?from=x", "smtp://a.de?to=a@b.de", "smtps://a.de:0"]
)
def test_what_is_no_mail_server(url: str) -> None:
    with pytest.raises(ValueError, match=r"mail server|mail address|smtp_url|SMTP_URL"):
        Settings(smtp_url=url)


def test_the_servers_password_is_told_nowhere(settings: Settings) -> None:
    assert settings.smtp_url is not None and PASSWORD not in redacted(f"x {settings.smtp_url} {PASSWORD}")
    assert "p%40ss" not in redacted(settings.smtp_url)
