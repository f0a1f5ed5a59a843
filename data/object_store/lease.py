"""A right that one process holds, kept in an object that its holder writes anew while it lives.

Nobody's clock is compared with another's: who waits has seen the same version for as long as the lease is good for,
by its own clock, and takes it by a conditional put. A holder that slept may hold it beside the next one: what is done
under it has to end in a swap, which then refuses.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from data.object_store.client import Bucket, UntoldError
from data.storage import HeldError
from leadmill.log import get_logger

log = get_logger(__name__)

#: Seconds after which a lease that its holder does not write anew is another's, and between two writings.
GOOD_FOR_S, RENEWED_S = 10.0, 2.0
_FREE = b"free "


@contextmanager
def held(
    bucket: Bucket,
    key: str,
    wait_s: float,
    poll_s: float,
    waiting: Callable[[], None],
    good_for_s: float = GOOD_FOR_S,
) -> Iterator[None]:
    """Hold a right alone; see `data.storage.Storage.lock`.

    Raises:
        HeldError: another one holds it for longer than `wait_s`.
    """
    etag = _taken(bucket, key, wait_s, poll_s, waiting, good_for_s)
    ended = threading.Event()
    renewing = _Renewing(bucket, key, etag, ended, good_for_s * RENEWED_S / GOOD_FOR_S)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        _give_back(bucket, key, renewing.etag)


def _taken(
    bucket: Bucket, key: str, wait_s: float, poll_s: float, waiting: Callable[[], None], good_for_s: float
) -> str:
    """Take it; the version that is ours."""
    until = time.monotonic() + wait_s
    seen: str | None = None
    seen_at = time.monotonic()
    while True:
        found = bucket.get(key)
        etag = found[1].etag if found else None
        if etag != seen:
            seen, seen_at = etag, time.monotonic()
        if found is None or found[0].startswith(_FREE) or time.monotonic() - seen_at > good_for_s:
            told = _told()
            with suppress(UntoldError):  # then it is another's
                if bucket.put_if(key, told, etag) and (own := bucket.get(key)) and own[0] == told:
                    return own[1].etag
        waiting()
        if time.monotonic() > until:
            raise HeldError(f"another process holds {key} for longer than {wait_s:g} s")
        time.sleep(poll_s)


class _Renewing(threading.Thread):
    """Writes the lease anew until it is given back, or is another's."""

    def __init__(self, bucket: Bucket, key: str, etag: str, ended: threading.Event, every_s: float) -> None:
        super().__init__(name=f"lease {key}", daemon=True)
        self._bucket, self._key, self._ended, self._every_s = bucket, key, ended, every_s
        self.etag: str | None = etag

    def run(self) -> None:
        while self.etag is not None and not self._ended.wait(self._every_s):
            told = _told()
            try:
                if not self._bucket.put_if(self._key, told, self.etag):
                    log.warning("a lease is another's now", lease=self._key)
                    self.etag = None
                elif (own := self._bucket.head(self._key)) is not None:
                    self.etag = own.etag
            except OSError as error:
                log.warning("a lease is not renewed", lease=self._key, error=str(error))


def _give_back(bucket: Bucket, key: str, etag: str | None) -> None:
    if etag is None:
        return
    try:
        bucket.put_if(key, _FREE + _told(), etag)
    except OSError as error:  # it ends by itself
        log.warning("a lease is not given back", lease=key, error=str(error))


def _told() -> bytes:
    """What no other writing of a lease says; who holds it, for people."""
    return json.dumps({"process": os.getpid(), "host": os.uname().nodename, "mark": secrets.token_hex(8)}).encode()
