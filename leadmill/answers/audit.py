"""The audit."""

from __future__ import annotations

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class AuditEntry(TypedDict):
    """Who did something, or was refused, when, on what, and with which answer."""

    entry_id: str
    """`aud_…`; sorts by time."""
    at: str
    key: str | None
    """The visible part of the API key; null where none was shown, or for a command on the machine."""
    name: str | None
    """Of the key, or of the user of the machine."""
    role: str | None
    project: str | None
    address: str | None
    """Where from: an IP address, or the machine's name."""
    method: str | None
    """Null for a command."""
    route: str | None
    """The address, with names of parameters in the place of their values."""
    action: str | None
    """The name of the call, with which its `operationId` in the OpenAPI document begins; of a command its own."""
    id: str | None
    """The job, schedule, key … that it was done on."""
    status: int | None
    """Null for a command."""
    code: str | None
    """Of the problem that was answered."""
    request_id: str | None
    count: int
    """How many it stands for: jobs of a bulk action, or refusals of one caller within a minute."""


class AuditPage(TypedDict):
    """Entries, newest first."""

    items: list[AuditEntry]
    next_cursor: str | None
