"""Enrichers: each module here (and each plug-in) adds columns or facts to a company out of its pages and row.

To add one, put a module into this package that defines `ENRICHER`, or register an `Enricher` under the entry-point
group `leadmill.enrichers` from another distribution. Nothing else is edited.

Whoever needs the lake's columns loads all enrichers, the API too: what is heavy is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from extraction.findings import Finding
from leadmill.plugins import ExtensionPoint, PluginError
from leadmill.rows import CompanyRow, Fact

if TYPE_CHECKING:
    from extraction.document import Document


class Outcome(NamedTuple):
    """What an enricher knows of one company: columns to set, facts (`findings.fact`) to add, what it did not take."""

    columns: dict[str, Any]
    facts: list[Fact]
    #: Of each field the surest few are kept (`findings.few`).
    candidates: Sequence[Fact] = ()


class Column(NamedTuple):
    """A column that an enricher brings with it: the rows of stage enrich, and of all stages behind, have it."""

    name: str
    #: As in `columns` of a `leadmill.stages.Stage`: `text`, `texts`, `int32`, `float64`, `bool`, `time` …
    type: str
    #: What it holds where the enricher found nothing, or failed. Rows of before there was the column hold null.
    default: Any = None


@dataclass(frozen=True)
class Enricher:
    """One source of further knowledge.

    `look` is called once for each page and yields findings, in stage process, which keeps them; `settle` once for each
    company, with the process-stage row and all findings that `look` yielded for it. Both are plain and do no input or
    output. A finding is kept if its value is text, a number, a truth, None, or a list or mapping (by texts) of these;
    for other values the pages are read again in stage enrich.
    """

    name: str
    #: Columns it may set: its own, and names of columns that stage enrich has anyway (None where it found nothing).
    columns: tuple[Column | str, ...]
    look: Callable[[Document], Iterable[Finding]]
    settle: Callable[[CompanyRow, Sequence[Finding]], Outcome]
    #: Of `look`: another one has stored pages looked at again. Without one it is told by its source
    #: (`extraction.look_version`).
    version: str = ""

    @property
    def defaults(self) -> dict[str, Any]:
        """Its columns as they are where it found nothing."""
        return dict(
            (column.name, column.default) if isinstance(column, Column) else (column, None) for column in self.columns
        )


#: Every enricher, by its name.
ENRICHERS = ExtensionPoint("extraction.enrichers", "leadmill.enrichers", "ENRICHER", Enricher)


def added_columns() -> dict[str, str]:
    """Name → type of the columns that enrichers bring with them, in the order of the enrichers' names.

    Raises:
        PluginError: two bring the same one, or one that a stage declares, or one of them is no enricher.
    """
    from leadmill.declared import STAGES

    declared = {name: stage.name for stage in STAGES.values() for name in (*stage.columns, stage.made_at) if name}
    found: dict[str, str] = {}
    for enricher in ENRICHERS.all().values():
        for column in enricher.columns:
            if isinstance(column, Column):
                if column.name in found:
                    raise PluginError(
                        f"enricher {enricher.name!r}: another one brings a column {column.name!r} already"
                    )
                if column.name in declared:
                    taken = f"column {column.name!r} is one of stage {declared[column.name]!r}"
                    raise PluginError(f"enricher {enricher.name!r}: {taken}; to set it, name it as a text")
                found[column.name] = column.type
    return found
