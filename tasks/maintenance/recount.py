"""Recount: the counters of ended jobs, made anew from a full scan of the records and the history.

The script that ends a job counts it in the same move, so a difference means a fault or a restored backup. Mending is
exact beside running traffic: the counters are watched while the last differences of the scan are taken in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, cast

from redis.client import Pipeline
from redis.exceptions import WatchError

from data import history
from data.jobs import TERMINAL, JobStore, Status
from data.lake import Lake
from leadmill.declared import KINDS
from leadmill.errors import DamagedRecordError

#: How often a recount that was overtaken by jobs that ended meanwhile begins its last step again.
ATTEMPTS = 8
#: Records read in one go.
_BATCH = 500
#: Differences named in the finding, at most.
MAX_NAMED = 100


class Ended(NamedTuple):
    """What the counters know of one ended job."""

    kind: str
    status: str
    took_ms: int
    bucket: str


class Counts(NamedTuple):
    """The counters as they are, or as they should be. Fields that are zero are absent."""

    #: `<kind>:<status>` → jobs, `<kind>:ms` → milliseconds, `<kind>:forgotten` → jobs that only the history has.
    ended: Counter[str]
    #: kind → bucket → jobs.
    histograms: dict[str, Counter[str]]

    def differences(self, other: Counts) -> dict[str, tuple[int, int]]:
        """`ended <field>` or `hist:<kind> <bucket>` → (this one's value, the other's), where they differ."""
        pairs: list[tuple[str, Counter[str], Counter[str]]] = [("ended", self.ended, other.ended)]
        for kind in sorted({*self.histograms, *other.histograms}):
            empty: Counter[str] = Counter()
            pairs.append((f"hist:{kind}", self.histograms.get(kind, empty), other.histograms.get(kind, empty)))
        return {
            f"{name} {key}": (mine[key], others[key])
            for name, mine, others in pairs
            for key in sorted({*mine, *others})
            if mine[key] != others[key]
        }


def recount(store: JobStore, lake: Lake, check: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Compare the counters with a full scan and mend them.

    The finding has: scanned (ended jobs in Redis), archived (in the history), drift [{counter, was, is}], mended,
    overtaken (so many jobs ended at once that nothing could be mended; the next run tries again).

    Raises:
        UnavailableError: Redis does not answer.
    """
    seen: dict[str, Ended] = {}
    for _ in range(ATTEMPTS):
        check()
        with store.redis.pipeline() as pipe:
            _watch(store, pipe)
            _take_in(store, seen, check)
            should, archived = _tally(seen.values(), _archived(store, lake))
            are = _read(store)
            drift = are.differences(should)
            try:
                if drift:
                    _replace(store, pipe, should)
            except WatchError:
                continue  # a job ended or was resumed meanwhile: take that in and look again
            return _finding(len(seen), archived, drift, overtaken=False)
    return _finding(len(seen), archived, drift, overtaken=True)


def _watch(store: JobStore, pipe: Pipeline) -> None:
    """Whatever changes a counter or the set of ended jobs makes the replacement fail."""
    names = ["ended", *(f"hist:{kind}" for kind in KINDS), *(f"idx:s:{status}" for status in TERMINAL)]
    pipe.watch(*(store.key(name) for name in names))  # type: ignore[no-untyped-call]


def _finding(scanned: int, archived: int, drift: dict[str, tuple[int, int]], *, overtaken: bool) -> dict[str, Any]:
    named = [{"counter": name, "was": was, "is": now} for name, (was, now) in list(drift.items())[:MAX_NAMED]]
    return {
        "scanned": scanned,
        "archived": archived,
        "drift": named,
        "drift_total": len(drift),
        "mended": bool(drift) and not overtaken,
        "overtaken": overtaken,
    }


