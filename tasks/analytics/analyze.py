"""The analyze stage: every number of a report, of a set of final rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from data.duck import connection
from reports.analysis import analyze


def analyze_leads(rows: Sequence[Path]) -> dict[str, Any]:
    """Analyze the final rows in the given files (see `reports.analysis.analyze`); the answer is JSON-able.

    Raises:
        duckdb.Error: a part cannot be read.
    """
    return analyze(rows, con=connection().cursor())
