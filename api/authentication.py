"""From a request's headers to its caller. Each way to prove who one is is one function that gives an `Admission`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache, partial
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from api.keyring import Keyring
from data.api_keys import id_in
from leadmill.access import API_KEY, Caller
from leadmill.errors import KeyRefusedError, KeysUnreadableError, TooManyGuessesError

#: What a refused caller is told to send (RFC 9110, 11.6.1).
CHALLENGE = 'Bearer realm="leadmill"'
# In words that the redactor of answers has nothing to hide of.
_ADVICE = "send it in the header X-API-Key, or in Authorization behind `Bearer`; `leadmill keys create NAME` makes one"


class Admission(NamedTuple):
    """Who was let in."""

    caller: Caller
    #: Whether it still would be: what stays open asks again and again.
    still: Callable[[], bool]


def by_key(keyring: Keyring, headers: Mapping[bytes, bytes], address: str) -> Admission:
    """Who comes with an API key, or without one where none is asked for.

    Raises:
        KeyRefusedError: there is no key in the request, or none that counts.
        TooManyGuessesError: it is wrong, and too many wrong ones came before it.
        KeysUnreadableError: which keys there are cannot be told.
    """
    table = keyring.table()
    if not table.asks:
        return Admission(Caller.local(address), partial(_asks_nobody, keyring))
    given = _given(headers)
    if given is None:
        raise KeyRefusedError(f"an API key is needed: {_ADVICE}", code="key_missing")
    now = datetime.now(UTC)
    try:
        key = table.find(given, address, now)
    except KeyRefusedError as error:
        # Only wrong ones are made to wait. Were the right one, too, whoever shares its address could keep it out.
        if error.code == "key_unknown" and not (taken := keyring.guesses.take(_network(address))).allowed:
            raise TooManyGuessesError(taken.free_in_s) from error
        raise
    keyring.note_use(key.id, now)
    return Admission(key.caller(address), partial(_still_counts, keyring, given, address))


def shown_id(headers: Mapping[bytes, bytes]) -> str | None:
    """The id of the key that a request shows, whether it counts or not; None: nothing that looks like a key."""
    given = _given(headers)
    return id_in(given) if given and API_KEY.fullmatch(given) else None


def _given(headers: Mapping[bytes, bytes]) -> str | None:
    """The key in a request. The header of our own goes before one that a proxy may use for itself."""
    own = headers.get(b"x-api-key")
    if own is not None:
        return own.decode("latin-1").strip()
    scheme, _, rest = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else None


@lru_cache(maxsize=1_024)
def _network(address: str) -> str:
    """An address, or the network that one subscriber has of IPv6."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((int(found) >> 64 << 64, 64))) if found.version == 6 else address


def _asks_nobody(keyring: Keyring) -> bool:
    return keyring.is_readable and not keyring.table().asks


def _still_counts(keyring: Keyring, given: str, address: str) -> bool:
    try:
        keyring.table().find(given, address, datetime.now(UTC))
    except (KeyRefusedError, KeysUnreadableError):
        return False
    return True
