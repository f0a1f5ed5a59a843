"""One reader of a job's files: what its commits name is exposed before a path is given out.

A commit may be in the record while its files are still staged (the process died between the two). Whoever reads a job
by `JobFiles` cannot forget to expose them: the commits are asked for once, and only where something is staged or a
commit has to be known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from data.commits import Commits, names_of
from data.damage import DamagedPartError, mend
from data.input_columns import headers_in
from data.lake import Lake
from data.parts import (
    DAMAGED,
    INPUT_FILE,
    MANIFEST,
    PLAN_FILE,
    PartKind,
    kinds_of,
    parse_name,
)
from data.reading import json_object, read_table
from data.schemas import PLAN, STAGE_SCHEMAS
from data.storage import Content, Losing
from data.unit_files import json_text

#: The files that count, of each stage and kind.
Parts = dict[tuple[str, PartKind], list[Path]]


class JobFiles:
    """The files of one job as its record has them committed. `commits` gives those, asked once at most; None: nobody
    knows, what lies there counts.

    Paths are given out for readers; one that is missing was damaged and set aside, or lost.
    """

    def __init__(self, lake: Lake, job_id: str, commits: Callable[[], Commits | None]) -> None:
        self.job_id, self.folder = job_id, lake.job_dir(job_id)
        self._lake, self._storage, self._ask = lake, lake.storage, commits
        self._staged: set[tuple[str, str]] | None = None
        self._has_manifests = False
        self._manifest: Content | None = None
        #: Whoever knows has said that all that is committed lies there.
        self._is_as_committed = False

    @classmethod
    def unrecorded(cls, lake: Lake, job_id: str) -> JobFiles:
        """As they lie, for whoever has no record to ask: what is staged is not seen."""
        return cls(lake, job_id, lambda: None)

    @classmethod
    def across(cls, lake: Lake, job_id: str) -> JobFiles:
        """As whoever reads across jobs sees them: by what the lake knows of commits, where that has to be known."""
        return cls(lake, job_id, lambda: lake.across([job_id]).commits_of(job_id))

    @property
    def commits(self) -> Commits:
        """What the record says is committed; nothing where nobody knows."""
        return self._told or {}

    @cached_property
    def _told(self) -> Commits | None:
        told = self._ask()
        self._staged = None  # a file that one of them names was staged before: seen from now on
        return told

    def expose(self, wanted: Callable[[str, str], bool] = lambda stage, unit: True, *, manifests: bool = True) -> None:
        """Show what was committed and is still staged, of the stages and units that are wanted.

        Without `manifests` nobody is about to read one: where only they wait it is not looked.
        """
        if not any(wanted(*key) for key in self._waiting(manifests)):
            return
        commits = self.commits
        staged = self._waiting(manifests)
        for key in [key for key in staged if wanted(*key)]:
            if (what := commits.get(key)) and what.epoch:
                self._lake.expose(self.job_id, *key, what.epoch)
                staged.discard(key)

    def _waiting(self, manifests: bool) -> set[tuple[str, str]]:
        """What is staged, looked for once; again where manifests are asked for that were left out before."""
        if self._staged is None or (manifests and not self._has_manifests):
            self._staged, self._has_manifests = self._storage.staged(self.job_id, manifests=manifests), manifests
        return self._staged

    # ---- parts ---------------------------------------------------------------------------------

    def valid(self, stage: str, kind: PartKind = "rows") -> list[Path]:
        """The files of a stage that commits name, sorted; where nobody knows of any, those that lie there.

        Nothing is listed where a commit has counts, so a file that is missing is named all the same.
        """
        commits, folder = self._told, self._lake.part_dir(self.job_id, stage, kind)
        self.expose(lambda name, unit: name == stage, manifests=False)
        return [folder / name for name in names_of(commits, stage, kind, lambda: self._storage.names(folder))]

    def all_valid(self, stages: Sequence[str]) -> Parts:
        """The same of every stage that makes rows, and every kind that it makes, without missing ones."""
        return {(stage, kind): self.there(self.valid(stage, kind)) for stage, kind in _kinds(stages)}

    def parts(self, stage: str, kind: PartKind = "rows") -> list[Path]:
        """The files of a stage as whoever reads across jobs finds them (`data.across`), sorted.

        For whoever tells of a job, also where its record has no commits any more.
        """
        self.expose(lambda of, whose: of == stage, manifests=False)
        if not self._storage.shows_uncommitted or not self.commits:
            return self._lake.parts(self.job_id, stage, kind)
        return self.valid(stage, kind)

    def all_parts(self, stages: Sequence[str]) -> Parts:
        """The same of every stage that makes rows, and every kind."""
        return {(stage, kind): self.parts(stage, kind) for stage, kind in _kinds(stages)}

    def there(self, files: Sequence[Path]) -> list[Path]:
        """Those of some files that lie where they should, in their order; each folder is listed once."""
        if self._is_as_committed:
            return list(files)
        names = {folder: set(self._storage.names(folder)) for folder in {file.parent for file in files}}
        return [file for file in files if file.name in names[file.parent]]

    def remove_losers(self, stages: Sequence[str], epochs: Mapping[str, int]) -> Parts:
        """Have the folder of a job whose units have all ended show what counts and nothing else; what that is.

        `epochs`: each unit's present epoch, read from the record together with the commits: what a later epoch wrote
        meanwhile stays, should this process have slept.
        """
        self.expose()
        valid = self.all_valid(stages)
        for (stage, kind), files in valid.items():
            self._remove_losers(stage, kind, {file.name for file in files}, epochs)
        for folder in ("", "input/", "reports/"):
            self._storage.remove_losers(self.folder / folder, partial(self._losing, epochs, folder))
        self._storage.discard_lost(self.job_id, {unit: epoch for unit, epoch in epochs.items() if unit != "publish"})
        return valid

    def as_committed(self, stages: Sequence[str], epochs: Mapping[str, int]) -> Parts:
        """`remove_losers` where each unit has run once, and committed: nothing else lies there, nothing is listed."""
        if (launched := self.commits.get(("launch", "launch"))) is not None:
            self._lake.expose(self.job_id, "launch", "launch", launched.epoch)
        self._is_as_committed = True
        valid = self.all_valid(stages)
        self._storage.discard_lost(self.job_id, {unit: epoch for unit, epoch in epochs.items() if unit != "publish"})
        return valid

    def _losing(self, epochs: Mapping[str, int], folder: str, name: str) -> Losing | None:
        """Which of the files that runs wrote under a name may go."""
        if (writer := _writer(name := f"{folder}{name}")) is None or not self.commits:
            return None
        committed = self._epoch(*writer)
        if committed == 0:
            return None  # which one counts is not known
        return Losing(committed, epochs.get(writer[1], 0), carried=name == INPUT_FILE)

    def _remove_losers(self, stage: str, kind: PartKind, kept: set[str], epochs: Mapping[str, int]) -> None:
        folder = self._lake.part_dir(self.job_id, stage, kind)
        for name in self._storage.names(folder):
            part = parse_name(name)
            if part is None or name in kept or name.startswith(DAMAGED):
                continue
            unit = stage if stage == "score" else f"p{part.partition}"
            if part.epoch <= epochs.get(unit, 0):
                self._storage.remove(folder / name)

    def sync(self) -> None:
        """Make every exposure durable, once, before the job is told as ended.

        Until then a power cut may leave a file staged, and the next reader exposes it.
        """
        self._storage.sync(self.folder)

    # ---- plan, manifest, reports --------------------------------------------------------------------

    def plan_path(self) -> Path:
        """Where the plan lies, or would."""
        return self._own(PLAN_FILE)

    def plan(self, partition: int | None = None) -> list[dict[str, Any]]:
        """Rows of the plan (`data.schemas.PLAN`), of one partition if given.

        Raises:
            DamagedPartError: it is missing, or damaged and now noted as that.
        """
        filters = None if partition is None else [("partition", "=", partition)]
        rows: list[dict[str, Any]] = self._plan_table(filters=filters).to_pylist()
        return rows

    def plan_table(self) -> pa.Table:
        """The whole plan, with its metadata; columns that an older version had not are null.

        Raises:
            DamagedPartError: it is missing, or damaged and now noted as that.
        """
        found = self._plan_table()
        for place, column in enumerate(PLAN):
            if column.name not in found.column_names:
                found = found.add_column(place, column, pa.nulls(found.num_rows, column.type))
        return found

    def has_plan(self) -> bool:
        """Whether the plan is there, whole; a damaged one is noted as that."""
        return not self._lake.set_damaged_aside([self.plan_path()])

    def plan_column(self, column: str) -> list[Any]:
        """One column of the plan; nothing when there is none.

        Raises:
            DamagedPartError: it is damaged and now noted as that.
        """
        if self._storage.stat(self.plan_path()) is None:
            return []
        found: list[Any] = self._plan_table([column])[0].to_pylist()
        return found

    def plan_values(self, column: str) -> set[Any]:
        """The different values of a column of the plan; none when there is none.

        Raises:
            DamagedPartError: it is damaged and now noted as that.
        """
        if self._storage.stat(self.plan_path()) is None:
            return set()
        return set(self._plan_table([column])[0].unique().to_pylist())

    def plan_rows(self) -> int:
        """How many rows the plan has; 0 when there is none.

        Raises:
            DamagedPartError: it is damaged and now noted as that.
        """
        if self._storage.stat(self.plan_path()) is None:
            return 0
        return int(self._plan_table(["line"]).num_rows)

    def _plan_table(self, columns: Sequence[str] | None = None, filters: Any = None) -> pa.Table:
        path = self.plan_path()
        try:
            return read_table(path, columns, filters)
        except DamagedPartError:
            mend(self._lake, [path])  # raises the same, unless it is missing
            raise

    def input_headers(self) -> list[str]:
        """The other columns of the job's input in its order; none where it has none, or there is no plan.

        Raises:
            DamagedPartError: the plan is damaged and now noted as that.
        """
        path = self.plan_path()
        if self._storage.stat(path) is None:
            return []
        try:
            return headers_in(path)
        except DamagedPartError:
            mend(self._lake, [path])  # raises the same, unless it is missing
            raise

    def input_path(self) -> Path:
        """Where the other columns of the job's input lie (`data.input_columns`), or would."""
        return self._own(INPUT_FILE)

    def manifest(self) -> dict[str, Any] | None:
        """What the job is (`pipelines.manifest`), or None when it has not begun (or never was).

        Raises:
            DamagedPartError: the file is damaged.
        """
        self.expose(lambda stage, unit: stage in ("launch", "publish"))
        path = self.folder / MANIFEST
        self._manifest = None
        try:
            self._manifest = self._storage.read(path)
        except IsADirectoryError as error:
            raise DamagedPartError(path, error) from error
        return None if self._manifest is None else json_object(path, self._manifest.data)

    def swap_manifest(self, value: Mapping[str, Any]) -> bool:
        """Write the manifest, if it is still the one that was read last here; whether it was."""
        return self._storage.swap(self.folder / MANIFEST, json_text(value).encode(), self._manifest)

    def report(self, name: str) -> Path | None:
        """A file below `reports/`; None when there is none."""
        # Made on demand, by no run: its name says what it was made of.
        file = self.folder / "reports" / name if "/" in name else self._own(f"reports/{name}")
        return file if self._storage.stat(file) is not None else None

    def run_file(self, name: str) -> tuple[Path, int]:
        """Where a file lies that a run wrote, by the name that it gave it, and the run's epoch; 1: that is unknown.

        For whoever copies it; the other files of a job are called the same wherever they lie.
        """
        writer = _writer(name)
        return self._own(name), (self._epoch(*writer) if writer else None) or 1

    def _own(self, name: str) -> Path:
        """Where the file of a unit lies that its commit exposed, or would."""
        writer = _writer(name)
        self.expose(lambda stage, _: stage == (writer[0] if writer else "report"), manifests=False)
        carried = name == INPUT_FILE  # a later launch may write the plan alone
        return self._storage.committed(
            self.folder / name, lambda: self._epoch(*writer) if writer else 0, carried=carried
        )

    def _epoch(self, stage: str, unit: str) -> int | None:
        """By which run a unit has committed; None: it has not. 0: nothing is known of any unit."""
        if not self.commits:
            return 0
        what = self.commits.get((stage, unit))
        return None if what is None else what.epoch


#: Files that runs write under names of their own, which carry the epoch where files are put once.
_OF_RUNS = re.compile(r"(plan|input/columns|reports/(?:report|analysis|mail))(?:-e[0-9]+)?(\.[^/]+)")


def run_name(below: str) -> str | None:
    """The name that a run gave a file, by the path below its job's folder; None: it is a part, or no run's."""
    found = _OF_RUNS.fullmatch(below)
    return f"{found[1]}{found[2]}" if found else None


def _writer(name: str) -> tuple[str, str] | None:
    """Stage and unit whose run writes a file of a job under a fixed name; None: one of several, whichever it was."""
    if name in (PLAN_FILE, INPUT_FILE):
        return "launch", "launch"
    if name.startswith("reports/report."):
        return "report", f"render:{name.partition('.')[2]}"
    return ("analyze", "analyze") if name == "reports/analysis.json" else None


def _kinds(stages: Sequence[str]) -> list[tuple[str, PartKind]]:
    made = [stage for stage in stages if stage in STAGE_SCHEMAS]
    return [(stage, kind) for stage in made for kind in kinds_of(stage)]
