"""Faults of the disk: full while a part is written, parts that are torn or changed after they were committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.lake import DamagedPartError
from tests.faults.proof import FACTOR, FaultSpine, begins, completes, domains, each_once, lines, resume, until

pytestmark = pytest.mark.timeout(int(100 * FACTOR))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("places")


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory, places: Path) -> Iterator[FaultSpine]:
    env = {"LEADMILL_PAUSE_DIR": str(places), "LEADMILL_TEST_TRAPS": str(places)}
    with FaultSpine(tmp_path_factory.mktemp("disk"), workers=1, processes=2, env=env) as stack:
        yield stack


@pytest.fixture(autouse=True)
def _clean(places: Path) -> Iterator[None]:
    yield
    for file in places.iterdir():
        file.unlink()


def truncate(part: Path) -> None:
    part.write_bytes(part.read_bytes()[:-40])


def empty(part: Path) -> None:
    part.write_bytes(b"")


def flip(part: Path) -> None:
    """One bit of the data, where only a checksum can see it."""
    data = part.read_bytes()
    for at in range(len(data) // 10, len(data)):
        part.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        try:
            pq.read_table(part, partitioning=None, page_checksum_verification=True)
        except (OSError, pa.ArrowException):
            return
    raise AssertionError("no bit of this part matters")


def test_the_damage_done_here_is_seen(spine: FaultSpine) -> None:
    """Guards the other tests: each kind of damage makes the part unreadable."""
    job = spine.submit(6)
    completes(spine, job, 6)
    for damage in (truncate, empty, flip):
        part = spine.lake.parts(job, "enrich")[0]
        kept = part.read_bytes()
        damage(part)
        with pytest.raises(DamagedPartError):
            list(spine.lake.iter_rows([part]))
        part.write_bytes(kept)


@pytest.mark.parametrize("after", ["launch", "scrape", "process"])
def test_disk_full_while_a_part_is_written(spine: FaultSpine, places: Path, tmp_path: Path, after: str) -> None:
    log = tmp_path / "stages.log"
    if after == "launch":
        (places / "disk-full").touch()
    job = spine.submit(6, seconds=0.3, partition_size=2, log=str(log))
    if after != "launch":
        until(lambda: begins(log, job, after), 30, "work under way")
        (places / "disk-full").touch()
    until(lambda: not (places / "disk-full").exists(), 30, "the disk full")
    torn = [p for stage in ("scrape", "process", "enrich") for p in spine.lake.parts(job, stage)]
    for part in torn:
        assert list(spine.lake.iter_rows([part])), "a torn part became visible"
    completes(spine, job, 6)
    waits = [data for _, kind, data in spine.store.events(job) if kind == "unit" and data["state"] == "waiting"]
    assert len(waits) == 1
    assert "No space left" in waits[0]["error"] and waits[0]["category"] == "system"


@pytest.mark.parametrize("damage", [truncate, empty, flip])
def test_a_part_damaged_before_score(
    spine: FaultSpine, places: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """The true score stage sets it aside and names the error; a resume fetches those companies and no others."""
    log = tmp_path / "stages.log"
    job = spine.submit(8, partition_size=2, scored="real", seconds=0.2, log=str(log))
    until(lambda: len(spine.lake.parts(job, "enrich")) >= 2, 60, "parts")
    (places / "begun").touch()  # hold whatever begins next: the score has not
    until(lambda: list(places.glob("begun.at.*")), 30, "a run held")
    part = spine.lake.parts(job, "enrich")[0]
    hurt = sorted(row["domain"] for row in spine.lake.iter_rows([part]))
    damage(part)
    (places / "begun").unlink()
    assert spine.wait(job, 60 * FACTOR) == ["completed"]
    found = spine.store.read(job)
    assert found and float(found["coverage"]) == pytest.approx(6 / 8)
    rows = list(spine.lake.iter_rows(spine.lake.parts(job, "score")))
    assert len(rows) == 8
    assert sorted(row["domain"] for row in rows if row["error"]) == hurt
    assert {row["error"] for row in rows if row["error"]} == {
        "its part was damaged on disk; resume the job to fetch it again"
    }
    mark = len(lines(log, job))
    resume(spine, job)
    assert spine.wait(job, 60 * FACTOR) == ["completed"]
    each_once(spine, job, 8, ["enrich", "score"])
    assert len([line for line in lines(log, job)[mark:] if line.what == "begin"]) == 6, "two companies, three stages"


@pytest.mark.parametrize("damage", [truncate, flip])
def test_a_scrape_damaged_before_process(
    spine: FaultSpine, places: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """The partition is made again from its first stage."""
    log = tmp_path / "stages.log"
    job = spine.submit(4, partition_size=2, scrape_s=0.5, reads=True, log=str(log))
    until(lambda: begins(log, job, "scrape"), 30, "work under way")
    (places / "renamed").touch()  # hold each run after its commit
    until(lambda: spine.lake.parts(job, "scrape"), 30, "a scrape committed")
    part = spine.lake.parts(job, "scrape")[0]
    damage(part)
    (places / "renamed").unlink()
    completes(spine, job, 4)
    unit = f"p{int(part.name.split('-')[1])}"
    assert begins(log, job, "scrape")[unit, "scrape"] == 2
    assert sum(begins(log, job, "scrape").values()) == 3, "another partition was scraped again"


def test_a_part_damaged_after_a_cancel(spine: FaultSpine, tmp_path: Path) -> None:
    """A resume reads what is there to see what is missing; a damaged part must not stop it."""
    log = tmp_path / "stages.log"
    job = spine.submit(8, partition_size=2, seconds=0.3, log=str(log))
    until(lambda: spine.lake.parts(job, "enrich"), 60, "a part")
    spine.store.cancel(job)
    truncate(spine.lake.parts(job, "enrich")[0])
    resume(spine, job)
    assert spine.wait(job, 60 * FACTOR) == ["completed"]
    each_once(spine, job, 8, ["enrich", "score"])
    assert domains(spine, job, "enrich")
