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
