"""Enrichers: each module here (and each plug-in) adds columns or facts to a company out of its pages and row.

To add one, put a module into this package that defines `ENRICHER`, or register an `Enricher` under the entry-point
group `leadmill.enrichers` from another distribution. Nothing else is edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from extraction.document import Document
from extraction.findings import Finding
from leadmill.plugins import ExtensionPoint
from leadmill.rows import CompanyRow, Fact


class Outcome(NamedTuple):
    """What an enricher knows of one company: columns to set, and facts (`findings.fact`) to add."""

    columns: dict[str, Any]
    facts: list[Fact]


@dataclass(frozen=True)
class Enricher:
    """One source of further knowledge.

    `look` is called once for each page and yields findings; `settle` once for each company, with the
    process-stage row and all findings that `look` yielded for it. Both are plain and do no input or output.
    """

    name: str
    #: Columns of STAGE_SCHEMAS['enrich'] it may set; None from it where it found nothing.
    columns: tuple[str, ...]
    look: Callable[[Document], Iterable[Finding]]
    settle: Callable[[CompanyRow, Sequence[Finding]], Outcome]


#: Every enricher, by its name.
ENRICHERS = ExtensionPoint("extraction.enrichers", "leadmill.enrichers", "ENRICHER", Enricher)
