"""A look at a list costs the same whatever is in it, and reading all of it grows with its size."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from leadmill.errors import InputError
from pipelines.request.lists import company_list
from pipelines.request.lists.budget import LOOK, WHOLE, Budget, SpentError
from pipelines.request.lists.company_list import CompanyList
from pipelines.request.lists.tally import preview
from tests.pipelines.request.lists.test_workbook import raw

pytestmark = pytest.mark.no_cover  # the CPU time that it measures is not that of tracing

#: Most CPU time of one step beside another, from file to file: what is told to cost the same costs about the same.
APART = 8
WIDE = 2_000
Make = Callable[[Path, int], Path]


def text(head: str, line: str) -> Make:
    def make(folder: Path, lines: int) -> Path:
        file = folder / f"{lines}.csv"
        file.write_text(f"{head}\na.com\n" + "".join(line.replace("#", str(n)) for n in range(lines)))
        return file

    return make


def workbook(line: str, texts: str = "") -> Make:
    def make(folder: Path, lines: int) -> Path:
        rows = "".join(f"<row>{line.replace('#', str(n))}</row>" for n in range(lines))
        head = "<row><c t='str'><v>url</v></c></row><row><c t='str'><v>a.com</v></c></row>"
        return raw(folder / f"{lines}.xlsx", head + rows, texts.replace("#", "x") * lines)

    return make


#: Lists that cost much for their size, or hold little; how many lines take some ten milliseconds.
HOSTILE: dict[str, tuple[Make, int]] = {
    "blank lines": (text("url", "\n"), 20_000),
    "wide rows": (text("url", "a#.com" + ",v" * WIDE + "\n"), 6),
    "empty cells": (text("url", "a#.com" + "," * WIDE + "\n"), 8),
    "many columns of websites": (text(",".join(["url"] * 500), "x#," * 500 + "\n"), 10),
    "addresses": (text("url", "a#.com\n"), 300),
    "accents": (text("url,n", "a#.com," + "ü" * 500 + "\n"), 60),
    "open quotes": (text("url", '"a#.com\n'), 300),
    "wide rows of a workbook": (workbook("<c t='str'><v>a#.com</v></c>" + "<c><v>1</v></c>" * WIDE), 1),
    "empty cells of a workbook": (workbook("<c/>" * WIDE), 2),
    "the last column of a workbook": (workbook("<c r='GRT1'><v>1</v></c>"), 8),
    "texts of a workbook": (workbook("<c t='s'><v>999999</v></c>", "<si><t>a#.com</t></si>"), 1_000),
}


def cost(file: Path) -> tuple[float, int]:
    """CPU seconds, the lesser of two, and steps of reading a list."""
    listed, least = CompanyList(file), float("inf")
    for _ in range(2):
        budget = Budget(WHOLE)
        began = time.process_time()
        for _ in listed.lines(budget):
            pass
        least = min(least, time.process_time() - began)
    return least, WHOLE - budget.left


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    """CPU seconds of a step of reading an ordinary list."""
    seconds, steps = cost(HOSTILE["addresses"][0](tmp_path_factory.mktemp("usual"), 2_000))
    return seconds / steps


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_list_costs_is_counted_and_grows_with_it(name: str, usual: float, tmp_path: Path) -> None:
    make, lines = HOSTILE[name]
    small, large = cost(make(tmp_path, 2 * lines)), cost(make(tmp_path, 8 * lines))
    assert large[1] < 4.5 * small[1]
    assert large[0] < 8 * max(small[0], 0.003)
    assert large[0] < APART * usual * large[1]
    with pytest.raises(SpentError):
        for _ in CompanyList(tmp_path / make(tmp_path, 8 * lines).name).lines(Budget(large[1] // 2)):
            pass


def test_a_look_at_a_list_ends_and_says_so(tmp_path: Path) -> None:
    make, _ = HOSTILE["blank lines"]
    found = preview(make(tmp_path, 1_100_000), None, Budget(LOOK))
    assert (found["complete"], found["companies"]) == (False, 1)


def test_a_list_that_is_too_much_is_refused_with_what_would_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = HOSTILE["addresses"][0](tmp_path, 100)
    monkeypatch.setattr(company_list, "WHOLE", 20_000)
    with pytest.raises(InputError, match=r"up to line \d+ only; delete blank lines and columns"):
        list(CompanyList(file))


def test_more_lines_than_a_job_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = HOSTILE["addresses"][0](tmp_path, 10)
    monkeypatch.setattr(company_list, "MAX_ROWS", 11)
    assert len(list(CompanyList(file))) == 11
    monkeypatch.setattr(company_list, "MAX_ROWS", 10)
    with pytest.raises(InputError, match="the list has more than"):
        list(CompanyList(file))


def test_sheets_are_looked_through_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first rows are wide and blank: as many as the budget gives are read, and it says what to do."""
    file = HOSTILE["empty cells of a workbook"][0](tmp_path, 4)
    assert CompanyList(file).understood.column == "url"
    monkeypatch.setattr(company_list, "OPENING", 1)
    with pytest.raises(InputError, match="takes too long to look through; save the sheet"):
        CompanyList(file)


def test_one_address_is_looked_for_in_few_columns(tmp_path: Path) -> None:
    make, _ = HOSTILE["many columns of websites"]
    understood = CompanyList(make(tmp_path, 2)).understood
    assert len(understood.further_columns) < 40
