"""Names of units: a partition's (`p7`), a stage's of the whole job (`score`), or a format's (`render:csv`)."""

from __future__ import annotations

import re

from leadmill.declared import BY_UNIT, STAGES
from leadmill.stages import Stage

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


def partition_stages(stages: tuple[str, ...]) -> tuple[str, ...]:
    """Those of a job's stages that run once a partition; a name that this version does not know is none."""
    return tuple(name for name in stages if name in STAGES and STAGES[name].scope == "partition")


def report_format(unit: str) -> str | None:
    """The format that a unit renders (`render:csv` → csv), or None."""
    stage, _, name = unit.partition(":")
    return name if stage == STAGES["report"].unit_name else None
