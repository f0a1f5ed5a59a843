"""A list of jobs as a table: that of `leadmill list`, and the newest ones of `leadmill status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli import console

if TYPE_CHECKING:
    from leadmill.client.results import Job


def tell_jobs(jobs: list[Job]) -> None:
    """Print jobs as a table."""
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
    console.table(headers, rows, spare=("coverage", "took", "tags", "done"))
