"""What this process threw away of what came from the broker: counted by reason, told a line of a kind in ten seconds.

Anybody who can write to the broker causes it at will. Workers say their counts when they sign on (`Node.about`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum

from leadmill.limited_log import LimitedLog
from leadmill.log import get_logger

#: What helps where only some workers sign.
SAME_KEY = "give each worker, the API and beat the same LEADMILL_SIGNING_KEY, and start them again"


class Reason(StrEnum):
    """Why it was thrown away."""

    UNREADABLE = "unreadable"
    """No message, or none of the forms that are read."""
    FOREIGN_TASK = "foreign_task"
    """It names a task that is none of ours, or none of the worker's queues."""
    ARGUMENTS = "arguments"
    """It names no unit."""
    OPTIONS = "options"
    """It asks for what Celery would act upon and we never send: times, limits, callbacks …"""
    CANVAS = "canvas"
    """What is to follow it is none of ours."""
    UNSIGNED = "unsigned"
    """It, or what is to follow it, carries no MAC."""
    WRONG_MAC = "wrong_mac"
    """… or one that no key of ours made."""
    CONTROL = "control"
    """A command of remote control that is not of the form of one."""


_counts: dict[str, int] = {}
_told = LimitedLog(get_logger(__name__))


def throw_away(reason: Reason, event: str, why: str) -> None:
    """Count one and tell of it. For a process' main thread alone."""
    _counts[reason.value] = _counts.get(reason.value, 0) + 1
    _told.warning(event, why)


def counts() -> dict[str, int]:
    """How many since this process began, by reason; for any thread."""
    return dict(_counts)


def unsigned_among(signing: Iterable[bool]) -> str:
    """What it means, by whether each living worker signs, that only some do; empty: all do, or none."""
    all_of = list(signing)
    without = all_of.count(False)
    if without in (0, len(all_of)):
        return ""
    return (
        f"{without} of {len(all_of)} workers do not sign what they send, and the others throw it away: jobs wait a "
        "minute for each link, until one that signs sends it again"
    )


def summed_up(counted: Iterable[Mapping[str, int]]) -> str:
    """What several processes threw away, in words: `5 (unsigned 4, options 1)`; empty: nothing."""
    total = sum(map(Counter, counted), Counter[str]())
    by_reason = ", ".join(f"{why[:40].replace('_', ' ')} {n}" for why, n in total.most_common(len(Reason)))
    return f"{total.total()} ({by_reason})" if total else ""
