"""Recount the counters and keep the hour's totals; it comes by its schedule alone."""

from leadmill.kinds import Kind
from leadmill.stages import Queue, Stage

KIND = Kind(
    name="statistics",
    stages=(
        Stage(
            name="statistics",
            work="tasks.maintenance.task:statistics",
            takes="run",
            queue=Queue.MAINTENANCE,
            scope="job",
        ),
    ),
    needs_companies=False,
    schedule="0 * * * *",
)
