"""What the declared stages mean for a job: its partitions' chain, the steps that close it.

The declarations themselves: `leadmill/stages/`, `leadmill/kinds/`; names of units: `leadmill/units.py`.
"""

from __future__ import annotations

from leadmill.declared import BY_UNIT, KINDS, OPTION_READERS, PIPELINE, STAGES
from leadmill.units import is_unit, partition_number, partition_stages, report_format, stage_of

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
