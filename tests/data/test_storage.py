"""What every storage has to keep, whatever it lies on; another one joins by a line in `storage` (conftest.py)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.local_storage import LocalStorage
from data.parts import MANIFEST, part_name
from data.storage import Run, Storage

JOB = "job_" + "0" * 20
NAME = "scrape/part-00000-0.parquet"


@pytest.fixture
def disk(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "disk")


def run(epoch: int, unit: str = "p0", stage: str = "scrape") -> Run:
    return Run(JOB, stage, unit, epoch)


def part(of: Run) -> str:
    return f"{of.stage}/{part_name(int(of.unit[1:]), 0, of.epoch)}"


def stage(storage: Storage, of: Run, name: str) -> None:
    with storage.stage(of, name) as sink:
        sink.write(f"epoch {of.epoch}".encode())


def shown(storage: Storage, name: str, epoch: int = 1) -> str | None:
    content = storage.read(storage.committed(storage.root / "jobs" / JOB / name, lambda: epoch))
    return None if content is None else content.data.decode()


# ---- files of a run ------------------------------------------------------------------------------------


def test_what_a_run_staged_is_read_once_it_is_committed(storage: Storage) -> None:
    stage(storage, run(1), part(run(1)))
    with storage.stage_at(run(1), "reports/report.csv") as path:
        path.write_text("by its path")
    storage.expose(run(1))
    assert shown(storage, part(run(1))) == "epoch 1" and shown(storage, "reports/report.csv") == "by its path"
    assert storage.staged(JOB) == set() and storage.expose(run(1)) == []


def test_a_manifest_waits_for_its_commit(storage: Storage) -> None:
    launch, publish = run(2, "launch", "launch"), run(1, "publish", "publish")
    stage(storage, launch, MANIFEST)
    assert shown(storage, MANIFEST) is None and storage.staged(JOB) == {("launch", "launch")}
    assert storage.expose(launch) == [MANIFEST] and storage.expose(launch) == [] and storage.staged(JOB) == set()
    assert shown(storage, MANIFEST) == "epoch 2"
    stage(storage, publish, MANIFEST)
    storage.discard(publish)
    assert storage.staged(JOB) == set() and storage.expose(publish) == [] and shown(storage, MANIFEST) == "epoch 2"
    stage(storage, publish, MANIFEST)
    assert storage.expose(publish) == [MANIFEST] and shown(storage, MANIFEST) == "epoch 1"


def test_files_of_other_names_are_of_the_run_that_committed(storage: Storage) -> None:
    for epoch in (1, 2):
        stage(storage, run(epoch, "launch", "launch"), "plan.parquet")
        storage.expose(run(epoch, "launch", "launch"))
    assert shown(storage, "plan.parquet", 2) == "epoch 2"


def test_what_a_run_left_as_it_was_is_of_the_last_one_that_wrote_it(storage: Storage) -> None:
    for epoch in (1, 2, 5):
        stage(storage, run(epoch, "launch", "launch"), "input/columns.parquet")
        storage.expose(run(epoch, "launch", "launch"))
        if epoch == 2:
            there = storage.committed(storage.root / "jobs" / JOB / "input/columns.parquet", lambda: 4, carried=True)
            assert (found := storage.read(there)) and found.data == b"epoch 2"


def test_whoever_is_late_leaves_a_higher_epoch_alone(storage: Storage) -> None:
    for epoch in (1, 2, 3):
        stage(storage, run(epoch), part(run(epoch)))
    storage.expose(run(2))
    assert shown(storage, part(run(2))) == "epoch 2"
    storage.expose(run(1))
    storage.discard(run(1))
    storage.discard_lost(JOB, {"p0": 2})
    assert shown(storage, part(run(2))) == "epoch 2"
    storage.expose(run(3))
    assert shown(storage, part(run(3))) == "epoch 3"


def test_a_run_takes_back_its_own_files_and_no_others(storage: Storage) -> None:
    runs = [run(1), run(1, "p1"), run(1, "p10"), run(1, stage="process"), run(11)]
    for of in runs:
        stage(storage, of, part(of))
    scratch = storage.scratch(run(1), "leads.parquet")
    scratch.write_bytes(b"x")
    storage.discard(run(1))
    for of in runs:
        storage.expose(of)
    assert [shown(storage, part(of)) for of in runs] == [None, *["epoch 1"] * 3, "epoch 11"]
    assert not scratch.exists()


def test_on_a_disk_nothing_is_read_before_it_is_exposed(disk: LocalStorage) -> None:
    stage(disk, run(1), NAME)
    assert shown(disk, NAME) is None and disk.names(disk.root / "jobs" / JOB / "scrape") == []
    assert disk.staged(JOB) == {("scrape", "p0")}
    assert disk.expose(run(1)) == [NAME] and disk.staged(JOB) == set()


def test_on_a_disk_every_staged_file_is_found_and_removed(disk: LocalStorage) -> None:
    for of in (run(1), run(1, "p1"), run(1, "p10"), run(1, stage="process"), run(11)):
        stage(disk, of, NAME)
    disk.scratch(run(1), "leads.parquet").write_bytes(b"x")
    assert len(disk.leftovers(JOB)) == 6
    disk.discard(run(1))
    assert len(disk.leftovers(JOB)) == 4
    disk.discard_lost(JOB, {"p0": 20, "p1": 0, "p10": 1}, ("scrape",))
    assert disk.staged(JOB) == {("scrape", "p1"), ("process", "p0")}


def test_on_a_disk_a_unit_of_a_format_keeps_its_name(disk: LocalStorage) -> None:
    stage(disk, run(1, "render:own-csv", "report"), "reports/report.own-csv")
    assert disk.staged(JOB) == {("report", "render:own-csv")}


# ---- files under fixed names ---------------------------------------------------------------------------


def test_a_swap_takes_place_only_over_what_was_read(storage: Storage) -> None:
    file = storage.root / "companies" / "score" / "manifest.json"
    assert storage.read(file) is None
    assert storage.swap(file, b"one", None) and not storage.swap(file, b"other", None)
    seen = storage.read(file)
    assert seen is not None and seen.data == b"one"
    storage.put(file, b"another")
    assert not storage.swap(file, b"two", seen)
    assert storage.swap(file, b"two", storage.read(file)) and storage.read(file).data == b"two"  # type: ignore[union-attr]
    assert [name for name in storage.names(file.parent) if name.endswith(".tmp")] == []


def test_of_many_swaps_none_is_lost(storage: Storage) -> None:
    file = storage.root / "counter"

    def count() -> None:
        for _ in range(20):
            while True:
                seen = storage.read(file)
                if storage.swap(file, str(int(seen.data) + 1 if seen else 1).encode(), seen):
                    break

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert storage.read(file).data == b"80"  # type: ignore[union-attr]


def test_what_was_begun_and_broken_off_has_no_name(storage: Storage) -> None:
    file = storage.root / "companies" / "score" / "snapshot-000001.parquet"
    with pytest.raises(ZeroDivisionError), storage.create(file) as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError
    assert storage.read(file) is None and storage.names(file.parent) == []


def test_what_a_killed_writer_left_is_found(tmp_path: Path) -> None:
    """Of a disk: the names that unfinished files have there."""
    storage = LocalStorage(tmp_path)
    for folder in ("schedules", f"jobs/{JOB}"):
        with storage.create(tmp_path / folder / "one.json") as path:
            path.write_bytes(b"half")
            path.with_name(f".killed{path.name}").write_bytes(b"half")
    assert storage.drop_unfinished(tmp_path / "schedules") == 4
    assert storage.names(tmp_path / "schedules") == ["one.json"]
    [(left, _)] = storage.leftovers(JOB)
    assert left.suffix == ".tmp"


def test_on_a_disk_a_folder_in_the_place_of_a_file_gives_way(disk: LocalStorage) -> None:
    """A second one takes the place of what is left of the first."""
    file = disk.root / "jobs" / JOB / MANIFEST
    for _ in range(2):
        (file / "x").mkdir(parents=True)
        assert disk.swap(file, b"{}", None) and disk.read(file).data == b"{}"  # type: ignore[union-attr]
        disk.remove(file)


# ---- any file -----------------------------------------------------------------------------------------------


def test_what_lies_there_is_told_moved_and_removed(storage: Storage) -> None:
    folder = storage.root / "jobs" / JOB
    storage.put(folder / "input" / "job.json", b"12345")
    storage.put(folder / "a.json", b"1")
    assert {(path.name, state.size) for path, state in storage.files(folder)} == {("job.json", 5), ("a.json", 1)}
    storage.move(folder / "a.json", "damaged-a.json")
    assert storage.stat(folder / "a.json") is None and storage.stat(folder / "damaged-a.json") is not None
    with pytest.raises(FileNotFoundError):
        storage.move(folder / "a.json", "b.json")
    storage.remove(folder / "a.json")  # nothing there: nothing done
    assert storage.remove_all(folder) == 6 and storage.names(folder) == [] and storage.remove_all(folder) == 0


def test_one_holder_at_a_time(storage: Storage) -> None:
    name = storage.root / "schedules" / ".lock"
    told: list[None] = []
    with storage.lock(name, 1.0, 0.01):
        with pytest.raises(TimeoutError), storage.lock(name, 0.05, 0.01, lambda: told.append(None)):
            raise AssertionError("two hold it")
        assert told
    with storage.lock(name, 0.0, 0.01):
        told.clear()


@pytest.fixture(autouse=True)
def _nothing_left(storage: Storage) -> Iterator[None]:
    yield
    assert [path for path, _ in storage.files(storage.root) if path.suffix == ".tmp"] == []


def test_a_file_is_read_in_pieces_and_as_one_of_this_machine(storage: Storage) -> None:
    file, data = storage.root / "reports" / "large", bytes(range(256)) * 1_000
    storage.put(file, data)
    assert b"".join(storage.chunks(file, 0, len(data))) == data
    assert b"".join(storage.chunks(file, 99_990, 100_000)) == data[99_990:199_990]
    assert b"".join(storage.chunks(file, len(data) - 3, 100)) == data[-3:]
    with storage.local(file) as path:
        assert path.read_bytes() == data == path.read_bytes()
    with pytest.raises(FileNotFoundError):
        list(storage.chunks(file.with_name("none"), 0, 1))
    with pytest.raises(FileNotFoundError), storage.local(file.with_name("none")) as path:
        path.read_bytes()
