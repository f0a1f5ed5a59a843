"""Which row of a list is its header, and which columns hold the companies' websites."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from leadmill.errors import InputError
from leadmill.suggest import did_you_mean
from pipelines.request.lists.cells import address_at, address_in, is_email, looks_like_address, tidy
from pipelines.request.lists.rows import MAX_COLUMNS, Row
from pipelines.request.lists.words import EMAILS, HEADERS, fold, has_word

#: Rows, blank ones left out, among which the header is looked for.
_TOP = 30
#: Most columns that an address is looked for in, line by line; and of e-mail addresses after them.
_MAX_READ = 20
#: Longest header that is kept, characters.
_MAX_NAME = 200
#: Share of a column's filled cells that look like websites, from which on it is one.
_MOST = 0.6
_WANTED = "name the column of the websites by `column`"


@dataclass(frozen=True)
class Header:
    """Where the table begins, how its columns are called, and which of them hold addresses."""

    #: Index of the header among the rows; None: the first row is data.
    row: int | None
    names: tuple[str, ...]
    #: Columns to read the address from, the best first; the first one that is filled counts.
    columns: tuple[int, ...]
    #: How it was found: by the caller's word, a known name, its cells, or because there is only one.
    by: str
    #: Columns of e-mail addresses among them: what stands there comes back, for it tells more than the company.
    emails: frozenset[int] = frozenset()

    def comes_back(self, column: int) -> bool:
        """Whether what a line has in a column is kept beside its company, which tells all of an address."""
        return column != self.columns[0] or column in self.emails


def find_header(rows: Sequence[Row], column: str | None = None) -> Header | None:
    """The header of a list from its first rows; None when no column of websites is seen.

    Columns of companies' e-mail addresses are read where those of websites are empty. Instead of them only when the
    caller says so (`column`), for it is a guess who is meant; a file of one column leaves no other.

    Raises:
        InputError: there is no column of that name; says which there are.
    """
    if column is not None:
        return _asked(rows, column)
    if found := _by_name(rows) or _by_cells(rows):
        return _with_emails(rows, found)
    return _only_one(rows)


def none_found(rows: Sequence[Row]) -> InputError:
    """Why a list cannot be read: what its columns are called, and what would do."""
    if not rows:
        return InputError(
            "the file is empty, or begins with hundreds of blank lines; it needs a column url, website or domain"
        )
    if not _filled(rows):
        return InputError("the file holds no text")
    names = _names(rows[_guess(rows)])
    shown = ", ".join(names[:20])[:300] + (f" … ({len(names)} in all)" if len(names) > 20 else "")
    emails = next((row.cells[found[0]] for i, row in enumerate(rows[:_TOP]) if (found := _email_columns(rows, i))), "")
    wanted = f"column {tidy(emails)[:60]!r} would give the domains of its e-mail addresses" if emails else ""
    return InputError(
        f"no column is called url, website, domain or the like, and none holds websites; "
        f"the file has: {shown}; {_WANTED}{f' ({wanted})' if wanted else ''}"
    )


def _asked(rows: Sequence[Row], column: str) -> Header:
    wanted = fold(column)
    for form, name in ((tidy, column.strip()), (fold, wanted)):
        for index, row in enumerate(rows[:_TOP]):
            if columns := tuple(i for i, cell in enumerate(row.cells) if name and form(cell) == name):
                columns = columns[:_MAX_READ]
                return Header(index, _names(row), columns, "column", _holding_emails(rows[index + 1 :], columns))
    guess = find_header(rows)
    number = wanted.removeprefix("column")
    if guess is not None and guess.row is None and number.isdigit() and 0 < int(number[:6]) <= len(guess.names):
        return Header(None, guess.names, (int(number) - 1,), "column")
    names = guess.names if guess is not None else _names(rows[_guess(rows)]) if rows else ()
    raise InputError(
        f"the file has no column {column[:60]!r}; {did_you_mean(column, names)}".rstrip("; "), field="column"
    )


def _by_name(rows: Sequence[Row]) -> Header | None:
    """The first row with a known header, unless there are websites above it in that very column."""
    for index, row in enumerate(rows[:_TOP]):
        ranks = {i: rank for i, cell in enumerate(row.cells) if (rank := _rank(cell)) is not None}
        if ranks:
            below = rows[index + 1 :]
            useful = {i for i in ranks if any(_names_website(cell) or is_email(cell) for cell in _column(below, i))}
            columns = sorted(ranks, key=lambda i: (i not in useful, ranks[i], i))
            if not useful and (better := _by_cells(rows)) and better.row == index:
                columns = [better.columns[0], *(i for i in columns if i != better.columns[0])]
            return Header(index, _names(row), tuple(columns[:_MAX_READ]), "name" if useful else "name alone")
        if any(_names_website(address_in(cell)) for cell in row.cells) and _width(row) > 1:
            return None
    return None


def _rank(cell: str) -> int | None:
    """The rank of a known header. One that holds a separator is several, split by a wrong one."""
    return None if any(mark in cell for mark in ',;|\t"') else HEADERS.get(fold(cell))


def _by_cells(rows: Sequence[Row]) -> Header | None:
    """The column most of whose cells look like websites; a header with a telling word comes first."""
    width = max((len(row.cells) for row in rows), default=0)
    widths = list(map(_width, rows))
    found: list[tuple[bool, float, int, int]] = []
    for i in range(min(width, MAX_COLUMNS)):
        cells = list(_column(rows, i))
        hits = sum(map(_names_website, cells))
        top = _above(rows, i, widths)
        filled = len(cells) - (top is not None)
        if hits and hits >= _MOST * filled:
            word = top is not None and has_word(rows[top].cells[i])
            found.append((word, hits / max(filled, 1), hits, -i))
    if not found:
        return None
    column = -max(found)[3]
    row = _above(rows, column, widths)
    names = _names(rows[row]) if row is not None else _numbered(width)
    return Header(row, names, (column,), "cells")


def _only_one(rows: Sequence[Row]) -> Header | None:
    """A file of one column may call it anything, and hold e-mail addresses."""
    filled = _filled(rows)
    if len({i for row in rows for i, cell in enumerate(row.cells) if tidy(cell)}) != 1:
        return None
    if len(filled) < 2 or not any(is_email(address_in(cell)) for cell in filled):
        return None
    (column,) = {i for row in rows for i, cell in enumerate(row.cells) if tidy(cell)}
    first = address_in(filled[0])
    row = None if is_email(first) else 0
    names = _names(rows[0]) if row == 0 else _numbered(column + 1)
    return Header(row, names, (column,), "one column", frozenset({column}))


def _with_emails(rows: Sequence[Row], found: Header) -> Header:
    """A header with its columns of e-mail addresses, which are read last."""
    if found.row is None:
        return found
    emails = [i for i in _email_columns(rows, found.row) if i not in found.columns][:_MAX_READ]
    return replace(found, columns=(*found.columns, *emails), emails=frozenset(emails))


def _email_columns(rows: Sequence[Row], header: int) -> list[int]:
    """Those that a row calls companies' or contacts' e-mail addresses and that hold some, the best first."""
    ranks = {i: rank for i, cell in enumerate(rows[header].cells) if (rank := EMAILS.get(fold(cell))) is not None}
    return sorted(_holding_emails(rows[header + 1 :], ranks), key=lambda i: (ranks[i], i))


def _holding_emails(rows: Sequence[Row], columns: Iterable[int]) -> frozenset[int]:
    return frozenset(i for i in columns if any(map(is_email, _column(rows, i))))


def _names_website(address: str) -> bool:
    from pipelines.request.companies import platform_of

    return looks_like_address(address) and platform_of(address) is None


def _column(rows: Sequence[Row], i: int) -> Iterator[str]:
    """Addresses of a column's filled cells."""
    return filter(None, (address_at(row, i) for row in rows if i < len(row.cells)))


