"""`manifest.json`: what a job is, in its own folder, so that the lake can be read and resumed without Redis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from data.job_files import JobFiles, Parts
from data.jobs import RECORD_STATUSES, JobRecord, JobStore, UnitState
from data.jobs.entries import is_stored_unit, record_fault
from data.lake import DamagedPartError, Lake
from data.manifests import commits_in
from pipelines.committed import Units
from pipelines.stages import KINDS, STAGES, is_unit, partition_stages

#: Long fields of a record that the manifest holds under names of their own.
_APART = ("result", "error", "input", "spec")


def manifest_of(
    store: JobStore,
    files: JobFiles,
    record: JobRecord,
    units: Units,
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
        "units": {unit: state.stored for unit, state in units.items()},
        "record": {name: value for name, value in record.stored.items() if name not in _APART},
    }


def record_in(manifest: Mapping[str, Any]) -> JobRecord:
    """The record that a manifest keeps, as it was when the manifest was written."""
    return JobRecord(manifest["job_id"], {name: str(value) for name, value in manifest["record"].items()})


def units_in(manifest: Mapping[str, Any] | None) -> Units:
    """The units that a manifest tells of; none where there is no manifest."""
    return {unit: UnitState(stored) for unit, stored in ((manifest or {}).get("units") or {}).items()}


def files_by_manifest(lake: Lake, job_id: str) -> JobFiles:
    """The files of a job as its manifest has them committed; as they lie, where it has none that can be read."""
    files = JobFiles.unrecorded(lake, job_id)
    try:
        commits = commits_in(files.manifest() or {})
    except DamagedPartError:
        return files
    return JobFiles(lake, job_id, lambda: commits)


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
    if fault := record_fault({name: str(value) for name, value in record.items()}, RECORD_STATUSES):
        raise ValueError(f"record: {fault}")
    if manifest.get("kind") not in tuple(KINDS) or record["kind"] != manifest["kind"]:
        raise ValueError("kind: there is no such kind")
    if not isinstance(stages, list) or not stages or not all(name in STAGES for name in stages):
        raise ValueError("stages: not a list of stages")
    found = record_in(manifest)
    if list(found.stages) != stages or found.partition_stages != partition_stages(tuple(stages)):
        raise ValueError("stages: the record has others")
    if not isinstance(units, dict):
        raise ValueError("units: not an object")  # noqa: TRY004
    for unit, state in units.items():
        if not is_unit(unit) or not is_stored_unit(state, len(stages)):
            raise ValueError(f"units: {unit[:40]!r} cannot be one")
