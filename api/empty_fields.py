"""Why fields of listed companies are empty: not found, not tried, or failed, as `api.explanation` tells it of one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from api.company_scan import STAGES
from api.explanation import fills, stage_of
from data.damage import DamagedPartError, mend
from data.lake import Lake
from data.reading import read_table
from leadmill.declared import ROW_STAGES

Row = Mapping[str, Any]
Why = Literal["not_found", "not_tried", "failed"]

#: Files of errors that are looked at for one page of a list; further ones tell only where one company is shown.
_MOST_FILES = 100
_OF_ERROR = ("company_id", "stage", "scope", "error")
#: Stages whose rows may be good although part of their work failed.
_MAY_FAIL = tuple(ROW_STAGES[ROW_STAGES.index("enrich") :])


def is_empty(value: object) -> bool:
    """Whether a field tells nothing."""
    return value in (None, "", [], {})


def why_empty(lake: Lake, rows: Sequence[Row], columns: Sequence[str]) -> dict[tuple[str, str], Why]:
    """Of each empty field of rows of a list (with their `stage_rank`) why it is, by company and column."""
    empty = [(row, column) for row in rows for column in columns if is_empty(row.get(column))]
    errors = _errors(lake, {row["company_id"]: row["job_id"] for row, _ in empty})
    return {(row["company_id"], column): _why(row, column, errors[row["company_id"]]) for row, column in empty}


def _why(row: Row, column: str, errors: Sequence[Row]) -> Why:
    made = tuple(STAGES)[row["stage_rank"]]
    stage = stage_of(column)
    was_tried = ROW_STAGES.index(made) >= ROW_STAGES.index(stage)
    if any(fills(error, column) or (error["stage"] == stage and not was_tried) for error in errors):
        return "failed"
    return "not_found" if was_tried else "not_tried"


def _errors(lake: Lake, job_of: Mapping[str, str]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    companies: dict[str, list[str]] = defaultdict(list)
    for company_id, job_id in job_of.items():
        companies[job_id].append(company_id)
    for error in _read(lake, companies):
        found[error["company_id"]].append(error)
    return found


def _read(lake: Lake, companies: Mapping[str, list[str]]) -> Iterator[Row]:
    left = _MOST_FILES
    for job_id, ids in companies.items():
        for file in [file for stage in _MAY_FAIL for file in lake.parts(job_id, stage, "errors")]:
            if not left:
                return
            left -= 1
            try:
                yield from read_table(file, list(_OF_ERROR), [("company_id", "in", ids)]).to_pylist()
            except DamagedPartError:
                mend(lake, [file])
