"""Recurring jobs: the periodic maintenance jobs and users' recurring pipelines.

A tick is a submit under the key `<name>@<planned time>`. The planned times that were submitted are kept in Redis, so
a restart, a second scheduler or a clock that jumps changes nothing: one job a planned time, at most and once.

- Missed ticks (no scheduler ran, Redis was away, the clock jumped forward): the newest one is submitted, the ones
  before it are dropped and told as a critical event `missed_ticks`.
- A clock that went back submits nothing that was submitted before; after a wrong jump forward the schedule goes on
  at its next planned time, and the times that were submitted too early are not submitted again when they come.
- Who runs a schedule now (`run_now`) gets a job more; its planned times know nothing of it.
- Ticks that come while a schedule is paused are dropped without a word: a resume waits for the next planned time.
- A submit that is refused is told as a critical event `tick_refused`, and stops no other schedule; one that the disk
  does not take, that would make too many live jobs, or for which a quota has no room today, is told as `tick_waits`
  and tried again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, tzinfo
from itertools import islice, takewhile
from typing import Any

from cronsim import CronSim
from pydantic import TypeAdapter, ValidationError

from data.jobs import JobStore
from data.lake import Lake
from data.looks import Look
from data.projects import each_project
from data.schedules import Schedule, ScheduleStore, Tick, Unreadable
from leadmill import answers
from leadmill.declared import PERIODIC, periodic_in
from leadmill.errors import (
    ConflictError,
    InputError,
    LeadmillError,
    OverloadedError,
    QuotaError,
    QuotasUnreadableError,
    StorageError,
    UnavailableError,
)
from leadmill.log import get_logger
from leadmill.redaction import redacted
from leadmill.time_zones import time_zone
from pipelines.execution.canvas import Dispatch
from pipelines.intake.cron import NAME, check_cron, check_zone, next_runs, planned_time, planned_times
from pipelines.intake.past_ticks import RUN_NOW, schedule_tag
from pipelines.intake.schedule_registry import ScheduleRegistry
from pipelines.intake.submission import MAX_TAGS, Submission
from pipelines.intake.submit import check_told, submit
from pipelines.queues import Priority
from pipelines.views.alarms import tell, tell_once

log = get_logger(__name__)

#: Missed ticks are counted up to this.
_MAX_MISSED = 1_000
#: Largest body of a schedule, characters of JSON: many companies belong into the lake, named by a search.
_MAX_BODY = 1_000_000
_SUBMISSION = TypeAdapter(Submission)


@dataclass(frozen=True)
class _Due:
    name: str
    cron: str
    zone: tzinfo
    #: When it began to count; None: a built-in one.
    since: datetime | None


def check_name(name: str) -> str:
    """A schedule's name; InputError when it has not the form of one, or belongs to maintenance."""
    if not NAME.match(name):
        raise InputError("a name has 1 to 64 letters, digits, dots, dashes or underscores", field="name")
    if name in PERIODIC:
        raise InputError(f"{name!r} is the name of a built-in schedule", field="name")
    return name


def to_body(submission: Submission) -> dict[str, Any]:
    """A submission as JSON, for the schedule to keep."""
    body = {name: value for name, value in asdict(submission).items() if value not in (None, (), [], {})}
    body.pop("file", None)
    return {**body, "kind": str(submission.kind), "priority": int(submission.priority)}


def from_body(body: Mapping[str, Any]) -> Submission:
    """The submission that `to_body` kept; InputError when it is none."""
    if "file" in body:  # none that was kept has one, and this process may read more than whoever wrote it
        raise InputError("the schedule's body cannot be read (it names a file); delete it and make it again")
    try:
        return _SUBMISSION.validate_python(dict(body))
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"]) or "it"
        text = f"the schedule's body cannot be read ({where}: {wrong['msg']}); delete it and make it again"
        raise InputError(text) from error


