"""The data folder, by what is known of it without listing it: its disk, and how old its snapshots are."""

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
