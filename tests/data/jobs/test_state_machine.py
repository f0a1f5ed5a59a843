"""Any interleaving of moves, duplicates, late messages, cancels, resumes and reconciler passes keeps the invariants.

The jobs are of three projects: work finds each by its message alone, whoever asks for a project sees its own.
"""

from __future__ import annotations

import itertools
import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from data import keys
from data.jobs import LIMITS, TERMINAL, Answer, Grant, HandOut, JobStore, NewJob, Status
from data.jobs.counters import all_ids
from tests.valkey import Valkey

STAGES = ("scrape", "process", "enrich", "score", "report")
CLOSE = "score;render:html,render:csv;publish"
#: Of each job by its number: some need the first queue alone.
CHAINS = (STAGES[:3], STAGES[:3], STAGES[:1], STAGES[:3], STAGES[:1])
#: Of each stage of a partition.
QUEUE_OF = {"scrape": "scraping", "process": "processing", "enrich": "processing"}
LIVE = {"h": "handed", "r": "running", "w": "waiting"}
_serial = itertools.count()
#: How many histories there are, others each time; 0: few, the same until this file changes.
EXAMPLES = int(os.environ.get("LEADMILL_TEST_EXAMPLES") or 0)
pytestmark = pytest.mark.timeout(120 + 5 * EXAMPLES)
PROJECTS = ("default", "acme", "beta")
#: Turns of a ring of a few jobs after which each of them was served.
FULL_TURN = 20
#: What else writes over what the turns are made of; it heals while claims go on.
DAMAGES: dict[str, list[tuple[Any, ...]]] = {
    "a ring is lost": [("DEL", "ring:scraping:1"), ("DEL", "ring:scraping:2")],
    "the turns are lost": [("DEL", "turns:scraping")],
    "both are lost": [("DEL", "turns:scraping"), ("DEL", "ring:scraping:1")],
    "a second lane is lost": [("DEL", "turns:scraping.only"), ("DEL", "ring:scraping.only:1")],
    "strangers in a second lane": [
        ("ZADD", "ring:scraping.only:1", "-inf", "job_x", "0", "job_00000000000000000000"),
        ("ZADD", "turns:scraping.only", "-inf", "1:gone", "0", "1:default"),
    ],
    "a window is lost": [("DEL", "window:scraping"), ("DEL", "window:processing")],
    "places are no numbers": [("HSET", "window", "scraping", "nan", "at", "nan")],
    "strangers in a window": [("SADD", "window:scraping", "x", "job_x|p0", "job_00000000000000000000|p99")],
    "strangers in a ring": [("ZADD", "ring:scraping:1", "-inf", "job_x", "0", "", "3", "job_00000000000000000001")],
    "strangers in the turns": [("ZADD", "turns:scraping", "-inf", "1:gone", "inf", "x", "0", "7:acme", "1", "1:a:b")],
    "one place of all": [("ZADD", "turns:scraping", "XX", score, "1:default") for score in ("inf", "-inf")],
    "a huge place": [("ZADD", "ring:scraping:1", "XX", "1e300", "job_00000000000000000000")],
    "no place": [("ZADD", "ring:scraping:1", "XX", "-inf", "job_00000000000000000000")],
    "last place": [("ZADD", "ring:scraping:1", "XX", "inf", "job_00000000000000000000")],
}
_server: Valkey | None = None


@pytest.fixture(scope="module", autouse=True)
def _use(valkey: Valkey) -> None:
    global _server  # noqa: PLW0603
    _server = valkey


def told(processes: int = 0) -> str:
    """What a worker of this version says of itself."""
    about = {"queues": list(QUEUE_OF.values()), "processes": processes} if processes else {}
    return json.dumps({**about, "form": keys.RECORD_VERSION})


def chain_of(job: str) -> tuple[str, ...]:
    return CHAINS[int(job[-1])]


class Lawful(JobStore):
    """No record that the store made itself stands in the way of a move."""

    def call(self, operation: str, **arguments: Any) -> Answer:
        answer = super().call(operation, **arguments)
        assert answer.refused != "illegal", (operation, arguments, answer)
        return answer


