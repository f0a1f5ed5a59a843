"""Goes through a lake, a job at a time: one listing each, and every file read to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from data import history
from data.damage import DamagedPartError, set_aside
from data.jobs import JobRecord, JobStore
from data.lake import Lake
from pipelines.lake_examination.finding import MEANINGS, QUARANTINE, Fault, Finding
from pipelines.lake_examination.of_job import JobAtHand, examine_job, files_at_hand
from pipelines.lake_examination.of_lake import examine_rest
from pipelines.lake_examination.reading import Each

#: Jobs that are asked of at once, and files that are read at a time.
_CHUNK, _THREADS = 200, 8

#: Told of each finding with what was done, as it is found.
Told = Callable[[Lake, Finding, str | None], None]


@dataclass
class Examined:
    """What an examination went through."""

    jobs: int = 0
    faults: dict[Fault, int] = field(default_factory=lambda: dict.fromkeys(Fault, 0))
    mended: int = 0

    @property
    def loses(self) -> bool:
        """Whether something is not read that should be."""
        return any(self.faults[fault] for fault in Fault if MEANINGS[fault].loses)


def examine_lake(lake: Lake, store: JobStore | None, told: Told, *, mend: bool = False) -> Examined:
    """Look at every file of a lake and of its projects.

    Args:
        store: of the default project; None: it does not answer. Then of a job without a manifest nothing is said, and
            nothing is mended that a run may still want.
        mend: set aside what is torn, move to quarantine what is orphaned or foreign; no row goes by it.

    Raises:
        OSError: the place of the files does not answer, or cannot be written.
    """
    done = Examined()
    with ThreadPoolExecutor(_THREADS, "examination") as threads:
        for project in lake.projects():
            own = lake.of(project)
            asked = None if store is None else store.of(project)
            for finding in _twice(partial(examine_rest, own, threads.map)):
                _tell(own, finding, told, done, mend=mend)
            for job_id, record, archived in _jobs(own, asked):
                done.jobs += 1
                for finding in _twice(partial(_look, own, asked, job_id, archived, threads.map)):
                    _tell(own, finding, told, done, mend=mend and _is_still(asked, job_id, record))
    return done


def _jobs(lake: Lake, store: JobStore | None) -> Iterator[tuple[str, JobRecord | None, bool]]:
    """Each job that has a folder, with its record, and whether the history has it instead."""
    ids = sorted(lake.job_ids())
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        records: list[Any] = [None] * len(chunk) if store is None else list(store.records(chunk))
        gone = [job_id for job_id, record in zip(chunk, records, strict=True) if record is None]
        archived = history.archived(lake, gone) if gone else set()
        for job_id, record in zip(chunk, records, strict=True):
            if record is None or isinstance(record, JobRecord):  # a damaged one is told by the health check
                yield job_id, record, job_id in archived


def _look(lake: Lake, store: JobStore | None, job_id: str, archived: bool, each: Each) -> list[Finding]:
    found = None if store is None else store.records([job_id])[0]
    record = found if isinstance(found, JobRecord) else None
    units = None if store is None or record is None else store.unit_states(job_id)
    files = files_at_hand(lake, job_id, units, record)
    return examine_job(JobAtHand(lake, job_id, record, files, archived, is_asked=store is not None), each)


def _twice(look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What two looks find, one after the other: what was on its way between them is no fault."""
    if not (first := list(look())):
        return []
    again = {one.key for one in look()}
    return [one for one in first if one.key in again]


def _is_still(store: JobStore | None, job_id: str, record: JobRecord | None) -> bool:
    """Whether a job stands as it did when it was looked at: one that was resumed meanwhile is left alone."""
    if store is None:
        return False
    [now] = store.records([job_id])
    if record is None:
        return now is None
    return isinstance(now, JobRecord) and now.attempt == record.attempt and now.status == record.status


def _tell(lake: Lake, finding: Finding, told: Told, done: Examined, *, mend: bool) -> None:
    done.faults[finding.fault] += 1
    mended = _mended(lake, finding) if mend and finding.movable else None
    done.mended += mended is not None
    told(lake, finding, mended)


def _mended(lake: Lake, finding: Finding) -> str | None:
    if finding.fault is Fault.TORN:
        assert finding.error is not None
        with suppress(DamagedPartError):  # a plan is noted, and stays until it is made anew
            set_aside(lake, finding.file, finding.error)
        return "set aside"
    if finding.fault is Fault.MISSING:
        return None
    return f"moved to {_quarantined(lake, finding.file).relative_to(lake.root).as_posix()}"


def _quarantined(lake: Lake, file: Path) -> Path:
    """Take a file out of every reader's sight; where it lies now."""
    place = lake.root / QUARANTINE / file.relative_to(lake.root)
    while lake.storage.stat(place) is not None:
        place = place.with_name(f"{place.name}.again")
    lake.storage.move_to(file, place)
    return place
