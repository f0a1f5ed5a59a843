"""Beat's scheduler: every second it submits what is due (see pipelines.intake.schedules), and does nothing else.

Submitted ticks are kept in Redis: there is no schedule file, and two schedulers submit nothing twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from celery.beat import Scheduler
from celery.schedules import crontab

from data.jobs import JobStore
from data.lake import Lake
from data.presence import StackProcess
from leadmill.declared import PERIODIC
from leadmill.errors import LeadmillError
from leadmill.log import get_logger
from leadmill.settings import get_settings
from pipelines.committed import known_by
from pipelines.execution import canvas
from pipelines.intake.schedules import Ticker
from pipelines.notices.deliver import DelivererThread
from pipelines.notices.rules import Rules
from pipelines.notices.watcher import Watcher

log = get_logger(__name__)

#: Seconds between looks.
TICK_S = 1.0

#: The periodic entries in Celery's own form, for tools that show `beat_schedule`.
BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    name: {"task": f"leadmill.{name}", "schedule": crontab.from_string(cron)} for name, cron in PERIODIC.items()
}


class SubmitScheduler(Scheduler):
    """Submits jobs where the stock scheduler would send messages."""

    @cached_property
    def _ticker(self) -> Ticker:
        settings = get_settings()
        store = JobStore.connect(settings.redis_url, settings.key_prefix, lake=settings.data_dir)
        return Ticker(
            store, Lake(settings.data_dir, commits_of=known_by(store)), lambda outs: canvas.dispatch(self.app, outs)
        )

    @cached_property
    def _watcher(self) -> Watcher:
        """Started by the first tick, in the process that ticks."""
        watcher = Watcher(get_settings(), StackProcess.BEAT, Rules())
        watcher.start()
        return watcher

    @cached_property
    def _deliverer(self) -> DelivererThread:
        """Started as that is."""
        deliverer = DelivererThread(get_settings())
        deliverer.start()
        return deliverer

    def setup_schedule(self) -> None:
        """Nothing to set up: what is due follows from Redis at each tick."""

    def tick(self, *_: Any, **__: Any) -> float:
        """Submit what is due; seconds until the next look."""
        self._watcher, self._deliverer  # noqa: B018 - starts
        try:
            self._ticker.tick(datetime.now(UTC))
        except (LeadmillError, OSError) as error:  # beat that ends would only be started again, to find the same
            log.warning("ticks wait", error=str(error))
        return TICK_S

    def close(self) -> None:
        """Beat ends as it should."""
        for thread in ("_watcher", "_deliverer"):
            if (started := self.__dict__.get(thread)) is not None:
                started.close()
        super().close()
