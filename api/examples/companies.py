"""Examples of what is asked and told of companies: their rows, lists, facts, and what was asked of whom."""

from __future__ import annotations

from typing import Any

from api.company_columns import SHORT
from api.examples.names import API, JOB

_BLOCK = {"domain": "acme.example", "reason": "asked us to stop", "since": "2027-01-31T08:00:00Z"}
_COMPANY = dict.fromkeys([*SHORT, "seen_at"]) | {
    "company_id": "comp_0123456789abcdef",
    "domain": "nordwind-solar.example",
    "url": "https://nordwind-solar.example/",
    "name": "Nordwind Solar",
    "emails": ["info@nordwind-solar.example"],
    "phones": ["+494012345678"],
    "country": "DE",
    "technologies": ["WordPress"],
    "score": 71.5,
    "tier": "A",
    "seen_at": "2027-01-31T08:00:09.512Z",
    "job_id": JOB,
}
_EVIDENCE = {
    "field": "phone",
    "value": "+494012345678",
    "source": "https://nordwind-solar.example/kontakt",
    "page_hash": "9f2c4e8a1b3d5f70",
    "method": "text",
    "how": "in the text",
    "confidence": 0.9,
    "seen_at": "2027-01-31T08:00:03.120Z",
    "quote": "Telefon: 040 12345678",
    "words": None,
    "line": 17,
    "node": None,
    "place": "line 18 of its text",
    "why": "nothing else was read",
}

#: Name of a schema → an example of it.
EXAMPLES: dict[str, dict[str, Any]] = {
    "BlockBody": {"reason": "asked us to stop"},
    "ListPreview": {
        "format": "csv",
        "column": "Company Domain Name",
        "header_line": 1,
        "delimiter": ";",
        "encoding": "utf-8",
        "lines": 5,
        "companies": 3,
        "without_address": 1,
        "refused": 0,
        "repeated": 1,
        "merged": 0,
        "other_columns": ["Record ID"],
        "complete": True,
        "known": 2,
        "newest_known_at": "2026-03-01T12:00:04.512Z",
        "reasons": [{"reason": "no address", "count": 1, "examples": [{"line": 4, "text": ";0018"}]}],
        "first": [
            {
                "line": 2,
                "domain": "nordwind-solar.example",
                "url": "https://nordwind-solar.example/",
                "values": {"Record ID": "0017"},
            }
        ],
    },
    "PersonPage": {
        "items": [
            {
                "company_id": "comp_0123456789abcdef",
                "domain": "quiet-archive.example",
                "person_id": "per_0123456789abcdef0123",
                "name": "Anna Schmidt",
                "role": "Head of Sales",
                "role_class": "sales",
                "email": "anna.schmidt@quiet-archive.example",
                "phone": "+493023125431",
                "source": "https://quiet-archive.example/team",
                "page_hash": "0123456789abcdef",
                "method": "text",
                "confidence": 0.75,
                "quote": "Anna Schmidt · Head of Sales",
                "seen_at": "2027-01-31T08:00:03.870Z",
                "job_id": JOB,
            }
        ],
        "next_cursor": None,
    },
    "LedgerPage": {
        "items": [
            {
                "company_id": "comp_0123456789abcdef",
                "domain": "quiet-archive.example",
                "host": "www.quiet-archive.example",
                "url": "https://www.quiet-archive.example/intern",
                "kind": "other",
                "at": "2027-01-31T08:00:03.870Z",
                "outcome": "refused",
                "status": None,
                "bytes": None,
                "took_ms": None,
                "robots": "Disallow: /intern",
                "reason": "robots.txt forbids /intern",
                "job_id": JOB,
            }
        ],
        "next_cursor": None,
    },
    "Block": _BLOCK,
    "BlockPage": {"items": [_BLOCK], "next_cursor": None},
    "Company": _COMPANY,
    "CompanyPage": {"items": [_COMPANY], "next_cursor": None},
    "CompanyFacets": {"companies": 34, "facets": {"country": [{"value": "DE", "companies": 12}]}},
    "QueryResult": {
        "columns": [{"name": "country", "type": "VARCHAR"}, {"name": "companies", "type": "BIGINT"}],
        "rows": [["DE", 12]],
        "total": 1,
        "total_is_exact": True,
        "cut_by": None,
        "took_s": 0.041,
    },
    "Explanation": {
        **{name: _COMPANY[name] for name in ("company_id", "domain", "job_id")},
        "field": "phones",
        "value": ["+494012345678"],
        "state": "found",
        "told": "found on the pages of its site",
        "facts": [_EVIDENCE],
        "candidates": [],
        "pages": [],
        "errors": [],
        "links": {"company": f"{API}/companies/comp_0123456789abcdef", "job": f"{API}/jobs/status/{JOB}"},
    },
}
