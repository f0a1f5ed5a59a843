"""A fixed set of final rows, hostile ones among them, and a connection to render them with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from data.schemas import STAGE_SCHEMAS, table
from leadmill.ids import company_id

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
JOB_ID = "job_0123456789abcdefghjk"
JOB = {"job_id": JOB_ID, "created_at": NOW, "generated_at": NOW, "tags": ["<i>tag</i>"]}


def part(rule: str, axis: str, points: float, reason: str) -> dict[str, Any]:
    return {"rule": rule, "axis": axis, "points": points, "reason": reason}


def good(domain: str, score: float, **values: Any) -> dict[str, Any]:
    tier = next(t for t, low in (("A", 70), ("B", 50), ("C", 30), ("D", 0)) if score >= low)
    return {
        "company_id": company_id(domain),
        "domain": domain,
        "url": f"https://{domain}/",
        "name": domain.split(".", maxsplit=1)[0].title(),
        "score": score,
        "tier": tier,
        "contributions": [part("base", "fit", score, "What the test wants")],
        "model_version": "test-00000000",
        "quality": 0.5,
        "pages": 3,
        "scraped_at": NOW,
        "processed_at": NOW,
        "scored_at": NOW,
        **values,
    }


def bad(domain: str, category: str, error: str) -> dict[str, Any]:
    return {**good(domain, 0), "name": None, "contributions": [], "quality": None, "pages": None, "processed_at": None,
            "scraped_at": None, "error_category": category, "error": error}  # fmt: skip


def final_rows() -> list[dict[str, Any]]:
    """Twelve companies: nine leads, of them four hostile, and three failures of two causes."""
    script = "<script>alert(1)</script>"
    return [
        good(
            "best.de", 92, quality=0.9, alias="best-pumps.example", legal_name="Best GmbH", vat_id="DE136695976",
            register={"number": "HRB 77120", "court": "Amtsgericht München", "country": "DE"},
            description="Pumps & valves\nsince 1974",
            emails=["info@best.de", "sales@best.de"], phones=["+4922155512345"], country="DE", language="de",
            address={"street": "Hauptstr. 5", "city": "Köln", "postcode": "50667", "country": "DE"},
            locations=[
                {"street": "Hauptstr. 5", "city": "Köln", "postcode": "50667", "country": "DE", "head_office": True},
                {"street": "Am Kai 2", "city": "Kiel", "postcode": "24103", "country": "DE", "head_office": False},
            ],
            social={"linkedin": "https://linkedin.com/company/best"}, industry="Manufacturing",
            technologies=["Shopify", "HubSpot"], employees_min=11, employees_max=50, founded=1974,
            contact_url="https://best.de/kontakt", careers_url="https://best.de/jobs",
            contributions=[part("has-email", "contact", 14, "E-mail found"), part("thin", "fit", -8, "Little found")],
            input=[{"line": 3, "values": {"Record ID": "4711", "Owner": "<b>Anna</b>", "Note": ""}}],
            facts=[{"field": "email", "value": "info@best.de", "source": "https://best.de/kontakt",
                    "method": "mailto", "confidence": 0.97, "seen_at": NOW, "line": 11,
                    "quote": "=1+1 Mail: info@best.de"}],
        ),
        good("same-b.com", 75, quality=0.5, emails=["a@same-b.com"]),
        good("same-a.com", 75, quality=0.5, phones=["+14155550100"]),
        good("same-c.com", 75, quality=0.8, technologies=["Shopify"]),
        good(
            "script.com", 66, name=script, description=script * 3, industry=script, country=script,
            emails=[f'"{script}"@x.com', "a@b.com?bcc=c@d.com"], url="javascript:alert(1)", technologies=[script],
            contact_url="data:text/html,<script>alert(1)</script>", social={"<b>": "javascript:alert(2)"},
            contributions=[part("<r>", "<axis>", 66, script)], phones=['+1"onmouseover="alert(1)'],
        ),
        good(
            "formula.com", 55, name="=cmd|' /C calc'!A0", description="\t@SUM(1+1)", legal_name="＝1+1",
            industry="-2+3", emails=["+evil@x.com", "=1+1"], phones=["+4930123456", "+49 30; =1"],
            technologies=["ok", "=HYPERLINK(\"http://x\")"], social={"=a": "=b"},
            address={"street": "=1+1", "city": 'Say "hi", ok'},
        ),
        good("rtl.com", 44, name="\u202eشركة المثال", description="مرحبا بكم في موقعنا", language="ar"),
        good("emoji.com", 33, name="🚀 Emoji & Söhne 👩‍💻", description="é\u2028ü"),
        good("long.com", 12, description="long text " * 1000, emails=[], phones=[]),
        bad("down.com", "network", "timed out after 10 s"),
        bad("slow.com", "network", "timed out after 25 s"),
        bad("robots.com", "data", f"robots.txt of https://robots.com/ refuses {script}"),
    ]  # fmt: skip


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@pytest.fixture
def rows(tmp_path: Path) -> list[Path]:
    return [write_rows(tmp_path / "score.parquet", final_rows())]


def write_rows(path: Path, content: list[dict[str, Any]]) -> Path:
    pq.write_table(table(content, STAGE_SCHEMAS["score"], JOB_ID), path)
    return path
