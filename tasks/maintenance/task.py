"""Tasks of queue `maintenance`: cleanup, statistics, health check, optimisation. What they find is in `result`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import current_app
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from data.ledger import drop_older
from data.message_queues import MessageQueues
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import ErrorCategory, WorkError
from leadmill.log import get_logger
from pipelines.ending import carry_out
from pipelines.execution.recovery import queue_lengths
from pipelines.execution.unit_run import UnitRun
from tasks.maintenance.audit import drop_old_audit, flush_audit
from tasks.maintenance.cleanup import clean_up
from tasks.maintenance.health import check_health
from tasks.maintenance.optimize import optimize
from tasks.maintenance.statistics import take_statistics

log = get_logger(__name__)


def cleanup(run: UnitRun) -> None:
    """Move old ended jobs out of Redis and free their space (see tasks.maintenance.cleanup)."""
    days = _days(run.options.get("older_than_days"), run.runtime.settings.retention_days)
    runtime = run.runtime
    found = clean_up(runtime.store, runtime.lake, older_than_days=days, now=run.now, progress=run.progress)
    found["bytes_freed"] += drop_older(runtime.lake, runtime.settings.ledger_retention_days, run.now)
    if _is_of_all(run):
        found["bytes_freed"] += drop_old_audit(runtime.lake, runtime.settings.audit_retention_days, run.now)
    run.set_result(found, found["jobs"])


def statistics(run: UnitRun) -> None:
    """Recount the counters and keep the hour's totals (see tasks.maintenance.statistics); flush the audit."""
    runtime = run.runtime
    flushed = flush_audit(runtime.store, runtime.lake, _checker(run)) if _is_of_all(run) else 0
    found = take_statistics(
        runtime.store,
        runtime.lake,
        job_id=run.job_id,
        now=run.now,
        broker=_broker(run) if _is_of_all(run) else None,
        check=_checker(run),
    )
    if flushed:
        found["audit_entries"] = flushed
    run.set_result(found)


def health_check(run: UnitRun) -> None:
    """Look for what could lose or delay work (see tasks.maintenance.health); faults do not fail the job."""
    runtime = run.runtime
    found = check_health(runtime.store, runtime.lake, runtime.settings, _lengths(), run.now)
    if found["status"] == "fail":
        failed = [check["name"] for check in found["checks"] if check["status"] == "fail"]
        runtime.store.critical("health", {"job": run.job_id, "failed": failed})
    run.set_result(found, len(found["checks"]))


def optimize_db(run: UnitRun) -> None:
    """Compact the lake and trim Redis (see tasks.maintenance.optimize)."""
    found = optimize(run.runtime.store, run.runtime.lake, progress=run.progress)
    run.set_result(found, found["jobs_compacted"])


def remove_project(run: UnitRun) -> None:
    """Remove what there is of the projects that are marked (see pipelines.ending). Asked again it goes on."""
    if not _is_of_all(run):
        raise WorkError("projects are removed by jobs of the default project", ErrorCategory.DATA)
    removed = carry_out(run.runtime.store, run.runtime.lake, lambda name: run.progress(0.5, f"removing project {name}"))
    run.set_result({"projects": removed}, len(removed))


def _is_of_all(run: UnitRun) -> bool:
    """Whether the job also looks after what all projects share: those of the default project do."""
    return run.grant.project == DEFAULT_PROJECT


def _broker(run: UnitRun) -> MessageQueues:
    settings = run.runtime.settings
    return MessageQueues.of(run.runtime.store, settings.redis_url, settings.broker_url, 3)


def _checker(run: UnitRun) -> Callable[[], None]:
    return lambda: run.progress(0.5, "counting")


def _days(asked: Any, default: int) -> float:
    if asked is None:
        return default
    if isinstance(asked, bool) or not isinstance(asked, int | float) or not 0 <= asked <= 36_500:
        raise WorkError("older_than_days must be a number of days, 0 to 36500", ErrorCategory.DATA)
    return asked


def _lengths() -> dict[tuple[str, int], int] | None:
    try:
        with current_app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, timeout=3)
            return queue_lengths(connection)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("queue lengths unknown", error=str(error))
        return None
