"""A provider as it describes itself: where a browser is sent, and what its code and its keys are worth.

Importing this takes the extra `leadmill[oidc]` (Authlib, and joserfc that it brings).
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from api.oidc.attempt import Attempt
from api.oidc.bounded import Asking
from api.oidc.id_token import MAX_CHARACTERS, Claims, checked, key_id_in
from leadmill.errors import SignInFailedError, UnavailableError
from leadmill.log import get_logger

log = get_logger(__name__)

#: What a provider says of itself is believed for so long, seconds.
KNOWN_S = 3_600.0
#: One that could not be asked what it is is not asked again at once: who waits for the first is told the same, seconds.
AWAY_S = 2.0
#: For a key that is not known its keys are fetched anew, at most so often, seconds.
KEYS_EVERY_S = 10.0
#: Most keys that are read.
MAX_KEYS = 100
_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


class Provider:
    """One, as it is known by its issuer. Calls block: run them in a thread."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, scopes: str) -> None:
        self.issuer, self._client_id, self._scopes = issuer, client_id, scopes
        self._client_secret = client_secret
        self._asking = Asking(issuer)
        self._about: tuple[float, dict[str, Any]] | None = None
        self._away: tuple[float, UnavailableError] | None = None
        self._keys: tuple[float, list[Key]] | None = None
        self._looking = threading.Lock()

    def close(self) -> None:
        """Let go of its connections."""
        self._asking.close()

    def address(self, attempt: Attempt, redirect_uri: str) -> str:
        """Where the browser is sent.

        Raises:
            UnavailableError: the provider does not say.
        """
        asked = {
            "response_type": "code", "client_id": self._client_id, "redirect_uri": redirect_uri, "scope": self._scopes,
            "state": attempt.state, "nonce": attempt.nonce, "code_challenge_method": "S256",
            "code_challenge": create_s256_code_challenge(attempt.verifier),
        }  # fmt: skip
        with self._asking.room():
            endpoint = self._described()["authorization_endpoint"]
        return str(add_params_to_uri(endpoint, list(asked.items())))

    def check_sender(self, issuer: str | None) -> None:
        """Whether an answer that a browser brings is this provider's, as far as it says (RFC 9207).

        Raises:
            SignInFailedError: it is another's.
            UnavailableError: the provider cannot be asked whether it always says.
        """
        with self._asking.room():
            about = self._described()
        always = about.get("authorization_response_iss_parameter_supported") is True
        if issuer != self.issuer and (always or issuer is not None):
            raise SignInFailedError("the answer is another provider's: sign in again", code="sign_in_refused")

    def claims(self, code: str, attempt: Attempt, redirect_uri: str) -> Claims:
        """What the provider says of the person that it has given this code.

        Raises:
            SignInFailedError: the code is worth nothing, or what came for it is not to be believed.
            UnavailableError: the provider does not answer as it should.
        """
        with self._asking.room():
            return self._claims(code, attempt, redirect_uri)

    def _claims(self, code: str, attempt: Attempt, redirect_uri: str) -> Claims:
        given = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri,
            "code_verifier": attempt.verifier,
        }  # fmt: skip
        about = self._described()
        form, headers = self._shown(about, given)
        status, answer = self._asking.post(about["token_endpoint"], form, headers)
        id_token = answer.get("id_token")
        if status != 200 or not isinstance(id_token, str) or len(id_token) > MAX_CHARACTERS:
            log.warning("no id token came for a code", status=status, error=str(answer.get("error"))[:100])
            raise SignInFailedError(
                "the identity provider gave nothing for what the browser brought: sign in again; if that does not "
                "help, whoever administers this installation finds its reason in the API's log",
                code="sign_in_refused",
            )
        return checked(
            id_token,
            self._key_for(id_token, about),
            issuer=self.issuer,
            client_id=self._client_id,
            nonce=attempt.nonce,
            not_before=attempt.began_at,
            access_token=answer.get("access_token"),
        )

    def _shown(self, about: Mapping[str, Any], form: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """The form and headers by which this installation shows its secret; in the header, where that is known."""
        methods = about.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" not in methods and "client_secret_post" in methods:
            return {**form, "client_id": self._client_id, "client_secret": self._client_secret}, {}
        pair = f"{quote_plus(self._client_id)}:{quote_plus(self._client_secret)}"  # RFC 6749, 2.3.1
        return form, {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def _described(self) -> dict[str, Any]:
        with self._looking:
            if self._about is not None and time.monotonic() - self._about[0] <= KNOWN_S:
                return self._about[1]
            if self._away is not None and time.monotonic() - self._away[0] <= AWAY_S:
                raise UnavailableError(str(self._away[1]))
            try:
                about = self._fetched()
            except UnavailableError as error:
                self._away = time.monotonic(), error
                raise
            self._about = time.monotonic(), about
            return about

    def _fetched(self) -> dict[str, Any]:
        about = self._asking.get(f"{self.issuer.removesuffix('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self.issuer:
            log.error("the identity provider names itself otherwise", issuer=str(about.get("issuer"))[:200])
            raise UnavailableError(
                "the identity provider names itself otherwise than LEADMILL_OIDC_ISSUER does; both have to be the "
                "same, letter by letter"
            )
        for name in _NEEDED:
            if not self._asking.may_be_at(about.get(name)):
                raise UnavailableError(f"the identity provider gives no {name} that may be asked; sign in by a key")
        return about

    def _key_for(self, id_token: str, about: Mapping[str, Any]) -> Key:
        """The key that an id token says it is signed by. Keys are fetched anew for one that is not known."""
        key_id = key_id_in(id_token)
        with self._looking:
            age = None if self._keys is None else time.monotonic() - self._keys[0]
            found = None if age is None or age > KNOWN_S else _chosen(self._keys[1] if self._keys else [], key_id)
            if found is None and (age is None or age > KEYS_EVERY_S):
                self._keys = time.monotonic(), _read_keys(self._asking.get(about["jwks_uri"]))
                found = _chosen(self._keys[1], key_id)
        if found is None:
            raise SignInFailedError(
                "what the identity provider said is signed by a key that it does not list: sign in again",
                code="id_token_refused",
            )
        return found


def _chosen(keys: list[Key], key_id: str | None) -> Key | None:
    """The key of this id; without one the only key that there is."""
    found = keys if key_id is None else [key for key in keys if key.kid == key_id]
    return found[0] if len(found) == 1 else None


def _read_keys(answer: Mapping[str, Any]) -> list[Key]:
    """Public keys for signatures; those of other kinds are left out, for a provider may have some for other uses."""
    listed = answer.get("keys")
    found = []
    for one in listed[:MAX_KEYS] if isinstance(listed, list) else []:
        if not isinstance(one, dict) or one.get("kty") not in ("RSA", "EC", "OKP") or one.get("use", "sig") != "sig":
            continue
        try:
            found.append(JWKRegistry.import_key(one))
        except (JoseError, ValueError, TypeError, KeyError) as error:
            log.debug("a key of the identity provider is left out", error=str(error)[:200])
    return found
