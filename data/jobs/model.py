"""What a job is: its statuses and the moves between them, the limits of the state machine, and what the store takes
and gives. Pure data; the store is in `data.jobs.store`, what a record holds in `data.jobs.record`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from data import keys
from leadmill.access import DEFAULT_PROJECT
from leadmill.quotas import Quotas


class Status(StrEnum):
    """Where a job stands. A terminal status changes by `resume` only."""

    #: Recorded; launch has not begun (it waits for a worker, or for `run_at`).
    PENDING = "pending"
    #: A unit is handed out or runs.
    RUNNING = "running"
    #: Nothing is handed out or runs; at least one unit waits for its next try.
    RETRY = "retry"
    #: Ended with its report.
    COMPLETED = "completed"
    #: Launch, score or publish failed for good, or coverage stayed below `min_coverage`.
    FAILED = "failed"
    #: Ended by a user; what was committed is kept.
    CANCELLED = "cancelled"


RECORD_STATUSES = frozenset(status.value for status in Status)
TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})

#: Legal moves of a job's status; the script makes no other.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.RETRY, *TERMINAL}),
    Status.RETRY: frozenset({Status.RUNNING, *TERMINAL}),
    Status.COMPLETED: frozenset({Status.PENDING}),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.CANCELLED: frozenset({Status.PENDING}),
}


class UnitStatus(StrEnum):
    """Where a unit stands, as the letter that is stored."""

    #: Not handed out (again): it waits for its job's turn, or for a resume.
    PLANNED = "p"
    #: A message for it is on its way.
    HANDED = "h"
    #: A worker holds it under a lease.
    RUNNING = "r"
    #: It waits for its next try, or for `run_at`.
    WAITING = "w"
    #: All its stages are committed.
    DONE = "d"
    #: It failed for good.
    FAILED = "f"


#: Legal moves of a unit; the script makes no other.
UNIT_TRANSITIONS: dict[UnitStatus, frozenset[UnitStatus]] = {
    # Handed out; or it waits for `run_at`, or for hosts that said "later"; or the deadline gives it up; or a resume.
    UnitStatus.PLANNED: frozenset({UnitStatus.PLANNED, UnitStatus.HANDED, UnitStatus.WAITING, UnitStatus.FAILED}),
    # Begun; refused, or given up at the deadline; a cancel; another server is the primary.
    UnitStatus.HANDED: frozenset({UnitStatus.RUNNING, UnitStatus.FAILED, UnitStatus.PLANNED, UnitStatus.WAITING}),
    # The next stage, or given back; a failed try; the last stage; a failure for good; a cancel.
    UnitStatus.RUNNING: frozenset(
        {UnitStatus.HANDED, UnitStatus.WAITING, UnitStatus.DONE, UnitStatus.FAILED, UnitStatus.PLANNED}
    ),
    # The next try; given up at the deadline; a cancel, or there is no room when its time has come.
    UnitStatus.WAITING: frozenset({UnitStatus.HANDED, UnitStatus.FAILED, UnitStatus.PLANNED}),
    # A resume makes the close anew, and partitions whose files are damaged; a wave is planned by another launch.
    UnitStatus.DONE: frozenset({UnitStatus.PLANNED}),
    UnitStatus.FAILED: frozenset({UnitStatus.PLANNED}),
}

#: Limits of the state machine, known to the script under these names. Times in ms unless the name says s.
LIMITS: dict[str, float] = {
    "LEASE_MS": 10_000,  # a run that was not renewed for so long has lost its unit
    "HANDOUT_MS": 3_000,  # first look at a unit that was handed out and has not begun
    "HANDOUT_MAX_MS": 60_000,  # the pause between looks doubles up to this
    "AGING_MS": 60_000,  # low work that waited so long moves up one priority level, again and again
    "OUTAGE_MS": 3_000,  # a gap in the claims longer than this was an outage: running leases are spared
    # Time for a live run to renew after an outage: an attempt under way may take 3 s, the next comes 1.5 s later.
    # As short as that, for after the death of every worker it is waited in vain.
    "SPARE_MS": 6_000,
    "GONE_MS": keys.GONE_MS,  # a worker not seen for so long is dead
    "LEAST_WINDOW": 2,  # places of a queue, however few processes consume it
    "RECOUNT_MS": 5_000,  # between recounts of the windows' places, and of what takes them
    "MOST_RECOUNTED": 2_000,  # due entries that a recount looks at
    "MOST_TURNS": 500,  # units that one move hands out of other jobs; the next claim goes on
    "FIRST_TURNS": 4,  # partitions that a new job is handed out before jobs that had as many
    "HELD_OVER": 16,  # partitions over which is weighed how long they held their place
    "TURNS_APART": 1_000_000_000_000,  # between the turns of two priorities: more than one ever had
    "PROGRESS_MS": 400,  # at most one progress event a job in this time
    "MAX_DEATHS": 3,  # reported deaths of its process before a unit is set aside
    "ALONE_DEATHS": 2,  # unexplained ones (or lapses) after which a partition runs company by company
    "MAX_NAMED": 30,  # pages of a unit that explain a death; every further death is unexplained
    "MANY_UNITS": 1_000,  # a cancel or a deadline does not look at each unit of a job that has more
    "MOST_WAVES": 3,  # times that companies are planned again whose hosts said "later"
    "MAX_LAPSES": 10,  # unreported lapses before it is
    "BACK_MS": 1_000,  # the server's clock went back when a claim is so much earlier than the one before
    "ASIDE_MS": 10_000,  # a job that cannot be looked at (a key of another type) is looked at again after this
    "TELL_AGAIN_MS": 3_600_000,  # and told as a critical event at most so often
    "BUCKET": 1.1,  # a duration bucket is 10 % wide
    "MOST_COUNTED": 9_000_000_000_000_000,  # a number in the metrics that is larger was written by something else
    "TIME_DIGITS": 14,  # most of a time in ms; a stream whose ids have more was written by something else
    "MOST_METRICS": 10_000,  # fields of a project's metrics; no further channel's deliveries are counted then
    "EVENTS_KEPT": 500,
    "MOVES_KEPT": 2_000,  # jobs of a project that came to another status; who is behind by more looks at every job
    "LINES_KEPT": 500,  # of a job's own log, the newest
    "LINES_KEPT_S": 14 * 86_400,  # after the last of them
    "DEAD_TOLD": 20,  # most units that failed for good of which one move's answer tells
    "ENDED_KEPT_S": 3_600,  # units and events of a completed job
    "IDEMPOTENCY_S": 86_400,
    "USED_KEPT_S": 2 * 86_400,  # what a project used of its quotas of a day
    "NOTICES_KEPT": 10_000,  # most notices that wait for a deliverer; of more the oldest are dropped, so many at once
    "NOTICES_DROPPED": 1_000,
    "TOLD_BYTES": 600,  # longest error that a notice carries
    "CHANNEL_LEASE_MS": 10_000,  # a deliverer that has not renewed for so long has lost its channel
    "HEAVY": 1e13,  # in front of it, in the order in which deliveries are dropped, stand those of no weight
    "OTHERS_KEPT": 10,  # notices that a delivery remembers of those that it only counts
    "OPEN_KEPT_S": 7 * 86_400,  # so long a channel is told of the end of what it was told
    "LOGGED": 200,  # deliveries that the log of a channel keeps, and how long after the last
    "LOG_KEPT_S": 30 * 86_400,
    "OWN_LOG_KEPT_S": 3 * 86_400,  # of a job's callback, or of an address that jobs name: there may be very many
    "DELIVERERS_LATE_MS": 1_500,  # after which a worker starts a deliverer of its own
}
#: Stands for a unit in the due entry of a job that waits for its turn (data/jobs/lua/ring.lua).
IN_LINE = "+"
#: Why a unit failed that the deadline gave up, in its state and in the error of each of its companies.
DEADLINE_STRUCK = "the deadline of the job struck before this was done"
#: Long fields of a record that every reader gets: result and error, merged URLs, what a maintenance call found
#: or how launch understood a list.
DOCUMENT = ("error", "result", "merged", "finding")
#: Seconds between renewals of a lease.
RENEW_S = 1.5
#: Seconds a run goes on without Redis before it stops itself.
CUT_OFF_S = 60.0
#: A worker not seen for so long is dead (seconds).
WORKER_GONE_S = LIMITS["GONE_MS"] / 1000


@dataclass(frozen=True)
class HandOut:
    """A message that the caller of a move must send: this unit, at this stage, in this epoch."""

    job_id: str
    unit: str
    epoch: int
    index: int
    #: 2 × priority, + 1 unless it goes to the front.
    level: int
    stage: str
    #: The partition's stages, first to last; empty for other units.
    stages: tuple[str, ...] = ()
    #: The steps after the partitions, each a tuple of units; empty for launch and partitions.
    close: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Grant:
    """The right to run one stage of a unit, as `begin` gave it."""

    job_id: str
    unit: str
    epoch: int
    index: int
    owner: str
    kind: str
    attempt: int
    tries: int
    stages: tuple[str, ...]
    spec: dict[str, Any]
    #: Epoch under which each stage of this unit committed; 0: not yet.
    epochs: tuple[int, ...]
    created: float
    partitions: int
    #: Files that each of those commits wrote, in the record's short form (`data.parts`).
    files: tuple[str, ...]
    #: Category of a failure for good of launch or score, which publish must answer with `failed`.
    category: str
    #: Pages (`<company>/<digest>`) and companies (`<company>/`) that killed a process: not to be read again.
    refused: frozenset[str] = frozenset()
    #: After deaths or lapses that no page explains it runs company by company: the next one names the company.
    company_by_company: bool = False
    #: The job's: its record and its files are found by it (`JobStore.of`, `Lake.of`).
    project: str = DEFAULT_PROJECT
    #: The project has quotas that the job was accepted with.
    has_quotas: bool = False
    #: Pages that the project may still fetch today; None: there is no limit.
    pages_left: int | None = None
    #: What names the job's trace (W3C traceparent), if it is traced.
    trace: str | None = None
    #: That of `NewJob`.
    request_id: str | None = None
    #: How often companies were planned again because their hosts said "later".
    wave: int = 0
    #: When the job's deadline strikes, seconds since the epoch.
    deadline: float | None = None

    @property
    def may_defer(self) -> bool:
        """Whether companies may still be left for later."""
        return self.wave < LIMITS["MOST_WAVES"]


@dataclass
class Answer:
    """What a transition said. `refused` names why it was not made: stale, ended, gone, illegal."""

    refused: str | None
    send: list[HandOut] = field(default_factory=list)
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NewJob:
    """A submission, ready to be recorded."""

    job_id: str
    kind: str
    stages: tuple[str, ...]
    #: Stages of a partition, in order; empty when the job has none.
    partition_stages: tuple[str, ...]
    #: Options every stage may read (crawl, report, scoring); small, it travels with each `begin`.
    spec: Mapping[str, Any]
    #: company_urls, search_queries, company_ids, file; read by launch alone.
    source: Mapping[str, Any]
    priority: int = 1
    tags: tuple[str, ...] = ()
    parent: str | None = None
    min_coverage: float | None = None
    deadline_s: float | None = None
    #: Seconds since the epoch.
    run_at: float | None = None
    idempotency_key: str | None = None
    body_hash: str = ""
    #: What names the job's trace (W3C traceparent), if it is traced.
    trace: str | None = None
    #: Who is told of its end: channels by name, mail addresses; and by a webhook.
    notify: tuple[str, ...] = ()
    callback_url: str | None = None
    #: Of the request that it came by, where its caller has named it; every line logged by its workers says it.
    request_id: str | None = None
    #: It asks for what the oldest version that may work beside this one does not know.
    later: bool = False


@dataclass(frozen=True)
class Bounds:
    """What a submission or a resume has to keep to."""

    #: Most live jobs of the whole stack.
    max_live: int | None = None
    #: What its project may have.
    quotas: Quotas = field(default_factory=Quotas)
    #: How much of each this asks for, by the quota's name; of one that it does not name it needs nothing.
    asked: Mapping[str, int] = field(default_factory=dict)

    @property
    def arguments(self) -> dict[str, Any]:
        """Of an operation of the script."""
        quotas = self.quotas.set
        return {
            "max_live": self.max_live,
            "quota": json.dumps(quotas, separators=(",", ":")) if quotas else None,
            "asked": {"live_jobs": 1, **self.asked} if quotas else None,
        }


@dataclass(frozen=True)
class Worker:
    """A living worker, as it signed on."""

    #: The queues that it consumes, and how many processes do.
    queues: tuple[str, ...]
    processes: int
    pid: int
    host: str
    #: Seconds since the epoch: its start, by its own clock; when it was seen last, by the server's.
    started: float
    seen: float
    #: Messages and commands that it threw away since its start, by reason (pipelines.execution.thrown_away).
    thrown_away: Mapping[str, int] = field(default_factory=dict)
    #: Whether it signs its messages, and takes no others.
    signs: bool = False
    #: Its version, and the latest form of records that it knows; empty and 0: 0.2.0 or earlier, which do not say it.
    version: str = ""
    form: int = 0


def bucket_bounds(bucket: int) -> tuple[float, float]:
    """Lower and upper bound of a duration bucket, seconds."""
    return (LIMITS["BUCKET"] ** bucket - 1) / 1000, (LIMITS["BUCKET"] ** (bucket + 1) - 1) / 1000
