"""A store that fails while a lake is kept: nothing is lost, doubled or half, and what stays wrong is said."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from data.damage import damages
from data.identity import read_id, write_id
from data.lake import Lake
from data.lake_note import LakeMovedError
from data.mounts import unmount
from data.object_store import Bucket, mounted
from data.schemas import MADE_AT
from leadmill.errors import LeadmillError, WorkError
from pipelines.lake_copy import UnlikeCopyError, copy_lake
from tasks.maintenance.cleanup import clean_up
from tasks.maintenance.optimize import optimize
from tests.tasks.maintenance.conftest import Driver
from tests.tasks.maintenance.whole_lake import seal
from tests.valkey import Valkey

if TYPE_CHECKING:
    from tests.stand_ins.s3 import Request, S3Server

pytestmark = pytest.mark.stack

#: What another try may not meet.
PASSING = ("internal", "slow_down", "conflict", "reset", "lost", "late")
LATE_S = 0.4


@pytest.fixture
def root(s3: S3Server, tmp_path: Path) -> Iterator[Path]:
    """A bucket."""
    found = Path(f"/dev/null/faults-{tmp_path.name}")
    _buckets[found] = mounted(s3.place(), found, tmp_path / "passing")
    yield found
    s3.clear()
    unmount(found)


_buckets: dict[Path, Bucket] = {}


def fine(s3: S3Server, root: Path) -> None:
    """Fine weather: requests are waited for, however busy the machine is."""
    s3.clear()
    _patient(root, 30.0, 20.0)


def bad(root: Path) -> None:
    """Requests are not repeated long enough to hide all that befalls them."""
    _patient(root, 0.3, 0.6)


def _patient(root: Path, try_s: float, patience_s: float) -> None:
    bucket = _buckets[root]
    bucket.place = replace(bucket.place, try_s=try_s, patience_s=patience_s)
    bucket.__dict__.pop("_client", None)


@pytest.fixture
def driver(server: Valkey, root: Path) -> Iterator[Driver]:
    client = redis.Redis.from_url(server.url, decode_responses=True)
    client.flushall()
    made = Driver(client, Lake(root))
    write_id(root)
    for days, domains in ((200, ["a.example", "b.example"]), (150, ["b.example", "c.example"]), (2, ["c.example"])):
        seal(made, made.completed(domains, days))
    yield made
    client.close()


def newest(lake: Lake) -> dict[str, list[tuple[Any, ...]]]:
    return {stage: [(row["company_id"], row["job_id"], row["at"]) for row in lake.newest(stage)] for stage in MADE_AT}


def clean(driver: Driver) -> Any:
    return clean_up(driver.store, driver.lake, older_than_days=90, now=driver.now)


def test_in_bad_weather_cleanup_and_compaction_lose_no_row(s3: S3Server, driver: Driver, root: Path) -> None:
    before = driver.newest()
    bad(root)
    told = s3.chance(1, 0.12, PASSING, LATE_S)
    ends = []
    for turn in range(4):
        try:
            ends.append(optimize(driver.store, driver.lake) if turn % 2 else clean(driver))
        except (OSError, WorkError) as error:
            ends.append(error)
            assert str(error).strip()
    fine(s3, root)
    assert sum(told.values()) > 10
    for _ in range(2):
        done = clean(driver)
    assert done["jobs"] == 0 and not done["failed"], ends
    optimize(driver.store, driver.lake)
    assert driver.newest() == before and damages(driver.lake) == []


def test_in_bad_weather_a_copy_ends_right_or_says_why(s3: S3Server, driver: Driver, root: Path, tmp_path: Path) -> None:
    before, lake = driver.newest(), read_id(root)
    target = tmp_path / "copy"
    bad(root)
    told = s3.chance(1, 0.25, PASSING, LATE_S)
    for turn in range(60):
        try:
            copy_lake(root, target, move=True)
            break
        except (OSError, UnlikeCopyError, LeadmillError) as error:
            assert str(error).strip()
            s3.late_s = LATE_S
        if turn == 40:
            fine(s3, root)
    fine(s3, root)
    assert sum(told.values()) > 5 and read_id(target) == lake
    with pytest.raises(LakeMovedError):
        read_id(root)
    copied = Lake(target)
    assert {
        stage: [(row["company_id"], row["job_id"], row["at"]) for row in copied.newest(stage)] for stage in before
    } == before


@pytest.mark.parametrize(
    ("fault", "number", "said"),
    [
        ("expired", errno.EACCES, "the credentials have expired"),
        ("skewed", errno.EACCES, "clock is not the store's"),
        ("full", errno.ENOSPC, "the store is full"),
        ("read_only", errno.EROFS, "takes no writes"),
    ],
)
def test_what_stays_wrong_is_said_at_once_and_changes_nothing(
    s3: S3Server, driver: Driver, fault: str, number: int, said: str
) -> None:
    before = driver.newest()

    def on_writes(request: Request) -> str | None:
        return fault if request.method in ("PUT", "POST", "DELETE") else None

    s3.weather = on_writes
    for keep in (lambda: clean(driver), lambda: optimize(driver.store, driver.lake)):
        s3.methods()
        with pytest.raises(OSError, match=said) as told:
            keep()
        assert told.value.errno == number and s3.methods()["PUT"] <= 2, "no refusal is asked again"
    s3.clear()
    assert driver.newest() == before and not clean(driver)["failed"] and driver.newest() == before


def test_a_copy_into_a_store_that_takes_nothing_goes_on_when_it_does(
    s3: S3Server, driver: Driver, root: Path, tmp_path: Path
) -> None:
    """Full from some write on; its lease stays held, as that of who was killed, for ten seconds."""
    target = Path(f"{root}-target")
    _buckets[target] = mounted(s3.place(), target, tmp_path / "passing")
    writes = 0

    def full_soon(request: Request) -> str | None:
        nonlocal writes
        writes += request.method == "PUT" and "lake-" in request.path
        return "full" if request.method == "PUT" and writes > 12 else None

    s3.weather = full_soon
    try:
        with pytest.raises(OSError, match="the store is full"):
            copy_lake(root, target)
        with pytest.raises(LakeMovedError, match="not whole yet"):
            read_id(target)
        fine(s3, target)
        assert copy_lake(root, target).jobs == 3 and read_id(target) != read_id(root)
        assert newest(Lake(target)) == driver.newest()
    finally:
        s3.clear()
        unmount(target)
