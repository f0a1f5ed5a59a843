"""Deliverers are killed while jobs end and somebody listens: `python -m tests.faults.notice_kills --kills 1000`.

Jobs are cancelled and resumed, so that each has several notices, and each notice two channels. What the receiver got is
compared with what there was: none lost, in order for each job and channel, and how many came twice.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from data.jobs import LIMITS, JobStore
from data.notices.outbox import Outbox
from data.notices.wanted import put_wanted
from leadmill.ids import new_job_id
from tests.data.jobs.acting import new
from tests.faults.killed_deliverer import CHANNELS, channels_of
from tests.stand_ins.receiver import Received, Receiver
from tests.valkey import Valkey

#: Where a deliverer kills itself.
POINTS = ("notices_read", "notices_spread", "notice_taken", "notice_sent", "notice_noted")
#: Deliverers at a time. What is on its way to the receiver when its sender is killed comes twice; so the share of those
#: is the kills of a deliverer a second, times the seconds that the receiver takes.
DELIVERERS, ANSWER_S = 2, (0.0, 0.005)
PREFIX = "kills:"
#: Between the ends of jobs, seconds.
PAUSE_S = 0.05


@dataclass
class Told:
    """What came of a run."""

    kills: int = 0
    notices: int = 0
    deliveries: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0
    seconds: float = 0.0
    longest_s: float = field(default=0.0)

    def __str__(self) -> str:
        share = 100 * self.doubled / max(1, self.deliveries)
        return (
            f"{self.kills} kills in {self.seconds:.0f} s, {self.notices} notices, {self.deliveries} deliveries: "
            f"{self.lost} lost, {self.doubled} doubled ({share:.2f} %), {self.disordered} out of order, "
            f"the latest {self.longest_s:.1f} s after its notice"
        )


class Ending:
    """Jobs that end again and again."""

    def __init__(self, url: str) -> None:
        self._store = JobStore.connect(url, PREFIX)
        self.ended = threading.Event()
        #: How often each job has ended.
        self.attempts: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Ending:
        put_wanted(self._store, {"job.cancelled"})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        jobs: list[str] = []
        while not self.ended.is_set():
            if jobs and random.random() < 0.7:
                job = random.choice(jobs[-20:])
                self._store.resume(job)
            else:
                job = new_job_id()
                jobs.append(job)
                self._store.submit(new(job))
            self._store.cancel(job)
            self.attempts[job] += 1
            time.sleep(PAUSE_S)


@contextlib.contextmanager
def nursery(url: str, port: int, lease_ms: float) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.faults.killed_deliverer", url, PREFIX, str(port), f"{lease_ms:.0f}"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def born(nurse: subprocess.Popen[str], how: str = "") -> int:
    assert nurse.stdin is not None and nurse.stdout is not None
    nurse.stdin.write(how + "\n")
    nurse.stdin.flush()
    return int(nurse.stdout.readline())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill_at_random(nurse: subprocess.Popen[str], kills: int, pause_s: tuple[float, float]) -> None:
    alive = [born(nurse) for _ in range(DELIVERERS)]
    for _ in range(kills):
        time.sleep(random.uniform(*pause_s))
        place = random.randrange(DELIVERERS)
        os.kill(alive[place], signal.SIGKILL)
        alive[place] = born(nurse)
    for pid in alive:
        os.kill(pid, signal.SIGKILL)


def kill_at_points(nurse: subprocess.Popen[str], kills: int) -> None:
    for n in range(kills):
        pid = born(nurse, f"{POINTS[n % len(POINTS)]} {random.randint(1, 3)}")
        until = time.monotonic() + 30
        while is_alive(pid) and time.monotonic() < until:
            time.sleep(0.005)
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def run(
    kills: int,
    *,
    at_points: bool,
    pause_s: tuple[float, float] = (0.1, 0.6),
    lease_ms: float = LIMITS["CHANNEL_LEASE_MS"],
) -> Told:
    """Kill so many deliverers, then let one finish, and compare."""
    told, began = Told(kills), time.monotonic()

    def answer(_: Received) -> int:
        time.sleep(random.uniform(*ANSWER_S))
        return 200

    with contextlib.ExitStack() as held:
        folder = held.enter_context(tempfile.TemporaryDirectory(prefix="leadmill-kills-"))
        server = held.enter_context(Valkey(Path(folder)))
        receiver = held.enter_context(Receiver(answer))
        store = JobStore.connect(server.url, PREFIX)
        held.callback(store.close)
        nurse = held.enter_context(nursery(server.url, receiver.port, lease_ms))
        with Ending(server.url) as ending:
            if at_points:
                kill_at_points(nurse, kills)
            else:
                kill_at_random(nurse, kills, pause_s)
        last = born(nurse)
        outbox, until = Outbox(store), time.monotonic() + 120
        while (figures := outbox.figures()).new or figures.waiting:
            assert time.monotonic() < until, figures
            time.sleep(0.1)
        os.kill(last, signal.SIGKILL)
        _compare(told, ending.attempts, receiver.received)
    told.seconds = time.monotonic() - began
    return told


def _compare(told: Told, attempts: Counter[str], received: list[Received]) -> None:
    came: Counter[tuple[str, str, int]] = Counter()
    order: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in received:
        assert one.job_id is not None and one.channel in CHANNELS
        key = (one.channel, one.job_id, int(one.about["attempt"]))
        if not came[key]:
            order[one.channel, one.job_id].append(key[2])
            written_s = int(one.notice_id.removeprefix("ntc_").partition("-")[0]) / 1000
            told.longest_s = max(told.longest_s, one.at - written_s)
        came[key] += 1
    for job, number in attempts.items():
        for channel in channels_of(_Subject(job)):  # type: ignore[arg-type]
            told.deliveries += number
            told.lost += sum(not came[channel, job, attempt] for attempt in range(1, number + 1))
            told.disordered += order[channel, job] != sorted(order[channel, job])
    told.notices = sum(attempts.values())
    told.doubled = sum(number - 1 for number in came.values() if number > 1)


@dataclass
class _Subject:
    subject: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1_000)
    kills = parser.parse_args().kills
    print("at random:      ", run(kills, at_points=False), flush=True)
    print("at pause points:", run(kills // 4, at_points=True), flush=True)


if __name__ == "__main__":
    main()
