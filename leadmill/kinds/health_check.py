"""Look for what could lose or delay work."""

from leadmill.kinds import Kind
from leadmill.stages import Queue, Stage

KIND = Kind(
    name="health_check",
    stages=(
        Stage(
            name="health_check",
            work="tasks.maintenance.task:health_check",
            takes="run",
            queue=Queue.MAINTENANCE,
            scope="job",
        ),
    ),
    needs_companies=False,
    schedule="*/30 * * * *",
    of_installation=True,
    route="maintenance/health-check",
    summary="Look for faults; finding some is no failure",
)
