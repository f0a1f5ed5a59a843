"""Notices: channels, rules, deliveries."""

from __future__ import annotations

from typing import Literal

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict

SeverityName = Literal["info", "warning", "critical"]


class NoticeChannel(TypedDict):
    """Where notices are sent; its secrets are not told."""

    name: str
    type: Literal["webhook", "apprise", "callback"]
    """`callback`: what is sent to the `callback_url` of a job."""
    service: str
    """What people call it: `webhook`, `mail`, `Slack`, …"""
    target: str
    """What of its URL may be shown."""
    secrets: int
    """How many secrets sign what is sent: two while one is exchanged for the other."""
    off: str | None
    """Why it is switched off: its receiver said that it is gone. Putting it again switches it on."""
    from_settings: bool
    """It is one of `LEADMILL_NOTIFY_URLS`, and changed there."""
    made_at: str | None


class NewNoticeChannel(NoticeChannel):
    """A channel that was made, or changed."""

    secret: str | None
    """What receivers of a new webhook check signatures by, shown this once; else null."""


class NoticeChannelPage(TypedDict):
    """Channels by name."""

    items: list[NoticeChannel]
    next_cursor: str | None
    """Always null: all of them are told at once."""


class NoticeSecret(TypedDict):
    """A new secret of a channel."""

    name: str
    secret: str
    """Shown this once."""
    grace_s: int
    """So long, in seconds, the old one signs beside it."""


class ChannelTest(TypedDict):
    """What came of a test."""

    taken: bool
    error: str | None
    """Why the receiver did not take it."""


class NoticeRule(TypedDict):
    """Which notices go to which channels. An empty list asks nothing."""

    kinds: list[str]
    severity: SeverityName
    tags: list[str]
    projects: list[str]
    channels: list[str]


class NoticeRules(TypedDict):
    """The rules of a project."""

    rules: list[NoticeRule]
    unnamed: list[str]
    """Channels that no rule names: they hear of every warning, and of what is worse, in their project."""


class NoticeDelivery(TypedDict):
    """A notice on its way to a channel, or what became of it."""

    id: str
    channel: str
    """By name; `callback:<job>` and `mail:<address>` are those that a job named itself."""
    notice: str
    """The notice's id, which a webhook carries as `webhook-id`."""
    kind: str
    severity: SeverityName
    job_id: str | None
    title: str
    result: Literal["waiting", "sent", "given_up"]
    attempt: int
    """How often it was tried, or is about to be."""
    held: bool
    """Its channel heard of the same cause within the hour: it waits for the end of that, and counts what comes."""
    at: str | None
    """When it was taken or given up; of one that waits: since when it does."""
    error: str | None
    """Why the last try failed."""
    status: int | None
    """The receiver's last HTTP status."""
    took_s: float | None
    """How long the last try took."""


class NoticeDeliveryPage(TypedDict):
    """Deliveries, newest first, those that wait before the others."""

    items: list[NoticeDelivery]
    next_cursor: str | None
    """Always null: the newest are told, as many as `limit` says."""
