"""What sites ask of robots beside Allow and Disallow: read in its spellings, obeyed as the job says, told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request
from scrapy.http import HtmlResponse

from leadmill.rows import LedgerRow
from tasks.scraping.contract import CrawlOptions
from tasks.scraping.ledger import Ledger
from tasks.scraping.page_signals import PageSignals, rules_in
from tasks.scraping.robots_rules import RobotsPolicy, parse_robots
from tests.tasks.scraping import hostile_server
from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import HOME, Asked, HostileServer

ONE: dict[str, Any] = {"max_pages": 1}


# ---- robots.txt


def used(robots: str, path: str = "/", *, obeys: bool = True) -> str | None:
    """Why an address is not used by a crawler called leadmill, or None."""
    policy = RobotsPolicy(parse_robots(robots.encode(), {"leadmill"}).rules)  # as it is kept
    fault = policy.refusal(f"http://acme.example{path}", obeys_signals=obeys)
    return None if fault is None else fault.error


@pytest.mark.parametrize(
    ("robots", "path", "uses"),
    [
        ("User-agent: *\nContent-Signal: search=no, ai-input=no, ai-train=no", "/", "search=no"),
        ("User-agent: *\ncontent-signal:search=NO", "/", "search=no"),
        ("User-agent: *\nContent-Signals : ai-train = yes ,search = no # not for lists", "/", "search=no"),
        ("User-agent: *\nDisallow: /x\nContent-Usage: bots=n", "/", "bots=no"),
        ("User-agent: *\nContent-Usage: train-ai=n, search=n", "/", "search=no"),
        # Between two agents it parts nobody, and is for the one before it.
        ("User-agent: *\nContent-Signal: search=no\nUser-agent: b\nDisallow: /y", "/", "search=no"),
        ("User-agent: b\nContent-Signal: search=no\nUser-agent: *\nDisallow: /y", "/", None),
        ("User-agent: *\nContent-Signal: search=yes, ai-train=no, use=reference\nAllow: /", "/", None),
        ("User-agent: *\nContent-Signal: search=no\nUser-agent: leadmill\nAllow: /", "/", None),
        ("Content-Signal: search=no\nUser-agent: *\nAllow: /", "/", None),
        ("User-agent: *\n# Content-Signal: search=no", "/", None),
        ("User-agent: *\nContent-Signal: research=no, search=none", "/", None),
        # Below a path; the longest one that speaks of the use counts, and of two as long the one that denies.
        ("User-agent: *\nContent-Signal: /shop search=no", "/shop/a", "search=no"),
        ("User-agent: *\nContent-Signal: /shop search=no", "/", None),
        ("User-agent: *\nContent-Usage: search=n\nContent-Usage: /open/\tsearch=y", "/open/a", None),
        ("User-agent: *\nContent-Usage: search=n\nContent-Usage: /open/ train-ai=y", "/open/a", "search=no"),
        ("User-agent: *\nContent-Signal: /*.php$ search=no", "/a.php", "search=no"),
        ("User-agent: *\nContent-Signal: search=yes\nContent-Usage: search=n", "/", "search=no"),
    ],
)
def test_content_signals_of_robots(robots: str, path: str, uses: str | None) -> None:
    told = None if uses is None else f"robots.txt asks that {path} is not used (Content-Signal: {uses})"
    assert used(robots, path) == told
    assert used(robots, path, obeys=False) is None


def test_what_is_said_to_us_by_name_counts_for_every_job() -> None:
    robots = "User-agent: leadmill\nContent-Signal: /team search=no\nDisallow: /x"
    assert used(robots, "/team", obeys=False) == "robots.txt asks that /team is not used (Content-Signal: search=no)"
    assert used(robots, "/", obeys=False) is None
    assert used(robots, "/x", obeys=False) == "robots.txt forbids /x"


def test_rules_kept_before_there_were_signals_say_what_they_said() -> None:
    policy = RobotsPolicy("Disallow: /x\nCrawl-delay: 2\nSitemap: https://acme.example/s.xml")
    assert policy.refusal("http://acme.example/", obeys_signals=True) is None
    assert policy.rule_for("http://acme.example/", refused=False) == "allowed"
    rules = parse_robots(b"User-agent: *\nDisallow: /x\nContent-Signal: /y search=no, ai-train=yes", {"leadmill"}).rules
    assert rules == "Disallow: /x\nContent-Signal: /y search=no, ai-train=yes"


def test_the_rule_that_spoke_is_told() -> None:
    policy = parse_robots(b"User-agent: *\nContent-Signal: ai-train=no\nContent-Signal: /a search=no", {"leadmill"})
    url = "http://acme.example/"
    assert policy.rule_for(url, refused=False) == "allowed; Content-Signal: ai-train=no"
    assert policy.rule_for(url + "a", refused=True) == "Content-Signal: ai-train=no, search=no"


# ---- pages


def said(markup: str | bytes = "", *, obeys: bool = True, **headers: str | list[str]) -> tuple[str | None, bool, Any]:
    """Why a page is not kept, whether its links are left, and what the ledger tells of it."""
    body = markup.encode() if isinstance(markup, str) else markup
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    ledger = Ledger(str)
    request = Request("http://acme.example/", meta={"kind": "home", "asked_for": _Company})
    with ledger.request(request) as entry:
        entry.sent()
        entry.status = 200
    response = HtmlResponse(request.url, headers=given, body=body, request=request)
    fault = PageSignals(CrawlOptions(respect_signals=obeys)).read(response)
    (row,) = ledger.rows
    return None if fault is None else fault.error, "nofollow" in response.meta, row["reason"]


class _Company:
    class seed:
        company_id, domain = "c", "acme.example"


def meta(content: str, name: str = "robots") -> str:
    return f'<!doctype html><html><head><meta charset="utf-8"><meta name="{name}" content="{content}"></head></html>'


@pytest.mark.parametrize(
    "markup",
    [
        meta("noindex"),
        meta("NOINDEX, NOFOLLOW"),
        meta("follow,noindex,noodp"),
        meta("noindex nofollow"),
        meta("no-index;no-follow"),
        meta("index, noindex"),
        meta("none"),
        meta("unavailable_after: 25 Jun 2010 15:00:00 PST"),
        meta("max-snippet:-1, unavailable_after: Friday, 25-Jun-10 15:00:00 EST"),
        meta("unavailable_after: 2010-06-25T15:00:00+02:00, max-image-preview:large"),
        "<META NAME=ROBOTS CONTENT=NOINDEX>",
        "<meta content='noindex' name='robots'/>",
        "<meta\n  name = 'robots'\n  content = 'noindex'\n>",
        "<meta data-x='a>b' name='robots'content='noindex'>",
        '<meta http-equiv="X-Robots-Tag" content="noindex">',
        '<meta property="robots" content="noindex">',
        meta("index, follow") + meta("noindex"),
        "<!-- robots --><script>var robots = 1</script>" + meta("noindex"),
        meta("noindex").encode("utf-16"),
    ],
)
def test_a_page_that_asks_is_not_kept(markup: str | bytes) -> None:
    assert (said(markup)[0] or "").startswith("the page asks not to be indexed (meta ")
    unkept, is_closed, told = said(markup, obeys=False)
    assert (unkept, is_closed) == (None, False) and told.startswith("the page says meta ")


@pytest.mark.parametrize(
    "markup",
    [
        "",
        meta("index, follow, max-snippet:-1, max-image-preview:none, max-video-preview:-1"),
        meta("all"),
        meta("noindex", name="googlebot"),
        meta("noindex", name="leadmillx"),
        meta("unavailable_after: 25 Jun 2096 15:00:00 GMT"),
        meta("unavailable_after: soon"),
        meta("unavailable_after"),
        meta("noindexing"),
        f"<!-- {meta('noindex')} -->",
        f"<script>var page = '{meta('noindex')}'</script>",
        f"<pre>{meta('noindex')}</pre>",
        "<metadata name=robots content=noindex>",
        "<p>robots: noindex</p><a href='/robots.txt' rel='nofollow'>none</a>",
    ],
)
def test_a_page_that_does_not_ask_is_kept_without_a_word(markup: str) -> None:
    assert said(markup) == (None, False, None)


@pytest.mark.parametrize(
    ("values", "rules"),
    [
        (["noindex"], "noindex"),
        (["googlebot: noindex", "otherbot: noindex, nofollow", "NoIndex"], "noindex"),
        (["nofollow, leadmill: noindex"], "nofollow, noindex"),
        (["googlebot: nofollow, leadmill/1.0: none"], "none"),
        (["*: none"], "none"),
        (
            ["otherbot: unavailable_after: 2010-06-25, leadmill: unavailable_after: 25 Jun 2010 15:00:00 GMT"],
            "unavailable_after",
        ),
        (["noarchive", "noindex , nosnippet"], "noarchive, noindex, nosnippet"),
    ],
)
def test_x_robots_tag(values: list[str], rules: str) -> None:
    unkept, _, _ = said(X_Robots_Tag=values)
    assert unkept is not None and unkept.startswith("the page asks not to be indexed (X-Robots-Tag: ")
    if "leadmill" not in str(values):
        assert said(X_Robots_Tag=values, obeys=False) == (None, False, f"the page says X-Robots-Tag: {rules}")
    read = [found for value in values for found in rules_in(value, names_agents=True)]
    assert [rule for agent, rule in read if agent in ("*", "leadmill")] == rules.split(", ")


def test_a_header_for_other_robots_asks_nothing_of_us() -> None:
    assert said(X_Robots_Tag=["googlebot: noindex, nofollow", "bingbot: none"]) == (None, False, None)


def test_signals_in_headers() -> None:
    assert said(Content_Usage="search=n, train-ai=n")[0] == "the page asks not to be indexed (Content-Usage: search=no)"
    assert said(Content_Signal="ai-train=no")[::2] == (None, "the page says Content-Signal: ai-train=no")


@pytest.mark.parametrize("obeys", [True, False])
def test_what_asks_us_by_name_is_obeyed_by_every_job(*, obeys: bool) -> None:
    assert said(meta("noindex", name="Leadmill"), obeys=obeys)[0] == (
        "the page asks not to be indexed (meta leadmill: noindex)"
    )
    assert said(meta("nofollow", name="leadmill"), obeys=obeys)[1]
    assert said(X_Robots_Tag="leadmill: noindex", obeys=obeys)[0]


def test_nofollow_alone_keeps_the_page_and_noarchive_both() -> None:
    assert said(meta("nofollow"))[:2] == (None, True)
    assert said(meta("noarchive, nosnippet, noai"))[:2] == (None, False)


@given(st.text(max_size=80), st.booleans())
def test_any_value_has_rules(text: str, names_agents: bool) -> None:
    assert all(agent and rule for agent, rule in rules_in(text, names_agents=names_agents))


@pytest.mark.parametrize(
    "piece",
    [b"<meta ", b"<meta name=robots ", b"<meta name=robots content=noindex><!--", b"robots", b"<meta" + b" " * 99],
)
def test_a_huge_page_of_anything_is_read_in_a_moment(piece: bytes) -> None:
    began = time.process_time()
    said(piece * (2_000_000 // len(piece)))
    assert time.process_time() - began < 1


# ---- crawls


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes a site: of paths what their pages say, `X-Robots-Tag` or, with `<`, markup; and its robots.txt."""

    def make(robots: str = "", **pages: str) -> str:
        async def robots_and_pages(asked: Asked, writer: Any) -> None:
            if asked.path == "/robots.txt":
                return hostile_server.robots(asked, writer, robots.encode())
            asks = pages.get(asked.path.strip("/") or "home", "")
            body = HOME.replace(b"<head>", b"<head>" + asks.encode()) if asks.startswith("<") else HOME
            hostile_server.send(writer, body, headers={} if asks.startswith("<") else {"X-Robots-Tag": asks})

        monkeypatch.setitem(hostile_server.BEHAVIOURS, "signals", robots_and_pages)
        return "signals"

    return make


