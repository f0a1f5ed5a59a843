"""Names of part files, and which of them count.

`part-<partition>-<n>.parquet` of a unit's first epoch, `part-<partition>-<n>-e<epoch>.parquet` of a later one: whoever
holds an epoch removes files of lower ones only, so a process that slept can neither remove nor overwrite what was
committed after it (decision 11). Files of version 0.1.0 never name an epoch; they count as the first. The record keeps
with each commit how many files of each kind there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

PartKind = Literal["rows", "errors", "pages", "people", "looks", "ledger"]
#: Kinds in the order of the record's short form; what stands last is most often none and is left out.
KINDS: tuple[PartKind, ...] = ("rows", "pages", "errors", "looks", "ledger", "people")
#: Kinds that one stage alone makes: it. They have folders of their own, named like them.
OF_STAGE: Mapping[str, str] = {"pages": "scrape", "people": "process", "looks": "process", "ledger": "scrape"}
#: Kinds without which a stage's rows are whole: errors tell of what failed, the ledger of what was asked,
#: looks spare another reading of the pages.
SPARED: frozenset[PartKind] = frozenset(("errors", "looks", "ledger"))
_NAME = re.compile(r"part-(\d+)-(\d+)(?:-e(\d+))?\.parquet")
#: Files of a job under fixed names.
PLAN_FILE = "plan.parquet"
MANIFEST = "manifest.json"
INPUT_FILE = "input/columns.parquet"
_PLAN, _INPUT = re.compile(r"plan(-e\d+)?\.parquet"), re.compile(r"columns(-e\d+)?\.parquet")
#: In front of the name of a file that was found damaged: no query sees it any more.
DAMAGED = "damaged-"


class Part(NamedTuple):
    """What a part file's name tells."""

    partition: int
    #: Numbers the files of one partition and kind, from 0 without a gap.
    n: int
    epoch: int


def part_name(partition: int, n: int, epoch: int) -> str:
    """The file name of a part."""
    return f"part-{partition:05d}-{n}{f'-e{epoch}' if epoch > 1 else ''}.parquet"


def parse_name(name: str) -> Part | None:
    """What a name tells, also one that was set aside as damaged; None when it is no part's."""
    found = _NAME.fullmatch(name.removeprefix(DAMAGED))
    return Part(int(found[1]), int(found[2]), int(found[3] or 1)) if found else None


def partition_in(name: str) -> int:
    """The partition in a part's name."""
    return int(name.split("-")[1])


def is_plan(file: Path) -> bool:
    """Whether a file is a job's plan, by its name, which carries the epoch of its run where files are put once."""
    return _PLAN.fullmatch(file.name) is not None


def is_input(file: Path) -> bool:
    """The same of the other columns of a job's input."""
    return file.parent.name == "input" and _INPUT.fullmatch(file.name) is not None


def newest(names: Iterable[str]) -> list[str]:
    """Of each partition the files of its highest epoch, sorted: what counts where no record tells."""
    known = [(part, name) for name in names if (part := parse_name(name)) and not name.startswith(DAMAGED)]
    highest: dict[int, int] = {}
    for part, _ in known:
        highest[part.partition] = max(part.epoch, highest.get(part.partition, 0))
    return [name for part, name in sorted(known) if part.epoch == highest[part.partition]]


def kinds_of(stage: str) -> list[PartKind]:
    """The kinds of parts that a stage may make."""
    return [kind for kind in KINDS if OF_STAGE.get(kind, stage) == stage]


def part_folder(stage: str, kind: PartKind) -> str:
    """Where the parts of a stage lie below their job's folder."""
    if kind in OF_STAGE:
        return kind
    return f"{stage}/errors" if kind == "errors" else stage


@dataclass(frozen=True)
class Committed:
    """What the record keeps of a stage's commit of one unit."""

    #: 0: not known (the record was made again from the lake).
    epoch: int
    #: Files of each kind; None: a commit of version 0.1.0, or not known. Then what lies there counts.
    counts: Mapping[PartKind, int] | None = None

    def names(self, partition: int, kind: PartKind) -> list[str] | None:
        """The file names of a kind, in order; None where only a listing can tell."""
        if self.counts is None:
            return None
        return [part_name(partition, n, self.epoch) for n in range(self.counts.get(kind, 0))]


def short(counts: Mapping[PartKind, int]) -> str:
    """Counts as the record holds them: `1`, `1,2`, `0,0,1`."""
    numbers = [str(counts.get(kind, 0)) for kind in KINDS]
    while len(numbers) > 1 and numbers[-1] == "0":
        numbers.pop()
    return ",".join(numbers)


def counts_of(text: str | None) -> dict[PartKind, int] | None:
    """The other way; None for a commit that did not say."""
    if not text:
        return None
    numbers = [int(word) for word in text.split(",")]
    return dict(zip(KINDS, numbers + [0] * (len(KINDS) - len(numbers)), strict=False))
