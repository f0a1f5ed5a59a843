"""When jobs come by themselves: the periodic maintenance jobs and users' recurring pipelines.

A tick is a submit under the key `<name>@<planned time>`. The planned times that were submitted are kept in Redis, so
a restart, a second scheduler or a clock that jumps changes nothing: one job a planned time, at most and once.

- Missed ticks (no scheduler ran, Redis was away, the clock jumped forward): the newest one is submitted, the ones
  before it are dropped and told as a critical event `missed_ticks`.
- A clock that went back submits nothing that was submitted before; after a wrong jump forward the schedule goes on
  at its next planned time, and the times that were submitted too early are not submitted again when they come.
- Ticks that come while a schedule is paused are dropped without a word: a resume waits for the next planned time.
- A submit that is refused is told as a critical event `tick_refused`, and stops no other schedule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from cronsim import CronSim, CronSimError

from data.jobs import HandOut, JobStore
from data.lake import Lake
from data.schedules import Schedule, ScheduleStore, Tick
from leadmill.errors import InputError, LeadmillError, UnavailableError
from leadmill.log import get_logger
from pipelines.queues import Priority
from pipelines.stages import Kind
from pipelines.submit import MAX_TAGS, Submission, submit

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
_MAX_CRON = 100
#: Largest body of a schedule, characters of JSON: many companies belong into the lake, named by a search.
_MAX_BODY = 1_000_000


@dataclass(frozen=True)
class _Due:
    name: str
    cron: str
    #: When it began to count; None: a built-in one.
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
    if len(cron) > _MAX_CRON:
        raise InputError(f"a cron expression has at most {_MAX_CRON} characters", field="cron")
    if len(cron.split()) != 5:
        raise InputError("a cron expression has five fields: minute hour day month weekday", field="cron")
    try:
        next(CronSim(cron, datetime.now(UTC)))
    except (CronSimError, StopIteration, ValueError) as error:
        raise InputError(f"not a cron expression: {cron!r} ({error or 'never due'})", field="cron") from error
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


def create(store: JobStore, name: str, cron: str, submission: Submission, now: datetime) -> Schedule:
    """Keep a recurring pipeline; its first tick is the first planned time after `now`.

    Raises:
        InputError: name, cron or a field of the submission (`pipeline.…`) is wrong.
        ConflictError: the name is taken.
        UnavailableError: Redis does not answer.
    """
    check_name(name)
    check_cron(cron)
    try:
        _check_repeatable(submission)
    except InputError as error:
        raise InputError(str(error), field=f"pipeline.{error.field}" if error.field else "pipeline") from error
    schedule = Schedule(name, cron, now.isoformat(), body=to_body(submission))
    if len(json.dumps(schedule.body)) > _MAX_BODY:
        raise InputError(f"more than {_MAX_BODY:,} characters; name the companies by a search", field="pipeline")
    ScheduleStore(store).create(schedule)
    return schedule


def _check_repeatable(submission: Submission) -> None:
    submission.check()
    submission.checked_stages()
    if submission.run_at is not None:
        raise InputError("the schedule itself says when it runs", field="run_at")
    if submission.deadline_at is not None:
        raise InputError("give the seconds that each run may take, not a time", field="deadline")


def set_paused(store: JobStore, name: str, paused: bool, now: datetime) -> Schedule:
    """Pause a schedule, or let it go on with its next planned time; the schedule as it is then.

    Raises:
        NotFoundError: no such schedule.
        UnavailableError: Redis does not answer.
    """
    schedules = ScheduleStore(store)
    before = schedules.get(name)
    if before.paused and not paused and (planned := planned_time(before.cron, now)):
        schedules.passed_over(name, planned)
    return schedules.set_paused(name, paused)


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
            last = ticks.get(due.name)
            if last is None and due.since is None:  # a built-in schedule on a new installation: its time begins now
                self._schedules.ticked(due.name, now)
            elif planned is not None and planned != last and self._submit_due(due, planned, last, now):
                done.append(due.name)
        return done

    def _known(self) -> Iterator[_Due]:
        for name, cron in PERIODIC.items():
            yield _Due(name, cron, None)
        for schedule in self._schedules.all():
            if not schedule.paused:
                yield _Due(schedule.name, schedule.cron, datetime.fromisoformat(schedule.created_at))

    def _submit_due(self, due: _Due, planned: datetime, last: datetime | None, now: datetime) -> bool:
        """Submit a planned time unless it was dealt with before; whether it was submitted."""
        known = (last, due.since, self._schedules.submitted_until(due.name, now))
        # What lies in the future was noted before the clock went back; it says nothing of the times up to now.
        until = max((at for at in known if at is not None and at <= now), default=None)
        if until is None:  # a new clock knows nothing of this schedule: its time begins now
            self._schedules.passed_over(due.name, planned)
            return False
        if planned <= until:
            return False
        try:
            job_id = self._submit(due.name, planned)
        except UnavailableError:
            raise
        except LeadmillError as error:
            self._schedules.passed_over(due.name, planned)
            self._tell("tick_refused", name=due.name, planned=planned.isoformat(), error=str(error)[:300])
            return False
        self._schedules.ticked(due.name, planned, job_id)
        if missed := sum(1 for _ in islice(_between(due.cron, until, planned), _MAX_MISSED)):
            self._tell("missed_ticks", name=due.name, missed=missed, before=planned.isoformat())
        return True

    def _submit(self, name: str, planned: datetime) -> str:
        key = f"tick:{name}@{planned.isoformat()}"
        if name in PERIODIC:
            submission = Submission(Kind(name), priority=Priority.LOW, tags=("scheduled",), idempotency_key=key)
        else:
            body = self._schedules.get(name).body
            if not body:
                raise InputError("the schedule has no body; delete it and make it again")
            tags = tuple(dict.fromkeys([*body.get("tags", ()), f"schedule:{name}"[:60]]))[-MAX_TAGS:]
            submission = from_body(body, tags=tags, idempotency_key=key)
        accepted = submit(self._store, self._lake, self._publish, submission)
        log.info("tick", name=name, planned=planned.isoformat(), job=accepted.job_id, again=accepted.replayed)
        return accepted.job_id

    def _tell(self, kind: str, **about: Any) -> None:
        log.warning(kind, **about)
        try:
            self._store.critical(kind, about)
        except UnavailableError as error:
            log.warning("event not told", error=str(error))


def _between(cron: str, after: datetime, before: datetime) -> Iterator[datetime]:
    for at in CronSim(cron, after):
        if at >= before:
            return
        yield at


def describe(schedule: Schedule, now: datetime, last: Tick | None = None) -> dict[str, Any]:
    """A schedule as the API shows it.

    Fields: name, cron, explanation (the cron in words), paused, next_runs (none while paused), last_tick {planned,
    job_id} or None, created_at, and pipeline where the schedule was read with its body. Times are UTC.
    """
    body = _as_given(schedule.body)
    return {
        "name": schedule.name,
        "cron": schedule.cron,
        "explanation": CronSim(schedule.cron, now).explain(),
        "paused": schedule.paused,
        "next_runs": [] if schedule.paused else [at.isoformat() for at in next_runs(schedule.cron, now)],
        "last_tick": {"planned": last.planned.isoformat(), "job_id": last.job_id or None} if last else None,
        "created_at": schedule.created_at,
        **({"pipeline": body} if body else {}),
    }


def _as_given(body: Mapping[str, Any]) -> dict[str, Any]:
    """A kept submission in the words of POST /pipelines."""
    found = {**body, **body.get("options", {})}
    if "priority" in found:
        found["priority"] = Priority(found["priority"]).label
    if "deadline_s" in found:
        found["deadline"] = found["deadline_s"]
    return {name: value for name, value in found.items() if name not in ("kind", "options", "deadline_s")}
