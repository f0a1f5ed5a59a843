"""XLSX: the leads as a filterable sheet in their layout, the evidence of the best of them, the counts and warnings, and
a sheet about the report.

Texts are written as texts: never as formulas, never as links. Written row by row, so that memory stays flat.
"""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.formats import Format, ReportData

if TYPE_CHECKING:
    from reports.table import Table

#: Rows of a sheet without its header.
MAX_ROWS = 1_048_575
MAX_COLUMNS = 16_384
#: What a cell can hold, in UTF-16 units, and what ends one that was cut.
MAX_UNITS = 32_767
_CUT = "…"
#: These stand first, in this order, where the layout has them.
_FRONT = {"full": ("rank", "score", "tier", "fit", "reach", "name", "domain", "url", "description", "industry")}
_FROZEN = ("rank", "score", "tier", "fit", "reach", "name")
_WIDTHS = {
    "domain": 26,
    "name": 28,
    "legal_name": 28,
    "register": 32,
    "description": 44,
    "emails": 30,
    "phones": 18,
    "address": 36,
    "locations": 60,
}
_WIDTHS |= {
    "url": 28,
    "alias": 26,
    "contributions": 60,
    "technologies": 32,
    "social": 30,
    "error": 40,
    "score": 8,
    "tier": 6,
}
_WIDTHS |= {"rank": 7, "why": 60, "website": 28, "email": 28, "phone": 18, "phone_e164": 18, "street": 28, "city": 18}
_WIDTHS |= {"country_name": 18, "linkedin": 34, "industry": 24, "facts": 60, "fit": 7, "reach": 7}
#: Leads whose facts have a sheet of their own, and facts of each; JSON and Parquet have all.
EVIDENCE_LEADS, _EVIDENCE_FACTS = 500, 40
#: Header of that sheet → width.
_EVIDENCE = {"Company": 28, "Domain": 26, "Field": 18, "Value": 40, "Words of the page": 60, "Page": 44, "Place": 20}
_EVIDENCE |= {"How": 20, "Sure": 8, "Why": 44}
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
        InputError: more rows or columns than a sheet holds.
        OSError: the disk takes nothing.
    """
    import xlsxwriter

    from leadmill.errors import InputError
    from reports.analysis import analyze_rows
    from reports.columns import table_columns

    if (rows := data.table_rows()) > MAX_ROWS:  # asked before anything is sorted
        raise InputError(
            f"{rows:,} rows do not fit into an XLSX sheet ({MAX_ROWS:,}); ask for csv or parquet, "
            "or for a report of fewer companies",
            field="report.formats",
        )
    columns = len(table_columns(data.layout, data.final.input_headers))
    if columns > MAX_COLUMNS:
        raise InputError(
            f"{columns:,} columns do not fit into an XLSX sheet ({MAX_COLUMNS:,}); ask for csv or parquet, "
            "or for a layout without input.*",
            field="report.formats",
        )
    table = data.table().in_front(_FRONT.get(data.layout.name, ()))
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    book = xlsxwriter.Workbook(str(out), {**options, "tmpdir": str(data.scratch)})
    book.use_zip64()  # a full sheet of long texts is more than 4 GB before it is packed; smaller ones are as ever
    _leads(book, data, table)
    _evidence(book, data)
    _summary(book, analyze_rows(data.final))
    _about(book, data, table)
    try:
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:  # the library's name for what the disk said
        raise error.args[0] from error
    return table.rows


def _leads(book: Any, data: ReportData, table: Table) -> None:
    from reports.flat import flat_rows

    sheet = book.add_worksheet("Leads")
    head = book.add_format({"bold": True, "bg_color": "#12343b", "font_color": "#ffffff"})
    time = book.add_format({"num_format": "yyyy-mm-dd hh:mm", "align": "left"})
    fields = [column.field for column in table.columns]
    for number, column in enumerate(table.columns):
        sheet.write_string(0, number, column.header, head)
    frozen = next((at for at, field in enumerate(fields) if field not in _FROZEN), len(fields))
    sheet.freeze_panes(1, frozen)
    sheet.autofilter(0, 0, table.rows, len(fields) - 1)
    _colours(book, sheet, fields, table.rows)
    line, filled = 0, set[int]()
    # A relation's batches come as they are asked for; a cursor would hold all rows.
    with data.con.sql(flat_rows(table, guard=False)).to_arrow_reader(2_000) as batches:
        for batch in batches:
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                line += 1
                for number, value in enumerate(row):
                    if value is not None:
                        filled.add(number)
                        _cell(sheet, line, number, value, time)
    for number, column in enumerate(table.columns):
        width = _WIDTHS.get(column.field or "", 17 if column.cell.kind == "time" else 14)
        # A column without a single value only makes the others harder to find; it is there to be unfolded.
        nothing = {"hidden": True} if line and number not in filled else {}
        sheet.set_column(number, number, max(width, min(len(column.header) + 3, 40)), None, nothing)


def _evidence(book: Any, data: ReportData) -> None:
    """Where the values of the best leads come from, a fact a line; no sheet where there is none."""
    from reports.final_rows import GOOD
    from reports.provenance import how, place

    leads = data.final.ask(
        f"SELECT coalesce(name, domain) AS name, domain, facts[1:{_EVIDENCE_FACTS}] AS facts FROM {data.ranked} "
        f"WHERE {GOOD} LIMIT {EVIDENCE_LEADS}"
    )
    if not any(lead["facts"] for lead in leads):
        return
    sheet = book.add_worksheet("Evidence")
    head = book.add_format({"bold": True, "bg_color": "#12343b", "font_color": "#ffffff"})
    shares = book.add_format({"num_format": "0 %", "align": "left"})
    for number, (header, width) in enumerate(_EVIDENCE.items()):
        sheet.write_string(0, number, header, head)
        sheet.set_column(number, number, width)
    sheet.freeze_panes(1, 2)
    line = 0
    for lead in leads:
        for fact in lead["facts"] or ():
            line += 1
            said = fact["quote"] or ", ".join(fact["words"] or ())
            texts = (lead["name"], lead["domain"], fact["field"], fact["value"], said, fact["source"], place(fact))
            for number, text in enumerate((*texts, how(fact["method"]))):
                sheet.write_string(line, number, cut(text or ""))
            if fact["confidence"] is not None:
                sheet.write_number(line, len(texts) + 1, fact["confidence"], shares)
            sheet.write_string(line, len(texts) + 2, cut(fact["why"] or ""))
    sheet.autofilter(0, 0, line, len(_EVIDENCE) - 1)


def _cell(sheet: Any, line: int, column: int, value: Any, time: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(line, column, cut(value))
    elif isinstance(value, bool):
        sheet.write_boolean(line, column, value)
    elif isinstance(value, datetime):
        if value.year < 1900:  # before a spreadsheet's first day
            sheet.write_string(line, column, value.isoformat())
        else:
            sheet.write_datetime(line, column, value, time)
    else:
        sheet.write_number(line, column, value)


def cut(text: str) -> str:
    """A text that fits a cell: at most `MAX_UNITS` UTF-16 units, of which an emoji takes two; `…` ends a cut one."""
    if len(text) * 2 <= MAX_UNITS:
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    if len(units) // 2 <= MAX_UNITS:
        return text
    return units[: 2 * (MAX_UNITS - len(_CUT))].decode("utf-16-le", "ignore") + _CUT


def _colours(book: Any, sheet: Any, fields: list[str | None], rows: int) -> None:
    last = max(rows, 1)
    if "score" in fields:
        score = fields.index("score")
        bar = {"type": "data_bar", "bar_color": "#5fb8ab", "bar_solid": True, "min_type": "num", "max_type": "num"}
        sheet.conditional_format(1, score, last, score, {**bar, "min_value": 0, "max_value": 100})
    if "tier" in fields:
        tier = fields.index("tier")
        for letter, (fill, ink) in _TIERS.items():
            look = book.add_format({"bg_color": fill, "font_color": ink, "bold": True})
            rule = {"type": "cell", "criteria": "==", "value": f'"{letter}"', "format": look}
            sheet.conditional_format(1, tier, last, tier, rule)


def _summary(book: Any, analysis: dict[str, Any]) -> None:
    from reports.sections import in_order
    from reports.wording import NAMELESS, percent

    sheet = book.add_worksheet("Summary")
    bold = book.add_format({"bold": True})
    sheet.set_column(0, 0, 46)
    sheet.set_column(1, 3, 16)
    totals = analysis["totals"]
    lines: list[tuple[Any, ...]] = [("Companies", totals["companies"]), ("Leads (could be read)", totals["leads"])]
    lines += [("Failed", totals["failed"]), ("Coverage", percent(totals["coverage"]))]
    if totals["lines_without_company"]:
        lines.append((NAMELESS.capitalize(), totals["lines_without_company"]))
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
    _write_lines(sheet, lines, lambda line, column: bold if line in heads else None)


def _all(totals: Mapping[str, Any]) -> str:
    from reports.wording import nameless

    lines = nameless(totals["lines_without_company"])
    return f"{totals['companies']:,} companies" + (f" and {lines}" if lines else "")


def _about(book: Any, data: ReportData, table: Table) -> None:
    from reports.report_types import REPORT_TYPES
    from reports.wording import order_of, score_note

    sheet = book.add_worksheet("About")
    bold = book.add_format({"bold": True, "valign": "top"})
    wrapped = book.add_format({"text_wrap": True, "valign": "top", "align": "left"})
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 90)
    totals, job = data.final.totals, data.job
    made = job.get("generated_at") or datetime.now(UTC)
    lines: list[tuple[Any, ...]] = [
        ("Report", REPORT_TYPES[data.report_type].title),
        ("Rows", f"{table.rows:,} {_rows(data)}of {_all(totals)}" + _why_not_all(data)),
        ("Filter", str(job.get("filter") or "none")),
        ("Order", f"{order_of(totals)}; what could not be read comes last"),
        ("Layout", f"{data.layout.name}: {data.layout.about}"),
        ("Made", f"{made:%Y-%m-%d %H:%M} UTC" if isinstance(made, datetime) else str(made)),
        ("Job", str(job.get("job_id") or "none")),
        ("Tags", ", ".join(map(str, job.get("tags") or ())) or "none"),
        ("Scoring model", _models(totals)),
        ("Score", score_note(totals) or "how well a lead fits the ideal customer profile (columns fit and reach)"),
    ]
    _write_lines(sheet, lines, lambda line, column: wrapped if column else bold)


def _rows(data: ReportData) -> str:
    return "lines of the input, " if data.layout.rows == "lines" else ""


def _why_not_all(data: ReportData) -> str:
    from reports.final_rows import GOOD

    return " (those that could be read)" if data.where == GOOD else " (those that could not be read say why)"


def _models(totals: dict[str, Any]) -> str:
    if totals["model_versions"] > 1:
        return f"{totals['model_version']} and {totals['model_versions'] - 1} more (column model_version)"
    return str(totals["model_version"] or "none")


def _write_lines(sheet: Any, lines: list[tuple[Any, ...]], look: Any) -> None:
    for line, values in enumerate(lines):
        for column, value in enumerate(values):
            if isinstance(value, str):
                sheet.write_string(line, column, cut(value), look(line, column))
            else:
                sheet.write_number(line, column, value, look(line, column))


FORMAT = Format(
    "xlsx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    write,
    "a filterable workbook with a summary",
    has_layouts=True,
)