def _take_in(store: JobStore, seen: dict[str, Ended], check: Callable[[], None]) -> None:
    """Bring the scan up to date: the first time everything, then what ended or left since."""
    present: set[str] = set()
    for status in sorted(TERMINAL):
        ids = cast("list[str]", store.redis.zrange(store.key(f"idx:s:{status}"), 0, -1))
        present.update(ids)
        new = [job_id for job_id in ids if job_id not in seen or seen[job_id].status != status]
        for start in range(0, len(new), _BATCH):
            check()
            for job_id, ended in _records(store, new[start : start + _BATCH]):
                seen[job_id] = ended
    for job_id in seen.keys() - present:
        del seen[job_id]


def _records(store: JobStore, job_ids: Iterable[str]) -> list[tuple[str, Ended]]:
    ids = list(job_ids)
    with store.redis.pipeline(transaction=False) as pipe:
        for job_id in ids:
            pipe.hmget(store.key(f"job:{job_id}"), "kind", "status", "took", "bucket")
        rows = store.answers(pipe)
    sound = [(job_id, row) for job_id, row in zip(ids, rows, strict=True) if not isinstance(row, DamagedRecordError)]
    return [
        (job_id, Ended(kind, status, int(float(took or 0)), bucket or "0"))
        for job_id, (kind, status, took, bucket) in sound
        if kind and status in TERMINAL
    ]


def _archived(store: JobStore, lake: Lake) -> list[tuple[str, str, int, int, int]]:
    """The history's counts, without jobs that Redis still has (their cleanup is not through, or they were resumed)."""
    here: set[str] = set()
    for status in Status:
        here.update(cast("list[str]", store.redis.zrange(store.key(f"idx:s:{status}"), 0, -1)))
    return history.tally(lake, here)


def _tally(seen: Iterable[Ended], archived: Iterable[tuple[str, str, int, int, int]]) -> tuple[Counts, int]:
    ended: Counter[str] = Counter()
    histograms: dict[str, Counter[str]] = {}
    of_history = 0
    for kind, status, took, bucket in seen:
        _count(ended, histograms, kind, status, bucket, 1, took)
    for kind, status, number, jobs, ms in archived:
        of_history += jobs
        ended[f"{kind}:forgotten"] += jobs
        _count(ended, histograms, kind, status, str(number), jobs, ms)
    return Counts(_without_zeros(ended), {kind: _without_zeros(one) for kind, one in histograms.items()}), of_history


def _count(
    ended: Counter[str], histograms: dict[str, Counter[str]], kind: str, status: str, bucket: str, jobs: int, ms: int
) -> None:
    ended[f"{kind}:{status}"] += jobs
    ended[f"{kind}:ms"] += ms
    histograms.setdefault(kind, Counter())[bucket] += jobs


def _without_zeros(counter: Counter[str]) -> Counter[str]:
    return Counter({name: value for name, value in counter.items() if value})


def _read(store: JobStore) -> Counts:
    with store.redis.pipeline(transaction=False) as pipe:
        pipe.hgetall(store.key("ended"))
        for kind in KINDS:
            pipe.hgetall(store.key(f"hist:{kind}"))
        ended, *histograms = (
            _without_zeros(Counter({name: int(value) for name, value in row.items()})) for row in pipe.execute()
        )
    return Counts(ended, {kind: row for kind, row in zip(KINDS, histograms, strict=True) if row})


def _replace(store: JobStore, pipe: Pipeline, should: Counts) -> None:
    """Put fresh hashes in the place of the old ones, all at once; WatchError when a counter moved since the look."""
    pipe.multi()
    wanted: dict[str, Counter[str]] = {"ended": should.ended}
    wanted |= {f"hist:{kind}": should.histograms.get(kind, Counter()) for kind in {*KINDS, *should.histograms}}
    for name, fields in wanted.items():
        key, fresh = store.key(name), store.key(f"{name}:fresh")
        if fields:
            pipe.delete(fresh)
            pipe.hset(fresh, mapping=dict[Any, Any](fields))
            pipe.rename(fresh, key)
        else:
            pipe.delete(key)
    pipe.execute()
