"""What Redis has counted (`data.jobs.metrics`), as metrics with labels.

Anybody may have written there: a field that names no metric is passed over, and a label that is none of its kind counts
as `other`. So no name that somebody chose becomes a label, but those of the channels that there are: one that was
removed is told no more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from api.metrics.samples import Samples
from data.jobs import Status
from leadmill import notices
from leadmill.errors import ErrorCategory
from leadmill.metrics import METRICS, OTHER, Metric, MetricType
from pipelines.stages import BY_UNIT, KINDS, STAGES

#: Metrics by the names that Redis has for them.
_METRICS = {name.removeprefix("leadmill_").removesuffix("_total"): metric for name, metric in METRICS.items()}
#: Labels that are not stored: the project is the hash's, the queue that of the stage.
_NOT_STORED = frozenset({"project", "queue"})
_ANSWERS = {f"{n}xx" for n in range(2, 6)}
#: What a label may be.
_KNOWN: Mapping[str, frozenset[str]] = {
    "kind": frozenset(KINDS) | frozenset(notices.KINDS),
    "category": frozenset(ErrorCategory) | {""},
    "status": frozenset(Status) | {"done", "failed", "none"} | _ANSWERS,
    "result": frozenset({"in", "out", "error", "sent", "failed", "given_up"}),
    "by": frozenset({"robots", "egress", "blocks"}),
    "cause": frozenset({"death", "lapse"}),
    "method": frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}),
}


class _Place(NamedTuple):
    """Where a stored number belongs."""

    metric: Metric
    #: Labels in the order of the metric's, without the project.
    labels: tuple[str, ...]
    has_project: bool
    #: Of a histogram: its bucket, `_SUM` for the sum of times. Of a counter None.
    bucket: int | None
    #: Where it is one's.
    channel: str | None


#: Stands for the sum of a histogram.
_SUM = -1


def add(samples: Samples, fields: Mapping[str, int], project: str, channels: Collection[str] = ()) -> None:
    """Add what one project, which has these channels, has counted, or (of requests) the API."""
    for stored, number in fields.items():
        place = _place(stored)
        if place is None or (place.channel is not None and place.channel not in channels):
            continue
        labels = (project, *place.labels) if place.has_project else place.labels
        if place.bucket is None:
            samples.add_to(place.metric, labels, number)
        elif place.bucket == _SUM:
            samples.times(place.metric, labels).total_s += number / 1000
        else:
            samples.times(place.metric, labels).buckets[place.bucket] += number


@lru_cache(maxsize=10_000)
def _place(field: str) -> _Place | None:
    """Where a field's number belongs; None where that is nowhere."""
    stem, *values = field.split(":")
    metric = _METRICS.get(stem)
    if metric is None or metric.type is MetricType.GAUGE:
        return None
    bucket = None
    if metric.type is MetricType.HISTOGRAM:
        last = values.pop() if values else ""
        if last != "ms" and not (last.isdecimal() and 1 <= int(last) <= len(metric.buckets) + 1):
            return None
        bucket = _SUM if last == "ms" else int(last) - 1
    names = [name for name in metric.labels if name not in _NOT_STORED]
    if len(names) != len(values):
        return None
    labels = {name: _known(name, value) for name, value in zip(names, values, strict=True)}
    if "queue" in metric.labels:
        stage = STAGES.get(labels["stage"])
        labels["queue"] = stage.queue.value if stage else OTHER
    has_project = "project" in metric.labels
    told = tuple(labels[name] for name in metric.labels if name != "project")
    return _Place(metric, told, has_project, bucket, labels.get("channel"))


def _known(label: str, value: str) -> str:
    if label == "stage":  # by its name, or by that of its units
        stage = STAGES.get(value) or BY_UNIT.get(value)
        return stage.name if stage else OTHER
    known = _KNOWN.get(label)
    return value if known is None or value in known else OTHER
