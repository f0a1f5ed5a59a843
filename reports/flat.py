"""Final rows as the flat cells of a table, for CSV and XLSX."""
# ruff: noqa: S608  expressions are those of reports.columns, the source is built by reports.rows

from __future__ import annotations

from reports.columns import Column
from reports.csv_guard import guarded, on_one_line
from reports.final_rows import iso
from reports.input_columns import input_cells
from reports.table import Table


def flat_rows(table: Table, *, guard: bool) -> str:
    """A SELECT of the table's columns, named `c0`, `c1` …, of its rows in their order.

    With `guard` each is a number or a text that is safe to open in a spreadsheet as CSV (`reports.csv_guard`); without,
    for XLSX whose cells are typed, times are times in UTC.
    """
    # All texts go through one expression over a list of them: binding one for each takes longer than a report of few
    # rows has.
    texts = {at: column for at, column in enumerate(table.columns) if column.cell.kind == "text"}
    of_input = {at: column.input_header for at, column in texts.items() if column.input_header is not None}
    others = [at for at in texts if at not in of_input]
    made = f"[{', '.join(texts[at].cell.sql for at in others)}]::VARCHAR[]"
    if of_input:
        made = f"list_concat({made}, {input_cells(list(of_input.values()))})"
    made = f"list_transform({made}, lambda x: CASE WHEN x <> '' THEN {guarded('x') if guard else on_one_line('x')} END)"
    place = {at: number for number, at in enumerate([*others, *of_input], 1)}
    cells = ", ".join(
        f"{f'texts[{place[at]}]' if at in place else _typed(column, guard=guard)} AS c{at}"
        for at, column in enumerate(table.columns)
    )
    return f"SELECT {cells} FROM (SELECT *, {made} AS texts FROM {table.source})"


def _typed(column: Column, *, guard: bool) -> str:
    sql = column.cell.sql
    if column.cell.kind == "time":
        return iso(sql) if guard else f"make_timestamp(epoch_us({sql}))"
    return sql
