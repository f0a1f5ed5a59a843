"""Whether the two places that hold everything take a write now: the data folder and Redis.

Reading tells nothing of it: a full or read-only disk still lists, a full server or a replica still answers PING. So a
write is tried that leaves nothing behind, and what refuses it is told with the command that mends it.
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

import redis
from redis.exceptions import RedisError

from data import keys
from data.identity import RefusedConnectionError, connect
from data.jobs import JobStore, Status
from data.mounts import local_folder, storage_at
from data.redis_errors import classified
from data.server import durability_risks
from leadmill.errors import (
    DamagedRecordError,
    LeadmillError,
    StoreAccessError,
    StoreBusyError,
    StoreFullError,
    StoreNotSavingError,
    StoreReadOnlyError,
    StoreRefusedError,
)
from leadmill.places import is_in_bucket, url_of
from leadmill.redaction import redis_cli, shown
from leadmill.stages import Queue

#: Free disk space: below the first a warning, below the second a fault (bytes).
DISK = (5_000_000_000, 500_000_000)
#: Below this share of files that may still be made, a warning.
FREE_FILES = 0.01
#: The same of Redis' memory, and of its connections: share of what it may have.
FULL = (0.75, 0.9)
#: A write of so many bytes is tried: what fits into a directory entry would fit on a full disk.
_BYTES = 4_096
#: The same of a bucket: where, and how often, seconds.
_PROBE, _BUCKET_S = ".takes-writes", 30.0
_OF_BUCKETS = {errno.ENOSPC: "full", errno.EROFS: "read-only", errno.ETIMEDOUT: "away"}


@dataclass(frozen=True)
class WriteFault:
    """What refuses a write."""

    #: One word: full, quota, read-only, unwritable, broken (disk); full, replica, not saving, access, busy, damaged,
    #: refused (Redis).
    what: str
    #: A sentence that names the place.
    text: str
    #: A command to paste.
    remedy: str


def disk_fault(folder: Path) -> WriteFault | None:
    """Why the data folder takes no write, or None. A file without a name is written; nothing stays.

    In a bucket an object is written over that is there for it, at most twice a minute; files pass through a folder of
    this machine on their way into it, which is looked at, too.
    """
    return _folder_fault(local_folder(folder)) or (_bucket_fault(folder) if is_in_bucket(folder) else None)


def _folder_fault(folder: Path) -> WriteFault | None:
    try:
        with tempfile.TemporaryFile(dir=existing(folder)) as file:
            file.write(bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return _disk(folder, error)
    return None


#: What was seen last of a bucket, and when.
_seen_buckets: dict[Path, tuple[float, WriteFault | None]] = {}


def _bucket_fault(folder: Path) -> WriteFault | None:
    seen_at, fault = _seen_buckets.get(folder, (-_BUCKET_S, None))
    if time.monotonic() - seen_at < _BUCKET_S:
        return fault
    try:
        storage_at(folder).put(folder / _PROBE, b"takes writes")
        fault = None
    except OSError as error:
        what = _OF_BUCKETS.get(error.errno or 0, "unwritable")
        text = f"the lake at {url_of(folder)} takes no writes: {error.strerror or error}"
        fault = WriteFault(what, text, "leadmill doctor    # and look at AWS_ENDPOINT_URL and the keys")
    _seen_buckets[folder] = time.monotonic(), fault
    return fault


def disk_free(folder: Path) -> int:
    """Bytes that a user may still write on the file system of a folder; of a bucket that of what passes into it."""
    return shutil.disk_usage(existing(folder)).free


def disk_size(folder: Path) -> int:
    """Bytes of the file system of a folder; of a bucket as `disk_free`."""
    return shutil.disk_usage(existing(folder)).total


def existing(folder: Path) -> Path:
    """The folder of this machine, or the nearest one above it that is there."""
    folder = local_folder(folder)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def redis_fault(client: redis.Redis, prefix: str, url: str, kinds: Iterable[str] = ()) -> WriteFault | None:
    """Why Redis takes no write, or None; None, too, when it does not answer at all.

    An empty text is written into a key that is not there: the server checks all that it checks of a write, and makes
    nothing. Then each key that all jobs share is asked for its type: one that something else has written over stops
    submits, or every worker's look at what is due. `kinds` of jobs have keys of their own.
    """
    wanted = keys.shared(Status, kinds)
    try:
        client.setrange(prefix + keys.PROBE, 0, "")
        with client.pipeline(transaction=False) as pipe:
            for name in wanted:
                pipe.type(f"{prefix}{name}")
            found = [kind.decode() if isinstance(kind, bytes) else str(kind) for kind in pipe.execute()]
    except RedisError as error:
        return refused(error, url, prefix)
    for (name, kind), there in zip(wanted.items(), found, strict=True):
        if there not in (kind, "none"):
            return _damaged(f"{prefix}{name}", f"a {there} where a {kind} belongs", url)
    return None


def queues_fault(client: redis.Redis, prefix: str, url: str) -> WriteFault | None:
    """The same of a Redis that holds queues alone, whose user may write nothing else (see deploy/redis-users.acl)."""
    try:
        client.setrange(f"{prefix}{Queue.SCRAPING}:{keys.PROBE}", 0, "")
    except RedisError as error:
        return refused(error, url, prefix)
    return None


def redis_fault_at(url: str, prefix: str, kinds: Iterable[str] = (), timeout_s: float = 2.0) -> WriteFault | None:
    """The same of a server that nothing is connected to yet."""
    with connect(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s) as client:
        return redis_fault(client, prefix, url, kinds)


def store_fault(store: JobStore, url: str, kinds: Iterable[str] = ()) -> WriteFault | None:
    """The same of a job store; its connections are checked to be those of its lake."""
    return redis_fault(store.redis, store.prefix, url, kinds)


@dataclass(frozen=True)
class Memory:
    """Of a Redis, bytes."""

    used: int
    #: Its limit, else what its machine has; 0: it tells neither.
    whole: int
    #: It has a limit of its own.
    is_limited: bool

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Self:
        """From its answer to INFO memory."""
        limit = int(info.get("maxmemory", 0))
        return cls(int(info.get("used_memory", 0)), limit or int(info.get("total_system_memory", 0)), limit > 0)

    @property
    def share(self) -> float:
        """Of the whole."""
        return self.used / self.whole if self.whole else 0.0

    def __str__(self) -> str:
        if not self.whole:
            return f"{self.used / 1e6:.0f} MB used"
        of_what = "its limit" if self.is_limited else "this machine's memory (it has no limit of its own)"
        return f"{self.used / 1e6:.0f} MB used, {self.share:.0%} of {of_what}"


def redis_memory(store: JobStore) -> Memory:
    """What a job store's Redis uses.

    Raises:
        StoreRefusedError: it does not tell this user.
        UnavailableError: it does not answer.
    """
    with store.guarded():
        return Memory.of(store.redis.info("memory"))


class Warned(NamedTuple):
    """A sentence, and the command that mends what it tells; None: there is none."""

    text: str
    remedy: str | None = None

    def __str__(self) -> str:
        return f"{self.text}; {self.remedy}" if self.remedy else self.text


@dataclass(frozen=True)
class Server:
    """How a Redis keeps what it holds."""

    memory: Memory
    #: It writes an append-only file.
    appends: bool
    #: What it does when its memory is full.
    eviction: str

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> Self:
        """From its answer to INFO persistence and memory."""
        appends = bool(int(str(info.get("aof_enabled", 0))))
        return cls(Memory.of(info), appends, str(info.get("maxmemory_policy", "noeviction")))


@dataclass(frozen=True)
class StoreState:
    """A job store's Redis as it is just now."""

    #: `ok`, the word of its fault, `refused` (another lake's) or `unreachable`.
    state: str
    fault: WriteFault | None = None
    #: By what it could lose jobs, and why it is refused or unreachable.
    warnings: tuple[Warned, ...] = ()
    #: None where it does not tell.
    server: Server | None = None


