"""Requests to an object store, each repeated as long as that may help, and told as errors of the system where not.

A request may fail before it took effect, after it, or take effect when nobody waits for it any more. So only such are
made that bear it: bytes under a name that is theirs for ever, and puts under a condition, which leave a mark of who
wrote: whoever is told that the condition no longer holds looks whether it was himself.
"""

from __future__ import annotations

import errno
import os
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from obstore.store import S3Store

from data.mounts import is_about_to_fork
from data.object_store.beside import beside
from leadmill.log import get_logger

log = get_logger(__name__)
Answer = TypeVar("Answer")

#: Pauses between tries of one request, seconds: doubled each time, each by chance up to a half shorter.
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0
#: Larger files are sent in parts, which may not be put under a condition.
_IN_PARTS = 64 << 20
_WRITER = "writer"
#: Answers that say that nothing was done.
_WITHOUT_EFFECT = (409, 429, 503)
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"status code: (\d{3})")

#: What a store means by its codes, as errors of the system. What is not here, and no refusal, is tried again.
_MEANING: dict[str, tuple[int, str]] = {
    "ExpiredToken": (errno.EACCES, "the credentials have expired"),
    "InvalidToken": (errno.EACCES, "the credentials are not known there"),
    "InvalidAccessKeyId": (errno.EACCES, "the access key is not known there"),
    "SignatureDoesNotMatch": (errno.EACCES, "the secret key is not the access key's"),
    "AccessDenied": (errno.EACCES, "the credentials do not allow it"),
    "RequestTimeTooSkewed": (errno.EACCES, "this machine's clock is not the store's; set it right"),
    "NoSuchBucket": (errno.ENOENT, "there is no such bucket"),
    "QuotaExceeded": (errno.ENOSPC, "the bucket's quota is used up"),
    "XMinioStorageFull": (errno.ENOSPC, "the store is full"),
    "XMinioAdminBucketQuotaExceeded": (errno.ENOSPC, "the bucket's quota is used up"),
    "MethodNotAllowed": (errno.EROFS, "the store takes no writes"),
}
_BY_STATUS = {401: _MEANING["AccessDenied"], 403: _MEANING["AccessDenied"], 507: _MEANING["XMinioStorageFull"]}


@dataclass(frozen=True)
class Place:
    """Where a lake lies: a bucket, a prefix in it, and what else obstore has to know (`endpoint`, `region`, keys …)."""

    bucket: str
    prefix: str = ""
    options: dict[str, Any] = field(default_factory=dict, hash=False, repr=False)
    #: Seconds that one try of a request may take.
    try_s: float = 30.0
    #: Seconds after which no further try begins.
    patience_s: float = 20.0

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


class Head(NamedTuple):
    """What a store says of an object beside its bytes."""

    size: int
    etag: str
    modified: datetime
    #: Who put it under a condition.
    writer: str | None = None


def _asked(method: Callable[..., Any]) -> Any:
    """A method of a bucket, which a process that forks has called in one beside it."""

    @wraps(method)
    def ask(self: Bucket, *arguments: Any) -> Any:
        if is_about_to_fork():
            return beside.ask(self.place, method.__name__, arguments)
        return method(self, *arguments)

    return ask


