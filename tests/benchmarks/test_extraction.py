"""The evaluation of rows: what counts as right, what a run tells, and that two runs compare."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.extraction import __main__ as evaluation
from benchmarks.extraction import cases, tables
from benchmarks.extraction.judge import judge, name_right

TRUTH: dict[str, Any] = {
    "host": "www.brook-joinery.example",
    "name": "Brook Joinery",
    "name_alt": ["Brook & Daughters"],
    "legal_name": "Brook Joinery Ltd",
    "emails": ["hello@brook-joinery.example"],
    "emails_complete": True,
    "phones": ["+441144960123"],
    "fax": ["+441144960124"],
    "phones_complete": True,
    "not_phones": ["07654321"],
    "address": {"street": "1 Mill Lane", "city": "Sheffield", "postcode": "S1 2AB"},
    "country": "GB",
    "social": ["https://www.facebook.com/brookjoinery"],
    "none": ["founded"],
}
ROW: dict[str, Any] = {
    "name": "Brook Joinery Limited",
    "legal_name": "BROOK JOINERY LTD",
    "emails": ["hello@brook-joinery.example", "agency@pixels.example"],
    "phones": ["+441144960123", "+441144960124"],
    "fax": [],
    "address": {"street": "Unit 4, 1 Mill Lane", "city": "Sheffield", "postcode": "S1 2AC"},
    "country": "GB",
    "social": {"facebook": "https://facebook.com/brookjoinery/posts", "x": "https://x.com/pixels"},
    "founded": 1999,
    "facts": [{"field": "name", "value": "Brook Joinery Limited", "method": "title", "confidence": 0.8}],
}


def wrong(judged: list[Any]) -> set[tuple[str, str, str]]:
    return {(one.field, one.side, one.value) for one in judged if not one.right}


def test_a_row_is_judged_value_by_value() -> None:
    judged = judge(TRUTH["host"], "seen", TRUTH, ROW)
    assert wrong(judged) == {
        ("emails", "precision", "agency@pixels.example"),
        ("fax", "recall", "+441144960124"),
        ("postcode", "recall", "S1 2AB"),
        ("postcode", "precision", "S1 2AC"),
        ("social", "precision", "twitter/pixels"),
        ("founded", "precision", "1999"),
    }
    (name,) = (one for one in judged if one.field == "name" and one.side == "precision")
    assert (name.method, name.confidence, name.country) == ("title", 0.8, "GB")
    assert not [one for one in judged if one.field in {"industry", "language", "employees"}]  # the truth says nothing


@pytest.mark.parametrize(
    ("given", "right"),
    [("The Brook Joinery Co", True), ("Brook and Daughters", True), ("Contact - Brook Joinery", False),
     ("Joinery Brook", False),
     ("Brook Joinery – bespoke stairs, windows and doors in Sheffield", False)],
)  # fmt: skip
def test_names(given: str, right: bool) -> None:
    assert name_right(given, TRUTH) is right


def test_a_run_over_a_folder_and_what_changed_since(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = next(host for n in range(9) if cases.half(host := f"brook{n}.example") == "seen")
    held = next(host for n in range(9) if cases.half(host := f"brook{n}.example") == "held")
    links = '<a href="/kontakt">Contact</a>'
    lines = []
    for host in (seen, held):
        for path, body in (
            ("/", links),
            ("/kontakt", "<p>Call us: 0114 496 0123</p><p>1 Mill Lane, Sheffield S1 2AB</p>"),
        ):
            file = tmp_path / f"{host}{len(lines)}.html"
            file.write_text(f"<html lang=en><title>Brook Joinery</title><body>{body}</body></html>")
            lines.append({"host": host, "path": path, "file": file.name, "gold": None})
    (tmp_path / "sites.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    truths = [{**TRUTH, "host": host, "emails": ["gone@brook.example"]} for host in (seen, held)]
    (tmp_path / "truth.jsonl").write_text("".join(json.dumps(truth) + "\n" for truth in truths))
    assert [[page["kind"] for page in site.pages] for site in cases.read(tmp_path)] == [["home", "contact"]] * 2

    def run(*options: str) -> str:
        monkeypatch.setattr(sys, "argv", ["extraction", "--cases", str(tmp_path), *options])
        assert evaluation.main() == 0
        return capsys.readouterr().out

    said = run("--misses", "--countries", "--cpu", "--json", str(tmp_path / "before.json"))
    assert f"seen {seen} [GB] emails not found: gone@brook.example" in said
    assert f"held {held}" not in said and "parse (bare)" in said and "2 hosts, 4 pages" in said
    assert f"held {held} [GB] emails not found" in run("--half", "held", "--misses")
    truths[0]["emails"] = []
    (tmp_path / "truth.jsonl").write_text("".join(json.dumps(truth) + "\n" for truth in truths))
    for file in tmp_path.glob(f"{seen}*.html"):
        file.write_text(file.read_text().replace("0123", "0999"))
    said = run("--compare", str(tmp_path / "before.json"))
    assert f"- seen {seen} [GB] phones not found: +441144960123" in said
    assert f"- seen {seen} [GB] phones wrong: +441144960999" in said


def test_the_confidence_is_off_by_how_much_more_or_less_often_facts_are_right() -> None:
    judged = judge(TRUTH["host"], "seen", TRUTH, ROW)
    assert tables.ece(judged) == pytest.approx(0.2)  # one fact of 0.8, and it is right
    assert tables.ece([]) == 0.0
