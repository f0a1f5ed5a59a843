"""On which line of writes a store's servers are, where one may become the primary in another's place.

A new primary goes on from what had reached it: what was written last may be gone. A run of then may be at work under
the same epoch that the new primary hands out now, and their files have one name. So whoever connects first to a server
whose line of writes is new (INFO tells its id; it changes too when a server is started again) has all units that are
handed out or run handed out anew, under epochs that no other line has given: above a base, which is the time of the
change in ms. No move is made before, since every connection asks (lua/operations/new_line.lua). See decision 91.

    timeline   JSON {line, base, at, was, units}: the line that records are on, the base of its epochs, since when (ms),
               the line before, and how many units were handed out anew
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, Self

from redis.exceptions import NoPermissionError, ResponseError

from data import keys
from data.identity import Ask, LakePair, RefusedConnectionError
from data.jobs import script
from data.sentinels import NoPrimaryError, Replicas, fields_of
from leadmill.errors import StoreAccessError
from leadmill.log import get_logger

log = get_logger(__name__)


class _Store(Protocol):
    """As far as it is asked here (data.jobs.connection, which knows this module)."""

    redis: Any

    def guarded(self, *names: str) -> AbstractContextManager[None]: ...
    def key(self, name: str) -> str: ...


@dataclass(frozen=True)
class Timeline:
    """What is kept of the line of writes that the records are on."""

    line: str
    #: Epochs are above it.
    base: int
    #: Since when, ms since the epoch by the server's clock.
    at_ms: int
    #: The line before; empty: there was none.
    was: str
    #: How many units were handed out anew.
    units: int

    @classmethod
    def of(cls, text: Any) -> Self | None:
        """From what is kept; None for what is none."""
        try:
            found = json.loads(text)
            return cls(str(found["line"]), int(found["base"]), int(found["at"]), str(found["was"]), int(found["units"]))
        except (TypeError, ValueError, KeyError):
            return None


class LakePairOnLines(LakePair):
    """The pair of a lake and a store whose primary may change: every new connection asks for its line of writes."""

    #: Of the last connection that was made.
    line = ""
    #: Epochs of units that are handed out are above it.
    base = 0
    #: Whether the primary writes only while it has replicas: then answers may wait for one of these.
    has_replicas = False

    def greet(self, connection: Any, ask: Ask) -> None:
        """Check the server and note its line, handing out anew what another line has handed out.

        Raises:
            NoPrimaryError: it is a replica.
            RefusedConnectionError: it does not tell this user.
        """
        replicas = self._replicas(ask)
        if not replicas.is_primary:
            connection.connection_pool.sentinel_manager.distrust()
            raise NoPrimaryError(f"{connection.host}:{connection.port} is a replica of {replicas.of}")
        super().greet(connection, ask)
        self.has_replicas = replicas.good is not None
        try:
            self._go_on(ask, replicas.line)
        except ResponseError as error:
            # It takes no writes just now (no replicas, full …), so no moves either. What reads may go on; the next use
            # of this connection asks again.
            log.warning("a new primary takes no writes yet", error=str(error)[:200])
            connection.mark_for_reconnect()

    def _go_on(self, ask: Ask, line: str) -> None:
        known = Timeline.of(ask("GET", self._key(keys.TIMELINE)))
        if known is None or known.line != line:
            name, arguments = "new_line", json.dumps({"line": line})
            ask("EVAL", script.of(name), "1", self.prefix, name, arguments, self.lake or "")
            known = Timeline.of(ask("GET", self._key(keys.TIMELINE)))
        if known is not None:
            self.base = max(self.base, known.base)
        self.line = line

    @staticmethod
    def _replicas(ask: Ask) -> Replicas:
        try:
            return Replicas.of_info(fields_of(ask("INFO", "replication")))
        except NoPermissionError as error:
            text = f"the job store does not tell this user its line of writes: let it use INFO (Redis says: {error})"
            raise RefusedConnectionError(StoreAccessError(text)) from error


def timeline(store: _Store) -> Timeline | None:
    """The line of writes that a store's records are on; None where it has no Sentinels.

    Raises:
        UnavailableError: Redis does not answer.
    """
    with store.guarded(keys.TIMELINE):
        return Timeline.of(store.redis.get(store.key(keys.TIMELINE)))
