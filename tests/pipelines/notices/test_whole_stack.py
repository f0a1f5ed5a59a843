"""A job fails, and people and programs hear of it: the running stack, a real mail server and a real receiver."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from email.message import Message as Mail

import pytest
from standardwebhooks import Webhook as Verifier

from leadmill import Client
from tests.pipelines.notices.receivers import Receiver, mail_server, receiver


@pytest.fixture
def web() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


@pytest.fixture
def mail() -> Iterator[tuple[int, list[Mail]]]:
    with mail_server() as found:
        yield found


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_failed_job_is_told_by_mail_webhook_and_callback(
    client: Client, web: Receiver, mail: tuple[int, list[Mail]]
) -> None:
    port, mails = mail
    client.put_channel("mail", f"mailto://127.0.0.1:{port}?from=leads@example.com&to=ops@example.com")
    secret = client.put_channel("crm", web.url("/crm"))["secret"]
    own = client.rotate_channel("callback")["secret"]
    assert secret is not None
    try:
        asked = {"notify": ["anna@example.com"], "callback_url": web.url("/own")}
        handle = client.submit(["www.quiet-archive.example"], tags=["spring list"], **asked)  # type: ignore[arg-type]
        assert handle.wait(timeout=60).status == "failed"
        until(lambda: {got.path for got in web.got} >= {"/crm", "/own"} and len(mails) >= 2)
        for got in web.got:
            told = Verifier(secret if got.path == "/crm" else own).verify(got.body, got.headers)
            assert told["type"] == "job.failed" and told["data"]["job_id"] == handle.id, told
        assert {mail["To"] for mail in mails} == {"ops@example.com", "anna@example.com"}
        for one in mails:
            assert " ".join(str(one["Subject"]).split()).startswith("Job 'spring list' failed: "), one["Subject"]
        until(lambda: len(list(client.deliveries(job=handle.id, result="sent"))) == 4)

        assert client.submit(["nordwind-solar.example"], tags=["good"]).wait(timeout=60).status == "completed"
        assert len(web.got) == 2, "nobody asked to hear of a job that did well"
    finally:
        for name in ("crm", "mail"):
            client.delete_channel(name)
