"""Restores job records from the lake after Redis was emptied.

A generation key tells whether it was: it stands in Redis and in `<data>/run/generation`. When Redis has none, or
another one, every job without a record is put back that the lake knows by its manifest, or by the input that was kept
for it: an ended one as it ended, a cancelled one as cancelled, any other as failed and resumable. Work that still runs
finds its record gone and stops. Nothing is taken for done that is not in the lake. Until a job is put back, `lost`
tells what it will be.

Not restored: a job that lay in the record alone (its input small, its launch not done), and what cleanup took away.
"""

from __future__ import annotations

import re
import time
import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa

from data import history
from data.hosts import BlockList
from data.job_files import JobFiles
from data.jobs import TERMINAL, JobStore, Status, UnitState, UnitStatus
from data.jobs.restored import RestoredJob
from data.lake import DamagedPartError, Lake
from data.parts import MANIFEST
from data.project_quotas import default_quotas, project_quotas
from data.projects import each_project
from leadmill.errors import ErrorCategory, NotFoundError, QuotasUnreadableError, UnavailableError
from leadmill.log import get_logger
from leadmill.quotas import MAX_QUOTA, Quotas
from leadmill.redaction import redacted
from leadmill.settings import get_settings
from pipelines.committed import Units
from pipelines.manifest import check_manifest, record_in, units_in
from pipelines.request import accepted
from pipelines.stages import partition_number, partition_stages
from pipelines.views.alarms import tell_once

log = get_logger(__name__)

#: Jobs looked at in one round trip.
_CHUNK = 500
#: What reading a damaged manifest, plan or input raises.
UNREADABLE = (DamagedPartError, OSError, ValueError, KeyError, TypeError, AttributeError, pa.ArrowException)
#: A job's file of the attempt that was cancelled: its manifest says so only when housekeeping has sealed it.
_CANCELLED = "cancelled"
_LOST = "the job store was emptied while this job ran; resume continues with what is missing"


def check_generation(store: JobStore, lake: Lake, known: str | None) -> str:
    """Restore lost jobs if Redis is not the one that wrote the lake's generation; the generation as it is then.

    Of every project: `store` and `lake` are those of the default one. `known` is the generation that the caller has
    just read from Redis (None: it has none).
    """
    noted = _noted_generation(lake)
    if known is not None and known == noted:
        return known
    new = uuid.uuid4().hex
    generation = store.generation(new)
    BlockList(store, lake.data).write_back()  # before any job goes on
    restored = [job_id for seen in each_project(store, lake) for job_id in restore_missing(*seen)]
    lake.storage.put(_generation_file(lake), generation.encode())
    # Of workers that find it empty together one tells, also where nothing was to be put back: what waited is gone.
    is_first = generation == new
    if (is_first and noted is not None) or (restored and (is_first or known is not None)):
        log.warning("the job store was emptied; jobs restored from the lake", jobs=len(restored))
        store.critical("store_emptied", {"restored": len(restored)})
    return generation


def is_emptied(store: JobStore, lake: Lake) -> bool:
    """Whether Redis is another server than the one whose jobs the lake holds, and they are not all put back yet."""
    current = store.current_generation()
    noted = _noted_generation(lake)
    return noted is not None and noted != current


def _noted_generation(lake: Lake) -> str | None:
    content = lake.storage.read(_generation_file(lake))
    return None if content is None else content.data.decode(errors="replace").strip()


def _generation_file(lake: Lake) -> Path:
    return lake.data / "run" / "generation"  # of the lake, though other files of that folder are of one machine


def known_to_lake(lake: Lake, job_id: str) -> RestoredJob:
    """What the lake knows of a job that has no record.

    Raises:
        NotFoundError: nothing.
        UnavailableError: it cannot be read.
    """
    try:
        found = lost(lake, job_id)
    except UNREADABLE as error:
        raise UnavailableError(
            f"job {job_id} is not in the job store, and what the lake has of it cannot be read ({error})"
        ) from error
    if found is None:
        raise NotFoundError(f"no job {job_id}")
    return found


def restore_missing(store: JobStore, lake: Lake) -> list[str]:
    """Put back every job of a project that its lake knows and Redis does not.

    One that cannot be read holds up no other.
    """
    restored: list[str] = []
    ids = sorted(lake.job_ids())
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        recorded = store.recorded(chunk)
        unknown = [job_id for job_id in chunk if job_id not in recorded]
        archived = history.attempts(lake, unknown) if unknown else {}
        for job_id in unknown:
            try:
                found = lost(lake, job_id, archived.get(job_id))
            except UNREADABLE as error:
                tell_once(
                    store, "job_not_restored", job=job_id, error=redacted(f"{type(error).__name__}: {error}")[:200]
                )
                continue
            if found is not None and put_back(store, lake, job_id, found):
                restored.append(job_id)
    return restored


def put_back(store: JobStore, lake: Lake, job_id: str, found: RestoredJob) -> bool:
    """Make the record of a lost job again; whether it was missing."""
    try:
        quotas = project_quotas(lake.data).of(store.project, default_quotas(get_settings()))
    except QuotasUnreadableError:  # nobody may submit then; what was accepted comes back, and counts
        quotas = Quotas(companies_per_day=MAX_QUOTA, pages_per_day=MAX_QUOTA)
    made = store.restore(job_id, found, quotas if quotas.set else None)
    accepted.restore_key(store, lake, job_id)
    return made


