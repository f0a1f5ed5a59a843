"""The cookie that holds a browser's session: its name, and where there may be one.

Over HTTPS it is `__Host-leadmill`: no other host can set it, and it never travels in the clear. On loopback it is
named by the lake, for cookies ignore ports: stacks side by side on a machine keep apart. Over any other plain HTTP
there is none, for whoever is on the way would read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from data.identity import read_id
from data.sessions import SESSION_ID
from leadmill.errors import InsecureSignInError, UnavailableError
from leadmill.hosts import LOOPBACK_NAMES, host_of

_SECURE_NAME = "__Host-leadmill"
_ATTRIBUTES = "Path=/; HttpOnly; SameSite=Lax"


class SessionCookie(NamedTuple):
    """One that a browser may be given."""

    name: str
    secure: bool

    def holding(self, value: str, max_age_s: int | None = None) -> str:
        """The value of `Set-Cookie`. The server says when a session ends; the browser forgets it when it is closed, or
        after `max_age_s`.
        """
        age = "" if max_age_s is None else f"Max-Age={max_age_s}; "
        return f"{self.name}={value}; {age}{self._attributes}"

    def beside(self, what: str) -> SessionCookie:
        """Another one of the same browser at the same place."""
        return SessionCookie(f"{self.name}_{what}", self.secure)

    def value_in(self, headers: Mapping[bytes, bytes]) -> str | None:
        """What a request's cookies say by this name; None where none does, or more than one."""
        found = _values(headers, self.name)
        return found[0] if len(found) == 1 else None

    def cleared(self) -> str:
        """The value of `Set-Cookie` that has the browser forget it."""
        return f"{self.name}=; Max-Age=0; {self._attributes}"

    @property
    def _attributes(self) -> str:
        return f"{_ATTRIBUTES}; Secure" if self.secure else _ATTRIBUTES


class SessionCookies:
    """Those of one lake's API."""

    def __init__(self, root: Path, public_url: str | None) -> None:
        self._root = root
        self._https_url = public_url if public_url and public_url.startswith("https://") else None
        self._local: SessionCookie | None = None

    def given_to(self, headers: Mapping[bytes, bytes]) -> SessionCookie:
        """The one for the browser that sent a request, by where it believes to be.

        Raises:
            InsecureSignInError: there may be none; says why, and what to do.
            UnavailableError: the lake has no id yet, or it cannot be read.
        """
        host = headers.get(b"host", b"").decode("latin-1").lower()
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        if self._https_url and self._https_url in (origin, f"https://{host}"):
            return SessionCookie(_SECURE_NAME, secure=True)
        # A proxy may have put another host in the place of the one in the browser; `Origin` stays.
        seen = _host_of_origin(origin) if origin and origin != "null" else host_of(host)
        if seen not in LOOPBACK_NAMES:
            where = self._https_url or "the address of a proxy with HTTPS, and set LEADMILL_PUBLIC_URL to it"
            raise InsecureSignInError(
                f"nobody can sign in at {(origin or host)[:100]!r}: over plain HTTP whoever is on the way would read "
                f"the key. Open {where}; or open it on the machine itself, as http://localhost"
            )
        found = self._of_lake()
        if found is None:
            raise UnavailableError("nobody can sign in yet: the lake has no id before Redis was reached once")
        return found

    def given_on_return(self, headers: Mapping[bytes, bytes]) -> SessionCookie:
        """The same for a browser that a provider sends back: to `LEADMILL_PUBLIC_URL` where that is https, from
        wherever it came.

        Raises:
            InsecureSignInError, UnavailableError: as `given_to`.
        """
        return SessionCookie(_SECURE_NAME, secure=True) if self._https_url else self.given_to(headers)

    def session_in(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The id of the session in a request's cookies; None where there is none, or more than one."""
        if b"cookie" not in headers:
            return None
        names = [_SECURE_NAME] if self._https_url else []
        host = host_of(headers.get(b"host", b"").decode("latin-1"))
        if host in LOOPBACK_NAMES and (local := self._of_lake()) is not None:
            names.append(local.name)
        for name in names:
            found = _values(headers, name)
            if len(found) == 1 and SESSION_ID.fullmatch(found[0]):
                return found[0]
        return None

    def _of_lake(self) -> SessionCookie | None:
        if self._local is None:
            try:
                lake = read_id(self._root)
            except UnavailableError:
                return None
            if lake is not None:
                self._local = SessionCookie(f"leadmill_{lake.removeprefix('lake_')[:12]}", secure=False)
        return self._local


def _values(headers: Mapping[bytes, bytes], name: str) -> list[str]:
    given = (pair.strip().partition("=") for pair in headers.get(b"cookie", b"").decode("latin-1").split(";"))
    return [value for one, _, value in given if one == name]


def _host_of_origin(origin: str) -> str | None:
    """Of a page over plain HTTP; None for any other."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return host_of(parts.netloc) if parts.scheme == "http" else None
