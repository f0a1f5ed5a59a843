"""Recurring pipelines and what beat has ticked: kept in Redis beside the job records.

schedules   hash name -> JSON of `Schedule`
ticks       hash name -> planned time of the newest tick that was submitted (ISO 8601, UTC)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from redis.exceptions import RedisError

from data.jobs import JobStore
from leadmill.errors import ConflictError, NotFoundError, UnavailableError


@dataclass(frozen=True)
class Schedule:
    """A pipeline that is submitted again and again."""

    name: str
    #: Five fields, UTC: minute, hour, day of month, month, day of week.
    cron: str
    #: What is submitted: fields of `pipelines.submit.Submission` as JSON.
    body: Mapping[str, Any]
    created_at: str
    paused: bool = False


class ScheduleStore:
    """Reading and writing of schedules. Every call raises UnavailableError when Redis does not answer."""

    def __init__(self, store: JobStore) -> None:
        self._redis, self._store = store.redis, store

    def all(self) -> list[Schedule]:
        """Every schedule, by name."""
        found = cast("dict[str, str]", self._call("hgetall", "schedules"))
        return [Schedule(**json.loads(text)) for _, text in sorted(found.items())]

    def get(self, name: str) -> Schedule:
        """One schedule; NotFoundError when there is none of that name."""
        text = cast("str | None", self._call("hget", "schedules", name))
        if text is None:
            raise NotFoundError(f"no schedule {name!r}")
        return Schedule(**json.loads(text))

    def create(self, schedule: Schedule) -> None:
        """Add a schedule; ConflictError when the name is taken."""
        if not self._call("hsetnx", "schedules", schedule.name, json.dumps(asdict(schedule))):
            raise ConflictError(f"there is a schedule {schedule.name!r}; delete it first, or choose another name")

    def set_paused(self, name: str, paused: bool) -> Schedule:
        """Pause or resume; the schedule as it is then."""
        changed = Schedule(**{**asdict(self.get(name)), "paused": paused})
        self._call("hset", "schedules", name, json.dumps(asdict(changed)))
        return changed

    def delete(self, name: str) -> None:
        """Remove a schedule; NotFoundError when there is none of that name."""
        if not self._call("hdel", "schedules", name):
            raise NotFoundError(f"no schedule {name!r}")
        self._call("hdel", "ticks", name)

    def ticks(self) -> dict[str, datetime]:
        """Planned time of the newest tick of each name."""
        found = cast("dict[str, str]", self._call("hgetall", "ticks"))
        return {name: datetime.fromisoformat(at) for name, at in found.items()}

    def ticked(self, name: str, planned: datetime) -> None:
        """Note that the tick of a planned time was submitted."""
        self._call("hset", "ticks", name, planned.isoformat())

    def _call(self, command: str, key: str, *arguments: Any) -> Any:
        try:
            return getattr(self._redis, command)(self._store.key(key), *arguments)
        except RedisError as error:
            raise UnavailableError(f"the job store does not answer ({type(error).__name__})") from error
