"""Move old ended jobs out of Redis and free their space."""

from leadmill.kinds import Kind, Option
from leadmill.stages import Queue, Stage

KIND = Kind(
    name="cleanup",
    stages=(
        Stage(name="cleanup", work="tasks.maintenance.task:cleanup", takes="run", queue=Queue.MAINTENANCE, scope="job"),
    ),
    needs_companies=False,
    schedule="15 3 * * *",
    route="maintenance/cleanup",
    summary="Archive jobs that ended long ago (default 90 days)",
    options={"older_than_days": Option(0, 36_500, "Default: LEADMILL_RETENTION_DAYS (90).")},
)
