"""Rendering a report within a request, in a temporary folder of its own."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from data.damage import enduring
from data.lake import Lake
from leadmill.errors import NotFoundError, StorageError
from pipelines.intake.report_on_demand import ReportForm

#: So many at a time: other calls share this process.
_AT_ONCE = threading.BoundedSemaphore(2)
#: How DuckDB tells that the temporary folder takes nothing.
_REFUSED = re.compile(
    "|".join(re.escape(os.strerror(n)) for n in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))
)


def rendered(lake: Lake, form: ReportForm, rows: Callable[[], Sequence[Path]], about: Mapping[str, Any]) -> Path:
    """A report of the rows in the files that `rows` lists, in a folder that the caller removes.

    Raises:
        NotFoundError: there are no rows.
        StorageError: the temporary folder takes nothing.
        InputError: the format does not hold so many rows.
    """
    from reports.render import render  # brings what only a report needs

    folder = Path(tempfile.mkdtemp(prefix="leadmill-"))  # a format may need files beside its own
    out = folder / f"report.{form.format}"

    def write(files: Mapping[str, Sequence[Path]]) -> None:
        if not files["rows"]:
            raise NotFoundError(f"job {about['job_id']} has no rows yet")
        render(
            form.format,
            rows=files["rows"],
            job=about,
            report_type=form.type,
            out=out,
            layout=form.layout,
            bom=form.bom,
        )

    try:
        with _AT_ONCE:
            enduring(lake, lambda: {"rows": rows()}, write)
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, duckdb.IOException) and (found := _REFUSED.search(str(error))):
            raise StorageError(found.group(), full=found.group() != os.strerror(errno.EROFS)) from error
        raise
    return out
