"""From a request's headers to its caller. Each way to prove who one is is one function that gives an `Admission`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network
from itertools import islice
from typing import NamedTuple

from api.keyring import Keyring
from api.sessions import Sessions
from data.api_keys import ApiKey, KeyTable, digest_of, id_in
from data.sessions import PersonSession, Session, digest_of_session
from leadmill.access import API_KEY, Caller
from leadmill.errors import KeyRefusedError, KeysUnreadableError, TooManyGuessesError

#: What a refused caller is told to send (RFC 9110, 11.6.1).
CHALLENGE = 'Bearer realm="leadmill"'
# In words that the redactor of answers has nothing to hide of.
_ADVICE = "send it in the header X-API-Key, or in Authorization behind `Bearer`; `leadmill keys create` makes one"


class Admission(NamedTuple):
    """Who was let in."""

    caller: Caller
    #: Whether it still would be: what stays open asks again and again.
    still: Callable[[], bool]


class _Known(NamedTuple):
    """An admission that holds for the rest of a second, while the table is the same."""

    table: KeyTable
    second: int
    admission: Admission


#: Who was let in within this second, by key and address: a program that asks often is looked for once a second, as
#: the table is. Nobody who was refused stands here.
_lately: dict[tuple[str, str], _Known] = {}
_MOST_LATELY = 1_000


def by_key(keyring: Keyring, given: str | None, address: str) -> Admission:
    """Who comes with an API key (`given_key`), or without one where none is asked for.

    Raises:
        KeyRefusedError: there is no key in the request, or none that counts.
        TooManyGuessesError: it is wrong, and too many wrong ones came before it.
        KeysUnreadableError: which keys there are cannot be told.
    """
    table = keyring.table()
    if not table.asks:
        return Admission(Caller.local(address), partial(_asks_nobody, keyring))
    if given is None:
        raise KeyRefusedError(f"an API key is needed: {_ADVICE}", code="key_missing")
    shown, second = (given, address), int(time.monotonic())
    known = _lately.get(shown)
    if known is not None and known.table is table and known.second == second:
        return known.admission
    key = found_key(keyring, given, address)
    admission = Admission(key.caller(address), partial(_still_counts, keyring, given, address))
    if len(_lately) >= _MOST_LATELY or any(one.second != second for one in islice(_lately.values(), 1)):
        _lately.clear()  # those of a second that is over, too: nothing is kept that is of no use any more
    _lately[shown] = _Known(table, second, admission)
    return admission


async def by_session(keyring: Keyring, sessions: Sessions, session_id: str, address: str) -> Admission:
    """Who comes with a browser that is signed in. A session is good for no more than the key it was begun
    with, or the role that a person has now.

    Raises:
        KeyRefusedError: the session has ended, or its key counts no more, or not from here.
        KeysUnreadableError, UnavailableError: neither can be told.
    """
    table = keyring.table()
    digest = digest_of_session(session_id)
    session = await sessions.find(digest)
    if session is None:
        raise KeyRefusedError("this browser is signed in no more: sign in again at /sign-in", code="session_ended")
    if isinstance(session, PersonSession):
        still = partial(_still_signed_in_person, keyring, sessions, session, digest, address)
        return Admission(_person(sessions, session, address), still)
    now = datetime.now(UTC)
    key = table.find_by_digest(*session, address, now)
    keyring.note_use(key.id, now)
    still = partial(_still_signed_in, keyring, sessions, session, digest, address)
    return Admission(key.caller(address), still)


def begun_by(key: ApiKey, given: str) -> Session:
    """The session of a browser that has given a key."""
    return Session(key.id, digest_of(given))


def found_key(keyring: Keyring, given: str, address: str) -> ApiKey:
    """The key that was given, if it counts; wrong ones are counted.

    Raises:
        KeyRefusedError: it does not.
        TooManyGuessesError: it does not, and too many wrong ones came before it.
        KeysUnreadableError: which keys there are cannot be told.
    """
    table, now = keyring.table(), datetime.now(UTC)
    try:
        key = table.find(given, address, now)
    except KeyRefusedError as error:
        # Only wrong ones are made to wait. Were the right one, too, whoever shares its address could keep it out.
        if error.code == "key_unknown" and not (taken := keyring.guesses.take(network_of(address))).allowed:
            raise TooManyGuessesError(taken.free_in_s) from error
        raise
    keyring.note_use(key.id, now)
    return key


def shown_id(given: str | None) -> str | None:
    """The id of a key that is shown, whether it counts or not; None: it does not look like a key."""
    return id_in(given) if given and API_KEY.fullmatch(given) else None


def given_key(headers: Mapping[bytes, bytes]) -> str | None:
    """The key in a request's headers. The header of our own goes before one that a proxy may use for itself."""
    own = headers.get(b"x-api-key")
    if own is not None:
        return own.decode("latin-1").strip()
    scheme, _, rest = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else None


@lru_cache(maxsize=1_024)
def network_of(address: str) -> str:
    """Whom places are counted by: an address, or the network that one subscriber has of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((int(found) >> 64 << 64, 64))) if found.version == 6 else address


def _asks_nobody(keyring: Keyring) -> bool:
    return keyring.is_readable and not keyring.table().asks


def _still_signed_in(keyring: Keyring, sessions: Sessions, session: Session, digest: str, address: str) -> bool:
    try:
        keyring.table().find_by_digest(*session, address, datetime.now(UTC))
    except (KeyRefusedError, KeysUnreadableError):
        return False
    return sessions.lives(digest)


def _person(sessions: Sessions, session: PersonSession, address: str) -> Caller:
    if sessions.people is None:
        raise KeyRefusedError("people sign in here no more, but by a key: /sign-in", code="session_ended")
    return sessions.people.caller(session, address)


def _still_signed_in_person(
    keyring: Keyring, sessions: Sessions, session: PersonSession, digest: str, address: str
) -> bool:
    try:
        _person(sessions, session, address)
    except KeyRefusedError:
        return False
    return keyring.is_readable and sessions.lives(digest)


def _still_counts(keyring: Keyring, given: str, address: str) -> bool:
    try:
        keyring.table().find(given, address, datetime.now(UTC))
    except (KeyRefusedError, KeysUnreadableError):
        return False
    return True
