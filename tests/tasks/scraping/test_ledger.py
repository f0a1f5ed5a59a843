"""The ledger of a crawl: each request with its answer, each address that was not asked with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tasks.scraping.harness import Crawl

ONE: dict[str, Any] = {"max_pages": 1}


def _told(crawl: Crawl, name: str, **options: Any) -> list[tuple[str, str, int | None, str | None]]:
    ledger = crawl(name, **options).result.ledger
    return [(entry["kind"], entry["outcome"], entry["status"], entry["robots"]) for entry in ledger]


def test_a_page_is_told_with_its_answer(crawl: Crawl) -> None:
    ledger = crawl("plain", **ONE).result.ledger
    robots, home, *rest = ledger
    assert (robots["kind"], robots["outcome"], robots["status"], robots["robots"]) == ("robots", "answered", 404, None)
    assert (home["kind"], home["outcome"], home["status"], home["robots"]) == ("home", "answered", 200, "no rules")
    assert home["host"] == home["url"].split("/")[2] and home["domain"] == robots["domain"]
    assert home["bytes"] and home["took_ms"] is not None and home["at"] >= robots["at"] and home["reason"] is None
    assert {entry["outcome"] for entry in rest} <= {"left_out"}
    assert all("as many as the job allows" in (entry["reason"] or "") for entry in rest)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("deny", ("home", "refused", None, "Disallow: /")),
        ("missing", ("home", "answered", 404, "no rules")),
        ("reset", ("home", "failed", None, "no rules")),
        ("pdf", ("home", "answered", 200, "no rules")),
    ],
)
def test_what_brings_no_page_is_told_too(crawl: Crawl, name: str, expected: tuple[Any, ...]) -> None:
    ledger = crawl(name, **ONE).result.ledger
    told = [(one["kind"], one["outcome"], one["status"], one["robots"]) for one in ledger]
    assert expected in told
    assert next(entry for entry, one in zip(ledger, told, strict=True) if one == expected)["url"]


def test_each_hop_of_a_redirect_is_a_request(crawl: Crawl) -> None:
    told = _told(crawl, "moved", **ONE)
    assert [status for kind, outcome, status, _ in told if kind == "home" and outcome == "answered"][:1] != [200]
    assert ("home", "answered", 200, "no rules") in told


def test_part_of_a_site_is_forbidden_by_a_rule_that_is_named(crawl: Crawl) -> None:
    refused = [entry for entry in crawl("deny-part").result.ledger if entry["outcome"] == "refused"]
    assert refused and {entry["robots"] for entry in refused} == {"Disallow: /contact", "Disallow: /z*"}
    assert all("robots.txt forbids" in (entry["reason"] or "") for entry in refused)


def test_our_own_network_is_refused_without_a_request(crawl: Crawl) -> None:
    result = crawl("to-metadata", **ONE).result
    (entry,) = [entry for entry in result.ledger if "169.254.169.254" in entry["url"] and entry["kind"] == "home"]
    assert (entry["outcome"], entry["took_ms"]) == ("refused", None) and "refused" in (entry["reason"] or "")


def test_without_robots_nobody_looked(crawl: Crawl) -> None:
    assert _told(crawl, "plain", respect_robots=False, **ONE)[0] == ("home", "answered", 200, None)
