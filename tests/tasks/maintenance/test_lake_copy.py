"""A lake that is copied is the same one elsewhere: every row, every report, whatever kills the copy on its way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from data import history
from data.api_keys import KeyRegistry
from data.identity import LAKE_FILE, LakePair, read_id, write_id
from data.lake import Lake
from data.lake_note import LakeMovedError
from data.local_storage import LocalStorage
from data.mounts import mount, unmount
from data.schedule_files import ScheduleFiles
from leadmill.errors import ConflictError
from pipelines.lake_copy import copy_lake
from pipelines.lake_copy.pieces import NOTES
from pipelines.manifest import files_by_manifest
from tests.tasks.maintenance.conftest import Driver, Killed
from tests.tasks.maintenance.whole_lake import filled, seal
from tests.valkey import Valkey

if TYPE_CHECKING:
    from tests.stand_ins.s3 import S3Server


def told_of(root: Path, jobs: list[str]) -> dict[str, Any]:
    """What a lake says to its readers, without ids of files."""
    said: dict[str, Any] = {"projects": Lake(root).projects()}
    for name in ("default", "acme"):
        lake = Lake(root).of(name)
        said[name] = {stage: lake.newest(stage) for stage in ("scrape", "process", "enrich", "score")}
        for job_id in sorted(set(lake.job_ids()) & set(jobs)):
            files = files_by_manifest(lake, job_id)
            report = files.report("report.csv")
            assert report is not None
            content = lake.storage.read(report)
            said[job_id] = (
                [file.name for file in files.there(files.valid("score"))],
                files.plan_rows(),
                content and content.data,
                history.find(lake, job_id),
            )
    said["keys"] = sorted(KeyRegistry(root).table().keys)
    said["schedules"] = ScheduleFiles(Lake(root)).names()
    return said


Places = Callable[[str], Path]


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Places]:
    """A new empty place of a kind."""
    mounted: list[Path] = []

    def place(kind: str) -> Path:
        if kind == "disk":
            return tmp_path / f"disk-{len(mounted)}-{random.random()}"
        from data.object_store import mounted as mount_bucket

        s3: S3Server = request.getfixturevalue("s3")
        root = Path(f"/dev/null/copy-{len(mounted)}-{tmp_path.name}")
        mount_bucket(s3.place(), root, tmp_path / "passing")
        mounted.append(root)
        return root

    yield place
    for root in mounted:
        unmount(root)


@pytest.fixture
def driver_at(server: Valkey) -> Iterator[Callable[[Path], Driver]]:
    client = redis.Redis.from_url(server.url, decode_responses=True)
    client.flushall()
    yield lambda root: Driver(client, Lake(root))
    client.close()


WAYS = pytest.mark.parametrize(("kind", "other"), [("disk", "store"), ("store", "disk")])


@WAYS
def test_the_copy_says_what_the_lake_says_and_has_an_id_of_its_own(
    places: Places, driver_at: Callable[[Path], Driver], kind: str, other: str
) -> None:
    source, target = places(kind), places(other)
    jobs = filled(driver_at(source))
    before, steps = told_of(source, jobs), []
    done = copy_lake(source, target, told=lambda *told: steps.append(told))
    assert told_of(target, jobs) == before == told_of(source, jobs)
    assert read_id(target) == done.lake != read_id(source)
    assert done.files == done.copied_files + 1 and done.jobs == 3 and done.bytes > 10_000 and not done.moved
    # What never committed stays behind: a late score and, of each job, a report that no unit wrote.
    assert done.left_files == (5 if kind == "store" else 0)
    assert [step[0] for step in steps[: steps[0][1]]] == list(range(1, steps[0][1] + 1))
    assert NOTES not in Lake(target).storage.names(target)
    with pytest.raises(ConflictError, match="already"):
        copy_lake(source, target)


@WAYS
def test_the_place_that_a_lake_was_moved_from_refuses(
    places: Places, driver_at: Callable[[Path], Driver], kind: str, other: str
) -> None:
    source, target = places(kind), places(other)
    driver = driver_at(source)
    jobs, before = filled(driver), read_id(source)
    said = told_of(source, jobs)
    pair = LakePair(source, "test:", "redis://x")
    assert pair.check(driver.store.redis.execute_command) == before
    done = copy_lake(source, target, move=True)
    assert read_id(target) == before == done.lake and done.moved and told_of(target, jobs) == said
    for ask in (lambda: read_id(source), lambda: pair.check(driver.store.redis.execute_command)):
        with pytest.raises(LakeMovedError, match="was moved to"):
            ask()
    assert LakePair(target, "test:", "redis://x").check(driver.store.redis.execute_command) == before
    assert copy_lake(source, target, move=True).lake == before, "asked again it has ended"
    with pytest.raises(LakeMovedError):
        copy_lake(source, places("disk"))


class Dying(LocalStorage):
    """Dies at a call, before it did anything or when it had."""

    left = 10**9
    dice = random.Random(0)

    def _call(self, name: str, *args: Any) -> Any:
        Dying.left -= 1
        if Dying.left <= 0 and self.dice.random() < 0.5:
            raise Killed
        answer = getattr(LocalStorage, name)(self, *args)
        if Dying.left <= 0:
            raise Killed
        return answer

    def put(self, *args: Any) -> Any:
        return self._call("put", *args)

    def swap(self, *args: Any) -> Any:
        return self._call("swap", *args)

    def remove(self, *args: Any) -> Any:
        return self._call("remove", *args)

    def remove_all(self, *args: Any) -> Any:
        return self._call("remove_all", *args)


@pytest.mark.parametrize("move", [False, True])
def test_killed_again_and_again_it_ends_right(places: Places, driver_at: Callable[[Path], Driver], move: bool) -> None:
    source, target = places("store"), places("disk")
    jobs, lake = filled(driver_at(source)), read_id(source)
    before = told_of(source, jobs)
    mount(source.parent / "none", LocalStorage)
    mount(target, Dying)
    kills = 0
    try:
        for run in range(200):
            Dying.left = 1 + run % 4
            try:
                copy_lake(source, target, move=move)
            except Killed:
                kills += 1
                ids = [_id_of(source), _id_of(target)]
                assert None in ids or len(set(ids)) == 2, "no two places have one id"
                continue
            except ConflictError as error:
                assert "already" in str(error) and not move
            break
    finally:
        Dying.left = 10**9
        unmount(target)
        unmount(source.parent / "none")
    assert kills > 10 and told_of(target, jobs) == before
    assert (read_id(target) == lake) is move


def _id_of(root: Path) -> str | None:
    try:
        return read_id(root)
    except LakeMovedError:
        return None


def test_a_lake_that_is_not_whole_is_no_lake(places: Places, driver_at: Callable[[Path], Driver]) -> None:
    source, target = places("disk"), places("disk")
    filled(driver_at(source))

    def stop(*_told: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        copy_lake(source, target, told=stop)
    with pytest.raises(LakeMovedError, match=r"not whole yet. Carry on the copy: leadmill lake copy"):
        read_id(target)
    with pytest.raises(ConflictError, match="go on with that"):
        copy_lake(source, target, move=True)
    other = places("disk")
    write_id(other)
    with pytest.raises(ConflictError, match="is being copied from"):
        copy_lake(other, target)
    (full := places("disk")).mkdir()
    (full / "mine.txt").write_text("x")
    with pytest.raises(ConflictError, match="is not empty"):
        copy_lake(source, full)
    with pytest.raises(ConflictError, match="one in the other"):
        copy_lake(source, source / "copy")
    with pytest.raises(ConflictError, match="no lake"):
        copy_lake(full, places("disk"))
    assert (full / "mine.txt").read_text() == "x" and not (full / LAKE_FILE).exists()


def test_what_is_written_while_it_is_copied_comes_along(places: Places, driver_at: Callable[[Path], Driver]) -> None:
    source, target = places("disk"), places("store")
    driver = driver_at(source)
    jobs = filled(driver)
    late: list[str] = []

    def write(done: int, of: int, *_told: int) -> None:
        if done == of and not late:
            late.append(driver.completed(["z.example"], 1))
            seal(driver, late[0])

    copy_lake(source, target, told=write)
    assert told_of(target, jobs + late) == told_of(source, jobs + late)
    assert any(row["domain"] == "z.example" for row in Lake(target).newest("score"))

    def write_on(*_told: int) -> None:
        driver.lake.storage.put(source / "schedules" / "x", str(random.random()).encode() * 3)

    with pytest.raises(ConflictError, match="is being written to"):
        copy_lake(source, places("disk"), told=write_on)
