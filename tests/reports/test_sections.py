"""What a section may be, and that the order of sections is that of their positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from jinja2 import TemplateSyntaxError

from pipelines.execution.running import failure_text
from reports.analysis import analyze
from reports.render import render
from reports.sections import SECTIONS, Section, in_order
from tests.reports.conftest import JOB, good, write_rows


def test_a_section_for_a_type_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no report type 'annual'; there are comprehensive"):
        Section("a", 1, ("leads", "annual"), "")


def test_sections_stand_by_position_and_each_place_is_taken_once() -> None:
    positions = [section.position for section in in_order()]
    assert positions == sorted(positions)
    assert len(set(positions)) == len(positions) == len(SECTIONS.names)


def test_the_analysis_has_the_answers_by_name_and_the_most_serious_warning_first(tmp_path: Path, con: Any) -> None:
    rows = [good(f"c{n}.com", 10, country="DE", model_version=f"m-{n % 2}") for n in range(20)]
    found = analyze([write_rows(tmp_path / "rows.parquet", rows)], con=con)
    assert list(found) == [section.name for section in in_order() if section.query] + ["warnings"]
    severity = {
        "have no": 80,
        "neither e-mail": 80,
        "tier D": 60,
        "close together": 60,
        "one country": 50,
        "model versions": 20,
    }
    told = [next(value for words, value in severity.items() if words in sentence) for sentence in found["warnings"]]
    assert told == sorted(told, reverse=True) and len(set(told)) == 4


@pytest.mark.parametrize(
    ("fmt", "wrong", "error"),
    [
        ("html", {"query": lambda rows: rows.ask("SELECT domian FROM " + rows.source)}, duckdb.BinderException),
        ("html", {"warnings": lambda analysis: analysis["others"]}, KeyError),
        ("html", {"view": lambda answer, page: {"answer": answer[0]}}, TypeError),
        ("html", {"template": "{% for %}"}, TemplateSyntaxError),
        ("xlsx", {"table": lambda answer: [*answer]}, TypeError),
    ],
    ids=["query", "warnings", "view", "template", "table"],
)
def test_a_section_that_fails_is_named(
    fmt: str,
    wrong: dict[str, Any],
    error: type[Exception],
    tmp_path: Path,
    con: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields = {"report_types": ("leads",), "template": "{{ answer }}", "query": lambda rows: 1, **wrong}
    monkeypatch.setitem(SECTIONS._places, "hiring", ("a test", lambda: None))
    monkeypatch.setitem(SECTIONS._loaded, "hiring", Section("hiring", 45, **fields))
    rows = [write_rows(tmp_path / "rows.parquet", [good("c.com", 10)])]
    with pytest.raises(error) as raised:
        render(fmt, rows=rows, job=JOB, report_type="leads", out=tmp_path / "out", con=con)
    assert failure_text(raised.value).startswith(f"report section 'hiring': {error.__name__}: ")
