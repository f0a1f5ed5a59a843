"""Celery's connection to Redis: kombu's transport, with five changes.

A primary is found by its Sentinels as everywhere here (data/sentinels.py), each connection is checked to be that of
this lake's server (data/identity.py), messages are not acknowledged, what lies in a queue and is no message is skipped,
and no script is run: the broker may be a user that may run none.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.connection import Connection, ConnectionPool, PooledConnection
from kombu.transport import redis, virtual
from redis.exceptions import NoPermissionError, ResponseError

from data.identity import Ask, LakePair, RefusedConnectionError
from data.sentinels import PrimaryConnection, PrimaryPool, PrimarySSLConnection
from leadmill.errors import UnavailableError
from leadmill.log import get_logger
from leadmill.sentinel_url import SentinelUrl
from pipelines.execution.thrown_away import Reason, throw_away

log = get_logger(__name__)
#: Ends the name of the key that holds what lay in a queue's place.
ASIDE = ":not-a-queue"


class _NothingToAcknowledge(redis.QoS):
    """Messages are read without acknowledgement (decision 5), but the worker acknowledges them all the same.

    Each time kombu asked the server to forget what it had never noted, and kept the message's tag for ever.
    """

    def ack(self, delivery_tag: str) -> None:
        """Nothing was noted."""

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Nothing was noted; the record sends again what it misses."""

    def restore_visible(self, *_: Any, **__: Any) -> None:
        """Nothing was noted that could be put back. It took a lock by a script, which the broker's user may not run."""


class NoMessageError(Exception):
    """What was read has not the fields of a message."""


#: What reading something else as one ends in: kombu's JSON makes times and numbers of objects that say they are some.
_NO_MESSAGE = (NoMessageError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError)


class _PlainMessage(virtual.Message):
    """A message as it is sent here. A compressed one could be of any size."""

    def __init__(self, payload: Any, channel: Any = None, **options: Any) -> None:
        headers = payload.get("headers") if isinstance(payload, dict) else None
        if not isinstance(headers, dict) or "compression" in headers:
            raise NoMessageError("without headers, or compressed")
        try:
            super().__init__(payload, channel=channel, **options)  # type: ignore[no-untyped-call]
        except Exception as error:
            raise NoMessageError(f"{type(error).__name__}: {error}"[:100]) from error


class _BrokersPair(LakePair):
    """The pair as the broker's user sees it, who may only read the store's mark (deploy/redis-users.acl)."""

    def check(self, ask: Ask, *, bind: bool = True) -> str | None:
        try:
            return super().check(ask, bind=bind)
        except NoPermissionError as error:  # a server that was emptied: the job store's own connection marks it anew
            text = f"the broker {self.server} has no lake's mark that its user may read, or write where there is none"
            raise UnavailableError(f"{text} ({error})") from error


