"""Stored sites and what is true of them, read from a folder.

A folder holds `sites.jsonl`, a line for each page: `{host, path, file, gold}` with optional `charset` (of the HTTP
header) and `headers`; and, if there is one, `truth.jsonl`, a line for each host. Keys of a truth, each of which may
be missing and is then not judged: name, name_alt, legal_name, emails, phones, fax, address, address_alt, country,
language, social, founded, employees ([least, most]), industry (one or several that are right), technologies, vat_id,
register, none (fields of which the pages state nothing, so that any value is wrong); beside the lists
`<list>_optional` and `<list>_complete`, and `not_phones`. Hosts without a truth take that of `labels.jsonl` beside
this module, and else what `gold` marks on their pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extraction.markup import Markup
from extraction.page_keys import page_key
from leadmill.ids import company_domain, company_id
from tasks.scraping.links import classify, links_of

#: Labels of hosts whose pages lie elsewhere.
LABELS = Path(__file__).with_name("labels.jsonl")
FETCHED_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Site:
    """One host: its pages as the crawler would store them, and what is true of the company."""

    host: str
    domain: str
    pages: list[dict[str, Any]]
    truth: dict[str, Any] = field(default_factory=dict)

    @property
    def half(self) -> str:
        """`seen` or `held` (out): rules are made while looking at the first half only."""
        return half(self.host)


def half(host: str) -> str:
    """The half that a host belongs to, whatever the folder."""
    return "held" if int(hashlib.sha256(host.encode()).hexdigest(), 16) % 2 else "seen"


def read(folder: Path) -> list[Site]:
    """The sites of a folder in the order of their first page."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in _json_lines(folder / "sites.jsonl"):
        lines.setdefault(line["host"], []).append(line)
    truths = {truth["host"]: truth for path in (LABELS, folder / "truth.jsonl") for truth in _json_lines(path)}
    sites = []
    for host, its in lines.items():
        domain = company_domain(f"http://{host}/") or host
        answers = {line["path"]: (folder / line["file"]).read_bytes() for line in its}
        pages = pages_of(host, domain, answers, {line["path"]: line for line in its})
        truth = truths.get(host) or _from_gold(host, [line["gold"] for line in its if line.get("gold")])
        sites.append(Site(host, domain, pages, truth))
    return sites


def pages_of(
    host: str, domain: str, answers: Mapping[str, bytes], told: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Rows of `data.schemas.PAGES`, home first, each of the kind that the crawler gives it by its links.

    `answers` are bodies by path; `told` may give `charset` and `headers` of a path.
    """
    urls = {path: f"http://{host}{path}" for path in answers}
    kinds = _kinds(urls, answers, domain)
    ordered = sorted(answers, key=lambda path: kinds[path] != "home")
    return [
        {
            "company_id": company_id(domain),
            "domain": domain,
            "url": urls[path],
            "final_url": urls[path],
            "kind": kinds[path],
            "depth": int(kinds[path] != "home"),
            "status": 200,
            "headers": dict(told.get(path, {}).get("headers") or {}),
            "charset": told.get(path, {}).get("charset"),
            "html": answers[path],
            "page_hash": hashlib.sha256(answers[path]).hexdigest()[:16],
            "fetched_at": FETCHED_AT,
        }
        for path in ordered
    ]


def scraped(site: Site) -> dict[str, Any]:
    """Its row of stage scrape."""
    return {
        "company_id": company_id(site.domain),
        "domain": site.domain,
        "url": f"http://{site.host}/",
        "pages": len(site.pages),
        "facts": None,
        "scraped_at": FETCHED_AT,
    }


def _kinds(urls: Mapping[str, str], answers: Mapping[str, bytes], domain: str) -> dict[str, str]:
    best = {page_key(url): classify(url) for url in urls.values()}
    for path, url in urls.items():
        page = Markup(answers[path])
        for link in links_of(page, url, lambda place: company_domain(f"http://{place}/") == domain, (), set()):
            if link.key in best and link.strength > best[link.key][1]:
                best[link.key] = (link.kind, link.strength)
    home = page_key(urls["/"]) if "/" in urls else None
    return {path: "home" if page_key(url) == home else best[page_key(url)][0] for path, url in urls.items()}


def _from_gold(host: str, golds: Iterable[Mapping[str, list[str]]]) -> dict[str, Any]:
    """A truth out of the marks on its pages: names, towns and codes that may be right, numbers that must be found."""
    marks: dict[str, list[str]] = {}
    for gold in golds:
        for kind, values in gold.items():
            marks.setdefault(kind, []).extend(values)
    if not marks:
        return {"host": host}
    truth: dict[str, Any] = {"host": host, "digits": sorted({*marks.get("TEL", ()), *marks.get("FAX", ())})}
    if names := list(dict.fromkeys(marks.get("ORG", ()))):
        truth |= {"name": names[0], "name_alt": names[1:]}
    places = [{"city": city} for city in marks.get("CITY", ())] + [
        {"postcode": code} for code in marks.get("ZIPCODE", ())
    ]
    if places:
        first = {
            "city": next(iter(marks.get("CITY", ())), None),
            "postcode": next(iter(marks.get("ZIPCODE", ())), None),
        }
        truth |= {"address": first, "address_alt": places}
    return truth


def _json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line] if path.exists() else []
