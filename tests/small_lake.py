"""A lake with one scored job, written by the lake's own hand: twelve leads, and a company that is down."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from data.lake import Lake, UnitFiles
from leadmill.ids import company_id, new_job_id

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def lead(number: int, score: float, country: str | None) -> dict[str, Any]:
    domain = f"firm-{number}.example"
    return {
        "company_id": company_id(domain),
        "domain": domain,
        "url": f"https://{domain}/",
        "name": f"Firm {number}",
        "emails": [f"info@{domain}"] if number % 2 else [],
        "phones": ["+442079460000"],
        "address": {"city": "Leeds", "country": "GB"} if number % 3 else None,
        "social": {"linkedin": f"https://www.linkedin.com/company/firm-{number}"},
        "country": country,
        "industry": "software",
        "technologies": ["WordPress"],
        "founded": 1999 if number % 2 else None,
        "score": score,
        "tier": "A" if score >= 75 else "C",
        "contributions": [{"rule": "has_email", "axis": "reach", "points": 20.0, "reason": "names an e-mail address"}],
        "input": [{"line": number + 2, "values": {"Record ID": f"R{number}"}}],
        "scraped_at": NOW,
        "scored_at": NOW,
    }


def scored_job(lake: Lake, scored_at: datetime = NOW, *, more: float = 0.0) -> str:
    """Its id; every score is higher by `more`."""
    job_id = new_job_id()
    down = {
        "company_id": company_id("down.example"),
        "domain": "down.example",
        "score": 0.0,
        "tier": "D",
        "error_category": "network",
        "error": "no answer from down.example",
        "scored_at": scored_at,
    }
    good = [lead(n, 30.0 + 5 * n + more, ["GB", "DE", None][n % 3]) | {"scored_at": scored_at} for n in range(12)]
    UnitFiles(lake, job_id, "score", "score", 1).write([*good, down])
    lake.expose(job_id, "score", "score", 1)
    assert len(lake.parts(job_id, "score")) == 1
    return job_id
