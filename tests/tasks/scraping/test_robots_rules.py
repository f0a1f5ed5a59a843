"""Which rules of a robots.txt are ours, and what they permit."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.scraping.robots_rules import MAX_DELAY_S, RobotsPolicy, parse_robots, rules_of


def _allows(policy: RobotsPolicy, path: str) -> bool:
    return policy.refusal(f"http://acme.example{path}") is None


@pytest.mark.parametrize(
    ("robots", "path", "allowed"),
    [
        (b"", "/", True),
        (b"<html>not found</html>", "/", True),
        (b"User-agent: *\nDisallow: /", "/", False),
        (b"User-agent: *\nDisallow: /a\nAllow: /a/b", "/a/b", True),
        (b"User-agent: googlebot\nDisallow: /", "/", True),
        (b"User-agent: *\nDisallow: /\nUser-agent: leadmill\nDisallow:", "/x", True),
        (b"\xef\xbb\xbfuser-AGENT : LeadMill/1.0 # us\r\ndisallow: /x", "/x", False),
        (b"User-agent: a\nUser-agent: leadmill\nUser-agent: b\nDisallow: /x", "/x", False),
        (b"User-agent: *\nDisallow: /*.php$", "/a.php", False),
        (b"User-agent: *\nDisallow: /*.php$", "/a.php5", True),
        (b"User-agent: *\nDisallow: /" + b"*a" * 900, "/" + "a" * 800 + "b", True),
        (b"User-agent: leadmill\nCrawl-delay: 2\nUser-agent: other\nDisallow: /x", "/x", False),
        (b"User-agent: other\nCrawl-delay: 2\n\nUser-agent: leadmill\nDisallow: /x", "/x", False),
        (b"User-agent: leadmill\nSitemap: http://acme.example/s.xml\nUser-agent: b\nDisallow: /x", "/x", False),
        (b"User-agent: leadmill\nAllow: /a\nUser-agent: b\nDisallow: /x", "/x", True),
        (b"User-agent: leadmill\nDisallow:\nUser-agent: b\nDisallow: /x", "/x", True),
        (b"User-agent: *\nDisallow: /a\n\nUser-agent: *\nDisallow: /x", "/x", False),
        (
            b"User-agent: leadmill\nDisallow: /a\n\nUser-agent: b\nDisallow: /c\n\nUser-agent: LEADMILL\nDisallow: /x",
            "/x",
            False,
        ),
        (b"User-agent: leadmillbot\nDisallow: /x", "/x", True),
        (b"User-agent: lead\nDisallow: /x", "/x", True),
        (b"User-agent: leadmill*\nDisallow: /x", "/x", False),
        (b"User-agent: *\rDisallow: /x\r", "/x", False),
        (b"User-agent: *\r\n\r\nDisallow: /x\r\n", "/x", False),
        ("User-agent: *\nDisallow: /x".encode("utf-16"), "/x", False),
        (b"User-agent: *\nDisallow: /x # not for us\n", "/x", False),
        (b"useragent *\ndissallow /x", "/x", False),
        (b"Disallow: /x\nUser-agent: b\nDisallow: /y", "/x", True),
        (b"# no agent\n\nUser-agent: *\nDisallows: /x", "/x", True),
        (b"User-agent: *\nDisallow: *", "/x", False),
        (b"User-agent: *\nDisallow: /*/private", "/a/private/b", False),
    ],
)
def test_robots_rules(robots: bytes, path: str, allowed: bool) -> None:
    assert _allows(parse_robots(robots, {"leadmill"}), path) is allowed


@given(st.binary(max_size=300))
def test_any_robots_is_read(body: bytes) -> None:
    assert parse_robots(b"User-agent: *\n" + body, {"leadmill"}).delay >= 0


@pytest.mark.parametrize(
    ("robots", "delay"),
    [
        (b"User-agent: *\nCrawl-delay: 2\nDisallow: /x", 2.0),
        (b"User-agent: *\nDisallow: /x\nCrawl-delay: 2", 2.0),
        (b"User-agent: leadmill\nCrawl-delay: 0.5\nUser-agent: other\nDisallow: /x", 0.5),
        # What another crawler is asked for is no wish to everybody who comes behind it.
        (b"User-agent: other\nCrawl-delay: 30\n\nUser-agent: *\nDisallow: /x", 0.0),
        (b"User-agent: *\nCrawl-delay: 1\n\nUser-agent: *\nCrawl-delay: 3", 3.0),
        (b"User-agent: *\nCrawl-delay: 9\nDisallow:\n\nUser-agent: leadmill\nDisallow: /x", 0.0),
        (b"User-agent: *\nCrawl-delay: soon", 0.0),
        (b"User-agent: *\nCrawl-delay: -1", 0.0),
        (b"User-agent: *\nCrawl-delay: nan", 0.0),
        (b"User-agent: *\nCrawl-delay: 1e12", MAX_DELAY_S),
        (b"Crawl-delay: 5", 0.0),
    ],
)
def test_the_delay_is_that_of_the_agents_named_before_it(robots: bytes, delay: float) -> None:
    assert parse_robots(robots, {"leadmill"}).delay == delay


def test_what_is_kept_is_ours_alone_and_says_the_same() -> None:
    others = b"".join(b"User-agent: bot%d\nDisallow: /%d\n\n" % (n, n) for n in range(200))
    own = b"User-agent: *\nDisallow: /x\nDisallow: /x\nAllow: /x/y\nCrawl-delay: 2\n"
    rules = rules_of(others + own + b"Sitemap: https://acme.example/s.xml\n", {"leadmill"})
    assert rules == "Disallow: /x\nAllow: /x/y\nCrawl-delay: 2\nSitemap: https://acme.example/s.xml"
    again = RobotsPolicy(rules)
    assert (again.delay, again.sitemaps) == (2.0, ("https://acme.example/s.xml",))
    assert not _allows(again, "/x") and _allows(again, "/x/y")


def test_the_worst_of_a_huge_file_is_read_in_a_moment() -> None:
    """Each line the longest that is read, or the shortest: what grew with the square of it would take minutes."""
    began = time.process_time()
    for line in (b"User-agent" + b" " * 2_000, b"User-agent: " + b"a" * 2_000, b"a", b"Disallow: /" + b"*a" * 900):
        rules_of(b"User-agent: *\n" + (line + b"\n") * (600_000 // len(line)), {"leadmill"})
    assert time.process_time() - began < 5


@given(st.binary(max_size=300), st.booleans())
def test_rules_that_are_kept_are_read_as_they_were(body: bytes, ours: bool) -> None:
    text = b"User-agent: " + (b"leadmill" if ours else b"*") + b"\n" + body
    policy = parse_robots(text, {"leadmill"})
    assert RobotsPolicy(policy.rules).rules == policy.rules
    assert RobotsPolicy(policy.rules).delay == policy.delay
