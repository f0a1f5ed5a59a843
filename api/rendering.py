"""Rendering a report within a request, in a temporary folder of its own."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb

from data.damage import enduring
from data.lake import Lake
from leadmill.errors import NotFoundError, StorageError
from pipelines.intake.report_on_demand import ReportForm
from reports.lead_order import BEST_FIRST, ORDERS

#: So many at a time: other calls share this process.
_AT_ONCE = threading.BoundedSemaphore(2)
_PREFIX = "leadmill-report-"
#: A folder that is older (seconds) is that of a process which was killed while it rendered.
_LOST_S = 3_600.0
#: How DuckDB tells that the temporary folder takes nothing.
_REFUSED = re.compile(
    "|".join(re.escape(os.strerror(n)) for n in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS))
)


def rendered(
    lake: Lake,
    form: ReportForm,
    rows: Callable[[], Sequence[Path]],
    about: Mapping[str, Any],
    sort: str = BEST_FIRST,
) -> Path:
    """A report of the rows in the files that `rows` lists, sorted (`reports.lead_order`), in a folder that the caller
    removes.

    Raises:
        NotFoundError: there are no rows.
        StorageError: the temporary folder takes nothing.
        InputError: the format does not hold so many rows.
    """
    from reports.render import render  # brings what only a report needs

    _drop_lost()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))  # a format may need files beside its own
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
            order=ORDERS[sort].of_final_rows,
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


def _drop_lost() -> None:
    """Remove what killed processes left, so that dying again and again fills no disk."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # somebody else's, or gone
            state = folder.lstat()
            if stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and time.time() - state.st_mtime > _LOST_S:
                shutil.rmtree(folder, ignore_errors=True)
