"""Pages of jobs, of dead letters, of what acts on many, and of events: while things change nothing is skipped or told
twice, and a bad cursor is refused."""

from __future__ import annotations

import base64
import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data import history
from data.jobs import Grant, JobRecord, JobStore, NewJob, Status
from data.lake import Lake
from pipelines.intake import bulk
from pipelines.views import dead_letters, listing
from pipelines.views.listing import JobFilter
from tests.api.conftest import V1, Valkey, post
from tests.api.test_jobs import problem

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
START = 1_800_000_000_000
FILTERS = [
    JobFilter(),
    JobFilter(status=Status.CANCELLED),
    JobFilter(status=Status.PENDING),
    JobFilter(kind="scrape"),
    JobFilter(tag="odd"),
    JobFilter(text="7"),
    JobFilter(text="ODD", status=Status.CANCELLED),
    JobFilter(text="nobody says this"),
    JobFilter(since=datetime.fromtimestamp((START + 2) / 1000, UTC)),
]
_serial = itertools.count()


class Jobs:
    """Jobs made at chosen times, many at the same, and what happens to them."""

    def __init__(self, url: str, lake: Lake) -> None:
        self.store, self.lake = JobStore.connect(url, f"p{next(_serial)}:"), lake
        self.now = START
        self.store._clock = lambda: self.now
        self.made: list[str] = []
        #: Those that something happened to: a list may tell them before or after, or, filtered, not at all.
        self.changed: set[str] = set()

    def make(self, at: int) -> str:
        job, self.now = f"job_{len(self.made):020d}", START + at
        kind = "scrape" if len(self.made) % 3 else "pipeline"
        tags = ("odd",) if len(self.made) % 2 else ()
        self.store.submit(NewJob(job, kind, ("scrape",), ("scrape",), {}, {}, tags=tags))
        self.made.append(job)
        return job

    def happen(self, what: str, job: str) -> None:
        self.changed.add(job)
        record = self.store.record(job)
        ended = record is not None and record.is_terminal
        if what == "end" and record and not ended:
            self.store.call("cancel", job=job)
        elif what == "resume" and ended:
            self.store.call("resume", job=job)
        elif what == "begin" and record and record.status == "pending":
            self.store.begin(job, "launch", 0, 0, "a:1")
        elif what == "archive" and record and ended:
            history.append(self.lake, [record], datetime.now(UTC))
            self.store.forget(job)

    def fail(self, job: str, at: int) -> str:
        """An entry among the dead letters."""
        self.now = START + at
        grant = self.store.begin(job, "launch", 0, 0, "a:1")
        assert isinstance(grant, Grant)
        self.store.fail(grant, category="data", error="x", max=1, base=0, cap=0, jitter=0)
        return f"{job}|launch"


