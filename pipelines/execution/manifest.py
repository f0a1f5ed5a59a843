"""`manifest.json`: what a job is, in its own folder, so that the lake can be read and resumed without Redis."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from data.job_files import JobFiles, Parts
from data.jobs import JobRecord, JobStore
from pipelines.stages import KINDS, STAGES, is_unit, partition_stages

#: Long fields of a record that the manifest holds under names of their own.
_APART = ("result", "error", "input", "spec")


def manifest_of(
    store: JobStore,
    files: JobFiles,
    record: JobRecord,
    units: Mapping[str, Any],
    *,
    status: str,
    now: datetime,
    coverage: float | None = None,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
    valid: Parts | None = None,
) -> dict[str, Any]:
    """The manifest of a job from its record and units: input, options, valid parts, units.

    `valid`: the parts that count, where the caller knows them (of these, those that still lie there are named); else
    `files` tells.
    """
    job_id = record.job_id
    source, spec = store.asked(job_id)
    stages = list(record.stages)
    parts: dict[str, list[str]] = {}
    for (stage, kind), known in (files.all_valid(stages) if valid is None else valid).items():
        if there := known if valid is None else files.there(known):
            names = parts.setdefault("pages" if kind == "pages" else stage, [])
            names += [str(file.relative_to(files.folder)) for file in there]
    return {
        "job_id": job_id,
        "kind": record.kind,
        "status": status,
        "attempt": record.attempt,
        "stages": stages,
        "input": source,
        "options": spec,
        "coverage": coverage,
        "result": dict(result or {}),
        "error": error,
        "written_at": now.isoformat(),
        "parts": parts,
        "units": dict(units),
        "record": {name: value for name, value in record.stored.items() if name not in _APART},
    }


_STATES = frozenset("phrwdf")


def check_manifest(manifest: object) -> None:
    """Whether a record can be made of a manifest; the lake's files are not to be trusted.

    What was asked for is checked where stages read it (`pipelines.request.asked`).

    Raises:
        ValueError: it cannot; says what is wrong.
    """
    if not isinstance(manifest, dict):
        raise ValueError("the manifest is no object")  # noqa: TRY004 - whoever restores wants one class
    record, units, stages = (manifest.get(name) for name in ("record", "units", "stages"))
    if not isinstance(record, dict) or not all(isinstance(value, str | int | float) for value in record.values()):
        raise ValueError("record: not an object of short values")
    if manifest.get("kind") not in tuple(KINDS) or record.get("kind") != manifest["kind"]:
        raise ValueError("kind: there is no such kind")
    if not isinstance(stages, list) or not stages or not all(name in STAGES for name in stages):
        raise ValueError("stages: not a list of stages")
    if record.get("stages") != ",".join(stages) or record.get("ps") != ",".join(partition_stages(tuple(stages))):
        raise ValueError("stages: the record has others")
    for name in _NUMBERS & record.keys():
        if not _NUMBER.match(str(record[name])):
            raise ValueError(f"record: {name} is no number")
    tags = json.loads(record.get("tags") or "[]")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ValueError("record: tags are no list of texts")
    if not isinstance(units, dict):
        raise ValueError("units: not an object")  # noqa: TRY004
    for unit, state in units.items():
        if not is_unit(unit) or not isinstance(state, dict) or not _is_state(state, len(stages)):
            raise ValueError(f"units: {unit[:40]!r} cannot be one")


#: Fields of a record that are counted with, or compared as times.
_NUMBERS = frozenset("created started finished took attempt prio pn px pd pf nc w pct".split())
_NUMBER = re.compile(r"([0-9]{1,15}(\.[0-9]{1,9})?)?\Z")


def _is_state(state: Mapping[str, Any], stages: int) -> bool:
    epochs, at = state.get("c") or [], state.get("k", 0)
    return (
        state.get("s") in _STATES
        and all(_is_count(number) for number in (state.get("e"), at, *(epochs if isinstance(epochs, list) else [None])))
        and max(at, len(epochs)) <= stages
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53
