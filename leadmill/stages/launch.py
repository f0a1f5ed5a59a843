"""Launch: from what was asked for to the plan; the first unit of every job."""

from leadmill.stages import Stage

STAGE = Stage(name="launch", work="pipelines.execution.plan:launch", takes="run", scope="job")
