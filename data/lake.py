"""The lake: one folder a job, each stage's rows as Parquet, and the queries over them.

A file becomes visible in three moves: a run stages it under its epoch, the record commits that epoch, then it is
exposed. Whoever reads a unit's parts exposes them first, so a death between commit and exposure loses nothing. Names of
parts carry the epoch, too: whoever removes or exposes touches lower epochs or its own, never a higher one, however long
it slept (data/parts.py). How that is done where the files lie is the storage's (data/storage.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.across import Across
from data.commits import CommitsOf
from data.covered import snapshot_files, stage_files
from data.damage import DamagedPartError, check_columns, enduring, fault_of, mend, set_aside
from data.mounts import opened, storage_at
from data.parts import (
    OF_STAGE,
    PartKind,
    is_plan,
    kinds_of,
    parse_name,
    part_folder,
    partition_in,
)
from data.reading import FAULTS, named, newest_rows, read_table
from data.schemas import STAGE_SCHEMAS
from data.storage import Run, Storage
from data.unit_files import UnitFiles, schema_of
from leadmill.access import DEFAULT_PROJECT, PROJECT, checked
from leadmill.ids import JOB_ID, job_id_of
from leadmill.units import partition_number

__all__ = ["DamagedPartError", "Lake", "UnitFiles", "partition_of"]


#: Takes what an operator must see: a kind and what it is about (`JobStore.critical`).
Tell = Callable[[str, Mapping[str, Any]], None]


class Lake:
    """Paths, parts and queries of one project below a data folder. Cheap to make; holds no connection.

    The default project has the data folder itself for its root, another one `<data>/projects/<name>`: nothing that is
    asked of a lake looks into another project's.
    """

    def __init__(
        self,
        data: Path,
        tell: Tell | None = None,
        project: str = DEFAULT_PROJECT,
        commits_of: CommitsOf | None = None,
    ) -> None:
        root = data if project == DEFAULT_PROJECT else data / "projects" / checked(project)
        self.data, self.project = data, project
        self.root = root
        self.storage: Storage = storage_at(root)
        self.tell = tell
        #: Knows what jobs have committed; None: their manifests tell, of those that have ended.
        self.commits_of = commits_of
        self.jobs = root / "jobs"
        self.companies = root / "companies"
        self.history = root / "job_history"
        self.ledger = root / "ledger"

    def of(self, project: str, tell: Tell | None = None) -> Lake:
        """The lake of a project below the same data folder.

        Raises:
            ValueError: not the name of a project.
        """
        return Lake(self.data, tell or self.tell, project, self.commits_of)

    def projects(self) -> list[str]:
        """Every project that has a folder with something in it, the default one first, the others by name."""
        storage, folder = storage_at(self.data), self.data / "projects"
        names = (name for name in storage.names(folder) if PROJECT.fullmatch(name) and name != DEFAULT_PROJECT)
        return [DEFAULT_PROJECT, *sorted(name for name in names if storage.names(folder / name))]

    def job_dir(self, job_id: str) -> Path:
        """The folder of a job.

        Raises:
            NotFoundError: not a job id (so that no caller can name another folder).
        """
        return self.jobs / job_id_of(job_id)

    def job_ids(self) -> list[str]:
        """Every job that has a folder, in no order."""
        return [name for name in self.storage.names(self.jobs) if JOB_ID.match(name)]

    # ---- parts ---------------------------------------------------------------------------------

    def part_dir(self, job_id: str, stage: str, kind: PartKind = "rows") -> Path:
        """Where the public parts of a stage lie; pages and people have folders of their own."""
        return self.job_dir(job_id) / part_folder(stage, kind)

    def parts(self, job_id: str, stage: str, kind: PartKind = "rows", partition: int | None = None) -> list[Path]:
        """Part files of a stage that count, of one partition if given, sorted (`data.across`).

        Inside a job the record tells which those are (`JobFiles.valid`).
        """
        return self.across([job_id]).parts(job_id, stage, kind, partition)

    def across(self, job_ids: Sequence[str] | None = None) -> Across:
        """What some jobs (None: all) have committed in this moment, for whoever asks for parts of several."""
        return Across(self, job_ids)

    def listed(self, job_id: str, stage: str, kind: PartKind = "rows") -> list[Path]:
        """Part files that lie there, of each partition those of its highest epoch, whether or not they count.

        For whoever makes a record of them, since there is none.
        """
        return self.across([job_id]).listed(job_id, stage, kind)

    def expose(self, job_id: str, stage: str, unit: str, epoch: int) -> None:
        """Show what a unit's committed epoch staged, and remove what lower epochs left; higher ones stay."""
        self.job_dir(job_id)
        exposed = self.storage.expose(Run(job_id, stage, unit, epoch))
        if stage in STAGE_SCHEMAS and partition_number(unit) is None:  # of others `drop_partition` and publish do it
            parts = (parse_name(name.rpartition("/")[2]) for name in exposed)
            for partition in {part.partition for part in parts if part}:
                self._drop_exposed(job_id, [stage], partition, epoch)

    def _drop_exposed(self, job_id: str, stages: Sequence[str], partition: int, below: int) -> None:
        for stage in stages:
            for kind in kinds_of(stage):
                folder = self.part_dir(job_id, stage, kind)
                for name in self.storage.names(folder):
                    part = parse_name(name)
                    if part and part.partition == partition and part.epoch < below:
                        self.storage.remove(folder / name)

    def table_of(self, job_id: str, stage: str, kind: PartKind = "rows", partition: int | None = None) -> pa.Table:
        """Rows of the public parts as one Arrow table (columns of the stage's schema)."""
        schema = schema_of(stage, kind)
        files = self.parts(job_id, stage, kind, partition)
        tables = [pq.read_table(opened(file), schema=schema, partitioning=None) for file in files]
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
                with pq.ParquetFile(opened(file), page_checksum_verification=True) as reader:
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
                    if not is_plan(file):
                        raise
        return damaged

    def drop_partition(self, job_id: str, stages: Sequence[str], partition: int, epoch: int) -> None:
        """Remove every part, public or not, that a partition has of an epoch up to the given one.

        Call it when the record has left that epoch behind: the partition is made again from its first stage.
        """
        self._drop_exposed(job_id, stages, partition, epoch + 1)
        self.storage.discard_lost(job_id, {f"p{partition}": epoch}, tuple(stages))

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
            for row in self._rows_of(self.parts(job_id, stage, kind), job_id, left):
                if kind == "rows":
                    left.discard(row["company_id"])
                yield row
            if kind == "rows" and left:  # cleaned up; a compacted row may still lie in its part, too
                for row in self._rows_of(self.snapshot_files(stage), job_id, left):
                    left.discard(row["company_id"])
                    yield row

    def _rows_of(self, files: Iterable[Path], job_id: str, ids: Set[str]) -> Iterator[dict[str, Any]]:
        """Rows of a job and of companies that stand among `ids` when it comes to them."""
        for file in files:
            if not ids:
                return
            try:
                found = read_table(file, filters=[("company_id", "in", list(ids))])
            except DamagedPartError:
                mend(self, [file])
                continue
            for batch in found.to_batches(max_chunksize=50):
                for row in batch.to_pylist(maps_as_pydicts="lossy"):
                    if row["job_id"] == job_id and row["company_id"] in ids:
                        yield row

    def stage_files(self, stage: str, seen: Across | None = None) -> list[Path]:
        """Part files of a stage over all jobs that the snapshot does not hold yet, and the snapshot's.

        `seen`: all jobs, where the caller asks for several stages.
        """
        return stage_files(self, stage, seen)

    def snapshot_files(self, stage: str) -> list[Path]:
        """The compacted newest rows of a stage, if there are any: most often one file (`data.covered`).

        Look for parts of jobs before: what a snapshot covers may be removed.
        """
        return list(snapshot_files(self, stage))

    def drop_job_data(self, job_id: str) -> int:
        """Remove an ended job's parts of every kind and temporary files; manifest and reports stay. Bytes freed."""
        folder = self.job_dir(job_id)
        return sum(self.storage.remove_all(folder / name) for name in ("_tmp", "input", *OF_STAGE, *STAGE_SCHEMAS))


def partition_of(part: Path) -> int:
    """The partition that a part file's name tells."""
    return partition_in(part.name)
