"""The analysis: right numbers, JSON-able, and sentences that follow from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reports import final_rows
from reports.analysis import analyze
from reports.wording import percent, turn_words
from tasks.analytics.analyze import analyze_leads
from tests.reports.conftest import bad, good, write_rows


def test_numbers_of_the_fixed_rows(con: Any, rows: list[Path]) -> None:
    found = analyze(rows, con=con)
    totals = found["totals"]
    assert (totals["companies"], totals["leads"], totals["failed"], totals["coverage"]) == (12, 9, 3, 0.75)
    assert totals["pages"] == 27
    assert totals["reachable"] == 5
    assert [tier["count"] for tier in found["tiers"]] == [4, 2, 2, 1]
    assert sum(step["count"] for step in found["scores"]) == 9
    assert found["scores"][9] == {"from": 90, "to": 100, "count": 1}
    assert found["technologies"]["values"][0] == {"value": "Shopify", "count": 2, "share": 0.2222}
    fields = {field["field"]: field["found"] for field in found["fields"]}
    assert (fields["emails"], fields["phones"], fields["address"]) == (4, 4, 2)
    assert found["errors"][0] == {
        "category": "network",
        "code": None,
        "cause": "timed out after N s",
        "count": 2,
        "example_domain": "down.com",
        "example_error": "timed out after 10 s",
        "share": 0.6667,
    }
    assert found["errors"][1]["cause"].startswith("robots.txt of … refuses")
    assert found["rules"][0]["rule"] == "base"


def test_many_rows_are_asked_in_their_files_and_say_the_same(
    con: Any, rows: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    few = analyze(rows, con=con)
    monkeypatch.setattr(final_rows, "FEW_ROWS", 0)
    assert analyze(rows, con=con) == few
    assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchone() == (0,)


def test_a_score_of_100_lies_in_the_last_step(tmp_path: Path, con: Any) -> None:
    rows = [write_rows(tmp_path / "r.parquet", [good("a.com", 100), good("b.com", 0)])]
    steps = analyze(rows, con=con)["scores"]
    assert (steps[0]["count"], steps[9]["count"]) == (1, 1)


def test_warnings_in_words(tmp_path: Path, con: Any) -> None:
    content = [good(f"c{n}.com", 10, country="DE", emails=["a@b.de"] if n < 31 else None) for n in range(50)]
    content += [bad(f"x{n}.com", "network", "refused") for n in range(50)]
    said = analyze([write_rows(tmp_path / "r.parquet", content)], con=con)["warnings"]
    assert said[0] == ("50 % of the companies could not be read (50 of 100); most often the site could not be reached.")
    walled = [bad(f"w{n}.com", "data", "a bot wall (Kasada)") | {"error_code": "bot_wall"} for n in range(60)]
    behind = analyze([write_rows(tmp_path / "w.parquet", content + walled)], con=con)["warnings"]
    assert behind[0].endswith("could not be read (110 of 160); most often a bot wall (Kasada).")
    assert "38 % have no e-mail address." in said
    assert "19 leads have neither e-mail nor phone." in said
    assert "100 % of the leads share one country: Germany." in said
    assert any("tier D" in sentence for sentence in said)
    assert "The scores lie close together, so their order says little." in said


def test_nothing_to_warn_of(tmp_path: Path, con: Any) -> None:
    full = {"emails": ["a@b.de"], "phones": ["+4930123456"], "industry": "Retail"}
    rows = [write_rows(tmp_path / "r.parquet", [good("a.com", 80, **full), good("b.com", 40, **full)])]
    assert analyze(rows, con=con)["warnings"] == []


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.004, "under 1 %"), (0.38, "38 %"), (0.996, "over 99 %"), (1, "100 %")]
)
def test_percent_never_rounds_to_none_or_all(share: float, text: str) -> None:
    assert percent(share) == text


def test_the_analysis_is_json(con: Any, rows: list[Path]) -> None:
    found = analyze_leads(rows)
    assert found == analyze(rows, con=con) == json.loads(json.dumps(found))
    assert analyze_leads([])["totals"]["companies"] == 0


def test_an_http_status_stays_in_the_cause(tmp_path: Path, con: Any) -> None:
    content = [
        bad("a.com", "data", "HTTP 404 for https://a.com/"),
        bad("b.com", "data", "HTTP 404 for https://b.com/x"),
    ]
    content += [bad("c.com", "data", "HTTP 410 for https://c.com/"), bad("d.com", "data", "line 7 of 12.5 is wrong")]
    causes = [
        (e["cause"], e["count"]) for e in analyze([write_rows(tmp_path / "r.parquet", content)], con=con)["errors"]
    ]
    assert causes == [("HTTP 404 for …", 2), ("HTTP 410 for …", 1), ("line N of N is wrong", 1)]


@pytest.mark.parametrize(
    ("jobs", "processes", "seconds", "words"),
    [
        (12, 4, 3.4, "12 jobs share 4 processes; next in about 3 s"),
        (2, 1, 0.04, "2 jobs share 1 process; next in about 1 s"),
        (1, 4, 119, "other projects share 4 processes; next in about 119 s"),
        (2_000, 64, 120, "2,000 jobs share 64 processes; next in about 2 m"),
        (3, 2, 5_400, "3 jobs share 2 processes; next in about 90 m"),
        (3, 2, 9_000_000, "3 jobs share 2 processes; next in about 2,500 h"),
    ],
)
def test_a_turn_in_words(jobs: int, processes: int, seconds: float, words: str) -> None:
    assert turn_words(jobs, processes, seconds) == words
