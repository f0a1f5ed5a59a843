"""Deliverers that die: `python -m tests.faults.killed_deliverer URL PREFIX PORT LEASE_MS`, a process that forks them.

A line on standard input starts one, and its pid is answered. The line is empty for one that lives until it is killed,
or a pause point and a number: it kills itself when it comes there for that time.
"""

from __future__ import annotations

import os
import signal
import sys
import zlib

from data.jobs import JobStore, script
from leadmill.notices import Notice
from pipelines.notices import deliver
from pipelines.notices.deliver import Deliverer
from tests.stand_ins.receiver import Book, Post

CHANNELS = tuple(f"default:c{n}" for n in range(12))


def channels_of(notice: Notice) -> list[str]:
    """Two of them for each job."""
    place = zlib.crc32(notice.subject.encode())
    return [CHANNELS[place % 12], CHANNELS[(place + 5) % 12]]


def _die_at(point: str, times: int) -> None:
    left = times

    def pause(name: str) -> None:
        nonlocal left
        left -= name == point
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    deliver.pause_point = pause  # type: ignore[assignment]


def main(url: str, prefix: str, port: str, lease_ms: str) -> None:
    script.CONSTANTS["CHANNEL_LEASE_MS"] = lease_ms
    deliver.LEASE_S = int(lease_ms) / 1000
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    nurse = os.getpid()
    for line in iter(sys.stdin.readline, ""):
        pid = os.fork()
        if pid == 0:
            if line.strip():
                point, times = line.split()
                _die_at(point, int(times))
            channels = Book([Post(name, int(port)) for name in CHANNELS], channels_of)
            Deliverer(JobStore.connect(url, prefix), channels).run(lambda: os.getppid() != nurse)
            os._exit(0)
        print(pid, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
