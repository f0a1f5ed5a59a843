"""Which lake a job store belongs to: both carry the lake's id, and a process that finds
another pair refuses to work.

    <data>/lake.id   in the lake's root: `lake_` and 20 hex digits, made once
    lake             the same behind the store's key prefix, bound by SET NX
    lake_place       where that lake lay when it was bound (`host:/folder`, `s3://bucket`), to tell people
    record_version   the latest form of what lies behind the prefix; whoever does not know it does not work either

A server that carries no id takes that of the folder (it is new, or was emptied: then records are restored). A folder
that carries none is refused by a server that does, unless the records there are of the folder's own jobs: so a lake of
version 0.1, or one whose file was lost, is recognized. Where neither has one they become a pair.

`LakePair` is asked by redis-py at every new connection, so that a server which took another's port is found out
before the first answer of it is believed. Transitions are checked once more, inside the script (data/jobs/lua/end.lua).
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import redis
from redis.exceptions import NoPermissionError, RedisError

from data import keys
from data.lake_note import parse_note
from data.looks import Look
from data.mounts import storage_at
from data.sentinels import PrimaryPool
from leadmill.errors import EarlierVersionError, ForeignLakeError, LeadmillError, NewerStoreError, UnavailableError
from leadmill.places import is_in_bucket, url_of
from leadmill.redaction import shown
from leadmill.sentinel_url import SentinelUrl, names_sentinels

#: The file in the lake's root.
LAKE_FILE = "lake.id"
#: Of so many of a folder's jobs the store is asked whether it knows one.
_ASKED_JOBS = 1_000

#: Sends one command over a connection and gives its answer.
Ask = Callable[..., Any]


class RefusedConnectionError(RedisError):
    """A connection was made and given up again: the server is not the one this lake belongs to."""

    def __init__(self, reason: LeadmillError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class LakePair:
    """One lake's folder and one job store: a server behind a key prefix. Safe to share between threads."""

    def __init__(self, root: Path, prefix: str, url: str) -> None:
        self.root, self.prefix, self.server = root, prefix, shown(url)
        #: The lake's id, once a connection has shown that both belong together.
        self.lake: str | None = None
        self._own = Look(root, lambda: read_id(root))
        self._refused = False

    def __call__(self, connection: Any) -> None:
        """Greet the server of a new connection and check it (redis-py's `redis_connect_func`).

        Raises:
            RefusedConnectionError: it belongs to another lake, or the folder's id cannot be read or made.
        """
        connection.on_connect()

        def ask(*words: str) -> Any:
            connection.send_command(*words, check_health=False)
            return connection.read_response()

        self.greet(connection, ask)

    def greet(self, connection: Any, ask: Ask) -> None:
        """What a new connection is asked before it is used."""
        try:
            self.lake = self.check(ask)
        except LeadmillError as error:
            raise RefusedConnectionError(error) from error

    def is_still_there(self) -> bool:
        """Whether the folder is that of the lake; true before a connection has shown which one that is.

        Raises:
            LakeMovedError: it was moved away.
            UnavailableError: its id cannot be read.
        """
        lake = self.lake
        return lake is None or self._own.seen() == lake or self._own.again() == lake

    def check(self, ask: Ask, *, bind: bool = True) -> str | None:
        """The lake's id, when the two belong together; `bind` writes it where it is missing, else nothing changes.

        Raises:
            ForeignLakeError: they do not; says which is whose, and what to do.
            NewerStoreError: a later version has written to the store.
            EarlierVersionError: workers of 0.1.0 are at work there; says which.
            UnavailableError: the folder's id cannot be read or made.
            redis.RedisError: the server does not answer, or refuses a command.
        """
        names = (keys.LAKE, keys.LAKE_PLACE, keys.RECORD_VERSION_KEY)
        bound, place, version = (_text(value) for value in ask("MGET", *map(self._key, names)))
        form = int(version) if version and version.isdecimal() else 0
        if form > keys.RECORD_VERSION:
            raise self.too_new(form)
        if bound is None and form == 0:
            self._refuse_beside_0_1(ask)
        own = read_id(self.root)  # after the server's: a folder has its id before its server does
        if bound is None:
            if self._refused or self._holds_other_records(ask):
                # A process that was refused here does not take the server over as soon as it is empty.
                raise self.refusal(own, None)
            if not bind:
                return own
            own = own or write_id(self.root)
            ask("SET", self._key(keys.LAKE), own, "NX")
            ask("SET", self._key(keys.LAKE_PLACE), place_of(self.root), "NX")
            bound, place = (_text(ask("GET", self._key(name))) for name in (keys.LAKE, keys.LAKE_PLACE))
        elif own is None and self._knows_jobs(ask):
            if not bind:
                return bound
            own = write_id(self.root, bound)
        if bound != own:
            self._refused = True
            raise self.refusal(own, bound, place)
        self._refused = False
        if form < keys.OLDEST_BESIDE and bind:
            with suppress(NoPermissionError):  # the broker's user: the job store's own connection does it
                ask("SET", self._key(keys.RECORD_VERSION_KEY), str(keys.OLDEST_BESIDE))
        return own

    def _refuse_beside_0_1(self, ask: Ask) -> None:
        """Of a store without a form and a lake. Later versions write both; 0.1.0 does not find files of later ones."""
        with suppress(NoPermissionError):  # the broker's user: the job store's own connection does it
            now_ms = int(ask("TIME")[0]) * 1000
            living = ask("ZRANGEBYSCORE", self._key(keys.WORKERS), str(now_ms - keys.GONE_MS), "+inf")
            if living:
                names = ", ".join(str(_text(name)) for name in living)
                raise EarlierVersionError(
                    f"workers of 0.1.0 are at work on the job store {self.server} (keys {self.prefix}*): {names}."
                    " They and this version cannot work together: stop them (and the API and beat of 0.1.0), wait"
                    f" {keys.GONE_MS // 1000} seconds, and start again. Nothing was read or changed"
                )

    def too_new(self, form: int) -> NewerStoreError:
        """The error of a store that a later version has written to."""
        return NewerStoreError(
            f"a later version of Leadmill has written to the job store {self.server} (keys {self.prefix}*): its records"
            f" have form {form}, this version knows up to {keys.RECORD_VERSION}. Nothing is read or changed: start that"
            f" version, or name another store (REDIS_URL, LEADMILL_KEY_PREFIX)"
        )

    def refusal(self, own: str | None, bound: str | None, place: str | None = None) -> ForeignLakeError:
        """The error of a pair that is none: which lake this folder is (`own`), and which one the store's."""
        here = place_of(self.root)
        mine = f"{here} is lake {own}" if own else f"{here} is no lake yet"
        whose = f"belongs to lake {bound} at {place or 'an unknown place'}" if bound else "was used by another lake"
        return ForeignLakeError(
            f"{mine}, but the job store {self.server} (keys {self.prefix}*) {whose}: nothing is read or changed."
            f" Name that lake's folder (--data, LEADMILL_DATA_URL), or another store (REDIS_URL, LEADMILL_KEY_PREFIX)"
        )

    def _key(self, name: str) -> str:
        return self.prefix + name

    def _generations(self, ask: Ask) -> tuple[str | None, str | None]:
        """What the folder and the store noted of each other in version 0.1 (see pipelines/execution/restore.py)."""
        try:
            content = storage_at(self.root).read(self.root / "run" / "generation")
            noted = (content.data.decode(errors="replace").strip() or None) if content else None
        except OSError:
            noted = None
        return noted, _text(ask("GET", self._key(keys.GENERATION)))

    def _knows_jobs(self, ask: Ask) -> bool:
        """Whether the store has the record of a job whose folder lies here, or the folder's own generation."""
        noted, generation = self._generations(ask)
        if noted is not None and noted == generation:
            return True
        try:
            jobs = storage_at(self.root).names(self.root / "jobs")[:_ASKED_JOBS]
        except OSError:
            return False
        return bool(jobs) and int(ask("EXISTS", *(self._key(keys.record(job)) for job in jobs))) > 0

    def _holds_other_records(self, ask: Ask) -> bool:
        """Whether a store without an id shows that it was used with another folder than this one."""
        noted, generation = self._generations(ask)
        if noted is None or generation is None or noted == generation:
            return False
        statuses = ("pending", "running", "retry", "completed", "failed", "cancelled")
        has_records = int(ask("EXISTS", *(self._key(keys.of_status(status)) for status in statuses))) > 0
        return has_records and not self._knows_jobs(ask)


