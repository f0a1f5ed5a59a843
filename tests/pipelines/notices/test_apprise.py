"""Messages for people: sent to a real mail server and a real web server; and what a URL may not reach."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message as Mail
from pathlib import Path

import pytest

from leadmill.errors import InputError
from leadmill.notices import Delivery, Notice, Severity
from pipelines.notices.channel import ChannelError
from pipelines.notices.channels.apprise import Apprise, check, told
from pipelines.notices.channels.services import SERVICES, mail_to, service_of, target_of
from pipelines.notices.message import text_of, title_of
from tests.pipelines.notices.receivers import Receiver, mail_server, receiver

pytestmark = pytest.mark.stack

HERE = ["127.0.0.0/8"]
JOB = "job_01m87y64dj5hb5nx2fnv"
ABOUT = {
    "kind": "pipeline",
    "status": "failed",
    "companies": 300,
    "coverage": 0.04,
    "error": "a <b>\r\nBcc: x@y.example",
}
FAILED = Notice("ntc_1-a", "job.low_coverage", Severity.WARNING, "acme", 1_800_000_000.0, JOB, ("spring list",), ABOUT)


@pytest.fixture(scope="module")
def web() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture(scope="module")
def mail() -> Iterator[tuple[int, list[Mail]]]:
    with mail_server() as found:
        yield found


def send(url: str, allow: list[str], **about: int) -> None:
    channel = Apprise("acme:x", url, allow, "https://leads.example.com")
    channel.send(FAILED, Delivery("ntc_1-a|acme:x", "acme:x", **about))


def refused(url: str, allow: list[str]) -> ChannelError:
    with pytest.raises(ChannelError) as raised:
        send(url, allow)
    return raised.value


def test_a_mail_reads_like_one(mail: tuple[int, list[Mail]]) -> None:
    port, mails = mail
    send(f"mailto://127.0.0.1:{port}?from=leads@example.com&to=sales@example.com", HERE, more=41)
    (got,) = mails
    title = "Job 'spring list' failed: only 12 of 300 companies have a good row (and 41 more like it)"
    assert " ".join(str(got["Subject"]).split()) == title
    assert (got["From"], got["To"]) == ("leads@example.com", "sales@example.com")
    text = got.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert got.get_content_type() == "text/plain" and "Error: a <b> Bcc: x@y.example" in text
    for line in (
        f"leadmill resume {JOB}",
        f"https://leads.example.com/api/v1/jobs/status/{JOB}",
        "Leadmill on leads.example.com, ",
        "warning, project acme",
    ):
        assert line in text
    assert "x@y.example" not in got["X-RcptTo"]


def test_plain_http_follows_no_redirect_and_reaches_nothing_inside(web: Receiver) -> None:
    target = f"json://127.0.0.1:{web.port}"
    send(f"{target}/good", HERE)
    assert "spring list" in json.loads(web.got[-1].body)["title"]
    assert refused(f"{target}/inward", HERE).retry
    assert [got.path for got in web.got] == ["/good", "/inward"]
    inside = refused(f"{target}/good", [])
    assert not inside.retry and "127.0.0.1 is not a public address" in inside.why
    assert "LEADMILL_WEBHOOK_ALLOW" in inside.why and len(web.got) == 2


def test_a_message_says_what_there_is_to_do() -> None:
    about = {"kind": "pipeline", "companies": 3, "coverage": 1 / 3, "error": None}
    done, one = Notice("ntc_1-a", "job.completed", Severity.INFO, "acme", 1.0, JOB, (), about), Delivery("x|y", "y")
    assert title_of(done, one) == f"Job {JOB} is done: 1 of 3 companies has a good row"
    assert f"leadmill report {JOB}" in text_of(done, one, None)
    assert "leadmill report" not in text_of(replace(done, about={**about, "kind": "cleanup"}), one, None)
    ready = replace(done, kind="report.ready", tags=("spring list",))
    assert title_of(ready, one) == "The report of job 'spring list' is ready"
    error = "no company has a row without error; see the errors of the job"
    failed = replace(done, kind="job.failed", about={"error": error})
    assert title_of(failed, one) == f"Job {JOB} failed: no company has a row without error"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///etc/passwd", "no service"),
        ("dbus://", "no service"),
        ("syslog://", "no service"),
        ("windows://", "no service"),
        ("apprise://127.0.0.1/x", "no service"),
        ("slak://a/b/c", "did you mean 'slack'"),
        ("mailto://h.example?from=a@b.example&pgpprv=/root/key", "no files"),
        ("workflows://h/a/b?template=/etc/passwd", "no files"),
        ("json://h.example?redirect=yes", "no files"),
        ("https://x.logic.azure.com/workflows/a/triggers/manual/paths/invoke?sig=b&template=/etc/passwd", "no files"),
        ("mail.example.com", "not a URL"),
        ("json://a b", "not a URL"),
        ("slack://short", "token"),
        ("mailto://mail.example.com", "?from=ADDRESS"),
    ],
)
def test_what_is_no_service_is_refused(url: str, told: str) -> None:
    with pytest.raises(InputError) as raised:
        check(url) if service_of(url) else None
    assert told.lower() in str(raised.value).lower() and raised.value.field == "url"


def test_a_failure_tells_no_secret() -> None:
    error = refused("mailto://sender:hunter22@127.0.0.1:1?from=a@b.example&to=c@d.example", HERE)
    assert error.retry and "hunter22" not in error.why
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    said = told(url, {"error": "no route to /services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"})
    assert said == "no route to /services/***/***/***"
    inner = told("ntfy://127.0.0.1/leads", {"error": "refused: 127.0.0.1 is not a public address", "refused": True})
    assert inner.startswith("refused: 127.0.0.1 is not a public address; ")


def test_the_process_that_sends_can_do_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    tries = f"""
import os, socket, subprocess
from pipelines.notices.channels.apprise_process import confine
refusals = []
confine([80], [], refusals)
def tried(act):
    try:
        act()
    except PermissionError as error:
        return str(error)
    return "done"
