"""What the outbox gives: a notice that is new, a delivery that was taken, what became of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from data.jobs.entries import count_of, object_of
from leadmill.notices import Delivery, Notice, UnreadableNoticeError

#: No number is larger, nor a time (ms) later.
_MOST = 10**14
#: How a delivery can have ended.
_ENDS = frozenset({"sent", "given_up"})


def may_be_named(channel: str) -> bool:
    """Whether the outbox can know a channel by this name: printable ASCII without `|`, at most 100 characters."""
    return channel.isascii() and channel.isprintable() and "|" not in channel and 0 < len(channel) <= 100


class Target(NamedTuple):
    """A channel that a notice goes to."""

    name: str
    #: The same cause is told to it once an hour.
    groups: bool


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice that is not spread yet."""

    #: Of the stream.
    entry: str
    #: None: what stands there is none.
    notice: Notice | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A delivery that this deliverer holds."""

    notice: Notice | None
    delivery: Delivery
    #: How long ago it came to be, seconds; and how many of its tries failed.
    age_s: float
    failures: int


class Outcome(NamedTuple):
    """What came of a try."""

    result: Literal["sent", "failed", "given_up"]
    #: Why it was not taken, and the receiver's answer (HTTP), where there was one.
    why: str = ""
    status: int | None = None
    #: Of a failed one: when it is tried again.
    again_in_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that was not made yet."""

    notice: Notice
    delivery: Delivery
    since_ms: float
    #: Why the last try failed; empty before that.
    error: str
    #: It counts what comes within an hour of the last message about its cause, and is told then.
    held: bool


@dataclass(frozen=True, slots=True)
class Logged:
    """What became of a delivery."""

    #: When, ms since the epoch.
    at_ms: float
    notice: Notice
    delivery: Delivery
    #: `sent` or `given_up`.
    result: str
    #: Why it was given up, without secrets; and the receiver's last answer (HTTP), where there was one.
    error: str
    status: int | None
    #: How long the last try took, ms.
    took_ms: float


@dataclass(frozen=True, slots=True)
class Figures:
    """How full the outbox is."""

    #: Notices that are not spread, and deliveries that are not made.
    new: int
    waiting: int
    #: Since when the oldest of them waits, ms by the server's clock; None without any.
    oldest_ms: float | None


def new_notice(entry: str, fields: Mapping[bytes, bytes]) -> NewNotice:
    """What an element of the stream holds; anybody may have written it."""
    text = next(iter(fields.values()), b"").decode(errors="replace")
    return NewNotice(entry, _notice(f"ntc_{entry}", text))


def taken(channel: str, delivery_id: str, found: Mapping[str, Any], now_ms: float) -> Taken:
    """A delivery as the script gives it."""
    return Taken(
        _notice(delivery_id.partition("|")[0], str(found["notice"])),
        _delivery(channel, delivery_id, found),
        max(0.0, now_ms - _number(found.get("since"))) / 1000,
        count_of(found.get("failures")),
    )


def waiting(delivery_id: str, text: Any) -> Waiting | None:
    """A delivery as it is kept; None for what is none."""
    found = object_of(text)
    channel = delivery_id.partition("|")[2]
    notice = found and _notice(delivery_id.partition("|")[0], str(found.get("notice")))
    if not found or not notice:
        return None
    error = str(found.get("error") or "")
    held = "cause" in found and not found.get("tries")
    return Waiting(notice, _delivery(channel, delivery_id, found), _number(found.get("since")), error, held)


def logged(text: Any) -> Logged | None:
    """An entry of a channel's log; None for what is none."""
    found = object_of(text)
    delivery_id = str(found.get("id")) if found else ""
    notice = found and _notice(delivery_id.partition("|")[0], str(found.get("notice")))
    if not found or not notice or (result := found.get("result")) not in _ENDS:
        return None
    status = found.get("status")
    return Logged(
        _number(found.get("at")),
        notice,
        _delivery(delivery_id.partition("|")[2], delivery_id, found),
        str(result),
        str(found.get("error") or ""),
        status if isinstance(status, int) and 100 <= status < 1_000 else None,
        _number(found.get("took_ms")),
    )


def _notice(notice_id: str, text: str) -> Notice | None:
    try:
        return Notice.read(notice_id, text)
    except UnreadableNoticeError:
        return None


def _delivery(channel: str, delivery_id: str, found: Mapping[str, Any]) -> Delivery:
    return Delivery(
        delivery_id,
        channel,
        max(1, min(_MOST, count_of(found.get("tries")))),
        min(_MOST, count_of(found.get("more"))),
        found.get("resolves") is True,
    )


def _number(value: Any) -> float:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _MOST
    return float(value) if sound else 0.0
