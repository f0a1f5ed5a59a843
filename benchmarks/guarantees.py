"""What each guarantee costs a partition (three stages): the same job with one of them switched off, all in turns.

One worker of two processes for each variant, on one server, each with its own key prefix. `everything` is the whole
spine; `without parts` writes no files at all; the others are named in benchmarks.without.
"""

from __future__ import annotations

from functools import partial

from benchmarks.harness import Line, interleave, main, median
from benchmarks.stack import Stack

VARIANTS = ("fencing", "leases", "events", "fsync", "rename", "fsync,rename")


def _run(stack: Stack, prefix: str, partitions: int, **bench: bool) -> float:
    """Milliseconds a partition of one job that the worker behind a prefix runs."""
    return 1000 * stack.behind(prefix).run(partitions, 0.005, **bench) / partitions


def measure(quick: bool) -> list[Line]:
    partitions, rounds = (10, 1) if quick else (100, 5)
    with Stack() as stack:
        stack.worker()
        variants = {"everything": partial(_run, stack, stack.prefix, partitions)}
        variants["parts"] = partial(_run, stack, stack.prefix, partitions, parts=False)
        for name in VARIANTS[:2] if quick else VARIANTS:
            prefix = f"{name.replace(',', '-')}:"
            stack.worker(name=prefix[:-1], prefix=prefix, LEADMILL_BENCH_OFF=name)
            variants[name] = partial(_run, stack, prefix, partitions)
        taken = interleave(variants, rounds)
    whole = median(taken["everything"])
    lines = [Line("a partition with everything", whole, "ms", samples={"leadmill": taken["everything"]})]
    for name in variants:
        if name != "everything":
            without = median(taken[name])
            what = f"{name.replace(',', ' and ')} cost{'' if ',' in name or name[-1] == 's' else 's'} a partition"
            lines.append(Line(what, whole - without, "ms", floor=without, samples={"floor": taken[name]}))
    return lines


if __name__ == "__main__":
    main(measure)
