"""The floor of the API: a bare FastAPI application that makes the same Redis calls and nothing else.

`python -m benchmarks.floor_api PORT`. No checks of the body beyond its types, no record's rules, no job JSON: what
Redis says is what is answered. Same server, same options, telemetry off as in ours.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from typing import Any

import redis
import uvicorn
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from data.jobs import DOCUMENT, Status
from leadmill.settings import get_settings
from pipelines.execution.broker import make_celery
from pipelines.queues import LEVELS, Queue
from pipelines.stages import KINDS

settings = get_settings()
celery = make_celery(settings)
celery.conf.task_routes = {}
client = redis.Redis.from_url(settings.redis_url, decode_responses=True)
app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})


@celery.task(name="floor.launch")  # type: ignore[untyped-decorator]
def launch(job_id: str) -> None:
    """Never run: only its message is sent."""


class Submission(BaseModel):
    """The same body as ours."""

    company_urls: list[str]
    report: dict[str, Any] = {}


def _key(name: str) -> str:
    return settings.key_prefix + name


@app.post("/submit", status_code=202)
def submit(body: Submission) -> dict[str, str]:
    """One transaction, one message, one answer."""
    job_id = f"job_{secrets.token_hex(10)}"
    now = int(time.time() * 1000)
    with client.pipeline(transaction=True) as pipe:
        fields: dict[Any, Any] = {"status": "pending", "created": now, "input": json.dumps(body.company_urls)}
        pipe.hset(_key(f"floor:{job_id}"), mapping=fields)
        pipe.zadd(_key("floor:jobs"), {job_id: now})
        pipe.execute()
    launch.apply_async((job_id,), queue=Queue.PROCESSING.value, priority=3)
    return {"job_id": job_id, "status": "pending"}


@app.get("/status/{job_id}")
def status(job_id: str) -> JSONResponse:
    return JSONResponse(_records([job_id])[0])


@app.get("/list")
def list_jobs(limit: int = 50) -> JSONResponse:
    rows: list[Any] = []
    for name in Status:
        rows += client.zrevrangebyscore(_key(f"idx:s:{name}"), "+inf", "-inf", start=0, num=limit + 11, withscores=True)
    rows.sort(key=lambda row: -row[1])
    return JSONResponse(_records([job_id for job_id, _ in rows[: limit + 1]])[:limit])


def _records(ids: list[str]) -> list[Any]:
    with client.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hgetall(_key(f"job:{job_id}"))
            pipe.hmget(_key(f"doc:{job_id}"), *DOCUMENT)
        rows = pipe.execute()
    return list(zip(rows[::2], rows[1::2], strict=True))


@app.get("/statistics")
def statistics() -> JSONResponse:
    with client.pipeline(transaction=False) as pipe:
        for status in Status:
            pipe.zcard(_key(f"idx:s:{status}"))
        for kind in KINDS:
            pipe.zcard(_key(f"idx:k:{kind}"))
        pipe.hgetall(_key("ended"))
        pipe.hgetall(_key("mark"))
        for kind in KINDS:
            pipe.hgetall(_key(f"hist:{kind}"))
        counters = pipe.execute()
    with client.pipeline(transaction=False) as pipe:
        pipe.zrangebyscore(_key("workers"), (time.time() - 10) * 1000, "+inf", withscores=True)
        pipe.hgetall(_key("worker"))
        workers = pipe.execute()
    with client.pipeline(transaction=False) as pipe:
        for queue in Queue:
            for level in LEVELS:
                key = _key(queue.value + (f"\x06\x16{level}" if level else ""))
                pipe.llen(key)
                pipe.lindex(key, -1)
        queues = pipe.execute()
    return JSONResponse([counters, workers, queues])


if __name__ == "__main__":
    uvicorn.run(
        app, host="127.0.0.1", port=int(sys.argv[1]), access_log=False, server_header=False, proxy_headers=False,
        log_level="warning",
    )  # fmt: skip
