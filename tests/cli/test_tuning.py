"""`leadmill doctor --tune` beside a running stack, in each of three situations."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from cli.local_stack.stack import LocalStack
from cli.sample_sites.server import SampleServer
from cli.tuning import measure
from data.jobs import JobStore
from data.lake import Lake
from leadmill import Client
from leadmill.settings import Settings
from pipelines.views.tuning import Measured, bounds, nothing

SITES = ["nordwind-solar.example", "donaukraft.example", "polderdata.example", "brightforge.example"]


@pytest.fixture
def look(stack: LocalStack) -> Iterator[Callable[[], Measured]]:
    """What the command sees, looking for less long."""
    settings = Settings(REDIS_URL=stack.redis_url, data_url=str(stack.data_dir))
    store = JobStore.connect(settings.redis_url, settings.key_prefix, lake=settings.data_dir)
    yield lambda: measure(store, Lake(settings.data_dir), settings, seconds=0.6)
    store.close()


@pytest.fixture
def slow(sites: SampleServer) -> Iterator[None]:
    """Sites that think before each answer."""
    sites.delay_s = 2.0
    yield
    sites.delay_s = 0.0


def until_running(client: Client, job_id: str) -> None:
    end = time.monotonic() + 30
    while not any(stage.name == "scrape" and stage.status == "running" for stage in client.status(job_id).stages):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_what_bounds_a_stack(
    client: Client, look: Callable[[], Measured], slow: None, stack_env: dict[str, str]
) -> None:
    """One slow host; more of them than there are processes; nothing."""
    one = client.scrape_companies(SITES[:1])
    until_running(client, one.id)
    (bound,) = [bound for bound in bounds(look()) if bound.of == "hosts"]
    assert "all work is of 1 host, and nothing waits for a process (1.0 of 2 busy)" in bound.text

    more = [client.scrape_companies([site]) for site in SITES]
    until_running(client, more[0].id)
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "doctor", "--tune", "--json"],
        env=stack_env, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    (load,) = [load for load in found["measured"]["queues"] if load["queue"] == "scraping"]
    # A mean of several looks, of which one may come between two units.
    assert load["waiting"] >= 1 and round(load["running"]) == load["processes"] == 2
    (told,) = [bound for bound in found["bounds"] if bound["text"].startswith("scraping has")]
    assert f"waiting and {load['processes']} of {load['processes']} processes busy" in told["text"]
    assert "leadmill worker -Q scraping" in told["remedy"]

    for job in client.list_jobs(kind="scrape"):
        if not job.ended:
            client.cancel(job.id)
    end, seen = time.monotonic() + 30, look()
    while any(queue.running or queue.waiting for queue in seen.queues):
        assert time.monotonic() < end, seen.queues
        seen = look()
    assert not {bound.of for bound in bounds(seen)} & {"processes", "network", "hosts"}
    assert nothing(seen) == "nothing: no work waits"
    assert len(seen.process_mb) >= 4 and len(seen.api_cpu) == 1 and seen.server.fsync == "everysec"

    last, end = client.scrape_companies(SITES[:1]), time.monotonic() + 10
    while (waited := next(load.waited_s for load in look().queues if load.queue == "scraping")) is None:
        assert time.monotonic() < end
        client.cancel(last.id)
        last = client.scrape_companies(SITES[:1])
    assert 0 <= waited < 10
    client.cancel(last.id)
