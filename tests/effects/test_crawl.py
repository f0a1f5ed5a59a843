"""What a submission says of its crawl reaches the sites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from leadmill.settings import get_settings
from tasks.scraping.contract import USER_AGENT
from tasks.scraping.robots import robots_names
from tests.effects.conftest import V1, Mill
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.hostile_server import HostileServer

NAME = "Mozilla/5.0 (compatible; AcmeBot/2.1; +https://acme.example/bot)"


def scrape(mill: Mill, server: HostileServer, name: str, **crawl: Any) -> str:
    return mill.run("/jobs/scrape/company", {"company_url": server.url(name), "crawl": crawl})


def pages(mill: Mill, server: HostileServer, name: str, **crawl: Any) -> list[str]:
    return sorted(row["kind"] for row in mill.rows(scrape(mill, server, name, **crawl), "scrape", "pages"))


def errors(mill: Mill, server: HostileServer, name: str, **crawl: Any) -> list[str]:
    return [row["error"] for row in mill.rows(scrape(mill, server, name, **crawl), "scrape", "errors")]


def test_max_pages(mill: Mill, server: HostileServer) -> None:
    assert len(pages(mill, server, "plain", max_pages=2)) == 2
    assert len(pages(mill, server, "plain")) == 6


def test_an_old_link_is_asked_for_by_its_home_page_unless_that_page_alone_is_wanted(
    mill: Mill, server: HostileServer
) -> None:
    old = server.url("half-missing", "/old")
    alone = mill.run("/jobs/scrape/company", {"company_url": old, "crawl": {"max_pages": 1}})
    assert mill.rows(alone, "scrape") == []
    assert [(row["scope"], row["status"]) for row in mill.rows(alone, "scrape", "errors")] == [("company", 404)]
    pipeline = {"company_urls": [old], "stages": ["scrape", "process"], "crawl": {"max_pages": 1}}
    for job in (mill.run("/jobs/scrape/company", {"company_url": old}), mill.run("/pipelines", pipeline)):
        assert [row["url"] for row in mill.rows(job, "scrape")] == [server.url("half-missing")]
    reasons = [entry["reason"] for entry in mill.rows(job, "scrape", "ledger") if entry["status"] == 200]
    assert reasons == [f"asked in its place: the page does not exist (HTTP 404): {old}"]


def test_max_depth(mill: Mill, server: HostileServer) -> None:
    assert pages(mill, server, "plain", max_depth=0) == ["home"]


def test_respect_robots(mill: Mill, server: HostileServer) -> None:
    assert errors(mill, server, "deny") == ["robots.txt forbids /"]
    assert pages(mill, server, "deny", respect_robots=False)


@pytest.fixture
def unlisted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def noindex(asked: hostile_server.Asked, writer: Any) -> None:
        hostile_server.send(writer, headers={"X-Robots-Tag": "noindex"})

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "unlisted", noindex)


UNLISTED = ["the page asks not to be indexed (X-Robots-Tag: noindex)"]


def test_respect_signals(mill: Mill, server: HostileServer, unlisted: None) -> None:
    assert errors(mill, server, "unlisted", respect_signals=True) == UNLISTED
    job = scrape(mill, server, "unlisted", max_pages=1)
    assert mill.rows(job, "scrape", "pages")
    told = mill.http.get(f"{V1}/ledger", params={"job": job, "outcome": "answered"}).json()["items"]
    assert [entry["reason"] for entry in told if entry["kind"] == "home"] == ["the page says X-Robots-Tag: noindex"]


def test_an_installation_obeys_signals_whatever_a_job_says(
    open_mill: Callable[..., Mill], server: HostileServer, unlisted: None
) -> None:
    obeying = open_mill(LEADMILL_RESPECT_SIGNALS="1")
    assert errors(obeying, server, "unlisted") == UNLISTED
    body = {"company_url": server.url("unlisted"), "crawl": {"respect_signals": False}}
    status, answer = obeying.post("/jobs/scrape/company", body)
    assert (status, answer["field"]) == (422, "crawl.respect_signals")
    assert "LEADMILL_RESPECT_SIGNALS=1" in answer["detail"]


def test_deadline_s_ends_a_slow_site_and_keeps_what_it_gave(mill: Mill, server: HostileServer) -> None:
    assert errors(mill, server, "hang", deadline_s=0.4) == ["no answer within 0.4 s"]
    assert pages(mill, server, "second-hangs", deadline_s=0.8) == ["home"]


def test_timeout_s_ends_one_request(mill: Mill, server: HostileServer) -> None:
    assert errors(mill, server, "hang", timeout_s=0.2, respect_robots=False) == ["no answer in time"]


@pytest.fixture
def named_robots(monkeypatch: pytest.MonkeyPatch) -> None:
    async def robots_by_name(asked: hostile_server.Asked, writer: Any) -> None:
        body = b"User-agent: acmebot\nDisallow: /contact\nUser-agent: leadmill\nDisallow: /about\n"
        hostile_server.robots(asked, writer, body)

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "named", robots_by_name)


def test_user_agent_is_sent_and_robots_address_it(
    open_mill: Callable[..., Mill], server: HostileServer, named_robots: None
) -> None:
    allowed = open_mill(LEADMILL_ALLOW_USER_AGENT="1")
    assert "about" in pages(allowed, server, "named", user_agent=NAME)
    assert "/contact" not in server.paths("named")
    assert {asked.headers["user-agent"] for asked in server.asked} == {NAME}
    body: dict[str, Any] = {"name": "daily", "cron": "0 6 * * *", "pipeline": {"company_urls": [server.url("named")]}}
    assert (
        allowed.post("/schedules", {**body, "pipeline": {**body["pipeline"], "crawl": {"user_agent": NAME}}})[0] == 201
    )


def test_without_leave_a_user_agent_is_refused(mill: Mill, server: HostileServer, named_robots: None) -> None:
    assert "contact" in pages(mill, server, "named")
    assert "/about" not in server.paths("named")
    assert all(asked.headers["user-agent"].startswith("Leadmill/") for asked in server.asked)
    crawl = {"crawl": {"user_agent": NAME}}
    for path, body, field in (
        ("/jobs/scrape/company", {"company_url": server.url("named"), **crawl}, "crawl.user_agent"),
        ("/pipelines", {"company_urls": [server.url("named")], **crawl}, "crawl.user_agent"),
        (
            "/schedules",
            {"name": "n", "cron": "0 6 * * *", "pipeline": {"company_urls": [server.url("named")], **crawl}},
            "pipeline.crawl.user_agent",
        ),
    ):
        status, answer = mill.post(path, body)
        assert (status, answer["field"]) == (422, field)
        assert "LEADMILL_ALLOW_USER_AGENT=1" in answer["detail"]


def test_a_worker_gives_no_leave_that_the_api_gave(open_mill: Callable[..., Mill], server: HostileServer) -> None:
    open_mill(LEADMILL_ALLOW_USER_AGENT="1")
    strict = open_mill(LEADMILL_ALLOW_USER_AGENT="0")
    get_settings.cache_clear()
    with pytest.MonkeyPatch.context() as patch:  # the API's own environment
        patch.setenv("LEADMILL_ALLOW_USER_AGENT", "1")
        job = scrape(strict, server, "plain", user_agent=NAME)
    assert not server.asked
    assert "LEADMILL_ALLOW_USER_AGENT=1" in strict.http.get(f"{V1}/jobs/{job}/errors").text


@pytest.mark.parametrize(
    ("user_agent", "names"),
    [
        (USER_AGENT, {"leadmill"}),
        (NAME, {"mozilla", "acmebot"}),
        ("acme-bot", {"acme-bot"}),
        ("Acme 2", {"acme"}),
        ("", set()),
    ],
)
def test_names_for_robots(user_agent: str, names: set[str]) -> None:
    assert robots_names(user_agent) == names
