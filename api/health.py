"""/healthz (this process lives), /readyz (work would be done) and /metrics, at the root."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from api.auditing import Auditor
from api.context import Context, Everything, Here, Installation, PerhapsWho
from api.routing import Router
from data.project_quotas import project_quotas
from data.projects import damages_everywhere
from leadmill import answers
from leadmill.access import Caller, Role
from leadmill.answers import Figures
from leadmill.errors import ForeignLakeError, QuotasUnreadableError, UnavailableError
from leadmill.redaction import redacted
from pipelines.queues import Queue
from pipelines.settings_check import setting_faults
from pipelines.views.statistics import statistics

router = Router("", "health")

#: Damaged files named.
_NAMED = 5


@router.get(
    "/healthz",
    role=None,
    response_model=answers.Health,
    responses={503: {"model": answers.Health, "description": "The job store is another lake's"}},
    summary="200 while this process lives; `status` is warn when something threatens jobs, fail when disk or Redis "
    "take no writes or damaged files lie in the lake, and fail, with 503, when the job store is another lake's",
)
def healthz(here: Everything, who: PerhapsWho) -> Response:
    seen = here.prober.look()
    if seen.foreign:
        detail = seen.shown["warnings"][0]
        wait = {"Retry-After": str(ForeignLakeError(detail).retry_after_s)}
        return JSONResponse(_told(who, "fail", **seen.shown, detail=detail), status_code=503, headers=wait)
    damaged = [f"{one.file} is damaged and set aside: {one.error}" for one in damages_everywhere(here.lake)[:_NAMED]]
    mistaken = [fault.text for fault in setting_faults(here.settings)]
    unknown = _unknown_quotas(here)
    warnings = [*damaged, *unknown, *mistaken, *seen.shown["warnings"]]
    closed = unknown or not here.keyring.is_readable
    status = "fail" if seen.faults or damaged or closed else "warn" if warnings else "ok"
    return JSONResponse(_told(who, status, **{**seen.shown, "warnings": warnings}))


def _unknown_quotas(here: Installation) -> list[str]:
    """Why nothing is taken though disk and Redis take writes."""
    try:
        project_quotas(here.lake.data).own()
    except QuotasUnreadableError as error:
        return [str(error)]
    return []


def _told(who: Caller | None, status: str, **more: Any) -> Any:
    """All of it for who administers the installation; for everybody else whether it is well."""
    if who is not None and who.administers_all:
        return redacted.within({"status": status, **more})
    return {"status": "fail" if status == "fail" else "ok"}


@router.get(
    "/readyz",
    role=None,
    response_model=answers.Readiness,
    summary="200 once every queue has a listener, and disk and Redis take writes",
)
def readyz(here: Everything, who: PerhapsWho) -> Response:
    tells = who is not None and who.administers_all
    try:
        here.keyring.table()
        workers = _working(here)
    except UnavailableError as error:
        if tells:
            raise
        raise UnavailableError("not ready") from error
    return JSONResponse({"status": "ready", **({"workers": workers} if tells else {})})


def _working(here: Installation) -> int:
    """How many workers there are, where every queue has one and everything takes writes.

    Raises:
        UnavailableError: it is not so; says what is missing.
    """
    seen = here.prober.look()
    if seen.foreign:
        raise ForeignLakeError(seen.shown["warnings"][0])
    for fault in seen.faults:
        raise UnavailableError(f"{fault.text}; {fault.remedy}")
    project_quotas(here.lake.data).own()
    workers = here.store.workers()
    heard = {queue for worker in workers.values() for queue in worker.queues}
    missing = [queue.value for queue in Queue if queue.value not in heard]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise UnavailableError(f"no worker listens on {names}; start one: `leadmill worker -Q {','.join(missing)}`")
    return len(workers)


@router.get("/metrics", role=Role.VIEWER, summary="Gauges for Prometheus", response_class=PlainTextResponse)
def metrics(here: Here, request: Request) -> Response:
    auditor: Auditor = request.app.state.auditor
    registry = CollectorRegistry()
    registry.register(_Gauges(statistics(here.store, here.broker), here, auditor.lost))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Gauges(Collector):
    """The statistics in Prometheus' words."""

    def __init__(self, figures: Figures, here: Context, not_kept: int) -> None:
        self._figures = figures
        self._dropped = here.dispatcher.dropped
        self._not_kept = not_kept

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        totals = self._figures["totals"]
        queues: Mapping[str, Mapping[str, Any]] = self._figures["queues"]
        yield _gauge("leadmill_jobs", "Jobs by status", "status", totals["by_status"])
        yield _gauge("leadmill_jobs_of_kind", "Jobs by kind", "kind", totals["by_kind"])
        durations: Mapping[str, Mapping[str, Any]] = self._figures["durations"]
        for quantile in ("mean", "p50", "p95"):
            values = {kind: row[f"{quantile}_s"] for kind, row in durations.items()}
            yield _gauge(
                f"leadmill_job_duration_{quantile}_seconds", f"Duration of ended jobs, {quantile}", "kind", values
            )
        for name, what in (
            ("waiting", "Messages waiting"),
            ("workers", "Workers that listen"),
            ("processes", "Processes that listen"),
        ):
            yield _gauge(f"leadmill_queue_{name}", what, "queue", {queue: row[name] for queue, row in queues.items()})
        ages = {queue: row["oldest_s"] or 0.0 for queue, row in queues.items()}
        yield _gauge("leadmill_queue_oldest_seconds", "Age of the oldest waiting message", "queue", ages)
        if (workers := self._figures["workers"]) is not None:
            yield GaugeMetricFamily("leadmill_workers", "Workers alive", value=len(workers))
            thrown = sum((Counter(worker["thrown_away"]) for worker in workers), Counter[str]())
            yield _gauge(
                "leadmill_messages_thrown_away",
                "Messages of others that the workers alive threw away, by reason",
                "reason",
                dict(thrown),
            )
        begun = CounterMetricFamily("leadmill_units_begun", "Units begun, by stage", labels=["stage"])
        for stage, row in self._figures["stages"].items():
            begun.add_metric([stage], row["begun"])
        yield begun
        damaged = dict.fromkeys(self._figures["unreadable"], 1)
        yield _gauge(
            "leadmill_unreadable_keys",
            "Keys that something else has written; what they count is left out",
            "key",
            damaged,
        )
        yield CounterMetricFamily(
            "leadmill_launches_left_to_workers", "Launch messages this process did not send itself", value=self._dropped
        )
        yield CounterMetricFamily(
            "leadmill_audit_entries_not_kept",
            "Audit entries of refusals that this process could only count",
            value=self._not_kept,
        )


def _gauge(name: str, what: str, label: str, values: dict[str, Any]) -> Metric:
    """Without those that are not known."""
    family = GaugeMetricFamily(name, what, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], float(value))
    return family
