"""Where many jobs stand, by few round trips: what whoever reads their files has to know of each."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple, cast

from data import keys
from data.jobs.bulk_reads import bulk_reads
from data.jobs.connection import StoreConnection
from data.jobs.model import TERMINAL, Status
from data.jobs.stored_names import RECORD_FIELDS
from leadmill.ids import JOB_ID

_FIELDS = ("status", "attempt", RECORD_FIELDS["partition_stages"])


class Standing(NamedTuple):
    """Of one job."""

    status: str
    attempt: int
    #: Those of its stages that run once a partition.
    partition_stages: tuple[str, ...]

    @property
    def is_terminal(self) -> bool:
        """Completed, failed or cancelled."""
        return self.status in TERMINAL

    @property
    def is_scored_last(self) -> bool:
        """Whether its score, if it has one, is behind all its partitions: a resume goes on with these first."""
        return self.attempt == 1 or self.status == Status.COMPLETED


def standing_of(store: StoreConnection, job_ids: Sequence[str] | None) -> dict[str, Standing]:
    """Where each of these jobs stands (None: of all); one that has no record, or a damaged one, is left out.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: an index is of another type.
    """
    wanted = _all(store) if job_ids is None else job_ids
    answers = bulk_reads(store, [("HMGET", store.key(keys.record(job_id)), *_FIELDS) for job_id in wanted])
    found = {}
    for job_id, answer in zip(wanted, answers, strict=True):
        if isinstance(answer, list) and len(answer) == len(_FIELDS) and answer[0]:
            status, attempt, stages = (str(value or "") for value in answer)
            found[job_id] = Standing(
                status, int(attempt) if attempt.isdecimal() else 1, tuple(filter(None, stages.split(",")))
            )
    return found


def _all(store: StoreConnection) -> list[str]:
    """Every job of the project, in whichever status."""
    names = [keys.of_status(status) for status in Status]
    with store.guarded(*names), store.redis.pipeline() as pipe:  # in one moment: a job that moves is in one of them
        for name in names:
            pipe.zrange(store.key(name), 0, -1)
        found = cast("list[list[str]]", pipe.execute())
    return sorted({job_id for job_id in chain.from_iterable(found) if JOB_ID.match(job_id)})
