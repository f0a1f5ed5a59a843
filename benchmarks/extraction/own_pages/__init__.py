"""Sites of invented companies in twelve languages, with everything that is true of them: `--cases own`.

`companies.jsonl` says who they are, how their pages are laid out and what stands in the way (an agency's address, a
data protection officer, cloaked addresses, prices, cookie banners, broken markup); `words.toml` what pages say beside
that, by language. The pages are made of both when they are asked for, always the same.
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.extraction.cases import Site, pages_of
from benchmarks.extraction.own_pages.layouts import LAYOUTS
from leadmill.ids import company_domain

Company = dict[str, Any]
Words = dict[str, Any]


@cache
def sites() -> list[Site]:
    """All of them, in the order of the file."""
    here = Path(__file__).parent
    words = tomllib.loads((here / "words.toml").read_text(encoding="utf-8"))
    lines = (here / "companies.jsonl").read_text(encoding="utf-8").splitlines()
    return [_site(company, words[company["lang"]]) for company in map(json.loads, lines)]


def _site(company: Company, words: Words) -> Site:
    host = company["host"]
    domain = company_domain(f"http://{host}/") or host
    charset = company.get("charset", "utf-8")
    made = LAYOUTS[company["layout"]](company, words)
    answers = {path: html.encode(charset, "xmlcharrefreplace") for path, html in made.items()}
    return Site(host, domain, pages_of(host, domain, answers, {}), truth_of(company))


def truth_of(company: Company) -> dict[str, Any]:
    """What is right and complete of a company, in the form of `cases`."""
    branch = company.get("branch") or {}
    numbers = [*company.get("phones", ()), *company.get("mobile", ()), *([branch["phone"]] if branch else [])]
    parts = ("street", "city", "region", "postcode")
    truth = {
        "host": company["host"],
        "name": company["name"],
        "name_alt": company.get("name_alt", []),
        "legal_name": company.get("legal_name"),
        "emails": [*company["emails"], *([branch["email"]] if branch.get("email") else [])],
        "emails_complete": True,
        "phones": [number.partition("|")[2] for number in numbers],
        "fax": [number.partition("|")[2] for number in company.get("fax", ())],
        "phones_complete": True,
        "address": {part: company.get(part) for part in parts},
        "address_alt": [{part: branch.get(part) for part in parts}] if branch else [],
        "country": company["country"],
        "language": company["lang"],
        "social": company.get("social", []),
        "founded": company.get("founded"),
        "employees": [company["staff"]] * 2 if "staff" in company else None,
        "industry": company["industry"],
        "vat_id": company.get("vat"),
        "register": company.get("register"),
        "technologies": [],
        "technologies_complete": True,
    }
    return truth | {
        "none": [key for key in ("legal_name", "founded", "employees", "vat_id", "register") if not truth[key]]
    }
