"""XLSX: the leads as a filterable sheet, and a second one with the counts and warnings.

Texts are written as texts: never as formulas, never as links. Written row by row, so that memory stays flat.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leadmill.errors import InputError
from reports.analysis import analyze_rows
from reports.flat import CELLS, flat_rows
from reports.formats import Format, ReportData
from reports.sections import in_order
from reports.wording import percent

#: Rows of a sheet without its header.
MAX_ROWS = 1_048_575
#: Characters that a cell can hold, with room for the mark of a cut.
_CELL = 32_000
_WIDTHS = {"domain": 26, "name": 28, "legal_name": 28, "description": 44, "emails": 30, "phones": 18, "address": 36}
_WIDTHS |= {"url": 28, "contributions": 60, "technologies": 32, "social": 30, "error": 40, "score": 8, "tier": 6}
#: Tier → fill and text colour.
_TIERS = {
    "A": ("#d7f0ea", "#0b5f57"),
    "B": ("#dde8fd", "#1e4fb3"),
    "C": ("#fbecd0", "#8a5a0a"),
    "D": ("#eceff3", "#4b5866"),
}


def write(data: ReportData, out: Path) -> int:
    """Every row in ranked order.

    Raises:
        InputError: more rows than a sheet holds.
    """
    import xlsxwriter

    if data.rows > MAX_ROWS:
        raise InputError(
            f"{data.rows:,} rows do not fit into an XLSX sheet ({MAX_ROWS:,}); ask for csv or parquet, "
            "or for a report of fewer companies",
            field="report.formats",
        )
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(str(out), {**options, "tmpdir": str(out.parent)})
    _leads(book, data)
    _summary(book, analyze_rows(data.final))
    book.close()
    return data.rows


def _leads(book: Any, data: ReportData) -> None:
    sheet = book.add_worksheet("Leads")
    columns = [field.name for field in CELLS]
    header = book.add_format({"bold": True, "bg_color": "#12343b", "font_color": "#ffffff"})
    for number, column in enumerate(columns):
        sheet.set_column(number, number, _WIDTHS.get(column, 14))
        sheet.write_string(0, number, column, header)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, data.rows, len(columns) - 1)
    _colours(book, sheet, columns, data.rows)
    cursor = data.con.execute(flat_rows(data.ranked, guard=False))
    line = 0
    while batch := cursor.fetchmany(2_000):
        for row in batch:
            line += 1
            for number, value in enumerate(row):
                _cell(sheet, line, number, value)


def _cell(sheet: Any, line: int, column: int, value: Any) -> None:
    if value is None:
        return
    if isinstance(value, str):
        sheet.write_string(line, column, value if len(value) <= _CELL else value[:_CELL] + "…")
    elif isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    else:
        sheet.write_number(line, column, value)


def _colours(book: Any, sheet: Any, columns: list[str], rows: int) -> None:
    last = max(rows, 1)
    score, tier = columns.index("score"), columns.index("tier")
    bar = {"type": "data_bar", "bar_color": "#5fb8ab", "bar_solid": True, "min_type": "num", "max_type": "num"}
    sheet.conditional_format(1, score, last, score, {**bar, "min_value": 0, "max_value": 100})
    for letter, (fill, ink) in _TIERS.items():
        look = book.add_format({"bg_color": fill, "font_color": ink, "bold": True})
        rule = {"type": "cell", "criteria": "==", "value": f'"{letter}"', "format": look}
        sheet.conditional_format(1, tier, last, tier, rule)


def _summary(book: Any, analysis: dict[str, Any]) -> None:
    sheet = book.add_worksheet("Summary")
    bold = book.add_format({"bold": True})
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 3, 16)
    totals = analysis["totals"]
    lines: list[tuple[Any, ...]] = [("Companies", totals["companies"]), ("Leads (could be read)", totals["leads"])]
    lines += [("Failed", totals["failed"]), ("Coverage", percent(totals["coverage"]))]
    tables = []
    for section in in_order():
        if section.table:
            with section.at_work():
                tables.append([*section.table(analysis[section.name])])
    warnings = [("Warnings",), *((text,) for text in analysis["warnings"] or ["none"])]
    heads = set()
    for table in (warnings, *tables):
        heads.add(len(lines) + 1)
        lines += [("", ""), *table]
    for line, values in enumerate(lines):
        for column, value in enumerate(values):
            if isinstance(value, str):
                sheet.write_string(line, column, value[:_CELL], bold if line in heads else None)
            else:
                sheet.write_number(line, column, value)


FORMAT = Format(
    "xlsx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    write,
    "a filterable workbook with a summary",
)
