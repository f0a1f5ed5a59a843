"""A reader's view of a data folder, for notebooks and scripts: `from leadmill import Lake`. Nothing has to run.

It reads what jobs have committed, and writes nothing. Rows have the columns of `leadmill.Lead`.
"""
# ruff: noqa: S608  file names are quoted by reports.rows; queries are the reader's own

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb

from data.damage import DamagedPartError, fault_of
from data.duck import connection
from data.job_files import JobFiles
from data.lake import Lake as Files
from data.mounts import storage_at
from data.schemas import STAGE_SCHEMAS
from leadmill.access import DEFAULT_PROJECT
from leadmill.errors import NotFoundError
from leadmill.places import path_of
from leadmill.rows import Lead
from leadmill.settings import get_settings
from reports.final_rows import GOOD, RANKED
from reports.rows import select_rows

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

#: Rows that become dictionaries at a time, and that a notebook shows of what stands alone in a cell.
_BATCH, _SHOWN = 500, 20
#: Of many rows of a company the newest.
_NEWEST = "QUALIFY row_number() OVER (PARTITION BY company_id ORDER BY scored_at DESC, job_id DESC) = 1"


class Rows:
    """What a query finds: iterate, or take all as a DataFrame or an Arrow table. Each use reads the files anew."""

    def __init__(self, tables: Tables, query: str, values: Mapping[str, Any] | None = None) -> None:
        self._tables, self._query, self._values = tables, query, dict(values or {})

    def __iter__(self) -> Iterator[Lead]:
        """One dictionary a row; times are aware datetimes (UTC). The columns of an own query are its own."""
        for batch in self._ask(self._query).to_arrow_reader(_BATCH):
            for row in batch.to_pylist(maps_as_pydicts="lossy"):
                yield cast(Lead, row)

    def __len__(self) -> int:
        (found,) = self._ask(f"SELECT count(*) FROM ({self._query})").fetchall()
        return int(found[0])

    def arrow(self) -> pa.Table:
        """All rows as an Arrow table, with exact types."""
        return self._ask(self._query).to_arrow_table()

    def df(self) -> pd.DataFrame:
        """All rows as a pandas DataFrame; maps are dictionaries."""
        return _frame(self.arrow())

    def _repr_html_(self) -> str:
        """How a notebook shows it: the first rows."""
        first = self._ask(f"SELECT * FROM ({self._query}) LIMIT {_SHOWN}").to_arrow_table()
        return str(_frame(first).to_html(max_rows=_SHOWN, max_cols=_SHOWN))

    def _ask(self, query: str) -> duckdb.DuckDBPyRelation:
        return self._tables.opened().sql(query, params=self._values)


class Tables:
    """Tables that queries name, each made of files. Every query gets a connection of its own that knows them."""

    def __init__(self, leads: str, companies: str, files: Sequence[Path]) -> None:
        self._files = files
        try:
            rows = select_rows(connection().cursor(), files, STAGE_SCHEMAS["score"])
        except duckdb.Error as error:
            raise self._told(error) from error
        self._views = {"leads": leads.format(rows=rows), "companies": companies.format(rows=rows)}

    def opened(self) -> duckdb.DuckDBPyConnection:
        cursor = connection().cursor()
        try:
            for name, query in self._views.items():
                cursor.execute(f"CREATE TEMP VIEW {name} AS {query}")
        except duckdb.Error as error:
            raise self._told(error) from error
        return cursor

    def _told(self, error: duckdb.Error) -> Exception:
        """The error that names the file to blame, where one is."""
        for file in self._files:
            try:
                if fault := fault_of(file):
                    return DamagedPartError(file, fault)
            except FileNotFoundError:
                return NotFoundError(f"{file} has just been replaced or cleaned up; ask again")
        return error