def look_at_store(store: JobStore, url: str, kinds: Iterable[str] = ()) -> StoreState:
    """Whether a job store answers, takes writes, and could lose jobs."""
    client = store.redis
    try:
        with client.pipeline(transaction=False) as pipe:
            pipe.info("persistence")
            pipe.info("memory")
            persistence, memory = pipe.execute(raise_on_error=False)
    except RefusedConnectionError as error:
        return StoreState("refused", warnings=(Warned(str(error)),))
    except RedisError as error:
        if (fault := refused(error, url, store.prefix)) is not None:
            return StoreState(fault.what, fault)
        return StoreState("unreachable", warnings=(Warned(f"Redis does not answer ({type(error).__name__})"),))
    fault = redis_fault(client, store.prefix, url, kinds)
    info = {name: value for part in (persistence, memory) if isinstance(part, dict) for name, value in part.items()}
    state = fault.what if fault else "ok"
    if not info:
        return StoreState(state, fault)
    risks = (Warned(f"Redis {risk.text}", f"redis-cli {risk.command}") for risk in durability_risks(info))
    return StoreState(state, fault, tuple(risks), Server.of(info) if "used_memory" in info else None)


def _damaged(key: str, what: str, url: str) -> WriteFault:
    text = f"key {key} of Redis at {shown(url)} holds {what}; something else has written it"
    return WriteFault("damaged", text, f"{redis_cli(url)} RENAME {key} {key}.damaged")


