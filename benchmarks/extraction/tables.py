"""What judgements say in all: by field, by country, by bucket of confidence, and what changed between two runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.extraction.judge import Judgement

#: Width of a bucket of the reliability table.
BUCKET = 0.1
#: Values a field and country must have to be worth a line.
LEAST = 3
_ORDER = (
    "name legal_name phones fax emails city postcode street locations country language social vat_id register founded "
    "employees industry technologies"
).split()


def fields(judged: Sequence[Judgement]) -> Iterator[str]:
    """Recall, precision and counts of each field."""
    yield f"{'field':14} {'recall':>17} {'precision':>17}"
    for field, its in _groups(judged, lambda one: one.field):
        yield f"{field:14} {_share(its, 'recall'):>17} {_share(its, 'precision'):>17}"


def countries(judged: Sequence[Judgement]) -> Iterator[str]:
    """The same for each field and country, the worst first."""
    lines = []
    for (field, country), its in _groups(judged, lambda one: (one.field, one.country)):
        if len(its) >= LEAST:
            lines.append((sum(one.right for one in its) / len(its), field, country, its))
    yield f"{'field':14} {'country':7} {'recall':>17} {'precision':>17}"
    for _, field, country, its in sorted(lines, key=lambda line: line[:3]):
        yield f"{field:14} {country:7} {_share(its, 'recall'):>17} {_share(its, 'precision'):>17}"


def halves(judged: Sequence[Judgement]) -> Iterator[str]:
    """Recall / precision of each field over the seen half and the one held out."""
    yield f"{'field':14} {'seen':>15} {'held out':>15}"
    for field, its in _groups(judged, lambda one: one.field):
        shown = []
        for half in ("seen", "held"):
            mine = [one for one in its if one.half == half]
            shown.append(f"{_percent(mine, 'recall')} / {_percent(mine, 'precision')}")
        yield f"{field:18} {shown[0]:>15} {shown[1]:>15}"


def reliability(judged: Sequence[Judgement]) -> Iterator[str]:
    """How often facts of a confidence are right: ECE of each field and of all, and all by bucket."""
    known = [one for one in judged if one.side == "precision" and one.confidence is not None]
    if not known:
        return
    yield f"{'field':14} {'ECE':>6} {'facts':>6} {'said':>6} {'right':>6}"
    for field, its in [*_groups(known, lambda one: one.field), ("all", known)]:
        said = sum(one.confidence or 0.0 for one in its) / len(its)
        yield f"{field:14} {ece(its):6.3f} {len(its):6} {said:6.3f} {sum(one.right for one in its) / len(its):6.3f}"
    yield f"{'confidence':14} {'':>6} {'facts':>6} {'said':>6} {'right':>6}"
    for bucket, its in sorted(_buckets(known).items()):
        said = sum(one.confidence or 0.0 for one in its) / len(its)
        name = f"{bucket * BUCKET:.1f} to {(bucket + 1) * BUCKET:.1f}"
        yield f"{name:14} {'':>6} {len(its):6} {said:6.3f} {sum(one.right for one in its) / len(its):6.3f}"


def ece(facts: Iterable[Judgement]) -> float:
    """Expected calibration error over buckets of `BUCKET`: how far the confidence is off, a fact."""
    facts = [one for one in facts if one.confidence is not None]
    off = sum(abs(sum(one.right - (one.confidence or 0.0) for one in its)) for its in _buckets(facts).values())
    return off / len(facts) if facts else 0.0


def cases(judged: Sequence[Judgement]) -> Iterator[str]:
    """Report cases that pass as a whole, and checks that hold, by field."""
    whole = [all(one.right for one in its) for _, its in _groups(judged, lambda one: one.host)]
    if whole:
        yield f"report cases on pages: {sum(whole)} of {len(whole)} pass"
        for field, its in _groups(judged, lambda one: one.field):
            yield f"{field:14} {_share(its, 'case'):>17}"


def score(judged: Sequence[Judgement]) -> str:
    """The figures of all fields on one line, and their mean."""
    parts = {}
    for name, field, pooled in (
        ("name", "name", False), ("phone", "phones", True), ("email", "emails", True), ("city", "city", False),
        ("postcode", "postcode", False), ("country", "country", False), ("social", "social", True),
    ):  # fmt: skip
        its = [one for one in judged if one.field == field]
        recall, precision = (_ratio([one for one in its if one.side == side]) for side in ("recall", "precision"))
        parts[name] = (
            (2 * recall * precision / (recall + precision) if recall + precision else 0.0) if pooled else recall
        )
    return f"score={sum(parts.values()) / len(parts):.3f} " + " ".join(f"{k}={v:.3f}" for k, v in parts.items())


def changes(before: Sequence[Judgement], now: Sequence[Judgement], *, all_told: bool = False) -> Iterator[str]:
    """Fields that got better or worse, then each value whose judgement changed; those held out only if `all_told`."""
    yield f"{'field':18} {'recall':>15} {'precision':>15} {'better':>7} {'worse':>6}"
    lines: list[str] = []
    was, are = (dict(_groups(some, _kind)) for some in (before, now))
    for field in [*are, *(field for field in was if field not in are)]:
        old, new = was.get(field, []), are.get(field, [])
        then, today = ({_key(one): one for one in some} for some in (old, new))
        better: list[Judgement | None] = []
        worse: list[Judgement | None] = []
        for key in {**then, **today}:
            a, b = then.get(key), today.get(key)
            if a and b and a.right == b.right:
                continue
            # A wrong value that is no longer given is a gain; one that is given now is a loss.
            good = b.right if b else not (a and a.right)
            if b is None and a is not None and a.side == "precision" and a.right:
                continue  # told by its recall
            if a is None and b is not None and b.side == "precision" and b.right:
                continue
            (better if good else worse).append(b or a)
        shown = [f"{_percent(old, side)} → {_percent(new, side)}" for side in ("recall", "precision")]
        if "case" in {one.side for one in new}:
            shown = [f"{_percent(old, 'case')} → {_percent(new, 'case')}", ""]
        if better or worse or shown[0].split(" → ")[0] != shown[0].split(" → ")[1]:
            yield f"{field:18} {shown[0]:>15} {shown[1]:>15} {len(better):7} {len(worse):6}"
        told = [("+", one) for one in better if one] + [("-", one) for one in worse if one]
        given = {_key(one) for one in new}
        for sign, one in told:
            if all_told or one.half == "seen":
                lines.append(f"{sign} {_told(one)}{'' if _key(one) in given else ' – no longer given'}")
    yield from lines


def misses(judged: Sequence[Judgement]) -> Iterator[str]:
    """A line for each value not found, each wrong one, and each check that fails."""
    for one in sorted(judged, key=lambda one: (_place(one.field), one.host, one.side)):
        if not one.right:
            yield _told(one)


def _told(one: Judgement) -> str:
    what = {"recall": "not found", "precision": "wrong", "case": "fails"}[one.side] if not one.right else "right"
    by = f" ({one.method} {one.confidence})" if one.method else ""
    note = f" – {one.note}" if one.note else ""
    return f"{one.half} {one.host} [{one.country}] {one.field} {what}: {one.value}{note}{by}"


def _kind(one: Judgement) -> str:
    return f"{one.field} (case)" if one.side == "case" else one.field


def _key(one: Judgement) -> tuple[str, str, str]:
    return one.host, one.side, one.value


def _share(judged: Sequence[Judgement], side: str) -> str:
    its = [one for one in judged if one.side == side]
    return f"{_ratio(its):6.1%} {sum(one.right for one in its):4}/{len(its):<4}" if its else "–"


def _percent(judged: Sequence[Judgement], side: str) -> str:
    its = [one for one in judged if one.side == side]
    return f"{100 * _ratio(its):.1f}" if its else "–"


def _ratio(judged: Sequence[Judgement]) -> float:
    return sum(one.right for one in judged) / len(judged) if judged else 1.0


def _buckets(judged: Iterable[Judgement]) -> dict[int, list[Judgement]]:
    found: dict[int, list[Judgement]] = defaultdict(list)
    for one in judged:
        found[min(int(1 / BUCKET) - 1, int((one.confidence or 0.0) / BUCKET + 1e-9))].append(one)
    return found


def _groups(judged: Iterable[Judgement], by: Callable[[Judgement], Any]) -> list[tuple[Any, list[Judgement]]]:
    found: dict[Any, list[Judgement]] = defaultdict(list)
    for one in judged:
        found[by(one)].append(one)
    return sorted(found.items(), key=lambda pair: _place(pair[0]) if isinstance(pair[0], str) else (0, str(pair[0])))


def _place(field: str) -> tuple[int, str]:
    field, _, case = field.partition(" (")
    return len(_ORDER) * 2 + 1 if case else _ORDER.index(field) if field in _ORDER else len(_ORDER), field


def costs(parts: Mapping[str, float], bare: str) -> Iterator[str]:
    """Milliseconds of each part, the dearest first, and how many of the part named `bare` they are."""
    for part, ms in sorted(parts.items(), key=lambda pair: -pair[1]):
        yield f"{part:28} {ms:7.3f} {_times(ms, parts[bare])} x"


def totals(cpu: Mapping[str, float], bare: float, peer: float | None) -> str:
    """What both stages cost a page, in bare parses, and beside the script (`peer`), all in milliseconds."""
    both = sum(cpu.values())
    said = f"CPU ms a page: process {cpu['process']:.2f}, enrich {cpu['enrich']:.2f}, both {both:.2f}"
    said += f" = {_times(both, bare)} bare parses ({bare:.3f})"
    return f"{said}; a script {peer:.2f} = {_times(peer, both)} x ours" if peer else said


def _times(one: float, other: float) -> str:
    return f"{one / other:.2f}" if other else "–"  # the clock of few pages stands still on some machines
