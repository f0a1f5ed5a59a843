"""The lake: one folder a job, each stage's rows as Parquet, and the queries over them.

A file becomes visible in three moves: it is written under `_tmp/` with the unit's epoch in its name, the
record commits that epoch, then it is renamed. Whoever reads a unit's parts repeats a missing rename first
(`settle`), so a death between commit and rename loses nothing. Public names carry the epoch, too: whoever removes
or renames touches lower epochs or its own, never a higher one, however long it slept (data/parts.py).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.damage import PLAN_FILE, DamagedPartError, check_columns, enduring, fault_of, mend, remove, set_aside
from data.parts import DAMAGED, KINDS, Committed, PartKind, names_in, newest, parse_name
from data.reading import FAULTS, named, newest_rows, read_json, read_table
from data.schemas import STAGE_SCHEMAS
from data.unit_files import UnitFiles, owner, schema_of, sync_file
from leadmill.errors import NotFoundError
from leadmill.ids import JOB_ID

__all__ = ["DamagedPartError", "Lake", "UnitFiles", "partition_of", "sync_file"]


class Lake:
    """Paths, parts and queries below one data folder. Cheap to make; holds no connection.

    `tell` takes what an operator must see: a kind and what it is about (`JobStore.critical`).
    """

    def __init__(self, root: Path, tell: Callable[[str, Mapping[str, Any]], None] | None = None) -> None:
        self.root = root
        self.tell = tell
        self.jobs = root / "jobs"
        self.companies = root / "companies"
        self.history = root / "job_history"

    def job_dir(self, job_id: str) -> Path:
        """The folder of a job.

        Raises:
            NotFoundError: not a job id (so that no caller can name another folder).
        """
        if not JOB_ID.match(job_id):
            raise NotFoundError(f"no job {job_id[:60]!r}")
        return self.jobs / job_id

    # ---- parts ---------------------------------------------------------------------------------

    def part_dir(self, job_id: str, stage: str, kind: PartKind = "rows") -> Path:
        """Where the public parts of a stage lie; raw pages have a folder of their own."""
        folder = self.job_dir(job_id)
        if kind == "pages":
            return folder / "pages"
        return folder / stage / "errors" if kind == "errors" else folder / stage

    def parts(self, job_id: str, stage: str, kind: PartKind = "rows", partition: int | None = None) -> list[Path]:
        """Public part files of a stage, of one partition if given, sorted: those of each partition's highest epoch.

        It lists the folder. Inside a job the record tells which files count (`valid`).
        """
        folder = self.part_dir(job_id, stage, kind)
        names = newest(names_in(folder))
        if partition is not None:
            names = [name for name in names if _partition(name) == partition]
        return [folder / name for name in names]

    def valid(self, job_id: str, stage: str, kind: PartKind, committed: Mapping[int, Committed]) -> list[Path]:
        """The files of a stage that were committed, sorted: `committed` maps partitions to what the record keeps.

        Nothing is listed where it keeps counts, so a file that is missing is named here all the same.
        """
        names: list[str] = []
        unknown = set()
        for partition, what in committed.items():
            told = what.names(partition, kind)
            if told is None:
                unknown.add(partition)
            else:
                names += told
        folder = self.part_dir(job_id, stage, kind)
        if unknown:
            names += [name for name in newest(names_in(folder)) if _partition(name) in unknown]
        return [folder / name for name in sorted(names)]

    @staticmethod
    def there(files: Sequence[Path]) -> list[Path]:
        """Those of some files that lie where they should, in their order; each folder is listed once."""
        names = {folder: set(names_in(folder)) for folder in {file.parent for file in files}}
        return [file for file in files if file.name in names[file.parent]]

    def settle(self, job_id: str, stage: str, unit: str, epoch: int) -> None:
        """Rename what a unit's committed epoch wrote, after removing what lower epochs left; higher ones stay."""
        folder = self.job_dir(job_id)
        own: list[tuple[Path, Path]] = []
        for file in _temporary(folder, stage, unit):
            name, _, target = file.name.partition("~")
            written = _epoch_of(name)
            if written < epoch:  # all of them, before the first rename: whoever still wants to rename one finds nothing
                file.unlink(missing_ok=True)
            elif written == epoch:
                own.append((file, folder / target.replace("+", "/")))
        for file, public in own:
            public.parent.mkdir(parents=True, exist_ok=True)
            try:
                if public.is_dir() and not public.is_symlink():  # nobody can read it, and no file can replace it
                    public.rename(public.with_name(f"{DAMAGED}{public.name}"))
                file.replace(public)
            except FileNotFoundError:
                continue  # another reader was faster
        if stage in STAGE_SCHEMAS and not _is_partition(unit):  # of a partition `drop_partition` and publish do it
            for partition in {part.partition for _, public in own if (part := parse_name(public.name))}:
                self._drop_public(job_id, [stage], partition, epoch)

    def _drop_public(self, job_id: str, stages: Sequence[str], partition: int, below: int) -> None:
        for stage in stages:
            for kind in KINDS:
                if kind == "pages" and stage != "scrape":
                    continue
                folder = self.part_dir(job_id, stage, kind)
                for name in names_in(folder):
                    part = parse_name(name)
                    if part and part.partition == partition and part.epoch < below:
                        remove(folder / name)

    def sync(self, job_id: str) -> None:
        """Make every rename of a job durable, once, before it is told as ended.

        Until then a rename that a power cut undoes leaves the temporary name, and the next reader repeats it.
        """
        for folder, _, _ in os.walk(self.job_dir(job_id)):
            sync_file(Path(folder))

    def units_with_temporary(self, job_id: str) -> set[str]:
        """Units that have files not yet renamed, `:` in their names written as `-`; most of them still run."""
        return {name.split(".")[1] for name in _temporary_names(self.job_dir(job_id))}

    def settle_all(self, job_id: str, committed: Mapping[tuple[str, str], int]) -> None:
        """Repeat every missing rename of a job: `committed` maps (stage, unit) to the epoch that counts."""
        folder = self.job_dir(job_id)
        owners = {name.partition("~")[0].rpartition(".")[0] for name in _temporary_names(folder)}
        for (stage, unit), epoch in committed.items():
            if owner(stage, unit) in owners:
                self.settle(job_id, stage, unit, epoch)

    def table_of(self, job_id: str, stage: str, kind: PartKind = "rows", partition: int | None = None) -> pa.Table:
        """Rows of the public parts as one Arrow table (columns of the stage's schema)."""
        schema = schema_of(stage, kind)
        files = self.parts(job_id, stage, kind, partition)
        tables = [pq.read_table(file, schema=schema, partitioning=None) for file in files]
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def good_ids(self, files: Iterable[Path]) -> set[str]:
        """Companies that have a row in the given files; a damaged one is set aside, and its companies have none."""
        found: set[str] = set()
        for file in files:
            try:
                found.update(read_table(file, ["company_id"])[0].to_pylist())
            except DamagedPartError:
                mend(self, [file])
        return found

    def iter_rows(self, files: Iterable[Path], batch: int = 200) -> Iterator[dict[str, Any]]:
        """Rows of part files as dictionaries, a batch in memory at a time.

        Raises:
            DamagedPartError: a file is missing, not what was written, or of other columns.
        """
        for file in files:
            try:
                with pq.ParquetFile(file, page_checksum_verification=True) as reader:
                    check_columns(file, reader.schema_arrow)
                    for chunk in reader.iter_batches(batch_size=batch):
                        yield from chunk.to_pylist(maps_as_pydicts="lossy")
            except FAULTS as error:
                raise named(file, error) from error

    def set_damaged_aside(self, files: Iterable[Path]) -> list[Path]:
        """Read every given part and rename those that are damaged, so that no query sees them.

        Returns those and the ones that are missing, most often since they were set aside before.
        """
        damaged = []
        for file in files:
            try:
                error = fault_of(file)
            except FileNotFoundError as missing:
                error = missing if file.is_symlink() else None
                damaged.append(file)
            if error is not None:
                damaged.append(file)
                try:
                    set_aside(self, file, error)
                except DamagedPartError:
                    if file.name != PLAN_FILE:
                        raise
        return damaged

    def drop_partition(self, job_id: str, stages: Sequence[str], partition: int, epoch: int) -> None:
        """Remove every part, public or not, that a partition has of an epoch up to the given one.

        Call it when the record has left that epoch behind: the partition is made again from its first stage.
        """
        self._drop_public(job_id, stages, partition, epoch + 1)
        for stage in stages:
            for file in _temporary(self.job_dir(job_id), stage, f"p{partition}"):
                if _epoch_of(file.name.partition("~")[0]) <= epoch:
                    file.unlink(missing_ok=True)

    def remove_strays(
        self, job_id: str, valid: Mapping[tuple[str, PartKind], Sequence[Path]], epochs: Mapping[str, int]
    ) -> None:
        """Remove public parts that do not count, and temporary files that no commit stands behind.

        `valid` lists the files that count of each stage and kind, `epochs` each unit's present epoch, both read from
        the record before: what a later epoch wrote meanwhile stays, should this process have slept.
        """
        last = {int(unit[1:]): epoch for unit, epoch in epochs.items() if _is_partition(unit)}
        for (stage, kind), files in valid.items():
            folder, kept = self.part_dir(job_id, stage, kind), {file.name for file in files}
            known = last if stage != "score" else {0: epochs.get("score", 0)}
            for name in names_in(folder):
                part = parse_name(name)
                stray = part and name not in kept and not name.startswith(DAMAGED)
                if part and stray and part.epoch <= known.get(part.partition, 0):
                    (folder / name).unlink(missing_ok=True)
        by_name = {unit.replace(":", "-"): epoch for unit, epoch in epochs.items()}
        folder = self.job_dir(job_id) / "_tmp"
        for name in names_in(folder):
            words = name.partition("~")[0].split(".")  # <stage>.<unit>.<epoch>, of a scratch file with .<name> behind
            if len(words) > 2 and words[1] != "publish" and _epoch(words[2]) <= by_name.get(words[1], 0):
                (folder / name).unlink(missing_ok=True)

    # ---- plan and manifest ------------------------------------------------------------------------

    def plan_path(self, job_id: str) -> Path:
        return self.job_dir(job_id) / PLAN_FILE

    def plan(self, job_id: str, partition: int | None = None) -> list[dict[str, Any]]:
        """Rows of the plan (`data.schemas.PLAN`), of one partition if given.

        Raises:
            DamagedPartError: it is missing, or damaged and now noted as that.
        """
        filters = None if partition is None else [("partition", "=", partition)]
        rows: list[dict[str, Any]] = self._plan_table(job_id, filters=filters).to_pylist()
        return rows

    def has_plan(self, job_id: str) -> bool:
        """Whether a job has its plan, whole; a damaged one is noted as that."""
        return not self.set_damaged_aside([self.plan_path(job_id)])

    def plan_column(self, job_id: str, column: str) -> list[Any]:
        """One column of the plan; nothing when there is none.

        Raises:
            DamagedPartError: it is damaged and now noted as that.
        """
        if not self.plan_path(job_id).exists():
            return []
        found: list[Any] = self._plan_table(job_id, [column])[0].to_pylist()
        return found

    def _plan_table(self, job_id: str, columns: Sequence[str] | None = None, filters: Any = None) -> pa.Table:
        path = self.plan_path(job_id)
        try:
            return read_table(path, columns, filters)
        except DamagedPartError:
            mend(self, [path])  # raises the same, unless it is missing
            raise

    def manifest(self, job_id: str) -> dict[str, Any] | None:
        """What an ended job is, or None when it has not ended (or never was).

        Raises:
            DamagedPartError: the file is damaged.
        """
        return read_json(self.job_dir(job_id) / "manifest.json")

    # ---- queries across jobs ------------------------------------------------------------------------

    def newest(self, stage: str, company_ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """For each company the newest good row of a stage: company_id, domain, url, job_id, at (UTC).

        `company_ids` None: every company there is. Looks into the snapshot and every job's parts.
        """
        return enduring(
            self, lambda: {stage: self.stage_files(stage)}, lambda files: newest_rows(stage, files[stage], company_ids)
        )

    def rows_from(
        self, stage: str, sources: Mapping[str, Sequence[str]], kind: PartKind = "rows"
    ) -> Iterator[dict[str, Any]]:
        """Rows of given companies from given jobs: `sources` maps a job id to company ids.

        A damaged file is set aside; its companies have no row then.
        """
        for job_id, ids in sources.items():
            left = set(ids)
            files = self.parts(job_id, stage, kind)
            if kind == "rows":
                files += self.snapshot_files(stage)
            for file in files:
                try:
                    found = read_table(file, filters=[("company_id", "in", list(ids))])
                except DamagedPartError:
                    mend(self, [file])
                    continue
                for batch in found.to_batches(max_chunksize=50):
                    for row in batch.to_pylist(maps_as_pydicts="lossy"):
                        if row["job_id"] != job_id or row["company_id"] not in left:
                            continue
                        if kind == "rows":  # a compacted row may still lie in its part, too
                            left.discard(row["company_id"])
                        yield row

    def stage_files(self, stage: str) -> list[Path]:
        """Part files of a stage over all jobs that the snapshot does not hold yet, and the snapshot's."""
        from data.snapshot import uncovered_files  # it is written by means of this class

        fresh = uncovered_files(self, stage)  # before the snapshot is listed: one made meanwhile holds more, not less
        return [*fresh, *self.snapshot_files(stage)]

    def snapshot_files(self, stage: str) -> list[Path]:
        """The compacted newest rows of a stage, if there are any."""
        return sorted((self.companies / stage).glob("snapshot-*.parquet"))[-1:]

    def drop_job_data(self, job_id: str) -> int:
        """Remove an ended job's parts, pages and temporary files; manifest and reports stay. Bytes freed."""
        folder = self.job_dir(job_id)
        freed = 0
        for name in ("_tmp", "pages", "input", *STAGE_SCHEMAS):
            part = folder / name
            if part.is_dir():
                freed += sum(file.stat().st_size for file in part.rglob("*") if file.is_file())
                shutil.rmtree(part)
        return freed


def partition_of(part: Path) -> int:
    """The partition that a part file's name tells."""
    return _partition(part.name)


def _partition(name: str) -> int:
    return int(name.split("-")[1])


def _is_partition(unit: str) -> bool:
    return unit[0] == "p" and unit[1:].isdigit()


def _epoch_of(owner: str) -> int:
    """The epoch in `<stage>.<unit>.<epoch>`."""
    return _epoch(owner.rpartition(".")[2])


def _epoch(text: str) -> int:
    """A name of somebody else's is left alone as if its epoch were the highest."""
    return int(text) if text.isdecimal() else sys.maxsize


def _temporary(folder: Path, stage: str, unit: str) -> list[Path]:
    prefix = f"{owner(stage, unit)}."
    return [folder / "_tmp" / name for name in sorted(_temporary_names(folder)) if name.startswith(prefix)]


def _temporary_names(folder: Path) -> list[str]:
    """Names `<stage>.<unit>.<epoch>~<target>` of a job's files that are not renamed yet."""
    return [name for name in names_in(folder / "_tmp") if "~" in name]
