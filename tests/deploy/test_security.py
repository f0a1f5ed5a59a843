"""What SECURITY.md names is there: each guard a file, each test a function."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text()
ROWS = [
    cells
    for line in PAGE.splitlines()
    if line.startswith("| ") and (cells := [cell.strip() for cell in line.strip("|").split("|")])[0] != "threat"
    and not cells[0].startswith("---")
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_a_threat_has_a_guard_and_a_test_that_are_there(row: list[str]) -> None:
    threat, guard, proof = row
    files = re.findall(r"`([^`]+)`", guard.rpartition(": ")[2])
    assert threat and files and all((ROOT / file).is_file() for file in files), guard
    named = re.findall(r"`([^`]+)`", proof)
    assert named and proof == ", ".join(f"`{name}`" for name in named)
    for name in named:
        file, function = name.split("::")
        tree = ast.parse((ROOT / file).read_text())
        assert function in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}, name


def test_every_threat_of_a_kind_is_told() -> None:
    assert len(ROWS) == len({row[0] for row in ROWS}) == PAGE.count("\n| ") - 2 * PAGE.count("| threat |")
    for file in re.findall(r"\]\((\w[^)#]+)", PAGE):
        assert (ROOT / file).exists(), file
