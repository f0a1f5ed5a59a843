"""Which files of a job count, as its record tells: what the commits of its units named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.job_files import Commits, JobFiles
from data.jobs import JobStore, UnitState
from data.lake import Lake
from data.parts import Committed, counts_of
from leadmill.errors import UnavailableError
from leadmill.log import get_logger
from pipelines.stages import is_unit, partition_number, partition_stages, stage_of

log = get_logger(__name__)

Units = Mapping[str, UnitState]


def committed_parts(units: Units, chain: Sequence[str]) -> dict[tuple[str, str], Committed]:
    """(stage, unit) → what its commit said, from the record's units; `chain` names the stages of a partition."""
    found: dict[tuple[str, str], Committed] = {}
    for unit, state in units.items():
        if not is_unit(unit):
            continue
        for index, epoch in enumerate(state.committed_epochs):
            if partition_number(unit) is None:
                stage = stage_of(unit).name
            elif index < len(chain):
                stage = chain[index]
            else:
                continue
            text = state.files[index] if epoch and index < len(state.files) else None
            found[stage, unit] = Committed(epoch, counts_of(text))
    return found


def files_of(lake: Lake, job_id: str, units: Units, stages: Sequence[str]) -> JobFiles:
    """The files of a job whose units are at hand (`JobStore.unit_states`)."""
    commits = committed_parts(units, partition_stages(tuple(stages)))
    return JobFiles(lake, job_id, lambda: commits)


def epochs_of(units: Units) -> dict[str, int]:
    """Each unit's present epoch."""
    return {unit: state.epoch for unit, state in units.items()}


def recorded_files(store: JobStore, lake: Lake, job_id: str) -> JobFiles:
    """The files of a job, whose record is asked where something of them is not exposed yet.

    Then what reads may raise UnavailableError. A job without a record has its files as they lie.
    """
    return JobFiles(lake, job_id, lambda: _commits(store, job_id))


def told_files(store: JobStore, lake: Lake, job_id: str) -> JobFiles:
    """The same for whoever tells of a job: while Redis does not answer, as they lie."""

    def commits() -> Commits:
        try:
            return _commits(store, job_id)
        except UnavailableError as error:
            log.debug("files told as they lie", job=job_id, error=str(error))
            return {}

    return JobFiles(lake, job_id, commits)


def _commits(store: JobStore, job_id: str) -> Commits:
    record = store.record(job_id)
    return {} if record is None else committed_parts(store.unit_states(job_id), record.partition_stages)
