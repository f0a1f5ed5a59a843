"""Whether a store enforces the conditions that nothing is lost by; asked once, at a process's start."""

from __future__ import annotations

import secrets

from data.object_store.client import Bucket
from leadmill.errors import ConfigError


class UnfitStoreError(ConfigError):
    """A store that takes a conditional put whose condition does not hold, or that nothing can be put into."""


def probe(bucket: Bucket, prefix: str = ".probe-") -> None:
    """Create, create again, and replace what is no more there: two of them must be refused.

    Raises:
        UnfitStoreError: one was not, or the store does not answer, or refuses altogether.
    """
    try:
        _probe(bucket, prefix + secrets.token_hex(8))
    except OSError as error:
        raise UnfitStoreError(f"no lake can be kept in {bucket.place}: {error.strerror or error}") from error


def _probe(bucket: Bucket, key: str) -> None:
    created = bucket.put_if(key, b"first", None)
    try:
        if bucket.put_if(key, b"second", None):
            raise UnfitStoreError(f"{bucket.place}: a second create of one name was taken (If-None-Match)")
        first = bucket.head(key)
        if not created or first is None or not bucket.put_if(key, b"third", first.etag):
            raise UnfitStoreError(f"{bucket.place}: what was put is not found under its ETag (If-Match)")
        if bucket.put_if(key, b"fourth", first.etag):
            raise UnfitStoreError(f"{bucket.place}: a put over a version that is no more was taken (If-Match)")
    finally:
        bucket.delete([key])
