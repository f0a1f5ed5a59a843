"""Channels and rules of notices, by project: `<data>/notices.json`, mode 0600, for URLs and secrets stand in it.

    {"projects": {"default": {
       "channels": {"sales": {"url": "mailtos://…", "made_at": "2026-11-27T08:00:00Z", "off": ""},
                    "crm": {"url": "https://…", "secrets": [{"secret": "whsec_…"}, {"secret": "whsec_…", "until": …}]}},
       "rules": [{"kinds": ["job.*"], "severity": "warning", "tags": [], "projects": [], "channels": ["sales"]}],
       "callback_secrets": [{"secret": "whsec_…"}]}}}

No redactor learns what stands here: a project chooses its own passwords, and what one project chose must not be hidden
from what is told of the others. Whoever sends hides what is secret of its URL in what came of it.

Whoever asks looks at most once a second whether the file has changed, so a change counts everywhere within a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from data.shared_file import SharedFile, SharedTable
from leadmill.access import PROJECT
from leadmill.errors import ConflictError, InputError, NotFoundError, NoticesUnreadableError
from leadmill.notices import Notice, Severity
from leadmill.redaction import redacted
from leadmill.suggest import unknown

#: Its name in the data folder.
FILE = "notices.json"
#: What a channel may be called; use `fullmatch`.
CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
#: The name by which a project's callbacks go: what is sent to the `callback_url` of a job.
CALLBACK = "callback"
#: How channels of `LEADMILL_NOTIFY_URLS` are called: this and their number.
OF_SETTINGS = "settings-"
#: Most channels and rules of a project, and names in one list of a rule.
MAX_CHANNELS, MAX_RULES, MAX_NAMES = 50, 100, 50
#: The longest that an old secret signs beside the new one.
MAX_GRACE_S = 30 * 86_400
#: A kind as a rule names it: `job.failed`, `job.*`, `*`.
KIND = re.compile(r"\*|[a-z]{1,20}\.(\*|[a-z_]{1,30})")


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """What webhooks are signed with. `until`: the older one of two, which signs no longer than that."""

    secret: str = field(repr=False)
    until: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it signs at this time."""
        return self.until is None or now < self.until


@dataclass(frozen=True, slots=True)
class StoredChannel:
    """Where notices are sent: a webhook, where it has secrets, else a URL of apprise."""

    name: str
    url: str = field(repr=False)
    made_at: datetime
    secrets: tuple[SigningSecret, ...] = ()
    #: Why it is switched off: the receiver said that it is gone. Putting it again switches it on.
    off: str = ""

    @property
    def is_webhook(self) -> bool:
        return bool(self.secrets)


@dataclass(frozen=True, slots=True)
class Rule:
    """Which notices go to which channels. An empty list asks nothing."""

    channels: tuple[str, ...]
    #: Kinds by name, or with `*` behind the point.
    kinds: tuple[str, ...] = ()
    #: It, and what is worse. What resolves a notice goes where that went, whatever its own severity.
    severity: Severity = Severity.INFO
    #: One of them is a tag of the job.
    tags: tuple[str, ...] = ()
    #: Projects that it is about, `*`: all; empty: its own. Only rules of the default project have some.
    projects: tuple[str, ...] = ()

    def takes_kind(self, names: tuple[str, ...]) -> bool:
        """Whether it is about a kind that goes by these names."""
        return not self.kinds or any(_matches(pattern, name) for pattern in self.kinds for name in names)

    def takes(self, notice: Notice, own: str) -> bool:
        """Whether it is about this notice; `own`: the project whose rule it is."""
        projects = self.projects or (own,)
        return (
            (notice.project in projects or "*" in projects)
            and notice.severity.rank >= self.severity.rank
            and self.takes_kind(notice.heard_by)
            and (not self.tags or not set(self.tags).isdisjoint(notice.tags))
        )


@dataclass(frozen=True, slots=True)
class ProjectNotices:
    """What one project has set up."""

    channels: Mapping[str, StoredChannel] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    #: Sign what is sent to a job's `callback_url`; none: a job may not name one.
    callback_secrets: tuple[SigningSecret, ...] = ()


Table = Mapping[str, ProjectNotices]
_NOTHING = ProjectNotices()


class NoticeChannels:
    """Those of one data folder. Safe to share between threads."""

    def __init__(self, data: Path) -> None:
        file = SharedFile(data, FILE, "the channels of notices")
        self._table: SharedTable[Table] = SharedTable(file, {}, _checked, partial(_unreadable, file.path))

    def table(self) -> Table:
        """What each project has set up, as it is now, or was a second ago.

        Raises:
            NoticesUnreadableError: that cannot be told.
        """
        return self._table.held()

    def look_again(self) -> None:
        """Let the next who asks hear what is set up by then: who decides for others must know the newest."""
        self._table.look_again()

    def of(self, project: str) -> ProjectNotices:
        """What one project has set up.

        Raises:
            NoticesUnreadableError: that cannot be told.
        """
        return self.table().get(project, _NOTHING)

    def change(self, project: str, change: Callable[[ProjectNotices], ProjectNotices]) -> ProjectNotices:
        """Let a project have what `change` makes of what it has.

        Raises:
            NoticesUnreadableError: what lies there cannot be read.
            StorageError, UnavailableError: it cannot be written.
        """
        made = _NOTHING

        def changed(table: Table) -> dict[str, Any]:
            nonlocal made
            made = change(table.get(project, _NOTHING))
            every = sorted({**table, project: made}.items())
            return {"projects": {name: _stored(had) for name, had in every if had != _NOTHING}}

        self._table.change(changed)
        return made

    def drop_project(self, project: str) -> None:
        """Forget what a project has set up.

        Raises:
            NoticesUnreadableError: what lies there cannot be read.
            StorageError, UnavailableError: it cannot be written.
        """
        if self.of(project) != _NOTHING:
            self.change(project, lambda _: _NOTHING)

    def switch_off(self, project: str, name: str, url: str, why: str) -> None:
        """Send nothing to a channel any more, if it still has this URL; until it is put again."""

        def off(had: ProjectNotices) -> ProjectNotices:
            found = had.channels.get(name)
            if found is None or found.url != url:
                return had
            return replace(had, channels={**had.channels, name: replace(found, off=redacted(why)[:200])})

        self.change(project, off)


