"""Partitions a second through one big job with empty bodies, against the same chains in one bare Celery chord."""

from __future__ import annotations

import math
from functools import partial

from benchmarks.harness import Line, interleave, main, median
from benchmarks.stack import Floor, Stack, spine


def _rate(contestant: Stack | Floor, size: int, **bench: bool) -> float:
    return size / contestant.run(size, 0.01, **bench)


def measure(quick: bool) -> list[Line]:
    lines = []
    seconds: dict[int, float] = {}
    with spine() as (stack, floor):
        for size, rounds in ((10, 7), (100, 5), (1_000, 2), (10_000, 2)) if not quick else ((10, 1), (20, 1)):
            taken = interleave(
                {
                    "with": partial(_rate, stack, size),
                    "without": partial(_rate, stack, size, parts=False),
                    "floor": partial(_rate, floor, size),
                },
                rounds,
                warm_up=0 if size > 1_000 else 1,
            )  # fmt: skip
            seconds[size] = size / median(taken["with"])
            for how, bar in (("without", 0.6), ("with", 0.35)):
                lines.append(
                    Line(f"job of {size:,} partitions, {how} parts", median(taken[how]), "1/s",
                         f">= {bar} floor" if size >= 1_000 or quick else "", median(taken["floor"]), better="more",
                         samples={"leadmill": taken[how], "floor": taken["floor"]})
                )  # fmt: skip
    sizes = sorted(seconds)
    grown = math.log(seconds[sizes[-1]] / seconds[sizes[0]]) / math.log(sizes[-1] / sizes[0])
    return [*lines, Line(f"growth exponent, {sizes[0]} to {sizes[-1]:,} partitions", grown, "", "<= 1.1")]


if __name__ == "__main__":
    main(measure)
