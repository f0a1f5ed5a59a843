"""Report sections, one module each, or entry points of the group `leadmill.report_sections`.

A section is one question about the rows of a report: how it is asked, how a page and a workbook show the answer, and
what of it a reader must not miss. Adding one is adding a file here that defines `SECTION`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from leadmill.plugins import ExtensionPoint, at_work
from reports.final_rows import FinalRows
from reports.report_types import REPORT_TYPES


@dataclass(frozen=True)
class Page:
    """What a section is shown of the page that it becomes a part of."""

    rows: FinalRows
    #: The answers of all sections by name (see `reports.analysis`).
    analysis: Mapping[str, Any]
    #: A name in `REPORT_TYPES`.
    report_type: str


def _answer_alone(answer: Any, page: Page) -> Mapping[str, Any] | None:
    return {"answer": answer} if answer else None


def _nothing(analysis: Mapping[str, Any]) -> Iterable[str]:
    return ()


@dataclass(frozen=True)
class Section:
    """One section. Its answer stands in the analysis under its name."""

    name: str
    #: Its place in the analysis, on the page and in the workbook: those with a lower number stand before it.
    position: int
    #: The types of report whose page shows it.
    report_types: tuple[str, ...]
    #: Jinja, escaped by itself. Gets what `view` returns, and `totals`: the counts of the whole report.
    template: str
    #: The answer: plain values that JSON can hold. None: the section is for pages alone.
    query: Callable[[FinalRows], Any] | None = None
    #: What the template gets, of the answer; None: there is nothing to show. By default the `answer`, unless empty.
    view: Callable[[Any, Page], Mapping[str, Any] | None] = _answer_alone
    #: Sentences about the analysis that a report opens with; asked of reports that have a lead.
    warnings: Callable[[Mapping[str, Any]], Iterable[str]] = _nothing
    #: How serious they are: a report tells those with a higher number first.
    severity: int = 0
    #: The answer as lines of a workbook, the first of them the heading. None: workbooks do not hold it.
    table: Callable[[Any], Sequence[tuple[Any, ...]]] | None = None
    #: It is a chart: neighbours that are stand side by side.
    figure: bool = False

    def __post_init__(self) -> None:
        if unknown := set(self.report_types) - REPORT_TYPES.keys():
            raise ValueError(f"no report type {min(unknown)!r}; there are {', '.join(REPORT_TYPES)}")

    def at_work(self) -> AbstractContextManager[None]:
        """While it is asked or shown: what fails tells its name."""
        return at_work(f"report section {self.name!r}")


#: Every section, by its name.
SECTIONS = ExtensionPoint("reports.sections", "leadmill.report_sections", "SECTION", Section)


def in_order() -> list[Section]:
    """All sections by their position."""
    return sorted(SECTIONS.all().values(), key=lambda section: (section.position, section.name))