class Records(RuleBasedStateMachine):
    """Actors hold messages and grants of any age; what they do with them is chosen by hypothesis."""

    @initialize()
    def start(self) -> None:
        assert _server is not None
        self.now = 1_800_000_000_000
        self.store = Lawful.connect(_server.url, f"t{next(_serial)}:")
        self.store._clock = lambda: self.now
        self.jobs: list[str] = []
        self.messages: list[HandOut] = []
        self.grants: list[Grant] = []
        self.seen: dict[str, tuple[str, int]] = {}
        self.commits: dict[tuple[str, str, int, int], str] = {}
        self.resumed: set[str] = set()
        self.begun: set[tuple[str, str, int, int]] = set()
        self.owners = itertools.count()
        self.most_places = 2
        self.is_damaged = False
        self.stood: dict[str, tuple[object, float]] = {}

    def of(self, job: str) -> JobStore:
        """The store as the job's project sees it: each third job is of the default one."""
        return self.store.of(PROJECTS[int(job[-1]) % 3])

    def of_the_other(self, job: str) -> JobStore:
        return self.store.of(PROJECTS[(int(job[-1]) + 1) % 3])

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        self.finish()
        left = self.store.redis.keys(self.store.prefix + "*")
        if left:
            self.store.redis.delete(*left)
        self.store.redis.close()

    # ---- moves ------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.jobs) < 5)
    @rule(
        run_at=st.sampled_from([None, None, 5]),
        deadline=st.sampled_from([None, None, 3, 30]),
        priority=st.sampled_from([0, 1, 2]),
    )
    def submit(self, run_at: int | None, deadline: int | None, priority: int) -> None:
        job = f"job_{len(self.jobs):020d}"
        answer = self.of(job).submit(
            NewJob(
                job, "pipeline", STAGES, chain_of(job), {}, {}, priority=priority, deadline_s=deadline,
                run_at=None if run_at is None else self.now / 1000 + run_at, tags=("t",),
            )
        )  # fmt: skip
        self.jobs.append(job)
        self.messages += answer.send

    @precondition(lambda self: self.messages)
    @rule(data=st.data(), keep=st.booleans())
    def deliver(self, data: st.DataObject, keep: bool) -> None:
        """A worker takes a message; `keep`: it will come again."""
        i = data.draw(st.integers(0, len(self.messages) - 1))
        out = self.messages[i] if keep else self.messages.pop(i)
        self.begin(out)

    def begin(self, out: HandOut) -> None:
        grant = self.store.begin(out.job_id, out.unit, out.epoch, out.index, f"o{next(self.owners)}:1")
        if isinstance(grant, Grant):
            assert grant.epoch == out.epoch
            assert grant.project == self.of(grant.job_id).project
            run = (grant.job_id, grant.unit, grant.epoch, grant.index)
            assert run not in self.begun, "one epoch of a stage was begun twice"
            self.begun.add(run)
            due = self.store.redis.zscore(self.store.key("due"), f"{grant.job_id}|{grant.unit}")
            assert due == self.now + LIMITS["LEASE_MS"]
            self.grants.append(grant)

    @precondition(lambda self: self.grants)
    @rule(
        data=st.data(), keep=st.booleans(), chained=st.booleans(), deferred=st.sampled_from([0, 0, 0, 2]),
        waits=st.lists(st.integers(-5, 20), max_size=4),
    )  # fmt: skip
    def commit(self, data: st.DataObject, keep: bool, chained: bool, deferred: int, waits: list[int]) -> None:
        i = data.draw(st.integers(0, len(self.grants) - 1))
        grant = self.grants[i] if keep else self.grants.pop(i)
        self.commit_of(grant, deferred, waits, chained=chained)

    @precondition(lambda self: self.messages)
    @rule(steps=st.integers(1, 12), deferred=st.sampled_from([0, 2]), waits=st.lists(st.integers(-5, 9), max_size=4))
    def work(self, steps: int, deferred: int, waits: list[int]) -> None:
        """A worker without trouble goes on for a while."""
        for _ in range(steps):
            if self.messages:
                held = len(self.grants)
                self.begin(self.messages.pop(0))
                if len(self.grants) > held:
                    self.commit_of(self.grants.pop(), deferred, waits, chained=False)

    def commit_of(self, grant: Grant, deferred: int, waits: list[int], *, chained: bool) -> None:
        """A scrape may leave companies for later; the launch of a wave plans partitions for such, due in `waits` s."""
        fields: dict[str, object] = {}
        status = None
        if grant.unit == "launch":
            waits = waits if grant.wave else []
            fields = {"pn": max(3, grant.partitions) + len(waits), "nc": 3, "close": CLOSE}
        waves = [[self.now + 1000 * wait, 2, 1] for wait in waits] if grant.unit == "launch" and grant.wave else None
        is_scrape = grant.unit[1:].isdigit() and grant.index == 0
        if grant.unit == "publish":
            fields, status = {"coverage": 0.5}, "completed"
        unit = self.of(grant.job_id).units(grant.job_id).get(grant.unit, {})
        holds = (unit.get("s"), unit.get("o"), unit.get("e")) == ("r", grant.owner, grant.epoch)
        answer = self.store.commit(
            grant, rows_in=1, rows_out=1, fields=fields or None, status=status, chained=chained or None, files="1",
            deferred=deferred if is_scrape and grant.may_defer else None, waves=waves,
        )  # fmt: skip
        assert holds or answer.refused or answer.body.get("again"), "a run that lost its unit committed"
        if answer.refused is None and not answer.body.get("again"):
            state = self.of(grant.job_id).units(grant.job_id)[grant.unit]
            assert len(state["c"]) == len(state["f"]) == grant.index + 1 and state["c"][-1] == grant.epoch
        if answer.refused is None:
            done = (grant.job_id, grant.unit, grant.index, grant.epoch)
            holder = self.commits.setdefault(done, grant.owner)
            assert holder == grant.owner, "one epoch of a stage was committed by two owners"
            chain, following = chain_of(grant.job_id), grant.index + 1
            if grant.unit[1:].isdigit() and following < len(chain):
                self.messages.append(
                    HandOut(grant.job_id, grant.unit, grant.epoch, following, 3, chain[following], chain)
                )
        self.messages += answer.send

    @precondition(lambda self: self.grants)
    @rule(data=st.data(), most=st.sampled_from([1, 3]))
    def fail(self, data: st.DataObject, most: int) -> None:
        grant = self.grants.pop(data.draw(st.integers(0, len(self.grants) - 1)))
        answer = self.store.fail(grant, category="system", error="x", max=most, base=1000, cap=8000, jitter=0.5)
        self.messages += answer.send

    @precondition(lambda self: self.grants)
    @rule(
        data=st.data(),
        how=st.sampled_from(["died", "lapsed", "release", "renew"]),
        keep=st.booleans(),
        page=st.sampled_from(["", "a/1", "a/2", "a/"]),
        sure=st.booleans(),
    )
    def lose(self, data: st.DataObject, how: str, keep: bool, page: str, sure: bool) -> None:
        i = data.draw(st.integers(0, len(self.grants) - 1))
        grant = self.grants[i] if keep else self.grants.pop(i)
        if how == "died" or (how == "lapsed" and page):
            lapsed = how == "lapsed"
            answer = self.store.died(
                grant.job_id, grant.unit, grant.owner, "killed", page=page, sure=sure, lapsed=lapsed
            )
            self.messages += answer.send
        elif how == "release":
            self.messages += self.store.release(grant.job_id, grant.unit, grant.owner).send
        else:
            self.store.renew(grant, progress=500, pages=1)

    @precondition(lambda self: self.messages)
    @rule(data=st.data())
    def lose_message(self, data: st.DataObject) -> None:
        self.messages.pop(data.draw(st.integers(0, len(self.messages) - 1)))

    @rule(
        seconds=st.sampled_from([0.5, 4, 11, 70]), busy=st.booleans(), outage=st.booleans(),
        processes=st.sampled_from([1, 1, 2]),
    )  # fmt: skip
    def tick(self, seconds: float, busy: bool, outage: bool, processes: int) -> None:
        """Time passes, with a claim every two seconds, or (an outage) none until its end."""
        about = told(processes)
        queued = (
            {f"{stage}:{level}": True for stage in ("launch", "scrape", "process") for level in range(6)}
            if busy
            else {}
        )
        step = seconds if outage else 2.0
        passed = 0.0
        while passed < seconds:
            passed += step
            self.now += int(step * 1000)
            self.messages += self.store.claim(queued, node="n", about=about).send
            self.full_after_claim()

    def full_after_claim(self) -> None:
        """Nobody waits where there is room: at its own queue, and at further ones that it needs."""
        is_full = {}
        for queue in dict.fromkeys(QUEUE_OF.values()):
            places = int(self.store.redis.hget(self.store.key("window"), queue) or 2)
            self.most_places = max(self.most_places, places)
            is_full[queue] = self.store.redis.scard(self.store.key(f"window:{queue}")) >= places
        for queue, needed in (("scraping", is_full), ("processing", {"processing"})):
            waits = self.store.redis.exists(self.store.key(f"turns:{queue}"))
            assert not waits or any(is_full[name] for name in needed), "a turn waits though there is room"
        for job in self.jobs:
            waits = "rg" in (self.of(job).read(job) or {})
            assert not waits or any(is_full[QUEUE_OF[stage]] for stage in chain_of(job)), (
                "a job waits though there is room"
            )

    @rule(comes=st.booleans(), processes=st.sampled_from([1, 3]))
    def worker(self, comes: bool, processes: int) -> None:
        if comes:
            about = told(processes)
            self.messages += self.store.claim({}, node="m", about=about).send
            self.full_after_claim()
        else:
            self.store.leave("m")

    @rule(damage=st.sampled_from(sorted(DAMAGES)))
    def damage(self, damage: str) -> None:
        self.is_damaged = True
        for command, key, *more in DAMAGES[damage]:
            self.store.redis.execute_command(command, self.store.key(key), *more)
        about = told(1)
        for _ in range(80):
            self.now += 2_000
            self.messages += self.store.claim({}, node="n", about=about).send
        self.full_after_claim()

    @rule(seconds=st.sampled_from([2, 300]), noticed=st.booleans())
    def clock_goes_back(self, seconds: int, noticed: bool) -> None:
        self.now -= seconds * 1000
        if noticed:
            self.messages += self.store.claim({}, node="n", about=told()).send

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        job = data.draw(st.sampled_from(self.jobs))
        assert self.of_the_other(job).call("cancel", job=job).refused == "gone"
        answer = self.of(job).call("cancel", job=job)
        assert (answer.refused is None) == (self.seen[job][0] not in TERMINAL)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        """`damaged`: files of these partitions are, so they are made again, also of a completed job."""
        job = data.draw(st.sampled_from(self.jobs))
        damaged = data.draw(st.none() | st.sets(st.sampled_from(["p0", "p1", "p7"])))
        before = self.of(job).units(job)
        assert self.of_the_other(job).call("resume", job=job, damaged=["p0"]).refused == "gone"
        answer = self.of(job).call("resume", job=job, damaged=None if damaged is None else sorted(damaged))
        if answer.refused is None:
            for unit, state in self.of(job).units(job).items():
                if unit in (damaged or ()):
                    assert state["s"] == "p" and state["k"] == 0 and "c" not in state and "f" not in state
                    assert state["e"] == before[unit]["e"] + 1
        elif damaged is not None:
            assert self.seen[job][0] not in TERMINAL, "nothing but a live job refuses when files are damaged"
        if answer.refused is None:
            assert self.seen[job][0] in TERMINAL
            self.resumed.add(job)
        self.messages += answer.send

    # ---- what must hold after each ------------------------------------------------------------------

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "store"):
            return
        due = dict(self.store.redis.zrange(self.store.key("due"), 0, -1, withscores=True))
        for job in self.jobs:
            self.check_job(job, due)
        self.check_windows()
        self.check_rings(due)
        self.resumed.clear()

    def check_windows(self) -> None:
        """What takes a place is handed out or runs at that queue, and each of these does."""
        held: dict[str, set[str]] = {queue: set() for queue in QUEUE_OF.values()}
        for job in self.jobs:
            for unit, state in self.of(job).units(job).items():
                if unit[1:].isdigit() and state["s"] in "hr":
                    held[QUEUE_OF[STAGES[state["k"]]]].add(f"{job}|{unit}")
        for queue, members in held.items():
            assert self.store.redis.smembers(self.store.key(f"window:{queue}")) == members
        assert len(held["scraping"]) <= self.most_places
        assert len(held["processing"]) <= 2 * self.most_places, "scrapes worked ahead of a slow stage"

    def check_rings(self, due: dict[str, float]) -> None:
        """Who has planned partitions stands in line, and nobody else does."""
        standing: set[tuple[str, str]] = set()
        for job in self.jobs:
            store, record, units = self.of(job), self.of(job).read(job), self.of(job).units(job)
            assert record is not None
            ring = f"ring:scraping:{record.get('rg')}"
            if "rg" in record:
                assert store.redis.zscore(store.key(ring), job) is not None
                standing.add((f"{record['rg']}:{store.project}", job))
            assert ("rg" in record) == (f"{job}|+" in due)
            left = store.redis.llen(store.key(f"todo:{job}"))
            left += max(0, int(record.get("px") or 0) < int(record.get("pn") or 0))
            is_open = record["status"] not in TERMINAL and "struck" not in record and units["launch"]["s"] in "df"
            is_open = is_open and not int(record.get("ci") or 0)  # a launch that failed for good leads to the end
            assert "rg" not in record or (left and is_open), "it waits for nothing"
            may_wait = int(record["waits"]) - int(record.get("dp") or 0) < 2
            assert "rg" in record or not (left and is_open and may_wait), "it is missing from the ring"
        self.check_lane("scraping", standing)
        self.check_lane("scraping.only", {(turn, job) for turn, job in standing if len(chain_of(job)) == 1})
        self.check_shares(standing, {turn for turn, _ in standing})

    def check_lane(self, lane: str, standing: set[tuple[str, str]]) -> None:
        found = {
            (f"{priority}:{project}", job)
            for project in PROJECTS
            for priority in range(3)
            for job in self.store.redis.zrange(self.store.of(project).key(f"ring:{lane}:{priority}"), 0, -1)
        }
        assert found == standing or (self.is_damaged and found >= standing)  # strangers go when their turn comes
        turns = set(self.store.redis.zrange(self.store.key(f"turns:{lane}"), 0, -1))
        waiting = {turn for turn, _ in standing}
        assert turns == waiting or (self.is_damaged and turns >= waiting)

    def check_shares(self, standing: set[tuple[str, str]], waiting: set[str]) -> None:
        """Projects have equal turns, and of a ring's jobs each is served in a full turn."""
        had = dict(self.store.redis.zrange(self.store.key("turns:scraping"), 0, -1, withscores=True))
        for priority in range(3):
            of_projects = [turns for name, turns in had.items() if name in waiting and name[0] == str(priority)]
            assert not of_projects or max(of_projects) - min(of_projects) <= 1, "a project had more than another"
        stood, self.stood = self.stood, {}
        for turn, job in standing:
            record = self.of(job).read(job) or {}
            left = self.store.redis.llen(self.of(job).key(f"todo:{job}"))
            since = (turn, record.get("sv"), record.get("px"), left, record["attempt"])
            before, first = stood.get(job, (None, 0.0))
            self.stood[job] = (since, first if before == since and first <= had[turn] else had[turn])
            assert had[turn] - self.stood[job][1] <= FULL_TURN, "a job was passed over for more than a turn"

    def check_job(self, job: str, due: dict[str, float]) -> None:
        record = self.of(job).read(job)
        assert record is not None
        status, attempt = Status(record["status"]), int(record["attempt"])
        before, attempt_before = self.seen.get(job, (Status.PENDING, 1))
        if before in TERMINAL and (status, attempt) != (before, attempt_before):
            assert job in self.resumed and attempt == attempt_before + 1, "a terminal status changed without a resume"
        assert attempt == attempt_before or job in self.resumed
        self.seen[job] = (status, attempt)
        assert [s for s in Status if job in all_ids(self.of(job), s)] == [status]
        assert not [s for s in Status if job in all_ids(self.of_the_other(job), s)]
        assert self.of_the_other(job).read(job) is None
        units = self.of(job).units(job)
        live = {u: t for u, t in units.items() if t["s"] in LIVE}
        entries = {member.partition("|")[2] for member in due if member.startswith(job + "|")} - {"~", "+"}
        if status in TERMINAL:
            assert not live
            assert int(record["busy"]) == int(record["waits"]) == 0
        assert set(live) == entries, "each live unit has exactly one due entry, and nobody else has"
        assert int(record["busy"]) == sum(t["s"] in "hr" for t in live.values())
        assert int(record["waits"]) == sum(t["s"] == "w" for t in live.values())
        later = {u for u, t in units.items() if "w" in t and status not in TERMINAL}
        assert all(units[u]["s"] == "w" for u in later)
        assert int(record.get("win") or 0) == sum(u[1:].isdigit() for u in live)
        if status not in TERMINAL:
            assert int(record.get("dp") or 0) == len(later)
        self.check_waves(record, units, live)
        parts = [t for u, t in units.items() if u[1:].isdigit()]
        assert int(record.get("pd") or 0) == sum(t["s"] == "d" for t in parts)
        assert int(record.get("pf") or 0) >= sum(t["s"] == "f" for t in parts)
        self.check_launch_and_deadline(record, units)
        if status is Status.RETRY:
            assert int(record["busy"]) == 0 and live
        if status in (Status.PENDING, Status.RUNNING, Status.RETRY):
            assert live or "rg" in record, "a job that has not ended stands still"
        assert 0 <= int(record.get("pct") or 0) <= 1000

    def check_waves(self, record: dict[str, str], units: dict[str, dict], live: dict[str, dict]) -> None:
        wave, partitions = int(record.get("wv") or 0), int(record.get("pn") or 0)
        assert wave <= LIMITS["MOST_WAVES"]
        assert all(int(u[1:]) < partitions for u in units if u[1:].isdigit()), "a partition that no launch has planned"
        closing = [u for u in live if u != "launch" and not u[1:].isdigit()]
        if closing:
            assert not [u for u in live if u[1:].isdigit()], "the close was handed out before the last partition"
            is_last = wave == LIMITS["MOST_WAVES"] or "struck" in record
            assert int(record.get("df") or 0) == 0 or is_last, "the close was handed out before the last wave"

    def check_launch_and_deadline(self, record: dict[str, str], units: dict[str, dict]) -> None:
        launch, partitions = units["launch"]["s"], int(record.get("pn") or 0)
        if record["status"] == Status.COMPLETED:
            assert launch == "d" or "wv" in record, "completed without a plan"  # a wave is no part of it
            handed = int(record.get("dpx") or partitions)
            assert all(units[f"p{i}"]["s"] in "df" for i in range(handed)), "completed before its partitions ended"
            assert int(record.get("pd") or 0) + int(record.get("pf") or 0) == partitions
        if any(state["s"] in LIVE for unit, state in units.items() if unit != "launch" and not unit[1:].isdigit()):
            assert launch in "df", "the close was handed out before launch had ended"
        if "struck" in record:
            given = [u for u, t in units.items() if t["s"] in "hw" and (u == "launch" or u[1:].isdigit())]
            assert not given, "handed out after the deadline"

    def finish(self) -> None:
        """With everything lost, the reconciler alone brings every job to its end; counters equal the records."""
        self.messages, self.grants = [], []
        for step in range(600):
            self.now += 2_500 if step < 400 else 120_000  # a `run_at` may lie hours behind a clock that went back
            self.messages += self.store.claim({}, node="n", about=told()).send
            while self.messages:
                out = self.messages.pop()
                grant = self.store.begin(out.job_id, out.unit, out.epoch, out.index, "end:1")
                if isinstance(grant, Grant):
                    fields = {"pn": max(3, grant.partitions), "nc": 3, "close": CLOSE} if out.unit == "launch" else None
                    answer = self.store.commit(
                        grant, fields=fields, status="completed" if out.unit == "publish" else None
                    )
                    assert answer.refused is None
                    self.messages += answer.send
            if not self.store.redis.zcard(self.store.key("due")):
                break
        for project in PROJECTS:
            self.check_counters(self.store.of(project), [job for job in self.jobs if self.of(job).project == project])

    def check_counters(self, store: JobStore, jobs: list[str]) -> None:
        ended: dict[str, int] = {}
        for job in jobs:
            record = store.read(job)
            assert record is not None and record["status"] in TERMINAL, (record, store.units(job))
            ended[f"pipeline:{record['status']}"] = ended.get(f"pipeline:{record['status']}", 0) + 1
            ended["pipeline:ms"] = ended.get("pipeline:ms", 0) + int(record["took"])
        counted = {name: int(n) for name, n in store.redis.hgetall(store.key("ended")).items()}
        assert {k: v for k, v in counted.items() if v} == {k: v for k, v in ended.items() if v}


Records.TestCase.settings = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
TestRecords = Records.TestCase
