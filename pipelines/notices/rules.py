"""Which notices go to which channel."""

from __future__ import annotations

from collections.abc import Sequence

from leadmill.notices import Notice
from pipelines.notices.channel import Channel


class Rules:
    """The rules of this installation (`pipelines.notices.channel.Channels`)."""

    def channels_of(self, notice: Notice) -> Sequence[Channel]:
        """Where this notice goes."""
        return ()

    def channel(self, name: str, notice: Notice) -> Channel | None:
        """The channel of that name; None once there is none."""
        return None
