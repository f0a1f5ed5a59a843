"""The same small pipeline in Prefect 3 with its own local server, submit → completed.

Two ways: submitted to a served flow, as a job is submitted to us, and called in a process that is up and connected
already, which leaves Prefect nothing to hand over. Prefect's runner looks for work every second instead of every ten.
While one contestant runs, the other's processes are stopped: Prefect's server is never idle by itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.children import free_port
from benchmarks.harness import NO_PEER, Line, interleave, main, median
from benchmarks.stack import Stack

HERE = Path(__file__).parent
PYTHON = HERE / ".peers" / "prefect" / "bin" / "python"
FLOW = HERE / "peers" / "prefect_flow.py"
PARTITIONS = 8
#: Before each run, seconds: Prefect's server goes on writing events after its flow has ended.
PAUSE_S = 2.0

Child = subprocess.Popen[Any]


def _wait_for_server(url: str, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2) as answer:
                if json.loads(answer.read()) is True:
                    return
        except (OSError, ValueError) as error:
            if time.monotonic() > until:
                raise RuntimeError(f"Prefect's server did not come up: {error}") from error
        time.sleep(0.2)


def _serve(stack: Stack) -> tuple[list[Child], dict[str, str]]:
    """Start Prefect's server and a process that serves the flow; the environment that leads to them."""
    port = free_port()
    env = {
        **os.environ,
        "PREFECT_HOME": str(stack.folder / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    }
    server = [str(PYTHON), "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    started = [stack.start(server, "prefect-server", **env)]
    _wait_for_server(env["PREFECT_API_URL"])
    started.append(stack.start([str(PYTHON), str(FLOW), "serve"], "prefect-serve", **env))
    return started, env


@contextmanager
def _asking(stack: Stack, how: str, env: dict[str, str]) -> Iterator[Callable[[], float]]:
    """A process that has flow runs made, and the function that has it make one: its seconds."""
    with subprocess.Popen(
        [str(PYTHON), str(FLOW), how], env=env, cwd=stack.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdin and process.stdout
        given, taken = process.stdin, process.stdout

        def run() -> float:
            given.write(f"{PARTITIONS}\n")
            given.flush()
            if not (answer := taken.readline()):
                raise RuntimeError("the process that asks Prefect has ended; its error stands above")
            return float(answer)

        yield run
        process.kill()


def _alone(others: list[Child], run: Callable[[], float]) -> Callable[[], float]:
    """The same in ms, after a pause, with the others' process groups stopped."""

    def measured() -> float:
        time.sleep(PAUSE_S)
        for child in others:
            os.killpg(child.pid, signal.SIGSTOP)
        try:
            return 1000 * run()
        finally:
            for child in others:
                os.killpg(child.pid, signal.SIGCONT)

    return measured


def measure(quick: bool) -> list[Line]:
    if not PYTHON.exists():
        print("Prefect is not installed here: make bench-setup", file=sys.stderr)
        raise SystemExit(NO_PEER)
    how_called = ("called",) if quick else ("submitted", "called")
    with Stack() as stack, ExitStack() as asking:
        workers = [stack.worker()]
        prefects, env = _serve(stack)
        ways = {how: asking.enter_context(_asking(stack, how, env)) for how in how_called}
        contestants = {"leadmill": _alone(prefects, lambda: stack.run(PARTITIONS))}
        contestants |= {how: _alone(workers, run) for how, run in ways.items()}
        taken = interleave(
            contestants,
            rounds=1 if quick else 5,
            warm_up=0 if quick else 2,
        )
    return [
        Line(f"pipeline 8 x 5, Prefect's flow {how}", median(taken["leadmill"]), "ms", ">= 10 peer",
             peer=median(taken[how]), samples={"leadmill": taken["leadmill"], "peer": taken[how]})
        for how in ways
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