class _View:
    """Tables `leads` and `companies`, as rows and for SQL."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def leads(self) -> Rows:
        """Companies with a good row, best first."""
        return self.sql(f"SELECT * FROM leads ORDER BY {RANKED}")

    def companies(self) -> Rows:
        """Every company, by domain; where there is no good row, `error` says why."""
        return self.sql("SELECT * FROM companies ORDER BY domain")

    def sql(self, query: str, values: Mapping[str, Any] | None = None) -> Rows:
        """Any query of DuckDB over the tables `leads` and `companies`; `$name` in it stands for `values["name"]`."""
        return Rows(self._tables, query, values)


class LakeJob(_View):
    """The rows of one job."""

    def __init__(self, job_id: str, files: Sequence[Path]) -> None:
        super().__init__(Tables(f"SELECT * FROM ({{rows}}) WHERE {GOOD}", "{rows}", files))
        self.id = job_id

    def __repr__(self) -> str:
        return f"LakeJob({self.id!r})"


class Lake:
    """The data folder at `path`, or in a bucket (`s3://bucket/prefix`); without one that of LEADMILL_DATA_URL, else the
    nearest from here upwards.

    There `var` counts, or `var/demo` while nothing else was made in it. Of several projects in the folder it shows one.

    Raises:
        NotFoundError: no data folder is there, says where it was looked for; or the project has no jobs in it.
        ValueError: not the name of a project.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None, *, project: str = DEFAULT_PROJECT) -> None:
        self.path = _find() if path is None else path_of(os.fspath(path))
        self.project = project
        self._files = Files(self.path, project=project)
        if not _has_jobs(self._files.root):
            others = [name for name in self._files.projects() if _has_jobs(self._files.of(name).root)]
            if others:
                raise NotFoundError(f"no jobs of project {project!r} in {self.path}; there are: {', '.join(others)}")
            raise NotFoundError(f"no jobs in {self.path}: not a data folder, or nothing ran in it yet")

    def __repr__(self) -> str:
        project = "" if self.project == DEFAULT_PROJECT else f", project={self.project!r}"
        return f"Lake({str(self.path)!r}{project})"

    def jobs(self) -> list[str]:
        """Ids of the jobs that have scored rows, newest first."""
        return [job_id for job_id in sorted(self._files.job_ids(), reverse=True) if self._scored(job_id)]

    def job(self, job_id: str | None = None) -> LakeJob:
        """One job; without an id the newest that has scored rows.

        Raises:
            NotFoundError: no such job here, or it has no scored rows (yet, or any more).
        """
        job_id = job_id or next(iter(self.jobs()), None)
        if job_id is None:
            raise NotFoundError(f"no job in {self.path} has scored rows yet")
        if not (files := self._scored(job_id)):
            there = job_id in self._files.job_ids()
            why = "has no scored rows, or none any more" if there else f"is not in {self.path}"
            raise NotFoundError(f"job {job_id} {why}; with rows: {', '.join(self.jobs()[:5]) or 'none'}")
        return LakeJob(job_id, files)

    def companies(self) -> Rows:
        """The newest good row of each company, whichever job made it, best first; without that job's `input`."""
        return self.sql(f"SELECT * FROM companies ORDER BY {RANKED}")

    def sql(self, query: str, values: Mapping[str, Any] | None = None) -> Rows:
        """Any query of DuckDB over `companies` (as above) and `leads`, the good rows of every job.

        `$name` in it stands for `values["name"]`.
        """
        good = f"SELECT * FROM ({{rows}}) WHERE {GOOD}"
        newest = f"SELECT * REPLACE (NULL AS input) FROM ({{rows}}) WHERE {GOOD} {_NEWEST}"
        return Rows(Tables(good, newest, self._files.stage_files("score")), query, values)

    def _scored(self, job_id: str) -> list[Path]:
        return JobFiles.unrecorded(self._files, job_id).parts("score")


def _find() -> Path:
    settings = get_settings()
    if "data_url" in settings.model_fields_set:
        return settings.data_dir
    here = Path.cwd()
    for folder in (here, *here.parents):
        for found in (folder, folder / "var", folder / "var" / "demo"):
            if _is_lake(found):
                return found
    raise NotFoundError(
        f"no data folder `var` in {here} or above it; run `leadmill demo` or `leadmill run` there first, or name one: "
        'Lake("/path/to/var")'
    )


def _is_lake(folder: Path) -> bool:
    return _has_jobs(folder) or any(folder.glob("projects/*/jobs/job_*"))


def _has_jobs(root: Path) -> bool:
    return any(name.startswith("job_") for name in storage_at(root).names(root / "jobs"))


def _frame(table: pa.Table) -> pd.DataFrame:
    frame: pd.DataFrame = table.to_pandas(maps_as_pydicts="lossy")
    return frame
