"""What becomes of jobs when Redis was emptied: their manifests are in the lake, so their records are made again.

A generation key tells: it stands in Redis and in `<data>/run/generation`. When Redis has none, or another one,
every job that has a manifest but no record is put back: an ended one as it ended, any other as failed and
resumable. Work that still runs finds its record gone and stops. Nothing is taken for done that is not in the lake.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from data.jobs import TERMINAL, JobStore, Status
from data.lake import Lake
from leadmill.log import get_logger
from pipelines.stages import partition_number, partition_stages

log = get_logger(__name__)

_LOST = "the job store was emptied while this job ran; resume continues with what is missing"


def check_generation(store: JobStore, lake: Lake, known: str | None) -> str:
    """Restore lost jobs if Redis is not the one that wrote the lake's generation; the generation as it is then.

    `known` is the generation that the caller has just read from Redis (None: it has none).
    """
    file = lake.root / "run" / "generation"
    noted = file.read_text().strip() if file.exists() else None
    if known is not None and known == noted:
        return known
    generation = store.generation(uuid.uuid4().hex)
    restored = restore_missing(store, lake) if noted is not None or lake.jobs.exists() else []
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(generation)
    if restored:
        log.warning("the job store was emptied; jobs restored from the lake", jobs=len(restored))
        store.critical("store_emptied", {"restored": len(restored)})
    return generation


def restore_missing(store: JobStore, lake: Lake) -> list[str]:
    """Put back every job that has a manifest, no record, and its data still in the lake."""
    restored = []
    for path in sorted(lake.jobs.glob("job_*/manifest.json")):
        job_id = path.parent.name
        manifest = lake.manifest(job_id)
        if manifest is None or manifest.get("cleaned_at") or store.redis.exists(store.key(f"job:{job_id}")):
            continue
        if _restore(store, lake, job_id, manifest):
            restored.append(job_id)
    return restored


def _restore(store: JobStore, lake: Lake, job_id: str, manifest: dict[str, Any]) -> bool:
    record: dict[str, str] = manifest["record"]
    chain = partition_stages(tuple(manifest["stages"]))
    ended = manifest["status"] in TERMINAL
    units = manifest["units"] if ended else _units(lake, job_id, chain)
    partitions = [unit for unit in units if partition_number(unit) is not None]
    finished = record.get("finished") or _ms(lake.job_dir(job_id) / "manifest.json")
    fields: dict[str, Any] = {
        **{name: value for name, value in record.items() if name not in ("id", "input", "spec", "result", "error")},
        "status": manifest["status"] if ended else Status.FAILED.value,
        "finished": finished,
        "took": max(0, int(finished) - int(record.get("started") or finished)),
        "pn": len(partitions),
        "px": len(partitions),
        "pd": sum(units[unit]["s"] == "d" for unit in partitions),
        "busy": 0,
        "waits": 0,
        "win": 0,
    }
    if ended:
        fields |= {} if manifest.get("coverage") is None else {"coverage": manifest["coverage"]}
    else:
        fields |= {"category": "system", "pf": len(partitions) - fields["pd"], **_counts(units, partitions, chain)}
    doc = {
        "input": json.dumps(manifest["input"]),
        "spec": json.dumps(manifest["options"]),
        "error": (manifest.get("error") or "") if ended else _LOST,
        "result": json.dumps(manifest.get("result") or {}),
    }
    return store.restore(job_id, fields, doc, units)


def _counts(units: dict[str, dict[str, Any]], partitions: list[str], chain: tuple[str, ...]) -> dict[str, int]:
    """What the record counted of the stages that the lake shows to be done."""
    done = {f"{stage}:d": sum(len(units[u].get("c", ())) > i for u in partitions) for i, stage in enumerate(chain)}
    return {**done, "g": sum(units[u].get("g", 0) for u in partitions)}


def _ms(path: Path) -> int:
    return int(path.stat().st_mtime * 1000)


def _units(lake: Lake, job_id: str, chain: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Units of a job that had not ended, from the parts that lie in the lake."""
    # Above every epoch that the lost record can have given, also by an earlier restore: what a run of those
    # days left under `_tmp` never counts again.
    epoch = int(time.time())
    units: dict[str, dict[str, Any]] = {"launch": {"s": "d", "e": epoch, "k": 0, "c": [0]}}
    plan = lake.plan_path(job_id)
    if not chain or not plan.exists():
        return units
    numbers = {n for n in pq.read_table(plan, columns=["partition"])[0].to_pylist() if n is not None}
    done = {stage: _partitions_of(lake, job_id, stage) for stage in chain}
    for number in range(max(numbers, default=-1) + 1):
        reached = next((i for i, stage in enumerate(chain) if number not in done[stage]), len(chain))
        state = {"s": "d" if reached == len(chain) else "f", "e": epoch, "k": min(reached, len(chain) - 1)}
        made = {"c": [0] * reached, "g": 1_000 * reached // len(chain)} if reached else {}
        units[f"p{number}"] = {**state, **made}
    return units


def _partitions_of(lake: Lake, job_id: str, stage: str) -> set[int]:
    found = set()
    for kind in ("rows", "errors"):
        for file in lake.parts(job_id, stage, kind):
            if match := re.match(r"part-(\d+)-", file.name):
                found.add(int(match.group(1)))
    return found
