"""Job records in any number: a few made by the record's own moves, then copied inside the server.

A copy is the very bytes of the record that it was made from, under its own id and time, in the same indices.
"""

from __future__ import annotations

import json
from typing import Any

from data import keys
from data.jobs import Grant, JobStore, NewJob
from leadmill.ids import new_job_id
from leadmill.stages import Queue
from pipelines.stages import PIPELINE, close_steps, partition_stages

FORMATS = ("html", "csv")
#: Copies `ARGV[2]` times the job `ARGV[1]`, one a millisecond before the time `ARGV[3]`, into the indices KEYS[2..].
_COPY = """
local P, from, status = KEYS[1], ARGV[1], ARGV[4]
local job, doc = redis.call('DUMP', P .. 'job:' .. from), redis.call('DUMP', P .. 'doc:' .. from)
for i = 1, tonumber(ARGV[2]) do
  local at = tonumber(ARGV[3]) - i
  local id = string.format('job_%013d%07d', at, i)
  redis.call('RESTORE', P .. 'job:' .. id, 0, job)
  redis.call('RESTORE', P .. 'doc:' .. id, 0, doc)
  redis.call('HSET', P .. 'job:' .. id, 'created', at)
  redis.call('ZADD', P .. 'idx:s:' .. status, at, id)
  redis.call('ZADD', P .. 'idx:k:pipeline', at, id)
end
redis.call('HINCRBY', P .. 'ended', 'pipeline:' .. status, ARGV[2])
redis.call('HINCRBY', P .. 'hist:pipeline', redis.call('HGET', P .. 'job:' .. from, 'bucket'), ARGV[2])
"""
_CHUNK = 2_000


def submit_one(store: JobStore, partitions: int = 4) -> str:
    """Record a pipeline of that many companies."""
    source = {"company_urls": [f"https://c{i:05d}.example/" for i in range(partitions)]}
    spec = {"report": {"type": "comprehensive", "formats": list(FORMATS)}}
    job = NewJob(new_job_id(), "pipeline", PIPELINE, partition_stages(PIPELINE), spec=spec, source=source)
    store.submit(job)
    return job.job_id


def launch(store: JobStore, job_id: str, partitions: int = 4) -> None:
    """Its launch, as pipelines.execution.plan commits it; no job waits for another's turn."""
    store.redis.hset(store.key(keys.WINDOW), mapping=dict.fromkeys((Queue.SCRAPING, Queue.PROCESSING), 1_000_000))
    close = ";".join(",".join(step) for step in close_steps(PIPELINE, FORMATS))
    commit(store, job_id, "launch", fields={"pn": partitions, "close": close, "nc": partitions})


def begin(store: JobStore, job_id: str, unit: str, index: int = 0) -> Grant:
    """Claim a unit's stage."""
    grant = store.begin(job_id, unit, 0, index, "0123abcd:4194304")
    if isinstance(grant, Grant):
        return grant
    raise RuntimeError(f"{job_id} {unit}: {grant}")


def commit(store: JobStore, job_id: str, unit: str, index: int = 0, **what: Any) -> None:
    """Claim a unit's stage and end it."""
    store.commit(begin(store, job_id, unit, index), **what)


def make_ended(store: JobStore, status: str = "completed", partitions: int = 4) -> str:
    """A job from submit to its end; what it counted and found is what such a job counts and finds."""
    job_id = submit_one(store, partitions)
    launch(store, job_id, partitions)
    for number in range(partitions):
        for index in range(3):
            commit(store, job_id, f"p{number}", index, rows_in=1, rows_out=1, pages=6 if index == 0 else 0)
    for unit in ("score", *(f"render:{name}" for name in FORMATS)):
        commit(store, job_id, unit, rows_in=partitions, rows_out=partitions)
    result = {"companies": partitions, "good": partitions, "formats": sorted(FORMATS)}
    document = {"result": json.dumps(result)}
    if status == "failed":
        document["error"] = "coverage 0.25 is below min_coverage 0.5; see the errors of the job"
    coverage = 1 if status == "completed" else 0.25
    commit(store, job_id, "publish", status=status, fields={"coverage": coverage}, doc=document)
    return job_id


def make_running(store: JobStore, partitions: int) -> str:
    """A job under way, all of whose partitions but three are done: the first by moves, copied as the others."""
    job_id = submit_one(store, partitions)
    launch(store, job_id, partitions)
    for index in range(3):
        commit(store, job_id, "p0", index, rows_in=1, rows_out=1)
    units = store.key(keys.units(job_id))
    done = store.redis.hget(units, "p0")
    store.redis.hset(units, mapping={f"p{n}": done for n in range(4, partitions)})
    return job_id


def multiply(store: JobStore, job_id: str, copies: int, at_ms: int) -> None:
    """Copy an ended job, the copies created in the milliseconds before `at_ms`."""
    record = store.read(job_id)
    assert record
    copy = store.redis.register_script(_COPY)
    for start in range(0, copies, _CHUNK):
        many = min(_CHUNK, copies - start)
        copy(keys=[store.prefix], args=[job_id, many, at_ms - start, record["status"]])
