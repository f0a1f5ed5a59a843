"""What a user does with a job that exists: look it up, cancel it, resume it, run it again from a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from data import history
from data.damage import DamagedPartError, damages, mark_resumed
from data.job_files import JobFiles
from data.jobs import JobRecord, JobStore, Status
from data.lake import Lake
from leadmill.errors import ConflictError, InputError, NotFoundError, WorkError
from leadmill.log import get_logger
from pipelines.committed import Units, recorded_files
from pipelines.execution import restore
from pipelines.execution.canvas import Dispatch, try_dispatch
from pipelines.execution.redone import damaged_units, look_over
from pipelines.intake.bounds import of_resume
from pipelines.intake.submission import Submission
from pipelines.manifest import units_in
from pipelines.queues import Priority
from pipelines.request.asked import check_options
from pipelines.scoring.chosen import again
from pipelines.stages import OPTION_READERS, PIPELINE, STAGES, partition_stages

log = get_logger(__name__)


def existing(store: JobStore, lake: Lake, job_id: str) -> JobRecord:
    """The record of a job; one that an emptied server has lost is put back first.

    Raises:
        NotFoundError: no such job, or cleanup has taken its record away.
        UnavailableError: Redis does not answer.
    """
    lake.job_dir(job_id)
    record = store.record(job_id)
    if record is not None:
        return record
    record = known(store, lake, job_id)
    if record.archived:
        raise NotFoundError(f"job {job_id} has ended and its record was cleaned up; its status and report are kept")
    restore.put_back(store, lake, job_id, restore.known_to_lake(lake, job_id))
    return store.record(job_id) or record


def known(store: JobStore, lake: Lake, job_id: str) -> JobRecord:
    """The record of a job, else what history or manifest keep of it (then `archived`).

    One that an emptied server has lost is told as it will be, once it is put back: within a second or so.

    Raises:
        NotFoundError: no such job.
        UnavailableError: Redis does not answer.
    """
    lake.job_dir(job_id)
    record = store.record(job_id)
    if record is not None:
        return record
    if row := history.find(lake, job_id):
        return history.record(row)
    found = restore.known_to_lake(lake, job_id)
    return found.record(job_id, archived=found.ended and not restore.is_emptied(store, lake))


def cancel(store: JobStore, lake: Lake, job_id: str) -> JobRecord:
    """End a job now; its record afterwards.

    Raises:
        NotFoundError: no such job.
        ConflictError: it has ended already.
        UnavailableError: Redis does not answer.
    """
    existing(store, lake, job_id)
    store.cancel(job_id)
    record = existing(store, lake, job_id)
    restore.note_cancelled(lake, job_id, record.attempt)
    return record


def resume(
    store: JobStore, lake: Lake, dispatch: Dispatch, job_id: str, idempotency_key: str | None = None
) -> tuple[JobRecord, bool]:
    """Hand out again what is not done: the record afterwards, and whether an earlier request did it.

    Raises:
        NotFoundError: no such job, or its record was cleaned up.
        ConflictError: it runs, or nothing is missing; or the key stood for another request.
        OverloadedError, QuotaError: one live job more would be too many.
        UnavailableError: Redis does not answer.
    """
    record = existing(store, lake, job_id)
    chain = partition_stages(record.stages)
    units = None if store.with_units([job_id]) else _kept_units(lake, job_id, chain)
    files = recorded_files(store, lake, job_id)
    has_plan = not record.partitions or files.has_plan()
    if record.status == Status.COMPLETED:  # whoever resumes it sees that something is wrong
        look_over(lake, files)
    found = damages(lake, job_id)
    if not has_plan:
        again: list[str] | None = [
            f"p{number}" for number in range(record.partitions)
        ]  # which companies they had is not known
    else:
        again = damaged_units(found, chain) if found else None
    answer = store.resume(job_id, units=units, key=idempotency_key, damaged=again, bounds=of_resume(store, lake))
    mark_resumed(lake, found)
    restore.forget_cancelled(lake, job_id)
    try_dispatch(dispatch, answer.send)
    return existing(store, lake, job_id), bool(answer.body.get("replayed"))


def _kept_units(lake: Lake, job_id: str, chain: tuple[str, ...]) -> Units | None:
    """Units that are no longer in the record: those of the manifest, else what the parts tell."""
    try:
        return units_in(JobFiles.unrecorded(lake, job_id).manifest()) or None
    except DamagedPartError as error:
        log.warning("units made from the parts", job=job_id, error=str(error))
        return restore.units_from_parts(lake, job_id, chain)


def rerun(
    store: JobStore,
    lake: Lake,
    job_id: str,
    from_stage: str,
    *,
    changed: Mapping[str, Any] | None = None,
    **common: Any,
) -> Submission:
    """A submission that runs a job's companies again from a stage on, reading the job's own parts before it.

    `changed` are options that take the place of the job's, `common` what every submission takes.

    Raises:
        InputError: no such stage.
        NotFoundError: no such job.
        ConflictError: the job has not ended.
        UnavailableError: Redis does not answer.
    """
    if from_stage not in PIPELINE:
        raise InputError(f"no stage {from_stage[:40]!r}; there are: {', '.join(PIPELINE)}", field="from_stage")
    record = existing(store, lake, job_id)
    if not record.is_terminal:
        raise ConflictError(f"job {job_id} is {record.status}; wait until it has ended, or cancel it first")
    try:
        spec = again(check_options(store.asked(job_id)[1]), lake.job_dir(job_id) / "input")
    except WorkError as error:
        raise ConflictError(str(error)) from error
    after = PIPELINE[PIPELINE.index(from_stage) :]
    last = record.stages[-1]
    stages = after[: after.index(last) + 1] if last in after else after
    _check_has_rows(record.stages, from_stage)
    if "score" not in stages:
        spec = {name: value for name, value in spec.items() if name not in ("scoring_model", "icp")}
    unread = {name for name, readers in OPTION_READERS.items() if set(readers).isdisjoint(stages)}
    spec = {name: value for name, value in spec.items() if name not in unread}
    given = {
        "options": {**spec, **(changed or {})},
        "priority": Priority(record.priority),
        "tags": record.tags,
        **common,
    }
    return Submission("pipeline", parent=job_id, stages=stages, **given)


def _check_has_rows(stages: Sequence[str], from_stage: str) -> None:
    """Refuse where the job went past the stage whose rows would be read: that stage was added since.

    Raises:
        InputError: it did.
    """
    reads = STAGES[from_stage].reads
    own = [PIPELINE.index(name) for name in stages if name in PIPELINE]
    if reads and reads not in stages and own and min(own) < PIPELINE.index(reads) < max(own):
        raise InputError(f"the job was run before there was a stage {reads}; give that one", field="from_stage")
