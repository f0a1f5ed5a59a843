"""The whole HTML and CSV of a fixed set of rows. `GOLDEN=write pytest tests/reports` renews them.

The style sheet and the script are left out, so that a change of looks leaves the golden files alone.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from reports.render import render
from tests.reports.conftest import JOB

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize(
    ("fmt", "report_type", "name"),
    [
        ("html", "comprehensive", "comprehensive.html"),
        ("html", "quality", "quality.html"),
        ("csv", "comprehensive", "comprehensive.csv"),
        ("json", "leads", "leads.json"),
    ],
)
def test_report_is_as_it_was(tmp_path: Path, con: Any, rows: list[Path], fmt: str, report_type: str, name: str) -> None:
    out = tmp_path / name
    render(fmt, rows=rows, job=JOB, report_type=report_type, out=out, con=con)
    made = out.read_bytes()
    if fmt == "html":
        for ours in (rb"(<style>).*?(</style>)", rb"(<script>).*?(</script>)", rb"('sha256-).*?(')"):
            made = re.sub(ours, rb"\1\2", made, flags=re.DOTALL)
    golden = GOLDEN / name
    if os.environ.get("GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_bytes(made)
    assert made == golden.read_bytes()
