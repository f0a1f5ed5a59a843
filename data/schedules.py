"""Recurring pipelines and what was ticked of them, in Redis beside the job records.

`data.schedule_files` keeps them in the lake.

schedules       hash name -> JSON of a `Schedule` without its body, read every second by the ticker
schedule_bodies hash name -> JSON of what is submitted, read when it is due or shown
ticks           hash name -> newest planned time that was dealt with (ISO 8601, UTC)
tick_jobs       hash name -> JSON {planned, job}: the newest tick and the job that it became
ticked:<name>   sorted set of planned times that were submitted (seconds since the epoch), the last `KEPT_TICKS`

Each entry stands for itself: one that cannot be read is told as such, and stops no other. A key that is not what stands
above is renamed to `set-aside:<key>` by whoever meets it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

from cronsim import CronSim, CronSimError

from data import keys
from data.jobs import JobStore
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import ConflictError, LeadmillError, NotFoundError
from leadmill.log import get_logger
from leadmill.time_zones import time_zone

log = get_logger(__name__)

#: Submitted planned times remembered of each schedule; a clock that jumps back behind them finds nothing due.
KEPT_TICKS = 1_000
#: Most schedules: each is looked at once a second.
MAX_SCHEDULES = 500


@dataclass(frozen=True)
class Schedule:
    """A pipeline that is submitted again and again."""

    name: str
    #: Five fields: minute, hour, day of month, month, day of week.
    cron: str
    created_at: str
    paused: bool = False
    #: What is submitted: fields of a `pipelines.intake.submission.Submission` as JSON. Empty: headers alone were read.
    body: Mapping[str, Any] = field(default_factory=dict)
    #: Whose clock `cron` is read by. What 0.2.0 kept names none.
    timezone: str = "UTC"


class UnreadableError(ValueError):
    """What was kept is no schedule; the message says what is wrong with it."""


@dataclass(frozen=True)
class Unreadable:
    """An entry that is no schedule; it is never due, and can be deleted."""

    name: str
    #: What is wrong with it.
    fault: str


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
        """Every schedule that can be read, by name, without its body."""
        return self.read_all()[0]

    def read_all(self) -> tuple[list[Schedule], list[Unreadable]]:
        """Every schedule by name, without its body, and the entries that are none."""
        found = cast("dict[str, str]", self._call("hgetall", keys.SCHEDULES))
        schedules, unreadable = [], []
        for name, text in sorted(found.items()):
            try:
                schedules.append(read_schedule(name, text))
            except UnreadableError as error:
                unreadable.append(Unreadable(name, str(error)[:200]))
        return schedules, unreadable

    def get(self, name: str) -> Schedule:
        """One schedule, whole.

        Raises:
            NotFoundError: there is none of that name.
            ConflictError: it cannot be read.
        """
        text, body = self._together(("hget", keys.SCHEDULES, name), ("hget", keys.SCHEDULE_BODIES, name))
        if text is None:
            raise NotFoundError(f"no schedule {name[:60]!r}")
        try:
            return read_schedule(name, text, body or "{}")
        except UnreadableError as error:
            raise ConflictError(
                f"schedule {name[:60]!r} cannot be read ({error}); delete it and make it again"
            ) from error

    def put(self, schedule: Schedule) -> None:
        """Write a schedule whole, over whatever stands under its name."""
        self._together(
            *self._noted_project(),
            ("hset", keys.SCHEDULES, schedule.name, _header(schedule)),
            ("hset", keys.SCHEDULE_BODIES, schedule.name, json.dumps(schedule.body)),
        )

    def _noted_project(self) -> list[Sequence[Any]]:
        """What lets the ticker know of a project that has schedules and no job yet."""
        project = self._store.project
        if project == DEFAULT_PROJECT:
            return []
        return [("zadd", keys.PROJECTS, {project: time.time() * 1000}, True)]

    def delete(self, name: str) -> None:
        """Remove a schedule and what is known of its ticks; NotFoundError when there is none of that name."""
        hashes = (keys.SCHEDULES, keys.SCHEDULE_BODIES, keys.TICKS, keys.TICK_JOBS)
        fields = [("hdel", key, name) for key in hashes]
        if not any(self._together(*fields, ("delete", keys.ticked(name)))[:2]):
            raise NotFoundError(f"no schedule {name[:60]!r}")

    # ---- ticks ------------------------------------------------------------------------------------

    def ticks(self) -> dict[str, datetime]:
        """Newest planned time of each name that was dealt with."""
        found = cast("dict[str, str]", self._call("hgetall", keys.TICKS))
        return {name: at for name, text in found.items() if (at := _moment(text)) is not None}

    def ticked(self, name: str, planned: datetime, job_id: str = "") -> None:
        """Note that a planned time was submitted."""
        at = planned.timestamp()
        self._together(
            ("hset", keys.TICKS, name, planned.isoformat()),
            ("hset", keys.TICK_JOBS, name, json.dumps({"planned": planned.isoformat(), "job": job_id})),
            ("zadd", keys.ticked(name), {str(int(at)): at}),
            ("zremrangebyrank", keys.ticked(name), 0, -KEPT_TICKS - 1),
        )

    def passed_over(self, name: str, planned: datetime) -> None:
        """Note that planned times up to this one are not to be submitted (they came while it was paused)."""
        self._call("hset", keys.TICKS, name, planned.isoformat())

    def submitted_until(self, name: str, now: datetime) -> datetime | None:
        """The newest planned time not after `now` that was submitted, or None.

        When more were submitted than are remembered and all of those lie after `now`, it is `now` itself: nothing
        that old is submitted again on a guess.
        """
        key, at = keys.ticked(name), now.timestamp()
        before, kept = self._together(("zrevrangebyscore", key, at, "-inf", 0, 1), ("zcard", key))
        if before and before[0].isdigit():
            return datetime.fromtimestamp(int(before[0]), UTC)
        return now if kept >= KEPT_TICKS else None

    def last_ticks(self) -> dict[str, Tick]:
        """The newest tick of each name."""
        found = cast("dict[str, str]", self._call("hgetall", keys.TICK_JOBS))
        return {name: tick for name, text in found.items() if (tick := _tick(text)) is not None}

    def _call(self, command: str, key: str, *arguments: Any) -> Any:
        return self._together((command, key, *arguments))[0]

    def _together(self, *commands: Sequence[Any]) -> list[Any]:
        """Answers of several commands (command, key, arguments …) of one round trip.

        Each may be made twice: when a key turns out to hold another type, it is set aside, and all are made again.
        """
        try:
            return self._execute(commands)
        except LeadmillError as error:
            if "WRONGTYPE" not in str(error.__cause__):
                raise
            self._set_aside({key for _, key, *_ in commands})
            return self._execute(commands)

    def _execute(self, commands: Sequence[Sequence[Any]]) -> list[Any]:
        with self._store.guarded(*(key for _, key, *_ in commands)), self._redis.pipeline() as pipe:
            for command, key, *arguments in commands:
                getattr(pipe, command)(self._store.key(key), *arguments)
            return list(pipe.execute())

    def _set_aside(self, names: set[str]) -> None:
        """Rename keys whose type no command of ours made; what lies there is kept for whoever wants to know."""
        for key in sorted(names):
            wanted = "zset" if key == keys.PROJECTS or key.startswith(keys.ticked("")) else "hash"
            with self._store.guarded():
                found = self._redis.type(self._store.key(key))
                if found not in (wanted, "none"):
                    self._redis.rename(self._store.key(key), self._store.key(f"set-aside:{key}"))
                    log.warning("a key of another type was set aside", key=key, type=found)
                    self._store.critical("key_set_aside", {"key": key, "type": found, "now": f"set-aside:{key}"})


def read_schedule(name: str, text: str, body: str | None = None) -> Schedule:
    """The schedule that was kept under a name; UnreadableError when it is none."""
    found = _object(text)
    for field_name, kind in (("name", str), ("cron", str), ("created_at", str)):
        if not isinstance(found.get(field_name), kind):
            raise UnreadableError(f"its {field_name} is missing or no text")
    if found["name"] != name:
        raise UnreadableError(f"it is that of another name, {found['name'][:60]!r}")
    since = _moment(found["created_at"])
    if since is None:
        raise UnreadableError("its created_at is no time with a zone")
    if not _is_cron(found["cron"]):
        raise UnreadableError(f"not a cron expression: {found['cron'][:60]!r}")
    paused = found.get("paused", False)
    if not isinstance(paused, bool):
        raise UnreadableError("its paused is neither true nor false")
    zone = found.get("timezone", "UTC")
    try:
        time_zone(str(zone))
    except ValueError as error:
        raise UnreadableError(str(error)) from error
    return Schedule(name, found["cron"], found["created_at"], paused, _object(body) if body is not None else {}, zone)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UnreadableError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise UnreadableError("not a JSON object")
    return found


@lru_cache(maxsize=2 * MAX_SCHEDULES)  # all are read once a second
def _is_cron(text: str) -> bool:
    try:
        next(CronSim(text, datetime.now(UTC)))
    except (CronSimError, StopIteration, ValueError):
        return False
    return True


def _moment(text: Any) -> datetime | None:
    """A time with a zone, or None for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None


def _tick(text: str) -> Tick | None:
    try:
        row = _object(text)
    except UnreadableError:
        return None
    planned = _moment(row.get("planned"))
    return Tick(planned, str(row.get("job") or "")) if planned else None


def _header(schedule: Schedule) -> str:
    fields = asdict(schedule)
    del fields["body"]
    return json.dumps(fields)
