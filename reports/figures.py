"""Sections that are charts: a title and a drawing; and those that list the most frequent values of a column."""
# ruff: noqa: S608  the source is built by reports.rows

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from reports import charts
from reports.final_rows import GOOD, FinalRows, share
from reports.rows import name as identifier
from reports.rows import quote
from reports.sections import Page, Section
from reports.wording import FEW, percent

#: Values listed of each column.
TOP = 12
#: One value with more than this share dominates.
DOMINANT = 0.8

#: The columns of all `most_frequent` sections: what is counted of each, in SQL, and whether that is a list.
_LISTED: dict[str, tuple[str, bool]] = {}

#: Label, how many leads, and which share of all as a text.
Bar = tuple[str, int, str]

_TEMPLATE = """\
<figure class="card {{ name }}">
<figcaption><h2>{{ title }}</h2></figcaption>
{{ drawing }}
</figure>
"""


def figure(
    name: str,
    *,
    position: int,
    title: str,
    column: str,
    query: Callable[[FinalRows], Any],
    bars: Callable[[Any], Sequence[Bar]],
    draw: Callable[[Sequence[Bar], str], Markup] = charts.bars,
    report_types: tuple[str, ...] = ("comprehensive", "quality"),
    **more: Any,
) -> Section:
    """A section that is a chart: `bars` makes them of the answer of `query`; `column` says what their labels are."""

    def view(answer: Any, page: Page) -> Mapping[str, Any] | None:
        shown = bars(answer)
        if not any(count for _, count, _ in shown):
            return None
        return {"name": name, "title": title, "drawing": draw(shown, f"{column}, leads, share of all")}

    return Section(name, position, report_types, _TEMPLATE, query=query, view=view, figure=True, **more)


def most_frequent(
    name: str,
    *,
    position: int,
    title: str,
    label: str,
    column: str,
    many: bool = False,
    value: str = "",
    called: Callable[[str], str] = str,
    dominant: str = "",
    severity: int = 40,
) -> Section:
    """A chart of the most frequent values of a column of texts; `many`: of a list of them.

    Its answer: `values [{value, count, share}]`, how many `distinct` there are, how many `leads` have one.

    Args:
        value: what is counted of a text, as an SQL expression; empty: the text.
        called: what people call a value.
        dominant: what one value is, where it is worth a warning that nearly all leads share one.
    """
    _LISTED[column] = (value or identifier(column), many)

    def bars(answer: Mapping[str, Any]) -> list[Bar]:
        return [(called(found["value"]), found["count"], percent(found["share"])) for found in answer["values"]]

    def warnings(analysis: Mapping[str, Any]) -> Iterable[str]:
        first = next(iter(analysis[name]["values"]), None)
        if dominant and first and first["share"] >= DOMINANT and analysis["totals"]["leads"] >= FEW:
            yield f"{percent(first['share'])} of the leads share one {dominant}: {called(first['value'])}."

    return figure(
        name,
        position=position,
        title=title,
        column=label,
        query=lambda rows: _most_frequent(rows, column),
        bars=bars,
        warnings=warnings,
        severity=severity,
    )


def _most_frequent(rows: FinalRows, column: str) -> dict[str, Any]:
    """The answer of one column. All are counted by one query: to bind a query of its own costs more than its answer."""
    if "most frequent" not in rows.shared:
        rows.shared["most frequent"] = _count(rows, _LISTED)
    answers: dict[str, dict[str, Any]] = rows.shared["most frequent"]
    return answers[column]


def _count(rows: FinalRows, columns: Mapping[str, tuple[str, bool]]) -> dict[str, dict[str, Any]]:
    has = {c: f"len({value}) > 0" if many else f"{value} IS NOT NULL" for c, (value, many) in columns.items()}
    filled = ", ".join(f"count(*) FILTER ({GOOD} AND {has[c]}) AS {identifier(c)}" for c in columns)
    values = " UNION ALL ".join(
        f"SELECT {quote(c)} AS key, {f'unnest(list_distinct({value}))' if many else value} AS value "
        f"FROM {rows.source} WHERE {GOOD} AND {has[c]}"
        for c, (value, many) in columns.items()
    )
    (leads,) = rows.ask(f"SELECT {filled} FROM {rows.source}")
    answers: dict[str, dict[str, Any]] = {c: {"values": [], "distinct": 0, "leads": leads[c]} for c in columns}
    for row in rows.ask(
        f"""SELECT key, left(value, 120) AS value, count(*) AS count, count(*) OVER (PARTITION BY key) AS "distinct"
        FROM ({values}) WHERE value IS NOT NULL GROUP BY key, value
        QUALIFY row_number() OVER (PARTITION BY key ORDER BY count(*) DESC, value) <= {TOP}
        ORDER BY key, count DESC, value"""
    ):
        answer = answers[row["key"]]
        answer["distinct"] = row["distinct"]
        answer["values"].append(
            {"value": row["value"], "count": row["count"], "share": share(row["count"], rows.leads)}
        )
    return answers
