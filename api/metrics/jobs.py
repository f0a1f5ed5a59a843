"""Jobs by status and kind, and what they took: from counters over all jobs, of every project by one round trip."""

from __future__ import annotations

from api.metrics.look import Look
from data.jobs.counters import counters_of
from leadmill.metrics import OTHER_PROJECTS
from pipelines.stages import KINDS
from pipelines.views.statistics import durations, totals


def look_at_jobs(look: Look) -> None:
    """Add them."""
    add = look.samples.add
    labels = look.labels()
    for project, counted in counters_of(look.store, list(labels), list(KINDS)).items():
        look.readable.name(*counted.unreadable)
        label = labels[project]
        by_status, by_kind = totals(counted)
        for status, number in by_status.items():
            add("leadmill_jobs", number, project=label, status=status)
        for kind, number in by_kind.items():
            add("leadmill_jobs_of_kind", number, project=label, kind=kind)
            add("leadmill_jobs_submitted_total", number, project=label, kind=kind)
        add("leadmill_units_dead", counted.dead_units, project=label)
        if label == OTHER_PROJECTS:
            continue  # a mean of means says nothing
        for kind, took in durations(counted).items():
            of = {"project": label, "kind": kind}
            add("leadmill_job_duration_mean_seconds", took["mean_s"], **of)
            add("leadmill_job_duration_p50_seconds", took["p50_s"], **of)
            add("leadmill_job_duration_p95_seconds", took["p95_s"], **of)