def _unreadable(path: Path, why: str) -> NoticesUnreadableError:
    return NoticesUnreadableError(f"the channels of notices cannot be read: {path}: {redacted(why)}")


@cache
def notice_channels(data: Path) -> NoticeChannels:
    """Those of a data folder, held once a process."""
    return NoticeChannels(data)


def with_channel(had: ProjectNotices, channel: StoredChannel) -> ProjectNotices:
    """With a channel more, or one instead of that of its name.

    Raises:
        InputError: no such name may be given, or there are too many.
    """
    if not CHANNEL.fullmatch(channel.name) or channel.name == CALLBACK or channel.name.startswith(OF_SETTINGS):
        raise InputError(
            f"a channel's name is 1 to 40 of a-z, 0-9, - and _, not {CALLBACK} or {OF_SETTINGS}…", field="name"
        )
    if channel.name not in had.channels and len(had.channels) >= MAX_CHANNELS:
        raise InputError(f"there are {MAX_CHANNELS} channels already", field="name")
    return replace(had, channels={**had.channels, channel.name: channel})


def without_channel(had: ProjectNotices, name: str) -> ProjectNotices:
    """Without a channel.

    Raises:
        NotFoundError: there is none of that name.
        ConflictError: a rule names it.
    """
    if name not in had.channels:
        raise NotFoundError(unknown("channel", name, had.channels))
    if any(name in rule.channels for rule in had.rules):
        raise ConflictError(f"a rule sends to {name!r}: change the rules first")
    return replace(had, channels={other: one for other, one in had.channels.items() if other != name})


def rotated(had: tuple[SigningSecret, ...], new: str, grace_s: float, now: datetime) -> tuple[SigningSecret, ...]:
    """A new secret in front; the one before it signs, too, for so long."""
    until = now + timedelta(seconds=grace_s)
    older = (replace(had[0], until=until),) if had and grace_s > 0 else ()
    return (SigningSecret(new), *older)


def _matches(pattern: str, name: str) -> bool:
    return pattern in ("*", name) or (pattern.endswith(".*") and name.startswith(pattern[:-1]))


# ---- as it is stored


def _stored(had: ProjectNotices) -> dict[str, Any]:
    channels = {
        name: {
            "url": one.url,
            "made_at": one.made_at.isoformat(),
            **({"secrets": _secrets(one.secrets)} if one.secrets else {}),
            **({"off": one.off} if one.off else {}),
        }
        for name, one in sorted(had.channels.items())
    }
    rules = [
        {
            "kinds": list(rule.kinds), "severity": rule.severity.value, "tags": list(rule.tags),
            "projects": list(rule.projects), "channels": list(rule.channels),
        }
        for rule in had.rules
    ]  # fmt: skip
    callback = {"callback_secrets": _secrets(had.callback_secrets)} if had.callback_secrets else {}
    return {"channels": channels, "rules": rules, **callback}


def _secrets(secrets: tuple[SigningSecret, ...]) -> list[dict[str, str]]:
    return [
        {"secret": one.secret, **({} if one.until is None else {"until": one.until.isoformat()})} for one in secrets
    ]


def _checked(found: Any) -> Table:
    table = {}
    for project, own in found["projects"].items():
        if not PROJECT.fullmatch(project):
            raise ValueError(project[:60])
        channels = {name: _channel(name, one) for name, one in own["channels"].items()}
        rules = tuple(_rule(one) for one in own["rules"])
        table[project] = ProjectNotices(channels, rules, _secrets_of(own.get("callback_secrets", [])))
    return table


def _channel(name: str, one: Mapping[str, Any]) -> StoredChannel:
    if not CHANNEL.fullmatch(name):
        raise ValueError(name[:60])
    url = str(one["url"])
    made_at = datetime.fromisoformat(one["made_at"])
    return StoredChannel(name, url, made_at, _secrets_of(one.get("secrets", [])), str(one.get("off", "")))


def _rule(one: Mapping[str, Any]) -> Rule:
    names = {what: tuple(str(name) for name in one[what]) for what in ("channels", "kinds", "tags", "projects")}
    return Rule(severity=Severity(one["severity"]), **names)


def _secrets_of(stored: list[Mapping[str, str]]) -> tuple[SigningSecret, ...]:
    found = []
    for one in stored:
        until = datetime.fromisoformat(one["until"]).astimezone(UTC) if one.get("until") else None
        found.append(SigningSecret(one["secret"], until))
    return tuple(found)
