"""Celery's consumer with a steady pause between reconnects, and an ear that bears messages of any form.

After an outage work goes on within seconds; what is no message is told and thrown away, where Celery would exit.
"""

from __future__ import annotations

from functools import partial
from queue import Empty
from typing import Any

from celery.worker.consumer import Consumer
from kombu.transport import redis

from leadmill.log import get_logger

log = get_logger(__name__)

#: Pause before a reconnect, seconds: first and longest. The stock one grows by 2 s an attempt, up to 30 s.
FIRST_S, LONGEST_S = 0.5, 2.0


class _NothingToAcknowledge(redis.QoS):
    """Messages are read without acknowledgement (decision 5), but the worker acknowledges them all the same.

    Each time kombu asked the server to forget what it had never noted, and kept the message's tag for ever.
    """

    def ack(self, delivery_tag: str) -> None:
        """Nothing was noted."""

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Nothing was noted; the record sends again what it misses."""


class SteadyChannel(redis.Channel):
    """Reads past whatever is no message (not JSON, or without a message's fields)."""

    QoS = _NothingToAcknowledge

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (Empty, *self.connection_errors, *self.connection.channel_errors):
            raise
        except Exception:
            log.exception("thrown away: it was in a queue and is no message")
            return True


class SteadyTransport(redis.Transport):
    """The Redis transport with that channel."""

    Channel = SteadyChannel


class SteadyConsumer(Consumer):
    """Set as `worker_consumer`."""

    def ensure_connected(self, conn: Any) -> Any:
        if conn.transport_cls in ("redis", "rediss"):
            conn.transport_cls = f"{__name__}:SteadyTransport"  # by name: `inspect stats` tells it as JSON
        conn.ensure_connection = partial(
            conn.ensure_connection, interval_start=FIRST_S, interval_step=FIRST_S, interval_max=LONGEST_S
        )
        return super().ensure_connected(conn)
