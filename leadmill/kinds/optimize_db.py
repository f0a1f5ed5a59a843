"""Compact the lake and trim Redis."""

from leadmill.kinds import Kind
from leadmill.stages import Queue, Stage

KIND = Kind(
    name="optimize_db",
    stages=(
        Stage(
            name="optimize_db",
            work="tasks.maintenance.task:optimize_db",
            takes="run",
            queue=Queue.MAINTENANCE,
            scope="job",
        ),
    ),
    needs_companies=False,
    schedule="30 4 * * 0",
    route="maintenance/optimize-db",
    summary="Compact the lake",
)
