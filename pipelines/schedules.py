"""When jobs come by themselves: the periodic maintenance jobs and users' recurring pipelines.

A tick is a submit under the key `<name>@<planned time>`. The newest planned time that was submitted is kept in
Redis, so a restart, a second scheduler or a clock that jumps changes nothing: one job a planned time.

Missed ticks (no scheduler ran, or Redis was away): the newest one is submitted when the scheduler is back, the
ones before it are dropped and told as a critical event `missed_ticks`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from cronsim import CronSim, CronSimError

from data.jobs import HandOut, JobStore
from data.lake import Lake
from data.schedules import Schedule, ScheduleStore
from leadmill.errors import InputError, UnavailableError
from leadmill.log import get_logger
from pipelines.queues import Priority
from pipelines.stages import Kind
from pipelines.submit import Submission, submit

log = get_logger(__name__)

#: When each kind of maintenance job is due (cron, UTC).
PERIODIC: dict[str, str] = {
    Kind.CLEANUP.value: "15 3 * * *",
    Kind.STATISTICS.value: "0 * * * *",
    Kind.HEALTH_CHECK.value: "*/30 * * * *",
    Kind.OPTIMIZE_DB.value: "30 4 * * 0",
}
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}\Z")
#: Missed ticks are counted up to this.
_MAX_MISSED = 1_000


@dataclass(frozen=True)
class _Due:
    name: str
    cron: str
    submission: Submission
    since: datetime | None


def check_name(name: str) -> str:
    """A schedule's name; InputError when it has not the form of one, or belongs to maintenance."""
    if not _NAME.match(name):
        raise InputError("a name has 1 to 64 letters, digits, dots, dashes or underscores", field="name")
    if name in PERIODIC:
        raise InputError(f"{name!r} is the name of a built-in schedule", field="name")
    return name


def check_cron(cron: str) -> str:
    """A cron expression of five fields; InputError when it is none, or is never due."""
    try:
        if len(cron.split()) != 5:
            raise InputError("a cron expression has five fields: minute hour day month weekday", field="cron")
        next(CronSim(cron, datetime.now(UTC)))
    except (CronSimError, StopIteration) as error:
        raise InputError(f"not a cron expression: {cron[:60]!r} ({error})", field="cron") from error
    return cron


def next_runs(cron: str, now: datetime, count: int = 3) -> list[datetime]:
    """The next planned times after `now`."""
    return list(islice(CronSim(cron, now), count))


def planned_time(cron: str, now: datetime) -> datetime | None:
    """The newest planned time that is not after `now`."""
    return next(iter(CronSim(cron, now.replace(second=0, microsecond=0) + timedelta(minutes=1), reverse=True)), None)


def to_body(submission: Submission) -> dict[str, Any]:
    """A submission as JSON, for the schedule to keep."""
    body = {name: value for name, value in asdict(submission).items() if value not in (None, (), [], {})}
    body.pop("file", None)
    return {**body, "kind": submission.kind.value, "priority": int(submission.priority)}


def from_body(body: Mapping[str, Any], **changes: Any) -> Submission:
    """The submission that `to_body` kept."""
    return Submission(**{**body, "kind": Kind(body["kind"]), "priority": Priority(body["priority"]), **changes})


class Ticker:
    """Submits what is due. Any number may run beside one another."""

    def __init__(self, store: JobStore, lake: Lake, publish: Callable[[Sequence[HandOut]], None]) -> None:
        self._store, self._lake, self._publish = store, lake, publish
        self._schedules = ScheduleStore(store)

    def tick(self, now: datetime) -> list[str]:
        """Submit each schedule whose newest planned time has not been submitted; names of those submitted.

        Raises:
            UnavailableError: Redis does not answer; what was not submitted is due at the next tick.
        """
        ticks = self._schedules.ticks()
        done = []
        for due in self._known():
            planned = planned_time(due.cron, now)
            last = ticks.get(due.name) or due.since
            if last is None:  # a built-in schedule on a new installation: its time begins now
                self._schedules.ticked(due.name, now)
            elif planned is not None and planned > last:
                self._submit(due, planned, last)
                done.append(due.name)
        return done

    def _known(self) -> Iterator[_Due]:
        for name, cron in PERIODIC.items():
            yield _Due(name, cron, Submission(Kind(name), priority=Priority.LOW, tags=("scheduled",)), None)
        for schedule in self._schedules.all():
            if not schedule.paused:
                tags = tuple(dict.fromkeys([*schedule.body.get("tags", ()), f"schedule:{schedule.name}"[:60]]))
                body = from_body(schedule.body, tags=tags)
                yield _Due(schedule.name, schedule.cron, body, datetime.fromisoformat(schedule.created_at))

    def _submit(self, due: _Due, planned: datetime, last: datetime) -> None:
        key = f"tick:{due.name}@{planned.isoformat()}"
        accepted = submit(self._store, self._lake, self._publish, replace(due.submission, idempotency_key=key))
        self._schedules.ticked(due.name, planned)
        log.info("tick", name=due.name, planned=planned.isoformat(), job=accepted.job_id, again=accepted.replayed)
        missed = sum(1 for _ in islice(_between(due.cron, last, planned), _MAX_MISSED))
        if missed:
            self._tell_missed(due.name, missed, planned)

    def _tell_missed(self, name: str, missed: int, planned: datetime) -> None:
        about = {"name": name, "missed": missed, "before": planned.isoformat()}
        log.warning("ticks missed", **about)
        try:
            self._store.critical("missed_ticks", about)
        except UnavailableError as error:
            log.warning("event not told", error=str(error))


def _between(cron: str, after: datetime, before: datetime) -> Iterator[datetime]:
    for at in CronSim(cron, after):
        if at >= before:
            return
        yield at


def describe(schedule: Schedule, now: datetime) -> dict[str, Any]:
    """A schedule as the API shows it: name, cron, in words, paused, next_runs, created_at, body."""
    return {
        "name": schedule.name,
        "cron": schedule.cron,
        "explanation": CronSim(schedule.cron, now).explain(),
        "paused": schedule.paused,
        "next_runs": [] if schedule.paused else [at.isoformat() for at in next_runs(schedule.cron, now)],
        "created_at": schedule.created_at,
        "pipeline": {name: value for name, value in schedule.body.items() if name != "kind"},
    }
