"""Setting up where notices go: channels, their secrets and rules, of one project; and whoever asks for a test."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from data.jobs import JobStore
from data.notice_channels import (
    CALLBACK,
    MAX_NAMES,
    MAX_RULES,
    NoticeChannels,
    ProjectNotices,
    Rule,
    SigningSecret,
    StoredChannel,
    rotated,
    with_channel,
    without_channel,
)
from data.notice_channels import KIND as KIND_PATTERN
from data.notices.wanted import put_wanted
from leadmill.access import DEFAULT_PROJECT, PROJECT
from leadmill.egress import as_address, parse_allow, refuse_address
from leadmill.errors import ConflictError, InputError, NotFoundError, UnavailableError
from leadmill.notices import KINDS, Delivery, Notice
from leadmill.suggest import unknown
from pipelines.notices.channel import ChannelError
from pipelines.notices.channels import apprise
from pipelines.notices.channels.services import Service, refuse_url, service_of
from pipelines.notices.channels.signing import new_secret
from pipelines.notices.rules import Rules, no_channel

_ALLOWED_BY = "inner receivers are allowed by LEADMILL_WEBHOOK_ALLOW"

#: So many tests and looks at a service's URL at a time, in all and of one project: each starts a process, or waits for
#: somebody's receiver in a thread that all calls share.
AT_ONCE, AT_ONCE_EACH = 8, 2
_taken: Counter[str] = Counter()
_taking = threading.Lock()


@dataclass(frozen=True, slots=True)
class Tested:
    """What came of a test."""

    taken: bool
    #: Why it was not taken.
    error: str = ""


class NoticeSetup:
    """What one project may set up. Each change counts everywhere within a second or two."""

    def __init__(self, store: JobStore, channels: NoticeChannels, rules: Rules, project: str) -> None:
        self._store, self._channels, self._rules, self._project = store, channels, rules, project

    def channels(self) -> ProjectNotices:
        """All of the project, also those of the settings.

        Raises:
            NoticesUnreadableError: that cannot be told.
        """
        return self._rules.of(self._project)

    def put_channel(self, name: str, url: str, allow: Sequence[str]) -> tuple[StoredChannel, str | None]:
        """Make a channel, or give it another URL; and the secret of a webhook that is new, told this once.

        A channel that was switched off is on again. `allow`: inner networks, as CIDR.

        Raises:
            InputError: not a name, or not a URL that notices may be sent to.
            UnavailableError: too many are looked at just now.
            NoticesUnreadableError, StorageError, UnavailableError: it cannot be kept.
        """
        service = service_of(url)
        _check_target(url, service, allow)
        if service is not None:
            with room(self._project):
                apprise.check(url)
        now = datetime.now(UTC)
        fresh = new_secret()

        def put(had: ProjectNotices) -> ProjectNotices:
            known = had.channels.get(name)
            secrets = () if service is not None else known.secrets if known is not None else ()
            if service is None and not secrets:
                secrets = (SigningSecret(fresh),)
            made_at = now if known is None else known.made_at
            return with_channel(had, StoredChannel(name, url, made_at, secrets))

        made = self._change(put).channels[name]
        return made, fresh if any(one.secret == fresh for one in made.secrets) else None

    def remove_channel(self, name: str) -> None:
        """Remove a channel; what waits for it is given up.

        Raises:
            NotFoundError: there is none.
            ConflictError: a rule names it.
            NoticesUnreadableError, StorageError, UnavailableError: that cannot be kept.
        """
        self._change(lambda had: without_channel(had, name))

    def rotate(self, name: str, grace_s: float) -> str:
        """Give a webhook, or (`callback`) all callbacks, a new secret; the old one signs for so long, too.

        The first rotation of `callback` makes its secret.

        Raises:
            NotFoundError: there is no such channel.
            ConflictError: it is no webhook.
            NoticesUnreadableError, StorageError, UnavailableError: it cannot be kept.
        """
        fresh, now = new_secret(), datetime.now(UTC)

        def rotate(had: ProjectNotices) -> ProjectNotices:
            if name == CALLBACK:
                return replace(had, callback_secrets=rotated(had.callback_secrets, fresh, grace_s, now))
            found = had.channels.get(name)
            if found is None:
                raise NotFoundError(no_channel(name, had.channels))
            if not found.is_webhook:
                raise ConflictError(f"{name!r} is no webhook: what it sends is not signed; its URL holds its secret")
            changed = replace(found, secrets=rotated(found.secrets, fresh, grace_s, now))
            return replace(had, channels={**had.channels, name: changed})

        self._change(rotate)
        return fresh

    def put_rules(self, rules: Sequence[Rule]) -> None:
        """Let these be the rules of the project, instead of those it has.

        Raises:
            InputError: one of them is wrong; the field names it.
            NoticesUnreadableError, StorageError, UnavailableError: they cannot be kept.
        """
        if len(rules) > MAX_RULES:
            raise InputError(f"at most {MAX_RULES} rules", field="rules")
        channels = self.channels().channels
        for i, rule in enumerate(rules):
            self._check_rule(rule, channels, f"rules[{i}]")
        self._change(lambda had: replace(had, rules=tuple(rules)))

    def test(self, name: str) -> Tested:
        """Send a test to a channel, now.

        Raises:
            NotFoundError: there is none.
            UnavailableError: too many are tested just now.
            NoticesUnreadableError: that cannot be told.
        """
        found = self.channels().channels.get(name)
        if found is None:
            raise NotFoundError(no_channel(name, self.channels().channels))
        channel = self._rules.made(self._project, found)
        notice = Notice.new("channel.test", {"channel": name}, self._project)
        try:
            with room(self._project):
                channel.send(notice, Delivery(f"{notice.id}|{channel.name}", channel.name))
        except ChannelError as error:
            return Tested(False, error.why)
        return Tested(True)

    def _check_rule(self, rule: Rule, channels: Mapping[str, StoredChannel], field: str) -> None:
        if not rule.channels:
            raise InputError("a rule names at least one channel", field=f"{field}.channels")
        if max(map(len, (rule.channels, rule.kinds, rule.tags, rule.projects))) > MAX_NAMES:
            raise InputError(f"at most {MAX_NAMES} names each", field=field)
        for j, name in enumerate(rule.channels):
            if name not in channels:
                raise InputError(no_channel(name, channels), field=f"{field}.channels[{j}]")
        for j, kind in enumerate(rule.kinds):
            if not KIND_PATTERN.fullmatch(kind) or not Rule((), (kind,)).takes_kind(tuple(KINDS)):
                raise InputError(unknown("kind", kind, KINDS), field=f"{field}.kinds[{j}]")
        for j, project in enumerate(rule.projects):
            if self._project != DEFAULT_PROJECT:
                raise InputError("only rules of the default project are about others", field=f"{field}.projects")
            if project != "*" and not PROJECT.fullmatch(project):
                raise InputError("not the name of a project", field=f"{field}.projects[{j}]")

    def _change(self, change: Callable[[ProjectNotices], ProjectNotices]) -> ProjectNotices:
        made = self._channels.change(self._project, change)
        keep_wanted(self._store, self._rules)
        return made


def keep_wanted(store: JobStore, rules: Rules) -> None:
    """Let Redis know which kinds some rule is about: of others nobody writes a notice. Also after it was emptied.

    Raises:
        NoticesUnreadableError: that cannot be told.
        UnavailableError: Redis does not answer, or takes no write.
    """
    put_wanted(store, rules.wanted())


@contextmanager
def room(project: str) -> Iterator[None]:
    """One of the few places; without one it fails at once.

    Raises:
        UnavailableError: all are taken, or those of the project.
    """
    with _taking:
        if _taken[project] >= AT_ONCE_EACH or _taken.total() >= AT_ONCE:
            raise UnavailableError("several channels are tested at this moment; try it again soon", retry_after_s=5)
        _taken[project] += 1
    try:
        yield
    finally:
        with _taking:
            _taken[project] -= 1


def _check_target(url: str, service: Service | None, allow: Sequence[str]) -> None:
    """Refuse what can be seen to lead inward; where a name leads to is judged as it is dialled."""
    networks = parse_allow(allow)
    if service is None:
        if (refusal := refuse_url(url, networks)) is not None:
            raise InputError(f"{refusal}; {_ALLOWED_BY}", field="url")
    elif service.has_host:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise InputError("not a URL", field="url") from error
        address = as_address("127.0.0.1" if host == "localhost" else host)
        if address is None:
            return
        refusal = refuse_address(address, port or min(service.ports), networks, service.ports)
        if refusal is not None:
            raise InputError(f"{refusal}; {_ALLOWED_BY}", field="url")