def lost(lake: Lake, job_id: str, archived: int | None = None) -> RestoredJob | None:
    """What the lake knows of a job that has no record; None when it knows nothing, or cleanup has taken it away.

    `archived` is the attempt that the history holds of it, if it does.

    Raises:
        one of `UNREADABLE`: what lies there cannot be read.
    """
    manifest = JobFiles.unrecorded(lake, job_id).manifest()
    if manifest is None:
        found = None if archived else accepted.lost(lake, job_id, _new_epoch())
        if found is None:
            return None
        return found.as_cancelled() if _was_cancelled(lake, job_id, 1) else found
    if archived is not None and int(manifest["attempt"]) <= archived:
        return None
    check_manifest(manifest)
    made = _from_manifest(lake, job_id, manifest)
    if not made.ended and _was_cancelled(lake, job_id, manifest["attempt"]):
        return made.as_cancelled()
    return made


def note_cancelled(lake: Lake, job_id: str, attempt: int) -> None:
    """Keep in the lake that an attempt was cancelled, where the lake knows the job at all."""
    folder = lake.job_dir(job_id)
    try:
        if lake.storage.names(folder):
            lake.storage.put(folder / _CANCELLED, str(attempt).encode())
    except OSError as error:  # the cancel itself stands
        log.warning("a cancel is not kept in the lake", job=job_id, error=str(error))


def forget_cancelled(lake: Lake, job_id: str) -> None:
    """The job was resumed."""
    try:
        lake.storage.remove(lake.job_dir(job_id) / _CANCELLED)
    except OSError as error:
        log.warning("a cancel is still kept in the lake", job=job_id, error=str(error))


def _was_cancelled(lake: Lake, job_id: str, attempt: object) -> bool:
    try:
        content = lake.storage.read(lake.job_dir(job_id) / _CANCELLED)
    except OSError:
        return False
    return content is not None and content.data.decode(errors="replace").strip() == str(attempt)


def _from_manifest(lake: Lake, job_id: str, manifest: dict[str, Any]) -> RestoredJob:
    before = record_in(manifest)
    chain = partition_stages(tuple(manifest["stages"]))
    ended = manifest["status"] in TERMINAL
    units = units_in(manifest) if ended else units_from_parts(lake, job_id, chain, ran=True)
    partitions = [state for unit, state in units.items() if partition_number(unit) is not None]
    finished = before.finished_ms or _written_ms(lake, lake.job_dir(job_id) / MANIFEST)
    fields: dict[str, Any] = {
        "status": manifest["status"] if ended else Status.FAILED.value,
        "finished": finished,
        "took": max(0, finished - (before.started_ms or finished)),
        # Partitions beyond these were planned and never handed out, by a deadline or a cancel: a resume does so.
        "partitions": max(len(partitions), before.partitions) if ended else len(partitions),
        "partitions_handed": len(partitions),
    }
    stages_done: dict[str, int] = {}
    if ended and manifest.get("coverage") is not None:
        fields["coverage"] = round(manifest["coverage"], 6)
    elif not ended:
        done = sum(state.status == UnitStatus.DONE for state in partitions)
        fields |= {
            "category": ErrorCategory.SYSTEM.value,
            "partitions_done": done,
            "partitions_failed": len(partitions) - done,
            "partition_progress": sum(state.progress for state in partitions),
        }
        stages_done = {stage: sum(len(s.committed_epochs) > i for s in partitions) for i, stage in enumerate(chain)}
    return RestoredJob.made(
        before,
        fields,
        source=manifest["input"],
        spec=manifest["options"],
        error=(manifest.get("error") or "") if ended else _LOST,
        result=manifest.get("result") or {},
        units=units,
        stages_done=stages_done,
        ended=ended,
    )


def _written_ms(lake: Lake, file: Path) -> int:
    state = lake.storage.stat(file)
    return 0 if state is None else state.modified_ns // 1_000_000


def _new_epoch() -> int:
    """An epoch above all that the lost record can have given, also after an earlier restore.

    Files that its runs left under `_tmp` then never count.
    """
    return time.time_ns() // 1_000_000  # as bases of epochs are (data/jobs/timeline.py)


def units_from_parts(lake: Lake, job_id: str, chain: tuple[str, ...], *, ran: bool = False) -> Units:
    """Units of a job as the parts that lie in the lake tell them, where nothing else does.

    `ran`: it had not ended. Where files are seen before their commit, the last stage that a partition has files of may
    be half written then: it is made again. Those before it were committed, else it had not begun.
    """
    epoch = _new_epoch()
    units = {"launch": UnitState.made(UnitStatus.DONE, epoch, committed_epochs=[0])}
    if not chain:
        return units
    numbers = {n for n in JobFiles.unrecorded(lake, job_id).plan_column("partition") if n is not None}
    done = {stage: _partitions_of(lake, job_id, stage) for stage in chain}
    for number in range(max(numbers, default=-1) + 1):
        reached = next((i for i, stage in enumerate(chain) if number not in done[stage]), len(chain))
        if ran and lake.storage.shows_uncommitted:
            reached = max(0, reached - 1)
        units[f"p{number}"] = UnitState.made(
            UnitStatus.DONE if reached == len(chain) else UnitStatus.FAILED,
            epoch,
            stage_index=min(reached, len(chain) - 1),
            committed_epochs=[0] * reached,
            progress=1_000 * reached // len(chain),
        )
    return units


def _partitions_of(lake: Lake, job_id: str, stage: str) -> set[int]:
    found = set()
    for kind in ("rows", "errors"):
        for file in lake.listed(job_id, stage, kind):
            if match := re.match(r"part-(\d+)-", file.name):
                found.add(int(match.group(1)))
    return found
