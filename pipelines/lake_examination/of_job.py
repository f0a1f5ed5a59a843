"""What is wrong with the files of one job: they are held against what its commits name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from data.commits import committed_parts
from data.job_files import JobFiles, run_name
from data.jobs import JobRecord
from data.lake import Lake
from data.parts import DAMAGED, MANIFEST, OF_STAGE, PLAN_FILE, kinds_of, parse_name, part_folder
from data.schemas import STAGE_SCHEMAS
from data.storage import Stat
from pipelines.committed import Units
from pipelines.lake_examination.finding import Fault, Finding
from pipelines.lake_examination.reading import Each, torn_among
from pipelines.manifest import files_by_manifest
from pipelines.stages import report_format

_PART_FOLDERS = {part_folder(stage, kind) for stage in STAGE_SCHEMAS for kind in kinds_of(stage)} | set(OF_STAGE)
_OTHERS = re.compile(r"manifest\.json|cancelled|input/.+|reports/on-demand/.+|\..*")


@dataclass
class JobAtHand:
    """A job, with what is known of it."""

    lake: Lake
    job_id: str
    #: None: the job store knows none.
    record: JobRecord | None
    files: JobFiles
    #: Its rows were taken over by cleanup: parts are not there any more.
    is_archived: bool
    #: Whether the job store could be asked.
    is_asked: bool = True
    found: dict[str, tuple[Path, Stat]] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether nothing runs that may still write."""
        return self.record.is_terminal if self.record is not None else self.is_asked or self.is_archived

    @property
    def remedy(self) -> str | None:
        """What makes its rows again."""
        return f"leadmill resume {self.job_id}" if not self.is_archived else None


def files_at_hand(lake: Lake, job_id: str, units: Units | None, record: JobRecord | None) -> JobFiles:
    """The files of a job as its record has them committed, else as its manifest has."""
    if record is not None and units:
        commits = committed_parts(units, record.partition_stages)
        return JobFiles(lake, job_id, lambda: commits)
    return files_by_manifest(lake, job_id)


def examine_job(job: JobAtHand, each: Each) -> list[Finding]:
    """What is wrong with a job's files."""
    job.files.expose()
    folder = job.files.folder
    job.found = {file.relative_to(folder).as_posix(): (file, state) for file, state in job.lake.storage.files(folder)}
    if not job.files.commits and job.record is None and job.is_asked:
        return _unknown(job)
    wanted = _wanted(job)
    findings, looked_at = [], []
    for below, (file, state) in sorted(job.found.items()):
        if (fault := _misplaced(job, below, file, wanted)) is not None:
            findings.append(Finding(fault[0], file, fault[1], job.job_id, size=state.size))
        elif (file.suffix == ".parquet" and not file.name.startswith(DAMAGED)) or below == MANIFEST:
            looked_at.append((file, state.size))
    for one in torn_among(looked_at, each):
        movable = one.file.name != MANIFEST or job.record is not None  # else it is all that is known of the job
        findings.append(replace(one, job_id=job.job_id, remedy=job.remedy, movable=movable))
    return [*findings, *_missing(job, wanted)]


def _unknown(job: JobAtHand) -> list[Finding]:
    """A job that neither a record nor a manifest tells of; an upload alone may be of a submit that is under way."""
    if not set(job.found) - {name for name in job.found if name.startswith(("input/", "_tmp/"))}:
        return []
    size = sum(state.size for _, state in job.found.values())
    reason = f"neither a record nor a manifest tells of this job, which has {len(job.found)} files"
    return [Finding(Fault.FOREIGN, job.files.folder, reason, job.job_id, movable=False, size=size)]


def _wanted(job: JobAtHand) -> dict[str, str]:
    """Path below the job's folder → what names it, of all that commits name."""
    if job.is_archived or not job.files.commits:
        return {}
    files, found = job.files, {}
    for stage in STAGE_SCHEMAS:
        for kind in kinds_of(stage):
            names = [file.relative_to(files.folder).as_posix() for file in files.valid(stage, kind)]
            found.update(dict.fromkeys(names, f"the commit of stage {stage}"))
    for (stage, unit), what in files.commits.items():
        if what.epoch and stage == "launch":
            found[files.run_file(PLAN_FILE)[0].relative_to(files.folder).as_posix()] = "the commit of launch"
        elif what.epoch and (fmt := report_format(unit)):
            name = files.run_file(f"reports/report.{fmt}")[0].relative_to(files.folder).as_posix()
            found[name] = f"the commit of report {fmt}"
    return found


def _misplaced(job: JobAtHand, below: str, file: Path, wanted: Mapping[str, str]) -> tuple[Fault, str] | None:
    """Why a file should not lie where it does; of a job that runs none is an orphan."""
    folder, _, name = below.rpartition("/")
    if below.startswith("_tmp/"):
        return (Fault.ORPHANED, "staged by a run that never committed") if job.has_ended else None
    if parse_name(name) is not None and folder in _PART_FOLDERS:
        if name.startswith(DAMAGED) or below in wanted or not job.has_ended or not job.files.commits:
            return None
        why = "left by a cleanup" if job.is_archived else "no commit of its job names it"
        return Fault.ORPHANED, why
    if (named := run_name(below)) is not None:
        place, _ = job.files.run_file(named)
        return (Fault.ORPHANED, "a later run made it anew") if place != file and job.has_ended else None
    if _OTHERS.fullmatch(below) or name.startswith(DAMAGED):
        return None
    return Fault.FOREIGN, "no file of a job is called so"


def _missing(job: JobAtHand, wanted: Mapping[str, str]) -> Iterator[Finding]:
    for below, by in wanted.items():
        folder, _, name = below.rpartition("/")
        aside = f"{folder}/{DAMAGED}{name}" if folder else f"{DAMAGED}{name}"
        if below not in job.found:
            reason = f"{by} names it" + (", and it was set aside as damaged" if aside in job.found else "")
            yield Finding(Fault.MISSING, job.files.folder / below, reason, job.job_id, job.remedy)
