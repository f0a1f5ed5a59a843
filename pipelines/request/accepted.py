"""`input/job.json`: what a job was accepted as, kept beside its input until launch has written the manifest.

Written where it costs nothing that counts: for a job whose input goes to disk anyway, and for one that starts later.
A job whose whole input lies in the record, and that waits for a worker only, has none.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.jobs import LIMITS, JobStore, NewJob, Status, UnitState, UnitStatus
from data.jobs.restored import RestoredJob
from data.keys import RECORD_VERSION
from data.lake import Lake
from leadmill.errors import ErrorCategory
from leadmill.log import get_logger
from pipelines.request.inputs import LONG_LIST, UPLOAD
from pipelines.request.known_before import asks_later
from pipelines.stages import KINDS, PIPELINE, partition_stages

log = get_logger(__name__)

NAME = "job.json"
_LOST = "the job store was emptied before this job began; its input is kept, resume starts it"
_LOST_OPTIONS = (
    "the job store was emptied before this job began; its input is kept, but not what it was to do with it: "
    "resume runs the whole pipeline over it, with the default options"
)
#: What 0.1.0 wrote of an input that was too large for the record, or uploaded.
_INPUTS = {UPLOAD: "file", LONG_LIST: "json"}


def keep(lake: Lake, job: NewJob) -> None:
    """Write it, durably, into the job's input folder."""
    text = json.dumps({**asdict(job), "created": int(time.time() * 1000)})
    lake.storage.put(lake.job_dir(job.job_id) / "input" / NAME, text.encode())


def lost(lake: Lake, job_id: str, epoch: int) -> RestoredJob | None:
    """The record of a job that never began; None when the lake has no input of it.

    Raises:
        OSError, ValueError, KeyError, TypeError: what lies there cannot be read.
    """
    known, text = _kept(lake, job_id), _LOST
    if known is None:
        known, text = _with_defaults(lake, lake.job_dir(job_id) / "input"), _LOST_OPTIONS
    if known is None:
        return None
    stages = tuple(known["stages"])
    now = int(time.time() * 1000)
    fields = {
        "kind": KINDS[known["kind"]].name,
        "status": Status.FAILED.value,
        "category": ErrorCategory.SYSTEM.value,
        "created": known["created"],
        "started": "",
        "finished": now,
        "took": 0,
        "attempt": 1,
        "stages": ",".join(stages),
        "partition_stages": ",".join(partition_stages(stages)),
        "priority": known["priority"],
        "tags": json.dumps(known["tags"]),
        "parent": known["parent"],
        "min_coverage": known["min_coverage"],
        "close": "publish",
        "partitions_handed": 0,
    }
    asked = {"notify": ",".join(known.get("notify") or ()), "callback_url": known.get("callback_url")}
    fields |= {name: value for name, value in asked.items() if value}
    if any(asked.values()) or asks_later(known["kind"], known["source"], known["spec"]):
        fields["form"] = RECORD_VERSION
    launch = UnitState.made(UnitStatus.FAILED, epoch, failure=(ErrorCategory.SYSTEM.value, text))
    return RestoredJob.made(
        None, fields, source=known["source"], spec=known["spec"], error=text, units={"launch": launch}
    )


def tags(lake: Lake, job_id: str) -> list[str]:
    """Tags of a job that was accepted and has not begun, as far as they are kept."""
    known = _kept(lake, job_id)
    return [] if known is None else list(known["tags"])


def restore_key(store: JobStore, lake: Lake, job_id: str) -> None:
    """A repeat of the request under its Idempotency-Key is the restored job again, for the rest of the day."""
    try:
        if (known := _kept(lake, job_id)) is None:
            return
        left = int(LIMITS["IDEMPOTENCY_S"] - (time.time() - known["created"] / 1000))
        key, body_hash = known["idempotency_key"], known["body_hash"]
    except (OSError, ValueError, KeyError, TypeError) as error:  # the job itself is back
        log.warning("an Idempotency-Key is lost", job=job_id, error=str(error))
        return
    if key and left > 0:
        store.keep_idempotency_key(key, job_id, body_hash, left)


def _kept(lake: Lake, job_id: str) -> dict[str, Any] | None:
    content = lake.storage.read(lake.job_dir(job_id) / "input" / NAME)
    return None if content is None else dict(json.loads(content.data))


def _with_defaults(lake: Lake, folder: Path) -> dict[str, Any] | None:
    found = ((name, lake.storage.stat(folder / name)) for name in _INPUTS)
    name, state = next(((name, state) for name, state in found if state is not None), ("", None))
    return state and {
        "kind": "pipeline",
        "stages": PIPELINE,
        "spec": {"report": {"formats": ["html", "csv"]}},
        "source": {_INPUTS[name]: name},
        "priority": 1,
        "tags": (),
        "parent": None,
        "min_coverage": None,
        "created": state.modified_ns // 1_000_000,
    }
