"""The analysis of a set of final rows: every number that a report shows, by section.

The answers are plain values that JSON can hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reports.final_rows import FinalRows, final_rows
from reports.sections import in_order


def analyze(rows: Sequence[Path], *, con: Any) -> dict[str, Any]:
    """Answer the question of every section about the final rows in the given files.

    Returns:
        The answers by the sections' names, and `warnings`: sentences, the most serious first. Shares are 0–1 of the
        companies with a good row, shares of errors of those without.

    Raises:
        duckdb.Error: a file is missing or no Parquet.
        PluginError: a section's module is none.
    """
    with final_rows(con, rows) as final:
        return analyze_rows(final)


def analyze_rows(final: FinalRows) -> dict[str, Any]:
    """The same of rows that `final_rows` gave."""
    answers: dict[str, Any] = {}
    for section in in_order():
        if section.query is not None:
            with section.at_work():
                answers[section.name] = section.query(final)
    return {**answers, "warnings": _warnings(answers) if final.leads else []}


def _warnings(answers: Mapping[str, Any]) -> list[str]:
    by_severity = sorted(in_order(), key=lambda section: -section.severity)
    sentences: list[str] = []
    for section in by_severity:
        with section.at_work():
            sentences += section.warnings(answers)
    return sentences
