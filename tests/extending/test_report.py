"""The recipes of a report section, a chart, a format and a setting on the real stack."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

from leadmill import Job
from leadmill.client.errors import ApiError
from tests.extending.conftest import Extended

HIRING = "nordwind-solar.example"


def test_a_section_is_on_the_page_and_in_the_workbook(extended: Extended, leads: Job, tmp_path: Path) -> None:
    job = extended.client.job(leads.id)
    page = job.report("html", tmp_path / "report.html").read_text()
    places = [page.index(f'aria-label="{label}"') for label in ("Ranked leads", "Hiring", "How the scores come about")]
    assert places == sorted(places)
    assert f"<li><bdi>{HIRING}</bdi></li>" in page[places[1] : places[2]]
    assert '<figure class="card cookie_banners">' in page
    book = CalamineWorkbook.from_path(str(job.report("xlsx", tmp_path / "report.xlsx")))
    lines = book.get_sheet_by_name("Summary").to_python()
    [head] = (number for number, line in enumerate(lines) if line[0] == "Hiring")
    assert lines[head + 1][:2] == [HIRING, f"http://www.{HIRING}/karriere/"]


def test_its_answer_is_in_the_analysis(extended: Extended, leads: Job) -> None:
    with extended.client as client:
        analysis = client.analyze().wait(60).result["analysis"]
    assert HIRING in [lead["domain"] for lead in analysis["hiring"]]
    assert {value["value"] for value in analysis["cookie_banners"]["values"]} == {"Cookiebot", "none"}
    assert "No lead looks for people." not in analysis["warnings"]


def test_a_format_is_rendered_and_served(extended: Extended, leads: Job, tmp_path: Path) -> None:
    with extended.client as client:
        cards = client.job(leads.id).report("vcf", tmp_path / "report.vcf").read_text()
        assert cards.count("BEGIN:VCARD") == 1, "as many as the setting says"
        assert client._transport.request("GET", f"/api/v1/jobs/{leads.id}/report?format=vcf").headers[
            "content-type"
        ] == ("text/vcard; charset=utf-8")
        with pytest.raises(ApiError, match="'vcf'") as refused:
            client.submit([HIRING], report={"formats": ["vcard"]})
        assert refused.value.status == 422
    assert (extended.data / "jobs" / leads.id / "reports" / "report.vcf").is_file()


def test_a_setting_is_checked_and_documented(extended: Extended) -> None:
    row = "| `LEADMILL_CONTACTS_LIMIT` | `1000` | Most contacts in a vCard file. |"
    assert row in extended.run("-c", "from docs.generate import settings; print(settings('limit'))").splitlines()
    wrong = subprocess.run(
        [sys.executable, "-m", "cli.main", "status"],
        cwd=extended.tree,
        env={**extended.env, "LEADMILL_CONTACTS_LIMIT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert wrong.returncode == 2
    assert "LEADMILL_CONTACTS_LIMIT: Input should be greater than or equal to 1" in wrong.stderr
