"""`manifest.json`: what a job is, in its own folder, so that the lake can be read and resumed without Redis."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from data.jobs import JobStore
from data.lake import Lake
from pipelines.committed import all_valid_parts

#: Long fields of a record that the manifest holds under names of their own.
_APART = ("result", "error", "input", "spec")


def manifest_of(
    store: JobStore,
    lake: Lake,
    record: Mapping[str, str],
    units: Mapping[str, Any],
    *,
    status: str,
    now: datetime,
    coverage: float | None = None,
    result: Mapping[str, Any] | None = None,
    error: str | None = None,
) -> dict[str, Any]:
    """The manifest of a job from its raw record (`JobStore.read`) and units: input, options, valid parts, units."""
    job_id = record["id"]
    source, spec = store.asked(job_id)
    folder = lake.job_dir(job_id)
    stages = record["stages"].split(",")
    parts: dict[str, list[str]] = {}
    for (stage, kind), files in all_valid_parts(lake, job_id, units, stages).items():
        if files:
            names = parts.setdefault("pages" if kind == "pages" else stage, [])
            names += [str(file.relative_to(folder)) for file in files]
    return {
        "job_id": job_id,
        "kind": record["kind"],
        "status": status,
        "attempt": int(record["attempt"]),
        "stages": stages,
        "input": source,
        "options": spec,
        "coverage": coverage,
        "result": dict(result or {}),
        "error": error,
        "written_at": now.isoformat(),
        "parts": parts,
        "units": dict(units),
        "record": {name: value for name, value in record.items() if name not in _APART},
    }
