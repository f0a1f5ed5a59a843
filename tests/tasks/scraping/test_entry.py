"""Which addresses of a company are tried, in which order, and what is told of those that had no page."""

from __future__ import annotations

from typing import Any

import pytest

from leadmill.errors import ErrorCategory
from tasks.scraping.contract import Seed
from tasks.scraping.entry import Entry
from tasks.scraping.failures import Fault, fault_of_status
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import BEHAVIOURS, HostileServer, redirect, send

NETWORK = ErrorCategory.NETWORK
REFUSED = Fault(NETWORK, "the connection is refused", repeat=True, unreachable=True)
LATE = Fault(NETWORK, "no answer in time", repeat=True, unreachable=True, timed_out=True)
NO_NAME = Fault(NETWORK, "the host name cannot be resolved", unreachable=True, unresolved=True)
NO_TRUST = Fault(NETWORK, "the TLS certificate is not valid: expired", unreachable=True, untrusted=True)
FORBIDDEN = Fault(ErrorCategory.DATA, "robots.txt forbids /")
MISSING = fault_of_status(404)


def _tried(url: str, *faults: Fault, bare: bool = False, further: tuple[tuple[str, bool], ...] = ()) -> list[str]:
    """The addresses asked when one after the other says that; the last fault goes on and on."""
    entry = Entry(Seed("comp_0000000000000000", "acme.example", url, bare, further))
    tried = [entry.url]
    for number in range(20):
        if not entry.turn(faults[min(number, len(faults) - 1)], entry.url, []):
            break
        tried.append(entry.url)
    return tried


BARE = "https://acme.example/"
OTHERS = ["http://acme.example/", "https://www.acme.example/", "http://www.acme.example/"]


@pytest.mark.parametrize("fault", [REFUSED, NO_TRUST])
def test_a_host_without_scheme_is_tried_by_both_and_by_its_other_name(fault: Fault) -> None:
    assert _tried(BARE, fault, bare=True) == [BARE, *OTHERS]
    assert _tried(OTHERS[1], fault, bare=True) == [OTHERS[1], OTHERS[2], BARE, OTHERS[0]]


@pytest.mark.parametrize("status", [403, 404, 410, 500, 502, 503])
def test_an_answer_without_a_page_is_not_asked_for_by_http_too(status: int) -> None:
    assert _tried(BARE, fault_of_status(status), bare=True) == [BARE, OTHERS[1]]


def test_a_name_without_address_is_tried_once() -> None:
    assert _tried(BARE, NO_NAME, bare=True) == [BARE, OTHERS[1]]


@pytest.mark.parametrize("fault", [FORBIDDEN, *map(fault_of_status, (401, 429, 451)), fault_of_status(503, later=True)])
def test_what_is_said_of_the_site_is_not_asked_of_its_other_name(fault: Fault) -> None:
    assert _tried(BARE, fault, bare=True) == [BARE]
    assert _tried(BARE, fault, bare=True, further=(("https://shop.acme.example/", True),)) == [
        BARE,
        "https://shop.acme.example/",
    ]


def test_a_scheme_that_was_written_is_never_made_less() -> None:
    assert _tried(BARE, REFUSED) == [BARE, OTHERS[1]]
    assert _tried(OTHERS[0], REFUSED) == [OTHERS[0], OTHERS[2], BARE]
    assert _tried("http://acme.example:8080/a?b", REFUSED) == [
        "http://acme.example:8080/a?b",
        "http://www.acme.example:8080/a?b",
    ]


@pytest.mark.parametrize("host", ["shop.acme.example", "127.0.0.1", "[::1]", "intranet", "www.co.uk", "[::1"])
def test_a_host_without_a_twin_stays_alone(host: str) -> None:
    assert _tried(f"https://{host}/", REFUSED) == [f"https://{host}/"]


DEEP, DEEP_WWW = "https://acme.example/de/kontakt?id=7", "https://www.acme.example/de/kontakt?id=7"
EMPTY = Fault(ErrorCategory.DATA, "the page is empty", status=200)
LATER = fault_of_status(503, until=4e9)


