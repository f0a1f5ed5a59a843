"""`leadmill companies DOMAIN`: one company for a reader, on a terminal of any width and in a pipe."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cli.company_card import card
from leadmill.ids import company_id, parse_company_url

V1 = "/api/v1"
Run = Callable[..., Any]

COMPANY: dict[str, Any] = {
    "company_id": company_id("acme.example"), "domain": "acme.example", "url": "https://acme.example/",
    "name": "Acme", "legal_name": "Acme GmbH", "description": "Makes\x1b[2J anvils for people who need anvils. " * 3,
    "emails": ["hello@acme.example", "jobs@acme.example"], "phones": ["+493012345678"],
    "address": {"street": "Hauptstr. 1", "city": "Berlin", "region": None, "postcode": "10115", "country": "DE"},
    "country": "DE", "language": "de", "industry": "Machinery", "technologies": ["Shopify", "HubSpot"],
    "employees_min": 11, "employees_max": 50, "founded": 1999, "contact_url": "https://acme.example/kontakt",
    "careers_url": None, "social": {"linkedin": "https://www.linkedin.com/company/acme"},
    "score": 81.5, "tier": "A", "fit": None, "reach": 90.0, "quality": 0.9, "job_id": "job_1",
    "facts": [{"field": "email", "value": "hello@acme.example", "source": "https://acme.example/kontakt",
               "method": "mailto", "confidence": 0.95}],
    "contributions": [{"rule": "a", "axis": "contact", "points": 5.0, "reason": "Contact page"},
                      {"rule": "b", "axis": "fit", "points": -12.0, "reason": "Outside DACH"}],
    "history": [{"at": f"2026-11-2{n}T10:00:00Z", "job_id": f"job_{n}", "score": 80.0 + n, "tier": "A", "error": None}
                for n in range(7)],
}  # fmt: skip


def test_a_card_says_who_how_why_and_since_when() -> None:
    lines = card(COMPANY, None)
    assert lines[:2] == ["Acme GmbH", "acme.example   tier A   score 81.5   reach 90"]
    for line in (
        "  e-mail            hello@acme.example   (/kontakt, e-mail link, 95 % sure)",
        "                    jobs@acme.example",
        "  phone             030 12345678",
        "  address           Hauptstr. 1, 10115, Berlin, Germany",
        "  LinkedIn          https://www.linkedin.com/company/acme",
        "  people            11 to 50",
        "  uses              Shopify, HubSpot",
        "                    and 2 earlier",
    ):
        assert line in lines
    assert lines.index("  -12               Outside DACH") < lines.index("  +5                Contact page")
    assert not any("\x1b" in line for line in lines)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_lines_are_as_wide_as_the_terminal(width: int) -> None:
    assert all(len(line) <= max(width, 62) for line in card(COMPANY, width)), "one long address stays whole"


def test_a_company_of_which_little_is_known() -> None:
    bare = {"domain": "acme.example", "company_id": "comp_1", "name": None, "facts": None, "history": []}
    assert card(bare, 80) == ["acme.example", "acme.example   not scored"]


def test_companies_by_domain_address_and_id(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    api.on("GET", f"{V1}/companies/{COMPANY['company_id']}", answer(COMPANY))
    env = at(api.url)
    for named in ("https://www.acme.example/shop", COMPANY["company_id"]):
        ended = leadmill("companies", named, env=env)
        assert (ended.code, ended.out.splitlines()[0]) == (0, "Acme GmbH"), ended.err
    assert json.loads(leadmill("companies", "acme.example", "--json", env=env).out) == COMPANY
    unknown = leadmill("companies", "plum.example", env=env)
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err == "error: nothing is known of plum.example yet. Try: leadmill run plum.example\n"
    fig = parse_company_url("fig.example").company_id
    api.on(
        "GET", f"{V1}/companies/{fig}/explain", answer({"domain": "fig.example", "value": "the page does not exist"})
    )
    failed = leadmill("companies", "fig.example", env=env).err
    assert failed == (
        "error: fig.example was tried and never read: the page does not exist. Try: leadmill explain fig.example name\n"
    )
