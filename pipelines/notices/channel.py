"""What a channel is, and what the deliverer asks of whoever knows the channels (`pipelines.notices.rules`)."""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Protocol

from leadmill.notices import Delivery, Notice

#: A `send` that takes longer has lost its channel's lease: another deliverer may send the same notice again. So each
#: channel bounds what it waits for, all in all, below this (seconds).
SEND_WITHIN_S = 20.0


class ChannelError(Exception):
    """A notice was not taken. `why` is kept in the delivery log and shown: without secrets, one line."""

    def __init__(
        self, why: str, *, retry: bool = True, after_s: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        #: Whether a later try may succeed; else the delivery is given up.
        self.retry = retry
        #: What the receiver asked to wait (`Retry-After`), seconds; None: the deliverer decides.
        self.after_s = after_s
        #: The receiver's answer (HTTP), for the log.
        self.status = status


class Channel(Protocol):
    """Where notices are sent. One is used by one thread at a time."""

    @property
    def name(self) -> str:
        """Unique in the installation, at most 100 characters, without `|`. The outbox and the log know it by this."""
        ...

    @property
    def groups(self) -> bool:
        """Whether the same cause is told once an hour, with a count: what people read. A program gets each notice."""
        ...

    def send(self, notice: Notice, delivery: Delivery) -> None:
        """Deliver; returns once the receiver has taken it, within `SEND_WITHIN_S`.

        A delivery comes again, with the same `delivery.id` and `notice.id`, when its deliverer died before it could
        note that it was taken.

        Raises:
            ChannelError: it was not taken. Any other exception counts as one that a later try may mend.
        """
        ...


class Channels(Protocol):
    """Whoever knows the rules. Asked often, by several threads at once; reads no network."""

    def channels_of(self, notice: Notice) -> Sequence[Channel]:
        """Where this notice goes: by the rules, and by what its job asked for (`Notice.asked`)."""
        ...

    def channel(self, name: str, notice: Notice) -> Channel | None:
        """The channel of that name, for a notice on its way there; None: there is none any more, and it is given up.

        Asked for tries later than the first, and for what resolves something that the channel was told of.
        """
        ...

    def wanted(self) -> Set[str]:
        """The kinds of notice that some rule is about: of others nobody writes one."""
        ...
