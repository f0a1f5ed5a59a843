"""No row is lost, doubled or half there, whatever fails: eight processes' worth of threads over one job's files.

The record is played by hand and is what Redis' is: an epoch for each run, one commit an epoch, the highest counts.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from data.job_files import JobFiles
from data.lake import Lake
from data.local_storage import LocalStorage
from data.mounts import mount, unmount
from data.parts import Committed, PartKind, parse_name, part_folder, part_name
from data.storage import Run
from tests.data.chaos import Weather, chaotic

if TYPE_CHECKING:
    from tests.stand_ins.s3 import S3Server

JOB = "job_" + "0" * 20
STAGE = "scrape"
KINDS: tuple[PartKind, ...] = ("rows", "errors")
UNITS, THREADS, TURNS = 6, 8, 60


@dataclass
class Unit:
    """What the record says of one partition."""

    epoch: int = 0
    committed: Committed | None = None


@dataclass
class Record:
    """The record of the job."""

    units: dict[int, Unit] = field(default_factory=lambda: {n: Unit() for n in range(UNITS)})
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, number: int) -> int:
        """A new run of a unit; what it had committed does not count any more."""
        with self.lock:
            unit = self.units[number]
            unit.epoch, unit.committed = unit.epoch + 1, None
            return unit.epoch

    def commit(self, number: int, epoch: int, counts: dict[PartKind, int]) -> bool:
        with self.lock:
            unit = self.units[number]
            if unit.epoch != epoch:
                return False
            unit.committed = Committed(epoch, counts)
            return True

    def commits(self) -> dict[tuple[str, str], Committed]:
        with self.lock:
            return {(STAGE, f"p{n}"): unit.committed for n, unit in self.units.items() if unit.committed}

    def epochs(self) -> dict[str, int]:
        with self.lock:
            return {f"p{n}": unit.epoch for n, unit in self.units.items()}


def text(number: int, epoch: int, kind: str, n: int) -> bytes:
    return f"{kind} {n} of partition {number} by run {epoch}".encode()


def work(lake: Lake, record: Record, number: int, dice: random.Random) -> None:
    """One run: write, commit, expose. Whatever fails before the commit ends it, as a dead process would."""
    epoch = record.begin(number)
    if dice.random() < 0.5 and epoch > 1:
        lake.drop_partition(JOB, [STAGE], number, epoch - 1)
    counts: dict[PartKind, int] = {"rows": dice.randrange(3), "errors": dice.randrange(2)}
    for kind, files in counts.items():
        for n in range(files):
            name = f"{part_folder(STAGE, kind)}/{part_name(number, n, epoch)}"
            with lake.storage.stage(Run(JOB, STAGE, f"p{number}", epoch), name) as sink:
                sink.write(text(number, epoch, kind, n))
    if not record.commit(number, epoch, counts):
        lake.storage.discard(Run(JOB, STAGE, f"p{number}", epoch))
    elif dice.random() < 0.8:  # else it died between the two
        lake.expose(JOB, STAGE, f"p{number}", epoch)


def read(lake: Lake, record: Record) -> int:
    """Read what counts; whoever's commit still stands afterwards must have been read whole. How many files it was."""
    before = record.commits()
    files = JobFiles(lake, JOB, lambda: before)
    found = {kind: {file.name: lake.storage.read(file) for file in files.valid(STAGE, kind)} for kind in KINDS}
    after = record.commits()
    seen = 0
    for key, committed in before.items():
        number = int(key[1][1:])
        for kind in KINDS:
            for n, name in enumerate(committed.names(number, kind) or ()):
                content = found[kind].get(name)
                assert content is None or content.data == text(number, committed.epoch, kind, n)
                assert content is not None or after.get(key) is not committed, f"lost: {kind} {name}"
                seen += content is not None
    return seen


def publish(lake: Lake, record: Record) -> None:
    JobFiles(lake, JOB, record.commits).remove_losers([STAGE], record.epochs())


class Sky(NamedTuple):
    """A lake in bad weather, what has befallen its calls, and how it becomes fine."""

    lake: Lake
    told: Callable[[], Mapping[str, int]]
    clear: Callable[[], None]


