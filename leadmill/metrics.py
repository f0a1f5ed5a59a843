"""Every metric that `GET /metrics` may have: its name, type, labels, unit and what it says (docs/metrics.md).

The unit is in the name, as Prometheus wants it: `_seconds`, `_bytes`; a counter ends with `_total`. What has a label
`project` says so for each project to a key of `default`, and for its own alone to a key of another project. A metric is
absent as long as nothing is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class MetricType(StrEnum):
    """As Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """A metric as it is declared."""

    #: As it is asked for; of a histogram without `_bucket`, `_sum` and `_count`.
    name: str
    type: MetricType
    #: One sentence, without a stop at its end.
    help: str
    labels: tuple[str, ...] = ()
    #: What it is about (`GROUPS`).
    group: str = ""
    #: Of a histogram: upper bounds of its buckets, without +Inf.
    buckets: tuple[float, ...] = ()


#: Stands in a label for what is none of its kind; and for all projects but the first `NAMED_PROJECTS`. No project can
#: have this name.
OTHER, OTHER_PROJECTS = "other", "_others"
#: Projects with a label of their own, those that had their first job first; more would make a scrape long.
NAMED_PROJECTS = 20

#: Seconds: of a unit's wait, and until lost work runs again.
WAITS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0)
#: Seconds: of one stage of a unit.
RUNS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0, 600.0)
#: Seconds: of a job.
JOBS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0)
#: Seconds: of an answer of the API.
ANSWERS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _counter(name: str, about: str, *labels: str) -> Metric:
    return Metric(name, MetricType.COUNTER, about, labels)


def _gauge(name: str, about: str, *labels: str) -> Metric:
    return Metric(name, MetricType.GAUGE, about, labels)


def _histogram(name: str, buckets: tuple[float, ...], about: str, *labels: str) -> Metric:
    return Metric(name, MetricType.HISTOGRAM, about, labels, buckets=buckets)


