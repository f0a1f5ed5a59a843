"""A later version writes to the store while workers of this one are at work: they end, and give back what they took."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data import keys
from tests.faults.proof import FACTOR, FaultSpine, until

pytestmark = pytest.mark.stack


@pytest.fixture
def spine(tmp_path: Path) -> Iterator[FaultSpine]:
    with FaultSpine(tmp_path, workers=1) as stack:
        yield stack


def messages(spine: FaultSpine) -> int:
    """How many lie in the queues of stages."""
    names = [
        f"{name}{level}" for name in ("scraping", "processing") for level in ("", *(f"\x06\x16{n}" for n in range(6)))
    ]
    return sum(int(spine.store.redis.llen(spine.store.key(name))) for name in names)


def test_a_worker_that_was_overtaken_ends_and_keeps_no_message(spine: FaultSpine, tmp_path: Path) -> None:
    """Two units run, of which none can end; and messages wait, of which none is lost."""
    job = spine.submit(6, scrape_s=0.5, partition_size=1, log=str(tmp_path / "stages.log"))
    [worker] = spine.workers
    until(lambda: sum(unit.get("s") == "d" for unit in spine.store.units(job).values()) > 1, 20, "partitions done")
    version = spine.store.key(keys.RECORD_VERSION_KEY)
    spine.store.redis.set(version, keys.RECORD_VERSION + 1)
    began = time.monotonic()
    worker.wait(15 * FACTOR)
    took = time.monotonic() - began
    waiting = sum(unit.get("s") == "h" for unit in spine.store.units(job).values())
    assert worker.returncode == 0 and "a later version works here" in spine.log()
    assert messages(spine) >= waiting, spine.log()
    assert took < 10 * FACTOR