def create(
    store: JobStore, lake: Lake, name: str, cron: str, submission: Submission, now: datetime, timezone: str = "UTC"
) -> Schedule:
    """Keep a recurring pipeline; its first tick is the first planned time after `now`.

    Raises:
        InputError: name, cron, timezone or a field of the submission (`pipeline.…`) is wrong.
        ConflictError: the name is taken.
        UnavailableError: Redis does not answer, or the lake cannot be written.
    """
    check_name(name)
    check_cron(cron)
    check_zone(timezone)
    try:
        _check_repeatable(submission)
        check_told(store.project, submission)
    except InputError as error:
        raise InputError(str(error), field=f"pipeline.{error.field}" if error.field else "pipeline") from error
    schedule = Schedule(name, cron, now.isoformat(), body=to_body(submission), timezone=timezone)
    if len(json.dumps(schedule.body)) > _MAX_BODY:
        raise InputError(f"more than {_MAX_BODY:,} characters; name the companies by a search", field="pipeline")
    ScheduleRegistry(store, lake).create(schedule)
    return schedule


def _check_repeatable(submission: Submission) -> None:
    submission.check()
    submission.checked_stages()
    if submission.run_at is not None:
        raise InputError("the schedule itself says when it runs", field="run_at")
    if submission.deadline_at is not None:
        raise InputError("give the seconds that each run may take, not a time", field="deadline")


class Ticker:
    """Submits what is due in every project. Any number may run beside one another."""

    def __init__(self, store: JobStore, lake: Lake, dispatch: Dispatch) -> None:
        self._store, self._lake, self._dispatch = store, lake, dispatch
        self._in_lake = Look(lake.data, lake.projects)
        self._of: dict[str, _ProjectTicker] = {}

    def tick(self, now: datetime) -> list[str]:
        """Submit each schedule whose newest planned time has not been submitted; names of those submitted.

        Raises:
            UnavailableError: Redis does not answer; what was not submitted is due at the next tick.
            OSError, LeadmillError: of a project; those of the others were submitted all the same.
        """
        done, failed = [], None
        for store, lake in each_project(self._store, self._lake, self._in_lake.seen):
            if store.project not in self._of:
                self._of[store.project] = _ProjectTicker(store, lake, self._dispatch)
            try:
                done += self._of[store.project].tick(now)
            except (OSError, LeadmillError) as error:
                if isinstance(error, UnavailableError) and not isinstance(error, StorageError):
                    raise  # Redis: the others would wait for it, too
                failed = error
        if failed is not None:
            raise failed
        return done


class _ProjectTicker:
    """Submits what is due in one project."""

    def __init__(self, store: JobStore, lake: Lake, dispatch: Dispatch) -> None:
        self._store, self._lake, self._dispatch = store, lake, dispatch
        self._schedules, self._registry = ScheduleStore(store), ScheduleRegistry(store, lake)
        self._periodic = periodic_in(store.project)

    def tick(self, now: datetime) -> list[str]:
        """As `Ticker.tick`."""
        known = list(self._known(now))  # before the ticks are read: a schedule that is restored brings its own
        ticks = self._schedules.ticks()
        done = []
        for due in known:
            planned = planned_time(due.cron, due.zone, now)
            last = ticks.get(due.name)
            if last is None and due.since is None:  # a built-in schedule on a new installation: its time begins now
                self._schedules.ticked(due.name, now)
            elif planned is not None and planned != last and self._submit_due(due, planned, last, now):
                done.append(due.name)
        return done

    def _known(self, now: datetime) -> Iterator[_Due]:
        for name, cron in self._periodic.items():
            yield _Due(name, cron, UTC, None)
        for schedule in self._registry.read_all(now)[0]:
            if not schedule.paused:
                since = datetime.fromisoformat(schedule.created_at)
                yield _Due(schedule.name, schedule.cron, time_zone(schedule.timezone), since)

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
        except (StorageError, OverloadedError, QuotasUnreadableError) as error:  # due again at the next tick
            self._tell_waiting(due, planned, str(error))
            return False
        except QuotaError as error:
            if error.retry_after_s is None:
                self._refuse(due, planned, error)
            else:
                self._tell_waiting(due, planned, f"the project's quota {error.quota} of {error.limit:,}")
            return False
        except UnavailableError:
            raise
        except LeadmillError as error:
            self._refuse(due, planned, error)
            return False
        self._schedules.ticked(due.name, planned, job_id)
        if missed := sum(1 for _ in islice(_between(due, until, planned), _MAX_MISSED)):
            tell(self._store, "missed_ticks", name=due.name, missed=missed, before=planned.isoformat())
        return True

    def _tell_waiting(self, due: _Due, planned: datetime, why: str) -> None:
        tell_once(self._store, "tick_waits", name=due.name, planned=planned.isoformat(), error=why[:300])

    def _refuse(self, due: _Due, planned: datetime, error: LeadmillError) -> None:
        self._schedules.passed_over(due.name, planned)
        tell(self._store, "tick_refused", name=due.name, planned=planned.isoformat(), error=redacted(str(error))[:300])

    def _submit(self, name: str, planned: datetime) -> str:
        key = f"tick:{name}@{planned.isoformat()}"
        if name in PERIODIC:
            submission = Submission(name, priority=Priority.LOW, tags=("scheduled",), idempotency_key=key)
        else:
            submission = replace(_submission_of(self._registry, name), idempotency_key=key)
        accepted = submit(self._store, self._lake, self._dispatch, submission)
        log.info("tick", name=name, planned=planned.isoformat(), job=accepted.job_id, again=accepted.replayed)
        return accepted.job_id


