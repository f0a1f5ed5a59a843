"""Coverage of many jobs: a line that names no company is none, and what is no result adds nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from data.jobs import JobRecord
from pipelines.views.coverage import Covered
from pipelines.views.daily import by_day

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_lines_that_name_no_company_are_none() -> None:
    results = (
        {"companies": 13, "good": 7, "input": {"lines": 14, "without_address": 2, "refused": 1, "repeated": 1}},
        {"companies": 3, "good": 3},
    )
    records = [
        JobRecord(
            f"job_{n}", {"created": str(int(AT.timestamp() * 1000)), "status": "completed", "result": json.dumps(one)}
        )
        for n, one in enumerate(results)
    ]
    today, yesterday = by_day(records, AT.date(), 2)
    assert (today.jobs, today.companies, today.good, today.lines_without_company) == (2, 13, 10, 3)
    assert today.coverage == 10 / 13 and (yesterday.jobs, yesterday.coverage) == (0, None)


@pytest.mark.parametrize(
    "result",
    [{}, {"good": None, "companies": "7"}, {"companies": -3, "good": [], "input": [5]}, {"input": {"refused": "x"}}],
)
def test_what_is_no_result_adds_nothing(result: dict[str, Any]) -> None:
    found = Covered()
    found.add(result)
    assert found == Covered() and found.coverage is None
