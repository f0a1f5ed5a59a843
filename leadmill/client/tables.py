"""Parquet as rows, as an Arrow table, as a DataFrame. The libraries are loaded when first asked for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Rows that become dictionaries at a time.
_BATCH = 500


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file one by one; maps are dictionaries, times aware datetimes (UTC)."""
    for batch in _library("pyarrow.parquet").ParquetFile(file).iter_batches(_BATCH):
        yield from batch.to_pylist(maps_as_pydicts="lossy")


def arrow(file: Path) -> pa.Table:
    """A whole file."""
    return _library("pyarrow.parquet").read_table(file, partitioning=None)


def df(table: pa.Table) -> pd.DataFrame:
    """A table for pandas; maps are dictionaries."""
    _library("pandas")
    frame: pd.DataFrame = table.to_pandas(maps_as_pydicts="lossy")
    return frame


def _library(name: str) -> Any:
    """Raises: ImportError: it is not installed; says how to."""
    try:
        return import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise ImportError(f"this needs {package}, which is not installed: pip install {package}") from error
