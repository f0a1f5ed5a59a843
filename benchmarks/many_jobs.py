"""Partitions a second through very many jobs submitted at once, and through one job of as many, with empty bodies and
without parts; each against the same chains in bare Celery chords, as many as there are jobs.
"""

from __future__ import annotations

import time
from functools import partial

from benchmarks.harness import Line, interleave, main, median
from benchmarks.stack import Floor, Stack, spine


def _rate(jobs: int, partitions: int, contestant: Stack | Floor) -> float:
    began = time.perf_counter()
    for job_id in [contestant.submit(partitions, parts=False) for _ in range(jobs)]:
        contestant.wait(job_id, 0.01)
    return jobs * partitions / (time.perf_counter() - began)


def measure(quick: bool) -> list[Line]:
    lines = []
    with spine() as (stack, floor):
        for jobs, partitions in ((1, 60), (2, 30), (10, 1)) if quick else ((1, 3_000), (100, 30), (500, 1)):
            contestants = {"leadmill": partial(_rate, jobs, partitions, stack)}
            contestants["floor"] = partial(_rate, jobs, partitions, floor)
            taken = interleave(contestants, rounds=1 if quick else 2, warm_up=0 if quick else 1)
            what = f"{jobs:,} job{'s' * (jobs > 1)} of {partitions:,}"
            lines.append(
                Line(f"{what}: partitions through empty stages", median(taken["leadmill"]), "1/s", "",
                     median(taken["floor"]), better="more", samples=taken)
            )  # fmt: skip
    return lines


if __name__ == "__main__":
    main(measure)
