"""Damaged files of a job: which partitions a resume makes again because of them, and when they are done with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from data.damage import Damage, DamagedPartError, damages, mend, redone, set_aside
from data.job_files import JobFiles
from data.lake import Lake
from data.parts import OF_STAGE, SPARED, Part, is_input, is_plan, parse_name
from pipelines.stages import partition_stages


def damaged_units(found: Iterable[Damage], chain: Sequence[str]) -> list[str]:
    """The partitions to be made again. What rows do without is not worth that; the score is made at every resume."""
    units = set()
    for one in found:
        stage, kind, part = _place(one)
        if part is not None and kind not in SPARED and stage in chain:
            units.add(f"p{part.partition}")
    return sorted(units)


def look_over(lake: Lake, job: JobFiles) -> None:
    """Look at every part that an ended job's manifest names: one that is missing or damaged is set aside and told.

    At each file's ends and columns only: 0.2 ms a file.
    """
    try:
        named = (job.manifest() or {}).get("parts")
    except DamagedPartError:
        return  # told by the look itself
    if not isinstance(named, dict):
        return
    files = [job.folder / name for names in named.values() for name in names if _is_part(name)]
    there = job.there(files)
    readable = set(there)
    known = {one.file for one in damages(lake, job.job_id)}
    for file in files:
        if file not in readable and str(file.relative_to(lake.root)) not in known:
            lake.storage.put(file, b"")  # stands for it, so that it is told and done with like any other
            set_aside(lake, file, FileNotFoundError("it is missing"))
    mend(lake, there, whole=False)


def clear_redone(lake: Lake, files: JobFiles, stages: Sequence[str]) -> None:
    """At a job's end, remove its damaged files whose rows were made again."""
    found = damages(lake, files.job_id)
    if not found:
        return
    chain = partition_stages(tuple(stages))
    planned = set(files.plan_column("partition"))
    for one in found:
        stage, kind, part = _place(one)
        if part is None:
            if _launch_made_again(files, lake.root / one.file):
                redone(lake, one)
            continue
        of_partition = stage in chain
        newest = files.commits.get((stage, f"p{part.partition}" if of_partition else stage))
        made_again = newest is not None and newest.epoch > part.epoch
        moved = of_partition and part.partition not in planned  # its companies have partitions of their own now
        if made_again or moved or (kind in SPARED and one.resumed):
            redone(lake, one)


def _launch_made_again(files: JobFiles, damaged: Path) -> bool:
    """Whether the input's columns, or a plan that lies apart from the new one, were written anew."""
    if is_plan(damaged):  # under its own name `damages` sees that it is sound again
        return damaged != files.plan_path()
    own = files.input_path()
    return is_input(damaged) and (damaged != own or bool(files.there([own])))


def _is_part(name: object) -> bool:
    """Whether a manifest names a part by it, below its job's folder."""
    words = Path(name).parts if isinstance(name, str) else ()
    return 1 < len(words) <= 3 and ".." not in words and words[0] != "/" and parse_name(words[-1]) is not None


def _place(one: Damage) -> tuple[str, str, Part | None]:
    """Stage, kind and part of a damaged file below a job's folder."""
    words = Path(one.file).parts[2:]
    part = parse_name(words[-1]) if len(words) > 1 else None
    if stage := OF_STAGE.get(words[0]):
        return stage, words[0], part
    return words[0], "errors" if "errors" in words else "rows", part
