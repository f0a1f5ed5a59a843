"""What a caller hands in: URL lists, CSV files, company ids. Read and checked here, before a job is recorded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from leadmill.errors import InputError
from leadmill.ids import COMPANY_ID, CompanyUrl, parse_company_url

#: Most URLs in the body of one request; more come as a file.
MAX_INLINE = 10_000
#: Largest uploaded file, bytes.
MAX_UPLOAD = 50_000_000
#: Most search queries of a job, and most companies that each brings.
MAX_QUERIES = 100
MAX_RESULTS = 1_000
#: Names of what a caller gave, in `jobs/<id>/input/`: there are no others.
UPLOAD = "companies.csv"
LONG_LIST = "input.json"
#: Largest list under that name, bytes: 10,000 URLs and 10,000 ids of full length fit.
MAX_LONG_LIST = 130_000_000
#: Longest line of a CSV file, characters.
MAX_LINE = 100_000
#: Column names that hold a company's URL, in the order in which they are looked for.
URL_COLUMNS = ("url", "website", "domain", "company_url")


class Line(NamedTuple):
    """An input line that names a company."""

    line: int
    company: CompanyUrl
    #: Header → text of every other column, in the order of the file; the headers differ.
    values: Mapping[str, str]


@dataclass(frozen=True)
class BadLine:
    """An input line that names no company."""

    line: int
    text: str
    error: str
    values: Mapping[str, str] = field(default_factory=dict)


def check_urls(urls: Iterable[str], field: str = "company_urls") -> list[str]:
    """The URLs as given, each of which must name a company.

    Raises:
        InputError: names the first wrong one: `company_urls[17]`.
    """
    checked = []
    for i, url in enumerate(urls):
        try:
            parse_company_url(url)
        except InputError as error:
            raise InputError(str(error), field=f"{field}[{i}]") from error
        checked.append(url)
    if len(checked) > MAX_INLINE:
        raise InputError(f"more than {MAX_INLINE} URLs; upload them as a CSV file instead", field=field)
    return checked


def check_company_ids(ids: Iterable[str], field: str = "company_ids") -> list[str]:
    """The ids as given, each of the form `comp_` + 16 hex digits.

    Raises:
        InputError: names the first wrong one.
    """
    checked = list(ids)
    for i, value in enumerate(checked):
        if not COMPANY_ID.match(value):
            raise InputError(f"not a company id: {value[:60]!r} (comp_ and 16 hex digits)", field=f"{field}[{i}]")
    if len(checked) > MAX_INLINE:
        raise InputError(f"more than {MAX_INLINE} company ids", field=field)
    return checked


def read_csv(path: Path) -> Iterator[Line | BadLine]:
    """Companies of a CSV file, each with its line number, and the lines that name none.

    The column is the first of `URL_COLUMNS` in the header (any case), else the only column of a file whose first
    line is a URL itself. UTF-8, with or without a mark; separator comma, semicolon or tab.

    Raises:
        InputError: no such column, or not a text file.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            yield from _rows(handle)
    except UnicodeDecodeError as error:
        raise InputError(f"{path.name} is not UTF-8 text (byte {error.start}); save it as CSV UTF-8") from error
    except csv.Error as error:
        raise InputError(f"{path.name} is not CSV: {error}") from error


def _rows(handle: io.TextIOBase) -> Iterator[Line | BadLine]:
    first = handle.readline(MAX_LINE)
    if not first.strip():
        raise InputError("the file is empty; it needs a header with one of: " + ", ".join(URL_COLUMNS))
    separator = max(",;\t", key=first.count) if any(mark in first for mark in ",;\t") else ","
    header = [name.strip() for name in next(csv.reader([first], delimiter=separator))]
    known = [name.lower() for name in header]
    column = next((known.index(name) for name in URL_COLUMNS if name in known), None)
    line = 1
    if column is None and len(header) == 1:
        column = 0
        yield from _one(first.strip().strip('"'), 1, {}, heading=True)
    elif column is None:
        raise InputError(f"no column named {', '.join(URL_COLUMNS)}; the file has: {', '.join(known)[:200]}")
    others = _others(header, column)
    reader = csv.reader(handle, delimiter=separator)
    for row in reader:
        if any(cell.strip() for cell in row):
            cells = [*row, *[""] * (len(header) - len(row))]
            yield from _one(cells[column].strip(), line + 1, {name: cells[at].strip() for name, at in others.items()})
        line = reader.line_num + 1


def _others(header: Sequence[str], column: int) -> dict[str, int]:
    """The other columns, by headers that differ, and where they stand."""
    found: dict[str, int] = {}
    for at, name in enumerate(header):
        if at != column:
            title, number = name or f"column {at + 1}", 1
            while title in found:
                number += 1
                title = f"{name or f'column {at + 1}'} {number}"
            found[title] = at
    return found


def _one(text: str, line: int, values: Mapping[str, str], *, heading: bool = False) -> Iterator[Line | BadLine]:
    try:
        yield Line(line, parse_company_url(text), values)
    except InputError as error:
        if not heading:  # the only column of a file may have any name
            yield BadLine(line, text[:200], str(error), values)
