"""Remove what there is of projects that an admin has ended; its call is api/projects.py."""

from leadmill.kinds import Kind
from leadmill.stages import Queue, Stage

KIND = Kind(
    name="remove_project",
    stages=(
        Stage(
            name="remove_project",
            work="tasks.maintenance.task:remove_project",
            takes="run",
            queue=Queue.MAINTENANCE,
            scope="job",
            time_limit_factor=10,
        ),
    ),
    needs_companies=False,
)
