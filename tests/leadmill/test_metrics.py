"""The table of metrics keeps to Prometheus' conventions of names."""

from __future__ import annotations

import re

import pytest

from leadmill.metrics import METRICS, Metric, MetricType


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_names_say_type_and_unit(metric: Metric) -> None:
    assert re.fullmatch(r"leadmill(_[a-z0-9]+)+", metric.name)
    assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
    assert not re.search(r"_(ms|s|minutes|hours|kb|mb|bucket|sum|count)$", metric.name), "seconds, bytes, no suffixes"
    assert all(re.fullmatch(r"[a-z]+", label) for label in metric.labels)
    assert not {"le", "quantile", "job", "instance"} & set(metric.labels), "names that Prometheus takes for itself"
    assert "project" not in metric.labels[1:], "it stands first"
    assert metric.help[0].isupper() or metric.help[0].isdigit()
    assert not metric.help.endswith(".")


def test_buckets_rise_and_only_histograms_have_some() -> None:
    for metric in METRICS.values():
        assert bool(metric.buckets) == (metric.type is MetricType.HISTOGRAM), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets)), metric.name
        assert not metric.buckets or metric.name.endswith("_seconds")
