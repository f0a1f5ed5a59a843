"""What the record says is committed: of each stage and unit the epoch, and the files that count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from data.lake import Lake
from data.parts import KINDS, Committed, PartKind, counts_of
from data.schemas import STAGE_SCHEMAS
from pipelines.stages import is_unit, partition_number, partition_stages, stage_of

#: The files that count, of each stage and kind.
Parts = dict[tuple[str, PartKind], list[Path]]


def committed_parts(units: Mapping[str, Mapping[str, Any]], chain: Sequence[str]) -> dict[tuple[str, str], Committed]:
    """(stage, unit) → what its commit said, from the record's units; `chain` names the stages of a partition."""
    found: dict[tuple[str, str], Committed] = {}
    for unit, state in units.items():
        if not is_unit(unit):
            continue
        files = state.get("f") or ()
        for index, epoch in enumerate(state.get("c") or ()):
            if partition_number(unit) is None:
                stage = stage_of(unit).name
            elif index < len(chain):
                stage = chain[index]
            else:
                continue
            text = files[index] if epoch and index < len(files) else None
            found[stage, unit] = Committed(epoch, counts_of(text))
    return found


def committed_epochs(units: Mapping[str, Mapping[str, Any]], chain: Sequence[str]) -> dict[tuple[str, str], int]:
    """(stage, unit) → the epoch whose files count; without those of which it is not known."""
    return _epochs(committed_parts(units, chain))


def _epochs(committed: Mapping[tuple[str, str], Committed]) -> dict[tuple[str, str], int]:
    return {key: what.epoch for key, what in committed.items() if what.epoch}


def valid_parts(
    lake: Lake,
    job_id: str,
    stage: str,
    kind: PartKind,
    units: Mapping[str, Mapping[str, Any]],
    chain: Sequence[str],
) -> list[Path]:
    """The files of a stage that the record says there are, sorted; expose what was committed before they are read.

    One that is missing was damaged and set aside, or lost.
    """
    return lake.valid(job_id, stage, kind, dict(_by_partition(committed_parts(units, chain), stage)))


def all_valid_parts(lake: Lake, job_id: str, units: Mapping[str, Mapping[str, Any]], stages: Sequence[str]) -> Parts:
    """The same of every stage of a job that makes rows, and every kind, without missing ones; pages are scrape's."""
    return _all_valid(lake, job_id, committed_parts(units, partition_stages(tuple(stages))), stages)


def _all_valid(lake: Lake, job_id: str, committed: Mapping[tuple[str, str], Committed], stages: Sequence[str]) -> Parts:
    own = {stage: dict(_by_partition(committed, stage)) for stage in stages}
    return {(stage, kind): lake.there(lake.valid(job_id, stage, kind, own[stage])) for stage, kind in _kinds(stages)}


def listed_parts(lake: Lake, job_id: str, stages: Sequence[str]) -> Parts:
    """What lies in a job's folder, for whoever has no units of it."""
    return {(stage, kind): lake.parts(job_id, stage, kind) for stage, kind in _kinds(stages)}


def _kinds(stages: Sequence[str]) -> list[tuple[str, PartKind]]:
    made = [stage for stage in stages if stage in STAGE_SCHEMAS]
    return [(stage, kind) for stage in made for kind in KINDS if kind != "pages" or stage == "scrape"]


def expose_ended(lake: Lake, job_id: str, units: Mapping[str, Mapping[str, Any]], stages: Sequence[str]) -> Parts:
    """Make the folder of a job whose units have all ended show what counts and nothing else; what that is."""
    committed = committed_parts(units, partition_stages(tuple(stages)))
    lake.expose_all(job_id, _epochs(committed))
    valid = _all_valid(lake, job_id, committed, stages)
    lake.remove_losers(job_id, valid, {unit: state["e"] for unit, state in units.items()})
    return valid


def _by_partition(committed: Mapping[tuple[str, str], Committed], stage: str) -> Iterator[tuple[int, Committed]]:
    for (name, unit), what in committed.items():
        if name == stage:
            yield partition_number(unit) or 0, what
