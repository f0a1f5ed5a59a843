"""The deliverer: takes notices out of the outbox, and sends each to its channels.

Any number may run at once, and any may die at any time: what it held is taken over by another after its lease
(`data.notices.outbox.LEASE_S`). API and beat run one in a thread (`DelivererThread`); a worker starts a process
beside it when the outbox is not emptied (`pipelines.notices.process`).
"""

from __future__ import annotations

import os
import random
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from data.jobs import JobStore
from data.notices.entries import NewNotice, Outcome, Taken, Target, may_be_named
from data.notices.outbox import LEASE_S, Outbox
from data.notices.wanted import put_wanted
from leadmill.errors import LeadmillError, StoreRefusedError, UnavailableError
from leadmill.log import get_logger
from leadmill.pause import pause_point
from leadmill.redaction import redacted
from leadmill.settings import Settings
from pipelines.notices.channel import SEND_WITHIN_S, ChannelError, Channels
from pipelines.notices.rules import Rules

log = get_logger(__name__)

#: Seconds between looks at an outbox in which nothing is due.
LOOK_S = 1.0
#: Channels that one deliverer sends to at a time; and sends that may hang before it takes no more.
THREADS, HANGING = 4, 20
#: Pauses between the tries of a delivery double from the first to the second, seconds; for so long it is tried.
PAUSE_S = (5.0, 3_600.0)
TRIED_S = 86_400.0
#: A delivery whose deliverers died so often before they could say what came of it is given up.
MAX_DEATHS = 10
#: For so long a deliverer tries to note what came of a send while Redis is away, seconds.
NOTE_S = 120.0
#: Redis is asked with this time to answer, seconds; and how long a close waits for what is being sent.
_TIMEOUT_S, _CLOSE_S = 3.0, 3.0
#: How often Redis, which may have been emptied, is told what somebody listens to, and an operator what was dropped,
#: seconds.
_KEEP_WANTED_S, _TELL_LOST_S = 5.0, 60.0


@dataclass(frozen=True)
class _Sending:
    taken: Taken
    owner: str
    since: float
    thread: threading.Thread

    @property
    def hangs(self) -> bool:
        return time.monotonic() - self.since > SEND_WITHIN_S


