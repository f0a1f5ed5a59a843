"""Celery's remote control, as far as it is offered: it asks a worker, and changes nothing about it.

Everybody who can write to the broker can send such commands. What a worker consumes, how many processes it has and
what limits hold is said by its settings, what is to end by the record (`leadmill cancel`).
"""

from __future__ import annotations

import re
from typing import Any

from celery.app.control import Control
from celery.worker import control as commands
from kombu.pidbox import Mailbox, Node

from leadmill.redaction import redacted
from pipelines.execution.thrown_away import Reason, throw_away

#: Commands that answer, and (events, heartbeat) those by which Flower watches. All others are refused.
OFFERED = frozenset(
    {
        "ping", "stats", "active", "active_queues", "reserved", "scheduled", "revoked", "registered", "query_task",
        "clock", "conf", "report", "enable_events", "disable_events", "heartbeat",
        "dump_active", "dump_reserved", "dump_schedule", "dump_revoked", "dump_tasks", "dump_conf",
    }
)  # fmt: skip

_FIELDS = frozenset({"method", "arguments", "destination", "pattern", "matcher", "ticket", "reply_to"})
#: Worker names, and patterns of such.
_MAX_NAME, _MAX_NAMES, _MAX_STARS = 250, 1_000, 3
_WORD = re.compile(r"[\w.@:-]{1,100}", re.ASCII)


def refused(state: Any, **arguments: Any) -> dict[str, str]:
    """The answer to a command that is not offered."""
    throw_away(Reason.CONTROL, "remote control: command refused", "not offered")
    return {"error": "not offered: settings say what a worker does, `leadmill cancel JOB` ends work"}


def offer() -> None:
    """Make every other command of this process's panel answer that it is refused."""
    for name in commands.Panel.data:
        if name not in OFFERED:
            commands.Panel.data[name] = refused


class CheckedNode(Node):
    """A worker's mailbox that drops malformed commands."""

    def handle_message(self, body: Any, message: Any = None) -> Any:
        """Act on a command of the right form; throw away all else."""
        reason = self._odd(body)
        if reason:
            return throw_away(Reason.CONTROL, "remote control: command thrown away", reason)
        if message is not None and not _is_clock(message.headers.get("clock")):
            message.headers["clock"] = 0
        try:
            return super().handle_message(body, message)  # type: ignore[no-untyped-call]
        except Exception as error:
            return throw_away(Reason.CONTROL, "remote control: command failed", type(error).__name__)

    def handle(self, method: str, arguments: Any = None) -> Any:
        """The command's answer without secrets; an exception is an error, since the arguments come from outside."""
        try:
            return redacted.within(super().handle(method, arguments))  # type: ignore[no-untyped-call]
        except Exception as error:
            throw_away(Reason.CONTROL, "remote control: command failed", f"{method}: {type(error).__name__}")
            return {"error": redacted(f"{type(error).__name__}: {error}")[:200]}

    def _odd(self, body: Any) -> str:
        """Why a command is thrown away; empty when it has the form of one."""
        if not isinstance(body, dict):
            return "it is no command"
        to, pattern, reply = body.get("destination"), body.get("pattern"), body.get("reply_to")
        mailbox: Any = self.mailbox
        exchange = mailbox.reply_exchange.name
        checks = {
            "it is no command": body.keys() <= _FIELDS and isinstance(body.get("arguments") or {}, dict),
            "no such command": _is_word(body.get("method")) and body["method"] in commands.Panel.data,
            "its destination is none": to is None
            or (isinstance(to, list) and len(to) <= _MAX_NAMES and all(map(_is_name, to))),
            # A regular expression from outside could keep this process busy for ever.
            "its pattern is none": pattern is None
            or (_is_name(pattern) and pattern.count("*") <= _MAX_STARS and body.get("matcher") in ("glob", None)),
            "its answer is wanted elsewhere": reply is None
            or (isinstance(reply, dict) and reply.get("exchange") == exchange and _is_word(reply.get("routing_key"))),
            "its ticket is none": body.get("ticket") is None or _is_word(body["ticket"]),
        }
        return next((reason for reason, holds in checks.items() if not holds), "")


class CheckedMailbox(Mailbox):
    """Makes such nodes."""

    node_cls = CheckedNode


class CheckedControl(Control):
    """Set as the application's `control_cls`."""

    Mailbox = CheckedMailbox


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_NAME


def _is_word(value: object) -> bool:
    return isinstance(value, str) and _WORD.fullmatch(value) is not None


def _is_clock(value: object) -> bool:
    return value is None or (type(value) is int and 0 <= value < 2**53)
