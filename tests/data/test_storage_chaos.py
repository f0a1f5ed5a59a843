"""No row is lost, doubled or half there, whatever fails: eight processes' worth of threads over one job's files.

The record is played by hand and is what Redis' is: an epoch for each run, one commit an epoch, the highest counts.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from data.job_files import JobFiles
from data.lake import Lake
from data.local_storage import LocalStorage
from data.mounts import mount, unmount
from data.parts import Committed, PartKind, parse_name, part_folder, part_name
from data.storage import Run
from tests.data.chaos import Weather, chaotic

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


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_lost_doubled_or_half(tmp_path: Path, seed: int) -> None:
    weather, record, wrong = Weather(seed), Record(), []
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

    mount(tmp_path, chaotic(LocalStorage, weather))
    try:
        lake = Lake(tmp_path)
        threads = [threading.Thread(target=body, args=(n,)) for n in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        weather.clear()
        assert wrong == [] and seen and min(weather.told.values()) > 5
        for number, unit in record.units.items():  # what is left is made again, in fine weather
            if unit.committed is None:
                work(lake, record, number, random.Random(number))
        publish(lake, record)
        read(lake, record)
        for kind in KINDS:
            names = {name for name in lake.storage.names(lake.part_dir(JOB, STAGE, kind)) if parse_name(name)}
            commits = record.commits()
            assert names == {name for n in range(UNITS) for name in commits[STAGE, f"p{n}"].names(n, kind) or ()}, (
                "for an ended job a listing is exact"
            )
    finally:
        unmount(tmp_path)
        weather.clear()
