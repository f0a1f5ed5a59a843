"""Reading single files of the lake, so that whatever is wrong with one names it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.damage import DamagedPartError, check_columns, is_ours, look_at_ids
from data.duck import connection
from data.mounts import addresses, opened
from data.schemas import MADE_AT

#: What reading a damaged or foreign Parquet file raises.
FAULTS = (pa.ArrowException, OSError, ValueError)


def named(file: Path, error: Exception) -> Exception:
    """The error to raise for what reading a file raised: it names the file, unless the fault is ours."""
    if is_ours(error) and not isinstance(error, FileNotFoundError):
        return error
    return DamagedPartError(file, error)


def read_table(file: Path, columns: Sequence[str] | None = None, filters: Any = None) -> pa.Table:
    """A Parquet file of the lake as a table: whole, some columns, or the rows that a filter of pyarrow keeps.

    Raises:
        DamagedPartError: it is missing, damaged, or of other columns than its place has.
    """
    try:
        found = pq.read_table(opened(file), columns=columns, filters=filters, partitioning=None)
        check_columns(file, found.schema, columns)
    except FAULTS as error:
        raise named(file, error) from error
    return found


def json_object(file: Path, data: bytes) -> dict[str, Any]:
    """The JSON object that a file holds.

    Raises:
        DamagedPartError: it holds none.
    """
    try:
        return dict(json.loads(data))
    except (ValueError, TypeError) as error:
        raise DamagedPartError(file, error) from error


def newest_rows(stage: str, files: Sequence[Path], company_ids: Sequence[str] | None) -> list[dict[str, Any]]:
    """What `Lake.newest` answers, out of these files.

    Raises:
        duckdb.Error: one of them cannot be read.
    """
    if not files:
        return []
    column = MADE_AT[stage]
    where = "" if company_ids is None else "WHERE company_id IN (SELECT unnest($ids))"
    good = "AND error IS NULL" if stage == "score" else ""
    if good and not where:
        where, good = "WHERE error IS NULL", ""
    query = f"""
        SELECT company_id, arg_max(domain, {column}) AS domain, arg_max(url, {column}) AS url,
               arg_max(job_id, {column}) AS job_id, max({column}) AS at
        FROM read_parquet($files, union_by_name => true) {where} {good} GROUP BY company_id ORDER BY domain
    """  # noqa: S608 - column names come from this function
    parameters: dict[str, Any] = {"files": addresses(files)}
    if company_ids is not None:
        parameters["ids"] = list(company_ids)
    table: pa.Table = connection().cursor().sql(query, params=parameters).to_arrow_table()
    found: list[dict[str, Any]] = table.to_pylist()
    look_at_ids(found)
    return found
