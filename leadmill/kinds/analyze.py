"""The figures of a report without its files; its call is api/analytics.py."""

from leadmill.kinds import Kind
from leadmill.stages import Queue, Stage

KIND = Kind(
    name="analyze",
    stages=(
        Stage(
            name="analyze",
            work="tasks.analytics.task:analyze",
            takes="run",
            queue=Queue.ANALYTICS,
            scope="job",
            time_limit_factor=10,
            reads="score",
        ),
    ),
)