def _above(rows: Sequence[Row], column: int, widths: Sequence[int]) -> int | None:
    """The row that names a column: above the first website in it, filled there, and as wide as rows are."""
    usual = _usual(widths)
    for index, row in enumerate(rows[:_TOP]):
        cell = address_in(row.cells[column]) if column < len(row.cells) else ""
        if not cell:
            continue
        if looks_like_address(cell):
            return None
        if not is_email(cell) and 2 * widths[index] >= usual:
            return index
    return None


def _guess(rows: Sequence[Row]) -> int:
    """The row that most probably is the header: the first that is as wide as most are."""
    widths = list(map(_width, rows))
    usual = _usual(widths)
    return next(i for i, width in enumerate(widths) if width >= usual)


def _usual(widths: Sequence[int]) -> int:
    """How many filled cells most rows have."""
    return Counter(widths).most_common(1)[0][0]


def _width(row: Row) -> int:
    return sum(1 for cell in row.cells if cell.strip())


def _filled(rows: Sequence[Row]) -> list[str]:
    return [cell for row in rows for cell in row.cells if tidy(cell)]


def _numbered(width: int) -> tuple[str, ...]:
    return tuple(f"column {i + 1}" for i in range(width))


def _names(row: Row) -> tuple[str, ...]:
    """The headers, each once: `Website`, `Website 2`; one without a name is `column 3`."""
    names: dict[str, None] = {}
    again: Counter[str] = Counter()
    for i, cell in enumerate(row.cells):
        name = unique = " ".join(tidy(cell).split())[:_MAX_NAME] or f"column {i + 1}"
        while unique in names:
            again[name] += 1
            unique = f"{name} {again[name] + 1}"
        names[unique] = None
    return tuple(names)
