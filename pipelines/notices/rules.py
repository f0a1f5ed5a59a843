"""Which notices go to which channel: the rules of each project, and what a job itself asked for.

A channel that no rule names hears of what is a warning or worse in its project, so a first channel needs no rule.
Channels of the setting `LEADMILL_NOTIFY_URLS` are the default project's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property

from data.notice_channels import (
    CALLBACK,
    OF_SETTINGS,
    NoticeChannels,
    ProjectNotices,
    Rule,
    StoredChannel,
    notice_channels,
)
from leadmill.access import DEFAULT_PROJECT
from leadmill.egress import Network, parse_allow
from leadmill.errors import InputError
from leadmill.mail_address import refusal
from leadmill.notices import KINDS, Notice, Severity
from leadmill.settings import Settings, get_settings
from leadmill.suggest import unknown
from pipelines.notices.channel import Channel
from pipelines.notices.channels.apprise import Apprise
from pipelines.notices.channels.services import is_mail, mail_to, refuse_url
from pipelines.notices.channels.webhook import Webhook
from pipelines.notices.report_mail import ReportMail, report_mails

#: Most channels and addresses in one `notify`.
MAX_NOTIFY = 10
#: In the name of a channel behind its project: mails reports to the address that follows.
REPORT = "report:"
#: The first channel, behind `leadmill notices channels add`.
_FIRST_CHANNEL = "mail 'mailtos://…'"
#: What the channels of single jobs are counted as, each kind together.
OF_JOBS = frozenset({CALLBACK, "mail", "report"})
_BEGINNING = datetime.fromtimestamp(0, UTC)


class Rules:
    """The rules of this installation (`pipelines.notices.channel.Channels`). Safe to share between threads."""

    def __init__(self, settings: Settings | None = None, channels: NoticeChannels | None = None) -> None:
        self._settings = settings or get_settings()
        self._channels = channels or notice_channels(self._settings.data_dir)

    def channels_of(self, notice: Notice) -> Sequence[Channel]:
        """Where this notice goes.

        Raises:
            NoticesUnreadableError: what is set up cannot be told.
        """
        self._channels.look_again()  # one made a moment ago, by another process, hears of what came after it
        names = dict.fromkeys((*self._by_rules(notice), *self._asked(notice)))
        return [one for name in names if (one := self._channel(name, notice)) is not None]

    def channel(self, name: str, notice: Notice) -> Channel | None:
        """The channel that the outbox knows by this name; None once there is none.

        Raises:
            NoticesUnreadableError: what is set up cannot be told.
        """
        self._channels.look_again()
        return self._channel(name, notice)

    def _channel(self, name: str, notice: Notice) -> Channel | None:
        project, _, own = name.partition(":")
        if own == f"{CALLBACK}:{notice.job_id}":
            return self._callback(name, project, notice.asked.get("callback_url", ""))
        if own.startswith(REPORT):
            return ReportMail(name, own.removeprefix(REPORT), self._settings)
        had = self.of(project)
        if own.startswith("mail:"):
            server, address = _mail_server(had), own.removeprefix("mail:")
            if server is None or refusal(address, self._settings.mail_domains) is not None:
                return None
            return self._apprise(name, mail_to(server.url, address))
        stored = had.channels.get(own)
        return None if stored is None or stored.off else self.made(project, stored)

    def made(self, project: str, stored: StoredChannel) -> Channel:
        """A channel to send by."""
        name = f"{project}:{stored.name}"
        if not stored.is_webhook:
            return self._apprise(name, stored.url)

        def switch_off(why: str) -> None:
            self._channels.switch_off(project, stored.name, stored.url, why)

        now = datetime.now(UTC)
        secrets = [one.secret for one in stored.secrets if one.counts(now)]
        return Webhook(name, stored.url, secrets, self._allow, self._settings.public_url, switch_off)

    def of(self, project: str) -> ProjectNotices:
        """What a project has set up, with what the settings give the default one.

        Raises:
            NoticesUnreadableError: that cannot be told.
        """
        had = self._channels.of(project)
        if project != DEFAULT_PROJECT or not self._of_settings:
            return had
        return ProjectNotices({**self._of_settings, **had.channels}, had.rules, had.callback_secrets)

    def in_force(self, project: str) -> tuple[Rule, ...]:
        """The rules of a project, and the one of all channels that none of them names.

        Raises:
            NoticesUnreadableError: that cannot be told.
        """
        had = self.of(project)
        named = {name for rule in had.rules for name in rule.channels}
        unnamed = tuple(name for name in had.channels if name not in named)
        return (*had.rules, Rule(unnamed, severity=Severity.WARNING)) if unnamed else had.rules

    def wanted(self) -> set[str]:
        """The kinds that some rule is about.

        Raises:
            NoticesUnreadableError: that cannot be told.
        """
        self._channels.look_again()  # an older answer would take back what another process has just let Redis know
        rules = [rule for project in self._projects() for rule in self.in_force(project)]
        return {
            kind.name
            for kind in KINDS.values()
            if any(kind.severity.rank >= rule.severity.rank and rule.takes_kind(kind.heard_by) for rule in rules)
        }

    def check_callback(self, project: str, url: str) -> None:
        """Whether a job of the project may be told of at a URL.

        Raises:
            InputError: it is none that may be dialled, or nothing signs what is sent there.
            NoticesUnreadableError: that cannot be told.
        """
        if (refusal := refuse_url(url, self._allow)) is not None:
            raise InputError(f"{refusal}; inner receivers are allowed by LEADMILL_WEBHOOK_ALLOW", field="callback_url")
        if not self._channels.of(project).callback_secrets:
            raise InputError(
                "callbacks are signed, and the project has no secret for it; an admin makes one: leadmill notices "
                f"rotate {CALLBACK}",
                field="callback_url",
            )

    def check_notify(self, project: str, names: Sequence[str]) -> None:
        """Whether a job of the project may ask for these to be told: channels by name, or mail addresses.

        Raises:
            InputError: there is none of that name, or no channel that sends mail.
            NoticesUnreadableError: that cannot be told.
        """
        if len(names) > MAX_NOTIFY:
            raise InputError(f"at most {MAX_NOTIFY} channels and addresses", field="notify")
        had = self.of(project)
        for i, name in enumerate(names):
            field = f"notify[{i}]"
            if "@" not in name:
                if name not in had.channels:
                    raise InputError(no_channel(name, had.channels), field=field)
            elif (why := refusal(name, self._settings.mail_domains)) is not None:
                raise InputError(why, field=field)
            elif _mail_server(had) is None:
                raise InputError(
                    "a mail address needs a channel that sends mail; an admin makes one: leadmill notices channels add "
                    + _FIRST_CHANNEL,
                    field=field,
                )

    @cached_property
    def _allow(self) -> tuple[Network, ...]:
        return parse_allow(self._settings.webhook_allow)

    @cached_property
    def _of_settings(self) -> dict[str, StoredChannel]:
        urls = self._settings.notify_url_list
        return {
            f"{OF_SETTINGS}{i}": StoredChannel(f"{OF_SETTINGS}{i}", url, _BEGINNING) for i, url in enumerate(urls, 1)
        }

    def _projects(self) -> set[str]:
        return {*self._channels.table(), DEFAULT_PROJECT}

    def _by_rules(self, notice: Notice) -> Iterator[str]:
        for project in dict.fromkeys((notice.project, DEFAULT_PROJECT)):
            for rule in self.in_force(project):
                if rule.takes(notice, project):
                    yield from (f"{project}:{name}" for name in rule.channels)

    def _asked(self, notice: Notice) -> Iterator[str]:
        if notice.asked.get("callback_url"):
            yield f"{notice.project}:{CALLBACK}:{notice.job_id}"
        yield from (f"{notice.project}:{REPORT}{address}" for address in report_mails(notice))
        for name in filter(None, notice.asked.get("notify", "").split(",")):
            yield f"{notice.project}:{'mail:' if '@' in name else ''}{name}"

    def _apprise(self, name: str, url: str) -> Apprise:
        return Apprise(name, url, self._settings.webhook_allow, self._settings.public_url)

    def _callback(self, name: str, project: str, url: str) -> Channel | None:
        now = datetime.now(UTC)
        secrets = [one.secret for one in self._channels.of(project).callback_secrets if one.counts(now)]
        return Webhook(name, url, secrets, self._allow, self._settings.public_url) if url and secrets else None


def no_channel(name: str, channels: Mapping[str, StoredChannel]) -> str:
    """The sentence of an error: there is none of that name, and which there are, or how the first is made."""
    if channels:
        return unknown("channel", name, channels)
    return (
        f"no channel {name[:40]!r}, nor any other; an admin makes one: leadmill notices channels add {_FIRST_CHANNEL}"
    )


def _mail_server(had: ProjectNotices) -> StoredChannel | None:
    """The channel whose server sends mail to addresses that jobs name: the first by name."""
    return next((one for _, one in sorted(had.channels.items()) if is_mail(one.url) and not one.off), None)
