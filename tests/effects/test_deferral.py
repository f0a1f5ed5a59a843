"""A host that says "later": whether its company is asked again, when, and what is told of it meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data.jobs import Status
from tasks.scraping import leaving, task
from tests.effects.conftest import V1, Mill
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.hostile_server import Asked, HostileServer

CRAWL = {"max_pages": 1}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waves wait as long as the hosts say, and no longer."""
    monkeypatch.setattr(task, "least_wait_s", lambda wave: 0.0)


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Hosts named by what they answer instead of a page, so many times."""

    def host(name: str, status: int, times: int = 1_000, body: bytes = b"later", **headers: str) -> None:
        left = [times]

        async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
            if asked.path != "/robots.txt" and left[0] > 0:
                left[0] -= 1
                hostile_server.send(
                    writer, body, status, {name.replace("_", "-"): text for name, text in headers.items()}
                )
            else:
                hostile_server.send(writer)

        monkeypatch.setitem(hostile_server.BEHAVIOURS, name, answer)

    return host


def submit(mill: Mill, server: HostileServer, *names: str, **more: Any) -> str:
    urls = [server.url(name, scheme="http") for name in names]
    return mill.run("/jobs/scrape/companies", {"company_urls": urls, "crawl": CRAWL, **more})


def status(mill: Mill, job: str) -> dict[str, Any]:
    found: dict[str, Any] = mill.http.get(f"{V1}/jobs/status/{job}").json()
    return found


def errors(mill: Mill, job: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = mill.http.get(f"{V1}/jobs/{job}/errors").json()["items"]
    return items


def to_the_end(mill: Mill, job: str) -> dict[str, Any]:
    """The job when it has ended; what waits is claimed when it is due, as a worker's reconciler does."""
    until = time.monotonic() + 30
    while (seen := status(mill, job))["status"] not in ("completed", "failed"):
        assert time.monotonic() < until, seen
        mill.claim()
        time.sleep(0.05)
    return seen


def test_its_company_has_its_row_once_when_it_may_be_asked(
    mill: Mill, server: HostileServer, says: Callable[..., None]
) -> None:
    says("shy", 429, 2, Retry_After="0")  # the crawl itself asks again once
    job = submit(mill, server, "plain", "shy")
    began = status(mill, job)
    assert began["status"] == Status.RETRY
    assert began["waiting_for"].startswith("1 company waits until ")
    assert began["waiting_for"].endswith(" UTC, as its host asked (wave 1 of 3)")
    assert len(mill.rows(job, "scrape")) == 1, "its neighbour is done"
    (left,) = errors(mill, job)
    assert (left["scope"], left["status"]) == ("company", 429)
    assert left["error"].startswith("the page answers that we ask too often (HTTP 429), come again at 20")
    asked = datetime.fromisoformat(left["deferred_until"])
    assert abs((asked - datetime.now(UTC)).total_seconds()) < 3
    ended = to_the_end(mill, job)
    assert (ended["status"], ended["coverage"]) == ("completed", 1)
    assert sorted(row["pages"] for row in mill.rows(job, "scrape")) == [1, 1]
    assert errors(mill, job) == [] and ended["waiting_for"] is None
    told = mill.http.get(f"{V1}/ledger", params={"job": job, "outcome": "answered"}).json()["items"]
    assert sorted(entry["status"] for entry in told if "shy" in entry["url"] and entry["kind"] == "home") == [
        200,
        429,
        429,
    ]


def test_who_would_be_waited_for_in_the_crawl_holds_no_process(
    mill: Mill, server: HostileServer, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "SHORT_S", 0.2)
    says("shy", 429, 1, Retry_After="1")
    job = submit(mill, server, "plain", "shy")
    assert status(mill, job)["status"] == Status.RETRY, "its process waited for the host"
    (left,) = errors(mill, job)
    assert (left["scope"], left["status"]) == ("company", 429) and "asks to be left alone until" in left["error"]
    assert server.paths("shy").count("/") == 1
    ended = to_the_end(mill, job)
    assert (ended["coverage"], errors(mill, job)) == (1, [])
    assert sorted(row["pages"] for row in mill.rows(job, "scrape")) == [1, 1]
    assert server.paths("shy").count("/") == 2


def test_waves_are_some_seconds_apart_also_where_the_host_says_at_once(
    mill: Mill, server: HostileServer, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "least_wait_s", leaving.least_wait_s)
    says("always", 429, Retry_After="0")
    job = submit(mill, server, "always")
    (left,) = errors(mill, job)
    said, asked = (datetime.fromisoformat(left[name]) for name in ("at", "deferred_until"))
    assert asked - said == timedelta(seconds=leaving.SHORT_S)
    assert [leaving.least_wait_s(wave) for wave in range(3)] == [5, 10, 20]
    mill.claim()
    assert server.paths("always").count("/") == 2, "a wave came before its time"


