"""Signatures of webhooks by the Standard Webhooks convention: HMAC-SHA-256 over `<id>.<seconds>.<body>`.

The body is signed as the bytes that are sent. A secret is `whsec_` and base64 of 24 to 64 bytes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as random
from collections.abc import Iterable

PREFIX = "whsec_"
#: Bytes of a secret: fewest, most, and of one that is made here.
_FEWEST, _MOST, _MADE = 24, 64, 32


def new_secret() -> str:
    """One that nobody knows yet."""
    return PREFIX + base64.b64encode(random.token_bytes(_MADE)).decode()


def key_of(secret: str) -> bytes:
    """The key that a secret spells.

    Raises:
        ValueError: it is none; the text does not repeat it.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or not _FEWEST <= len(key) <= _MOST:
        raise ValueError(f"a secret is {PREFIX} and base64 of {_FEWEST} to {_MOST} bytes")
    return key


def headers(secrets: Iterable[str], message_id: str, at: int, body: bytes) -> dict[str, str]:
    """Those that tell a receiver who sent this body: a signature by each secret, `at` in seconds since the epoch."""
    signed = f"{message_id}.{at}.".encode() + body
    made = (hmac.new(key_of(secret), signed, hashlib.sha256).digest() for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(signature).decode()}" for signature in made),
    }
