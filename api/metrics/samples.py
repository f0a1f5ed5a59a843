"""What a scrape found: values by metric and labels, and what Prometheus is told of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector

from leadmill.metrics import METRICS, Metric, MetricType

#: Values of labels, in the order in which the metric declares them.
_Labels = tuple[str, ...]


@dataclass
class Times:
    """A histogram: how many times lie in each bucket (the last one has no upper bound), and their sum in seconds."""

    buckets: list[int]
    total_s: float = 0.0


@dataclass
class Samples(Collector):
    """Values of declared metrics. What is added to the same labels again is summed."""

    _values: dict[str, dict[_Labels, float]] = field(default_factory=dict)
    _times: dict[str, dict[_Labels, Times]] = field(default_factory=dict)

    def add(self, name: str, value: float | None, **labels: str) -> None:
        """A counter or gauge; None is not known, and so absent.

        Raises:
            KeyError: there is no such metric, or not with these labels.
        """
        if value is None:
            return
        self.add_to(METRICS[name], _key(METRICS[name], labels), value)

    def add_to(self, metric: Metric, labels: _Labels, value: float) -> None:
        """The same, with the labels' values in the order of the metric's."""
        values = self._values.setdefault(metric.name, {})
        values[labels] = values.get(labels, 0.0) + value

    def times(self, metric: Metric, labels: _Labels) -> Times:
        """The histogram with these labels, to add to."""
        known = self._times.setdefault(metric.name, {})
        times = known.get(labels)
        if times is None:
            times = known[labels] = Times([0] * (len(metric.buckets) + 1))
        return times

    def describe(self) -> Sequence[Family]:
        """Nothing before it is collected."""
        return ()

    def collect(self) -> Iterator[Family]:
        """Each metric that has a value, in the order of their declaration."""
        for name, metric in METRICS.items():
            if metric.type is MetricType.HISTOGRAM:
                if name in self._times:
                    yield _histogram(metric, self._times[name])
            elif name in self._values:
                kind = CounterMetricFamily if metric.type is MetricType.COUNTER else GaugeMetricFamily
                family = kind(name, metric.help, labels=metric.labels)
                for labels, value in self._values[name].items():
                    family.add_metric(labels, value)
                yield family


def _key(metric: Metric, labels: Mapping[str, str]) -> _Labels:
    if len(labels) != len(metric.labels):
        raise KeyError(f"{metric.name} has the labels {', '.join(metric.labels)}")
    return tuple([labels[name] for name in metric.labels])


def _histogram(metric: Metric, of: Mapping[_Labels, Times]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    bounds = [*map(str, metric.buckets), "+Inf"]
    for labels, times in of.items():
        family.add_metric(labels, list(zip(bounds, accumulate(times.buckets), strict=True)), times.total_s)
    return family
