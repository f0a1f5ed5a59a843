"""Enrichers: each module here (and each plug-in) adds columns or facts to a company out of its pages and row.

To add one, put a module into this package that defines `ENRICHER`, or register an `Enricher` under the entry-point
group `leadmill.enrichers` from another distribution. Nothing else is edited.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, NamedTuple

from extraction.document import Document
from extraction.findings import Finding

ENTRY_POINT_GROUP = "leadmill.enrichers"


class Outcome(NamedTuple):
    """What an enricher knows of one company: columns to set, and facts (`findings.fact`) to add."""

    columns: dict[str, Any]
    facts: list[dict[str, Any]]


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
    settle: Callable[[Mapping[str, Any], Sequence[Finding]], Outcome]


@cache
def load() -> tuple[Enricher, ...]:
    """All enrichers: this package's modules by name, then plug-ins by entry-point name.

    Raises:
        TypeError: a module or an entry point gives something that is no `Enricher`, or a name is taken twice.
    """
    found: dict[str, Enricher] = {}
    own = (
        (info.name, getattr(importlib.import_module(f"{__name__}.{info.name}"), "ENRICHER", None))
        for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name)
    )
    plugged = (
        (point.value, point.load()) for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name)
    )
    for origin, enricher in (*own, *plugged):
        if not isinstance(enricher, Enricher):
            raise TypeError(f"{origin} defines no ENRICHER of type {Enricher.__name__}")
        if enricher.name in found:
            raise TypeError(f"{origin}: an enricher named {enricher.name!r} exists already")
        found[enricher.name] = enricher
    return tuple(found.values())
