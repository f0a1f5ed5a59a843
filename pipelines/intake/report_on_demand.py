"""Reports on demand: one of an ended job in a form that the job itself did not write.

Each is kept in its job's folder, `reports/on-demand/<form>.<digest>.<format>`, under a digest of the rows that it tells
of and of its layout, so that a resume or another text of the layout makes it stale. Who asks first for a large one
makes a job of kind `report`; its id lies beside the place of the report, and whoever asks again finds that job.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from data import covered
from data.job_files import JobFiles
from data.jobs import JobRecord, JobStore
from data.lake import Lake
from leadmill.errors import ConfigError, InputError, NotFoundError
from leadmill.ids import JOB_ID, new_job_id
from pipelines.execution.canvas import Dispatch, try_dispatch
from pipelines.intake import control
from pipelines.intake.submission import Submission
from pipelines.intake.submit import record
from pipelines.queues import Priority
from reports.formats import FORMATS
from reports.layout_choice import layout_named
from reports.layouts import DEFAULT

#: Where they lie, below `reports/`.
FOLDER = "on-demand"
#: So many of them cleanup leaves to a job, the newest; one that was made within the hour may be on its way to somebody.
MOST = 20
_SETTLED_S = 3_600
#: Behind a report's name: the file that holds the id of the job that makes it.
_BY_JOB = ".job"


@dataclass(frozen=True)
class ReportForm:
    """What a report is made as."""

    format: str
    type: str = "comprehensive"
    layout: str = DEFAULT
    #: CSV begins with a byte-order mark.
    bom: bool = True

    @classmethod
    def of(cls, fmt: str, options: Mapping[str, Any]) -> ReportForm:
        """A format in the form that a job's options (`report`) name."""
        form = cls(fmt, **{name: options[name] for name in ("type", "layout", "bom") if options.get(name) is not None})
        return form if FORMATS.load(fmt).has_layouts else replace(form, layout=DEFAULT, bom=True)

    def but(self, **named: Any) -> ReportForm:
        """The same format in this form, changed where something is named (None: it is not)."""
        return self.of(
            self.format, {**asdict(self), **{name: value for name, value in named.items() if value is not None}}
        )

    @property
    def options(self) -> dict[str, Any]:
        """As options of a job."""
        return {"report": {"type": self.type, "formats": [self.format], "layout": self.layout, "bom": self.bom}}

    def name(self, digest: str) -> str:
        """The name of its file."""
        return f"{self._stem}.{digest}.{self.format}"

    @classmethod
    def in_name(cls, name: str) -> ReportForm | None:
        """The form that a file name tells; None for another file's."""
        found = _NAME.fullmatch(name)
        return cls(found["format"], found["type"], found["layout"], not found["no_bom"]) if found else None

    @property
    def query(self) -> str:
        """As a query of GET /jobs/{id}/report."""
        bom = "" if self.bom else "&bom=false"
        return f"format={self.format}&type={self.type}&layout={self.layout}{bom}"

    @property
    def _stem(self) -> str:
        return f"{self.type}.{self.layout}{'' if self.bom else '.no-bom'}"


_NAME = re.compile(r"(?P<type>\w+)\.(?P<layout>[\w-]+)(?P<no_bom>\.no-bom)?\.[0-9a-f]{16}\.(?P<format>\w+)")


def rows_of(job: JobFiles, stages: tuple[str, ...]) -> list[Path]:
    """The rows that reports of a job tell of, as far as they lie there.

    A job that scores nothing itself (a report over companies of the lake) has its plan instead.
    """
    if set(stages) <= {"report", "analyze"}:
        return job.there([job.plan_path()])
    return job.there(job.valid("score"))


def name_of(lake: Lake, form: ReportForm, rows: list[Path]) -> str:
    """The name of a report of these rows, below `reports/`."""
    return f"{FOLDER}/{form.name(_digest(covered.digest(lake, rows), form.layout))}"


def _digest(rows: str, layout: str) -> str:
    """The digest of rows as a layout shows them: a file of one's own may say something else tomorrow."""
    if layout == DEFAULT:
        return rows
    try:
        told = repr(layout_named(layout))
    except (InputError, ConfigError):  # gone or wrong by now; rendering says so
        return rows
    return hashlib.blake2s(f"{rows} {told}".encode(), digest_size=8).hexdigest()


def left_of(lake: Lake, job: JobFiles) -> dict[ReportForm, str]:
    """What lies there, by its form, whatever rows it tells of: what a cleaned-up job has left."""
    names = sorted(lake.storage.names(job.folder / "reports" / FOLDER))
    return {form: f"{FOLDER}/{name}" for name in names if (form := ReportForm.in_name(name))}


def drop_stale(lake: Lake, place: Path, form: ReportForm) -> None:
    """Remove what lies beside a report of the same form, of rows that a resume has replaced."""
    for name in lake.storage.names(place.parent):
        if ReportForm.in_name(name.removesuffix(_BY_JOB)) == form and not name.startswith(place.name):
            lake.storage.remove(place.parent / name)


def drop_old(lake: Lake, job_id: str, now_s: float, keep_s: float) -> tuple[int, int]:
    """Remove reports that were made longer ago than `keep_s`, and all but the newest; how many, and their bytes.

    Those that the job itself wrote are no matter of this. Who asks again has it made again, as long as there are rows.
    """
    folder = lake.job_dir(job_id) / "reports" / FOLDER
    made = []
    for name in lake.storage.names(folder):
        if ReportForm.in_name(name.removesuffix(_BY_JOB)) and (state := lake.storage.stat(folder / name)):
            made.append((now_s - state.modified_ns / 1e9, name, state.size))
    old = [one for n, one in enumerate(sorted(made)) if one[0] > keep_s or (n >= MOST and one[0] > _SETTLED_S)]
    for _, name, _ in old:
        lake.storage.remove(folder / name)
    return len(old), sum(size for _, _, size in old)


def report_job(
    store: JobStore, lake: Lake, dispatch: Dispatch, parent: JobRecord, form: ReportForm, place: Path
) -> JobRecord:
    """The job that makes a report for `place`: that of an earlier request, or a new one.

    Raises:
        UnavailableError: Redis does not answer.
        StorageError: its id could not be kept.
    """
    job_id = _reserved_id(lake, place)
    try:
        return control.known(store, lake, job_id)
    except NotFoundError:
        asked = Submission(
            "report", parent=parent.job_id, options=form.options, tags=parent.tags, priority=Priority.HIGH
        )
        accepted = record(store, lake, asked, job_id)
        try_dispatch(dispatch, accepted.send)
    drop_stale(lake, place, form)
    return control.known(store, lake, job_id)


def forget_job(lake: Lake, place: Path) -> None:
    """Let the next request make a job anew: the last one ended without the report."""
    lake.storage.remove(_pointer(place))


def _reserved_id(lake: Lake, place: Path) -> str:
    """One id for all who ask at the same time, whatever process they asked."""
    while True:
        found = lake.storage.read(_pointer(place))
        if found is not None and JOB_ID.match(text := found.data.decode(errors="replace")):
            return text
        lake.storage.swap(_pointer(place), new_job_id().encode(), found)


def _pointer(place: Path) -> Path:
    return place.with_name(place.name + _BY_JOB)
