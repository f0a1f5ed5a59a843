"""Which processes of the stack live, beside workers (of these `JobReader.workers` tells).

api_processes, beats   sorted sets of processes -> when each was seen last, ms; one that signs off is taken out,
                       one that dies stays until another of its kind is there
"""

from __future__ import annotations

import os
import re
import secrets
import socket
from enum import StrEnum
from typing import Any, cast

from redis.client import NEVER_DECODE

from data import keys
from data.jobs import JobStore

#: A process that was not seen for so long lives no more, ms.
GONE_MS = 5_000
#: As a process is named; who reads passes over what is none, which need not be text.
_NAME = re.compile(r"(.+):([0-9]{1,10}):[0-9a-f]{8}")
_NEVER: dict[str, Any] = {NEVER_DECODE: []}


class StackProcess(StrEnum):
    """A kind of process, as its key is named."""

    API = keys.API_PROCESSES
    BEAT = keys.BEATS


class Presence:
    """That this process lives, for the others."""

    def __init__(self, store: JobStore, kind: StackProcess) -> None:
        self._store, self._kind = store, kind
        self._name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

    def tell(self) -> int:
        """Say so; how many of its kind do. Those that died are forgotten: they have a successor.

        Raises:
            UnavailableError: Redis does not answer.
        """
        now, key = self._store.now_ms(), self._store.key(self._kind)
        with self._store.guarded(self._kind), self._store.redis.pipeline() as pipe:
            pipe.zadd(key, {self._name: now})
            pipe.zremrangebyscore(key, "-inf", now - GONE_MS)
            pipe.zcard(key)
            return cast("int", pipe.execute()[2])

    def leave(self) -> None:
        """This one ends.

        Raises:
            UnavailableError: Redis does not answer.
        """
        with self._store.guarded(self._kind):
            self._store.redis.zrem(self._store.key(self._kind), self._name)


def living(store: JobStore, kind: StackProcess) -> list[tuple[str, int]]:
    """Host and pid of each process of a kind that lives.

    Raises:
        UnavailableError: Redis does not answer.
    """
    redis: Any = store.redis
    with store.guarded(kind):
        since = store.now_ms() - GONE_MS
        names = redis.execute_command("ZRANGEBYSCORE", store.key(kind), since, "+inf", **_NEVER)
    found = (_NAME.fullmatch(name.decode(errors="replace")) for name in cast("list[bytes]", names))
    return [(one[1], int(one[2])) for one in found if one]


def quiet_s(store: JobStore, kind: StackProcess) -> float | None:
    """For how long none of a kind was seen, seconds; None where none is missing: never there, or signed off.

    Raises:
        UnavailableError: Redis does not answer.
    """
    redis: Any = store.redis
    with store.guarded(kind):
        found = redis.execute_command("ZREVRANGE", store.key(kind), 0, 0, "WITHSCORES", **_NEVER)
    return max(0.0, (store.now_ms() - found[0][1]) / 1000) if found else None


def alive(store: JobStore, kind: StackProcess) -> int:
    """How many of a kind were seen within `GONE_MS`.

    Raises:
        UnavailableError: Redis does not answer.
    """
    with store.guarded(kind):
        return store.redis.zcount(store.key(kind), store.now_ms() - GONE_MS, "+inf")
