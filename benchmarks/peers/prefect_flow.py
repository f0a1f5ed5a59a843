"""The small pipeline as a Prefect flow; run by Prefect's own interpreter, knows nothing of Leadmill.

`serve` takes submitted runs. `submitted` and `called` read a number of partitions a line and answer each with the
seconds of one flow run: submitted to what is served, or called in this very process.
"""

from __future__ import annotations

import sys
import time
from typing import Any

from prefect import flow, task
from prefect.deployments import run_deployment


@task
def scrape(partition: int) -> int:
    return partition


@task
def process(partition: int) -> int:
    return partition


@task
def enrich(partition: int) -> int:
    return partition


@task
def score(partitions: list[int]) -> int:
    return len(partitions)


@task
def render(name: str) -> str:
    return name


@task
def publish(formats: list[str]) -> str:
    return "completed"


@flow
def pipeline(partitions: int) -> Any:
    """chain(scrape, process, enrich) a partition, then score, two formats side by side, publish."""
    enriched = [enrich.submit(process.submit(scrape.submit(number))) for number in range(partitions)]
    scored = score.submit(enriched)
    formats = [render.submit(name, wait_for=[scored]) for name in ("html", "csv")]
    return publish.submit(formats).result()


def call(partitions: int) -> None:
    """Run the flow here."""
    if pipeline(partitions) != "completed":
        raise SystemExit("the flow did not complete")


def submit(partitions: int) -> None:
    """Have the served flow run, and wait for its end."""
    run = run_deployment("pipeline/bench", parameters={"partitions": partitions}, poll_interval=0.05)
    if run.state is None or not run.state.is_completed():
        raise SystemExit(f"the flow ended {run.state}")


def main(how: str) -> None:
    if how == "serve":
        pipeline.serve(name="bench")
        return
    for line in sys.stdin:
        began = time.perf_counter()
        submit(int(line)) if how == "submitted" else call(int(line))
        print(time.perf_counter() - began, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
