"""What became of notices on their way to the channels of one project, and sending one once more."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from itertools import chain, islice
from typing import Literal

from data.jobs import JobStore
from data.notice_channels import CALLBACK
from data.notices.entries import Logged, Waiting
from data.notices.outbox import Outbox
from leadmill.answers import NoticeDelivery
from leadmill.errors import NotFoundError
from leadmill.notices import Notice
from pipelines.notices.message import title_of
from pipelines.notices.rules import REPORT, Rules
from pipelines.views.view import iso

#: The logs of all that jobs named themselves.
_OF_JOBS = (f"{CALLBACK}:", "mail:", REPORT)
Result = Literal["waiting", "sent", "given_up"]
#: Most deliveries that are told at once.
MOST = 1_000


class Deliveries:
    """Those of one project. `store` is seen from it."""

    def __init__(self, store: JobStore, rules: Rules) -> None:
        self._store, self._rules, self._outbox = store, rules, Outbox(store)
        self._front = f"{store.project}:"

    def found(
        self, *, channel: str | None = None, job: str | None = None, result: Result | None = None, limit: int = 100
    ) -> list[NoticeDelivery]:
        """Newest first, those that wait before those that have ended; what is left out matches all.

        Of a job its own, too: to its `callback_url`, and to the addresses that it named.

        Raises:
            NoticesUnreadableError, UnavailableError: that cannot be told.
        """
        found = self._waiting(channel, job) if result in (None, "waiting") else iter(())
        ended = self._ended(channel, job, result) if result != "waiting" else iter(())
        return list(islice(chain(found, ended), limit))

    def replay(self, delivery_id: str) -> None:
        """Send a notice once more to the channel that it went to, under the same id.

        Raises:
            NotFoundError: no such delivery of this project has ended lately.
            ConflictError: it is on its way already.
            UnavailableError: Redis does not answer, or takes no write.
        """
        notice_id, _, channel = delivery_id.partition("|")
        logged = self._outbox.log(channel) if channel.startswith(self._front) else iter(())
        notice = next((one.notice for one in logged if one.notice.id == notice_id), None)
        if notice is None:
            raise NotFoundError("no such delivery; leadmill notices log tells the last ones")
        self._outbox.put(notice, channel)

    def _waiting(self, channel: str | None, job: str | None) -> Iterator[NoticeDelivery]:
        for one in self._outbox.waiting_of(self._front, job):
            if channel in (None, *self._called(one.delivery.channel)) and job in (None, one.notice.job_id):
                yield _waiting(one, self._front)

    def _ended(self, channel: str | None, job: str | None, result: Result | None) -> Iterator[NoticeDelivery]:
        logs = [self._outbox.log(self._front + name, job) for name in dict.fromkeys(self._names(channel, job))]
        for one in merge(*logs, key=lambda one: -one.at_ms):
            if result in (None, one.result) and job in (None, one.notice.job_id):
                yield _logged(one, self._front)

    def _names(self, channel: str | None, job: str | None) -> Iterator[str]:
        """Channels whose logs may hold what is looked for, as the outbox names them behind the project."""
        if channel not in (None, CALLBACK):
            yield channel
            return
        if channel is None:
            yield from self._rules.of(self._store.project).channels
        record = self._store.record(job) if job is not None else None
        if record is None:
            yield from _OF_JOBS if channel is None else (f"{CALLBACK}:",)
            return
        yield f"{CALLBACK}:{job}"
        if channel is None:
            yield from (f"mail:{name}" for name in record.stored.get("notify", "").split(",") if "@" in name)
            yield REPORT

    def _called(self, channel: str) -> Iterator[str]:
        """What a channel goes by: its name, and `callback` for those of all jobs."""
        name = channel.removeprefix(self._front)
        yield name
        if name.startswith(f"{CALLBACK}:"):
            yield CALLBACK


def _told(notice: Notice, title: str, channel: str, delivery_id: str) -> dict[str, object]:
    return {
        "id": delivery_id,
        "channel": channel,
        "notice": notice.id,
        "kind": notice.kind,
        "severity": notice.severity.value,
        "job_id": notice.job_id,
        "title": title,
    }


def _waiting(one: Waiting, front: str) -> NoticeDelivery:
    told = _told(
        one.notice, title_of(one.notice, one.delivery), one.delivery.channel.removeprefix(front), one.delivery.id
    )
    state = {"result": "waiting", "at": iso(one.since_ms), "error": one.error or None, "status": None, "took_s": None}
    return {**told, **state, "attempt": one.delivery.attempt, "held": one.held}  # type: ignore[typeddict-item]


def _logged(one: Logged, front: str) -> NoticeDelivery:
    told = _told(
        one.notice, title_of(one.notice, one.delivery), one.delivery.channel.removeprefix(front), one.delivery.id
    )
    state = {"result": one.result, "at": iso(one.at_ms), "error": one.error or None, "status": one.status}
    tried = {"took_s": one.took_ms / 1000, "attempt": one.delivery.attempt, "held": False}
    return {**told, **state, **tried}  # type: ignore[typeddict-item]
