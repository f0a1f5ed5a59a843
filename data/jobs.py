"""Job records: the statuses, the moves between them, and the store that makes every move by one Lua script.

Keys, all behind one prefix (`Settings.key_prefix`):

    job:<id>    hash of short fields (they stay in Redis' compact form): kind, status, times, counters
    doc:<id>    hash of long ones: input and spec (what was asked, JSON), result, error
    units:<id>  hash unit -> its state (JSON, see jobs.lua); a planned partition is absent
    todo:<id>   list of partitions planned again by a resume
    ev:<id>     capped stream of events (status, stage, unit, progress)
    due         sorted set `<job>|<unit>` -> when somebody must look at it; the only timer there is
    idx:s:<status>, idx:k:<kind>, idx:t:<tag>   sorted sets of job ids by time of creation
    seq, mark   last hand-out number, and highest begun one, of each `<stage>:<level>`
    workers, worker   who lives (by the time last seen), and what it consumes
    ended, hist:<kind>   counters and duration histograms of ended jobs
    idem:<key>  what an Idempotency-Key stood for, for a day
    claimed     time of the last claim
    aside       sorted set of jobs that could not be looked at (a key of another type) -> when that was told
    dead        sorted set `<job>|<unit>` -> when the unit failed for good
    lake, lake_place   which lake these records belong to, and where it lay (data/identity.py)
    generation  made with the first record; another one than in `<data>/run/generation` means an emptied server
    critical    capped stream of what an operator must see
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

import redis
from redis.exceptions import NoScriptError, RedisError

from data import newest_first
from data.entries import event_of, record_fault, unit_state, worker_about
from data.identity import LakePair, RefusedConnectionError, connect, read_id
from data.redis_errors import classified, damaged
from leadmill.errors import (
    ConflictError,
    DamagedRecordError,
    ForeignLakeError,
    LeadmillError,
    NotFoundError,
    StoreRefusedError,
    UnavailableError,
)
from leadmill.ids import JOB_ID
from leadmill.log import get_logger

log = get_logger(__name__)


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

#: Legal moves of a job's status; jobs.lua makes no other.
TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELLED}),
    Status.RUNNING: frozenset({Status.RETRY, *TERMINAL}),
    Status.RETRY: frozenset({Status.RUNNING, *TERMINAL}),
    Status.COMPLETED: frozenset({Status.PENDING}),
    Status.FAILED: frozenset({Status.PENDING}),
    Status.CANCELLED: frozenset({Status.PENDING}),
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
    "PROGRESS_MS": 400,  # at most one progress event a job in this time
    "MAX_DEATHS": 3,  # reported deaths of its process before a unit is set aside
    "ALONE_DEATHS": 2,  # unexplained ones (or lapses) after which a partition runs company by company
    "MAX_NAMED": 30,  # pages of a unit that explain a death; every further death is unexplained
    "MAX_LAPSES": 10,  # unreported lapses before it is
    "BACK_MS": 1_000,  # the server's clock went back when a claim is so much earlier than the one before
    "ASIDE_MS": 10_000,  # a job that cannot be looked at (a key of another type) is looked at again after this
    "TELL_AGAIN_MS": 3_600_000,  # and told as a critical event at most so often
    "BUCKET": 1.1,  # a duration bucket is 10 % wide
    "EVENTS_KEPT": 500,
    "ENDED_KEPT_S": 3_600,  # units and events of a completed job
    "IDEMPOTENCY_S": 86_400,
}
#: Why a unit failed that the deadline gave up, in its state and in the error of each of its companies.
DEADLINE_STRUCK = "the deadline of the job struck before this was done"
#: Long fields of a record that every reader gets: result and error, merged URLs, what a maintenance call found.
DOCUMENT = ("error", "result", "merged", "finding")
#: Stands for the status of a record that cannot be read, in `JobStore.read_many`.
DAMAGED = "damaged"
#: Seconds between renewals of a lease.
RENEW_S = 1.5
#: Seconds a run goes on without Redis before it stops itself.
CUT_OFF_S = 60.0
#: A worker not seen for so long is dead (seconds).
WORKER_GONE_S = 10.0


@dataclass(frozen=True)
class HandOut:
    """A message that the caller of a transition must publish: this unit, at this stage, in this epoch."""

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


@dataclass
class Answer:
    """What a transition said. `refused` names why it was not made: stale, ended, gone."""

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


class JobStore:
    """All reading and writing of job records. One instance a process; safe to share between threads.

    `clock` replaces the server's time in tests (milliseconds). `pair` names the lake that the records belong to, and
    has to be that of the client's connections; without one (tests of the record alone) no lake is checked.
    """

    def __init__(
        self, client: redis.Redis, prefix: str, clock: Callable[[], int] | None = None, pair: LakePair | None = None
    ) -> None:
        self.redis = client
        self.prefix = prefix
        self.pair = pair
        self._clock = clock
        limits = "".join(f"local {name} = {value}\n" for name, value in LIMITS.items())
        limits += f"local DEADLINE_STRUCK = {json.dumps(DEADLINE_STRUCK)}\n"
        self._script = _Script(limits + Path(__file__).with_suffix(".lua").read_text())
        self._shas: dict[str, str] = {}

    @classmethod
    def connect(cls, url: str, prefix: str, timeout_s: float = 3.0, *, lake: Path | None = None) -> JobStore:
        """A store with its own connection pool; no call blocks longer than `timeout_s`.

        `lake` is the folder whose records these have to be: every connection and every transition is checked.
        """
        pair = None if lake is None else LakePair(lake, prefix, url)
        client = connect(
            url,
            pair,
            decode_responses=True,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            health_check_interval=15,
        )
        return cls(client, prefix, pair=pair)

    def key(self, name: str) -> str:
        """The full Redis key of a name."""
        return self.prefix + name

    def call(self, operation: str, **arguments: Any) -> Answer:
        """Make one transition.

        Raises:
            StoreRefusedError: Redis answers and refuses (full, a replica, no access …); nothing was written.
            UnavailableError: Redis does not answer; the move may or may not have been made.
            ForeignLakeError: the records belong to another lake; nothing was changed.
            DamagedRecordError: a key that the move touches is of another type; nothing was written.
        """
        if self._clock is not None:
            arguments["now"] = self._clock()
        payload = json.dumps({name: value for name, value in arguments.items() if value is not None})
        try:
            raw = self._run(operation, payload)
        except RedisError as error:
            raise _reason(error) from error
        body = json.loads(raw)
        if foreign := body.get("foreign"):
            raise self._foreign(foreign)
        if "damaged" in body:
            raise damaged(body["damaged"], body["is"], body["want"])
        send = [_hand_out(row) for row in body.pop("send", None) or ()]
        return Answer(body.get("no"), send, body)

    def _run(self, operation: str, payload: str) -> Any:
        sha = self._shas.get(operation)
        if sha is None:  # also makes the first connection, which finds out the lake
            sha = self._shas[operation] = str(self.redis.script_load(self._script.of(operation)))
        lake = (self.pair and self.pair.lake) or ""
        try:
            return self.redis.evalsha(sha, 1, self.prefix, operation, payload, lake)
        except NoScriptError:  # a restarted server has forgotten it
            return self.redis.eval(self._script.of(operation), 1, self.prefix, operation, payload, lake)

    def _foreign(self, bound: str) -> ForeignLakeError:
        """Somebody gave these records to another lake meanwhile: what is read next is checked on new connections."""
        assert self.pair is not None
        self.redis.connection_pool.disconnect(inuse_connections=False)
        return self.pair.refusal(self.pair.lake, bound)

    # ---- the life of a job ----------------------------------------------------------------------

    def submit(self, job: NewJob) -> Answer:
        """Record a job. Accepted means recorded: what follows is sent again by the reconciler if it gets lost.

        A repeat (same id, or same key and body) is the same job; a record without its launch is completed. With `lost`
        in the answer the key stands for a job (`job`) that has no record: submit again under that id to make it.

        Raises:
            ConflictError: the idempotency key stood for another body.
            StoreRefusedError: nothing was recorded.
            UnavailableError: carries the id, since the record may have been made.
            DamagedRecordError: a key is of another type; nothing was recorded.
        """
        fields = {
            "kind": job.kind,
            "stages": ",".join(job.stages),
            "ps": ",".join(job.partition_stages),
            "prio": job.priority,
            "tags": json.dumps(job.tags),
            "parent": job.parent or "",
            "min": "" if job.min_coverage is None else job.min_coverage,
            "px": 0,
        }
        try:
            answer = self.call(
                "submit",
                id=job.job_id,
                fields=fields,
                tags=job.tags,
                spec=json.dumps(job.spec, separators=(",", ":")),
                input=json.dumps(job.source, separators=(",", ":")),
                idem=job.idempotency_key,
                body=job.body_hash,
                deadline_s=job.deadline_s,
                run_at=None if job.run_at is None else int(job.run_at * 1000),
            )
        except (ForeignLakeError, StoreRefusedError):
            raise
        except UnavailableError as error:
            error.job_id = job.job_id
            raise
        if not answer.body.get("ok"):
            raise ConflictError("this Idempotency-Key was used with another body; use a new key for a new request")
        return answer

    def begin(self, job_id: str, unit: str, epoch: int, index: int, owner: str) -> Grant | str:
        """Claim a handed-out unit for a run; the reason as a string when there is nothing to run.

        `epoch` 0 stands for the present one (messages of the close, whose epoch is not known when sent).
        """
        answer = self.call("begin", job=job_id, unit=unit, epoch=epoch, index=index, owner=owner)
        if answer.refused:
            return answer.refused
        body = answer.body
        return Grant(
            job_id, unit, body["epoch"], index, owner, body.get("kind") or "", body["attempt"], body["tries"],
            tuple((body.get("stages") or "").split(",")), _decoded(body.get("spec")), tuple(body.get("epochs") or ()),
            body["created"] / 1000, body["parts"], tuple(body.get("files") or ()), body.get("category") or "",
            frozenset(name for name in body.get("refused") or () if "?" not in name),
            max(body.get("deaths") or 0, body.get("lapses") or 0) >= LIMITS["ALONE_DEATHS"],
        )  # fmt: skip

    def renew(self, grant: Grant, progress: int | None = None, message: str = "", pages: int = 0) -> str | None:
        """Prolong the lease and tell progress (thousandths); why the run must stop, or None."""
        return self.call(
            "renew", job=grant.job_id, unit=grant.unit, epoch=grant.epoch, owner=grant.owner,
            g=progress, message=message[:60] or None, pages=pages,
        ).refused  # fmt: skip

    def commit(self, grant: Grant, **what: Any) -> Answer:
        """End a stage well: rows_in, rows_out, errors, pages (counts), fields, doc, status (publish), chained."""
        return self.call(
            "commit",
            job=grant.job_id,
            unit=grant.unit,
            epoch=grant.epoch,
            owner=grant.owner,
            index=grant.index,
            **what,
        )

    def fail(self, grant: Grant, **what: Any) -> Answer:
        """The stage raised: category, error, and max, base, cap, jitter of its retry policy."""
        return self.call("fail", job=grant.job_id, unit=grant.unit, epoch=grant.epoch, owner=grant.owner, **what)

    def refuse(self, hand_out: HandOut, error: str) -> Answer:
        """End a handed-out unit that no message can be made of, for good."""
        return self.call("refuse", job=hand_out.job_id, unit=hand_out.unit, error=error)

    def release(self, job_id: str, unit: str, owner: str) -> Answer:
        """Give a running unit back at a shutdown, by the parent of the child that ran it."""
        return self.call("release", job=job_id, unit=unit, owner=owner)

    def died(
        self,
        job_id: str,
        unit: str,
        owner: str,
        error: str,
        *,
        page: str = "",
        sure: bool = False,
        lapsed: bool = False,
    ) -> Answer:
        """The parent of a pool child reports that the owner died.

        Args:
            page: what it had begun, `<company>/<digest>`: that it was the page's fault is believed when `sure`, or
                the second time. A death that a page explains does not count towards poison.
            lapsed: the parent itself killed it, after its lease was taken from it.
        """
        return self.call(
            "died", job=job_id, unit=unit, owner=owner, error=error,
            page=page or None, sure=sure or None, lapsed=lapsed or None,
        )  # fmt: skip

    def claim(
        self,
        queued: Mapping[str, bool],
        *,
        node: str | None = None,
        about: str | None = None,
        limit: int = 200,
        runs: Sequence[tuple[str, str, str]] = (),
    ) -> Answer:
        """Take what is due. `queued` names each `<stage>:<level>` whose queue holds a message.

        `runs` are those (job, unit, owner) of the caller's children; `lost` in the answer names those that hold their
        unit no more: [[place in `runs`, ms since the job ended, or -1], …].
        """
        return self.call("claim", queued=queued, node=node, about=about, limit=limit, runs=runs or None)

    def leave(self, node: str) -> None:
        """A worker says goodbye."""
        self.call("leave", node=node)

    def cancel(self, job_id: str) -> None:
        """End a job now.

        Raises:
            NotFoundError: no such job.
            ConflictError: it has ended already.
        """
        self._legal(self.call("cancel", job=job_id), job_id, "cancel", "resume")

    def resume(
        self,
        job_id: str,
        units: Mapping[str, Any] | None = None,
        key: str | None = None,
        damaged: Sequence[str] | None = None,
    ) -> Answer:
        """Plan again what is not done; `units` come from the manifest when the record's own are gone.

        `damaged`: files of the job are, so a completed one may be resumed, and these partitions are made again.
        A repeat with the same idempotency `key` changes nothing (then `replayed` in the answer).

        Raises:
            NotFoundError: no such job.
            ConflictError: it runs, or everything in it is done; or the key stood for another request.
        """
        answer = self.call("resume", job=job_id, units=units, idem=key, body=f"resume:{job_id}", damaged=damaged)
        if answer.refused is None and not answer.body["ok"]:
            raise ConflictError("this Idempotency-Key was used with another request; use a new key for a new request")
        return self._legal(answer, job_id, "resume", "cancel")

    def restore(self, job_id: str, fields: Mapping[str, Any], doc: Mapping[str, str], units: Mapping[str, Any]) -> bool:
        """Put back an ended job that an emptied server has lost; whether it was missing."""
        return self.call("restore", job=job_id, fields=fields, doc=doc, units=units).refused is None

    def check_folder(self) -> None:
        """Whether the folder is still that of the lake: a disk that was mounted there may be gone.

        Raises:
            ForeignLakeError: it is not, and its own store does not know it.
            UnavailableError: its id cannot be read, or Redis does not answer.
        """
        pair = self.pair
        if pair is not None and pair.lake is not None and read_id(pair.root) != pair.lake:
            with self._guarded():
                self.redis.connection_pool.disconnect(inuse_connections=False)
                self.redis.ping()

    def note_place(self, place: str) -> None:
        """Say where the lake of these records lies (`host:/folder`), for whoever is refused."""
        with self._guarded():
            if self.redis.get(self.key("lake_place")) != place:
                self.redis.set(self.key("lake_place"), place)

    def generation(self, new: str) -> str:
        """The server's generation, which becomes `new` when it has none."""
        with self._guarded("generation"):
            self.redis.set(self.key("generation"), new, nx=True)
            return str(self.redis.get(self.key("generation")))

    def forget(self, job_id: str) -> None:
        """Drop an ended job's record from Redis."""
        self._legal(self.call("forget", job=job_id), job_id, "forget", "cancel")

    @staticmethod
    def _legal(answer: Answer, job_id: str, move: str, other: str) -> Answer:
        if answer.refused == "gone":
            raise NotFoundError(f"no job {job_id}")
        if answer.refused == Status.COMPLETED and move == "resume":
            raise ConflictError(
                f"job {job_id} is completed with nothing missing; submit a new job, or re-run it from a stage"
            )
        if answer.refused:
            legal = "nothing but its deletion by cleanup" if answer.refused == "completed" else other
            raise ConflictError(f"cannot {move} job {job_id}: it is {answer.refused}; legal now: {legal}")
        return answer

    def critical(self, kind: str, about: Mapping[str, Any]) -> None:
        """Append to the capped stream of what an operator must see: poison, missed_ticks, health …"""
        with self._guarded("critical"):
            entry: dict[Any, Any] = {"t": kind, "d": json.dumps(about)}
            self.redis.xadd(self.key("critical"), entry, maxlen=int(LIMITS["EVENTS_KEPT"]), approximate=True)

    def criticals(self, limit: int = 50) -> list[dict[str, Any]]:
        """The newest critical events, newest first: {at (s since the epoch), kind, …}."""
        with self._guarded("critical"):
            rows = cast("list[Any]", self.redis.xrevrange(self.key("critical"), count=limit))
        events = ((entry, *event_of(fields)) for entry, fields in rows)
        return [{**data, "at": int(entry.partition("-")[0]) / 1000, "kind": kind} for entry, kind, data in events]

    # ---- reading ----------------------------------------------------------------------------------

    def read(self, job_id: str) -> dict[str, str] | None:
        """The raw record of one job (`job:` and `doc:` fields together), or None."""
        found = self._records([job_id])[0]
        if isinstance(found, DamagedRecordError):
            raise found
        return found

    def read_many(self, job_ids: Sequence[str]) -> list[dict[str, str] | None]:
        """Raw records in the order asked, by one round trip.

        For one that `read` refuses as damaged stands {id, status: "damaged", damaged: the key}: to lists it is none, to
        whoever cleans up it is not gone, and has not ended.
        """
        known = zip(job_ids, self._records(job_ids), strict=True)
        return [_stand_in(job, found) if isinstance(found, DamagedRecordError) else found for job, found in known]

    def _records(self, job_ids: Sequence[str]) -> list[dict[str, str] | DamagedRecordError | None]:
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.hgetall(self.key(f"job:{job_id}"))
                pipe.hmget(self.key(f"doc:{job_id}"), *DOCUMENT)
            rows = self.answers(pipe)
        out: list[dict[str, str] | DamagedRecordError | None] = []
        for job_id, fields, long in zip(job_ids, rows[::2], rows[1::2], strict=True):
            if isinstance(fields, DamagedRecordError) or isinstance(long, DamagedRecordError):
                name = "job" if isinstance(fields, DamagedRecordError) else "doc"
                out.append(damaged(self.key(f"{name}:{job_id}"), "key of another type", "hash"))
                log.warning("damaged record", job=job_id, key=self.key(f"{name}:{job_id}"))
            else:
                known = {name: text or "" for name, text in zip(DOCUMENT, long, strict=True)}
                fault = record_fault(fields, RECORD_STATUSES) if fields else None
                if fault:
                    out.append(damaged(self.key(f"job:{job_id}"), f"record whose {fault}", "job's record"))
                    log.warning("damaged record", job=job_id, fault=fault)
                else:
                    out.append({**fields, **known, "id": job_id} if fields else None)
        return out

    def answers(self, pipe: Any) -> list[Any]:
        """Answers of a pipeline without transaction over several jobs.

        In the place of a key of another type stands a DamagedRecordError: one damaged job does not cost the others.
        """
        with self._guarded():
            found: list[Any] = pipe.execute(raise_on_error=False)
        for i, answer in enumerate(found):
            if isinstance(answer, RedisError):
                found[i] = classified(answer)
                if not isinstance(found[i], DamagedRecordError):
                    raise found[i] from answer
        return found

    def asked(self, job_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was asked for, as submit recorded it: (source, spec); `pipelines.request.asked` checks both."""
        with self._guarded(f"doc:{job_id}"):
            raw = cast("list[str | None]", self.redis.hmget(self.key(f"doc:{job_id}"), "input", "spec"))
        source, spec = map(_decoded, raw)
        return source, spec

    def units(self, job_id: str) -> dict[str, dict[str, Any]]:
        """Every unit that was ever handed out, with its state (keys as jobs.lua names them)."""
        with self._guarded(f"units:{job_id}"):
            raw = cast("dict[str, str]", self.redis.hgetall(self.key(f"units:{job_id}")))
        units = {unit: unit_state(state) for unit, state in raw.items()}
        if odd := [unit for unit, state in units.items() if state is None]:
            raise damaged(self.key(f"units:{job_id}"), f"{odd[0][:40]!r} that is no unit's state", "state")
        return cast("dict[str, dict[str, Any]]", units)

    def ids(self, index: str, *, before: str | None = None, limit: int = 50) -> list[tuple[str, int]]:
        """Job ids of one index (`s:failed`, `k:pipeline`, `t:<tag>`), newest first, with their time (ms).

        `before` is `<ms>:<id>` of the last one seen.
        """
        return self.ids_of([index], before=before, limit=limit)[0]

    def ids_of(
        self, indices: Sequence[str], *, before: str | None = None, limit: int = 50
    ) -> list[list[tuple[str, int]]]:
        """The same of several indices as they stand in one moment: a job that moves between them is in one."""
        place = None
        if before:
            at, _, last = before.partition(":")
            place = (int(at), last)
        names = [f"idx:{index}" for index in indices]
        with self._guarded(*names):
            pages = newest_first.behind(self.redis, [self.key(name) for name in names], place, limit)
            for name, page in zip(names, pages, strict=True):
                while len(page) == limit and (odd := [row for row in page if not _is_job(row)]):
                    rest = newest_first.behind(self.redis, [self.key(name)], (page[-1][1], page[-1][0]), len(odd))[0]
                    page[:] = [row for row in page if _is_job(row)] + rest
        return [[(job, int(at)) for job, at in filter(_is_job, page)] for page in pages]

    def workers(self) -> dict[str, dict[str, Any]]:
        """Living workers: node name -> {queues, processes, pid, host, started, seen}."""
        with self._guarded("workers", "worker"), self.redis.pipeline(transaction=False) as pipe:
            pipe.time()  # the server's clock wrote the times; this process' own may be wrong
            pipe.zrange(self.key("workers"), 0, -1, withscores=True)
            pipe.hgetall(self.key("worker"))
            (now, _), seen, about = pipe.execute()
        alive = ((node, at / 1000) for node, at in seen if at / 1000 >= now - WORKER_GONE_S)
        told = {node: (at, worker_about(about.get(node))) for node, at in alive}
        return {node: {**what, "seen": at} for node, (at, what) in told.items() if what is not None}

    def events(self, job_id: str, after: str = "0", limit: int = 500) -> list[tuple[str, str, dict[str, Any]]]:
        """Events of a job after an id: (id, kind, data); kind `unreadable` where an entry is none."""
        with self._guarded(f"ev:{job_id}"):
            rows = cast("list[Any]", self.redis.xrange(self.key(f"ev:{job_id}"), f"({after}", "+", count=limit))
        return [(entry, *event_of(fields)) for entry, fields in rows]

    def _guarded(self, *names: str) -> _Guard:
        return _Guard(tuple(self.key(name) for name in names))


def _is_job(row: tuple[str, float]) -> bool:
    return JOB_ID.match(row[0]) is not None and math.isfinite(row[1])


class _Guard:
    """Turns a fault of Redis into the error that says what it means; `keys` are those that are read."""

    def __init__(self, keys: tuple[str, ...] = ()) -> None:
        self._keys = keys

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, RedisError):
            raise _reason(error, *self._keys) from error


def _reason(error: RedisError, *keys: str) -> LeadmillError:
    if isinstance(error, RefusedConnectionError):
        return error.reason
    return classified(error, *keys)


def _decoded(text: str | None) -> Any:
    """What a field holds as JSON; a field that holds something else comes out as its text."""
    try:
        return json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return text


class _Script:
    """jobs.lua, a script for each operation: the whole one would make every function anew at each call."""

    def __init__(self, text: str) -> None:
        self._common, operations, self._end = re.split(r"(?m)^(?=-- ---- operations|-- ---- the call)", text)
        blocks = re.findall(r"(?ms).*?^function ops\.\w+\(\).*?^end\n", operations)
        self._blocks = {re.findall(r"(?m)^function ops\.(\w+)", block)[0]: block for block in blocks}

    def of(self, operation: str) -> str:
        """What is common, the operation with the functions that stand before it, and the end."""
        return f"{self._common}{self._blocks[operation]}{self._end}"


def _stand_in(job_id: str, error: DamagedRecordError) -> dict[str, str]:
    lost = dict.fromkeys(("kind", "stages", "result"), "")
    return {**lost, "id": job_id, "status": DAMAGED, "created": "0", "damaged": error.key or ""}


def _hand_out(row: Mapping[str, Any]) -> HandOut:
    close = tuple(tuple(step.split(",")) for step in row["close"].split(";")) if row.get("close") else ()
    stages = tuple(row["stages"].split(",")) if row.get("stages") else ()
    return HandOut(
        row["job"], row["unit"], row["epoch"], row["index"], row["level"], row.get("stage") or "", stages, close
    )


def bucket_bounds(bucket: int) -> tuple[float, float]:
    """Lower and upper bound of a duration bucket, seconds."""
    return (LIMITS["BUCKET"] ** bucket - 1) / 1000, (LIMITS["BUCKET"] ** (bucket + 1) - 1) / 1000