def run_now(registry: ScheduleRegistry, name: str) -> Submission:
    """What a schedule submits when somebody asks for it beside its planned times, which stay as they are.

    Raises:
        NotFoundError: there is none of this name.
        ConflictError: it cannot be read.
        UnavailableError: Redis does not answer, or the lake cannot be read.
    """
    try:
        return _submission_of(registry, name, RUN_NOW)
    except InputError as error:  # nothing that the caller gave is wrong
        raise ConflictError(str(error)) from error


def _submission_of(registry: ScheduleRegistry, name: str, *tags: str) -> Submission:
    """What a schedule submits, tagged with its name; its body from the lake when Redis has lost that half of it."""
    body = registry.get(name).body
    if not body:
        registry.bring_together([name])
        body = registry.get(name).body
    if not body:
        raise InputError("the schedule has no body; delete it and make it again")
    given = from_body(body)
    own = [tag for tag in given.tags if tag != RUN_NOW]
    return replace(given, tags=tuple(dict.fromkeys([*own, schedule_tag(name), *tags]))[-MAX_TAGS:])


def _between(due: _Due, after: datetime, before: datetime) -> Iterator[datetime]:
    return takewhile(lambda at: at < before, planned_times(due.cron, due.zone, after))


def describe(schedule: Schedule, now: datetime, last: Tick | None = None) -> answers.Schedule:
    """A schedule as the API shows it: no next runs while it is paused, `pipeline` where it was read with its body."""
    zone = time_zone(schedule.timezone)
    runs = [] if schedule.paused else next_runs(schedule.cron, zone, now)
    shown: answers.Schedule = {
        "name": schedule.name,
        "cron": schedule.cron,
        "timezone": schedule.timezone,
        "explanation": CronSim(schedule.cron, now).explain(),
        "paused": schedule.paused,
        "next_runs": [at.isoformat() for at in runs],
        "next_runs_local": [at.astimezone(zone).isoformat() for at in runs],
        "last_tick": {"planned": last.planned.isoformat(), "job_id": last.job_id or None} if last else None,
        "created_at": schedule.created_at,
        "fault": None,
    }
    if body := _as_given(schedule.body):
        shown["pipeline"] = body
    return shown


def describe_unreadable(entry: Unreadable) -> answers.Schedule:
    """An entry that is no schedule, in the same form: it is never due; `fault` says what is wrong with it."""
    return {
        "name": entry.name,
        "cron": "",
        "timezone": "",
        "explanation": "cannot be read",
        "paused": True,
        "next_runs": [],
        "next_runs_local": [],
        "last_tick": None,
        "created_at": None,
        "fault": entry.fault,
    }


def _as_given(body: Mapping[str, Any]) -> dict[str, Any]:
    """A kept submission in the words of POST /pipelines."""
    found = {**body, **body.get("options", {})}
    if "priority" in found:
        found["priority"] = Priority(found["priority"]).label
    if "deadline_s" in found:
        found["deadline"] = found["deadline_s"]
    return {name: value for name, value in found.items() if name not in ("kind", "options", "deadline_s")}
