"""Sessions as an API process knows them: what Redis said is believed for a second, and no request waits for it long.

A session that is ended elsewhere so counts here for a second more, as a revoked key does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from fastapi.concurrency import run_in_threadpool

from api.session_cookie import SessionCookies
from data.sessions import PersonSession, Session, SessionStore, digest_of_session
from leadmill.errors import LeadmillError, UnavailableError

if TYPE_CHECKING:
    from api.oidc.people import People

Answer = TypeVar("Answer")

#: So long, in seconds, it is believed what Redis said.
KNOWN_S = 1.0
#: Most sessions that are remembered at once.
MAX_KNOWN = 10_000


class Sessions:
    """`start` it; until then, no browser is signed in."""

    def __init__(self, cookies: SessionCookies, people: People | None = None) -> None:
        self.cookies = cookies
        #: Who signs in by a provider; None: nobody does.
        self.people = people
        self._store: SessionStore | None = None
        #: By digest, what Redis said of it and when.
        self._known: dict[str, tuple[float, Session | PersonSession | None]] = {}
        #: When Redis last did not answer, and how.
        self._fault: tuple[float, LeadmillError] | None = None

    def start(self, store: SessionStore) -> None:
        """Ask this one from now on; its calls give up soon."""
        self._store = store

    async def find(self, digest: str) -> Session | PersonSession | None:
        """The session that is known by this digest; None: it has ended.

        Raises:
            UnavailableError: Redis does not answer.
        """
        known = self._known.get(digest)
        if known is not None and time.monotonic() - known[0] <= KNOWN_S:
            return known[1]
        return await run_in_threadpool(self._ask, digest)

    def lives(self, digest: str) -> bool:
        """Whether a session has not ended, as far as can be told: while Redis is away, nothing that it held flows."""
        try:
            known = self._known.get(digest)
            if known is not None and time.monotonic() - known[0] <= KNOWN_S:
                return known[1] is not None
            return self._asked(lambda store: store.lives(digest))
        except LeadmillError:
            return True

    def begin(self, session: Session | PersonSession) -> str:
        """A new session's id.

        Raises:
            UnavailableError: Redis does not answer.
        """
        return self._asked(lambda store: store.begin(session))

    def end(self, session_id: str) -> None:
        """End a session.

        Raises:
            UnavailableError: Redis does not answer.
        """
        digest = digest_of_session(session_id)
        self._asked(lambda store: store.end(digest))
        self._remember(digest, None)

    def use_once(self, attempt: str, within_s: int) -> bool:
        """Whether an attempt to sign in is used for the first time.

        Raises:
            UnavailableError: Redis does not answer.
        """
        return self._asked(lambda store: store.use_once(attempt, within_s))

    def _ask(self, digest: str) -> Session | PersonSession | None:
        found = self._asked(lambda store: store.find(digest))
        self._remember(digest, found)
        return found

    def _asked(self, what: Callable[[SessionStore], Answer]) -> Answer:
        """Ask the store, unless it did not answer just now: one request waits for it, not each."""
        if self._store is None:
            raise UnavailableError("sessions are not known yet; send this again")
        if self._fault is not None and time.monotonic() - self._fault[0] <= KNOWN_S:
            raise UnavailableError(f"whether this browser is signed in cannot be told: {self._fault[1]}")
        try:
            return what(self._store)
        except LeadmillError as error:
            self._fault = time.monotonic(), error
            raise

    def _remember(self, digest: str, session: Session | PersonSession | None) -> None:
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[digest] = time.monotonic(), session
