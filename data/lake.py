"""The lake: one folder a job, each stage's rows as Parquet, and the queries over them.

A file becomes visible in three moves: it is written under `_tmp/` with the unit's epoch in its name, the
record commits that epoch, then it is renamed. Whoever reads a unit's parts repeats a missing rename first
(`settle`), so a death between commit and rename loses nothing, and a glob over `part-*` never shows a row twice.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, takewhile
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from data.duck import connection
from data.schemas import ERRORS, MADE_AT, PAGES, PLAN, STAGE_SCHEMAS, table
from leadmill.errors import ErrorCategory, NotFoundError, WorkError
from leadmill.ids import JOB_ID

PartKind = Literal["rows", "errors", "pages"]
_COMPRESSION_LEVEL = 3
#: Below so many rows a dictionary costs more than it saves.
_DICTIONARY_ROWS = 500


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
        """Public part files of a stage, of one partition if given, sorted."""
        folder = self.part_dir(job_id, stage, kind)
        if partition is None:
            return sorted(folder.glob("part-*.parquet"))
        # One partition's files are numbered without a gap: asking for each beats listing a large folder.
        numbered = (folder / f"part-{partition:05d}-{n}.parquet" for n in count())
        return list(takewhile(Path.exists, numbered))

    def settle(self, job_id: str, stage: str, unit: str, epoch: int) -> None:
        """Rename what a unit's committed epoch wrote, and remove what its other epochs left."""
        folder = self.job_dir(job_id)
        for file in _temporary(folder, stage, unit):
            name, _, target = file.name.partition("~")
            if name.rpartition(".")[2] != str(epoch):
                file.unlink(missing_ok=True)
                continue
            public = folder / target.replace("+", "/")
            public.parent.mkdir(parents=True, exist_ok=True)
            try:
                file.replace(public)
            except FileNotFoundError:
                continue  # another reader was faster

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
            if _owner(stage, unit) in owners:
                self.settle(job_id, stage, unit, epoch)

    def table_of(self, job_id: str, stage: str, kind: PartKind = "rows", partition: int | None = None) -> pa.Table:
        """Rows of the public parts as one Arrow table (columns of the stage's schema)."""
        schema = _schema(stage, kind)
        files = self.parts(job_id, stage, kind, partition)
        tables = [pq.read_table(file, schema=schema, partitioning=None) for file in files]
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def good_ids(self, job_id: str, stage: str) -> set[str]:
        """Companies that have a good row of a stage in this job."""
        files = self.parts(job_id, stage)
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
                if _is_ours(error):
                    raise
                raise DamagedPartError(file, error) from error

    def set_damaged_aside(self, files: Iterable[Path]) -> list[Path]:
        """Read every given part and rename those that are damaged, so that no query sees them; which they were."""
        damaged = []
        for file in files:
            try:
                pq.read_table(file, partitioning=None, page_checksum_verification=True)
            except (pa.ArrowException, OSError) as error:
                if _is_ours(error):
                    raise
                file.rename(file.with_name(f"damaged-{file.name}"))
                damaged.append(file)
        return damaged

    def drop_partition(self, job_id: str, stages: Sequence[str], partition: int) -> None:
        """Remove every public part of a partition that is made again from its first stage."""
        for stage in stages:
            for kind in ("rows", "errors", "pages"):
                for file in self.parts(job_id, stage, kind, partition):
                    file.unlink(missing_ok=True)

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


class UnitFiles:
    """What one run of a unit writes: temporary files, public only after its commit (`Lake.settle`)."""

    def __init__(self, lake: Lake, job_id: str, stage: str, unit: str, epoch: int, partition: int = 0) -> None:
        self._folder = lake.job_dir(job_id)
        self._stage, self._unit, self._epoch, self._partition = stage, unit, epoch, partition
        self._job_id = job_id
        self._counts: dict[PartKind, int] = {}

    def write(self, rows: Iterable[Mapping[str, Any]], kind: PartKind = "rows") -> int:
        """Write rows as the next part of a kind; how many they were. No rows, no file."""
        made = table(rows, _schema(self._stage, kind), self._job_id)
        if made.num_rows == 0:
            return 0
        n = self._counts.get(kind, 0)
        self._counts[kind] = n + 1
        base = {"rows": self._stage, "errors": f"{self._stage}/errors", "pages": "pages"}[kind]
        path = self.path(f"{base}/part-{self._partition:05d}-{n}.parquet")
        with path.open("wb") as sink:
            pq.write_table(
                made,
                sink,
                compression="zstd",
                compression_level=_COMPRESSION_LEVEL,
                write_page_checksum=True,
                use_dictionary=made.num_rows >= _DICTIONARY_ROWS,
            )
            sink.flush()
            os.fsync(sink.fileno())
        return int(made.num_rows)

    def write_plan(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Write the plan, sorted by partition so that one partition's rows are read alone."""
        made = table(rows, PLAN, self._job_id).sort_by([("partition", "ascending"), ("domain", "ascending")])
        path = self.path("plan.parquet")
        pq.write_table(made, path, compression="zstd", row_group_size=2_000)
        sync_file(path)
        return int(made.num_rows)

    def write_json(self, target: str, value: Any) -> None:
        """Write a JSON file."""
        path = self.path(target)
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str))
        sync_file(path)

    def path(self, target: str) -> Path:
        """The temporary path of a file whose public path, relative to the job's folder, is `target`."""
        return self._named("~", target.replace("/", "+"))

    def scratch(self, name: str) -> Path:
        """A path for this run alone: no commit makes it public, publish removes it."""
        return self._named(".", name)

    def _named(self, mark: str, name: str) -> Path:
        folder = self._folder / "_tmp"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{_owner(self._stage, self._unit)}.{self._epoch}{mark}{name}"

    def discard(self) -> None:
        """Remove what this run wrote; its commit was refused or never came."""
        for file in (self._folder / "_tmp").glob(f"{_owner(self._stage, self._unit)}.{self._epoch}[~.]*"):
            file.unlink(missing_ok=True)


def partition_of(part: Path) -> int:
    """The partition that a part file's name tells."""
    return int(part.name.split("-")[1])


def _is_ours(error: Exception) -> bool:
    """The file could not be opened or there was no memory: that says nothing of what is in it."""
    return isinstance(error, pa.ArrowMemoryError) or getattr(error, "errno", None) not in (None, errno.EIO)


def _temporary(folder: Path, stage: str, unit: str) -> list[Path]:
    prefix = f"{_owner(stage, unit)}."
    return [folder / "_tmp" / name for name in sorted(_temporary_names(folder)) if name.startswith(prefix)]


def _temporary_names(folder: Path) -> list[str]:
    """Names `<stage>.<unit>.<epoch>~<target>` of a job's files that are not renamed yet."""
    try:
        names = os.listdir(folder / "_tmp")  # noqa: PTH208 - a glob compiles its pattern anew at every call
    except FileNotFoundError:
        return []
    return [name for name in names if "~" in name]


def _owner(stage: str, unit: str) -> str:
    """Whose a temporary file is, as its name begins."""
    return f"{stage}.{unit.replace(':', '-')}"


def _schema(stage: str, kind: PartKind) -> pa.Schema:
    return {"errors": ERRORS, "pages": PAGES}.get(kind) or STAGE_SCHEMAS[stage]


def sync_file(path: Path) -> None:
    """Make a written file, or a folder's entries, durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
