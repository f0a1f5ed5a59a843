"""What the console opens: a view for each kind of row of a project's lake, with its columns."""
# ruff: noqa: S608  reports.rows quotes names and paths

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from api.company_columns import NOT_TOLD
from api.company_scan import files_of, newest_rows
from data.duck import connection
from data.lake import Lake
from data.ledger import job_files, month_files
from data.mounts import addresses
from data.parts import OF_STAGE, PartKind
from data.schemas import OTHER_SCHEMAS, STAGE_SCHEMAS, TIME
from leadmill.declared import ROW_STAGES
from reports.rows import name, parquet, sql_type

_FINAL = STAGE_SCHEMAS["score"]
#: Columns that no view shows.
_HIDDEN = NOT_TOLD | {"schema_version"}


@dataclass(frozen=True)
class View:
    """A kind of row."""

    name: str
    about: str
    schema: pa.Schema
    #: A query of its rows in a lake; None: there are none.
    rows: Callable[[Lake], str | None]

    @property
    def columns(self) -> Iterator[tuple[str, str]]:
        """Their names and types as DuckDB has them."""
        for column in self.schema:
            if column.name not in _HIDDEN:
                yield column.name, sql_type(connection(), column.type)

    def sql(self, lake: Lake) -> str:
        """What makes it, over the files that a lake has now."""
        typed = ", ".join(f"NULL::{kind} AS {name(column)}" for column, kind in self.columns)
        shown = ", ".join(name(column) for column, _ in self.columns)
        rows = self.rows(lake)
        more = f" UNION ALL BY NAME FROM ({rows})" if rows else ""
        return f"CREATE VIEW {name(self.name)} AS SELECT {shown} FROM (SELECT {typed} WHERE false{more})"


def _newest(lake: Lake) -> str | None:
    return newest_rows(files_of(lake))


def _rows(files: Callable[[Lake], Sequence[Path]]) -> Callable[[Lake], str | None]:
    def rows(lake: Lake) -> str | None:
        return f"SELECT * FROM {parquet(found)}" if (found := files(lake)) else None

    return rows


def _parts(kind: PartKind) -> Callable[[Lake], str | None]:
    return _rows(lambda lake: lake.across().all(OF_STAGE[kind], kind))


def _errors(lake: Lake) -> list[Path]:
    seen = lake.across()
    return [file for stage in ROW_STAGES for file in seen.all(stage, "errors")]


VIEWS = (
    View("companies", "each company by its newest good row", pa.schema([*_FINAL, pa.field("seen_at", TIME)]), _newest),
    View(
        "results", "what each job made of each of its companies, also in vain", _FINAL,
        _rows(lambda lake: lake.across().all("score")),
    ),
    View(
        "errors", "companies and pages that failed, by job and stage", OTHER_SCHEMAS["errors"],
        _rows(_errors),
    ),
    View("pages", "pages as they were fetched, with their HTML", OTHER_SCHEMAS["pages"], _parts("pages")),
    View("people", "persons, of jobs that asked for them", OTHER_SCHEMAS["people"], _parts("people")),
    View(
        "ledger", "what crawls asked of sites, and what they did not", OTHER_SCHEMAS["ledger"],
        _rows(lambda lake: [*job_files(lake), *month_files(lake)]),
    ),
)  # fmt: skip


def named_in(query: str) -> list[View]:
    """The views that a query may be about: those whose name stands in it."""
    return [view for view in VIEWS if re.search(rf"\b{view.name}\b", query, re.IGNORECASE)]


def folders(lake: Lake) -> list[str]:
    """What a query may read: the project's rows, and nothing that lies beside them."""
    places = [lake.jobs, lake.companies, lake.ledger]
    return [f"{one}/" for one in (addresses(places) if lake.storage.lender else [place.resolve() for place in places])]
