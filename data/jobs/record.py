"""What a job's record and a unit's state hold, by name (stored names: data/jobs/stored_names.py).

Both wrap what is stored and read a value when it is asked for: lists read a thousand records for a few values each.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from data.jobs.entries import object_of
from data.jobs.model import TERMINAL, Status, UnitStatus
from data.jobs.stored_names import RECORD_FIELDS, STAGE_FIELDS, UNIT_FIELDS
from leadmill.access import DEFAULT_PROJECT
from leadmill.traffic import Traffic

#: A look-up: lists ask for the status of a thousand records, and an enum's call takes four times as long.
_STATUSES = {status.value: status for status in Status}
_UNIT_STATUSES = {status.value: status for status in UnitStatus}


@dataclass(frozen=True, slots=True)
class UnitState:
    """A unit of a job, as the record or a manifest holds it (`stored`)."""

    stored: Mapping[str, Any]

    @classmethod
    def made(
        cls,
        status: UnitStatus,
        epoch: int,
        *,
        stage_index: int = 0,
        committed_epochs: Sequence[int] = (),
        progress: int = 0,
        failure: tuple[str, str] | None = None,
    ) -> UnitState:
        """A state as the lake tells it, of a unit whose record is lost."""
        stored = {"status": status.value, "epoch": epoch, "stage_index": stage_index}
        more = {"committed_epochs": list(committed_epochs), "progress": progress, "failure": list(failure or ())}
        filled = {**stored, **{name: value for name, value in more.items() if value}}
        return cls({UNIT_FIELDS[name]: value for name, value in filled.items()})

    @property
    def status(self) -> UnitStatus:
        return _UNIT_STATUSES[self.stored[UNIT_FIELDS["status"]]]

    @property
    def epoch(self) -> int:
        """Number of the present hand-out; what an earlier one does is refused."""
        return int(self._get("epoch"))

    @property
    def stage_index(self) -> int:
        """Which of its stages it is at, from 0."""
        return int(self._get("stage_index") or 0)

    @property
    def owner(self) -> str:
        """Who runs it; empty unless it runs."""
        return str(self._get("owner") or "")

    @property
    def handed_ms(self) -> int | None:
        """When it was handed out, ms since the epoch; None once it is done."""
        return self._get("handed_ms")

    @property
    def deaths(self) -> int:
        """Reported deaths of its process that no page explains, at its present stage."""
        return int(self._get("deaths") or 0)

    @property
    def lapses(self) -> int:
        """Leases that ended unrenewed and unreported, at its present stage."""
        return int(self._get("lapses") or 0)

    @property
    def progress(self) -> int:
        """Thousandths of its stages."""
        return int(self._get("progress") or 0)

    @property
    def deferred(self) -> tuple[int, int] | None:
        """Companies and hosts that it waits for because the hosts said "later"; None where it does not."""
        told = self._get("deferred")
        return (told[0], told[1]) if told else None

    @property
    def failure(self) -> tuple[str, str] | None:
        """Category and message of its last failed try."""
        told = self._get("failure")
        return (told[0], told[1]) if told else None

    @property
    def committed_epochs(self) -> tuple[int, ...]:
        """Under which epoch each of its stages committed, first to last; 0: not known."""
        return tuple(self._get("committed_epochs") or ())

    @property
    def files(self) -> tuple[str, ...]:
        """Files that each of these commits wrote, in the short form of `data.parts`; empty for version 0.1.0's."""
        return tuple(self._get("files") or ())

    def _get(self, name: str) -> Any:
        return self.stored.get(UNIT_FIELDS[name])


class StageCounts(NamedTuple):
    """What the record counts of one stage. Times ms since the epoch."""

    #: Units that committed it, and units that failed for good at it.
    done: int
    failed: int
    rows_in: int
    rows_out: int
    errors: int
    started_ms: int | None
    finished_ms: int | None


