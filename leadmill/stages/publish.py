"""Publish: how the job ended, and its manifest; the last unit of every job."""

from leadmill.stages import Queue, Stage

STAGE = Stage(
    name="publish", work="pipelines.execution.publish:publish", takes="run", queue=Queue.ANALYTICS, scope="job"
)