_DECLARED: dict[str, Iterable[Metric]] = {
    "Jobs": (
        _gauge("leadmill_jobs", "Jobs by status, those that cleanup took away among them", "project", "status"),
        _gauge("leadmill_jobs_of_kind", "Jobs by kind, those that cleanup took away among them", "project", "kind"),
        _counter("leadmill_jobs_submitted_total", "Jobs accepted", "project", "kind"),
        _counter(
            "leadmill_jobs_ended_total",
            "Ends of jobs; category is empty but for failed ones; a resumed job ends again",
            "project", "kind", "status", "category",
        ),
        _counter("leadmill_jobs_resumed_total", "Resumes of ended jobs", "project", "kind"),
        _histogram("leadmill_job_duration_seconds", JOBS, "From a job's start to its end", "kind"),
        *(
            _gauge(f"leadmill_job_duration_{name}_seconds", f"Duration of all ended jobs, {name}", "project", "kind")
            for name in ("mean", "p50", "p95")
        ),
        _gauge("leadmill_jobs_set_aside", "Jobs whose record is damaged, looked at again later"),
    ),
    "Units of work": (
        _counter("leadmill_units_begun_total", "Units begun, by stage", "stage"),
        _counter(
            "leadmill_units_ended_total",
            "Units that committed a stage (status done) or failed for good at it (failed, with a category)",
            "project", "stage", "status", "category",
        ),
        _counter(
            "leadmill_unit_retries_total", "Failed tries of units that are tried again", "project", "stage", "category"
        ),
        _counter("leadmill_process_deaths_total", "Processes that died at a unit, as their parents reported", "stage"),
        _counter("leadmill_lease_lapses_total", "Leases not renewed: their worker is gone, or was cut off", "stage"),
        _counter("leadmill_messages_resent_total", "Messages sent again because they were lost", "stage"),
        _histogram("leadmill_unit_wait_seconds", WAITS, "From a unit's hand-out to its begin", "queue", "stage"),
        _histogram("leadmill_unit_duration_seconds", RUNS, "Run of one stage of a unit that committed it", "stage"),
        _histogram(
            "leadmill_unit_recovery_seconds",
            WAITS,
            "From a process' reported death, or a lapsed lease, until the unit begins again",
            "cause",
        ),
        _gauge("leadmill_units_live", "Units handed out, running or waiting, and deadlines to come"),
        _gauge("leadmill_units_overdue_seconds", "How long nobody has looked at the unit that is due first"),
        _gauge("leadmill_units_dead", "Units that failed for good and were neither resumed nor replayed", "project"),
    ),
    "Queues and workers": (
        _gauge("leadmill_queue_waiting", "Messages waiting", "queue"),
        _gauge("leadmill_queue_oldest_seconds", "Age of the oldest waiting message", "queue"),
        _gauge("leadmill_queue_workers", "Workers that listen", "queue"),
        _gauge("leadmill_queue_processes", "Processes that listen", "queue"),
        _gauge("leadmill_workers", "Workers alive"),
        _gauge("leadmill_beats", "Schedulers (beat) alive"),
        _gauge(
            "leadmill_messages_thrown_away",
            "Messages of others that the workers alive threw away, by reason",
            "reason",
        ),
        _counter("leadmill_launches_left_to_workers_total", "Launch messages that the API did not send itself"),
    ),
    "Crawl": (
        _counter(
            "leadmill_crawl_requests_total",
            "Requests of committed and failed crawls, by class of the answer (2xx … 5xx; none: no answer)",
            "project", "status",
        ),
        _counter("leadmill_crawl_bytes_total", "Bytes of bodies received", "project"),
        _counter("leadmill_crawl_refused_total", "Addresses refused by robots, egress or blocks", "project", "by"),
        _counter("leadmill_crawl_pages_total", "Pages kept", "project"),
    ),
    "Rows and the lake": (
        _counter(
            "leadmill_rows_total",
            "Rows that stages read (in), wrote (out) or could not make (error)",
            "project", "stage", "result",
        ),
        _counter("leadmill_lake_written_parts_total", "Parquet files that stages committed", "project", "stage"),
        _counter("leadmill_lake_written_bytes_total", "Bytes of these files", "project", "stage"),
        _gauge("leadmill_lake_snapshot_bytes", "Bytes of the compacted newest rows of all companies", "project"),
        _gauge("leadmill_lake_uncompacted_jobs", "Jobs with rows accepted since the last compaction", "project"),
        _gauge("leadmill_lake_compaction_lag_seconds", "Since the first of these was accepted; else 0", "project"),
        _gauge("leadmill_company_table_ready", "1 while lists of companies need not scan the lake", "project"),
        _gauge("leadmill_company_table_companies", "Companies in the API process's table of newest rows", "project"),
        _gauge("leadmill_company_table_age_seconds", "Since it was last seen to be as the lake is", "project"),
        _gauge("leadmill_disk_size_bytes", "Size of the data folder's file system"),
        _gauge("leadmill_disk_free_bytes", "Free of it for Leadmill"),
    ),
    "Redis": (
        _gauge("leadmill_redis_up", "1 while the job store's Redis answers"),
        _gauge("leadmill_redis_writable", "1 while it takes writes"),
        _gauge("leadmill_redis_memory_used_bytes", "Memory that it uses"),
        _gauge("leadmill_redis_memory_max_bytes", "Memory that it may use; absent without a limit"),
        _gauge("leadmill_redis_clients", "Connections to it"),
        _gauge("leadmill_redis_persistence_age_seconds", "Since what it holds was last written to disk"),
        _gauge("leadmill_redis_persistence_ok", "1 while its last writing to disk went well"),
        _gauge("leadmill_redis_ping_seconds", "How long a ping took"),
        _gauge("leadmill_unreadable_keys", "Keys that something else has written; what they count is left out", "key"),
    ),
    "API": (
        _histogram(
            "leadmill_api_request_duration_seconds",
            ANSWERS,
            "From a request to the begin of its answer, by route (other: none) and class of status (2xx … 5xx)",
            "method", "route", "status",
        ),
        _counter("leadmill_api_limited_total", "Requests refused by the rate limit"),
        _gauge("leadmill_audit_backlog", "Audit entries that are in no file yet"),
        _counter("leadmill_audit_entries_not_kept_total", "Audit entries of refusals that could only be counted"),
    ),
    "Notices": (
        _counter("leadmill_notices_total", "Notices written for somebody who listens", "project", "kind"),
        _counter(
            "leadmill_notice_deliveries_total",
            "Tries to deliver: sent, failed or given_up",
            "project", "channel", "result",
        ),
        _gauge("leadmill_notices_waiting", "Notices and deliveries that are not made yet"),
        _gauge("leadmill_notices_oldest_seconds", "How long the oldest of these is due; 0 where none is"),
    ),
    "This page": (
        _gauge("leadmill_build_info", "1; the version is the label", "version"),
        _gauge("leadmill_metrics_failed", "1 for each group of metrics that could not be read", "group"),
        _gauge("leadmill_metrics_seconds", "How long it took to look all of this up"),
    ),
}  # fmt: skip

#: What metrics are about → those metrics, in the order of docs/metrics.md.
GROUPS: dict[str, tuple[Metric, ...]] = {
    group: tuple(Metric(one.name, one.type, one.help, one.labels, group, one.buckets) for one in metrics)
    for group, metrics in _DECLARED.items()
}
#: Each by its name.
METRICS: dict[str, Metric] = {metric.name: metric for metrics in GROUPS.values() for metric in metrics}
