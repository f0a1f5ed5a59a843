"""What is wrong with the files of a lake that are of no job: snapshots, history, ledger, audit, schedules, tables."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from data.covered import snapshot_names, snapshot_number
from data.lake import Lake
from data.parts import DAMAGED, MANIFEST
from data.schemas import STAGE_SCHEMAS
from data.snapshot import GRACE_S
from leadmill.access import DEFAULT_PROJECT
from pipelines.lake_examination.finding import QUARANTINE, Fault, Finding
from pipelines.lake_examination.reading import Each, torn_among

_STAGES = "|".join(STAGE_SCHEMAS)
#: What may lie in a project's root beside `jobs/`.
_KNOWN = re.compile(
    rf"companies/({_STAGES})/(snapshot-[0-9]+\.parquet|manifest\.json)"
    r"|job_history/(month=\d{4}-\d\d/history-.+|statistics/statistics-.+)\.parquet"
    r"|ledger/month=\d{4}-\d\d/ledger-\w+\.parquet"
    r"|schedules/.+\.(json|deleted)|damaged/.+\.json"
    rf"|{QUARANTINE}/.+"
    r"|(.+/)?\.[^/]*"  # locks, marks, what is unfinished
    rf"|(.+/)?{re.escape(DAMAGED)}[^/]+"
)
#: What may besides in that of the installation.
_SHARED = re.compile(
    r"audit/(month=\d{4}-\d\d/audit-.+\.parquet|local\.jsonl)"
    r"|(api_keys|quotas|notices|blocks)\.json|lake\.id|projects/[^/]+(\.ending)?"
)
_NOT_LOOKED_INTO = {"jobs", "run", "projects", QUARANTINE}
_RESTORE = "put a good copy of it back, from a backup"


def examine_rest(lake: Lake, each: Each) -> list[Finding]:
    """What is wrong with the files of a lake beside its jobs'."""
    storage, findings = lake.storage, []
    for name in sorted(storage.names(lake.root)):
        if name in _NOT_LOOKED_INTO:
            continue
        found = [(file, state.size) for file, state in storage.files(lake.root / name)] or _itself(lake, name)
        looked_at = []
        for file, size in found:
            below = file.relative_to(lake.root).as_posix()
            if not _is_known(lake, below):
                reason = "no file of a lake is called so"
                findings.append(Finding(Fault.FOREIGN, file, reason, size=size))
            elif file.name.endswith((".parquet", ".json")) and not file.name.startswith((DAMAGED, ".")):
                looked_at.append((file, size))
        for one in torn_among(looked_at, each):
            movable = one.file.suffix == ".parquet" or one.file.parent.parent == lake.companies
            findings.append(replace(one, remedy=_RESTORE, movable=movable))
    return [*findings, *(one for stage in STAGE_SCHEMAS for one in _of_snapshots(lake, stage)), *_of_projects(lake)]


def _itself(lake: Lake, name: str) -> list[tuple[Path, int]]:
    try:
        content = lake.storage.read(lake.root / name)
    except IsADirectoryError:
        return []
    return [] if content is None else [(lake.root / name, len(content.data))]


def _is_known(lake: Lake, below: str) -> bool:
    return bool(_KNOWN.fullmatch(below) or (lake.project == DEFAULT_PROJECT and _SHARED.fullmatch(below)))


def _of_snapshots(lake: Lake, stage: str) -> Iterator[Finding]:
    """The list of a stage's snapshot names the one that counts."""
    folder, names = lake.companies / stage, snapshot_names(lake, stage)
    try:
        content = lake.storage.read(folder / MANIFEST)
        counting = None if content is None else str(json.loads(content.data)["snapshot"])
    except (IsADirectoryError, ValueError, LookupError, TypeError):
        return  # told as torn
    if counting is not None and counting not in names:
        yield Finding(Fault.MISSING, folder / counting, f"{stage}/{MANIFEST} names it", None, _RESTORE)
    for name in names:
        if counting is not None and counting in names and snapshot_number(name) > snapshot_number(counting):
            state = lake.storage.stat(folder / name)
            if state is not None and time.time() - state.modified_ns / 1e9 > GRACE_S:
                reason = "a compaction wrote it that did not end, or that another one overtook"
                yield Finding(Fault.ORPHANED, folder / name, reason, size=state.size)


def _of_projects(lake: Lake) -> Iterator[Finding]:
    """What was written below projects that were removed."""
    if lake.project != DEFAULT_PROJECT:
        return
    folder = lake.data / "projects"
    living = set(lake.projects())
    for name in sorted(lake.storage.names(folder)):
        if name in living or name.startswith("."):
            continue
        for file, state in lake.storage.files(folder / name):
            if not file.name.startswith("."):
                yield Finding(Fault.ORPHANED, file, "written below a project that was removed", size=state.size)
