# Made by `make client` from leadmill/client/asynchronous/leads.py: edit that.
"""The leads of a job as rows, as a DataFrame, or as an Arrow table; they come as the job's Parquet report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, Protocol, cast

from leadmill.client import tables
from leadmill.rows import Lead

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Reporting(Protocol):
    """What has reports: a job."""

    def report(self, fmt: str, path: Path, *, type: Literal["leads"], partial: bool) -> Path: ...


class Leads:
    """Companies with a good row, best first. Each use asks anew.

    Raises (each use):
        ApiError: the job has no such report yet, or any more.
        ImportError: pyarrow, or for a DataFrame pandas, is not installed; it says how to.
    """

    def __init__(self, job: Reporting, *, partial: bool = False) -> None:
        self._job, self._partial = job, partial

    def __iter__(self) -> Iterator[Lead]:
        """One typed dictionary a company; times are aware datetimes (UTC)."""
        with TemporaryDirectory(prefix="leadmill-") as folder:
            for row in tables.rows(self._saved(Path(folder))):
                yield cast(Lead, row)

    def arrow(self) -> pa.Table:
        """All of them as an Arrow table: the columns of `Lead`, with exact types."""
        with TemporaryDirectory(prefix="leadmill-") as folder:
            return tables.arrow(self._saved(Path(folder)))

    def df(self) -> pd.DataFrame:
        """All of them as a pandas DataFrame: one row a company, the columns of `Lead`."""
        return tables.df(self.arrow())

    def _saved(self, folder: Path) -> Path:
        return self._job.report("parquet", folder / "leads.parquet", type="leads", partial=self._partial)
