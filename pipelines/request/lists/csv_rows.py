"""Rows of delimited text, read line by line: quotes that do not fit cost their own line, never the rest of the file.

Python's csv reader splits the cells. It is strict, so that it says where quotes do not fit; the line at which that row
began is then read alone and leniently, and reading goes on with the line after it.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from itertools import count
from typing import TextIO

from pipelines.request.lists.budget import CELL, Budget
from pipelines.request.lists.rows import MAX_COLUMNS, Row

#: Longest line, characters.
MAX_LINE = 1_000_000
#: Most lines of one row; a quote that is still open then was never meant to be.
MAX_ROW_LINES = 200
#: Lines that are read again after rows whose quotes do not fit; then each line is a row, and the time stays linear.
MAX_AGAIN = 50_000
LONG_LINE = f"the line is longer than {MAX_LINE:,} characters"
OPEN_QUOTE = "a quote in this line is opened or closed in the wrong place"
LONG_CELL = f"a cell is longer than {csv.field_size_limit():,} characters"
MANY_CELLS = f"the line has more than {MAX_COLUMNS:,} cells"


class _TooLong(Exception):
    """A row goes on for too many lines."""


class _Lines:
    """Lines of a text, by number; those taken since `begin` can be put back."""

    def __init__(self, stream: TextIO, first: int, budget: Budget) -> None:
        self._stream, self._numbers, self._budget = stream, count(first), budget
        self._back: deque[tuple[int, str]] = deque()
        self.taken: list[tuple[int, str]] = []
        self.most = MAX_ROW_LINES

    def begin(self) -> None:
        self.taken = []

    def put_back(self) -> int:
        """All but the first of those taken; how many."""
        self._back.extendleft(reversed(self.taken[1:]))
        return len(self.taken) - 1

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.taken) >= self.most:
            raise _TooLong
        number, line = self._back.popleft() if self._back else (next(self._numbers), self._read())
        if not line:
            raise StopIteration
        self._budget.text(line)
        self.taken.append((number, line))
        return line

    def _read(self) -> str:
        line = self._stream.readline(MAX_LINE + 1)
        if len(line) > MAX_LINE and not line.endswith(("\n", "\r")):
            while (more := self._stream.readline(MAX_LINE)) and not more.endswith(("\n", "\r")):
                self._budget.text(more)
        return line


def csv_rows(stream: TextIO, delimiter: str, budget: Budget, first: int = 1) -> Iterator[Row]:
    """Every row of a text that has anything in it; `first` is the number of the stream's first line.

    Raises:
        SpentError: the budget does not suffice for more.
    """
    lines = _Lines(stream, first, budget)
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    again = 0
    while True:
        lines.begin()
        fault = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _TooLong):
            if not lines.taken:
                return
            again += lines.put_back()
            if again > MAX_AGAIN:
                lines.most = 1
            cells, fault = _alone(lines.taken[0][1], delimiter)
        number = lines.taken[0][0]
        budget.spend(CELL * len(cells))
        if len(cells) > MAX_COLUMNS:
            cells, fault = cells[:MAX_COLUMNS], MANY_CELLS
        if any(cell and not cell.isspace() for cell in cells):
            yield Row(number, cells, fault)


def _alone(line: str, delimiter: str) -> tuple[list[str], str | None]:
    """The cells of one line as far as they can be told, and what is wrong with it, if anything is."""
    if len(line) > MAX_LINE:
        return [line[:200]], LONG_LINE
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    except csv.Error:
        return [line[:200]], LONG_CELL
    return [cell.rstrip("\r\n") for cell in cells], OPEN_QUOTE
