"""The leads of a job as rows, as a DataFrame, or as an Arrow table; they come as the job's Parquet report."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, Protocol, cast

from leadmill.client import tables
from leadmill.rows import Lead

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class AsyncReporting(Protocol):
    """What has reports: a job."""

    async def report(self, fmt: str, path: Path, *, type: Literal["leads"], partial: bool) -> Path: ...


class AsyncLeads:
    """Companies with a good row, best first. Each use asks anew.

    Raises (each use):
        ApiError: the job has no such report yet, or any more.
        ImportError: pyarrow, or for a DataFrame pandas, is not installed; it says how to.
    """

    def __init__(self, job: AsyncReporting, *, partial: bool = False) -> None:
        self._job, self._partial = job, partial

    async def __aiter__(self) -> AsyncIterator[Lead]:
        """One typed dictionary a company; times are aware datetimes (UTC)."""
        with TemporaryDirectory(prefix="leadmill-") as folder:
            for row in tables.rows(await self._saved(Path(folder))):
                yield cast(Lead, row)

    async def arrow(self) -> pa.Table:
        """All of them as an Arrow table: the columns of `Lead`, with exact types."""
        with TemporaryDirectory(prefix="leadmill-") as folder:
            return tables.arrow(await self._saved(Path(folder)))

    async def df(self) -> pd.DataFrame:
        """All of them as a pandas DataFrame: one row a company, the columns of `Lead`."""
        return tables.df(await self.arrow())

    async def _saved(self, folder: Path) -> Path:
        return await self._job.report("parquet", folder / "leads.parquet", type="leads", partial=self._partial)