def home(ledger: list[LedgerRow]) -> tuple[Any, ...]:
    entry = next(entry for entry in ledger if entry["kind"] == "home")
    return entry["outcome"], entry["robots"], entry["reason"]


def test_a_home_page_that_asks_costs_the_company_where_it_is_obeyed(crawl: Crawl, site: Callable[..., str]) -> None:
    name = site(home="noindex")
    why = "the page asks not to be indexed (X-Robots-Tag: noindex)"
    crawled = crawl(name, respect_signals=True)
    assert (crawled.company_errors(), crawled.pages) == ([why], [])
    assert home(crawled.result.ledger) == ("answered", "no rules", why)
    kept = crawl(name, **ONE)
    assert kept.kinds() == ["home"]
    assert home(kept.result.ledger)[2] == "the page says X-Robots-Tag: noindex"


def test_a_further_page_that_asks_is_an_error_of_that_page(crawl: Crawl, site: Callable[..., str]) -> None:
    crawled = crawl(site(contact='<meta name="robots" content="none">'), respect_signals=True)
    assert "the page asks not to be indexed (meta robots: none)" in crawled.page_errors()
    assert "contact" not in crawled.kinds() and len(crawled.pages) > 2


def test_links_of_a_page_that_asks_are_not_followed(
    crawl: Crawl, site: Callable[..., str], server: HostileServer
) -> None:
    crawled = crawl(site(home="nofollow"), respect_signals=True)
    assert "about" not in crawled.kinds() and crawled.result.rows
    assert "/about" not in server.paths("signals")


def test_robots_txt_that_asks_is_obeyed_before_anything_is_fetched(
    crawl: Crawl, site: Callable[..., str], server: HostileServer
) -> None:
    name = site("User-agent: *\nContent-Signal: search=no, ai-train=no\nAllow: /")
    why = "robots.txt asks that / is not used (Content-Signal: search=no)"
    crawled = crawl(name, respect_signals=True)
    assert crawled.company_errors() == [why]
    assert server.paths("signals") == ["/robots.txt"]
    assert home(crawled.result.ledger) == ("refused", "Content-Signal: ai-train=no, search=no", why)
    assert home(crawl(name, **ONE).result.ledger) == (
        "answered", "allowed; Content-Signal: ai-train=no, search=no", None
    )  # fmt: skip


def test_a_page_that_only_moves_on_asks_in_vain(crawl: Crawl, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stub(asked: Asked, writer: Any) -> None:
        onward = b'<meta name="robots" content="noindex"><meta http-equiv="refresh" content="0;url=/de/">'
        hostile_server.send(writer, HOME if asked.path == "/de/" else onward)

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "signals", stub)
    assert crawl("signals", respect_signals=True, **ONE).kinds() == ["home"]
