"""Which files of jobs count, as their records tell: what the commits of their units named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from data.commits import Commits, CommitsOf, LakeOfJobs, Told, committed_parts
from data.job_files import JobFiles
from data.jobs import JobStore, UnitState
from data.jobs.standing import Standing, standing_of
from data.jobs.unit_reading import units_of
from data.lake import Lake
from data.manifests import Ended, KeptCommits, by_manifests, ended_jobs
from leadmill.errors import DamagedRecordError, UnavailableError
from leadmill.log import get_logger
from pipelines.stages import partition_stages

log = get_logger(__name__)

Units = Mapping[str, UnitState]


def files_of(lake: Lake, job_id: str, units: Units, stages: Sequence[str]) -> JobFiles:
    """The files of a job whose units are at hand (`JobStore.unit_states`)."""
    commits = committed_parts(units, partition_stages(tuple(stages)))
    return JobFiles(lake, job_id, lambda: commits)


def epochs_of(units: Units) -> dict[str, int]:
    """Each unit's present epoch."""
    return {unit: state.epoch for unit, state in units.items()}


def recorded_files(store: JobStore, lake: Lake, job_id: str) -> JobFiles:
    """The files of a job, whose record is asked where commits have to be known, or something is not exposed yet.

    Then what reads may raise UnavailableError. A job without a record has its files as they lie.
    """
    return JobFiles(lake, job_id, lambda: _commits(store, lake, job_id))


def told_files(store: JobStore, lake: Lake, job_id: str) -> JobFiles:
    """The same for whoever tells of a job: while Redis does not answer, as its manifest tells or as they lie."""

    def commits() -> Commits | None:
        try:
            return _commits(store, lake, job_id)
        except UnavailableError as error:
            log.debug("files told by the manifest", job=job_id, error=str(error))
            ended = ended_jobs(lake, [job_id]).get(job_id)
            return None if ended is None else ended.told.commits

    return JobFiles(lake, job_id, commits)


def _commits(store: JobStore, lake: Lake, job_id: str) -> Commits | None:
    """By the record; of an ended job whose units have left Redis (within an hour) by its manifest."""
    record = store.record(job_id)
    if record is None:
        return None
    if (units := store.unit_states(job_id)) or not record.is_terminal:
        return committed_parts(units, record.partition_stages)
    ended = ended_jobs(lake, [job_id]).get(job_id)
    return ended.told.commits if ended is not None and ended.attempt == record.attempt else None


def known_by(store: JobStore) -> CommitsOf:
    """Tells a lake what its jobs have committed: by their records, whichever project they are of.

    A job without a record has no parts: cleanup takes them when it has forgotten it, and restoring makes a lost one
    anew. While Redis does not answer the manifests tell, of those that have ended.
    """
    kept = KeptCommits()

    def commits_of(lake: LakeOfJobs, job_ids: Sequence[str] | None) -> Mapping[str, Told]:
        seen = store.of(lake.project)
        try:
            standing = standing_of(seen, job_ids)
            known = {job: kept.get(lake, job, one.attempt) for job, one in standing.items() if one.is_terminal}
            asked = [(job, one) for job, one in standing.items() if known.get(job) is None]
            units = units_of(seen, [(job, ()) for job, _ in asked])
        except (UnavailableError, DamagedRecordError) as error:
            log.debug("parts told by manifests", error=str(error))
            return by_manifests(lake, job_ids)
        found = {job: ended.told for job, ended in known.items() if ended is not None}
        gone: dict[str, Standing] = {}  # ended, and its units have left Redis for its manifest
        for (job, one), states in zip(asked, units, strict=True):
            if states or not one.is_terminal:
                found[job] = Told(committed_parts(states, one.partition_stages), one.is_scored_last)
            else:
                gone[job] = one
            if states and one.is_terminal:
                kept.keep(lake, job, Ended(one.attempt, found[job]))
        for job, ended in ended_jobs(lake, list(gone)).items():
            if ended.attempt == gone[job].attempt:
                kept.keep(lake, job, ended)
                found[job] = ended.told
        # Of a job without both publish has left no losers.
        return found | {job: Told(None, one.is_scored_last) for job, one in gone.items() if job not in found}

    return commits_of
