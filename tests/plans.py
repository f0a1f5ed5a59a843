"""A plan that a test writes without a launch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from data.schemas import PLAN, table
from data.unit_files import UnitFiles


def write_plan(files: UnitFiles, rows: Iterable[Mapping[str, Any]], headers: Sequence[str] = ()) -> None:
    """Write rows as the plan of the job that the files are of."""
    files.write_plan([table(rows, PLAN, files.job_id)], headers)