@contextmanager
def over_a_disk(tmp_path: Path, seed: int, _s3: object) -> Iterator[Sky]:
    weather = Weather(seed)
    mount(tmp_path, chaotic(LocalStorage, weather))
    try:
        yield Sky(Lake(tmp_path), lambda: weather.told, weather.clear)
    finally:
        unmount(tmp_path)
        weather.clear()


@contextmanager
def over_an_object_store(tmp_path: Path, seed: int, find: Callable[[str], S3Server]) -> Iterator[Sky]:
    """No request is repeated long enough to hide all that befalls it."""
    from data.object_store import mounted

    s3, root = find("s3"), Path("/dev/null/chaos")
    place = s3.place(try_s=0.4, patience_s=0.2)
    mounted(place, root, tmp_path)
    told = s3.chance(seed, 0.15, ("internal", "slow_down", "conflict", "reset", "lost", "late"), late_s=0.6)
    try:
        yield Sky(Lake(root), lambda: told, s3.clear)
    finally:
        s3.clear()
        unmount(root)


WEATHERS = pytest.mark.parametrize(
    ("over", "seed"),
    [(over_a_disk, seed) for seed in range(4)]
    + [pytest.param(over_an_object_store, seed, marks=pytest.mark.stack) for seed in range(2)],
)


@WEATHERS
def test_nothing_is_lost_doubled_or_half(
    tmp_path: Path, request: pytest.FixtureRequest, over: Callable[..., AbstractContextManager[Sky]], seed: int
) -> None:
    with over(tmp_path, seed, request.getfixturevalue) as sky:
        _nothing_is_lost(sky, seed)


def _nothing_is_lost(sky: Sky, seed: int) -> None:
    lake, record, wrong = sky.lake, Record(), []
    seen = 0

    def body(number: int) -> None:
        nonlocal seen
        dice = random.Random(f"{seed} {number}")
        for _ in range(TURNS):
            try:
                if dice.random() < 0.4:
                    work(lake, record, dice.randrange(UNITS), dice)
                else:
                    seen += read(lake, record)
            except OSError:
                continue
            except BaseException as error:
                wrong.append(error)
                return

    threads = [threading.Thread(target=body, args=(n,)) for n in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sky.clear()
    assert wrong == [] and seen and min(sky.told().values()) > 5
    for number, unit in record.units.items():  # what is left is made again, in fine weather
        if unit.committed is None:
            work(lake, record, number, random.Random(number))
    publish(lake, record)
    read(lake, record)
    commits = record.commits()
    for kind in KINDS:
        names = {name for name in lake.storage.names(lake.part_dir(JOB, STAGE, kind)) if parse_name(name)}
        wanted = {name for n in range(UNITS) for name in commits[STAGE, f"p{n}"].names(n, kind) or ()}
        assert names == wanted, "for an ended job a listing is exact"


@WEATHERS
def test_of_swaps_of_one_file_none_is_lost_or_done_twice(
    tmp_path: Path, request: pytest.FixtureRequest, over: Callable[..., AbstractContextManager[Sky]], seed: int
) -> None:
    """Each adds lines of its own: once where it is told that it did, never where it is told that it did not."""
    answers: dict[str, bool | None] = {}

    def add(lines: list[str]) -> None:
        for line in lines:
            answers[line] = None
            try:
                seen = sky.lake.storage.read(file)
                answers[line] = sky.lake.storage.swap(file, (seen.data if seen else b"") + line.encode(), seen)
            except OSError:
                continue

    with over(tmp_path, seed, request.getfixturevalue) as sky:
        file = sky.lake.root / "companies" / "score" / "manifest.json"
        threads = [
            threading.Thread(target=add, args=([f"{thread}.{n}\n" for n in range(25)],)) for thread in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sky.clear()
        content = sky.lake.storage.read(file)
        assert content is not None
        found = content.data.decode().splitlines(keepends=True)
        assert len(found) == len(set(found))
        assert {line for line, answer in answers.items() if answer} <= set(found)
        assert not {line for line, answer in answers.items() if answer is False} & set(found)
        assert set(answers.values()) == {True, False, None}
