"""Which part files the rows of companies come from, and which of them are new, were written anew or are gone.

A file is told by its path, and by what the storage marks it by. What the snapshots hold counts beside every job's own
files: of two rows of a job and a company either is the other's copy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from api.company_scan import STAGES, Files, files_of_job
from data.across import Across
from data.lake import Lake
from data.mounts import addresses

#: Stands for the snapshots where jobs are named.
SNAPSHOTS = ""


class Source(NamedTuple):
    """A file whose rows are in the table."""

    number: int
    #: See `data.storage.Storage.marks`.
    mark: str | None


class New(NamedTuple):
    """A file whose rows the table lacks."""

    #: A job, or `SNAPSHOTS`.
    owner: str
    #: `<stage>/<name>`.
    place: str
    file: Path
    mark: str | None
    bytes: int


@dataclass
class Difference:
    """What the table lacks, and what it has too much."""

    #: By owner and place.
    gone: list[tuple[str, str]] = field(default_factory=list)
    new: list[New] = field(default_factory=list)
    #: Some of what is gone is no longer in the lake, or was written anew: its rows may have been erased.
    erased: bool = False

    @property
    def owners(self) -> set[str]:
        return {owner for owner, _ in self.gone} | {one.owner for one in self.new}

    @property
    def bytes(self) -> int:
        return sum(one.bytes for one in self.new)

    def add(self, other: Difference) -> None:
        """One more, of other jobs."""
        self.gone += other.gone
        self.new += other.new
        self.erased |= other.erased

    def in_steps(self, files: int, most_bytes: int) -> Iterable[Difference]:
        """The same in parts of so many files or bytes; what is gone goes with the first."""
        gone, rest = self.gone, iter(self.new)
        while (step := list(islice(rest, files))) or gone:
            while sum(one.bytes for one in step) > most_bytes and len(step) > 1:
                half = len(step) // 2
                yield Difference(gone, step[:half], self.erased)
                gone, step = [], step[half:]
            yield Difference(gone, step, self.erased)
            gone = []


class Sources:
    """The files whose rows a table holds."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._of: dict[str, dict[str, Source]] = {}
        self._last = 0

    def owners(self) -> set[str]:
        """The snapshots, and every job that may have parts or has rows in the table."""
        return {SNAPSHOTS, *self._of, *self._lake.across().jobs}

    def difference(self, owners: Iterable[str]) -> Difference:
        """How the lake's files of these jobs, and of the snapshots, differ from those whose rows the table holds."""
        # The snapshots last: what one covers that is made meanwhile has left its job.
        found, listed = Difference(), sorted(owners, key=lambda owner: owner == SNAPSHOTS)
        seen = self._lake.across([owner for owner in listed if owner != SNAPSHOTS])
        for owner in listed:
            self._look(owner, self._files(owner, seen), found)
        return found

    def _look(self, owner: str, by_stage: Files, found: Difference) -> None:
        storage, known = self._lake.storage, self._of.get(owner, {})
        files = {f"{stage}/{file.name}": file for stage, files in by_stage.items() for file in files}
        marks = dict(zip(files, storage.marks([*files.values()]), strict=True))
        other = [place for place in files if place in known and known[place].mark != marks[place]]
        gone = [place for place in known if place not in files]
        found.gone += [(owner, place) for place in other + gone]
        found.erased = found.erased or bool(other) or self._are_other(owner, gone)
        fresh = [place for place in files if place not in known or place in other]
        for place, state in zip(fresh, storage.stats([files[place] for place in fresh]), strict=True):
            if state is not None:
                found.new.append(New(owner, place, files[place], marks[place], state.size))

    def _are_other(self, owner: str, places: Sequence[str]) -> bool:
        """Whether of files whose rows the table holds one is no longer there, or another one is in its place."""
        files, storage = [self._file(owner, place) for place in places], self._lake.storage
        marks = [self._of[owner][place].mark for place in places]
        return None in storage.stats(files) or storage.marks(files) != marks

    def copy(self) -> Sources:
        """The same of a table that holds the same rows."""
        made = Sources(self._lake)
        made._of, made._last = {owner: dict(files) for owner, files in self._of.items()}, self._last
        return made

    def owners_that_differ(self, other: Sources) -> set[str]:
        """Whose files in another table are not those of this one."""
        return {owner for owner in {*self._of, *other._of} if self._of.get(owner) != other._of.get(owner)}

    def _file(self, owner: str, place: str) -> Path:
        return (self._lake.companies if owner == SNAPSHOTS else self._lake.job_dir(owner)) / place

    def _files(self, owner: str, seen: Across) -> Files:
        if owner == SNAPSHOTS:
            return {stage: self._lake.snapshot_files(stage) for stage in STAGES}
        return files_of_job(self._lake, seen, owner)

    def numbers_of(self, gone: Iterable[tuple[str, str]]) -> list[int]:
        """How the table calls files that it holds."""
        return [self._of[owner][place].number for owner, place in gone]

    def files_of(self, numbers: Collection[int]) -> dict[Path, int] | None:
        """The files that the table calls so, each with its number, and of every stage one at least, for its columns.

        None: one of them counts no more.
        """
        found: dict[Path, int] = {}
        others: dict[str, tuple[Path, int]] = {}
        for owner, files in self._of.items():
            for place, source in files.items():
                if source.number in numbers:
                    found[self._file(owner, place)] = source.number
                else:
                    others[place.partition("/")[0]] = self._file(owner, place), source.number
        if len(found) < len(numbers):
            return None
        stages = {file.parent.name for file in found}
        return found | dict(one for stage, one in others.items() if stage not in stages)

    def numbered(self, step: Difference) -> dict[str, int]:
        """A number for each new file of a step, by what a query calls it, in their order."""
        first, self._last = self._last + 1, self._last + len(step.new)
        return dict(zip(addresses(one.file for one in step.new), count(first), strict=False))

    def note(self, step: Difference, numbers: Mapping[str, int]) -> None:
        """The table holds it now, under these numbers."""
        for owner, place in step.gone:
            del self._of[owner][place]
            if not self._of[owner]:
                del self._of[owner]
        for one, number in zip(step.new, numbers.values(), strict=True):
            self._of.setdefault(one.owner, {})[one.place] = Source(number, one.mark)


def by_stage(step: Difference) -> dict[str, list[Path]]:
    """The new files of a step."""
    found: dict[str, list[Path]] = {stage: [] for stage in STAGES}
    for one in step.new:
        found[one.place.partition("/")[0]].append(one.file)
    return found