def refused(error: RedisError, url: str, prefix: str) -> WriteFault | None:
    """What a server's answer to a write means; None: it gave none."""
    if isinstance(error, RefusedConnectionError):
        return None
    meant = classified(error)
    if isinstance(meant, DamagedRecordError):  # a new connection reads this one key
        return _damaged(prefix + keys.LAKE, "what is no text", url)
    if not isinstance(meant, StoreRefusedError):
        return None
    what, advice = _redis(meant, str(error), redis_cli(url))
    return WriteFault(what, f"Redis at {shown(url)} takes no writes: {str(error)[:200]}", advice)


def _disk(folder: Path, error: OSError) -> WriteFault:
    place = shlex.quote(str(folder))
    reason = error.strerror or str(error)
    match error.errno:
        case errno.ENOSPC:
            inodes = os.statvfs(existing(folder)).f_favail == 0
            what, advice = "full", f"df {'-i' if inodes else '-h'} {place}    # free space, or move the folder"
        case errno.EDQUOT:
            what, advice = "quota", f"quota -s    # {folder} belongs to a user or project with a limit"
        case errno.EROFS:
            what, advice = "read-only", f"mount -o remount,rw $(findmnt -nT {place} -o TARGET)    # and look at dmesg"
        case errno.EACCES | errno.EPERM:
            what, advice = "unwritable", f"ls -ld {place}    # its owner must be the user that runs Leadmill"
        case errno.EIO:
            what, advice = "broken", "dmesg | tail -20    # the disk itself fails"
        case _:
            what, advice = "unwritable", f"ls -ld {place}"
    return WriteFault(what, f"the data folder {folder} takes no writes: {reason}", advice)


def _redis(meant: LeadmillError, text: str, tool: str) -> tuple[str, str]:
    if isinstance(meant, StoreNotSavingError):
        return "not saving", tool + next(advice for part, advice in _NOT_SAVING.items() if part in text.lower())
    what, advice = next((found for kind, found in _REFUSED.items() if isinstance(meant, kind)), ("refused", " INFO"))
    return what, tool + advice


#: What each refusal is in a word, and the command that mends it or tells more.
_REFUSED: dict[type[StoreRefusedError], tuple[str, str]] = {
    StoreFullError: ("full", " CONFIG SET maxmemory 0    # or a larger limit than CONFIG GET maxmemory tells"),
    StoreReadOnlyError: ("replica", " ROLE    # let REDIS_URL name the primary that it tells"),
    StoreAccessError: ("access", " ACL WHOAMI"),
    StoreBusyError: ("busy", " INFO persistence"),
}
#: The same of a server that cannot keep what it would take, by what its answer names.
_NOT_SAVING = {
    "replica": " CONFIG SET min-replicas-to-write 0    # or start the replicas",
    "rdb": " CONFIG SET stop-writes-on-bgsave-error no    # and look at its disk: df -h",
    "": " CONFIG GET dir    # then df -h that folder: the append-only file cannot be written",
}
