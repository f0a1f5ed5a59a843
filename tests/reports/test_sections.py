"""What a section may be, and that the order of sections is that of their positions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.analysis import analyze
from reports.sections import SECTIONS, Section, in_order
from tests.reports.conftest import good, write_rows


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
