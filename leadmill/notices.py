"""Notices: what somebody should hear of. Their kinds, what each says, and what one carries.

A notice is sent to *channels* by *rules* (pipelines/notices/); until then it waits in the *outbox* (data/notices/).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from leadmill.access import DEFAULT_PROJECT, PROJECT
from leadmill.ids import JOB_ID


class Severity(StrEnum):
    """How much somebody should hear of it; in this order."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for `info`, and higher for what is worse."""
        return list(Severity).index(self)


@dataclass(frozen=True, kw_only=True)
class NoticeKind:
    """What a notice can be about."""

    #: `<thing>.<what happened to it>`.
    name: str
    severity: Severity
    #: One plain sentence. `{job}` is the job's id; other names in braces are those of `about`, which always has them.
    says: str
    #: Kinds that are over once this one comes, for the same `subject`: whoever heard of them hears of this, too.
    resolves: frozenset[str] = frozenset()
    #: Another kind whose listeners hear of this one, too: it is a special case of that.
    is_also: str = ""
    #: The name in `about` that tells subjects of this kind apart; empty: there is one, or it is the job.
    apart_by: str = ""
    #: Critical events of the store that are notices of this kind.
    events: frozenset[str] = frozenset()

    @property
    def heard_by(self) -> tuple[str, ...]:
        """A rule that names one of these kinds is about this one."""
        return (self.name, self.is_also) if self.is_also else (self.name,)


def _kind(name: str, severity: Severity, says: str, *resolves: str, **more: Any) -> NoticeKind:
    return NoticeKind(name=name, severity=severity, says=says, resolves=frozenset(resolves), **more)


_INFO, _WARNING, _CRITICAL = Severity

#: Every kind by its name.
KINDS: Mapping[str, NoticeKind] = MappingProxyType({
    kind.name: kind
    for kind in (
        _kind("job.completed", _INFO, "Job {job} is completed", "job.failed", "job.low_coverage"),
        _kind("job.failed", _WARNING, "Job {job} has failed"),
        _kind("job.cancelled", _INFO, "Job {job} was cancelled"),
        # A job that failed because fewer of its companies have a good row than it asked for.
        _kind("job.low_coverage", _WARNING, "Job {job} has too few good rows", is_also="job.failed"),
        _kind("unit.dead", _WARNING, "A part of job {job} was given up"),
        _kind("workers.gone", _CRITICAL, "No worker is there: jobs wait"),
        _kind("workers.back", _INFO, "Workers are there again", "workers.gone"),
        _kind("queue.unserved", _CRITICAL, "No worker takes from queue {queue}: jobs wait", apart_by="queue"),
        _kind("queue.served", _INFO, "Queue {queue} has a worker again", "queue.unserved", apart_by="queue"),
        _kind("beat.gone", _CRITICAL, "The scheduler (beat) is gone: schedules wait"),
        _kind("beat.back", _INFO, "The scheduler (beat) is there again", "beat.gone"),
        _kind("api.gone", _CRITICAL, "No API process is there"),
        _kind("api.back", _INFO, "The API is there again", "api.gone"),
        _kind("redis.nearly_full", _WARNING, "Redis is nearly full"),
        _kind("redis.refuses_writes", _CRITICAL, "Redis takes no writes: nothing goes on"),
        _kind("redis.well", _INFO, "Redis is well again", "redis.nearly_full", "redis.refuses_writes"),
        _kind("redis.away", _CRITICAL, "Redis is away: nothing goes on"),
        _kind("redis.back", _INFO, "Redis is there again", "redis.away"),
        _kind("disk.nearly_full", _WARNING, "The disk of the data folder is nearly full"),
        _kind("disk.refuses_writes", _CRITICAL, "The disk of the data folder takes no writes"),
        _kind("disk.well", _INFO, "The disk is well again", "disk.nearly_full", "disk.refuses_writes"),
        _kind(
            "record.damaged", _CRITICAL, "Something kept by Leadmill is damaged and was set aside",
            apart_by="job",
            events=frozenset({"damaged_record", "key_set_aside", "job_not_restored", "damaged_part"}),
        ),
        _kind(
            "store.emptied", _CRITICAL, "Redis was emptied; what the lake knows was written back",
            events=frozenset({"store_emptied", "schedules_restored"}),
        ),
        _kind("store.failed_over", _WARNING, "Another Redis is the primary now; what was under way is done anew"),
        _kind(
            "clock.went_back", _WARNING, "The clock of Redis' machine went back", events=frozenset({"clock_went_back"})
        ),
        _kind("health.failed", _CRITICAL, "A health check has failed", events=frozenset({"health"})),
        _kind(
            "schedule.missed", _WARNING, "Schedule {name} has missed planned times",
            apart_by="name", events=frozenset({"missed_ticks"}),
        ),
        _kind(
            "schedule.refused", _WARNING, "A planned time of schedule {name} was not taken",
            apart_by="name", events=frozenset({"tick_refused", "tick_waits", "unreadable_schedule"}),
        ),
        # Goes to those whom the job names (`report.mail_to`), by mail.
        _kind("report.ready", _INFO, "The report of job {job} is ready"),
        _kind("channel.test", _INFO, "This is a test of the channel"),
    )
})  # fmt: skip
#: The kind of notice that a critical event of the store is; `poison` is `unit.dead`, which the script says itself.
OF_EVENT: Mapping[str, NoticeKind] = MappingProxyType({event: kind for kind in KINDS.values() for event in kind.events})
#: Kinds that another one is the end of.
RESOLVED = frozenset(name for kind in KINDS.values() for name in kind.resolves)
#: Longest text in `about` that a sentence tells, characters.
TOLD_CHARS = 300
#: No time is later, ms since the epoch (in the year 5138).
_NEVER_MS = 10**14


