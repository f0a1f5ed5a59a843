"""Recurring pipelines and what was ticked of them: kept in Redis beside the job records.

schedules       hash name -> JSON of a `Schedule` without its body, read every second by the ticker
schedule_bodies hash name -> JSON of what is submitted, read when it is due or shown
ticks           hash name -> newest planned time that was dealt with (ISO 8601, UTC)
tick_jobs       hash name -> JSON {planned, job}: the newest tick and the job that it became
ticked:<name>   sorted set of planned times that were submitted (seconds since the epoch), the last `KEPT_TICKS`
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

from redis.client import Pipeline

from data.jobs import JobStore
from leadmill.errors import ConflictError, NotFoundError

#: Submitted planned times remembered of each schedule; a clock that jumps back behind them finds nothing due.
KEPT_TICKS = 1_000
#: Most schedules: each is looked at once a second.
MAX_SCHEDULES = 500


@dataclass(frozen=True)
class Schedule:
    """A pipeline that is submitted again and again."""

    name: str
    #: Five fields, UTC: minute, hour, day of month, month, day of week.
    cron: str
    created_at: str
    paused: bool = False
    #: What is submitted: fields of `pipelines.submit.Submission` as JSON. Empty where only headers were read.
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tick:
    """A planned time that was submitted, and the job it became."""

    planned: datetime
    job_id: str


class ScheduleStore:
    """Reading and writing of schedules. Every call raises UnavailableError when Redis does not answer."""

    def __init__(self, store: JobStore) -> None:
        self._redis, self._store = store.redis, store

    def all(self) -> list[Schedule]:
        """Every schedule by name, without its body."""
        found = cast("dict[str, str]", self._call("hgetall", "schedules"))
        return [Schedule(**json.loads(text)) for _, text in sorted(found.items())]

    def get(self, name: str) -> Schedule:
        """One schedule, whole; NotFoundError when there is none of that name."""
        text, body = self._together(("hget", "schedules", name), ("hget", "schedule_bodies", name))
        if text is None:
            raise NotFoundError(f"no schedule {name[:60]!r}")
        return Schedule(**json.loads(text), body=json.loads(body or "{}"))

    def create(self, schedule: Schedule) -> None:
        """Add a schedule.

        Raises:
            ConflictError: the name is taken, or there are `MAX_SCHEDULES`.
        """
        if int(self._call("hlen", "schedules")) >= MAX_SCHEDULES:
            raise ConflictError(f"there are {MAX_SCHEDULES} schedules, more are not kept; delete one first")
        made, _ = self._together(
            ("hsetnx", "schedules", schedule.name, _header(schedule)),
            ("hsetnx", "schedule_bodies", schedule.name, json.dumps(schedule.body)),
        )
        if not made:
            raise ConflictError(f"there is a schedule {schedule.name!r}; delete it first, or choose another name")

    def set_paused(self, name: str, paused: bool) -> Schedule:
        """Pause or resume; the schedule as it is then. NotFoundError when there is none of that name."""
        key = self._store.key("schedules")

        def change(pipe: Pipeline) -> None:
            text = cast("str | None", pipe.hget(key, name))
            if text is None:
                raise NotFoundError(f"no schedule {name[:60]!r}")
            pipe.multi()
            pipe.hset(key, name, _header(replace(Schedule(**json.loads(text)), paused=paused)))

        with self._store._guarded():
            self._redis.transaction(change, key)  # a schedule that is deleted meanwhile does not come back
        return self.get(name)

    def delete(self, name: str) -> None:
        """Remove a schedule and what is known of its ticks; NotFoundError when there is none of that name."""
        fields = [("hdel", key, name) for key in ("schedules", "schedule_bodies", "ticks", "tick_jobs")]
        if not self._together(*fields, ("delete", f"ticked:{name}"))[0]:
            raise NotFoundError(f"no schedule {name[:60]!r}")

    # ---- ticks ------------------------------------------------------------------------------------

    def ticks(self) -> dict[str, datetime]:
        """Newest planned time of each name that was dealt with."""
        found = cast("dict[str, str]", self._call("hgetall", "ticks"))
        return {name: datetime.fromisoformat(at) for name, at in found.items()}

    def ticked(self, name: str, planned: datetime, job_id: str = "") -> None:
        """Note that a planned time was submitted."""
        at = planned.timestamp()
        self._together(
            ("hset", "ticks", name, planned.isoformat()),
            ("hset", "tick_jobs", name, json.dumps({"planned": planned.isoformat(), "job": job_id})),
            ("zadd", f"ticked:{name}", {str(int(at)): at}),
            ("zremrangebyrank", f"ticked:{name}", 0, -KEPT_TICKS - 1),
        )

    def passed_over(self, name: str, planned: datetime) -> None:
        """Note that planned times up to this one are not to be submitted (they came while it was paused)."""
        self._call("hset", "ticks", name, planned.isoformat())

    def submitted_until(self, name: str, now: datetime) -> datetime | None:
        """The newest planned time not after `now` that was submitted, or None.

        When more were submitted than are remembered and all of those lie after `now`, it is `now` itself: nothing
        that old is submitted again on a guess.
        """
        key, at = f"ticked:{name}", now.timestamp()
        before, kept = self._together(("zrevrangebyscore", key, at, "-inf", 0, 1), ("zcard", key))
        if before:
            return datetime.fromtimestamp(int(before[0]), UTC)
        return now if kept >= KEPT_TICKS else None

    def last_ticks(self) -> dict[str, Tick]:
        """The newest tick of each name."""
        found = cast("dict[str, str]", self._call("hgetall", "tick_jobs"))
        rows = {name: json.loads(text) for name, text in found.items()}
        return {name: Tick(datetime.fromisoformat(row["planned"]), row["job"]) for name, row in rows.items()}

    def _call(self, command: str, key: str, *arguments: Any) -> Any:
        return self._together((command, key, *arguments))[0]

    def _together(self, *commands: Sequence[Any]) -> list[Any]:
        """Answers of several commands (command, key, arguments …) of one round trip."""
        with self._store._guarded(), self._redis.pipeline() as pipe:
            for command, key, *arguments in commands:
                getattr(pipe, command)(self._store.key(key), *arguments)
            return list(pipe.execute())


def _header(schedule: Schedule) -> str:
    fields = asdict(schedule)
    del fields["body"]
    return json.dumps(fields)
