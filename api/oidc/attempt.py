"""One attempt to sign in: what binds the browser that was sent to a provider to the one that comes back.

All of it lies in a cookie of that browser, signed; nothing is kept here, so nobody can fill anything by beginning.
State, nonce and PKCE's verifier follow from the cookie, so none of them tells another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from typing import NamedTuple

from leadmill.errors import SignInFailedError

#: An attempt is good for so long, seconds.
ATTEMPT_S = 600
#: A longer address to go on to would not fit into a cookie; the first page is shown instead, characters.
MAX_ONWARD = 1_500
_FORM = re.compile(r"([0-9]{1,12})\.([A-Za-z0-9_-]{43})\.([A-Za-z0-9_-]{0,2100})\.([A-Za-z0-9_-]{43})")


class Attempt(NamedTuple):
    """`cookie` is what the browser keeps; the other texts are 43 characters of base64url."""

    cookie: str
    state: str
    nonce: str
    verifier: str
    #: When it began, seconds since 1970; where to go on to.
    began_at: int
    onward: str

    @property
    def digest(self) -> str:
        """What it is known by once it is used."""
        return hashlib.sha256(self.cookie.encode()).hexdigest()


class Attempts:
    """Makes and reads them; `secret` is that of the installation at its provider."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def begin(self, onward: str) -> Attempt:
        kept = onward if len(onward) <= MAX_ONWARD else "/"
        body = f"{int(time.time())}.{secrets.token_urlsafe(32)}.{_base64(kept.encode())}"
        return self._made(f"{body}.{self._mac('cookie', body)}", int(time.time()), kept)

    def returned(self, cookie: str | None, state: str | None) -> Attempt:
        """The one that a browser comes back from.

        Raises:
            SignInFailedError: it is another browser's, too old, or none.
        """
        found = _FORM.fullmatch(cookie or "")
        if cookie is None or found is None:
            raise _begin_again("this browser has not begun to sign in, or took longer than 10 minutes")
        body, mac = cookie.rsplit(".", 1)
        if not hmac.compare_digest(mac, self._mac("cookie", body)):
            raise _begin_again("this browser has not begun to sign in here")
        if not 0 <= time.time() - int(found[1]) <= ATTEMPT_S:
            raise _begin_again("signing in took longer than 10 minutes")
        attempt = self._made(cookie, int(found[1]), base64.urlsafe_b64decode(found[3] + "==").decode())
        if state is None or not hmac.compare_digest(state.encode(), attempt.state.encode()):
            raise _begin_again("the provider's answer belongs to another browser or another attempt")
        return attempt

    def _made(self, cookie: str, began_at: int, onward: str) -> Attempt:
        state, nonce, verifier = (self._mac(what, cookie) for what in ("state", "nonce", "verifier"))
        return Attempt(cookie, state, nonce, verifier, began_at, onward)

    def _mac(self, what: str, text: str) -> str:
        return _base64(hmac.digest(self._secret, f"leadmill {what} {text}".encode(), "sha256"))


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _begin_again(why: str) -> SignInFailedError:
    return SignInFailedError(f"{why}: sign in again", code="sign_in_expired", status=400)
