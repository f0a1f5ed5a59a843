"""Stage declarations: what a job is made of.

A stage reads rows and writes rows. To add one: declare it here, write its function in `tasks/`, and give
its columns in `data/schemas.py`. The canvas, resume, progress and recovery follow from this table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pipelines.queues import Queue


class Kind(StrEnum):
    """What a job was submitted as."""

    PIPELINE = "pipeline"
    SCRAPE = "scrape"
    PROCESS = "process"
    ENRICH = "enrich"
    SCORE = "score"
    REPORT = "report"
    ANALYZE = "analyze"
    CLEANUP = "cleanup"
    HEALTH_CHECK = "health_check"
    OPTIMIZE_DB = "optimize_db"
    STATISTICS = "statistics"


@dataclass(frozen=True)
class Stage:
    """One kind of step.

    `scope` says what a unit of it is: `partition` (one of many, in a chain with its neighbours), `job` (once,
    after the partitions), `format` (once a report format, side by side).
    """

    name: str
    #: Fixed name of its Celery task: a rename of a module breaks no queued message.
    task: str
    queue: Queue
    scope: Literal["partition", "job", "format"]
    #: The stage whose rows it reads; None: the plan itself.
    reads: str | None = None
    #: The name its unit has in the record, where it differs (`render:<format>` of stage `report`).
    unit: str = ""

    @property
    def unit_name(self) -> str:
        return self.unit or self.name


_DECLARED = (
    Stage("launch", "leadmill.launch", Queue.PROCESSING, "job"),
    Stage("scrape", "leadmill.scrape", Queue.SCRAPING, "partition"),
    Stage("process", "leadmill.process", Queue.PROCESSING, "partition", reads="scrape"),
    Stage("enrich", "leadmill.enrich", Queue.PROCESSING, "partition", reads="process"),
    Stage("score", "leadmill.score", Queue.PROCESSING, "job", reads="enrich"),
    Stage("report", "leadmill.report", Queue.ANALYTICS, "format", reads="score", unit="render"),
    Stage("analyze", "leadmill.analyze", Queue.ANALYTICS, "job", reads="score"),
    Stage("cleanup", "leadmill.cleanup", Queue.MAINTENANCE, "job"),
    Stage("health_check", "leadmill.health_check", Queue.MAINTENANCE, "job"),
    Stage("optimize_db", "leadmill.optimize_db", Queue.MAINTENANCE, "job"),
    Stage("statistics", "leadmill.statistics", Queue.MAINTENANCE, "job"),
    Stage("publish", "leadmill.publish", Queue.ANALYTICS, "job"),
)

STAGES: dict[str, Stage] = {stage.name: stage for stage in _DECLARED}
#: By the name that a unit has in the record.
BY_UNIT: dict[str, Stage] = {stage.unit_name: stage for stage in _DECLARED}
#: Stages that a caller may list in `stages`, in the order in which they run.
PIPELINE: tuple[str, ...] = ("scrape", "process", "enrich", "score", "report")

#: Stages of each kind of job; a pipeline may name fewer. Launch and publish are always there.
KINDS: dict[Kind, tuple[str, ...]] = {
    Kind.PIPELINE: PIPELINE,
    Kind.SCRAPE: ("scrape",),
    Kind.PROCESS: ("process",),
    Kind.ENRICH: ("enrich",),
    Kind.SCORE: ("score",),
    Kind.REPORT: ("report",),
    Kind.ANALYZE: ("analyze",),
    Kind.CLEANUP: ("cleanup",),
    Kind.HEALTH_CHECK: ("health_check",),
    Kind.OPTIMIZE_DB: ("optimize_db",),
    Kind.STATISTICS: ("statistics",),
}


def partition_stages(stages: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a job's stages that run once a partition; a name that this version does not know is none."""
    return tuple(name for name in stages if name in STAGES and STAGES[name].scope == "partition")


def close_steps(stages: tuple[str, ...], formats: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """The units that follow the partitions, step by step; those of one step run side by side."""
    steps: list[tuple[str, ...]] = []
    for name in stages:
        stage = STAGES[name]
        if stage.scope == "job":
            steps.append((stage.unit_name,))
        elif stage.scope == "format" and formats:
            steps.append(tuple(f"{stage.unit_name}:{fmt}" for fmt in formats))
    return (*steps, ("publish",))


_PARTITION = re.compile(r"p([0-9]{1,9})\Z")
_UNIT = re.compile(r"[a-z_]{1,40}(:[a-z0-9_]{1,20})?\Z")


def is_unit(name: str) -> bool:
    """Whether a unit may have this name: a partition's, a stage's of the whole job, or `render:<format>`."""
    if _PARTITION.match(name):
        return True
    stage = BY_UNIT.get(name.partition(":")[0]) if _UNIT.match(name) else None
    return stage is not None and {"job": ":" not in name, "format": ":" in name}.get(stage.scope, False)


def stage_of(unit: str) -> Stage:
    """The declaration behind a unit of the whole job, or the stage name the record writes (`render:csv` → report)."""
    return BY_UNIT[unit.partition(":")[0]]


def partition_number(unit: str) -> int | None:
    """The number of a partition's unit (`p7` → 7); None for a unit of the whole job."""
    found = _PARTITION.match(unit)
    return int(found.group(1)) if found else None


def report_format(unit: str) -> str | None:
    """The format that a unit renders (`render:csv` → csv), or None."""
    stage, _, name = unit.partition(":")
    return name if stage == STAGES["report"].unit_name else None
