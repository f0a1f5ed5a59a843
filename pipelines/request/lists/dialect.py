"""What separates the cells of a text file, and where its table begins."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from leadmill.errors import InputError
from pipelines.request.lists.budget import OPENING, Budget
from pipelines.request.lists.csv_rows import MAX_LINE, csv_rows
from pipelines.request.lists.headers import Header, find_header
from pipelines.request.lists.rows import SAMPLE_CHARACTERS, SAMPLE_ROWS, Row, sample

#: In this order where nothing tells them apart.
DELIMITERS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r"\ufeff?\"?sep=([^\w\s\"]|\t)\"?[\r\n]*\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a text is split, and its first rows split so."""

    delimiter: str
    rows: list[Row]
    #: Excel's own first line `sep=;` was there.
    sep_line: bool

    def skip(self, stream: TextIO) -> int:
        """Go past what is no table; the number of the next line."""
        if self.sep_line:
            stream.readline()
        return 1 + self.sep_line


def dialect_of(stream: TextIO, column: str | None = None) -> Dialect:
    """The delimiter under which the first lines make the best table: its header known, its rows as wide as that."""
    first = stream.readline(MAX_LINE)
    told = _SEP_LINE.match(first)
    text = _beginning(stream, "" if told else first)
    if told:
        return Dialect(told[1], _rows(text, told[1], 2), True)
    tried = [Dialect(mark, _rows(text, mark, 1), False) for mark in DELIMITERS]
    return max(tried, key=lambda one: _merit(one.rows, column))


def _beginning(stream: TextIO, first: str) -> str:
    lines, size = [first], len(first)
    while size < SAMPLE_CHARACTERS and len(lines) < 2 * SAMPLE_ROWS and (line := stream.readline(MAX_LINE)):
        lines.append(line)
        size += len(line)
    return "".join(lines)


def _rows(text: str, delimiter: str, first: int) -> list[Row]:
    return sample(csv_rows(io.StringIO(text, newline=""), delimiter, Budget(OPENING), first))


def _merit(rows: Sequence[Row], column: str | None) -> tuple[int, float, int]:
    """How good a table these rows are: by how its header was found, the share of rows that fit it, its width."""
    if not rows:
        return (0, 0.0, 0)
    header = _header(rows, column)
    if header is None:
        return (0, _fitting(rows, 0), 0)
    width = len(header.names)
    ranks = ("one column", "name alone", "cells", "name", "column")
    return (1 + ranks.index(header.by), _fitting(rows[(header.row or 0) :], width), width)


def _fitting(rows: Sequence[Row], width: int) -> float:
    """The share of rows without a fault that are no wider than the header."""
    width = width or max(len(row.cells) for row in rows)
    return sum(row.fault is None and len("".join(row.cells[width:])) == 0 for row in rows) / len(rows)


def _header(rows: Sequence[Row], column: str | None) -> Header | None:
    try:
        return find_header(rows, column)
    except InputError:  # no such column under this delimiter; the error will name those that there are
        return find_header(rows)
