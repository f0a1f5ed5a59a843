"""The Celery application of workers and beat: `celery -A tasks.app worker|beat|inspect|flower`."""

from __future__ import annotations

import gc
from typing import Any

from celery.signals import celeryd_after_setup, setup_logging

from leadmill import log as logging_setup
from leadmill.loading import imports_kept, without_pandas
from leadmill.settings import get_settings
from pipelines.broker import make_celery
from pipelines.queues import Queue
from tasks.reconciler import ReconcilerStep
from tasks.schedule import BEAT_SCHEDULE

settings = get_settings()
app = make_celery(settings)
app.conf.update(
    imports=[
        "tasks.launching",
        "tasks.scraping.task",
        "tasks.processing.task",
        "tasks.analytics.task",
        "tasks.maintenance.task",
    ],
    worker_consumer="tasks.consumer:SteadyConsumer",
    beat_schedule=BEAT_SCHEDULE,
    beat_scheduler="tasks.schedule:SubmitScheduler",
)
app.steps["worker"].add(ReconcilerStep)


@setup_logging.connect
def _configure_logging(**_: Any) -> None:
    logging_setup.configure(settings)


@celeryd_after_setup.connect
def _preload(instance: Any, **_: Any) -> None:
    """Import in the parent what its children need, and freeze it: children share the memory and start warm.

    Only import: a fork while a parent thread uses DuckDB hung 1 of 60 times.
    """
    queues = instance.app.amqp.queues.consume_from
    with imports_kept():
        import cffi.cparser  # noqa: F401  (billiard's, in each new child)
        import pyarrow.parquet

        with without_pandas():
            import pyarrow.dataset  # noqa: F401
        if Queue.SCRAPING in queues:
            import tasks.scraping.preload

            tasks.scraping.preload.preload()
        if Queue.PROCESSING in queues:
            import tasks.processing.preload

            tasks.processing.preload.preload()
        gc.collect()
