"""Report: render each format that was asked for."""

from leadmill.stages import Queue, Stage

STAGE = Stage(
    name="report",
    after="score",
    work="tasks.analytics.task:report",
    takes="run",
    queue=Queue.ANALYTICS,
    scope="format",
    time_limit_factor=10,
    unit="render",
)
