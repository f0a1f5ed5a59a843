"""Report formats, one module each; a module in this folder that defines `FORMAT` is a format.

Adding a format is adding a file: `reports.render` finds it by its place here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reports.queries import RANKED


@dataclass(frozen=True)
class ReportData:
    """What a format is made from."""

    #: A DuckDB connection or cursor.
    con: Any
    #: The final rows, in no order: what follows FROM (see `reports.queries.final_rows`).
    source: str
    #: What is known of the job; every key may be missing.
    job: Mapping[str, Any]
    #: comprehensive, summary, leads or quality.
    report_type: str
    #: Rows that data formats hold, as a SQL condition; HTML tells the causes of the others.
    where: str
    #: Rows that meet `where`.
    rows: int

    @property
    def ranked(self) -> str:
        """The rows that data formats hold, best first: what follows FROM."""
        return f"(SELECT * FROM {self.source} WHERE {self.where} ORDER BY {RANKED})"  # noqa: S608  by reports.rows


@dataclass(frozen=True)
class Format:
    """One format: `write(data, path)` writes the whole file and returns how many rows it holds."""

    name: str
    media_type: str
    write: Callable[[ReportData, Path], int]
    #: What it is good for, in a few words.
    about: str


@cache
def formats() -> dict[str, Format]:
    """Every format by name."""
    found = [importlib.import_module(f"{__name__}.{module.name}").FORMAT for module in pkgutil.iter_modules(__path__)]
    return {fmt.name: fmt for fmt in found}