class Bucket:
    """The objects below one place, by their keys. Safe between threads and cheap to make; connects at first use.

    Every method raises OSError for what stays wrong, with an errno that says whose fault it is.
    """

    #: Which process has asked a store by itself: no child of it can.
    _asker: int | None = None

    def __init__(self, place: Place) -> None:
        self.place = place
        #: Requests that were answered, by method, and bytes that came in.
        self.requests: dict[str, int] = {}
        self.bytes_read = 0
        self._counting = threading.Lock()

    # ---- reading ---------------------------------------------------------------------------------------

    @_asked
    def head(self, key: str) -> Head | None:
        """What is known of an object, None when there is none."""
        found = self._ask("HEAD", key, lambda: obstore.get(self._store, key, options={"head": True}))
        return None if found is None else _head(found)

    @_asked
    def get(self, key: str) -> tuple[bytes, Head] | None:
        """An object whole, None when there is none."""
        return self._ask("GET", key, lambda: self._whole(obstore.get(self._store, key)))

    @_asked
    def tail(self, key: str, length: int) -> tuple[bytes, Head] | None:
        """The last bytes of an object, and what is known of it; None when there is none."""
        return self._ask(
            "GET", key, lambda: self._whole(obstore.get(self._store, key, options={"range": {"suffix": length}}))
        )

    @_asked
    def range(self, key: str, start: int, length: int, etag: str) -> bytes:
        """Bytes of an object that still has this ETag.

        Raises:
            FileNotFoundError: it has not, or there is none.
        """
        options: obstore.GetOptions = {"range": (start, start + length), "if_match": etag}
        try:
            found = self._ask("GET", key, lambda: self._whole(obstore.get(self._store, key, options=options)))
        except PreconditionError:
            found = None
        if found is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), key)
        return found[0]

    @_asked
    def names(self, prefix: str) -> tuple[list[str], list[str]]:
        """Names of objects, and of what stands for folders, right below a prefix."""
        files, folders = self.right_below(prefix)
        return [key.rpartition("/")[2] for key in files], folders

    @_asked
    def right_below(self, prefix: str) -> tuple[dict[str, Head], list[str]]:
        """The same, the objects by their keys, with what is known of each."""
        found = self._ask("LIST", prefix, lambda: obstore.list_with_delimiter(self._store, prefix or None))
        if found is None:
            return {}, []
        folders = [one.rstrip("/").rpartition("/")[2] for one in found["common_prefixes"]]
        return {one["path"]: _listed(one) for one in found["objects"]}, folders

    @_asked
    def all(self, prefix: str) -> list[tuple[str, Head]]:
        """Every object below a prefix, by its key."""
        found = self._ask("LIST", prefix, lambda: obstore.list(self._store, prefix or None).collect()) or []
        return [(one["path"], _listed(one)) for one in found]

    # ---- writing ---------------------------------------------------------------------------------------

    @_asked
    def put(self, key: str, data: bytes | Path) -> None:
        """Write an object over whatever has its key. Of what is late: let the bytes under a key always be the same."""
        parts = isinstance(data, Path) and data.stat().st_size > _IN_PARTS
        self._ask("PUT", key, lambda: obstore.put(self._store, key, data, use_multipart=parts))

    @_asked
    def put_if(self, key: str, data: bytes, etag: str | None) -> bool:
        """Write an object if it is the one with this ETag (None: if there is none); whether it was.

        Raises:
            UntoldError: an answer was lost, and somebody else has put another one since.
        """
        writer, is_unsure = secrets.token_hex(8), False

        def ask() -> bool:
            nonlocal is_unsure
            try:
                obstore.put(
                    self._store,
                    key,
                    data,
                    mode="create" if etag is None else {"e_tag": etag},
                    attributes={_WRITER: writer},
                    use_multipart=False,
                )
            except (AlreadyExistsError, PreconditionError) as error:
                if _status(error) == 409:  # another one is being written in this moment
                    raise _BusyError(str(error)) from error
                return False
            except BaseError as error:
                is_unsure = is_unsure or _status(error) not in _WITHOUT_EFFECT
                raise
            return True

        if self._ask("PUT", key, ask):
            return True
        if not is_unsure:
            return False
        found = self.head(key)  # an earlier try may have taken effect, its answer lost
        if found is None or found.writer != writer:
            raise UntoldError(errno.EIO, f"{self.place.bucket}: whether it was put cannot be told", key)
        return True

    @_asked
    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are not there are as good."""
        if keys:
            self._ask("DELETE", keys[0], lambda: obstore.delete(self._store, keys))

    @_asked
    def copy(self, key: str, other: str) -> bool:
        """Write an object under another key, too; False where there is none."""

        def ask() -> bool:
            obstore.copy(self._store, key, other)
            return True

        return self._ask("COPY", key, ask) is True

    # ---- asking ----------------------------------------------------------------------------------------

    @property
    def _store(self) -> S3Store:
        if Bucket._asker != os.getpid():
            if Bucket._asker is not None:  # the client's threads do not live on here: it would wait for them for ever
                raise RuntimeError(f"process {Bucket._asker} has asked a store and then forked; see about_to_fork()")
            Bucket._asker = os.getpid()
        return self._client

    @cached_property
    def _client(self) -> S3Store:
        return S3Store(
            self.place.bucket,
            prefix=self.place.prefix or None,
            client_options={
                "allow_http": True,
                "timeout": timedelta(seconds=self.place.try_s),
                "connect_timeout": timedelta(seconds=min(5.0, self.place.try_s)),
            },
            retry_config={"max_retries": 0, "backoff": {}, "retry_timeout": timedelta(seconds=self.place.try_s)},
            **self.place.options,
        )

    def _whole(self, found: Any) -> tuple[bytes, Head]:
        return self._counted(bytes(found.bytes())), _head(found)

    def _counted(self, data: bytes) -> bytes:
        with self._counting:
            self.bytes_read += len(data)
        return data

    def _ask(self, method: str, key: str, request: Callable[[], Answer]) -> Answer | None:
        """What a request is answered, None where there is no such object; tried again while that may help."""
        until = time.monotonic() + self.place.patience_s
        pause = _FIRST_PAUSE_S
        while True:
            with self._counting:
                self.requests[method] = self.requests.get(method, 0) + 1
            try:
                return request()
            except FileNotFoundError as error:
                if (code := _code(error)) == "NoSuchBucket":
                    raise self._wrong(key, *_MEANING[code]) from error
                return None
            except PreconditionError:
                raise
            except BaseError as error:
                if (meaning := _meaning(error)) is not None:
                    raise self._wrong(key, *meaning) from error
                if time.monotonic() + pause > until:
                    raise self._wrong(key, errno.ETIMEDOUT, f"no answer that can be used: {_said(error)}") from error
                log.debug("an object store is asked again", key=key, method=method, error=_said(error))
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _wrong(self, key: str, number: int, what: str) -> OSError:
        return OSError(number, f"{self.place.bucket}: {what}", key)


class UntoldError(OSError):
    """Whether a conditional put took effect cannot be told any more."""


class _BusyError(BaseError):
    """A conditional put met another one: neither has been told who wins."""


def _head(found: Any) -> Head:
    about = found.meta
    return Head(about["size"], about["e_tag"] or "", about["last_modified"], found.attributes.get(_WRITER))


def _listed(one: Any) -> Head:
    return Head(one["size"], one["e_tag"] or "", one["last_modified"])


def _code(error: Exception) -> str:
    found = _CODE.search(str(error))
    return found[1] if found else ""


def _status(error: Exception) -> int:
    found = _STATUS.search(str(error))
    return int(found[1]) if found else 0


def _meaning(error: BaseError) -> tuple[int, str] | None:
    """What an error says for good; None for one that another try may not meet."""
    status = _status(error)
    if (known := _MEANING.get(_code(error)) or _BY_STATUS.get(status)) is not None:
        return known
    if 400 <= status < 500 and status not in (408, 409, 425, 429):
        return errno.EIO, f"refused ({_said(error)})"
    return None


def _said(error: BaseException) -> str:
    code, status = _code(error) if isinstance(error, Exception) else "", _status(error)  # type: ignore[arg-type]
    if status:
        return f"HTTP {status}{f' {code}' if code else ''}"
    return str(error).splitlines()[0].rpartition(" - ")[2][:200]
