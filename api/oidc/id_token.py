"""An id token: whether it is to be believed (OpenID Connect Core, 3.1.3.7). Authlib judges, this asks for all of it."""

from __future__ import annotations

import time
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key

from leadmill.errors import SignInFailedError
from leadmill.log import get_logger

log = get_logger(__name__)

#: By a key that only the provider has: no `none`, and no HS256, for which a public key would do as the secret.
ALGORITHMS = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA",
]  # fmt: skip
#: A longer one is not looked at.
MAX_CHARACTERS = 100_000
#: Clocks may differ by so much, seconds.
LEEWAY_S = 60
#: Longest `sub` (Core, 2: 255 characters).
MAX_SUBJECT = 255

Claims = dict[str, Any]


def key_id_in(id_token: str) -> str | None:
    """The id of the key that one says it is signed by.

    Raises:
        SignInFailedError: it is none, or signed by no algorithm that counts.
    """
    try:
        header = jws.extract_compact(id_token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise _refused("it has another form", error) from error
    if header.get("alg") not in ALGORITHMS:
        raise _refused(f"its algorithm {str(header.get('alg'))[:20]!r} does not count")
    key_id = header.get("kid")
    return key_id if isinstance(key_id, str) else None


def checked(
    id_token: str, key: Key, *, issuer: str, client_id: str, nonce: str, not_before: int, access_token: object
) -> Claims:
    """What an id token says, if it was made for this installation and this attempt.

    Raises:
        SignInFailedError: it was not, or it is no longer good.
    """
    try:
        token = jwt.decode(id_token, key, algorithms=ALGORITHMS)
        claims = CodeIDToken(
            token.claims,
            token.header,
            options={"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
            params={"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(now=int(time.time()), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise _refused(f"{type(error).__name__} {error}", error) from error
    said: Claims = dict(claims)
    if not isinstance(said["sub"], str) or not 0 < len(said["sub"]) <= MAX_SUBJECT:
        raise _refused("its sub is no text of 1 to 255 characters")
    if said["iat"] < not_before - LEEWAY_S:
        raise _refused("it was made before this attempt to sign in began")
    return said


def _refused(why: str, error: Exception | None = None) -> SignInFailedError:
    log.warning("an id token is not believed", why=why[:200])
    return SignInFailedError(
        "what the identity provider said of you is not to be believed: sign in again; if that does not help, whoever "
        "administers this installation finds the reason in the API's log",
        code="id_token_refused",
    )