CHANGES = st.lists(
    st.tuples(st.sampled_from(["end", "resume", "begin", "archive", "make"]), st.integers(0, 30)), max_size=4
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds so small that a list of thirty meets them."""
    monkeypatch.setattr(listing, "_BATCH", 4)
    monkeypatch.setattr(listing, "MAX_LOOKED_AT", 6)
    monkeypatch.setattr(dead_letters, "_BATCH", 4)
    monkeypatch.setattr(dead_letters, "MAX_LOOKED_AT", 6)


def changing(jobs: Jobs, changes: list[tuple[str, int]]) -> None:
    for what, n in changes:
        if what == "make":
            jobs.changed.add(jobs.make(n % 4))
        else:
            jobs.happen(what, jobs.made[n % len(jobs.made)])


def pages(page: Callable[[str | None], tuple[list[str], str | None]], between: Callable[[], None]) -> list[str]:
    told: list[str] = []
    cursor: str | None = None
    for _ in range(500):
        items, cursor = page(cursor)
        told += items
        if cursor is None:
            return told
        between()
    raise AssertionError("the pages have no end")


@QUICK
@given(
    times=st.lists(st.integers(0, 4), min_size=1, max_size=30),
    before=CHANGES,
    limit=st.integers(1, 6),
    wanted=st.sampled_from(FILTERS),
    data=st.data(),
)
def test_lists_of_jobs(
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
    small: None,
    times: list[int],
    before: list[tuple[str, int]],
    limit: int,
    wanted: JobFilter,
    data: st.DataObject,
) -> None:
    jobs = Jobs(valkey.url, Lake(tmp_path_factory.mktemp("lake")))
    for at in times:
        jobs.make(at)
    changing(jobs, [*before, *(("end", n) for n in range(0, 30, 3)), *(("archive", n) for n in range(0, 30, 6))])
    jobs.changed.clear()
    first = matching(jobs, wanted)

    def page(cursor: str | None) -> tuple[list[str], str | None]:
        found = listing.list_jobs(jobs.store, jobs.lake, wanted, limit, cursor)
        assert len(found.records) <= limit
        return [record.job_id for record in found.records], found.next_cursor

    told = pages(page, lambda: changing(jobs, data.draw(CHANGES)))
    assert len(told) == len(set(told)), "told twice"
    assert [job for job in first if job not in jobs.changed] == [job for job in told if job not in jobs.changed]


def matching(jobs: Jobs, wanted: JobFilter) -> list[str]:
    """What a list that reads everything tells, newest first."""
    rows = history.page(jobs.lake, limit=1_000)
    records = [history.record(row) for row in rows]
    records += [record for record in jobs.store.records(jobs.made) if isinstance(record, JobRecord)]
    since = wanted.since.timestamp() * 1000 if wanted.since else 0
    found = [record for record in records if wanted.matches(record) and record.created_ms >= since]
    return [record.job_id for record in sorted(found, key=listing._place, reverse=True)]


@QUICK
@given(times=st.lists(st.integers(0, 3), min_size=1, max_size=20), limit=st.integers(1, 5), data=st.data())
def test_dead_letters(
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
    small: None,
    times: list[int],
    limit: int,
    data: st.DataObject,
) -> None:
    jobs = Jobs(valkey.url, Lake(tmp_path_factory.mktemp("lake")))
    for at in times:
        jobs.fail(jobs.make(0), at)

    def page(cursor: str | None) -> tuple[list[str], str | None]:
        found = dead_letters.dead_letters(jobs.store, jobs.lake, limit, cursor)
        return [item["job_id"] for item in found.items], found.next_cursor

    def change() -> None:
        for what, n in data.draw(st.lists(st.tuples(st.sampled_from(["new", "gone", "again"]), st.integers(0, 30)))):
            job = jobs.made[n % len(jobs.made)]
            if what == "new":
                job = jobs.make(0)
                jobs.fail(job, n % 4)
            elif what == "gone":
                jobs.store.redis.zrem(jobs.store.key("dead"), f"{job}|launch")
            else:
                jobs.store.redis.zadd(jobs.store.key("dead"), {f"{job}|launch": START + 9 + n})
            jobs.changed.add(job)

    told = pages(page, change)
    assert len(told) == len(set(told)), "told twice"
    kept = {job for job in jobs.made if job not in jobs.changed}
    assert kept <= set(told), "skipped"


@QUICK
@given(times=st.lists(st.integers(0, 3), min_size=1, max_size=20), data=st.data())
def test_an_action_on_many_goes_on_where_it_ended(
    valkey: Valkey, tmp_path_factory: pytest.TempPathFactory, small: None, times: list[int], data: st.DataObject
) -> None:
    jobs = Jobs(valkey.url, Lake(tmp_path_factory.mktemp("lake")))
    for at in times:
        jobs.make(at)
    action = data.draw(st.sampled_from(list(bulk.Action)))
    if action is bulk.Action.RESUME:
        changing(jobs, [("end", n) for n in range(len(times))])
    done = 0

    def page(cursor: str | None) -> tuple[list[str], str | None]:
        nonlocal done
        found = bulk.act(jobs.store, jobs.lake, lambda outs: None, action, JobFilter(), cursor=cursor)
        done += found.done
        assert found.refused == 0
        return [], found.next_cursor

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk, "MAX_S", 0.0)  # each call acts on one job
        pages(page, lambda: None)
    assert done == len(times)
    statuses = {record.status for record in jobs.store.records(jobs.made) if isinstance(record, JobRecord)}
    assert statuses == {"cancelled" if action is bulk.Action.CANCEL else "pending"}


@QUICK
@given(steps=st.lists(st.integers(0, 9), max_size=20), limit=st.integers(1, 5))
def test_events(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory, steps: list[int], limit: int) -> None:
    jobs = Jobs(valkey.url, Lake(tmp_path_factory.mktemp("lake")))
    job = jobs.make(0)
    grant = jobs.store.begin(job, "launch", 0, 0, "a:1")
    assert isinstance(grant, Grant)
    told: list[str] = []
    after = "0"
    for step in itertools.chain(steps, itertools.repeat(0)):
        for n in range(step):
            jobs.now += 1_000
            jobs.store.renew(grant, progress=n, message=f"{n}")
        found = jobs.store.events(job, after, limit)
        if not found and not step:
            break
        told += [entry for entry, _, _ in found]
        after = told[-1]
    assert told == [entry for entry, _, _ in jobs.store.events(job, limit=1_000)]


def test_a_job_that_moves_between_statuses_is_in_every_list(
    valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """From `retry` back to `running`, against the order in which the statuses stand."""
    jobs = Jobs(valkey.url, Lake(tmp_path_factory.mktemp("lake")))
    job = jobs.make(0)
    mover = JobStore.connect(valkey.url, jobs.store.prefix)
    mover._clock = jobs.store._clock
    ended = threading.Event()

    def move() -> None:
        while not ended.is_set():
            grant = mover.begin(job, "launch", 0, 0, "a:1")
            assert isinstance(grant, Grant)
            mover.fail(grant, category="system", error="x", max=10**6, base=1, cap=1, jitter=0)
            mover.claim({})

    thread = threading.Thread(target=move)
    thread.start()
    try:
        for _ in range(300):
            found = listing.list_jobs(jobs.store, jobs.lake, JobFilter())
            assert [record.job_id for record in found.records] == [job]
    finally:
        ended.set()
        thread.join()
        mover.redis.close()


def word(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


ID = "job_" + "0" * 20
BAD = [
    "x", "%", "a" * 200, "====", "\u00fc", "\x00",
    *map(word, [":", "1:", f"-1:{ID}", "1:job_x", f"253402300799001:{ID}", f"999999999999999:{ID}", "1" * 90 + ":a|b"]),
    *map(word, [f"1e3:{ID}", f"\u0661:{ID}", '[1,"a"]', "[" * 100, "NaN", "[1,2,3,4]"]),
]  # fmt: skip


@pytest.fixture
def archived(client: TestClient, store: JobStore, lake: Lake) -> Iterator[str]:
    """A job with an error list, and one in the history, so that no list ends before it reads its cursor."""
    job = post(client)["job_id"]
    client.delete(f"{V1}/jobs/cancel/{job}")
    history.append(lake, [r for r in store.records([job]) if isinstance(r, JobRecord)], datetime.now(UTC))
    kept: str = post(client)["job_id"]
    lake.job_dir(kept).mkdir(parents=True, exist_ok=True)
    yield kept


@pytest.mark.parametrize("cursor", BAD)
def test_a_bad_cursor_is_refused(client: TestClient, archived: str, cursor: str) -> None:
    calls: list[Any] = [
        client.get(f"{V1}/jobs/list", params={"cursor": cursor}),
        client.get(f"{V1}/jobs/dead", params={"cursor": cursor}),
        client.get(f"{V1}/jobs/{archived}/errors", params={"cursor": cursor}),
        client.get(f"{V1}/companies", params={"cursor": cursor}),
        client.post(f"{V1}/jobs/bulk", json={"action": "cancel", "dry_run": True, "filter": {}, "cursor": cursor}),
    ]
    for answer in calls:
        assert answer.status_code == 422, (answer.url, answer.text)
        assert problem(answer, 422, "invalid_input")["field"] == "cursor"