class LakeChannel(redis.Channel):
    """Reads past whatever is no message (not JSON, or without a message's fields).

    Each connection is checked before anything is taken from its server or sent to it: else a worker whose server was
    replaced by another stack's would take that stack's messages and throw them away.
    """

    QoS = _NothingToAcknowledge
    Message = _PlainMessage
    #: `lake_root`: the lake's folder; without it no lake is checked. `servers`: whose Sentinels name the primary.
    from_transport_options = (*redis.Channel.from_transport_options, "lake_root", "servers")  # type: ignore[assignment]
    lake_root: str | None = None
    servers: SentinelUrl | None = None
    #: What `_create_client` gave last, of the present pool.
    _publishing: Any = None

    def _create_client(self, asynchronous: bool = False) -> Any:
        """Kombu makes a client for every message that it sends, which costs more than sending it."""
        if asynchronous:
            return super()._create_client(asynchronous=True)  # type: ignore[no-untyped-call]
        if self._publishing is None or self._publishing.connection_pool is not self.pool:
            self._publishing = super()._create_client()  # type: ignore[no-untyped-call]
        return self._publishing

    def _get_pool(self, asynchronous: bool = False) -> Any:
        if self.servers is None:
            return super()._get_pool(asynchronous)  # type: ignore[no-untyped-call]
        kind: Any = PrimarySSLConnection if self.servers.tls else PrimaryConnection
        self.connection_class = kind
        params = self._connparams(asynchronous)
        self.keyprefix_fanout = self.keyprefix_fanout.format(db=params["db"])
        return PrimaryPool(self.servers, **{n: value for n, value in params.items() if n not in ("host", "port")})

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        params: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        if self.lake_root:
            url = self.connection.client.as_uri(include_password=False)
            params["redis_connect_func"] = _BrokersPair(Path(self.lake_root), self.global_keyprefix, url)
        return params

    # Kombu notes bindings that expire (of remote control) by scripts. The broker's user may run none: see decision 38.

    def _refresh_binding(self, keys: Sequence[str], args: Sequence[Any], client: Any) -> None:
        """Add a member to an exchange's table, and put off the time at which the table may go (ms)."""
        member, exchange, keep_ms = args
        client.sadd(keys[0], member)
        client.zadd(self.keyprefix_binding_deadlines, {exchange: int(time.time() * 1000) + keep_ms}, gt=True)

    def _sweep_bindings(self, keys: Sequence[str], args: Sequence[Any], client: Any) -> int:
        """Remove tables whose time is over, unless a queue that stays is bound; how many were looked at."""
        now = int(time.time() * 1000)
        overdue = client.zrange(keys[0], 0, now, byscore=True, offset=0, num=args[-1])
        for exchange in map(bytes.decode, overdue):
            if not client.smembers(self.keyprefix_binding_permanent % exchange):
                client.delete(self.keyprefix_queue % exchange)
            client.zrem(keys[0], exchange)
        return len(overdue)

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return self._read_past(partial(super()._brpop_read, **options))
        except ResponseError as error:
            if not self._put_aside(error, *self.active_queues):
                raise
            return True

    def _size(self, queue: str) -> int:
        try:
            return int(super()._size(queue))  # type: ignore[no-untyped-call]
        except ResponseError as error:
            if not self._put_aside(error, queue):
                raise
            return int(super()._size(queue))  # type: ignore[no-untyped-call]

    def _put_aside(self, error: ResponseError, *queues: str) -> bool:
        """Rename what lies under a queue's key and is no list: it ends every worker that reads it.

        Returns whether the error came of that; the record has messages that were lost meanwhile sent again.
        """
        if "WRONGTYPE" not in str(error):
            return False
        with self.conn_or_acquire() as client:
            for queue in queues:
                aside = f"{self.global_keyprefix}{queue}{ASIDE}"
                for level in self.priority_steps:
                    # Kombu's client puts the prefix before the keys of its own commands, not of these.
                    key = f"{self.global_keyprefix}{self._q_for_pri(queue, level)}"  # type: ignore[no-untyped-call]
                    if client.type(key) not in (b"list", b"none"):
                        with contextlib.suppress(ResponseError):  # another worker may have done so meanwhile
                            client.rename(key, aside)
                            log.error("what lay in the place of a queue was put aside", key=key, now=aside)
        return True

    def _receive_one(self, client: Any) -> Any:
        """Remote control and events, which come by publish and subscribe."""
        try:
            return self._read_past(partial(super()._receive_one, client))
        except Empty:  # not JSON: what was read with it must not wait for the next one
            return True

    def _read_past(self, read: Callable[[], Any]) -> Any:
        try:
            return read()
        except _NO_MESSAGE as error:
            throw_away(Reason.UNREADABLE, "thrown away: it was in a queue and is no message", type(error).__name__)
        except (Empty, *self.connection_errors, *self.connection.channel_errors):
            raise
        except Exception:
            log.exception("thrown away: what was read could not be taken in")
        return True


class _ToldOnce(logging.Filter):
    """Kombu's own warning of a published text that is not JSON, with its traceback, each time."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it may pass."""
        if not str(record.msg).startswith("Cannot process event on channel"):
            return True
        throw_away(Reason.UNREADABLE, "thrown away: it was published and is no message", "not JSON")
        return False


logging.getLogger(redis.__name__).addFilter(_ToldOnce())


class LakeTransport(redis.Transport):
    """A server of another lake counts as one that is away: the worker tries again until its own is back."""

    Channel = LakeChannel
    connection_errors = (*redis.Transport.connection_errors, RefusedConnectionError)


class LakeConnection(Connection):
    """Takes that transport wherever kombu would take its own for Redis, under the URL's own name."""

    def get_transport_cls(self) -> Any:
        found = super().get_transport_cls()  # type: ignore[no-untyped-call]
        return LakeTransport if found in (redis.Transport, redis.SentinelTransport) else found

    def Pool(self, limit: int | None = None, **options: Any) -> ConnectionPool:
        """What Celery takes connections from that nobody gave it: of children that send, and of remote control."""
        return _LakePool(self, limit, **options)  # type: ignore[no-untyped-call]


class _PooledConnection(LakeConnection, PooledConnection):
    """Kombu's are plain ones of its own, whatever kind they are copies of."""


class _LakePool(ConnectionPool):
    def new(self) -> _PooledConnection:
        return _PooledConnection(self, **dict(self.connection._info(resolve=False)))  # type: ignore[no-untyped-call]
