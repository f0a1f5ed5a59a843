"""What single entries of the job store must look like, for readers of many: one that does not is passed over.

Nobody but Leadmill should write there, but a hand, a half-restored backup or another program may have.
"""

from __future__ import annotations

import json
import math
from collections.abc import Container, Mapping, Sequence
from typing import Any

from data.jobs.model import UnitStatus, Worker
from data.jobs.stored_names import RECORD_FIELDS, UNIT_FIELDS

#: Fields of a job's record that hold a whole number.
_WHOLE = frozenset(
    RECORD_FIELDS.get(name, name)
    for name in (
        "attempt", "created", "partitions", "partitions_done", "partitions_failed", "partitions_handed", "companies",
    )
)  # fmt: skip
#: Those that hold a number, beside those of stages (`<stage>:<letters>`).
_NUMBERS = _WHOLE | frozenset(
    RECORD_FIELDS.get(name, name)
    for name in (
        "started", "finished", "took", "priority", "progress", "pages", "run_at", "deadline", "bucket", "busy", "waits",
        "in_window", "window", "close_step", "close_left", "partition_progress", "struck", "handed_at_deadline",
        "deferred", "wave", "deferred_partitions", "ring", "served", "form",
    )
)  # fmt: skip
_SHARES = ("coverage", RECORD_FIELDS["min_coverage"])
_PRIORITY = RECORD_FIELDS["priority"]
_NO_TAGS = ("", "[]")
_PRIORITIES = frozenset({"", "0", "1", "2"})
#: Digits of the latest time that a calendar holds, in ms.
_LONGEST = 15
_STATUSES = frozenset(UnitStatus)
_STATUS, _EPOCH, _AT = UNIT_FIELDS["status"], UNIT_FIELDS["epoch"], UNIT_FIELDS["stage_index"]
_DEFERRED = UNIT_FIELDS["deferred"]
_COMMITTED, _FAILURE = UNIT_FIELDS["committed_epochs"], UNIT_FIELDS["failure"]
_UNIT_NUMBERS = frozenset(
    UNIT_FIELDS[name]
    for name in (
        "epoch", "stage_index", "handed_ms", "tries", "deaths", "lapses", "level", "number", "looks", "progress",
        "lost_ms",
    )
)  # fmt: skip


def object_of(text: Any) -> dict[str, Any] | None:
    """A JSON object, or None for anything else."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def count_of(text: Any) -> int:
    """A whole number as Redis counts, of 64 bits; 0 for anything else."""
    try:
        found = int(text)
    except (TypeError, ValueError, OverflowError):
        return 0
    return found if -(2**63) <= found < 2**63 else 0


def record_fault(fields: Mapping[str, str], statuses: Container[str]) -> str | None:
    """The field of a job's hash that holds what it cannot hold, and what; None for a sound one."""
    wrong = next((name for name in ("kind", "created", "stages") if not fields.get(name)), None)
    if fields.get("status") not in statuses:
        wrong = "status"
    elif fields.get(_PRIORITY, "") not in _PRIORITIES:
        wrong = _PRIORITY
    elif (tags := fields.get("tags", "")) not in _NO_TAGS and not _are_tags(tags):
        wrong = "tags"
    wrong = wrong or next((name for name in _SHARES if fields.get(name) and not _is_share(fields[name])), None)
    if wrong is None:
        numbers = [value for name, value in fields.items() if name in _NUMBERS or ":" in name]
        if not "".join(numbers).isdecimal() or len(max(numbers, key=len)) > _LONGEST:  # looked at twice, else
            wrong = next((name for name, value in fields.items() if value and not _may_hold(name, value)), None)
    return wrong and f"{wrong} is {fields.get(wrong, '')[:40]!r}"


def _may_hold(name: str, value: str) -> bool:
    if name not in _NUMBERS and ":" not in name:
        return True
    if value.isdecimal() and len(value) <= _LONGEST:  # nearly all are
        return True
    return name not in _WHOLE and _is_number(value)


def _is_share(value: str) -> bool:
    return _is_number(value) and 0 <= float(value) <= 1


def _are_tags(text: str) -> bool:
    try:
        tags = json.loads(text)
    except ValueError:
        return False
    return isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)


def _is_number(value: str) -> bool:
    try:
        return math.isfinite(float(value)) and len(value.partition(".")[0]) <= _LONGEST
    except ValueError:
        return False


def unit_state(text: Any) -> dict[str, Any] | None:
    """A unit's state as it is stored, or None for what is none."""
    return _unit_state(object_of(text))


def unit_states(texts: Sequence[str]) -> list[dict[str, Any] | None]:
    """The same of many, which are parsed at once: that takes a third of the time."""
    try:
        found = json.loads(f"[{','.join(texts)}]")
    except ValueError:
        found = ()
    if len(found) != len(texts):  # one of them is no JSON
        return [unit_state(text) for text in texts]
    return [_unit_state(one) for one in found]


def _unit_state(found: Any) -> dict[str, Any] | None:
    if not isinstance(found, dict) or not isinstance(found.get(_STATUS), str) or found[_STATUS] not in _STATUSES:
        return None
    for name, value in found.items():  # a loop: a generator takes twice as long, and there may be 10,000 units
        if name in _UNIT_NUMBERS and not isinstance(value, (int, float)):
            return None
    if not isinstance(found.get(_AT, 0), int) or found.get(_AT, 0) < 0:
        return None
    if _DEFERRED in found and not _are_counts(found[_DEFERRED], 2):
        return None
    told = found.get(_FAILURE)
    is_told = isinstance(told, list) and len(told) > 1 and all(isinstance(word, str) for word in told[:2])
    return found if told is None or is_told else None


def is_stored_unit(found: Any, stages: int) -> bool:
    """Whether a unit's state is one that a record of so many stages can be made of: anybody may have written it."""
    if not isinstance(found, dict) or found.get(_STATUS) not in _STATUSES:
        return False
    epochs, at = found.get(_COMMITTED) or [], found.get(_AT, 0)
    numbers = (found.get(_EPOCH), at, *(epochs if isinstance(epochs, list) else [None]))
    return all(map(_is_count, numbers)) and max(at, len(epochs)) <= stages


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _are_counts(value: object, length: int) -> bool:
    return isinstance(value, list) and len(value) == length and all(map(_is_count, value))


def worker_of(text: Any, seen: float) -> Worker | None:
    """What a worker says of itself, and when it was seen; None for what is none."""
    found = object_of(text) or {}
    queues, host = found.get("queues"), found.get("host")
    if not isinstance(queues, list) or not all(isinstance(queue, str) for queue in queues):
        return None
    numbers = [found.get(name) for name in ("processes", "pid", "started")]
    if not isinstance(host, str) or not all(isinstance(number, int | float) for number in numbers):
        return None
    version, form = found.get("version"), found.get("form")
    thrown = found.get("thrown_away")
    counted = {why: n for why, n in thrown.items() if _is_count(n)} if isinstance(thrown, dict) else {}
    return Worker(
        tuple(queues),
        found["processes"],
        found["pid"],
        host,
        found["started"],
        seen,
        counted,
        found.get("signs") is True,
        version if isinstance(version, str) else "",
        count_of(form),
    )


def event_of(fields: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Kind and data of a stream's entry; `unreadable` for one that is none, so that who follows goes on behind it."""
    kind, data = fields.get("t"), object_of(fields.get("d"))
    return (kind, data) if kind and data is not None else ("unreadable", {})
