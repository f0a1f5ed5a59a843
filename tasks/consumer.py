"""Celery's consumer with a steady pause between reconnects: after an outage work goes on within seconds."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

#: Pause before a reconnect, seconds: first and longest. The stock one grows by 2 s an attempt, up to 30 s.
FIRST_S, LONGEST_S = 0.5, 2.0


class SteadyConsumer(Consumer):
    """Set as `worker_consumer`."""

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(
            conn.ensure_connection, interval_start=FIRST_S, interval_step=FIRST_S, interval_max=LONGEST_S
        )
        return super().ensure_connected(conn)
