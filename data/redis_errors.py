"""What an error of Redis means: does not answer, refuses, or holds something that is not ours."""

from __future__ import annotations

import re

from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from leadmill.errors import (
    DamagedRecordError,
    LeadmillError,
    StoreAccessError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreNotSavingError,
    StoreReadOnlyError,
    StoreRefusedError,
    UnavailableError,
)

#: Error codes of the server and what they mean; the client library has classes of its own for some and cuts the code.
_CODES: dict[str, type[StoreRefusedError]] = {
    "OOM": StoreFullError,
    "READONLY": StoreReadOnlyError,
    "MISCONF": StoreNotSavingError,
    "NOREPLICAS": StoreNotSavingError,
    "NOAUTH": StoreAccessError,
    "WRONGPASS": StoreAccessError,
    "NOPERM": StoreAccessError,
    "LOADING": StoreBusyError,
    "BUSY": StoreBusyError,
    "MASTERDOWN": StoreBusyError,
    "CLUSTERDOWN": StoreBusyError,
    "TRYAGAIN": StoreBusyError,
}
_CLASSES: tuple[tuple[type[RedisError], type[StoreRefusedError]], ...] = (
    (OutOfMemoryError, StoreFullError),
    (ReadOnlyError, StoreReadOnlyError),
    (NoPermissionError, StoreAccessError),
    (AuthenticationError, StoreAccessError),
    (BusyLoadingError, StoreBusyError),
)
#: The code stands first; older servers wrap an error inside a script: `ERR Error running script (…): @user: 1: -OOM …`.
_CODE = re.compile(r"(?:^|\s-)([A-Z]{3,})\b")
#: What the client library puts before the error of one command among many: its name and its key.
_PIPED = re.compile(r"Command # \d+ \(\S+?(?: (\S+?)(?: .*)?)?\) of pipeline caused error: ")
_TOLD_CHARS = 200


def classified(error: RedisError, *keys: str) -> LeadmillError:
    """The error to raise for one of Redis; `keys` are those that were asked for, named where one is damaged."""
    text = " ".join(str(error).split())
    if piped := _PIPED.match(text):  # what the server said comes behind it
        text = text[piped.end() :]
    if isinstance(error, ResponseError) and "WRONGTYPE" in _codes(text):
        if piped and piped[1]:
            keys = (piped[1],)
        return DamagedRecordError(
            f"{' or '.join(keys) or 'a key'} of the job store is of another type; something else has written it: "
            f"rename it (redis-cli RENAME), then repeat the call (Redis says: {text[-_TOLD_CHARS:]})",
            key=keys[0] if len(keys) == 1 else None,
        )
    meant: type[StoreRefusedError | StoreError] | None
    meant = next((ours for theirs, ours in _CLASSES if isinstance(error, theirs)), None)
    if meant is None and isinstance(error, ResponseError):
        meant = next((_CODES[code] for code in _codes(text) if code in _CODES), StoreError)
    if meant is None:
        return UnavailableError(f"the job store does not answer ({type(error).__name__})")
    return meant(f"{meant.advice} (Redis says: {text[-_TOLD_CHARS:]})")


def _codes(text: str) -> list[str]:
    return [str(code) for code in _CODE.findall(text)]


def damaged(key: str, found: str, wanted: str) -> DamagedRecordError:
    """The error of a key whose type is not the one it should have."""
    return DamagedRecordError(
        f"key {key} of the job store holds a {found} where a {wanted} belongs; something else has written it: "
        f"rename it (redis-cli RENAME {key} {key}.damaged), then repeat the call",
        key=key,
    )
