"""Celery's connection to Redis as every process of ours makes it: kombu's transport, with three habits changed.

It belongs to one lake (data/identity.py), it acknowledges nothing, and it bears whatever lies in a queue.
"""

from __future__ import annotations

from pathlib import Path
from queue import Empty
from typing import Any

from kombu.connection import Connection
from kombu.transport import redis

from data.identity import LakePair, RefusedConnectionError
from leadmill.log import get_logger

log = get_logger(__name__)


class _NothingToAcknowledge(redis.QoS):
    """Messages are read without acknowledgement (decision 5), but the worker acknowledges them all the same.

    Each time kombu asked the server to forget what it had never noted, and kept the message's tag for ever.
    """

    def ack(self, delivery_tag: str) -> None:
        """Nothing was noted."""

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Nothing was noted; the record sends again what it misses."""


class LakeChannel(redis.Channel):
    """Reads past whatever is no message (not JSON, or without a message's fields).

    Each connection is checked before anything is taken from its server or sent to it: else a worker whose server was
    replaced by another stack's would take that stack's messages and throw them away.
    """

    QoS = _NothingToAcknowledge
    #: `lake_root`: the lake's folder; without it no lake is checked.
    from_transport_options = (*redis.Channel.from_transport_options, "lake_root")  # type: ignore[assignment]
    lake_root: str | None = None

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        params: dict[str, Any] = super()._connparams(asynchronous)  # type: ignore[no-untyped-call]
        if self.lake_root:
            url = self.connection.client.as_uri(include_password=False)
            params["redis_connect_func"] = LakePair(Path(self.lake_root), self.global_keyprefix, url)
        return params

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (Empty, *self.connection_errors, *self.connection.channel_errors):
            raise
        except Exception:
            log.exception("thrown away: it was in a queue and is no message")
            return True


class LakeTransport(redis.Transport):
    """A server of another lake counts as one that is away: the worker tries again until its own is back."""

    Channel = LakeChannel
    connection_errors = (*redis.Transport.connection_errors, RefusedConnectionError)


class LakeConnection(Connection):
    """Takes that transport wherever kombu would take its own for Redis, under the URL's own name."""

    def get_transport_cls(self) -> Any:
        found = super().get_transport_cls()  # type: ignore[no-untyped-call]
        return LakeTransport if found is redis.Transport else found