def connect(url: str, pair: LakePair | None = None, **options: Any) -> redis.Redis:
    """A client whose every connection is checked against `pair`; `options` are redis-py's.

    What something else wrote may be no text: it is read as one with odd characters, which whoever expects a form of it
    refuses. An error amid an answer would cost everything that was asked for with it.
    """
    if names_sentinels(url):
        pool = PrimaryPool(SentinelUrl.of(url), redis_connect_func=pair, encoding_errors="replace", **options)
        return redis.Redis.from_pool(pool)
    return redis.Redis.from_url(url, redis_connect_func=pair, encoding_errors="replace", **options)


def is_bound(root: Path, url: str, prefix: str, timeout_s: float = 2.0) -> bool:
    """Whether a job store answers and holds the records of this lake; nothing is written to either."""
    try:
        with connect(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s) as client:
            own = LakePair(root, prefix, url).check(client.execute_command, bind=False)
            return own is not None and _text(client.get(prefix + keys.LAKE)) == own
    except (RedisError, LeadmillError):  # none, another lake's, or this one was moved away
        return False


def read_id(root: Path) -> str | None:
    """The id of a lake's folder; None where there is none yet.

    Raises:
        LakeMovedError: it is of a copy that has not ended, or of a lake that was moved.
        UnavailableError: the file is there and cannot be read, or holds something else.
    """
    file = root / LAKE_FILE
    try:
        content = storage_at(root).read(file)
        text = None if content is None else content.data.decode()
    except (OSError, ValueError) as error:
        raise UnavailableError(f"cannot read {url_of(file)} ({getattr(error, 'strerror', None) or error})") from error
    if text is None:
        return None
    if (note := parse_note(text)) is None:
        raise UnavailableError(
            f"{url_of(file)} is damaged: it holds no lake's id. Remove it, if the records of its jobs exist"
        )
    note.check(place_of(root))
    return note.lake


def write_id(root: Path, lake: str | None = None) -> str:
    """Give a folder its id, for good; when another process was faster, that one's.

    Raises:
        UnavailableError: the folder cannot be written.
    """
    lake = lake or f"lake_{secrets.token_hex(10)}"
    try:
        storage_at(root).swap(root / LAKE_FILE, f"{lake}\n".encode(), None)
    except OSError as error:
        raise UnavailableError(
            f"cannot write {url_of(root / LAKE_FILE)} ({error.strerror or error}): the lake has no id yet"
        ) from error
    found = read_id(root)
    assert found is not None
    return found


def place_of(root: Path) -> str:
    """`host:/folder`, or `s3://bucket/prefix`, for people."""
    return url_of(root) if is_in_bucket(root) else f"{socket.gethostname()}:{root}"


def _text(value: Any) -> str | None:
    return value.decode(errors="replace") if isinstance(value, bytes) else value
