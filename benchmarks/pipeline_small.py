"""A pipeline of 8 partitions × 5 stages with empty bodies, submit → completed, against one bare Celery chord."""

from __future__ import annotations

from benchmarks.harness import Line, interleave, main, median
from benchmarks.stack import spine

PARTITIONS = 8


def measure(quick: bool) -> list[Line]:
    with spine() as (stack, floor):
        taken = interleave(
            {
                "with parts": lambda: 1000 * stack.run(PARTITIONS),
                "without parts": lambda: 1000 * stack.run(PARTITIONS, parts=False),
                "floor": lambda: 1000 * floor.run(PARTITIONS),
            },
            rounds=1 if quick else 25,
            warm_up=1 if quick else 5,
        )
    bare = median(taken["floor"])
    return [
        Line(f"pipeline 8 x 5, {how}", median(taken[how]), "ms", f"<= {bar} floor", bare,
             samples={"leadmill": taken[how], "floor": taken["floor"]})
        for how, bar in (("with parts", 2.5), ("without parts", 1.5))
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