class UnreadableNoticeError(ValueError):
    """What stands in the outbox is no notice."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody should hear of."""

    #: `ntc_…`; the same for whoever gets it, however often it is sent.
    id: str
    #: One of `KINDS`.
    kind: str
    severity: Severity
    project: str
    #: Seconds since the epoch, by the server's clock.
    at: float
    job_id: str | None = None
    #: Those of the job.
    tags: tuple[str, ...] = ()
    #: What it is about: texts and numbers by name. Of a job's end: status, kind, attempt, and where it has them
    #: companies, coverage, category, error, parent. Of a dead unit: unit, stage, category, error, units (how many).
    about: Mapping[str, Any] = field(default_factory=dict)
    #: Where the job itself asked to be told of its end: `notify`, `callback_url`, as its record has them.
    asked: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, kind: str, about: Mapping[str, Any] | None = None, project: str = DEFAULT_PROJECT) -> Notice:
        """One that never was in the outbox: a test, or what is told while Redis is away."""
        made = f"ntc_{time.time_ns() // 1_000_000}-{secrets.token_hex(6)}"
        return cls(made, kind, KINDS[kind].severity, project, time.time(), about=dict(about or {}))

    @classmethod
    def read(cls, notice_id: str, text: str) -> Notice:
        """The notice that stands in the outbox, under an id or with its own; anybody may have written there.

        Raises:
            UnreadableNoticeError: it is none.
        """
        try:
            found = json.loads(text, parse_float=_finite, parse_int=_finite, parse_constant=_finite)
            notice_id = str(found.get("id") or notice_id)
            kind, ms = KINDS[found["kind"]], int(notice_id.removeprefix("ntc_").partition("-")[0])
            project, job_id = found.get("project") or DEFAULT_PROJECT, found.get("job") or None
            tags = tuple(str(tag) for tag in json.loads(found.get("tags") or "[]"))
            about, asked = found.get("about") or {}, found.get("asked") or {}
            sound = 0 <= ms < _NEVER_MS and PROJECT.fullmatch(project) and (job_id is None or JOB_ID.match(job_id))
            if not sound or not isinstance(about, dict):
                raise UnreadableNoticeError(f"no notice: {text[:100]!r}")
            asked = {str(name): str(value) for name, value in asked.items()}
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise UnreadableNoticeError(f"no notice ({type(error).__name__}): {text[:100]!r}") from error
        return cls(notice_id, kind.name, kind.severity, project, ms / 1000, job_id, tags, about, asked)

    def written(self) -> str:
        """As `read` takes it."""
        found: dict[str, Any] = {
            "id": self.id,
            "kind": self.kind,
            "project": self.project,
            "job": self.job_id,
            "about": dict(self.about),
        }
        return json.dumps({**found, "tags": json.dumps(self.tags), "asked": dict(self.asked)})

    @property
    def heard_by(self) -> tuple[str, ...]:
        """A rule that names one of these kinds is about it."""
        return KINDS[self.kind].heard_by

    @property
    def subject(self) -> str:
        """What it is about, in one word: its notices come in order, and a later one may resolve an earlier one."""
        if self.job_id is not None:
            return self.job_id
        apart = KINDS[self.kind].apart_by
        named = f":{self.about.get(apart, '')}"[:100] if apart else ""
        return f"{self.project}:{self.kind.partition('.')[0]}{named}"

    @property
    def cause(self) -> str:
        """Notices of one cause are told once an hour: of failed jobs those that failed for the same category."""
        if self.kind in ("job.failed", "job.low_coverage"):
            return f"{self.project}:{self.kind}:{str(self.about.get('category', ''))[:40]}"
        return f"{self.kind}:{self.subject}"

    @property
    def sentence(self) -> str:
        """What it says, in one line of plain text."""
        told = {name: _line(value) for name, value in self.about.items()}
        said = KINDS[self.kind].says.format_map(_Told(told, job=self.job_id or "?"))
        error = told.get("error")
        return f"{said}: {error}" if error else said


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one channel."""

    #: The notice's id, a bar, and the channel's name.
    id: str
    channel: str
    #: Which try this is, from 1.
    attempt: int = 1
    #: How many more of the same cause are told by this one ("and 41 more").
    more: int = 0
    #: It is over what this channel was told before: a kind that its notice `resolves`.
    resolves: bool = False

    def said(self, notice: Notice) -> str:
        """The notice's sentence, with what this delivery adds to it."""
        more = f" (and {self.more:,} more like it)" if self.more else ""
        return ("Resolved: " if self.resolves else "") + notice.sentence + more


class _Told(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return "?"


def _finite(text: str) -> int | float:
    """A number that can be reckoned with."""
    value = float(text)
    if not abs(value) < 1e18:
        raise ValueError("no number")
    return int(text) if text.lstrip("-").isdecimal() else value


def _line(value: Any) -> str:
    """A value on one line; what is neither text nor number as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return " ".join(text.split())[:TOLD_CHARS]
