"""Fits `extraction/calibration.toml` on the half that is seen: (field, method, weight) → how often right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.extraction.judge import Judgement

#: Values that the rate of all facts of a field, and of a method, counts like: few facts prove little.
PRIOR = 8.0
#: Weights this near to each other are taken together.
WIDTH = 0.05
#: How often facts are right of which nothing at all was seen.
USUAL = 0.9
#: Shares nearer than this to each other are one.
SAME = 0.002
#: Nothing is surer than that: what was right a hundred times may be wrong the next.
MOST = 0.995

_HEAD = """\
# How often facts of a field and method are right, by the weight that the extractor gave them: [least weight, share].
# Written by `python -m benchmarks.extraction --calibrate` from the hosts of the seen half; do not edit.
"""


def fit(judged: Iterable[Judgement]) -> dict[str, dict[str, list[tuple[float, float]]]]:
    """The table. Shares rise with the weight within a method, and lean on what else was seen: of the method, of the
    field's other methods, of the other fields."""
    facts = sorted((one for one in judged if one.fact and one.confidence is not None), key=_method)
    by_field: dict[str, list[Judgement]] = defaultdict(list)
    for one in facts:
        by_field[one.fact].append(one)
    table: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for field, of_field in by_field.items():
        whole = _share([one for one in facts if one.fact != field], USUAL)
        for method, group in groupby(of_field, key=lambda one: one.method):
            others = _share([one for one in of_field if one.method != method], whole)
            table.setdefault(field, {})[method] = _steps(list(group), others)
    return table


def write(table: dict[str, dict[str, list[tuple[float, float]]]], path: Path) -> None:
    lines = [_HEAD]
    for field, methods in sorted(table.items()):
        lines.append(f"[{field}]")
        for method, steps in sorted(methods.items()):
            shown = ", ".join(f"[{least:.2f}, {share:.3f}]" for least, share in steps)
            lines.append(f'"{method}" = [{shown}]')
        lines.append("")
    path.write_text("\n".join(lines), encoding="utf-8")


def _method(one: Judgement) -> tuple[str, str, float]:
    return one.fact, one.method, one.confidence or 0.0


def _share(facts: Sequence[Judgement], prior: float) -> float:
    return (sum(one.right for one in facts) + PRIOR * prior) / (len(facts) + PRIOR)


def _steps(facts: Sequence[Judgement], others: float) -> list[tuple[float, float]]:
    """Neighbouring weights are pooled until shares rise (pool adjacent violators)."""

    def share(pool: Sequence[Judgement]) -> float:
        return _share(pool, _share([one for one in facts if one not in pool], others))

    pools: list[list[Judgement]] = []
    for _, group in groupby(facts, key=_step):
        pools.append(list(group))
        while len(pools) > 1 and share(pools[-2]) >= share(pools[-1]) - SAME:
            last = pools.pop()
            pools[-1] += last
    return [(round(_step(pool[0]) * WIDTH, 2), round(min(MOST, share(pool)), 3)) for pool in pools]


def _step(one: Judgement) -> int:
    return int((one.confidence or 0.0) / WIDTH + 1e-9)
