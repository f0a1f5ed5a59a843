"""Which companies a filter finds, against a real record store and real files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from data import history, snapshot
from data.jobs import JobRecord, JobStore, NewJob
from data.lake import Lake, UnitFiles
from leadmill.ids import company_id
from pipelines.execution.filtered import filtered
from reports.lead_filter import LeadFilter

NOW = datetime(2026, 11, 27, tzinfo=UTC)
OLD, NEW = "job_" + "1" * 20, "job_" + "2" * 20


def scored(lake: Lake, job: str, at: datetime, *rows: dict[str, Any]) -> None:
    files = UnitFiles(lake, job, "score", "score", 1)
    files.write(
        {"company_id": company_id(row["domain"]), "url": f"https://{row['domain']}/", "scored_at": at, **row}
        for row in rows
    )
    lake.expose(job, "score", "score", 1)


@pytest.fixture
def two_jobs(store: JobStore, lake: Lake) -> None:
    for job, tag in ((OLD, "fair"), (NEW, "other")):
        store.submit(NewJob(job, "pipeline", ("scrape", "score"), ("scrape",), {}, {}, tags=(tag,)))
    scored(
        lake,
        OLD,
        NOW - timedelta(1),
        {
            "domain": "a.example",
            "tier": "A",
            "score": 90.0,
            "country": "DE",
            "technologies": ["Shopify"],
            "language": "de",
            "employees_max": 9,
            "emails": ["a@a.example"],
        },
        {"domain": "both.example", "tier": "B", "score": 60.0, "name": "Both Pumps"},
        {"domain": "failed.example", "error": "no", "error_category": "data", "tier": "D", "score": 0.0},
    )
    scored(
        lake,
        NEW,
        NOW,
        {"domain": "both.example", "tier": "C", "score": 40.0, "industry": "Software"},
        {"domain": "new.example", "tier": "B", "score": 70.0, "country": "AT"},
    )


def found(store: JobStore, lake: Lake, **wanted: Any) -> tuple[dict[str, str], int]:
    rows, of = filtered(store, lake, LeadFilter(**wanted))
    return {row["domain"]: row["job_id"] for row in rows}, of


@pytest.mark.parametrize(
    ("wanted", "matched", "of"),
    [
        ({}, {"a.example": OLD, "both.example": NEW, "new.example": NEW}, 3),
        ({"tier": ("A", "B")}, {"a.example": OLD, "new.example": NEW}, 3),
        ({"tag": "fair"}, {"a.example": OLD, "both.example": OLD}, 2),
        ({"tag": "fair", "tier": ("B",)}, {"both.example": OLD}, 2),
        ({"tag": "nobody"}, {}, 0),
        ({"country": ("de", "AT")}, {"a.example": OLD, "new.example": NEW}, 3),
        ({"technology": ("shopify", "none")}, {"a.example": OLD}, 3),
        ({"industry": ("SOFTWARE",)}, {"both.example": NEW}, 3),
        ({"min_score": 70}, {"a.example": OLD, "new.example": NEW}, 3),
        ({"text": "PUMPS"}, {}, 3),
        ({"language": ("DE",), "size": ("1-9",), "has": ("email",)}, {"a.example": OLD}, 3),
        ({"has": ("email", "phone")}, {}, 3),
        ({"text": "pumps", "tag": "fair"}, {"both.example": OLD}, 2),
    ],
)
@pytest.mark.usefixtures("two_jobs")
def test_the_newest_row_of_each_company_decides(
    store: JobStore, lake: Lake, wanted: dict[str, Any], matched: dict[str, str], of: int
) -> None:
    assert found(store, lake, **wanted) == (matched, of)


@pytest.mark.usefixtures("two_jobs")
def test_a_tag_of_a_cleaned_up_job_finds_what_the_snapshot_has_of_it(store: JobStore, lake: Lake) -> None:
    store.cancel(OLD)
    snapshot.compact(lake, [OLD, NEW])
    records = [record for record in store.records([OLD]) if isinstance(record, JobRecord)]
    history.append(lake, records, NOW)
    store.forget(OLD)
    lake.drop_job_data(OLD)
    assert found(store, lake, tag="fair") == ({"a.example": OLD}, 1)


def test_it_is_told_in_words() -> None:
    wanted = LeadFilter(tag="fair", tier=("A", "B"), min_score=12.5)
    assert wanted.told == "tag fair; tier A or B; score from 12.5"
    assert LeadFilter(has=("email", "phone"), size=("1-9",)).told == "size 1-9; has email and phone"