def test_a_host_that_never_stops_saying_so_is_an_error_after_three_waves_and_a_resume_has_waves_again(
    mill: Mill, server: HostileServer, says: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    waves = set[int]()
    monkeypatch.setattr(task, "least_wait_s", lambda wave: waves.add(wave) or 0.0)  # type: ignore[func-returns-value]
    says("always", 429, Retry_After="0")
    job = submit(mill, server, "plain", "always")
    ended = to_the_end(mill, job)
    assert (ended["status"], ended["coverage"]) == ("completed", 0.5)
    scrape = ended["stages"][0]
    assert (scrape["rows_in"], scrape["rows_out"], scrape["errors"]) == (2, 1, 1)
    assert scrape["partitions"] == {"total": 2 + 3, "done": 2 + 3, "failed": 0}
    assert waves >= {0, 1, 2}, "each waits at least as long as its number says"
    (left,) = errors(mill, job)
    assert left["deferred_until"] is None and left["error"].startswith("the page answers that we ask too often")
    says("always", 429, 3, Retry_After="0")  # each crawl asks twice
    mill.resume(job)
    assert to_the_end(mill, job)["coverage"] == 1
    record = mill.store.record(job)
    assert record and record.attempt == 2 and record.wave == 1
    assert len(mill.rows(job, "scrape")) == 2


def test_maintenance_that_says_when_it_is_over_is_waited_for(
    mill: Mill, server: HostileServer, says: Callable[..., None]
) -> None:
    body = b"<html><title>Maintenance</title><h1>Down for scheduled maintenance</h1><p>We will be back soon.</p></html>"
    says("works", 503, 2, body, Retry_After="0")
    job = submit(mill, server, "works")
    (left,) = errors(mill, job)
    assert left["code"] == "maintenance" and left["deferred_until"]
    assert to_the_end(mill, job)["coverage"] == 1


@pytest.mark.parametrize("status_code", [429, 503])
def test_a_host_that_does_not_even_give_its_robots_txt_is_waited_for(
    mill: Mill, server: HostileServer, monkeypatch: pytest.MonkeyPatch, status_code: int
) -> None:
    left_to_say = [2]  # the crawl itself asks again once

    async def robots_later(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if left_to_say[0] > 0 and asked.path == "/robots.txt":
            left_to_say[0] -= 1
            hostile_server.send(writer, b"", status_code, {"Retry-After": "0"})
        else:
            hostile_server.send(writer)

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "no-robots", robots_later)
    job = submit(mill, server, "plain", "no-robots")
    (left,) = errors(mill, job)
    assert left["error"].startswith(f"robots.txt cannot be read (HTTP {status_code}), which forbids crawling for now; ")
    assert left["deferred_until"]
    assert "asked again" in mill.http.get(f"/ui/jobs/{job}/errors").text
    assert to_the_end(mill, job)["coverage"] == 1 and errors(mill, job) == []


@pytest.mark.parametrize(
    ("status_code", "headers", "more"),
    [
        (429, {}, {}),  # not when
        (404, {"Retry_After": "2"}, {}),  # nothing that is over later
        (429, {"Retry_After": "7200"}, {}),  # longer than a job waits
        (429, {"Retry_After": "600"}, {"deadline": 300}),  # beyond its deadline
    ],
)
def test_what_no_job_waits_for_is_an_error_at_once(
    mill: Mill,
    server: HostileServer,
    says: Callable[..., None],
    status_code: int,
    headers: dict[str, str],
    more: dict[str, int],
) -> None:
    says("never", status_code, **headers)
    job = submit(mill, server, "plain", "never", **more)
    seen = status(mill, job)
    assert (seen["status"], seen["coverage"], seen["waiting_for"]) == ("completed", 0.5, None)
    (left,) = errors(mill, job)
    assert left["deferred_until"] is None and left["status"] == status_code
    assert seen["stages"][0]["errors"] == 1


def test_hosts_that_say_later_for_longer_than_a_job_waits_are_no_outage_of_ours(
    mill: Mill, server: HostileServer, says: Callable[..., None]
) -> None:
    says("never", 429, Retry_After="7200")
    job = submit(mill, server, *(f"never{number}" for number in range(4)))
    assert status(mill, job)["status"] in ("completed", "failed"), "its partitions are tried again"
    assert {error["status"] for error in errors(mill, job)} == {429}


@pytest.mark.parametrize(("most", "waits"), [("1", False), ("300", True)])
def test_max_deferral_s(
    open_mill: Callable[..., Mill], server: HostileServer, says: Callable[..., None], most: str, waits: bool
) -> None:
    says("shy", 429, Retry_After="100")
    mill = open_mill(LEADMILL_MAX_DEFERRAL_S=most)
    assert (status(mill, submit(mill, server, "shy"))["status"] == Status.RETRY) is waits


def test_a_page_of_a_company_that_has_its_home_page_is_not_waited_for(
    mill: Mill, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.path in ("/", "/robots.txt"):
            hostile_server.send(writer)
        else:
            hostile_server.send(writer, b"later", 429, {"Retry-After": "600"})

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "halfway", answer)
    job = submit(mill, server, "halfway", crawl={"max_pages": 3})
    assert status(mill, job)["status"] == "completed" and len(mill.rows(job, "scrape")) == 1
    assert {row["scope"] for row in errors(mill, job)} == {"page"}
    assert not [row for row in errors(mill, job) if row["deferred_until"]]
