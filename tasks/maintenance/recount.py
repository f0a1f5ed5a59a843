"""Recount: the counters of ended jobs, made anew from a full scan of the records and the history.

The script that ends a job counts it in the same move, so a difference means a fault or a restored backup. Mending is
exact beside running traffic: the counters are watched while the last differences of the scan are taken in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypedDict

from data import history
from data.jobs import TERMINAL, JobStore, Status
from data.jobs.counters import CounterWatch, EndedCounts, EndedJob, all_ids, ended_jobs, without_zeros
from data.lake import Lake
from leadmill.declared import KINDS

#: How often a recount that was overtaken by jobs that ended meanwhile begins its last step again.
ATTEMPTS = 8
#: Records read in one go.
_BATCH = 500
#: Differences named in the result, at most.
MAX_NAMED = 100


#: A counter that was wrong: what it said, and what it says now.
Drift = TypedDict("Drift", {"counter": str, "was": int, "is": int})


class RecountResult(TypedDict):
    """What a recount found."""

    #: Ended jobs in Redis, and in the history.
    scanned: int
    archived: int
    #: Counters that were wrong: the first of them, and how many.
    drift: list[Drift]
    drift_total: int
    mended: bool
    #: So many jobs ended at once that nothing could be mended; the next run tries again.
    overtaken: bool


def recount(store: JobStore, lake: Lake, check: Callable[[], None] = lambda: None) -> RecountResult:
    """Compare the counters with a full scan and mend them.

    Raises:
        UnavailableError: Redis does not answer.
    """
    seen: dict[str, EndedJob] = {}
    for _ in range(ATTEMPTS):
        check()
        with CounterWatch(store, KINDS) as counters:
            _take_in(store, seen, check)
            should, archived = _tally(seen.values(), _archived(store, lake))
            drift = _differences(counters.read(), should)
            if not drift or counters.overwrite(should):
                return _result(len(seen), archived, drift, overtaken=False)
            # A job ended or was resumed meanwhile: take that in and look again.
    return _result(len(seen), archived, drift, overtaken=True)


def _differences(are: EndedCounts, should: EndedCounts) -> dict[str, tuple[int, int]]:
    """Counter → (as it is, as it should be), where they differ."""
    mine, others = are.by_name(), should.by_name()
    return {name: (mine[name], others[name]) for name in sorted({*mine, *others}) if mine[name] != others[name]}


def _result(scanned: int, archived: int, drift: dict[str, tuple[int, int]], *, overtaken: bool) -> RecountResult:
    named: list[Drift] = [
        {"counter": name, "was": was, "is": now} for name, (was, now) in list(drift.items())[:MAX_NAMED]
    ]
    return {
        "scanned": scanned,
        "archived": archived,
        "drift": named,
        "drift_total": len(drift),
        "mended": bool(drift) and not overtaken,
        "overtaken": overtaken,
    }


def _take_in(store: JobStore, seen: dict[str, EndedJob], check: Callable[[], None]) -> None:
    """Bring the scan up to date: the first time everything, then what ended or left since."""
    present: set[str] = set()
    for status in sorted(TERMINAL):
        ids = all_ids(store, status)
        present.update(ids)
        new = [job_id for job_id in ids if job_id not in seen or seen[job_id].status != status]
        for start in range(0, len(new), _BATCH):
            check()
            seen |= ended_jobs(store, new[start : start + _BATCH])
    for job_id in seen.keys() - present:
        del seen[job_id]


def _archived(store: JobStore, lake: Lake) -> list[tuple[str, str, int, int, int]]:
    """The history's counts, without jobs that Redis still has (their cleanup is not through, or they were resumed)."""
    here: set[str] = set()
    for status in Status:
        here.update(all_ids(store, status))
    return history.tally(lake, here)


def _tally(seen: Iterable[EndedJob], archived: Iterable[tuple[str, str, int, int, int]]) -> tuple[EndedCounts, int]:
    should = EndedCounts(Counter(), {})
    of_history = 0
    for kind, status, took, bucket in seen:
        _count(should, kind, status, bucket, 1, took)
    for kind, status, bucket, jobs, ms in archived:
        of_history += jobs
        should.ended[f"{kind}:forgotten"] += jobs
        _count(should, kind, status, bucket, jobs, ms)
    durations = {kind: without_zeros(one) for kind, one in should.durations.items()}
    return EndedCounts(without_zeros(should.ended), durations), of_history


def _count(counts: EndedCounts, kind: str, status: str, bucket: int, jobs: int, ms: int) -> None:
    counts.ended[f"{kind}:{status}"] += jobs
    counts.ended[f"{kind}:ms"] += ms
    counts.durations.setdefault(kind, Counter())[bucket] += jobs