print(tried(lambda: open({str(tmp_path / "secret")!r})))
print(tried(lambda: open({str(tmp_path / "new")!r}, "w")))
print(tried(lambda: subprocess.run(["true"])))
print(tried(lambda: os.system("true")))
print(tried(lambda: socket.create_connection(("127.0.0.1", 80), 1)))
print(tried(lambda: socket.socket(socket.AF_UNIX).connect("/run/x")))
print(tried(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("8.8.8.8", 53))))
print(tried(lambda: open(os.__file__).close()), refusals)
"""
    root = Path(__file__).parents[3]
    ended = subprocess.run([sys.executable, "-c", tries], cwd=root, capture_output=True, text=True, check=False)
    told = ended.stdout.splitlines()
    assert len(told) == 8, ended.stderr
    assert all(line.startswith("refused: ") for line in told[:7]), told
    assert told[7].startswith("done ['127.0.0.1 is not a public address', 'a socket of this machine']")


def test_a_packed_answer_takes_little_memory(web: Receiver) -> None:
    asked = {
        "url": f"json://127.0.0.1:{web.port}/packed", "module": "custom_json", "ports": [], "allow": HERE,
        "title": "a", "body": "b", "severity": "info",
    }  # fmt: skip
    # A process's peak counts the memory of whoever started it: that is a small one, and not this.
    starter = """
import resource, subprocess, sys
subprocess.run([sys.executable, "-P", "-m", "pipelines.notices.channels.apprise_process"], check=True)
print("", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    root = {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-P", "-c", starter]
    ended = subprocess.run(command, input=json.dumps(asked).encode(), capture_output=True, env=root, check=True)
    answer, used = ended.stdout.rsplit(maxsplit=1)
    assert "MemoryError" in json.loads(answer)["error"] and int(used) < 250_000, ended.stdout


def test_each_service_is_one_of_apprise() -> None:
    tries = "\n".join(
        f"import apprise.plugins.{one.module} as m; assert any({schema!r} in str(getattr(c, n, '')) for c in "
        f"vars(m).values() for n in ('protocol', 'secure_protocol')), {schema!r}"
        for schema, one in SERVICES.items()
    )
    ended = subprocess.run([sys.executable, "-c", tries], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_of_a_url_only_what_is_no_secret_is_shown() -> None:
    assert (
        target_of("mailtos://u:pass@mail.example.com:465?to=a@b.example")
        == "mailtos://mail.example.com:465 to a@b.example"
    )
    assert target_of("slack://token/a/b") == "slack://…"
    assert target_of("https://hooks.slack.com/services/T/A/x") == "hooks.slack.com"
    assert target_of("https://crm.example.com:8443/hook?key=x") == "https://crm.example.com:8443/…"
    address = mail_to(
        "mailtos://u:p%40ss@mail.example.com?from=a%2Bb@x.example&to=c@d.example&cc=e@f.example", "g@h.example"
    )
    assert address == "mailtos://u:p%40ss@mail.example.com?from=a%2Bb%40x.example&to=g%40h.example"
