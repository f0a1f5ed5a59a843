"""The data folder, by what is known of it without listing it: its disk, how old its snapshots are, its companies."""

from __future__ import annotations

import time

from api.metrics.look import Look
from data.jobs.counters import accepted_since
from data.probes import disk_free, disk_size
from data.projects import snapshots
from leadmill.declared import ROW_STAGES
from leadmill.metrics import OTHER_PROJECTS
from pipelines.stages import KINDS

#: Kinds of jobs whose rows a compaction takes.
_KINDS = tuple(name for name, kind in KINDS.items() if not set(ROW_STAGES).isdisjoint(kind.stage_names))


def look_at_disk(look: Look) -> None:
    """Add the file system's size, and what is free of it."""
    look.samples.add("leadmill_disk_size_bytes", disk_size(look.lake.root))
    look.samples.add("leadmill_disk_free_bytes", disk_free(look.lake.root))


def look_at_compaction(look: Look) -> None:
    """Add how far each project's snapshots are behind its jobs."""
    labels = look.labels()
    kept = snapshots(look.lake, labels)
    since = {project: of.renewed_at for project, of in kept.items()}
    for project, behind in accepted_since(look.store, since, _KINDS).items():
        look.samples.add("leadmill_lake_snapshot_bytes", kept[project].bytes, project=labels[project])
        look.readable.name(*behind.unreadable)
        if behind.unreadable:
            continue
        look.samples.add("leadmill_lake_uncompacted_jobs", behind.jobs, project=labels[project])
        if labels[project] != OTHER_PROJECTS:  # a sum of lags says nothing
            lag = 0.0 if behind.first_s is None else max(0.0, time.time() - behind.first_s)
            look.samples.add("leadmill_lake_compaction_lag_seconds", lag, project=labels[project])


def look_at_companies(look: Look) -> None:
    """Add the state of the table that each project's lists of companies come from, where there is one."""
    labels = look.labels()
    for project, seen in look.here.views.seen().items():
        if labels.get(project, OTHER_PROJECTS) != OTHER_PROJECTS:
            is_ready = seen.state == "ready"
            look.samples.add("leadmill_company_table_ready", float(is_ready), project=project)
            look.samples.add("leadmill_company_table_companies", seen.companies if is_ready else None, project=project)
            look.samples.add("leadmill_company_table_age_seconds", seen.age_s, project=project)
