"""What jobs ask for that the oldest version beside this one does not know."""

from __future__ import annotations

from typing import Any

import pytest

from data.jobs import NewJob
from pipelines.request.known_before import is_later

URLS = {"company_urls": ["a.example"]}


def job(source: Any = URLS, options: Any = None, kind: str = "pipeline", **more: Any) -> NewJob:
    return NewJob("job_00000000000000000000", kind, ("scrape",), ("scrape",), options or {}, source, **more)


@pytest.mark.parametrize(
    "asked",
    [
        job(),
        job({"search_queries": ["solar"], "max_results_per_query": 3}),
        job({"json": "companies.json"}),
        job({"parent": "job_00000000000000000001", "company_ids": ["a"]}),
        job(
            options={
                "crawl": {"max_pages": 3, "respect_signals": None},
                "report": {"type": "leads", "formats": ["csv"]},
            }
        ),
        job(options={"scoring_model": "default", "icp": None}),
        job({}, {"older_than_days": 3}, "cleanup"),
        job(tags=("t",), deadline_s=3, min_coverage=0.5, request_id="r", trace="t", run_at=1e10),
    ],
)
def test_it_is_known(asked: NewJob) -> None:
    assert not is_later(asked)


@pytest.mark.parametrize(
    "asked",
    [
        job({"file": "upload.csv"}),
        job({"file": "upload.csv", "column": "Website"}),
        job({"filter": {"tier": ["A"]}}, kind="report"),
        job(options={"crawl": {"respect_signals": False}}),
        job(options={"extract": {"people": True}}),
        job(options={"report": {"formats": ["csv"], "layout": "hubspot"}}),
        job(options={"report": {"mail_to": ["a@b.example"]}}),
        job(options={"scoring_model": "mine@01234567"}),
        job(options={"icp": {"countries": ["DE"]}}),
        job(options={"whatever is added": 1}),
        job({}, kind="remove_project"),
        job(notify=("sales",)),
        job(callback_url="https://hooks.example/"),
    ],
)
def test_it_is_not_known(asked: NewJob) -> None:
    assert is_later(asked)
