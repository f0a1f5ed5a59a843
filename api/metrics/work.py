"""What the moves of records counted: ends, failures, waits, runs, rows, the crawl (`data.jobs.metrics`)."""

from __future__ import annotations

from collections.abc import Collection

from api.metrics import stored
from api.metrics.look import Look
from data.jobs.due import due_state
from data.jobs.metrics import counted
from leadmill.errors import NoticesUnreadableError
from pipelines.notices.rules import OF_JOBS, Rules


def look_at_work(look: Look) -> None:
    """Add it."""
    labels = look.labels()
    found = counted(look.store, list(labels))
    look.readable.name(*found.unreadable)
    rules = Rules(look.here.settings)
    for project, fields in found.of.items():
        stored.add(look.samples, fields, labels[project], _channels(rules, project))


def _channels(rules: Rules, project: str) -> Collection[str]:
    """Whose deliveries are told: the project's channels, and what its jobs name, each kind together."""
    try:
        return {*rules.of(project).channels, *OF_JOBS}
    except NoticesUnreadableError:  # the health check tells that
        return OF_JOBS


def look_at_due(look: Look) -> None:
    """Add what waits to be looked at, of all projects together."""
    state = look.readable.read(lambda: due_state(look.store), None)
    if state is not None:
        look.samples.add("leadmill_units_live", state.entries)
        look.samples.add("leadmill_units_overdue_seconds", state.late_s)
        look.samples.add("leadmill_jobs_set_aside", state.set_aside)
