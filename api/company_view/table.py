"""Rows of companies in DuckDB: those of every part that counts, with the newest of each company marked."""
# ruff: noqa: S608  reports.rows quotes names and paths

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager

from api.company_columns import SHORT
from api.company_scan import STAGES, Files, good_rows
from api.company_view.database import Database
from api.lake_rows import look_at_types
from data.damage import ForeignError
from data.schemas import STAGE_SCHEMAS
from reports.lead_filter import MADE
from reports.lead_order import NAME
from reports.rows import sql_type

_SCHEMA = STAGE_SCHEMAS["score"]
#: Between the technologies of a company as they are searched; no text of the lake has it (data/cleaning.py).
BETWEEN = "\x1f"
#: What is behind `comp_` in the id of a company, as the number that it is.
NUMBER = "try_cast('0x' || substr(company_id, 6) AS UBIGINT)"
_IS_ID = "regexp_full_match(company_id, 'comp_[0-9a-f]{16}')"
#: In front of each row of a company that another one hides.
_ORDER = "PARTITION BY company ORDER BY stage_rank, seen_at DESC, job_id DESC"
#: Marks of rows that no other one hides, with that order: of all jobs, and among those of the row's own job.
_MARKS = {
    "newest": _ORDER,
    "newest_of_job": "PARTITION BY company, job_id ORDER BY stage_rank, seen_at DESC",
}
#: Row groups of DuckDB have 122,880.
_ROWS_AT_A_TIME = 122_880
#: Columns that are made of others when a row comes in: what each request would else work out for each company.
_MADE = {
    **MADE,
    "sought_technologies": f"'{BETWEEN}' || lower(array_to_string(technologies, '{BETWEEN}')) || '{BETWEEN}'",
    "counted": "list_distinct(technologies)",
    "sorted_name": NAME,
}


