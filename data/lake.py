"""The lake: one folder a job, each stage's rows as Parquet, and the queries over them.

A file becomes visible in three moves: it is written under `_tmp/` with the unit's epoch in its name, the
record commits that epoch, then it is renamed. Whoever reads a unit's parts repeats a missing rename first
(`settle`), so a death between commit and rename loses nothing. Public names carry the epoch, too: whoever removes
or renames touches lower epochs or its own, never a higher one, however long it slept (data/parts.py).
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.duck import connection
from data.parts import DAMAGED, KINDS, Committed, PartKind, newest, parse_name
from data.schemas import MADE_AT, STAGE_SCHEMAS
from data.unit_files import UnitFiles, owner, schema_of, sync_file
from leadmill.errors import ErrorCategory, NotFoundError, WorkError
from leadmill.ids import JOB_ID

__all__ = ["DamagedPartError", "Lake", "UnitFiles", "partition_of", "sync_file"]


class DamagedPartError(WorkError):
    """A part cannot be read as it was written: torn, truncated or changed on disk."""

    def __init__(self, file: Path, error: Exception) -> None:
        super().__init__(f"{file.parent.name}/{file.name} is damaged on disk ({error})"[:300], ErrorCategory.SYSTEM)
        self.file = file


class Lake:
    """Paths, parts and queries below one data folder. Cheap to make; holds no connection."""

    def __init__(self, root: Path) -> None:
        self.root = root
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
        names = newest(_names_in(folder))
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
            names += [name for name in newest(_names_in(folder)) if _partition(name) in unknown]
        return [folder / name for name in sorted(names)]

    @staticmethod
    def there(files: Sequence[Path]) -> list[Path]:
        """Those of some files that lie where they should, in their order; each folder is listed once."""
        names = {folder: set(_names_in(folder)) for folder in {file.parent for file in files}}
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
                for name in _names_in(folder):
                    part = parse_name(name)
                    if part and part.partition == partition and part.epoch < below:
                        (folder / name).unlink(missing_ok=True)

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
        """Companies that have a row in the given files."""
        return {
            i for file in files for i in pq.read_table(file, columns=["company_id"], partitioning=None)[0].to_pylist()
        }

    def iter_rows(self, files: Iterable[Path], batch: int = 200) -> Iterator[dict[str, Any]]:
        """Rows of part files as dictionaries, a batch in memory at a time.

        Raises:
            DamagedPartError: a file is not what was written.
        """
        for file in files:
            try:
                with pq.ParquetFile(file, page_checksum_verification=True) as reader:
                    for chunk in reader.iter_batches(batch_size=batch):
                        yield from chunk.to_pylist(maps_as_pydicts="lossy")
            except (pa.ArrowException, OSError) as error:
                if _is_ours(error) and not isinstance(error, FileNotFoundError):
                    raise
                raise DamagedPartError(file, error) from error

    def set_damaged_aside(self, files: Iterable[Path]) -> list[Path]:
        """Read every given part and rename those that are damaged, so that no query sees them.

        Returns those and the ones that are missing, most often since they were set aside before.
        """
        damaged = []
        for file in files:
            try:
                pq.read_table(file, partitioning=None, page_checksum_verification=True)
            except FileNotFoundError:
                damaged.append(file)
            except (pa.ArrowException, OSError) as error:
                if _is_ours(error):
                    raise
                file.rename(file.with_name(f"damaged-{file.name}"))
                damaged.append(file)
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
            for name in _names_in(folder):
                part = parse_name(name)
                stray = part and name not in kept and not name.startswith(DAMAGED)
                if part and stray and part.epoch <= known.get(part.partition, 0):
                    (folder / name).unlink(missing_ok=True)
        by_name = {unit.replace(":", "-"): epoch for unit, epoch in epochs.items()}
        folder = self.job_dir(job_id) / "_tmp"
        for name in _names_in(folder):
            words = name.partition("~")[0].split(".")  # <stage>.<unit>.<epoch>, of a scratch file with .<name> behind
            if len(words) > 2 and words[1] != "publish" and _epoch(words[2]) <= by_name.get(words[1], 0):
                (folder / name).unlink(missing_ok=True)

    # ---- plan and manifest ------------------------------------------------------------------------

    def plan_path(self, job_id: str) -> Path:
        return self.job_dir(job_id) / "plan.parquet"

    def plan(self, job_id: str, partition: int | None = None) -> list[dict[str, Any]]:
        """Rows of the plan (`data.schemas.PLAN`), of one partition if given."""
        path = self.plan_path(job_id)
        filters = None if partition is None else [("partition", "=", partition)]
        rows: list[dict[str, Any]] = pq.read_table(path, filters=filters, partitioning=None).to_pylist()
        return rows

    def manifest(self, job_id: str) -> dict[str, Any] | None:
        """What an ended job is, or None when it has not ended (or never was)."""
        try:
            text = (self.job_dir(job_id) / "manifest.json").read_text()
        except FileNotFoundError:
            return None
        found: dict[str, Any] = json.loads(text)
        return found

    # ---- queries across jobs ------------------------------------------------------------------------

    def newest(self, stage: str, company_ids: Sequence[str] | None = None) -> list[dict[str, Any]]:
        """For each company the newest good row of a stage: company_id, domain, url, job_id, at (UTC).

        `company_ids` None: every company there is. Looks into the snapshot and every job's parts.
        """
        files = self.stage_files(stage)
        if not files:
            return []
        column = MADE_AT[stage]
        where = "" if company_ids is None else "WHERE company_id IN (SELECT unnest($ids))"
        good = "AND error IS NULL" if stage == "score" else ""
        if good and not where:
            where, good = "WHERE error IS NULL", ""
        cursor = connection().cursor()
        query = f"""
            SELECT company_id, arg_max(domain, {column}) AS domain, arg_max(url, {column}) AS url,
                   arg_max(job_id, {column}) AS job_id, max({column}) AS at
            FROM read_parquet($files, union_by_name => true) {where} {good} GROUP BY company_id ORDER BY domain
        """  # noqa: S608 - column names come from this function
        parameters: dict[str, Any] = {"files": [str(file) for file in files]}
        if company_ids is not None:
            parameters["ids"] = list(company_ids)
        found: pa.Table = cursor.sql(query, params=parameters).to_arrow_table()
        return list(found.to_pylist())

    def rows_from(
        self, stage: str, sources: Mapping[str, Sequence[str]], kind: PartKind = "rows"
    ) -> Iterator[dict[str, Any]]:
        """Rows of given companies from given jobs: `sources` maps a job id to company ids."""
        for job_id, ids in sources.items():
            left = set(ids)
            files = self.parts(job_id, stage, kind)
            if kind == "rows":
                files += self.snapshot_files(stage)
            for file in files:
                found = pq.read_table(file, filters=[("company_id", "in", list(ids))], partitioning=None)
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


def _is_ours(error: Exception) -> bool:
    """The file could not be opened or there was no memory: that says nothing of what is in it."""
    return isinstance(error, pa.ArrowMemoryError) or getattr(error, "errno", None) not in (None, errno.EIO)


def _is_partition(unit: str) -> bool:
    return unit[0] == "p" and unit[1:].isdigit()


def _epoch_of(owner: str) -> int:
    """The epoch in `<stage>.<unit>.<epoch>`."""
    return _epoch(owner.rpartition(".")[2])


def _epoch(text: str) -> int:
    """A name of somebody else's is left alone as if its epoch were the highest."""
    return int(text) if text.isdecimal() else sys.maxsize


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - a glob compiles its pattern anew at every call
    except (FileNotFoundError, NotADirectoryError):
        return []


def _temporary(folder: Path, stage: str, unit: str) -> list[Path]:
    prefix = f"{owner(stage, unit)}."
    return [folder / "_tmp" / name for name in sorted(_temporary_names(folder)) if name.startswith(prefix)]


def _temporary_names(folder: Path) -> list[str]:
    """Names `<stage>.<unit>.<epoch>~<target>` of a job's files that are not renamed yet."""
    return [name for name in _names_in(folder / "_tmp") if "~" in name]
