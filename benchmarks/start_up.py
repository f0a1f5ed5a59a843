"""`leadmill up` on an empty data folder, from its command to the line that says it is ready."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.children import start_child
from benchmarks.harness import Line, main, median


def _start_and_stop() -> tuple[float, float]:
    """Seconds to ready, and from Ctrl-C to its end."""
    own = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-") as folder:
        log = Path(folder) / "up.log"
        command = [sys.executable, "-m", "cli.main", "up", "--data", f"{folder}/data", "--port", "0"]
        began = time.perf_counter()
        with log.open("wb") as sink:
            child = start_child(command, stdout=sink, stderr=sink, env=own, start_new_session=True)
        try:
            while "ready after" not in log.read_text():
                if child.poll() is not None or time.perf_counter() - began > 90:
                    raise RuntimeError(f"the stack did not come up:\n{log.read_text()[-3000:]}")
                time.sleep(0.01)
            ready = time.perf_counter() - began
            child.send_signal(signal.SIGINT)
            child.wait(timeout=20)
            return ready, time.perf_counter() - began - ready
        finally:
            if child.poll() is None:
                child.kill()
                child.wait()


def measure(quick: bool) -> list[Line]:
    taken = [_start_and_stop() for _ in range(1 if quick else 6)]
    if not quick:
        del taken[0]
    ready, stop = ([pair[side] for pair in taken] for side in (0, 1))
    return [
        Line("leadmill up to ready", median(ready), "s", "<= 5", samples={"leadmill": ready}),
        Line("Ctrl-C to ended", median(stop), "s", samples={"leadmill": stop}),
    ]


if __name__ == "__main__":
    main(measure)