@pytest.mark.parametrize("fault", [MISSING, EMPTY, *map(fault_of_status, (403, 410, 500))])
def test_a_page_that_is_not_there_gives_way_to_the_home_page_of_its_host(fault: Fault) -> None:
    assert _tried(DEEP, fault, bare=True) == [DEEP, BARE, DEEP_WWW, OTHERS[1]], "each once"
    assert _tried("https://acme.example?id=7", fault) == [
        "https://acme.example?id=7",
        BARE,
        "https://www.acme.example?id=7",
        OTHERS[1],
    ]
    assert _tried(DEEP, REFUSED, fault, bare=True) == [DEEP, f"http{DEEP[5:]}", OTHERS[0], DEEP_WWW, OTHERS[1]]
    shop = "https://shop.acme.example/"
    assert _tried(BARE, fault, further=((f"{shop}a", True),)) == [BARE, OTHERS[1], f"{shop}a", shop]


@pytest.mark.parametrize("fault", [FORBIDDEN, LATER, NO_NAME, *map(fault_of_status, (401, 429, 451))])
def test_what_is_said_of_the_site_is_not_asked_of_its_home_page(fault: Fault) -> None:
    assert not {BARE, OTHERS[0]}.intersection(_tried(DEEP, fault, bare=True))


def test_the_home_page_of_a_host_is_not_that_of_one_of_its_users() -> None:
    assert _tried("https://uni.acme.example/~mueller/kontakt", MISSING) == ["https://uni.acme.example/~mueller/kontakt"]


def test_a_home_page_that_a_redirect_led_to_is_not_asked_again() -> None:
    entry = Entry(Seed("comp_0000000000000000", "acme.example", DEEP))
    assert entry.turn(MISSING, DEEP, [BARE]) and entry.url == DEEP_WWW


def test_who_wants_one_page_and_nothing_else_gets_no_other() -> None:
    entry = Entry(Seed("comp_0000000000000000", "acme.example", DEEP), only_given=True)
    assert entry.turn(MISSING, DEEP, []) and entry.url == DEEP_WWW
    assert not entry.turn(MISSING, DEEP_WWW, []) and entry.verdict() == (DEEP, MISSING)


def test_hosts_that_let_us_wait_cost_bounded_time() -> None:
    assert _tried(OTHERS[0], LATE) == [OTHERS[0], OTHERS[2]]
    assert _tried(BARE, LATE, bare=True) == [BARE, *OTHERS[:2]]
    assert _tried(OTHERS[0], LATE, REFUSED, REFUSED, LATE) == [OTHERS[0], OTHERS[2], BARE, OTHERS[0]], "once more"


def test_an_answer_says_more_than_none_and_the_given_host_more_than_its_twin() -> None:
    entry = Entry(Seed("comp_0000000000000000", "acme.example", BARE, bare=True))
    for fault in (NO_TRUST, REFUSED, REFUSED):
        entry.turn(fault, entry.url, [])
    assert entry.verdict() == (OTHERS[0], REFUSED)
    entry.turn(MISSING, entry.url, [])
    assert entry.verdict() == (OTHERS[2], MISSING)


def test_of_several_hosts_the_first_that_may_be_asked_again_is_told() -> None:
    hosts = [f"https://{name}.acme.example/" for name in ("a", "b", "c")]
    entry = Entry(Seed("comp_0000000000000000", "acme.example", BARE, further=tuple((url, False) for url in hosts)))
    days, soon = fault_of_status(503, until=9e9), fault_of_status(429, until=4e9)
    for fault in (MISSING, MISSING, days, soon, REFUSED):
        entry.turn(fault, entry.url, [])
    assert entry.verdict() == (hosts[1], soon)


