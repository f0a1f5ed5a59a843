"""What the declared stages mean for a job: its partitions' chain, the steps that close it, and the names of its units.

The declarations themselves: `leadmill/stages/`, `leadmill/kinds/`.
"""

from __future__ import annotations

import re

from leadmill.declared import BY_UNIT, KINDS, OPTION_READERS, PIPELINE, STAGES
from leadmill.stages import Stage

__all__ = [
    "BY_UNIT",
    "KINDS",
    "OPTION_READERS",
    "PIPELINE",
    "STAGES",
    "close_steps",
    "is_unit",
    "partition_number",
    "partition_stages",
    "reads_in",
    "report_format",
    "stage_of",
]


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


def reads_in(stage: str, stages: tuple[str, ...]) -> str | None:
    """The stage whose rows a stage reads in a job of these stages: the one before it there, else the declared one.

    A job that an earlier version recorded lacks the stages that were added since.
    """
    chain = partition_stages(stages)
    place = chain.index(stage) if stage in chain else 0
    return chain[place - 1] if place else STAGES[stage].reads


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
