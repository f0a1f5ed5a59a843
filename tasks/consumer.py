"""Celery's consumer with a short pause between reconnects, which accepts only messages that our code could have sent.

After an outage work goes on within seconds. Any other message is logged and dropped: Celery would act upon it, and a
limit or a time in a message ended the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from celery.worker.consumer import Consumer

from pipelines.execution.signing import signer_of
from pipelines.execution.thrown_away import Reason, throw_away
from tasks import remote_control
from tasks.messages import NotOursError, cleaned

#: Pause before a reconnect, seconds: first and longest. The stock one grows by 2 s an attempt, up to 30 s.
FIRST_S, LONGEST_S = 0.5, 2.0


class SteadyConsumer(Consumer):
    """Set as `worker_consumer`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        remote_control.offer()
        super().__init__(*args, **options)

    def ensure_connected(self, conn: Any) -> Any:
        conn.ensure_connection = partial(
            conn.ensure_connection, interval_start=FIRST_S, interval_step=FIRST_S, interval_max=LONGEST_S
        )
        return super().ensure_connected(conn)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], Any]:
        """Celery's own handler, called once a message has passed our check."""
        take = super().create_task_handler(*args, **options)
        signer, queues = signer_of(self.app), self.app.amqp.queues.consume_from

        def take_ours(message: Any) -> Any:
            try:
                message.headers, message.properties = cleaned(message, signer, queues)
            except NotOursError as error:
                return throw_away(error.reason, "message thrown away: it is none of ours", str(error))
            message.delivery_info = message.properties["delivery_info"]
            return take(message)

        return take_ours

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Called for task messages and for remote control."""
        throw_away(Reason.UNREADABLE, "message thrown away: it cannot be read", type(exc).__name__)
