"""Sends notices without the outbox, while Redis cannot be asked or written: from this process straight to the channels.

It tries until a channel has taken it, and for an hour at most; what this process has not sent when it ends is lost.
"""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field, replace

from leadmill.errors import LeadmillError
from leadmill.log import get_logger
from leadmill.notices import KINDS, Delivery, Notice
from pipelines.notices.channel import ChannelError, Channels

log = get_logger(__name__)

#: Pauses between tries: they double from the first to the second, seconds; and how long it is tried.
PAUSE_S = (2.0, 60.0)
TRIES_S = 3_600.0
#: Notices that may wait to be taken; there are a few causes only.
_CAPACITY = 100


@dataclass
class _Sending:
    notice: Notice
    delivery: Delivery
    until: float
    due: float = 0.0
    pause_s: float = field(default_factory=lambda: PAUSE_S[0])


class Straight:
    """The thread, which `put` starts; `put` never blocks."""

    def __init__(self, channels: Channels) -> None:
        self._channels = channels
        self._new: queue.Queue[Notice | None] = queue.Queue(_CAPACITY)
        #: Whose channels cannot be told yet, in their order; and when the rules are asked again (monotonic).
        self._unplaced: list[Notice] = []
        self._place_at = 0.0
        self._sending: list[_Sending] = []
        #: Kind of notice → names of the channels that were told of it.
        self._told: dict[str, set[str]] = {}
        self._thread: threading.Thread | None = None

    def put(self, notice: Notice) -> None:
        """Send this one."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="straight-notices", daemon=True)
            self._thread.start()
        try:
            self._new.put_nowait(notice)
        except queue.Full:
            log.error("notice not sent", notice=notice.sentence)

    def close(self, timeout_s: float = 1.0) -> None:
        """End, after what is being sent just now."""
        if self._thread is not None:
            self._new.put(None, timeout=timeout_s)
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while True:
            try:
                taken = self._new.get(timeout=self._wait_s())
            except queue.Empty:
                pass
            else:
                if taken is None:
                    return
                self._unplaced.append(taken)
            self._place()
            self._send_due()

    def _wait_s(self) -> float | None:
        """Until something is to be done; None: nothing waits."""
        dues = [one.due for one in self._sending] + [self._place_at] * bool(self._unplaced)
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def _place(self) -> None:
        """Find out where each goes; that nobody can tell that just now is waited for."""
        if time.monotonic() < self._place_at:
            return
        while self._unplaced:
            notice = self._unplaced[0]
            try:
                self._begin(notice)
            except (LeadmillError, OSError) as error:
                if time.time() - notice.at < TRIES_S:
                    log.warning("channels unknown", notice=notice.sentence, error=str(error)[:200])
                    self._place_at = time.monotonic() + PAUSE_S[0]
                    return
                log.error("notice not sent", notice=notice.sentence, error=str(error)[:200])
            del self._unplaced[0]

    def _begin(self, notice: Notice) -> None:
        """By the rules, and what resolves something to whoever was told of that."""
        names = {channel.name for channel in self._channels.channels_of(notice)}
        before = {name for kind in KINDS[notice.kind].resolves for name in self._told.pop(kind, ())}
        self._told[notice.kind] = names
        until = time.monotonic() + TRIES_S
        for name in sorted(names | before):
            delivery = Delivery(f"{notice.id}|{name}", name, resolves=name in before)
            self._sending.append(_Sending(notice, delivery, until))

    def _send_due(self) -> None:
        for one in list(self._sending):
            if one.due <= time.monotonic() and not self._is_kept(one):
                self._sending.remove(one)

    def _is_kept(self, one: _Sending) -> bool:
        """Try it; whether it is tried again."""
        try:
            channel = self._channels.channel(one.delivery.channel, one.notice)
            if channel is not None:
                channel.send(one.notice, one.delivery)
            return False
        except Exception as error:  # whatever a channel raises, the others are sent to
            again = time.monotonic() < one.until and (error.retry if isinstance(error, ChannelError) else True)
            log.warning("notice not taken", channel=one.delivery.channel, again=again, error=str(error)[:200])
            one.due, one.pause_s = time.monotonic() + one.pause_s, min(one.pause_s * 2, PAUSE_S[1])
            one.delivery = replace(one.delivery, attempt=one.delivery.attempt + 1)
            return again
