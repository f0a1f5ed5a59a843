"""Sessions: browsers that are signed in by an API key. Of a session's id Redis knows its SHA-256 alone.

    session:<sha256 of its id>   `<id of the key> <digest of the key>`; expires when it was not used for `SLIDING_S`
    sessions:<id of the key>     sorted set of such SHA-256 -> when it signed in, ms

Who reads Redis can so neither come in as a browser nor learn a key. Whether the key still counts is not said here.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from data import keys

if TYPE_CHECKING:
    from data.jobs import JobStore

#: A session that was not used for so long has ended, seconds.
SLIDING_S = 12 * 3_600
#: It is said at most so often that one is used, seconds.
RENEWED_EVERY_S = 60
#: Most sessions of one key; the oldest end.
MAX_OF_A_KEY = 20
#: The form of a session's id; use `fullmatch`.
SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_KEPT = re.compile(r"([0-9a-z]{8}) ([0-9a-f]{64})")


class Session(NamedTuple):
    """By which key a browser signed in."""

    key_id: str
    #: What the key table knew the key's secret by.
    key_digest: str


def digest_of_session(session_id: str) -> str:
    """What a session is known by."""
    return hashlib.sha256(session_id.encode()).hexdigest()


class SessionStore:
    """Reading and writing of them. Every call raises UnavailableError when Redis does not answer."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def begin(self, session: Session) -> str:
        """A new session's id, which is kept nowhere."""
        session_id = secrets.token_urlsafe(32)
        digest, of_key = digest_of_session(session_id), self._of_key(session)
        now = self._store.now_ms()
        with self._guarded(digest), self._store.redis.pipeline() as pipe:
            pipe.set(self._key(digest), f"{session.key_id} {session.key_digest}", ex=SLIDING_S)
            pipe.zadd(of_key, {digest: now})
            pipe.expire(of_key, SLIDING_S)
            pipe.zrange(of_key, 0, -MAX_OF_A_KEY - 1)
            too_many: list[str] = pipe.execute()[-1]
            if too_many:
                pipe.delete(*(self._key(one) for one in too_many))
                pipe.zrem(of_key, *too_many)
                pipe.execute()
        return session_id

    def find(self, digest: str) -> Session | None:
        """The session that is known by this digest, which is used herewith; None: it has ended."""
        with self._guarded(digest), self._store.redis.pipeline(transaction=False) as pipe:
            pipe.get(self._key(digest))
            pipe.ttl(self._key(digest))
            text, left_s = cast("tuple[Any, int]", pipe.execute())
            found = _KEPT.fullmatch(text) if isinstance(text, str) else None
            if found is None:
                return None
            session = Session(found[1], found[2])
            if left_s < SLIDING_S - RENEWED_EVERY_S:
                pipe.expire(self._key(digest), SLIDING_S)  # which brings back none that has ended meanwhile
                pipe.expire(self._of_key(session), SLIDING_S)
                pipe.execute()
        return session

    def lives(self, digest: str) -> bool:
        """Whether there is such a session; it is not used by that."""
        with self._guarded(digest):
            return bool(self._store.redis.exists(self._key(digest)))

    def end(self, digest: str) -> None:
        """End a session; one that has ended stays so."""
        with self._guarded(digest), self._store.redis.pipeline() as pipe:
            pipe.get(self._key(digest))
            pipe.delete(self._key(digest))
            text = pipe.execute()[0]
            found = _KEPT.fullmatch(text) if isinstance(text, str) else None
            if found is not None:
                self._store.redis.zrem(self._of_key(Session(found[1], found[2])), digest)

    def _key(self, digest: str) -> str:
        return self._store.key(keys.session(digest))

    def _of_key(self, session: Session) -> str:
        return self._store.key(keys.sessions_of(session.key_id))

    def _guarded(self, digest: str) -> Any:
        return self._store.guarded(keys.session(digest))
