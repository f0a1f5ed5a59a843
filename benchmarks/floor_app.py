"""The floor: bare Celery with the same broker settings, the same canvas as one chord, and nothing else.

`celery -A benchmarks.floor_app worker`. No record, no lease, no events, no files: what the messages alone cost. Kombu's
own transport carries them: ours acknowledges nothing (decision 5), which saves a quarter of the floor's CPU time and is
what Leadmill is measured with.
"""

from __future__ import annotations

from typing import Any

import redis
from celery import chain, chord
from kombu.connection import Connection

from leadmill.settings import get_settings
from pipelines.execution.broker import make_celery

settings = get_settings()
app = make_celery(settings)
app.amqp.Connection = Connection
app.conf.task_routes = {}
app.conf.worker_hijack_root_logger = True
#: One client a process: made at its first use, which is after the fork.
_client: list[redis.Redis] = []


@app.task(name="floor.step")  # type: ignore[untyped-decorator]
def step(job: str, unit: str, index: int) -> None:
    """An empty stage."""


@app.task(name="floor.last")  # type: ignore[untyped-decorator]
def last(job: str) -> None:
    """The end of the canvas: tells the caller."""
    if not _client:
        _client.append(redis.Redis.from_url(settings.redis_url))
    _client[0].set(f"floor:{job}", "completed")


def _step(job: str, unit: str, index: int, queue: str, level: int) -> Any:
    return step.si(job, unit, index).set(queue=queue, priority=level)


def canvas(job: str, partitions: int) -> Any:
    """chord(chain(scrape, process, enrich) × partitions) → score → chord(html, csv) → publish."""
    queues = ("scraping", "processing", "processing")
    chains = [chain(*(_step(job, f"p{i}", k, queue, 3) for k, queue in enumerate(queues))) for i in range(partitions)]
    formats = [_step(job, f"render:{name}", 0, "analytics", 2) for name in ("html", "csv")]
    publish = last.si(job).set(queue="analytics", priority=2)
    return chord(chains, chain(_step(job, "score", 0, "processing", 2), chord(formats, publish)))