@dataclass(frozen=True, slots=True)
class DamagedRecord:
    """Stands in a list for a record that cannot be read: to whoever cleans up it is not gone, and has not ended."""

    job_id: str
    #: The Redis key that is at fault.
    key: str


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job's record, from Redis, from the history or from a manifest (`stored`: its short and long fields).

    Times are ms since the epoch; None where a thing has not happened.
    """

    job_id: str
    stored: Mapping[str, str]
    #: Read from history or manifest: cleanup took the record out of Redis.
    archived: bool = False

    def with_fields(self, fields: Mapping[str, Any]) -> JobRecord:
        """As it will be with these fields, in the form that a commit takes them."""
        new = {name: str(value) for name, value in stored_fields(fields).items()}
        return replace(self, stored={**self.stored, **new})

    # ---- what was asked

    @property
    def kind(self) -> str:
        return self.stored["kind"]

    @property
    def stages(self) -> tuple[str, ...]:
        """Names of its stages, in order, without launch and publish."""
        return _names(self.stored["stages"])

    @property
    def partition_stages(self) -> tuple[str, ...]:
        """Those of them that run once a partition."""
        return _names(self.stored.get(RECORD_FIELDS["partition_stages"]))

    @property
    def priority(self) -> int:
        """0 high, 1 normal, 2 low."""
        return self._count(RECORD_FIELDS["priority"], 1)

    @property
    def tags(self) -> tuple[str, ...]:
        text = self.tags_json
        return tuple(json.loads(text)) if text and text != "[]" else ()

    @property
    def tags_json(self) -> str:
        """The tags as they are stored, each in quotes."""
        return self.stored.get("tags") or ""

    @property
    def project(self) -> str:
        """Whose it is; a record of the default project does not say so."""
        return self.stored.get("project") or DEFAULT_PROJECT

    @property
    def parent(self) -> str | None:
        """The job, or the schedule, that it came from."""
        return self.stored.get("parent") or None

    @property
    def min_coverage(self) -> float | None:
        return self._share(RECORD_FIELDS["min_coverage"])

    @property
    def run_at_ms(self) -> int | None:
        return self._time("run_at")

    @property
    def deadline_ms(self) -> int | None:
        """When it is given up; None without a deadline."""
        return self._time("deadline")

    @property
    def notify(self) -> tuple[str, ...]:
        """Whom it tells that it has ended, as it was asked to."""
        return tuple(filter(None, self.stored.get("notify", "").split(",")))

    @property
    def has_callback(self) -> bool:
        """Whether a webhook of its own is told; its address may hold a secret."""
        return bool(self.stored.get("callback_url"))

    # ---- where it stands

    @property
    def status(self) -> Status:
        return _STATUSES[self.stored["status"]]

    @property
    def is_terminal(self) -> bool:
        """Completed, failed or cancelled."""
        return self.stored["status"] in TERMINAL

    @property
    def attempt(self) -> int:
        """1, and one more with each resume."""
        return self._count("attempt", 1)

    @property
    def created_ms(self) -> int:
        return int(self.stored["created"])

    @property
    def started_ms(self) -> int | None:
        return self._time("started")

    @property
    def finished_ms(self) -> int | None:
        return self._time("finished")

    @property
    def took_ms(self) -> int | None:
        """From its start to its end."""
        return self._time("took")

    @property
    def struck_ms(self) -> int | None:
        """When its deadline struck."""
        return self._time("struck")

    # ---- what it counts

    @property
    def companies(self) -> int:
        return self._count(RECORD_FIELDS["companies"])

    @property
    def partitions(self) -> int:
        return self._count(RECORD_FIELDS["partitions"])

    @property
    def partitions_done(self) -> int:
        return self._count(RECORD_FIELDS["partitions_done"])

    @property
    def partitions_failed(self) -> int:
        return self._count(RECORD_FIELDS["partitions_failed"])

    @property
    def partitions_handed(self) -> int:
        """How many partitions were handed out at least once: those below this number."""
        return self._count(RECORD_FIELDS["partitions_handed"])

    @property
    def handed_at_deadline(self) -> int | None:
        """How many partitions had been handed out when the deadline struck; None where it gave up none."""
        return self._time(RECORD_FIELDS["handed_at_deadline"])

    @property
    def wave(self) -> int:
        """How often companies were planned again because their hosts said "later"."""
        return self._count(RECORD_FIELDS["wave"])

    @property
    def ring(self) -> int | None:
        """The priority of the ring in which it waits for its turn; None where all its partitions are handed out."""
        return self._time(RECORD_FIELDS["ring"])

    @property
    def pages(self) -> int:
        return self._count("pages")

    @property
    def traffic(self) -> Traffic:
        """Of its crawls so far."""
        return Traffic.parse(self.stored.get(RECORD_FIELDS["traffic"]) or "")

    @property
    def progress(self) -> int:
        """Thousandths of the whole."""
        return self._count(RECORD_FIELDS["progress"])

    @property
    def message(self) -> str:
        """What the stage that told last said of its progress."""
        return self.stored.get(RECORD_FIELDS["message"]) or ""

    @property
    def duration_bucket(self) -> int:
        """The bucket of the duration histogram that it was counted in (`bucket_bounds`)."""
        return self._count("bucket")

    @property
    def close(self) -> tuple[tuple[str, ...], ...]:
        """The steps after the partitions, each a tuple of units; known once it is launched."""
        return tuple(_names(step) for step in (self.stored.get("close") or "").split(";") if step)

    def stage(self, unit_name: str) -> StageCounts:
        """What it counts of a stage, by the name that its units carry."""
        *counts, started, finished = map(self.stored.get, _stage_fields(unit_name))
        done, failed, rows_in, rows_out, errors = (_number(count) if count else 0 for count in counts)
        return StageCounts(done, failed, rows_in, rows_out, errors, _time(started), _time(finished))

    # ---- how it ended

    @property
    def coverage(self) -> float | None:
        """Share of companies with a good row, 0–1; None before it has ended."""
        return self._share("coverage")

    @property
    def error_category(self) -> str | None:
        return self.stored.get("category") or None

    @property
    def error(self) -> str:
        return self.stored.get("error") or ""

    @property
    def result_json(self) -> str:
        """The result as it is stored; empty where there is none."""
        return self.stored.get("result") or ""

    @property
    def result(self) -> dict[str, Any] | None:
        return object_of(self.stored["result"]) if self.stored.get("result") else None

    @property
    def merged(self) -> str:
        """URLs that fell together with others, as launch noted them (JSON)."""
        return self.stored.get("merged") or ""

    @property
    def finding(self) -> str:
        """What a maintenance call found, or how launch understood a list (JSON)."""
        return self.stored.get("finding") or ""

    def _count(self, name: str, default: int = 0) -> int:
        value = self.stored.get(name)
        return _number(value) if value else default

    def _time(self, name: str) -> int | None:
        return _time(self.stored.get(name))

    def _share(self, name: str) -> float | None:
        value = self.stored.get(name)
        return float(value) if value else None


def stored_fields(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a record under the names that Redis keeps them by."""
    return {RECORD_FIELDS.get(name, name): value for name, value in fields.items()}


@cache
def _stage_fields(unit_name: str) -> tuple[str, ...]:
    return tuple(f"{unit_name}:{letters}" for letters in STAGE_FIELDS.values())


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return int(float(text))


def _time(text: str | None) -> int | None:
    return _number(text) if text else None


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, text.split(","))) if text else ()
