"""A list of companies as a person exports it: opened, understood by its first rows, then read line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from leadmill.answers import ListRead
from leadmill.errors import InputError
from leadmill.ids import CompanyUrl
from leadmill.redaction import shown_address
from pipelines.request.companies import company_of
from pipelines.request.lists.budget import ADDRESS, LOOKED_AT, OPENING, WHOLE, Budget, SpentError
from pipelines.request.lists.cells import address_at, tidy
from pipelines.request.lists.csv_rows import csv_rows
from pipelines.request.lists.decoding import Encoding, encoding_of, is_workbook
from pipelines.request.lists.dialect import Dialect, dialect_of
from pipelines.request.lists.headers import Header, find_header, none_found
from pipelines.request.lists.rows import MAX_ROWS, Row, sample
from pipelines.request.lists.workbook import Sheet, Workbook

NO_ADDRESS = "no address in this line"
#: As many as a plan holds in the memory that a task has.
MANY_LINES = f"the list has more than {MAX_ROWS:,} lines; split it"
_LONG_BOOK = (
    "the workbook takes too long to look through; save the sheet with the list as CSV, or as a workbook of its own"
)
_TOO_MUCH = (
    "the list is too much to be read in one go, up to line {line:,} only; delete blank lines and columns that are not "
    "needed, or split it"
)


@dataclass(frozen=True, slots=True)
class InputLine:
    """One line of a list: the company that it names, or why it names none."""

    #: Where it begins in the file, from 1; the row's number in a workbook.
    line: int
    company: CompanyUrl | None
    #: What stood there for the address.
    text: str
    error: str | None
    #: Filled cells of the other columns, header -> text, in the file's order.
    values: dict[str, str]


@dataclass(frozen=True)
class Understood:
    """How a list was read."""

    format: Literal["csv", "xlsx"]
    #: Header of the column that the address is read from, and of those that are read where it is empty.
    column: str
    further_columns: tuple[str, ...]
    #: Headers of the columns that come back: all but `column`, and that too where it holds e-mail addresses.
    other_columns: tuple[str, ...]
    #: Line of the header; None: the file has none.
    header_line: int | None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None

    def told(self) -> ListRead:
        """This as an answer tells it, without what does not apply."""
        found: ListRead = {"format": self.format, "column": self.column}
        if self.further_columns:
            found["further_columns"] = list(self.further_columns[:20])
        if self.header_line is not None:
            found["header_line"] = self.header_line
        if self.delimiter is not None:
            found["delimiter"] = self.delimiter
        if self.encoding is not None:
            found["encoding"] = self.encoding
        if self.sheet is not None:
            found["sheet"] = self.sheet
        return found


class _Source(Protocol):
    """A file of one format whose first rows are known."""

    header: Header
    first: list[Row]

    def rows(self, budget: Budget) -> Iterator[Row]: ...

    def told(self) -> dict[str, Any]: ...


class CompanyList:
    """Iterate it for its lines; each time the file is read from the beginning, a line at a time."""

    def __init__(self, path: Path, column: str | None = None) -> None:
        """Understand the file by its first rows.

        Raises:
            InputError: it is no list of companies; says what it has and what would do. `field` is `column` where
                there is no such column.
        """
        self._source = _workbook(path, column) if is_workbook(path) else _text(path, column)
        header, first = self._source.header, self._source.first
        self._names = header.names
        self.understood = Understood(
            column=self._names[header.columns[0]],
            further_columns=tuple(self._names[i] for i in header.columns[1:]),
            other_columns=tuple(_others(header, first)),
            header_line=None if header.row is None else first[header.row].line,
            **self._source.told(),
        )

    def __iter__(self) -> Iterator[InputLine]:
        """All lines.

        Raises:
            InputError: they are more than a task can read.
        """
        line = 0
        try:
            for number, item in enumerate(self.lines(Budget(WHOLE)), 1):
                if number > MAX_ROWS:
                    raise InputError(MANY_LINES)
                line = item.line
                yield item
        except SpentError:
            raise InputError(_TOO_MUCH.format(line=line)) from None

    def lines(self, budget: Budget) -> Iterator[InputLine]:
        """Lines as long as a budget suffices.

        Raises:
            SpentError: there are more.
        """
        header = self._source.header
        begin = 0 if header.row is None else self._source.first[header.row].line
        return (self._line(row, budget) for row in self._source.rows(budget) if row.line > begin)

    def _line(self, row: Row, budget: Budget) -> InputLine:
        header, cells = self._source.header, row.cells
        values = {
            self._name(i): value for i, cell in enumerate(cells) if header.comes_back(i) and (value := tidy(cell))
        }
        text = error = ""
        for i in header.columns:
            if address := address_at(row, i):
                budget.spend(ADDRESS)
                try:
                    return InputLine(row.line, company_of(address), address, None, values)
                except InputError as wrong:
                    text, error = text or shown_address(address)[:200], error or str(wrong)
        return InputLine(row.line, None, text, error or row.fault or NO_ADDRESS, values)

    def _name(self, i: int) -> str:
        if i < len(self._names):
            return self._names[i]
        name = f"column {i + 1}"
        while name in self._names:  # a header may be called so, too
            name += " beyond the header"
        return name


def _others(header: Header, first: Iterable[Row]) -> Iterator[str]:
    """Names of the other columns; one without a name only where there is something in it."""
    filled = {i for row in first for i, cell in enumerate(row.cells) if tidy(cell)}
    for i, name in enumerate(header.names):
        if header.comes_back(i) and (i in filled or name != f"column {i + 1}"):
            yield name


class _Text:
    """Delimited text."""

    def __init__(self, path: Path, encoding: Encoding, dialect: Dialect, header: Header) -> None:
        self._path, self._encoding, self._dialect = path, encoding, dialect
        self.header, self.first = header, dialect.rows

    def rows(self, budget: Budget) -> Iterator[Row]:
        with self._encoding.open(self._path) as stream:
            first = self._dialect.skip(stream)
            yield from csv_rows(stream, self._dialect.delimiter, budget, first)

    def told(self) -> dict[str, Any]:
        one = max((len(row.cells) for row in self.first), default=0) < 2
        return {
            "format": "csv",
            "encoding": self._encoding.name,
            "delimiter": None if one else self._dialect.delimiter,
        }


def _text(path: Path, column: str | None) -> _Source:
    encoding = encoding_of(path)
    with encoding.open(path) as stream:
        dialect = dialect_of(stream, column)
    header = find_header(dialect.rows, column)
    if header is None:
        raise none_found(dialect.rows)
    return _Text(path, encoding, dialect, header)


class _Workbook:
    """A sheet of a workbook."""

    def __init__(self, path: Path, sheet: Sheet, first: list[Row], header: Header) -> None:
        self._path, self._sheet = path, sheet
        self.header, self.first = header, first

    def rows(self, budget: Budget) -> Iterator[Row]:
        with Workbook(self._path, budget) as book:
            yield from book.rows(self._sheet)

    def told(self) -> dict[str, Any]:
        return {"format": "xlsx", "sheet": self._sheet.name}


def _workbook(path: Path, column: str | None) -> _Source:
    """The first sheet that holds a list; if none does, the first that holds anything says why."""
    why: InputError | None = None
    budget = Budget(OPENING)
    try:
        with Workbook(path, budget) as book:
            for sheet in book.sheets:
                first = sample(book.rows(sheet))
                try:
                    if header := find_header(first, column):
                        return _Workbook(path, sheet, first, header)
                    if first:
                        why = why or none_found(first)
                except InputError as error:
                    why = why or error
                budget.spend(LOOKED_AT * sum(len(row.cells) for row in first))
    except SpentError:
        why = why or InputError(_LONG_BOOK)
    raise why or InputError("the workbook is empty; its first sheet needs a column url, website or domain")
