"""The queues of messages as they lie in Redis: how long each is, and its oldest message. Nothing here takes one out.

Celery's transport (kombu) keeps a queue as a list a priority level; another broker than Redis is not looked into.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import redis
from redis.exceptions import RedisError

from data.identity import connect
from data.jobs import JobStore
from data.probes import WriteFault, queues_fault
from data.redis_errors import classified
from leadmill.errors import DamagedRecordError
from leadmill.redaction import is_redis

#: What kombu's Redis transport puts between a queue's name and a level above 0.
_LEVEL_MARK = "\x06\x16"


@dataclass(frozen=True)
class QueueLevel:
    """One priority level of a queue."""

    queue: str
    waiting: int
    #: The oldest message, as it was sent; None where none waits.
    oldest: str | None


@dataclass(frozen=True)
class DamagedLevel:
    """Stands for one whose key holds something else."""

    queue: str
    #: Of Redis, its full name.
    key: str


@dataclass(frozen=True)
class MessageQueues:
    """A Redis that holds queues (a client that decodes answers), and the prefix of its keys."""

    client: redis.Redis
    prefix: str

    @classmethod
    def connect(cls, url: str, prefix: str, timeout_s: float) -> Self:
        """With a connection pool of its own; no call blocks longer than `timeout_s`."""
        client = connect(url, decode_responses=True, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
        return cls(client, prefix)

    @classmethod
    def of(cls, store: JobStore, redis_url: str, broker_url: str, timeout_s: float) -> Self:
        """Those of the broker at `broker_url`, for the records at `redis_url`."""
        if broker_url == redis_url or not is_redis(broker_url):
            return cls.beside(store)
        return cls.connect(broker_url, store.prefix, timeout_s)

    @classmethod
    def beside(cls, store: JobStore) -> Self:
        """Those that lie in the job store's own Redis."""
        return cls(store.redis, store.prefix)

    def lie_beside(self, store: JobStore) -> bool:
        """Whether they lie in the job store's own Redis."""
        return self.client is store.redis

    def look(self, queues: Iterable[str], levels: Iterable[int]) -> list[QueueLevel | DamagedLevel]:
        """Every level of every queue, by one round trip.

        Raises:
            UnavailableError: Redis does not answer.
        """
        levels = list(levels)
        wanted = [(queue, self._key(queue, level)) for queue in queues for level in levels]
        try:
            with self.client.pipeline(transaction=False) as pipe:
                for _, key in wanted:
                    pipe.llen(key)
                    pipe.lindex(key, -1)  # kombu pushes left and pops right
                answers = pipe.execute(raise_on_error=False)
        except RedisError as error:
            raise classified(error) from error
        found: list[QueueLevel | DamagedLevel] = []
        for (queue, key), waiting, oldest in zip(wanted, answers[::2], answers[1::2], strict=True):
            if isinstance(waiting, RedisError):
                fault = classified(waiting, key)
                if not isinstance(fault, DamagedRecordError):
                    raise fault from waiting
                found.append(DamagedLevel(queue, key))
            else:
                found.append(QueueLevel(queue, waiting, oldest))
        return found

    def write_fault(self, url: str) -> WriteFault | None:
        """Why this Redis takes no message, or None (see `data.probes.queues_fault`)."""
        return queues_fault(self.client, self.prefix, url)

    def close(self) -> None:
        """Give the connections up."""
        self.client.close()

    def _key(self, queue: str, level: int) -> str:
        return f"{self.prefix}{queue}{_LEVEL_MARK}{level}" if level else f"{self.prefix}{queue}"
