"""Coverage of many jobs is that of each of them, added up; what is no result adds nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from data.jobs import JobRecord
from data.jobs.stored_names import RECORD_FIELDS
from pipelines.views.coverage import Covered
from pipelines.views.daily import by_day
from pipelines.views.recent import done_by

AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def test_companies_of_jobs_add_up() -> None:
    result = {"companies": 10, "good": 7}
    stored = {RECORD_FIELDS["companies"]: "10", "coverage": str(0.7), "result": json.dumps(result)}
    others = {RECORD_FIELDS["companies"]: "3", "coverage": "1", "result": json.dumps({"companies": 3, "good": 3})}
    records = [
        JobRecord(f"job_{n}", {"created": str(int(AT.timestamp() * 1000)), "status": "completed", **one})
        for n, one in enumerate((stored, others, {}))
    ]
    today, yesterday = by_day(records, AT.date(), 2)
    assert (today.jobs, today.companies, today.good) == (3, 13, 10)
    assert today.coverage == 10 / 13 and (yesterday.jobs, yesterday.coverage) == (0, None)
    assert vars(done_by([{"result": result, "progress": {"details": {"pages": 5}}}])) == {  # type: ignore[typeddict-item]
        "companies": 10, "good": 7, "jobs": 1, "pages": 5,
    }  # fmt: skip


@pytest.mark.parametrize("value", [None, "7", -3, [], {"refused": "x"}, 0.5])
def test_what_is_no_number_adds_nothing(value: object) -> None:
    found = Covered()
    found.add(value, value)
    assert found == Covered() and found.coverage is None
