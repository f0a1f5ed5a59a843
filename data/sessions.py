"""Sessions: browsers that are signed in, by an API key or an identity provider. Of an id Redis knows its SHA-256 alone.

    session:<sha256 of its id>   what the browser signed in by; expires when it was not used for `SLIDING_S`:
                                 `<id of the key> <digest of the key>`, or of a person JSON (`PersonSession`)
    sessions:<owner>             sorted set of such SHA-256 -> when it signed in, ms; the owner is the key's id, or
                                 the person's

Who reads Redis can so neither come in as a browser nor learn a key. Whether the key still counts, and what a person
may do, is not said here.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from data import keys

if TYPE_CHECKING:
    from data.jobs import JobStore

#: A session that was not used for so long has ended, seconds.
SLIDING_S = 12 * 3_600
#: A person's session ends so long after signing in, however much it is used: the provider is asked again then, seconds.
PERSON_S = 24 * 3_600
#: It is said at most so often that one is used, seconds.
RENEWED_EVERY_S = 60
#: Most sessions of one key or person; the oldest end.
MAX_OF_AN_OWNER = 20
#: The form of a session's id; use `fullmatch`.
SESSION_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_KEPT = re.compile(r"([0-9a-z]{8}) ([0-9a-f]{64})")


class Session(NamedTuple):
    """By which key a browser signed in."""

    key_id: str
    #: What the key table knew the key's secret by.
    key_digest: str

    @property
    def owner(self) -> str:
        return self.key_id

    def text(self) -> str:
        """As Redis keeps it."""
        return f"{self.key_id} {self.key_digest}"


class PersonSession(NamedTuple):
    """Who signed in by an identity provider, and what that said. Role and project follow from it at each request."""

    #: Both together are the person; `subject` alone may be another one's elsewhere.
    issuer: str
    subject: str
    #: To show and to audit; the person may have chosen it.
    name: str
    #: The claim that roles are given by, and what it held.
    claim: str
    values: tuple[str, ...]
    #: When the browser signed in, seconds since 1970.
    signed_in_at: int
    #: By which the API knows that it has written all this (`api.oidc.people`).
    seal: str = ""

    @property
    def owner(self) -> str:
        """The person, as logs, limits and the audit name it."""
        return f"oidc_{hashlib.sha256(json.dumps([self.issuer, self.subject]).encode()).hexdigest()[:20]}"

    @property
    def is_over(self) -> bool:
        """Whether it is so old that the provider has to be asked again."""
        return not -60 <= time.time() - self.signed_in_at < PERSON_S  # clocks of API processes may differ a little

    def text(self) -> str:
        """As Redis keeps it."""
        return json.dumps(self)


def digest_of_session(session_id: str) -> str:
    """What a session is known by."""
    return hashlib.sha256(session_id.encode()).hexdigest()


class SessionStore:
    """Reading and writing of them. Every call raises UnavailableError when Redis does not answer."""

    def __init__(self, store: JobStore) -> None:
        self._store = store

    def begin(self, session: Session | PersonSession) -> str:
        """A new session's id, which is kept nowhere."""
        session_id = secrets.token_urlsafe(32)
        digest, of_owner = digest_of_session(session_id), self._of_owner(session)
        now = self._store.now_ms()
        with self._guarded(digest), self._store.redis.pipeline() as pipe:
            pipe.set(self._key(digest), session.text(), ex=SLIDING_S)
            pipe.zadd(of_owner, {digest: now})
            pipe.expire(of_owner, SLIDING_S)
            pipe.zrange(of_owner, 0, -MAX_OF_AN_OWNER - 1)
            too_many: list[str] = pipe.execute()[-1]
            if too_many:
                pipe.delete(*(self._key(one) for one in too_many))
                pipe.zrem(of_owner, *too_many)
                pipe.execute()
        return session_id

    def find(self, digest: str) -> Session | PersonSession | None:
        """The session that is known by this digest, which is used herewith; None: it has ended."""
        with self._guarded(digest), self._store.redis.pipeline(transaction=False) as pipe:
            pipe.get(self._key(digest))
            pipe.ttl(self._key(digest))
            text, left_s = cast("tuple[Any, int]", pipe.execute())
            session = _read(text)
            if session is None:
                return None
            if left_s < SLIDING_S - RENEWED_EVERY_S:
                pipe.expire(self._key(digest), SLIDING_S)  # which brings back none that has ended meanwhile
                pipe.expire(self._of_owner(session), SLIDING_S)
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
            session = _read(pipe.execute()[0])
            if session is not None:
                self._store.redis.zrem(self._of_owner(session), digest)

    def use_once(self, attempt: str, within_s: int) -> bool:
        """Whether an attempt to sign in, by its digest, is used for the first time within so many seconds."""
        key = self._store.key(keys.sign_in(attempt))
        with self._store.guarded(keys.sign_in(attempt)):
            return bool(self._store.redis.set(key, "1", ex=within_s, nx=True))

    def _key(self, digest: str) -> str:
        return self._store.key(keys.session(digest))

    def _of_owner(self, session: Session | PersonSession) -> str:
        return self._store.key(keys.sessions_of(session.owner))

    def _guarded(self, digest: str) -> Any:
        return self._store.guarded(keys.session(digest))


def _read(text: Any) -> Session | PersonSession | None:
    """What Redis keeps; None for anything that is no session."""
    if not isinstance(text, str):
        return None
    if (found := _KEPT.fullmatch(text)) is not None:
        return Session(found[1], found[2])
    try:
        issuer, subject, name, claim, values, signed_in_at, seal = json.loads(text)
    except (ValueError, TypeError):
        return None
    if not all(isinstance(one, str) for one in (issuer, subject, name, claim, seal)) or not isinstance(
        signed_in_at, int
    ):
        return None
    if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
        return None
    return PersonSession(issuer, subject, name, claim, tuple(values), signed_in_at, seal)
