"""The recipes of an enricher with a column and of scoring rules on the real stack."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from cli.doctor.facts import check_facts
from data.lake import Lake
from leadmill import Job
from tests.extending.conftest import Extended

FOUND = {"nordwind-solar.example": "Cookiebot", "donaukraft.example": "none"}


def test_its_column_is_in_the_lake_with_its_default(extended: Extended, leads: Job) -> None:
    lake = Lake(extended.data)
    for stage in ("enrich", "verify", "score"):
        rows = list(lake.iter_rows(lake.parts(leads.id, stage)))
        assert {row["domain"]: row["cookie_banner"] for row in rows} == FOUND, stage
    [fact] = (fact for row in rows for fact in row["facts"] if fact["field"] == "cookie_banner")
    assert fact["value"] == "Cookiebot"
    checked = check_facts([lake], leads.id)
    assert checked.faults == {} and checked.checked == checked.facts > 20, checked.as_dict()


def test_its_column_is_in_reports_and_answers(extended: Extended, leads: Job, tmp_path: Path) -> None:
    with extended.client as client:
        file = client.job(leads.id).report("csv", tmp_path / "report.csv")
        with file.open(encoding="utf-8-sig", newline="") as text:
            assert {row["domain"]: row["cookie_banner"] for row in csv.DictReader(text)} == FOUND
        rows = json.loads(client.job(leads.id).report("json", tmp_path / "report.json").read_text())
        assert {row["domain"]: row["cookie_banner"] for row in rows} == FOUND
        ids = {row["domain"]: row["company_id"] for row in rows}
        assert {domain: client.company(ids[domain])["cookie_banner"] for domain in FOUND} == FOUND
        told = {domain: client.explain(domain, "cookie_banner") for domain in FOUND}
        assert [one["state"] for one in told.values()] == ["found", "not_found"]
        assert told["nordwind-solar.example"]["facts"][0]["words"] == ["consent.cookiebot.com"]
        assert len(told["donaukraft.example"]["pages"]) > 1


def test_rules_score_by_it(extended: Extended, leads: Job) -> None:
    lake = Lake(extended.data)
    rows = lake.iter_rows(lake.parts(leads.id, "score"))
    points = {row["domain"]: {one["rule"]: one["points"] for one in row["contributions"]} for row in rows}
    assert [points[domain].get("asks_for_consent") for domain in FOUND] == [3.0, None]
