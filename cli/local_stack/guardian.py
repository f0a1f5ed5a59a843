"""A tiny process that ends the stack's processes when `leadmill up` itself was killed. Standard library only.

It reads `watch PID [last]` and `forget PID` from its standard input, which only the supervisor holds
open. When that ends (whatever killed the supervisor), it asks each watched process to stop, kills the
rest with all their children two seconds later, those marked `last` at the end, and takes away the run
files of the folder named on the command line. It runs as a script, so it imports nothing of ours.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

#: Between asking and killing, seconds.
GRACE_S = 2.0


def main(run_dir: str) -> None:
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watched: dict[int, bool] = {}
    for line in sys.stdin:
        match line.split():
            case ["watch", pid]:
                watched[int(pid)] = False
            case ["watch", pid, "last"]:
                watched[int(pid)] = True
            case ["forget", pid]:
                watched.pop(int(pid), None)
    if watched:
        end_groups([pid for pid, last in watched.items() if not last])
        end_groups([pid for pid, last in watched.items() if last])
        for file in [
            *Path(run_dir).glob("*.pid"),
            *Path(run_dir).glob("*.url"),
            Path(run_dir) / "stack.json",
        ]:
            file.unlink(missing_ok=True)


def end_groups(leaders: list[int]) -> None:
    """TERM to each leader, then KILL to its whole process group."""
    for pid in leaders:
        signal_quietly(os.kill, pid, signal.SIGTERM)
    until = time.monotonic() + GRACE_S
    left = leaders
    while left and time.monotonic() < until:
        left = [pid for pid in left if signal_quietly(os.killpg, pid, 0)]
        time.sleep(0.05)
    for pid in left:
        signal_quietly(os.killpg, pid, signal.SIGKILL)


def signal_quietly(how, pid: int, number: int) -> bool:  # type: ignore[no-untyped-def]
    """False when the process is gone."""
    try:
        how(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1])
