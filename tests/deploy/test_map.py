"""The map of the code is the code's: what the pages that say where things are name is there, and the picture is new."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import draw_map

ROOT = Path(__file__).parents[2]
PATH = re.compile(r"[a-z_0-9.-]+/[a-z_0-9./-]*")


def rows(page: str, columns: int) -> list[list[str]]:
    """The lines of a page's tables, cell by cell, without heads."""
    lines = (ROOT / "docs" / page).read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in cells if len(row) == columns and row[0] not in ("you look for", "word", "---")]


PLACES = [(row[0], row[-1]) for row in rows("architecture.md", 2) + rows("glossary.md", 4)]


@pytest.mark.parametrize(("thing", "places"), PLACES, ids=[thing for thing, _ in PLACES])
def test_what_is_looked_for_is_where_the_page_says(thing: str, places: str) -> None:
    """Each file and folder exists, and each name in code type stands in one of them."""
    named = re.findall(r"`([^`]+)`", places)
    found = [ROOT / name for name in named if PATH.fullmatch(name)]
    assert found and all(path.exists() for path in found), places
    text = "".join(file.read_text() for path in found for file in ([path] if path.is_file() else path.rglob("*.py")))
    for name in set(named) - {name for name in named if PATH.fullmatch(name)}:
        assert re.search(rf"\b{re.escape(name)}\b", text), f"{name} is in none of them"


def test_the_questions_of_a_newcomer_are_answered() -> None:
    asked = " ".join(thing for thing, _ in PLACES)
    for word in (
        "status", "retry", "window", "format", "part of the report", "provider", "enricher", "rule", "column",
        "robots", "phone", "SSRF", "CSV", "call the API",
    ):  # fmt: skip
        assert word in asked


def test_the_picture_is_drawn_from_this_tree() -> None:
    assert draw_map.TARGET.read_text() == draw_map.draw(), "run `make docs`"


def test_the_picture_shows_every_module() -> None:
    words = set(re.sub(r"<[^>]+>", " ", draw_map.TARGET.read_text()).split())
    for package in (name for floor in draw_map.floors() for name in floor):
        modules = {file.stem for file in (ROOT / package).rglob("*.py")} - {"__init__"}
        assert modules and modules <= words
