"""What the crawl makes of every kind of answer: the contract that holds Scrapy's private handler in place."""

from __future__ import annotations

import sys

import pytest

from tests.tasks.scraping.harness import Crawl
from tests.tasks.scraping.hostile_server import HOME, HostileServer

ONE = {"max_pages": 1}


@pytest.mark.parametrize(
    "name", ["plain", "gzipped", "deflated", "gzipped-twice", "brotlied", "chunked", "no-length", "no-type"]
)
def test_page_arrives_whole(crawl: Crawl, name: str) -> None:
    (page,) = crawl(name, **ONE).pages
    assert page["html"] == HOME
    assert (page["kind"], page["depth"], page["status"]) == ("home", 0, 200)
    assert len(page["page_hash"]) == 16


def test_zstd_page_arrives_whole(crawl: Crawl, server: HostileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.tasks.scraping import hostile_server

    zstd = pytest.importorskip("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")

    async def zstded(asked: object, writer: object) -> None:
        hostile_server.send(writer, zstd.compress(HOME), headers={"Content-Encoding": "zstd"})  # type: ignore[arg-type]

    monkeypatch.setitem(hostile_server.BEHAVIOURS, "zstded", zstded)
    assert crawl("zstded", **ONE).pages[0]["html"] == HOME


def test_a_charset_that_makes_no_text_costs_no_links(crawl: Crawl) -> None:
    crawled = crawl("no-charset")
    assert (len(crawled.pages), crawled.result.errors) == (len(crawl("plain").pages), [])


def test_what_is_left_of_a_cut_page_is_kept(crawl: Crawl) -> None:
    assert crawl("truncated", **ONE).pages[0]["html"] == HOME
    assert HOME in crawl("half-gzip", **ONE).pages[0]["html"]


@pytest.mark.parametrize(
    ("name", "category", "words", "status"),
    [
        ("loop", "data", "redirects in a loop", 302),
        ("staircase", "data", "too many redirects", None),
        ("to-file", "data", "'file:///etc/passwd', which is not followed", 302),
        ("to-endless", "data", "redirects to an address of more than 4,000 characters", 302),
        ("to-metadata", "data", "169.254.169.254 is not a public address", None),
        ("bomb", "data", "larger than 2 MB after decompression", None),
        ("gzipped-often", "data", "packed more than 4 times", 200),
        ("oversize", "data", "larger than 2 MB", None),
        ("oversize-unsaid", "data", "larger than 2 MB", None),
        ("pdf", "data", "not an HTML page (application/pdf)", None),
        ("binary", "data", "binary", 200),
        ("empty", "data", "empty", 200),
        ("missing", "data", "does not exist (HTTP 404)", 404),
        ("broken", "network", "server error (HTTP 500)", 500),
        ("busy-long", "network", "HTTP 503", 503),
        ("reset", "network", "broke off", None),
        ("garbage", "data", "not valid HTTP", None),
        ("deny", "data", "robots.txt forbids /", None),
        ("deny-us", "data", "robots.txt forbids /", None),
        ("robots-503", "network", "robots.txt cannot be read (HTTP 503)", 503),
    ],
)
def test_home_page_that_cannot_be_had_is_an_error(
    crawl: Crawl, name: str, category: str, words: str, status: int | None
) -> None:
    crawled = crawl(name)
    (error,) = crawled.result.errors
    assert words in error["error"]
    assert (error["scope"], error["category"], error["status"]) == ("company", category, status)
    assert error["url"].startswith("http://" + name)


@pytest.mark.parametrize("name", ["drip", "hang"])
def test_time_out_is_for_the_whole_answer(crawl: Crawl, server: HostileServer, name: str) -> None:
    crawled = crawl(name, timeout_s=0.3, respect_robots=False)
    assert crawled.company_errors() == ["no answer in time"]
    assert server.paths(name) == ["/", "/"]


def test_names_and_ports_that_nobody_answers(crawl: Crawl) -> None:
    names = ["http://127.0.0.1:1/", "http://nobody.invalid/"]
    crawled = crawl(*(crawl.seed(name) for name in names))
    assert crawled.company_errors() == ["the connection is refused", "the host name cannot be resolved"]


def test_certificate_is_verified(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl(crawl.seed("plain", scheme="https"))
    assert "the TLS certificate is not valid: " in crawled.company_errors()[0]
    assert server.asked == []


def test_bare_host_falls_back_to_http(crawl: Crawl, server: HostileServer) -> None:
    # Plain HTTP on the port that https is tried on first: no TLS connection, then http.
    seed = crawl.seed(f"https://plain.localhost:{server.port}/", bare=True)
    crawled = crawl(seed)
    assert crawled.result.rows[0]["url"] == server.url("plain")
    assert crawl(seed._replace(bare=False)).company_errors() == ["no TLS connection is possible"]


def test_redirect_is_followed_and_shown(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("moved", **ONE)
    assert (crawled.pages[0]["url"], crawled.pages[0]["final_url"]) == (
        server.url("moved"),
        server.url("moved", "/en/"),
    )
    assert crawled.result.rows[0]["url"] == server.url("moved", "/en/")


def test_company_that_moved_keeps_its_name_and_gets_the_new_site(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("elsewhere")
    assert {page["domain"] for page in crawled.pages} == {"elsewhere.localhost"}
    assert [(row["domain"], row["alias"]) for row in crawled.result.rows] == [
        ("elsewhere.localhost", "plain.localhost")
    ]
    assert [row["alias"] for row in crawl("plain", "moved").result.rows] == [None, None]
    assert len(crawled.pages) == 6
    assert all(page["final_url"].startswith(server.url("plain")) for page in crawled.pages)


def test_meta_refresh_of_the_home_page_is_followed(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("refresh", **ONE)
    assert crawled.pages[0]["final_url"] == server.url("refresh", "/real")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("refresh-to-bad-port", "port 6379 is not a web port"),
        ("refresh-to-no-port", "refreshes to what is no address"),
        ("refresh-to-metadata", "is not a public address"),
        ("refresh-to-missing", "does not exist"),
    ],
)
def test_meta_refresh_that_leads_nowhere_is_a_note_and_no_lost_company(
    crawl: Crawl, server: HostileServer, name: str, said: str
) -> None:
    crawled = crawl(name)
    assert sorted(crawled.kinds()) == ["about", "careers", "contact", "home", "imprint", "other"]
    assert crawled.pages[0]["final_url"] == server.url(name)
    (error,) = crawled.result.errors
    assert (error["scope"], error["category"]) == ("page", "data")
    assert said in error["error"]


def test_deadline_during_a_refresh_keeps_the_page_that_asked_for_it(crawl: Crawl) -> None:
    crawled = crawl("refresh-to-hang", deadline_s=0.8, timeout_s=5.0)
    assert (crawled.result.ended, len(crawled.pages)) == ("deadline", 1)


def test_redirect_onto_a_seen_page_costs_no_fetch_and_no_company(crawl: Crawl, server: HostileServer) -> None:
    crawled = crawl("to-seen")
    assert (len(crawled.pages), crawled.result.errors) == (1, [])
    assert server.paths("to-seen").count("/") == 1
    crawled = crawl("to-same")
    assert [page["final_url"] for page in crawled.pages].count(server.url("to-same", "/same")) == 1
    assert server.paths("to-same").count("/same") == 1


def test_headers_are_reduced(crawl: Crawl) -> None:
    (page,) = crawl("big-headers", **ONE).pages
    assert page["headers"]["x-powered-by"] == "p" * 300
    assert page["headers"]["set-cookie"] == "shop"
    (page,) = crawl("odd-headers", **ONE).pages
    assert page["headers"]["x-shopify-stage"] == "production"
    assert "x-secret" not in page["headers"]
    assert "�" in page["headers"]["server"]


def test_charset_of_the_header_is_kept_and_used_for_links(crawl: Crawl) -> None:
    crawled = crawl("latin", max_pages=2)
    assert [page["charset"] for page in crawled.pages] == ["iso-8859-1"] * 2
    assert crawled.kinds() == ["home", "about"]


def test_we_say_who_we_are_and_send_no_cookie_that_is_too_large(crawl: Crawl, server: HostileServer) -> None:
    crawl("big-headers")
    for asked in server.asked:
        assert asked.headers["user-agent"].startswith("Leadmill/")
        assert not {"cookie", "referer"} & asked.headers.keys()
    assert "gzip" in server.asked[-1].headers["accept-encoding"]


def test_no_reactor_is_installed(crawl: Crawl) -> None:
    crawl("plain", **ONE)
    assert "twisted.internet.reactor" not in sys.modules
