"""A report as a mail: what it tells, and that nothing in it does anything."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from data.schemas import STAGE_SCHEMAS, table
from reports.mail import Mail, mail_of, one_line
from tests.reports.conftest import JOB, JOB_ID, bad, final_rows, good

HERE = f"https://leads.example.com/api/v1/jobs/{JOB_ID}/report?format="
LINKS = {"html": f"{HERE}html", "csv": f"{HERE}csv"}


def mail(folder: Path, rows: list[dict[str, Any]], links: dict[str, str] | None = None, **job: Any) -> Mail:
    path = folder / "rows.parquet"
    pq.write_table(table(rows, STAGE_SCHEMAS["score"], JOB_ID), path)
    return mail_of([path], {**JOB, **job}, LINKS if links is None else links, duckdb.connect())


def test_counts_best_leads_and_links(tmp_path: Path) -> None:
    many = [
        good(f"firma-{i}.de", 75 - i, name=f"Müller {i}", country="DE", emails=[f"a@firma-{i}.de"]) for i in range(15)
    ]
    told = mail(tmp_path, [*many, good("xn--mnchen-3ya.de", 99, name="Bäckerei"), bad("x.de", "network", "timed out")],
                tags=["Süd", "x"])  # fmt: skip
    assert told.subject == "Süd: 16 leads of 17 companies, 7 in tier A"
    for text in (told.text, told.html):
        assert "16" in text and "Müller 8" in text and "Müller 9" not in text and "münchen.de" in text
        assert "1 (the site could not be reached)" in text and "Germany" in text and "a@firma-3.de" in text
        assert text.index("Bäckerei") < text.index("Müller 0") < text.index("Müller 1")
        assert HERE.replace("&", "&amp;") + "csv" in text
    assert "1. Bäckerei - 99 points, tier A\n" in told.text


def test_no_lead_and_no_address_of_the_api(tmp_path: Path) -> None:
    told = mail(tmp_path, [bad("a.de", "data", "robots")], {}, tags=[])
    assert told.subject == "Your leads: 0 leads of 1 company"
    assert "There is no lead in it." in told.text and "There is no lead in it." in told.html
    assert "http" not in told.text and "href" not in told.html


def test_pages_of_others_do_nothing_in_it(tmp_path: Path) -> None:
    told = mail(tmp_path, final_rows())
    assert "<script" not in told.html and "javascript:" not in told.html.lower()
    assert set(re.findall(r'href="(\w+):', told.html)) <= {"http", "https", "mailto", "tel"}
    assert not re.search(r"<(img|link|iframe|form|style)|url\(", told.html), "it loads nothing"
    assert "<bdi>&lt;i&gt;tag&lt;/i&gt;</bdi>" in told.html


@pytest.mark.parametrize("text", ["a\r\nBcc: b@c.de", "a\nb", "a\x00b", "a\u2028b", "a\u202eb", "a\x85b"])
def test_a_header_is_one_line(text: str, tmp_path: Path) -> None:
    assert one_line(text).isprintable()
    assert mail(tmp_path, [good("a.de", 9)], tags=[text]).subject.isprintable()
    long = mail(tmp_path, [good("a.de", 9)], tags=["x" * 200]).subject
    assert len(long) == 120 and long.endswith("…")
