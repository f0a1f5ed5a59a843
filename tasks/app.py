"""The Celery application of workers and beat: `celery -A tasks.app worker|beat|inspect|flower`."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from celery.signals import (
    beat_init,
    celeryd_after_setup,
    celeryd_init,
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_shutting_down,
)

from data.duck import one_of_many
from data.mounts import about_to_fork
from data.privacy import keep_private
from leadmill import log as logging_setup
from leadmill import tracing
from leadmill.errors import LeadmillError
from leadmill.loading import imports_kept, without_pandas
from leadmill.machine import room
from leadmill.settings import get_settings
from pipelines.execution.broker import make_celery
from pipelines.execution.job_log import listen
from pipelines.execution.start_check import check_start
from pipelines.plugin_check import check_plugins
from pipelines.queues import Queue
from pipelines.settings_check import check_settings
from tasks.printed import log_what_is_printed
from tasks.reconciler import ReconcilerStep
from tasks.schedule import BEAT_SCHEDULE
from tasks.work import preload
from tasks.worker_options import check_worker_options

settings = get_settings()
# Flower has no login of its own: unless told otherwise it listens for this machine alone.
os.environ.setdefault("FLOWER_ADDRESS", "127.0.0.1")
app = make_celery(settings)
app.control_cls = "tasks.remote_control:CheckedControl"
app.conf.update(
    imports=["tasks.stages"],
    worker_concurrency=room().processes(),  # where -c says nothing
    worker_consumer="tasks.consumer:SteadyConsumer",
    beat_schedule=BEAT_SCHEDULE,
    beat_scheduler="tasks.schedule:SubmitScheduler",
)
app.steps["worker"].add(ReconcilerStep)


def _warn(text: str) -> None:
    logging_setup.last_words(text, "warning")


@contextmanager
def _one_line_and_exit() -> Iterator[None]:
    try:
        yield
    except LeadmillError as error:
        hint = getattr(error, "remedy", None)
        logging_setup.last_words(f"error: {error}" + (f". Try: {hint}" if hint else ""))
        raise SystemExit(2) from error


@celeryd_init.connect
def _log_as_worker(instance: Any, sender: str, **_: Any) -> None:
    """Before all else: Celery sets logging up later, and prints before."""
    logging_setup.configure(settings, "worker")
    logging_setup.of_process(worker=sender)
    log_what_is_printed(instance)


@beat_init.connect
def _log_as_beat(**_: Any) -> None:
    logging_setup.configure(settings, "beat")


@celeryd_init.connect
def _ask_no_bucket(options: Mapping[str, Any], **_: Any) -> None:
    if "prefork" in str(options.get("pool", "prefork")):
        about_to_fork()


@celeryd_init.connect
@beat_init.connect
def _check_start(options: Mapping[str, Any] | None = None, **_: Any) -> None:
    """Refuse to start where no work can be done, or with another lake's records; a store that is away is waited for."""
    with _one_line_and_exit():
        check_worker_options(options or {})
        check_settings(settings, _warn)
        keep_private(settings.data_dir)
        check_plugins()
        check_start(settings, _warn)


@worker_shutting_down.connect
def _leave_in_time(how: str, **_: Any) -> None:
    """Told to leave (SIGTERM), a worker ends what it holds; what takes longer it gives back, as by SIGQUIT."""
    if how == "Warm":
        late = threading.Timer(settings.leave_s, os.kill, (os.getpid(), signal.SIGQUIT))
        late.daemon = True
        late.start()


@setup_logging.connect
def _configure_logging(**_: Any) -> None:
    logging_setup.configure(settings)


@worker_process_init.connect
def _be_one_of_many(**_: Any) -> None:
    """A pool has a process a core."""
    one_of_many()


@worker_process_shutdown.connect
def _send_last_traces(**_: Any) -> None:
    """At the end of a pool's process, however often it is replaced; it runs no `atexit`."""
    tracing.close()


@celeryd_after_setup.connect
def _preload(instance: Any, **_: Any) -> None:
    """Import in the parent what its children need, and freeze it: children share the memory and start warm.

    Only import: a fork while a parent thread uses DuckDB hung 1 of 60 times.
    """
    listen()  # behind Celery's own setting up of logging
    queues = instance.app.amqp.queues.consume_from
    with imports_kept():
        import cffi.cparser  # noqa: F401  (billiard's, in each new child)
        import pyarrow.parquet

        with without_pandas():
            import pyarrow.dataset  # noqa: F401
        with _one_line_and_exit():
            preload(queues)
        if Queue.SCRAPING in queues:
            import tasks.scraping.preload

            tasks.scraping.preload.preload()
        if Queue.PROCESSING in queues:
            import tasks.processing.preload

            tasks.processing.preload.preload()
        if Queue.ANALYTICS in queues:
            import tasks.analytics.preload

            tasks.analytics.preload.preload()
        gc.collect()
