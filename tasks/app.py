"""The Celery application of workers and beat: `celery -A tasks.app worker|beat|inspect|flower`."""

from __future__ import annotations

import gc
from typing import Any

from celery.signals import setup_logging, worker_init

from leadmill import log as logging_setup
from leadmill.settings import get_settings
from pipelines.broker import make_celery
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


@worker_init.connect
def _preload(**_: Any) -> None:
    """Import in the parent what every child needs, and freeze it: children share the memory and start warm.

    Only import: a fork while a parent thread uses DuckDB hung 1 of 60 times.
    """
    import cffi.cparser  # noqa: F401  (billiard's, in each new child)
    import duckdb  # noqa: F401
    import pandas as pd  # noqa: F401  (pyarrow imports it at its first conversion)
    import pyarrow.dataset
    import pyarrow.pandas_compat
    import pyarrow.parquet  # noqa: F401

    import tasks.processing.enrich
    import tasks.processing.process  # noqa: F401
    from tasks.scraping.preload import preload

    preload()
    gc.collect()
    gc.freeze()
