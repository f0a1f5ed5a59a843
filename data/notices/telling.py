"""How a process that moves no job puts a notice into the outbox."""

from __future__ import annotations

from typing import Any

from data.jobs import JobStore
from leadmill.notices import KINDS


def tell(store: JobStore, kind: str, /, **about: Any) -> None:
    """Put a notice into the outbox, if somebody listens to its kind; a deliverer sends it within a second or two.

    It is of the project that `store` is seen from (`store.of`); what is about the installation of the default one.

    Args:
        kind: one of `leadmill.notices.KINDS`. One that resolves another is written where that is listened to.
        about: texts and numbers by name; kept without secrets. What the kind's `says` and `apart_by` name is there.

    Raises:
        UnavailableError: Redis does not answer, or takes no write (StoreRefusedError): nothing was written. Then it is
            told without outbox, if at all: `Notice.new`, and `send` of each of its `channels_of`.
    """
    store.tell(KINDS[kind], about)
