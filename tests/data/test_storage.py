"""What every storage has to keep, whatever it lies on; another one joins by a line in `storage`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.local_storage import LocalStorage
from data.storage import Run, Storage

JOB = "job_" + "0" * 20
NAME = "scrape/part-00000-0.parquet"


@pytest.fixture(params=[LocalStorage])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    made: Storage = request.param(tmp_path / "var")
    return made


def run(epoch: int, unit: str = "p0", stage: str = "scrape") -> Run:
    return Run(JOB, stage, unit, epoch)


def stage(storage: Storage, of: Run, name: str = NAME) -> None:
    with storage.stage(of, name) as sink:
        sink.write(f"epoch {of.epoch}".encode())


def shown(storage: Storage, name: str = NAME) -> str | None:
    content = storage.read(storage.root / "jobs" / JOB / name)
    return None if content is None else content.data.decode()


# ---- files of a run ------------------------------------------------------------------------------------


def test_what_is_staged_is_not_read_before_it_is_exposed(storage: Storage) -> None:
    stage(storage, run(1))
    with storage.stage_at(run(1), "reports/report.csv") as path:
        path.write_text("by its path")
    assert shown(storage) is None and storage.names(storage.root / "jobs" / JOB / "scrape") == []
    assert storage.staged(JOB) == {("scrape", "p0")}
    assert set(storage.expose(run(1))) == {NAME, "reports/report.csv"}
    assert shown(storage) == "epoch 1" and shown(storage, "reports/report.csv") == "by its path"
    assert storage.staged(JOB) == set() and storage.expose(run(1)) == []


def test_whoever_is_late_leaves_a_higher_epoch_alone(storage: Storage) -> None:
    for epoch in (1, 2, 3):
        stage(storage, run(epoch))
    storage.expose(run(2))
    assert shown(storage) == "epoch 2"
    storage.expose(run(1))
    storage.discard(run(1))
    storage.discard_lost(JOB, {"p0": 2})
    assert shown(storage) == "epoch 2" and storage.staged(JOB) == {("scrape", "p0")}
    storage.expose(run(3))
    assert shown(storage) == "epoch 3"


def test_a_run_takes_back_its_own_files_and_no_others(storage: Storage) -> None:
    for of in (run(1), run(1, "p1"), run(1, "p10"), run(1, stage="process"), run(11)):
        stage(storage, of)
    storage.scratch(run(1), "leads.parquet").write_bytes(b"x")
    assert len(storage.leftovers(JOB)) == 6
    storage.discard(run(1))
    assert len(storage.leftovers(JOB)) == 4
    storage.discard_lost(JOB, {"p0": 20, "p1": 0, "p10": 1}, ("scrape",))
    assert storage.staged(JOB) == {("scrape", "p1"), ("process", "p0")}


def test_a_unit_of_a_format_keeps_its_name(storage: Storage) -> None:
    stage(storage, run(1, "render:own-csv", "report"), "reports/report.own-csv")
    assert storage.staged(JOB) == {("report", "render:own-csv")}


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


def test_a_folder_in_the_place_of_a_file_gives_way(storage: Storage) -> None:
    """Of a disk; elsewhere there is no such thing. A second one takes the place of what is left of the first."""
    file = storage.root / "jobs" / JOB / "manifest.json"
    for _ in range(2):
        (file / "x").mkdir(parents=True)
        assert storage.swap(file, b"{}", None) and storage.read(file).data == b"{}"  # type: ignore[union-attr]
        storage.remove(file)


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
