"""A campaign: a busy spine, faults at random points, and a detector that sees when nothing moves any more.

New jobs are submitted as others end, so the stack is never idle while faults strike. At the end every job must have
ended, every company stand in its output exactly once, and nothing have been scraped again after its commit.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import redis

from data.jobs import TERMINAL
from leadmill.errors import UnavailableError
from tests.stand_ins.stack import Spine

if TYPE_CHECKING:
    from tests.faults.front import Front

COMPANIES = 12
#: No job changed for so long: something is stuck (seconds). Longer than the longest outage and lease together.
STILL_S = 75.0


@dataclass(frozen=True)
class Line:
    """One line that a stand-in stage wrote."""

    what: str
    job: str
    unit: str
    stage: str
    epoch: int
    pid: int
    at: float


@dataclass
class Verdict:
    """What a campaign proved. The first three must be empty."""

    jobs: int = 0
    #: Of the jobs: submitted through the API, and by a schedule.
    over_http: int = 0
    ticks: int = 0
    companies: int = 0
    unended: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    scraped_twice: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    restarts: int = 0
    #: Recoveries during which the next worker died.
    cut_into: int = 0
    #: Seconds from a death to the next begin of the same stage of the same unit, by kind of fault.
    again: dict[str, list[float]] = field(default_factory=dict)

    def table(self) -> str:
        rows = [
            ("jobs", self.jobs),
            ("of them through the API", self.over_http),
            ("of them by a schedule", self.ticks),
            ("companies", self.companies),
            ("unended", len(self.unended)),
            ("lost", len(self.lost)),
            ("doubled", len(self.doubled)),
            ("scraped twice", len(self.scraped_twice)),
            ("wrong status", len(self.wrong)),
            ("workers started again", self.restarts),
            ("recoveries cut into by a fault", self.cut_into),
            *((f"fault: {name}", n) for name, n in sorted(self.faults.items())),
            *(
                (f"again after {name}", f"median {statistics.median(t):.1f} s, worst {max(t):.1f} s, {len(t)} seen")
                for name, t in sorted(self.again.items()) if t
            ),
        ]  # fmt: skip
        return "\n".join(f"{name:32} {value}" for name, value in rows)


class Campaign:
    """Load, faults and verdict over one spine."""

    def __init__(self, spine: Spine, *, in_flight: int = 6, seed: int = 0, front: Front | None = None) -> None:
        self.spine, self.in_flight, self.front = spine, in_flight, front
        self.random = random.Random(seed)
        self.log_file = spine.folder / f"stages-{uuid.uuid4().hex[:8]}.log"
        self.log_file.touch()
        self.jobs: list[str] = []
        #: Every second job is of another project: where it is to be found.
        self._of: dict[str, Spine] = {}
        self.verdict = Verdict()
        self.deaths: list[tuple[str, float, set[int]]] = []
        self._hits: Counter[tuple[str, str, str]] = Counter()
        self._moved = time.monotonic()
        self._last: dict[str, str] = {}

    # ---- load ---------------------------------------------------------------------------------------

    def keep_busy(self) -> None:
        """Submit until `in_flight` jobs run; note whether anything moved."""
        try:
            running = [job for job in self.jobs[-200:] if self.of(job).status(job) not in TERMINAL]
            for _ in range(self.in_flight - len(running)):
                self.jobs.append(self.submit())
            self._watch(running)
        except (UnavailableError, redis.RedisError):
            return  # the server is away: that is the fault of the moment

    def submit(self) -> str:
        seconds = self.random.choice([0.0, 0.05, 0.3, 1.0])
        spine = self.spine.of(("default", "acme")[len(self.jobs) % 2])
        shy = self.random.sample(range(COMPANIES), self.random.choice([0, 0, 3]))  # their hosts say "later"
        job = spine.submit(
            COMPANIES, seconds=seconds, partition_size=self.random.choice([1, 3, 6]), log=str(self.log_file),
            later={f"c{number:05d}.example": 1 + number % 2 for number in shy}, later_s=0.3,
        )  # fmt: skip
        self._of[job] = spine
        return job

    def of(self, job: str) -> Spine:
        """The stack as the job's project sees it."""
        return self._of.get(job, self.spine)

    def _watch(self, running: Sequence[str]) -> None:
        stores = {job: self.of(job).store for job in running}
        now = {job: str(store.redis.hget(store.key(f"job:{job}"), "g")) for job, store in stores.items()}
        if now != self._last:
            self._last, self._moved = now, time.monotonic()
        if time.monotonic() - self._moved > STILL_S:
            raise AssertionError("nothing moves any more:\n" + self.dump(running))

    def dump(self, jobs: Sequence[str]) -> str:
        store = self.spine.store
        lines = [f"due {store.redis.zrange(store.key('due'), 0, 20, withscores=True)}", f"workers {store.workers()}"]
        lines += [f"{job} {self.of(job).store.read(job)} {self.of(job).store.units(job)}" for job in jobs[:3]]
        return "\n".join([*lines, self.spine.log()])

    def run(
        self, seconds: float, faults: Sequence[Callable[[], None]], pause: tuple[float, float] = (0.5, 3.0)
    ) -> Verdict:
        """Strike with random faults for so long, then let everything end and judge."""
        until = time.monotonic() + seconds
        strike_at = time.monotonic() + 1.0
        while time.monotonic() < until:
            self.keep_busy()
            self.replace_dead()
            if time.monotonic() >= strike_at:
                self.random.choice(faults)()
                strike_at = time.monotonic() + self.random.uniform(*pause)
            time.sleep(0.1)
        return self.judge()

    def replace_dead(self) -> None:
        """What a supervisor does."""
        if self.front is not None:
            self.front.replace_dead()
        for worker in [w for w in self.spine.workers if w.poll() is not None]:
            self.spine.workers.remove(worker)
            self.spine.start_worker()
            self.verdict.restarts += 1

    # ---- faults ---------------------------------------------------------------------------------------

    def _note(self, name: str, pids: set[int]) -> None:
        self.verdict.faults[name] += 1
        self.deaths.append((name, time.time(), pids))

    def kill_child(self) -> None:
        children = self.spine.children()
        self.random.shuffle(children)
        newest = {line.pid: line for line in parse_lines(self.log_file.read_text())}
        for child in children:
            if self._may_hit(newest.get(child.pid)):
                self._note("child killed", {child.pid})
                _signal(child.pid, signal.SIGKILL)
                return

    def kill_child_at_step_end(self) -> None:
        """SIGKILL just as a stage ends: after its file or commit, before its next message."""
        size, until = self.log_file.stat().st_size, time.monotonic() + 2
        while time.monotonic() < until:
            fresh = self.log_file.read_text()[size:]
            ends = [line for line in parse_lines(fresh) if line.what in ("end", "closed")]
            if ends and self._may_hit(ends[-1]):
                self._note("child killed at a step's end", set())
                _signal(ends[-1].pid, signal.SIGKILL)
                return
            time.sleep(0.001)

    def _may_hit(self, line: Line | None) -> bool:
        """The third death of its process sets a unit aside, rightly; a campaign stays below."""
        if line is None:
            return False  # a fresh process: nobody could say what it is at
        step = (line.job, line.unit, line.stage)
        self._hits[step] += 1
        return self._hits[step] <= 2

    def kill_worker(self) -> None:
        alive = [worker for worker in self.spine.workers if worker.poll() is None]
        if alive:
            self._kill_group(self.random.choice(alive).pid, "worker killed")

    def kill_every_worker(self) -> None:
        for worker in self.spine.workers:
            if worker.poll() is None:
                self._kill_group(worker.pid, "every worker killed")

    def _kill_group(self, pid: int, name: str) -> None:
        pids = {child.pid for child in psutil.Process(pid).children()}
        self._note(name, pids)
        os.killpg(pid, signal.SIGKILL)

    def kill_api(self) -> None:
        assert self.front is not None
        self.verdict.faults["api killed"] += 1
        self.front.kill("api")

    def kill_beat(self) -> None:
        assert self.front is not None
        self.verdict.faults["beat killed"] += 1
        self.front.kill("beat")

    def restart_server(self) -> None:
        self.verdict.faults["server killed and restarted"] += 1
        self.spine.server.restart()

    def freeze_server(self, seconds: float = 4.0) -> None:
        self.verdict.faults["server frozen"] += 1
        self.spine.server.kill(signal.SIGSTOP)
        time.sleep(seconds)
        self.spine.server.kill(signal.SIGCONT)

    def freeze_worker(self, seconds: float = 13.0) -> None:
        """Frozen past its lease: its work is redone, and refused when it wakes."""
        alive = [worker for worker in self.spine.workers if worker.poll() is None]
        if len(alive) < 2:
            return
        worker = self.random.choice(alive)
        self.verdict.faults["worker frozen past its lease"] += 1
        os.killpg(worker.pid, signal.SIGSTOP)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.keep_busy()
            time.sleep(0.2)
        os.killpg(worker.pid, signal.SIGCONT)

    def steal_message(self) -> None:
        """Take a message out of a queue, as a broker that loses one would."""
        if key := self._queue_key():
            self.verdict.faults["message stolen"] += int(self.spine.store.redis.rpop(key) is not None)

    def double_message(self) -> None:
        """Put a copy of a waiting message beside it."""
        if key := self._queue_key():
            for text in self.spine.store.redis.lrange(key, -1, -1):
                self.verdict.faults["message doubled"] += 1
                self.spine.store.redis.lpush(key, text)

    def stop_worker(self) -> None:
        """A deploy of one worker: TERM, and QUIT when it takes long."""
        alive = [worker for worker in self.spine.workers if worker.poll() is None]
        if not alive:
            return
        self.verdict.faults["worker stopped"] += 1
        worker = self.random.choice(alive)
        for number in (signal.SIGTERM, signal.SIGQUIT):
            _signal(worker.pid, number)
            until = time.monotonic() + 3
            while worker.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
        if worker.poll() is None:
            self.verdict.faults["worker that would not stop"] += 1
            os.killpg(worker.pid, signal.SIGKILL)

    def fill_server(self, seconds: float = 2.0) -> None:
        """No room for writes for a while."""
        self.verdict.faults["server full"] += 1
        client = self.spine.store.redis
        client.config_set("maxmemory", 1)
        time.sleep(seconds)
        client.config_set("maxmemory", 0)

    def send_nonsense(self, text: str) -> None:
        """Put something into a queue that no worker can make use of."""
        self.verdict.faults["nonsense sent"] += 1
        self.spine.store.redis.lpush(f"lm-test:{self.random.choice(('scraping', 'processing', 'analytics'))}", text)

    def _queue_key(self) -> str | None:
        client = self.spine.store.redis
        names = ("scraping", "processing", "analytics")
        keys = [k for name in names for k in client.scan_iter(f"lm-test:{name}*", _type="list") if client.llen(k)]
        return self.random.choice(keys) if keys else None

    # ---- verdict ---------------------------------------------------------------------------------------

    def judge(self, seconds: float = 120) -> Verdict:
        if self.front is not None:
            self.front.finish()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.replace_dead()
            try:
                if self.front is not None:
                    self.jobs += sorted(set(self.front.jobs()) - set(self.jobs))
                open_jobs = [job for job in self.jobs if self.of(job).status(job) not in TERMINAL]
                self._watch(open_jobs)
                if not open_jobs:
                    break
            except UnavailableError:
                time.sleep(0.5)
            time.sleep(0.1)
        verdict = self.verdict
        if self.front is not None:
            verdict.doubled += self.front.doubled() + self.front.unasked(self.jobs)
            verdict.wrong += self.front.complaints
            verdict.over_http, verdict.ticks = len(self.front.answers), len(self.front.ticks())
        verdict.jobs = len(self.jobs)
        for job in self.jobs:
            status = self.of(job).status(job)
            if status not in TERMINAL:
                verdict.unended.append(job)
            elif status != "completed":
                verdict.wrong.append(f"{job} {status} {(self.of(job).store.read(job) or {}).get('error')}")
            self._judge_rows(job)
        self._judge_log()
        return verdict

    def _judge_rows(self, job: str) -> None:
        lake = self.of(job).lake
        wanted = {f"c{i:05d}.example" for i in range(COMPANIES)}
        for stage in ("scrape", "process", "enrich", "score"):
            found = Counter(row["domain"] for row in lake.iter_rows(lake.parts(job, stage)))
            self.verdict.companies += len(found) if stage == "score" else 0
            self.verdict.lost += [f"{job} {stage} {domain}" for domain in wanted - set(found)]
            self.verdict.doubled += [f"{job} {stage} {domain}" for domain, n in found.items() if n > 1]

    def _judge_log(self) -> None:
        lines = parse_lines(self.log_file.read_text())
        begun: dict[tuple[str, str], list[Line]] = {}
        for line in lines:
            if line.what == "begin":
                begun.setdefault((line.job, line.unit), []).append(line)
        for (job, unit), runs in begun.items():
            processed = next((i for i, line in enumerate(runs) if line.stage != "scrape"), len(runs))
            if any(line.stage == "scrape" for line in runs[processed:]):
                self.verdict.scraped_twice.append(f"{job} {unit}")
        struck = [at for name, at, _ in self.deaths if "worker" in name]
        for name, at, pids in self.deaths:
            # A recovery that the next fault cut into tells nothing of the first one's time.
            calm = min((other for other in struck if other > at), default=float("inf")) - at
            times = _recoveries(lines, begun, at, pids)
            self.verdict.again.setdefault(name, []).extend(t for t in times if t < calm)
            self.verdict.cut_into += sum(t >= calm for t in times)


def _recoveries(lines: list[Line], begun: dict[tuple[str, str], list[Line]], at: float, pids: set[int]) -> list[float]:
    """For each stage that a killed process was in: seconds until it began again."""
    times = []
    for pid in pids:
        before = [line for line in lines if line.pid == pid and line.at <= at]
        if before and before[-1].what == "begin":
            last = before[-1]
            later = [r.at for r in begun[last.job, last.unit] if r.stage == last.stage and r.at > at]
            if later:
                times.append(min(later) - at)
    return times


def parse_lines(text: str) -> list[Line]:
    """What the stand-ins noted."""
    return [line for line in map(_parse, text.splitlines()) if line]


def _parse(text: str) -> Line | None:
    parts = text.split()
    if len(parts) != 7:
        return None  # the last line, half written by a process that was killed
    return Line(parts[0], parts[1], parts[2], parts[3], int(parts[4]), int(parts[5]), float(parts[6]))


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def spine_for(folder: Path) -> Spine:
    """Two workers of two processes each: one may fall while the other goes on."""
    from tests.faults.proof import FaultSpine

    return FaultSpine(folder, workers=2, processes=2)