class RowTable:
    """The rows of one project, in a file of their own. Calls must not meet."""

    def __init__(self, database: Database) -> None:
        self._database, self._con, self._file = database, database.cursor(), database.add()
        self._rows = f"{self._file}.main.rows"
        self._con.execute(f"CREATE TABLE {failed_in(self._rows)} (file INTEGER, company UBIGINT, job_id VARCHAR)")
        own = ", ".join(f"{column} {sql_type(self._con, _SCHEMA.field(column).type)}" for column in SHORT[1:])
        self._con.execute(
            f"CREATE TABLE {self._rows} (file INTEGER, company UBIGINT, newest BOOLEAN, newest_of_job BOOLEAN, "
            f"stage_rank TINYINT, {own}, seen_at TIMESTAMPTZ, sought VARCHAR, size VARCHAR, has_email BOOLEAN, "
            f"has_phone BOOLEAN, sought_technologies VARCHAR, counted VARCHAR[], sorted_name VARCHAR)"
        )

    @property
    def name(self) -> str:
        """As SQL names it."""
        return self._rows

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is changed in the block is seen at once, or, if it raises, nothing of it."""
        self._con.execute("BEGIN")
        try:
            yield
        except BaseException:
            self._con.execute("ROLLBACK")
            raise
        self._con.execute("COMMIT")

    def change(self, gone: Collection[int], files: Files, numbers: Mapping[str, int], *, settle: bool = True) -> None:
        """Take the rows of files out and those of others in. Only within a `transaction`.

        Args:
            gone: numbers of the files that count no more.
            files: those that are new, by stage; `numbers` has one for each path.
            settle: mark the newest row of each company that is touched; else `settle` has to be called at the end.

        Raises:
            duckdb.Error: a file cannot be read, or there is no room.
            ForeignError: a file holds something else than its place should.
        """
        self._take_out(gone)
        self._take_in(files, numbers)
        if settle:
            self._mark("WHERE company IN (SELECT company FROM touched)")

    def settle(self) -> None:
        """Mark the newest row of every company, and write all to disk."""
        self._mark("")
        self._write_down()

    def companies(self) -> int:
        """How many there are."""
        # All of an answer is fetched: one that is not holds its transaction open, and nothing is written down.
        [(found,)] = self._con.execute(f"SELECT count(*) FROM {self._rows} WHERE newest").fetchall()
        return int(found)

    def drop(self) -> None:
        """Remove all of it, and its file."""
        self._con.close()
        self._database.remove(self._file)

    def see(self, other: RowTable) -> None:
        """Choose what `take_over` writes: what another table holds now, whatever becomes of it since."""
        self._con.execute("BEGIN")
        self._con.execute(f"SELECT 1 FROM {other.name} LIMIT 1").fetchall()  # the first read is what all others see

    def take_over(self, other: RowTable) -> Iterator[None]:
        """Write it, and to disk, some rows at a time. Any call of the other table may meet this one."""
        [(last,)] = self._con.execute(f"SELECT max(rowid) FROM {other.name}").fetchall()
        for first in range(0, 0 if last is None else last + 1, _ROWS_AT_A_TIME):
            yield
            self._con.execute(
                f"INSERT INTO {self._rows} SELECT * FROM {other.name} WHERE rowid BETWEEN ? AND ?",
                [first, first + _ROWS_AT_A_TIME - 1],
            )
        yield
        self._con.execute(f"INSERT INTO {failed_in(self._rows)} SELECT * FROM {failed_in(other.name)}")
        self._con.execute("COMMIT")
        self._write_down()

    def _write_down(self) -> None:
        self._con.execute(f"CHECKPOINT {self._file}").fetchall()

    def _take_out(self, gone: Collection[int]) -> None:
        files = {"gone": list(gone)}
        which = "WHERE file IN (SELECT unnest($gone::INTEGER[]))"
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE touched AS SELECT company FROM {self._rows} {which}", files)
        if gone:
            for table in (self._rows, failed_in(self._rows)):
                self._con.execute(f"DELETE FROM {table} {which}", files)

    def _take_in(self, files: Files, numbers: Mapping[str, int]) -> None:
        rows = good_rows({stage: files.get(stage, ()) for stage in STAGES}, told=True)
        if rows is None:
            return
        columns = ", ".join(SHORT)
        self._con.execute(
            "CREATE OR REPLACE TEMP TABLE coming AS "
            f"SELECT {columns}, stage_rank, seen_at, filename, failed FROM ({rows})"
        )
        look_at_types(self._con.execute("SELECT * FROM coming LIMIT 0"), _SCHEMA)
        foreign = self._con.execute(
            f"SELECT company_id FROM coming WHERE NOT failed AND NOT {_IS_ID} LIMIT 1"
        ).fetchone()
        if foreign:
            raise ForeignError(f"a row of company {foreign[0][:40]!r}")
        own = ", ".join(SHORT[1:])
        made = ", ".join(f"{sql} AS {column}" for column, sql in _MADE.items())
        named = {"paths": list(numbers), "numbers": list(numbers.values())}
        coming = (
            "FROM coming JOIN (SELECT unnest($paths::VARCHAR[]) AS filename, unnest($numbers::INTEGER[]) AS number) "
            "USING (filename) WHERE"
        )
        self._con.execute(
            f"INSERT INTO {self._rows} BY NAME SELECT number AS file, {NUMBER} AS company, "
            f"false AS newest, false AS newest_of_job, stage_rank, {own}, seen_at, {made} {coming} NOT failed",
            named,
        )
        self._con.execute(
            f"INSERT INTO {failed_in(self._rows)} SELECT number, {NUMBER}, job_id {coming} failed AND {_IS_ID}", named
        )
        self._con.execute(f"INSERT INTO touched SELECT {NUMBER} FROM coming WHERE NOT failed; DROP TABLE coming")

    def _mark(self, where: str) -> None:
        others = f"{where} AND" if where else "WHERE"
        for mark, order in _MARKS.items():
            first = f"SELECT rowid FROM {self._rows} {where} QUALIFY row_number() OVER ({order}) = 1"
            self._con.execute(f"CREATE OR REPLACE TEMP TABLE first AS {first}")
            self._con.execute(
                f"UPDATE {self._rows} SET {mark} = false {others} {mark} AND rowid NOT IN (SELECT rowid FROM first)"
            )
            self._con.execute(
                f"UPDATE {self._rows} SET {mark} = true WHERE NOT {mark} AND rowid IN (SELECT rowid FROM first)"
            )
            self._con.execute("DROP TABLE first")


def number_of(company_id: str) -> int:
    """How the table calls a company, in its column `company`."""
    return int(company_id.removeprefix("comp_"), 16)


def failed_in(table: str) -> str:
    """What stands beside a table of rows: which companies have rows that are not good, of which jobs."""
    return f"{table.removesuffix('.rows')}.failed"


def jobs_in(table: str) -> str:
    """A query of the jobs that have any row of the company `$company`."""
    return " UNION ".join(f"SELECT job_id FROM {one} WHERE company = $company" for one in (table, failed_in(table)))


def rows_of(table: str) -> str:
    """A query of every row, with the id of its company and its `place` in the table."""
    return f"SELECT *, 'comp_' || printf('%016x', company) AS company_id, rowid AS place FROM {table}"


def newest_of_each_job(table: str, jobs: Sequence[str] | None) -> str:
    """A query of the newest row that each job, or each of `$jobs`, has of a company."""
    of = "" if jobs is None else " AND job_id IN (SELECT unnest($jobs::VARCHAR[]))"
    return f"{rows_of(table)} WHERE newest_of_job{of}"


def newest_in(table: str, jobs: Sequence[str] | None) -> str:
    """A query of the newest row of each company, of all jobs or of `$jobs`, with its `place` in the table."""
    if jobs is None:
        return f"{rows_of(table)} WHERE newest"
    return (
        f"{rows_of(table)} WHERE job_id IN (SELECT unnest($jobs::VARCHAR[])) QUALIFY row_number() OVER ({_ORDER}) = 1"
    )
