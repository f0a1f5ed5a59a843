"""Which of our metrics an expression of PromQL asks for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

from leadmill.metrics import METRICS, MetricType
from tests.deploy.monitoring.prometheus import RULES

GROUPS: list[dict[str, Any]] = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
RECORDED = {rule["record"] for group in GROUPS for rule in group["rules"] if "record" in rule}
#: What Prometheus adds to a histogram's name.
_PARTS = re.compile(r"_(bucket|count|sum)$")


def asked_for(expression: str) -> set[tuple[str, str]]:
    """Each of our metrics that it names, with the labels that it picks by."""
    return set(re.findall(r"\b(leadmill_\w+)\s*(?:\{([^}]*)\})?", expression))


def assert_known(expressions: Iterable[str]) -> None:
    """Every metric is declared, in its form, and has the labels by which it is picked; every record is made."""
    for expression in expressions:
        for name, picked in asked_for(expression):
            base = name if name in METRICS else _PARTS.sub("", name)
            assert base in METRICS, f"no metric {name}"
            histogram = METRICS[base].type is MetricType.HISTOGRAM
            assert histogram == (base != name), f"{name} is no series of a {METRICS[base].type}"
            labels = {*METRICS[base].labels, *(["le"] if name.endswith("_bucket") else [])}
            assert set(re.findall(r"(\w+)\s*[=!]", picked)) <= labels, f"{name} has no such label: {picked}"
        assert set(re.findall(r"\bleadmill:[\w:]+", expression)) <= RECORDED
