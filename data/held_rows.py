"""Many rows of a table while they are being found: Arrow batches take a fifth of the memory of dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from data.schemas import table

#: Rows that are dictionaries at a time.
BATCH = 2_000


class HeldRows:
    """Rows of a schema in the order in which they are added."""

    def __init__(self, schema: pa.Schema, job_id: str) -> None:
        self._schema, self._job_id = schema, job_id
        self._batches: list[pa.Table] = []
        #: The newest rows, as they were added.
        self._open: list[Mapping[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row; its missing columns are null.

        Raises:
            pyarrow.ArrowInvalid: it, or one of the rows before it, does not fit.
        """
        self._open.append(row)
        if len(self._open) == BATCH:
            self._batches.append(table(self._open, self._schema, self._job_id))
            self._open = []

    def __len__(self) -> int:
        return len(self._batches) * BATCH + len(self._open)

    def value(self, number: int, column: str) -> Any:
        """A value of the row of a number, from 0."""
        batch, row = divmod(number, BATCH)
        if batch < len(self._batches):
            return self._batches[batch][column][row].as_py()
        return self._open[row].get(column)

    def table(self) -> pa.Table:
        """All rows.

        Raises:
            pyarrow.ArrowInvalid: one of them does not fit.
        """
        last = [table(self._open, self._schema, self._job_id)] if self._open or not self._batches else []
        return pa.concat_tables([*self._batches, *last])