class Deliverer:
    """One deliverer. `run` is called once, by one thread."""

    def __init__(self, store: JobStore, channels: Channels) -> None:
        self._store, self._channels, self._outbox = store, channels, Outbox(store)
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._taken = 0
        #: Changed by `run`'s thread alone; a thread that has ended is taken out by it.
        self._sending: list[_Sending] = []
        self._wake = threading.Event()
        #: When each of what is done now and then is to be done next (monotonic).
        self._next: dict[str, float] = {}

    def run(self, ended: Callable[[], bool], *, idle_s: float | None = None) -> None:
        """Deliver until `ended` (asked once a second, and at `wake`), or until nothing was due for `idle_s`."""
        busy_at, away = time.monotonic(), False
        while not ended():
            self._wake.clear()
            try:
                if self._tick():
                    busy_at = time.monotonic()
                away = False
            except LeadmillError as error:
                if not away:
                    log.warning("notices wait", error=str(error)[:200])
                away = True
            except Exception:
                log.exception("deliverer tick failed")
            if idle_s is not None and not self._sending and time.monotonic() - busy_at > idle_s:
                break
            self._wake.wait(LOOK_S)
        until = time.monotonic() + _CLOSE_S
        for one in self._sending:
            one.thread.join(max(0.0, until - time.monotonic()))

    def wake(self) -> None:
        """Look at once."""
        self._wake.set()

    def _tick(self) -> bool:
        """One look; whether something was due."""
        self._sending = [one for one in self._sending if one.thread.is_alive()]
        self._renew()
        due = self._outbox.is_due()
        if due:
            self._spread()
            self._take()
        if self._is_time("wanted", _KEEP_WANTED_S):
            put_wanted(self._store, self._channels.wanted())
        if self._is_time("lost", _TELL_LOST_S):
            self._tell_lost()
        return due

    def _is_time(self, what: str, every_s: float) -> bool:
        if time.monotonic() < self._next.get(what, 0.0):
            return False
        self._next[what] = time.monotonic() + every_s
        return True

    # ---- spreading

    def _spread(self) -> None:
        while new := self._outbox.new():
            pause_point("notices_read")
            self._outbox.spread([(one, self._targets(one)) for one in new])
            pause_point("notices_spread")

    def _targets(self, new: NewNotice) -> list[Target]:
        """The channels of a notice; that the rules cannot be told (LeadmillError, OSError) is waited for."""
        if new.notice is None:
            return []
        try:
            found = [Target(channel.name, channel.groups) for channel in self._channels.channels_of(new.notice)]
        except (LeadmillError, OSError):
            raise
        except Exception:  # the others do not wait for a notice that the rules cannot take
            log.exception("notice without channels", notice=new.notice.id, kind=new.notice.kind)
            return []
        return [target for target in found if may_be_named(target.name)]

    # ---- sending

    def _take(self) -> None:
        """Take what is due. The last thread is for a group of which nothing is being sent: a thousand callbacks to a
        receiver that hangs hold up nothing else.
        """
        while (free := THREADS - sum(not one.hangs for one in self._sending)) > 0 and len(self._sending) < HANGING:
            owner = f"{self._name}:{self._taken}"
            taken = self._outbox.take(owner, new_group=free == 1)
            if taken is None:
                return
            pause_point("notice_taken")
            self._taken += 1
            thread = threading.Thread(target=self._send, args=(taken, owner), name="notice", daemon=True)
            self._sending.append(_Sending(taken, owner, time.monotonic(), thread))
            thread.start()

    def _renew(self) -> None:
        """Keep the leases of what is being sent; one that hangs is left to others."""
        if self._sending and self._is_time("renew", LEASE_S / 4):
            for one in self._sending:
                if not one.hangs:
                    self._outbox.renew(one.taken.delivery.channel, one.owner)

    def _send(self, taken: Taken, owner: str) -> None:
        """Body of a thread: one try, and what came of it."""
        began = time.monotonic()
        try:
            outcome = self._outcome(taken)
            took = time.monotonic() - began
            if outcome.why:
                log.warning(
                    f"notice {outcome.result}", channel=taken.delivery.channel, notice=taken.delivery.id,
                    error=redacted(outcome.why)[:300], again_in_s=round(outcome.again_in_s) or None,
                )  # fmt: skip
            self._note(lambda: self._outbox.settle(taken, owner, outcome, took), taken)
        finally:
            self._wake.set()

    def _outcome(self, taken: Taken) -> Outcome:
        notice, delivery = taken.notice, taken.delivery
        if notice is None:
            return Outcome("given_up", "what stands in the outbox is no notice")
        if delivery.attempt - taken.failures > MAX_DEATHS:
            return Outcome("given_up", f"its deliverers died {MAX_DEATHS} times before it was taken")
        try:
            channel = self._channels.channel(delivery.channel, notice)
            if channel is None:
                return Outcome("given_up", "there is no such channel any more, or it is off")
            channel.send(notice, delivery)
            pause_point("notice_sent")
            return Outcome("sent")
        except ChannelError as error:
            return _not_taken(taken, error)
        except Exception as error:  # whatever a channel raises, the others go on
            log.exception("channel failed", channel=delivery.channel, notice=delivery.id)
            return _not_taken(taken, ChannelError(f"{type(error).__name__}: {error}"))

    def _note(self, note: Callable[[], None], taken: Taken) -> None:
        """Note what came of a send; while Redis is away, again and again."""
        until = time.monotonic() + NOTE_S
        while True:
            try:
                note()
                pause_point("notice_noted")
                return
            except LeadmillError as error:
                if not isinstance(error, UnavailableError) or time.monotonic() > until:
                    log.error("not noted what came of a notice", notice=taken.delivery.id, error=str(error)[:200])
                    return
                time.sleep(2.0 if isinstance(error, StoreRefusedError) else 0.5)

    # ---- what was dropped

    def _tell_lost(self) -> None:
        if lost := self._outbox.take_lost():
            log.error("notices dropped", dropped=lost)
            self._store.critical("notices_dropped", {"dropped": lost})


def _not_taken(taken: Taken, error: ChannelError) -> Outcome:
    if not error.retry:
        return Outcome("given_up", error.why, error.status)
    if taken.age_s > TRIED_S:
        return Outcome("given_up", f"not taken for a day; the last time: {error.why}", error.status)
    return Outcome("failed", error.why, error.status, pause_s(taken.failures, error.after_s))


def pause_s(failures: int, after_s: float | None) -> float:
    """The pause before the next try, seconds: longer and longer, not less than the receiver asked for, never a day."""
    first, longest = PAUSE_S
    pause = min(longest, first * 2 ** min(failures, 20)) * random.uniform(0.8, 1.2)
    return max(pause, min(after_s or 0.0, TRIED_S / 2))


class DelivererThread:
    """A deliverer in a process that never forks."""

    def __init__(self, settings: Settings) -> None:
        self._store = JobStore.connect(settings.redis_url, settings.key_prefix, _TIMEOUT_S, lake=settings.data_dir)
        self._deliverer = Deliverer(self._store, Rules(settings))
        self._ended, self._closed = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="deliverer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        self._deliverer.run(self._ended.is_set)

    def end(self) -> None:
        """Take nothing more; nobody waits for what is being sent."""
        self._ended.set()
        self._deliverer.wake()

    def close(self) -> None:
        """End; what is being sent just now is waited for a little. Once more it does nothing."""
        if self._closed:
            return
        self._closed = True
        self.end()
        self._thread.join(_CLOSE_S + 1)
        self._store.close()
