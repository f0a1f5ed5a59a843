"""Redis bytes of an ended job and of a live one, both of 4 partitions: the growth of the server's data set a job.

The records go through their own moves. An ended one is counted without units and events, which the server itself
drops an hour after the end; a live one at its largest, with every partition in its last stage.
"""

from __future__ import annotations

import time

from benchmarks.harness import Line, main
from benchmarks.records import begin, commit, launch, make_ended, submit_one
from benchmarks.stack import Stack

PARTITIONS = 4


def _used(stack: Stack) -> int:
    stack.redis.memory_purge()
    time.sleep(0.3)
    return int(stack.redis.info("memory")["used_memory_dataset"])


def _make_live(stack: Stack) -> str:
    job_id = submit_one(stack.store, PARTITIONS)
    launch(stack.store, job_id, PARTITIONS)
    for number in range(PARTITIONS):
        for index in range(2):
            commit(stack.store, job_id, f"p{number}", index, rows_in=1, rows_out=1, pages=6)
        begin(stack.store, job_id, f"p{number}", 2)
    return job_id


def measure(quick: bool) -> list[Line]:
    jobs = 20 if quick else 1_000
    with Stack() as stack:
        make_ended(stack.store)
        before = _used(stack)
        ended = [make_ended(stack.store) for _ in range(jobs)]
        at_once = (_used(stack) - before) / jobs
        for job_id in ended:
            for name in ("units", "ev", "todo"):
                key = stack.store.key(f"{name}:{job_id}")
                if stack.redis.exists(key) and stack.redis.ttl(key) < 0:
                    raise RuntimeError(f"{key} would stay for ever")
                stack.redis.delete(key)
        after_an_hour = (_used(stack) - before) / jobs
        before = _used(stack)
        for _ in range(jobs):
            _make_live(stack)
        live = (_used(stack) - before) / jobs
    return [
        Line("Redis bytes of an ended job", after_an_hour, "B", "<= 1536"),
        Line("in the hour after its end", at_once, "B"),
        Line("Redis bytes of a live job of 4 partitions", live, "B", "<= 8192"),
    ]


if __name__ == "__main__":
    main(measure)
