"""Who held the right to compact, slept and wakes when it is another's: nothing of what others did is lost."""

from __future__ import annotations

from contextlib import suppress

from data import snapshot
from data.lake import Lake
from leadmill.errors import WorkError
from tasks.maintenance.cleanup import clean_up
from tests.tasks.maintenance.conftest import Driver
from tests.tasks.maintenance.frozen import WRITTEN, sleeping


def clean(driver: Driver, lake: Lake) -> None:
    assert clean_up(driver.store, lake, older_than_days=90, now=driver.now)["failed"] == []


def test_a_compaction_that_slept_takes_nothing_from_the_next_one(kept: Driver) -> None:
    """Another one compacts meanwhile, and removes the parts of the old job. Both have read the same list."""
    kept.completed(["kept.example"], 300)
    clean(kept, kept.lake)
    for n, place in enumerate(("spill", WRITTEN, "swap")):
        old = kept.completed([f"a{n}.example", "both.example"], 200 - n)
        fresh = kept.completed([f"b{n}.example"], 2)
        before = kept.newest()
        lake, sleeper = sleeping(kept.lake, place, lambda: clean(kept, kept.lake))
        with suppress(WorkError, FileNotFoundError):  # another one compacts, or took its unfinished file off the disk
            snapshot.compact(lake, [fresh if n % 2 else old])
        assert sleeper.has_slept and kept.store.read(old) is None, place
        assert kept.newest() == before, place


def test_a_cleanup_that_slept_takes_nothing_from_the_next_one(kept: Driver) -> None:
    for n, place in enumerate((WRITTEN, "remove_all")):
        old = [kept.completed([f"{days}.example", "both.example"], days) for days in (200 - n, 190 - n)]
        before = kept.newest()
        lake, sleeper = sleeping(kept.lake, place, lambda: clean(kept, kept.lake))
        with suppress(WorkError, FileNotFoundError):
            clean(kept, lake)
        assert sleeper.has_slept and not any(map(kept.store.read, old)), place
        assert kept.newest() == before, place
