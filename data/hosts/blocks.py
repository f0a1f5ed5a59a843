"""The block list: domains that no crawl of the installation asks, whichever project's.

blocks                 domain -> JSON, `{"reason": "…", "since": "2026-11-27T08:00:00Z"}`; every exchange of hosts
                       looks there (lua/exchange.lua), so a block counts within seconds
<data>/blocks.json     the same, mode 0600, for when Redis is emptied: `{"blocks": {"acme.example": {…}}}`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from redis.client import NEVER_DECODE

from data import keys
from data.jobs import JobStore
from data.shared_file import SharedFile, SharedTable
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import ConflictError, InputError, LeadmillError, NotFoundError, UnavailableError
from leadmill.ids import has_known_suffix, parse_company_url, registrable_domain

#: Its name in the data folder.
FILE = "blocks.json"
#: Read as bytes: what anybody may have written there need not be text.
_NEVER: dict[str, Any] = {NEVER_DECODE: []}
#: Most domains on it, and longest reason, characters.
MAX_BLOCKS, MAX_REASON = 10_000, 200


class Block(NamedTuple):
    """A domain that is not asked, with all below it."""

    domain: str
    reason: str
    #: ISO 8601, UTC.
    since: str


def blocked_name(text: str) -> str:
    """By which name a domain, a host or an address is on the list: without `www.` and port.

    Raises:
        InputError: it names no host, or a suffix that is nobody's, like `co.uk`.
    """
    host = parse_company_url(text).url.split("/", 3)[2]
    name = host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0].removeprefix("www.")
    if has_known_suffix(name) and registrable_domain(f"x.{name}") == f"x.{name}":
        raise InputError(f"{name} is no domain of one owner", field="domain")
    return name


class BlockList:
    """That of one installation. Safe to share between threads."""

    def __init__(self, store: JobStore, data: Path) -> None:
        self._store = store.of(DEFAULT_PROJECT)
        self._key = self._store.key(keys.BLOCKS)
        file = SharedFile(data, FILE, "the block list")
        self._table: SharedTable[Mapping[str, Any]] = SharedTable(file, {}, _checked, partial(_unreadable, file.path))

    def all(self) -> list[Block]:
        """What is on it, by domain.

        Raises:
            UnavailableError: Redis does not answer.
        """
        with self._store.guarded(keys.BLOCKS):
            redis: Any = self._store.redis
            found = cast("dict[bytes, bytes]", redis.execute_command("HGETALL", self._key, **_NEVER))
        return sorted(_block(domain.decode(errors="replace"), text) for domain, text in found.items())

    def put(self, domain: str, reason: str = "") -> Block:
        """Let a domain, with all below it, be asked no more; from now on also of crawls that run.

        Raises:
            InputError: it is none, or the reason is too long.
            ConflictError: the list is full.
            StorageError, UnavailableError: it cannot be written.
        """
        name, reason = blocked_name(domain), " ".join(reason.split())
        if len(reason) > MAX_REASON or not reason.isprintable():
            raise InputError(f"a reason has at most {MAX_REASON} printable characters", field="reason")
        block = Block(name, reason, datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"))
        with self._store.guarded(keys.BLOCKS):  # first: it counts from here on, whatever becomes of the file
            if self._store.redis.hlen(self._key) >= MAX_BLOCKS and not self._store.redis.hexists(self._key, name):
                raise ConflictError(f"there are {MAX_BLOCKS:,} domains on the block list; take some out first")
            self._store.redis.hset(self._key, name, _text(block))
        self._table.change(lambda held: {"blocks": {**held, name: {"reason": reason, "since": block.since}}})
        return block

    def remove(self, domain: str) -> str:
        """Let a domain be asked again; its name on the list.

        Raises:
            InputError: it is none.
            NotFoundError: it is not on the list.
            StorageError, UnavailableError: it cannot be written.
        """
        name = blocked_name(domain)
        was_kept = name in self._table.held()
        if was_kept:
            self._table.change(lambda held: {"blocks": {one: held[one] for one in held if one != name}})
        with self._store.guarded(keys.BLOCKS):
            if not self._store.redis.hdel(self._key, name) and not was_kept:
                raise NotFoundError(f"{name} is not on the block list")
        return name

    def write_back(self) -> None:
        """Put back into Redis, which was emptied, what the data folder knows.

        Raises:
            LeadmillError: the file cannot be read, or Redis takes no write.
        """
        self._table.look_again()
        for domain, one in self._table.held().items():
            with self._store.guarded(keys.BLOCKS):
                self._store.redis.hsetnx(self._key, domain, _text(Block(domain, one["reason"], one["since"])))


def reason_of(text: str) -> str:
    """What is said of a block, out of what Redis keeps of it: what is no block of ours blocks all the same."""
    return _block("", text).reason


def _text(block: Block) -> str:
    return json.dumps({"reason": block.reason, "since": block.since})


def _block(domain: str, text: str | bytes) -> Block:
    try:
        found = json.loads(text)
        return Block(domain, str(found["reason"])[:MAX_REASON], str(found["since"])[:30])
    except (ValueError, TypeError, KeyError, RecursionError):
        return Block(domain, "", "")


def _checked(content: Any) -> Mapping[str, Any]:
    blocks = content["blocks"].items()
    return {str(domain): {"reason": str(one["reason"]), "since": str(one["since"])} for domain, one in blocks}


def _unreadable(path: Path, why: str) -> LeadmillError:
    return UnavailableError(f"the block list {path} cannot be read ({why}); mend it, or remove it")
