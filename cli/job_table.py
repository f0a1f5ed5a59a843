"""A list of jobs as a table: that of `leadmill list`, and the newest ones of `leadmill status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import console

if TYPE_CHECKING:
    from leadmill.client.results import Job


def job_table(jobs: list[Job]) -> tuple[list[str], list[list[object]]]:
    """Headers and rows of a list of jobs."""
    headers = ["job", "kind", "status", "done", "created", "took", "coverage", "tags"]
    rows: list[list[object]] = [
        [
            job.id,
            job.kind,
            job.status,
            f"{job.progress.percentage:.0f} %",
            console.age(job.created_at),
            console.duration(job.duration_s),
            "" if job.coverage is None else f"{job.coverage:.0%}",
            ", ".join(job.tags),
        ]
        for job in jobs
    ]
    return headers, rows
