"""The columns of a table: a layout's headers with their expressions, as SQL over final rows.

An expression names what a cell holds: a field of a lead (`reports.lead_fields`), a column of the input file
(`input.Owner`, whatever its case, spaces and signs), or a fixed text in single quotes; several with `|` between them
take the first that is not empty. `*` is every final column, `input.*` every column of the input file, and `input.ids`
those of them that hold records' ids and that no other column names, under a header with a `*` that stands for the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from leadmill.errors import InputError
from leadmill.suggest import unknown
from reports.input_columns import input_cell
from reports.layouts import Layout
from reports.lead_fields import LeadField, final_columns, lead_fields

ALL, ALL_INPUT, INPUT_IDS, _INPUT = "*", "input.*", "input.ids", "input."
_MANY = (ALL, ALL_INPUT, INPUT_IDS)
#: Headers of ids: `Account ID`, `Datensatz-ID`, `hs_object_id`, `AccountId`.
_ID = re.compile(r"(?:^|[^A-Za-z])(?:ID|Id|id)(?![A-Za-z])|[a-z]I[Dd](?![A-Za-z])")
_FIXED = re.compile(r"'([^']*)'\Z")


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    header: str
    cell: LeadField
    #: What the cell is where it is one field and nothing else.
    field: str | None = None
    #: The column of the input where it is one and nothing else.
    input_header: str | None = None


def check_expression(header: str, expression: str) -> None:
    """Whether a column of this header can be made.

    Raises:
        ValueError: it cannot; the message says why.
    """
    if expression.strip() in _MANY:
        if "*" not in header:
            raise ValueError(f"{expression.strip()} stands for many columns: write a * into the header for their names")
        return
    for term in _terms(expression):
        if not (term in lead_fields() or term.startswith(_INPUT) or _FIXED.match(term)):
            raise ValueError(unknown("field", term, [*lead_fields(), ALL_INPUT]))


def table_columns(layout: Layout, input_headers: Sequence[str]) -> list[Column]:
    """The columns of a table in this layout, where the input file had these headers.

    A column that only the input could fill is left out where the input has none of its headers. Headers differ: the
    second of two alike gets a number.

    Raises:
        InputError: no column is left.
    """
    made: dict[str, Column] = {}
    for column in _columns(layout, input_headers):
        header, number = column.header, 1
        while header.casefold() in made:
            number += 1
            header = f"{column.header} ({number})"
        made[header.casefold()] = replace(column, header=header)
    if not made:
        raise InputError(
            f"layout {layout.name!r} has only columns of the input, and this job's input has none of them",
            field="report.layout",
        )
    return list(made.values())


def _columns(layout: Layout, input_headers: Sequence[str]) -> Iterator[Column]:
    known = {form(header): header for form in (_bare, _folded) for header in reversed(input_headers)}
    named = {_known(term, known) for told in layout.columns.values() for term in _terms(told)}
    for header, expression in layout.columns.items():
        if expression.strip() == ALL:
            for field in final_columns():
                yield Column(header.replace("*", field), lead_fields()[field], field)
        elif expression.strip() in (ALL_INPUT, INPUT_IDS):
            every = expression.strip() == ALL_INPUT
            for name in (one for one in input_headers if every or (_ID.search(one) and one not in named)):
                yield Column(header.replace("*", name), LeadField(input_cell(name)), input_header=name)
        else:
            terms = [_term(term, known) for term in _terms(expression)]
            cells = [cell for cell in terms if cell is not None]
            if len(cells) == 1 and expression.strip() in lead_fields():
                yield Column(header, cells[0], expression.strip())
            elif cells:
                yield Column(header, _first_filled(cells))


def _terms(expression: str) -> list[str]:
    return [term.strip() for term in expression.split("|")]


def _term(term: str, known: dict[str, str]) -> LeadField | None:
    if fixed := _FIXED.match(term):
        from reports.rows import quote

        return LeadField(quote(fixed[1]))
    if term.startswith(_INPUT):
        name = _known(term, known)
        return None if name is None else LeadField(input_cell(name))
    return lead_fields()[term]


def _known(term: str, known: dict[str, str]) -> str | None:
    """The header of the input that a term names."""
    wanted = term.removeprefix(_INPUT)
    return known.get(_folded(wanted)) or known.get(_bare(wanted)) if term.startswith(_INPUT) else None


def _folded(header: str) -> str:
    return header.strip().casefold()


def _bare(header: str) -> str:
    """Letters and digits alone: `Account-ID` is `Account ID`."""
    return "".join(filter(str.isalnum, header.casefold())) or _folded(header)


def _first_filled(cells: Sequence[LeadField]) -> LeadField:
    if len(cells) == 1:
        return cells[0]
    if len({cell.kind for cell in cells}) == 1 and cells[0].kind != "text":
        return LeadField(f"coalesce({', '.join(cell.sql for cell in cells)})", cells[0].kind)
    return LeadField(f"coalesce({', '.join(f'nullif(trim(({cell.sql})::VARCHAR), {chr(39) * 2})' for cell in cells)})")
