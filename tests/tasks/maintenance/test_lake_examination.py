"""Every kind of damage is planted in a lake of each kind: exactly that is found, and mending it touches no row."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.damage import damages
from data.lake import Lake, UnitFiles
from data.object_store import ObjectStorage
from data.parts import DAMAGED, MANIFEST
from leadmill.ids import company_id
from pipelines.lake_examination import QUARANTINE, Fault, Finding, examine_lake
from pipelines.manifest import files_by_manifest
from tests.tasks.maintenance.conftest import Driver
from tests.tasks.maintenance.whole_lake import filled

Planted = tuple[Fault, str]


def examined(driver: Driver, **more: Any) -> dict[tuple[Fault, str], str | None]:
    found: dict[tuple[Fault, str], str | None] = {}

    def told(_lake: Lake, finding: Finding, mended: str | None) -> None:
        assert finding.key not in found
        found[finding.fault, finding.file.relative_to(driver.lake.data).as_posix()] = mended

    done = examine_lake(driver.lake, driver.store, told, **more)
    assert sum(done.faults.values()) == len(found) and done.mended == sum(one is not None for one in found.values())
    return found


def write(driver: Driver, below: str, data: bytes) -> None:
    storage = driver.lake.storage
    storage.put(driver.lake.data / below, data)
    if isinstance(storage, ObjectStorage):  # which keeps ends of files, since none is ever another one
        storage._files.ends.drop(storage.key(driver.lake.data / below))


def content(driver: Driver, below: str) -> bytes:
    found = driver.lake.storage.read(driver.lake.data / below)
    assert found is not None
    return found.data


class Planting:
    """Damage of each kind; each says what must be found."""

    def __init__(self, driver: Driver, jobs: list[str]) -> None:
        self.driver, (self.cleaned, self.ended, self.of_acme) = driver, jobs
        self.storage = driver.lake.storage
        self.parts = {
            stage: file.relative_to(driver.lake.data).as_posix()
            for stage in ("scrape", "process", "enrich", "score")
            for file in files_by_manifest(driver.lake, self.ended).valid(stage)
        }

    def torn_part(self) -> Planted:
        below = self.parts["process"]
        write(self.driver, below, content(self.driver, below)[:-9])
        return Fault.TORN, below

    def part_of_other_columns(self) -> Planted:
        pq.write_table(pa.table({"company_id": [1], "domain": ["a.example"]}), other := io.BytesIO())
        write(self.driver, below := self.parts["enrich"], other.getvalue())
        return Fault.TORN, below

    def missing_part(self) -> Planted:
        self.storage.remove(self.driver.lake.data / self.parts["scrape"])
        return Fault.MISSING, self.parts["scrape"]

    def missing_report(self) -> Planted:
        file = files_by_manifest(self.driver.lake.of("acme"), self.of_acme).report("report.csv")
        assert file is not None
        self.storage.remove(file)
        return Fault.MISSING, file.relative_to(self.driver.lake.data).as_posix()

    def missing_plan(self) -> Planted:
        file = files_by_manifest(self.driver.lake.of("acme"), self.of_acme).plan_path()
        self.storage.remove(file)
        return Fault.MISSING, file.relative_to(self.driver.lake.data).as_posix()

    def part_of_a_run_that_never_committed(self) -> Planted:
        files = UnitFiles(self.driver.lake, self.ended, "score", "score", 77)
        files.write([{"company_id": company_id("late.example"), "domain": "late.example"}])
        [late] = [
            file for file, _ in self.storage.files(self.driver.lake.job_dir(self.ended)) if "77" in file.name
        ]  # fmt: skip
        return Fault.ORPHANED, late.relative_to(self.driver.lake.data).as_posix()

    def part_that_a_cleanup_left(self) -> Planted:
        below = f"jobs/{self.cleaned}/score/part-00000-0.parquet"
        write(self.driver, below, content(self.driver, self.parts["score"]))
        return Fault.ORPHANED, below

    def foreign_file_of_a_job(self) -> Planted:
        below = f"jobs/{self.ended}/score/notes.txt"
        write(self.driver, below, b"mine")
        return Fault.FOREIGN, below

    def foreign_file_of_the_lake(self) -> Planted:
        write(self.driver, "companies/score/copy of snapshot.parquet", b"mine")
        return Fault.FOREIGN, "companies/score/copy of snapshot.parquet"

    def foreign_folder(self) -> Planted:
        write(self.driver, "projects/acme/backup/x.parquet", b"mine")
        return Fault.FOREIGN, "projects/acme/backup/x.parquet"

    def job_that_nothing_tells_of(self) -> Planted:
        job_id = self.driver.job_id()
        write(self.driver, f"jobs/{job_id}/score/part-00000-0.parquet", content(self.driver, self.parts["score"]))
        return Fault.FOREIGN, f"jobs/{job_id}"

    def torn_history(self) -> Planted:
        [file] = [one for one, _ in self.storage.files(self.driver.lake.history) if one.name.startswith("history-")]
        write(self.driver, below := file.relative_to(self.driver.lake.data).as_posix(), b"PAR1 torn")
        return Fault.TORN, below

    def torn_schedule(self) -> Planted:
        [name] = [one for one in self.storage.names(self.driver.lake.data / "schedules") if one.endswith(".json")]
        write(self.driver, f"schedules/{name}", b"{")
        return Fault.TORN, f"schedules/{name}"

    def missing_snapshot(self) -> Planted:
        [file] = self.driver.lake.snapshot_files("process")
        self.storage.remove(file)
        return Fault.MISSING, file.relative_to(self.driver.lake.root).as_posix()


KINDS: list[Callable[[Planting], Planted]] = [one for name, one in vars(Planting).items() if name[0] != "_"]
ROWS = ("scrape", "process", "enrich", "score")


def rows(driver: Driver) -> dict[str, list[Any]]:
    return {f"{name} {stage}": driver.lake.of(name).newest(stage) for name in ("default", "acme") for stage in ROWS}


@pytest.fixture
def whole(kept: Driver) -> Iterator[tuple[Driver, list[str]]]:
    """A lake in which nothing is wrong, and its jobs."""
    jobs = filled(kept)
    left = examined(kept, mend=True)
    assert {fault for fault, _ in left} == {Fault.ORPHANED} and all(left.values())
    assert examined(kept) == {}
    yield kept, jobs


def test_exactly_what_was_planted_is_found(whole: tuple[Driver, list[str]]) -> None:
    driver, jobs = whole
    planting, kinds = Planting(driver, jobs), random.Random(1).sample(KINDS, len(KINDS))
    kinds.remove(Planting.torn_history)  # which alone tells that there was a cleanup
    planted = {kind(planting) for kind in kinds}
    assert set(examined(driver)) ^ planted == set()


def test_a_torn_history_is_found(whole: tuple[Driver, list[str]]) -> None:
    driver, jobs = whole
    assert Planting(driver, jobs).torn_history() in examined(driver)


def test_mending_touches_no_row_and_loses_no_byte(whole: tuple[Driver, list[str]]) -> None:
    driver, jobs = whole
    planting, before = Planting(driver, jobs), rows(driver)
    harmless = {kind(planting) for kind in KINDS if kind.__name__.startswith(("foreign", "part_that", "part_of_a_run"))}
    bytes_of = {below: content(driver, below) for _, below in harmless}
    found = examined(driver, mend=True)
    assert found.keys() == harmless and all(found.values()) and examined(driver) == {} and rows(driver) == before
    for below, data in bytes_of.items():
        project = "projects/acme/" if below.startswith("projects/acme/") else ""
        assert content(driver, f"{project}{QUARANTINE}/{below.removeprefix(project)}") == data
    torn = planting.torn_part()
    assert set(examined(driver, mend=True)) == {torn} and [one.file for one in damages(driver.lake)] == [torn[1]]
    # Set aside it is told until its job was resumed: what its commit names is missing.
    assert set(examined(driver, mend=True)) == {(Fault.MISSING, torn[1])}
    folder, _, name = torn[1].rpartition("/")
    assert content(driver, f"{folder}/{DAMAGED}{name}")


def test_what_a_job_that_runs_has_not_committed_is_no_orphan(whole: tuple[Driver, list[str]]) -> None:
    driver, _ = whole
    job_id = driver.submit()
    driver.launch(job_id, ["x.example"])
    grant = driver.begin(job_id, "p0")
    UnitFiles(driver.lake, job_id, "scrape", "p0", grant.epoch).write(
        [{"company_id": company_id("x.example"), "domain": "x.example", "url": "https://x.example/"}]
    )
    assert examined(driver, mend=True) == {}
    driver.store.cancel(job_id)
    assert {fault for fault, _ in examined(driver, mend=True)} == {Fault.ORPHANED} and examined(driver) == {}


def test_without_its_job_store_nothing_of_a_job_is_mended(whole: tuple[Driver, list[str]]) -> None:
    driver, jobs = whole
    planting = Planting(driver, jobs)
    planted = {planting.torn_part(), planting.missing_report(), planting.foreign_file_of_a_job()}
    found: dict[Planted, str | None] = {}

    def told(_lake: Lake, finding: Finding, mended: str | None) -> None:
        found[finding.fault, finding.file.relative_to(driver.lake.data).as_posix()] = mended

    done = examine_lake(driver.lake, None, told, mend=True)
    assert found == dict.fromkeys(planted) and done.mended == 0 and done.loses


def test_a_torn_manifest_is_told_and_kept_where_it_is_all_that_is_known(whole: tuple[Driver, list[str]]) -> None:
    driver, jobs = whole
    for job_id in jobs[:2]:
        write(driver, f"jobs/{job_id}/{MANIFEST}", b'{"job_id": ')
    found = examined(driver, mend=True)
    assert found[Fault.TORN, f"jobs/{jobs[1]}/{MANIFEST}"] == "set aside"
    assert found.get((Fault.TORN, f"jobs/{jobs[0]}/{MANIFEST}")) is None
    assert content(driver, f"jobs/{jobs[0]}/{MANIFEST}")
    assert Path(f"jobs/{jobs[0]}/{MANIFEST}").name == MANIFEST
