"""Queues, workers, schedulers, units begun: what `GET /jobs/statistics` tells of them, and more."""

from __future__ import annotations

from collections import Counter

from api.metrics.look import Look
from data.presence import StackProcess, alive
from pipelines.views.statistics import statistics


def look_at_queues(look: Look) -> None:
    """Add them."""
    add = look.samples.add
    figures = statistics(look.store, look.here.broker, look.readable)
    for queue, row in figures["queues"].items():
        add("leadmill_queue_waiting", row["waiting"], queue=queue)
        add("leadmill_queue_oldest_seconds", row["oldest_s"] or 0.0, queue=queue)
        add("leadmill_queue_workers", row["workers"], queue=queue)
        add("leadmill_queue_processes", row["processes"], queue=queue)
    for stage, begun in figures["stages"].items():
        add("leadmill_units_begun_total", begun["begun"], stage=stage)
    if (workers := figures["workers"]) is not None:
        add("leadmill_workers", len(workers))
        thrown = sum((Counter(worker["thrown_away"]) for worker in workers), Counter[str]())
        for reason, number in thrown.items():
            add("leadmill_messages_thrown_away", number, reason=reason)
    add("leadmill_beats", look.readable.read(lambda: alive(look.store, StackProcess.BEAT), None))
