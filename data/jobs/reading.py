"""Reading of job records: one, many, their units and events, the indices, who lives. Nothing here changes a record."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, cast

from data import keys
from data.jobs import newest_first
from data.jobs.connection import StoreConnection
from data.jobs.entries import event_of, record_fault, unit_states, worker_of
from data.jobs.hashes import fields_of
from data.jobs.model import DOCUMENT, RECORD_STATUSES, WORKER_GONE_S, Worker
from data.jobs.record import DamagedRecord, JobRecord, UnitState
from data.redis_errors import damaged
from leadmill.errors import DamagedRecordError
from leadmill.ids import JOB_ID
from leadmill.log import get_logger

log = get_logger(__name__)


class JobReader(StoreConnection):
    """What is asked of the records."""

    def record(self, job_id: str) -> JobRecord | None:
        """The record of one job, or None.

        Raises:
            DamagedRecordError: it cannot be read.
        """
        found = self.read(job_id)
        return None if found is None else JobRecord(job_id, found)

    def records(self, job_ids: Sequence[str]) -> list[JobRecord | DamagedRecord | None]:
        """Records in the order asked, by one round trip; None where there is none."""
        return [
            DamagedRecord(job_id, found.key or "")
            if isinstance(found, DamagedRecordError)
            else JobRecord(job_id, found)
            if found is not None
            else None
            for job_id, found in zip(job_ids, self._records(job_ids), strict=True)
        ]

    def read(self, job_id: str) -> dict[str, str] | None:
        """The same as it is stored: fields of record and document together."""
        found = self._records([job_id])[0]
        if isinstance(found, DamagedRecordError):
            raise found
        return found

    def _records(self, job_ids: Sequence[str]) -> list[dict[str, str] | DamagedRecordError | None]:
        out: list[dict[str, str] | DamagedRecordError | None] = []
        for job_id, (fields, long) in zip(job_ids, fields_of(self, job_ids), strict=True):
            if isinstance(fields, DamagedRecordError) or isinstance(long, DamagedRecordError):
                name = keys.record if isinstance(fields, DamagedRecordError) else keys.document
                out.append(damaged(self.key(name(job_id)), "key of another type", "hash"))
                log.warning("damaged record", job=job_id, key=self.key(name(job_id)))
            elif not fields:
                out.append(None)
            elif fault := record_fault(fields, RECORD_STATUSES):
                out.append(damaged(self.key(keys.record(job_id)), f"record whose {fault}", "job's record"))
                log.warning("damaged record", job=job_id, fault=fault)
            else:
                fields.update({name: text or "" for name, text in zip(DOCUMENT, long, strict=True)}, id=job_id)
                out.append(fields)
        return out

    def recorded(self, job_ids: Sequence[str]) -> set[str]:
        """Those of these jobs that have a record."""
        return self._that_have(keys.record, job_ids)

    def with_units(self, job_ids: Sequence[str]) -> set[str]:
        """Those of these jobs that still have units in Redis."""
        return self._that_have(keys.units, job_ids)

    def _that_have(self, name_of: Callable[[str], str], job_ids: Sequence[str]) -> set[str]:
        if not job_ids:
            return set()
        with self.guarded(), self.redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.exists(self.key(name_of(job_id)))
            return {job_id for job_id, there in zip(job_ids, pipe.execute(), strict=True) if there}

    def asked(self, job_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What was asked for, as submit recorded it: (source, spec); `pipelines.request.asked` checks both."""
        with self.guarded(keys.document(job_id)):
            raw = cast("list[str | None]", self.redis.hmget(self.key(keys.document(job_id)), "input", "spec"))
        source, spec = map(decoded, raw)
        return source, spec

    def unit_states(self, job_id: str) -> dict[str, UnitState]:
        """Every unit that was ever handed out."""
        return {unit: UnitState(state) for unit, state in self.units(job_id).items()}

    def units(self, job_id: str) -> dict[str, dict[str, Any]]:
        """Every unit that was ever handed out, with its state as it is stored (`UNIT_FIELDS`)."""
        with self.guarded(keys.units(job_id)):
            raw = cast("dict[str, str]", self.redis.hgetall(self.key(keys.units(job_id))))
        units = dict(zip(raw, unit_states(list(raw.values())), strict=True))
        if odd := [unit for unit, state in units.items() if state is None]:
            raise damaged(self.key(keys.units(job_id)), f"{odd[0][:40]!r} that is no unit's state", "state")
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
        names = [keys.index(index) for index in indices]
        with self.guarded(*names):
            pages = newest_first.behind(self.redis, [self.key(name) for name in names], place, limit)
            for name, page in zip(names, pages, strict=True):
                while len(page) == limit and (odd := [row for row in page if not _is_job(row)]):
                    rest = newest_first.behind(self.redis, [self.key(name)], (page[-1][1], page[-1][0]), len(odd))[0]
                    page[:] = [row for row in page if _is_job(row)] + rest
        return [[(job, int(at)) for job, at in filter(_is_job, page)] for page in pages]

    def workers(self) -> dict[str, Worker]:
        """Living workers by node name."""
        return self.living_and_lost_workers()[0]

    def living_and_lost_workers(self) -> tuple[dict[str, Worker], dict[str, float]]:
        """Living workers by node name; and of each that did not sign off for how long it was not seen, seconds."""
        with self.guarded(keys.WORKERS, keys.WORKER), self.redis.pipeline(transaction=False) as pipe:
            pipe.time()  # the server's clock wrote the times; this process' own may be wrong
            pipe.zrange(self.key(keys.WORKERS), 0, -1, withscores=True)
            pipe.hgetall(self.key(keys.WORKER))
            (seconds, micros), seen, about = pipe.execute()
        now = seconds + micros / 1e6
        last = now - WORKER_GONE_S
        told = ((node, worker_of(about.get(node), at / 1000)) for node, at in seen if at / 1000 >= last)
        living = {node: worker for node, worker in told if worker is not None}
        return living, {node: now - at / 1000 for node, at in seen if at / 1000 < last}

    def events(self, job_id: str, after: str = "0", limit: int = 500) -> list[tuple[str, str, dict[str, Any]]]:
        """Events of a job after an id: (id, kind, data); kind `unreadable` where an entry is none."""
        with self.guarded(keys.events(job_id)):
            rows = cast("list[Any]", self.redis.xrange(self.key(keys.events(job_id)), f"({after}", "+", count=limit))
        return [(entry, *event_of(fields)) for entry, fields in rows]

    def lines(self, job_id: str, after: str = "0", limit: int = 500) -> list[tuple[str, str, dict[str, Any]]]:
        """A job's own log after an id: (id, level, what it says); level `unreadable` where an entry is none."""
        with self.guarded(keys.log(job_id)):
            rows = cast("list[Any]", self.redis.xrange(self.key(keys.log(job_id)), f"({after}", "+", count=limit))
        return [(entry, *event_of(fields)) for entry, fields in rows]

    def lines_dropped(self, job_id: str) -> int:
        """Lines that a job's own log has dropped to hold no more than it may; 0 where the server does not say."""
        key = self.key(keys.log(job_id))
        with self.guarded(keys.log(job_id)):
            about = self.redis.xinfo_stream(key) if self.redis.exists(key) else {}
        return int(about["entries-added"] - about["length"]) if "entries-added" in about else 0

    def criticals(self, limit: int = 50) -> list[dict[str, Any]]:
        """The newest critical events, newest first: {at (s since the epoch), kind, …}."""
        with self.guarded(keys.CRITICAL):
            rows = cast("list[Any]", self.redis.xrevrange(self.key(keys.CRITICAL), count=limit))
        events = ((entry, *event_of(fields)) for entry, fields in rows)
        return [{**data, "at": int(entry.partition("-")[0]) / 1000, "kind": kind} for entry, kind, data in events]


def _is_job(row: tuple[str, float]) -> bool:
    return JOB_ID.match(row[0]) is not None and math.isfinite(row[1])


def decoded(text: str | None) -> Any:
    """What a field holds as JSON; a field that holds something else comes out as its text."""
    try:
        return json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return text
