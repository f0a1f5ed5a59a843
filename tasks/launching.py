"""Tasks of the two units that every job has: launch, which makes its plan, and publish, which ends it."""

from __future__ import annotations

from pipelines.execution import plan, publish
from pipelines.execution.unit_run import UnitRun
from tasks.unit_task import unit_task


@unit_task("launch")
def launch(run: UnitRun) -> None:
    """Resolve the job's input into its plan (see pipelines.execution.plan)."""
    plan.launch(run)


@unit_task("publish")
def publish_job(run: UnitRun) -> None:
    """Decide how the job ends and write its manifest (see pipelines.execution.publish)."""
    publish.publish(run)