@pytest.mark.parametrize("dead", ["reset", "missing", "empty", "loop", "robots-503", "forbids-all"])
def test_dead_apex_with_a_living_www_is_a_good_row_with_the_reason(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch, dead: str
) -> None:
    async def refuse(asked: Any, writer: Any) -> None:
        send(writer, b"no", 403)

    monkeypatch.setitem(BEHAVIOURS, "forbids-all", refuse)
    monkeypatch.setitem(BEHAVIOURS, f"www-{dead}", BEHAVIOURS["plain"])
    crawled = crawl(dead)
    (row,) = crawled.result.rows
    assert row["url"] == server.url(f"www.{dead}")
    assert row["pages"] == 6, "the way in costs no page"
    (note,) = crawled.result.errors
    assert (note["scope"], note["url"]) == ("page", server.url(dead))
    assert note["error"].endswith(f"; the site was found at {server.url(f'www.{dead}')}")


def test_an_old_link_leads_to_the_home_page_with_the_reason(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl(crawl.seed("half-missing", path="/kontakt-alt.html"))
    home, old = server.url("half-missing"), server.url("half-missing", "/kontakt-alt.html")
    (row,) = crawled.result.rows
    assert row["url"] == home
    assert next((page["url"], page["kind"]) for page in crawled.pages) == (home, "home")
    told = [note["error"] for note in crawled.result.errors if note["url"] == old]
    assert told == [f"the page does not exist (HTTP 404); the site was found at {home}"]
    asked = [(entry["url"], entry["status"], entry["reason"]) for entry in crawled.result.ledger][:3]
    why = f"the page does not exist (HTTP 404): {old}"
    assert asked[1:] == [(old, 404, asked[1][2]), (home, 200, f"asked in its place: {why}")]
    assert server.paths("half-missing").count("/") == server.paths("half-missing").count("/kontakt-alt.html") == 1
    assert server.paths("half-missing").count("/robots.txt") == 1


def test_neither_an_old_link_nor_the_home_page_is_there(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl(crawl.seed("missing", path="/kontakt"), crawl.seed("half-missing2", path="/kontakt"), max_depth=0)
    (error,) = [error for error in crawled.result.errors if error["scope"] == "company"]
    assert (error["url"], error["status"]) == (server.url("missing", "/kontakt"), 404)
    assert [row["url"] for row in crawled.result.rows] == [server.url("half-missing2")]


def test_pages_named_by_the_dead_name_are_had_by_the_living_one(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def living(asked: Any, writer: Any) -> None:
        link = f"<a href='{server.url('half-dead', '/contact')}'>Contact</a>"
        send(writer, f"<title>Contact</title><h1>Acme</h1>{link if asked.path == '/' else ''}".encode())

    monkeypatch.setitem(BEHAVIOURS, "half-dead", BEHAVIOURS["reset"])
    monkeypatch.setitem(BEHAVIOURS, "www-half-dead", living)
    crawled = crawl("half-dead", max_pages=2)
    assert [page["url"] for page in crawled.pages][1:] == [server.url("www.half-dead", "/contact")]


def test_dead_www_with_a_living_apex_and_a_redirect_to_the_dead_name(
    crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def to_www(asked: Any, writer: Any) -> None:
        redirect(writer, server.url("www.sends"))

    monkeypatch.setitem(BEHAVIOURS, "sends", to_www)
    crawled = crawl("www.plain", "sends")
    assert [row["url"] for row in crawled.result.rows] == [server.url("plain")]
    assert crawled.company_errors() == ["the answer is not valid HTTP"]
    assert len([asked for asked in server.asked if asked.host.startswith("www.sends")]) == 1, "its robots.txt"


def test_all_hosts_given_for_a_company_are_asked(crawl: Crawl, server: HostileServer) -> None:
    def given(first: str, *names: str) -> Seed:
        return crawl.seed(first)._replace(further=tuple((server.url(name, "/about"), False) for name in names))

    crawled = crawl(given("plain", "shop.plain", "de.plain"), max_pages=4)
    assert crawled.result.rows[0]["pages"] == 4
    assert {page["url"] for page in crawled.pages} >= {
        server.url(name, path) for name, path in (("plain", "/"), ("shop.plain", "/about"), ("de.plain", "/about"))
    }
    crawled = crawl(given("missing", "plain.missing"), max_pages=2)
    assert crawled.result.rows[0]["url"] == server.url("plain.missing", "/about"), "where the first has no page"
