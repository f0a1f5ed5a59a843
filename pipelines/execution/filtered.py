"""The companies of the lake that a filter finds, for a report over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from data.damage import enduring
from data.duck import connection
from data.jobs import JobStore
from data.lake import Lake
from pipelines.views.listing import MAX_PAGE, JobFilter, list_jobs
from reports.lead_filter import LeadFilter, matching


def filtered(store: JobStore, lake: Lake, wanted: LeadFilter) -> tuple[list[Mapping[str, Any]], int]:
    """Companies whose newest scored row matches (company_id, domain, url, job_id), and of how many that is.

    Raises:
        UnavailableError: Redis does not answer.
    """
    jobs = None if wanted.tag is None else jobs_with(store, lake, wanted.tag)

    def files() -> dict[str, list[Path]]:
        if jobs is None:
            return {"score": lake.stage_files("score")}
        return {"score": lake.across(jobs).all("score") + lake.snapshot_files("score")}

    def ask(found: Mapping[str, Sequence[Path]]) -> tuple[list[Mapping[str, Any]], int]:
        return matching(connection().cursor(), found["score"], wanted, jobs)

    return enduring(lake, files, ask)


def jobs_with(store: JobStore, lake: Lake, tag: str) -> list[str]:
    """Every job that has the tag, live or archived."""
    found: list[str] = []
    cursor: str | None = None
    while True:
        page = list_jobs(store, lake, JobFilter(tag=tag), MAX_PAGE, cursor)
        found += [record.job_id for record in page.records]
        if (cursor := page.next_cursor) is None:
            return found
