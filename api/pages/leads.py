"""GET /ui/leads: companies by their newest row, sorted, narrowed and counted; all of its state is in its address.
GET /ui/leads/sql: the query that gives the same over the files of the lake.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import Field

from api.companies import Sort, Wanted
from api.company_facets import facets
from api.company_rows import Companies, CompanyFilter, company_page
from api.company_scan import files_of
from api.context import Context, Here
from api.empty_fields import why_empty
from api.fields import Blank
from api.lead_sql import lead_sql
from api.own_columns import own_columns
from api.page import page
from api.page_address import address
from api.pages import Place
from api.routing import Router
from api.sample_run import offered
from api.sql_console.running import MAX_QUERY
from data.jobs import JobRecord
from leadmill.access import Role
from leadmill.errors import InputError, UnavailableError
from leadmill.suggest import unknown
from reports.layout_choice import layout_names
from reports.layouts import DEFAULT
from reports.lead_order import BEST_FIRST

router = Router(include_in_schema=False)
PLACE = Place(30, "/ui/leads", "Leads")

#: Leads a page; with more of them it would be over 150 kB.
_ROWS, _MOST_ROWS = 50, 100
#: Columns that may be named, those of a list among them.
_MOST_COLUMNS = 100
#: Values of a field that are shown, and how long counting them may take, seconds.
_VALUES, _COUNTED_S = 10, 2.0
#: What a list is narrowed by: the parameters of `GET /companies`.
_FILTERS = ("text", "tier", "country", "industry", "technology", "size", "language", "has", "min_score", "tag", "job",
            "domain")  # fmt: skip
#: By field whose values are counted: the parameter that narrows by one, and its words.
_FACETS = {
    "tier": ("tier", "Tier"),
    "has": ("has", "Has"),
    "country": ("country", "Country"),
    "industry": ("industry", "Industry"),
    "size": ("size", "People"),
    "technologies": ("technology", "Technology"),
    "language": ("language", "Language"),
    "job": ("job", "Run"),
}
#: Of these a list is narrowed by one value alone.
_SINGLE = ("job", "tag")
#: Columns that may be shown, by their name in the address: the column of the row that they tell first, and their words.
COLUMNS = {
    "email": ("emails", "E-mail"),
    "phone": ("phones", "Phone"),
    "country": ("country", "Country"),
    "industry": ("industry", "Industry"),
    "people": ("employees_min", "People"),
    "technologies": ("technologies", "Technologies"),
    "language": ("language", "Language"),
    "description": ("description", "Description"),
}
_USUAL = ("email", "phone", "country", "industry", "people", "technologies")
#: In front of the header of a column that the list of the one job has that the page is narrowed to.
OWN = "input."
#: How a list may be sorted, in words; by the head of a column the first that it names, and then the other one.
SORTED = {
    "-score": "best first", "score": "best last", "name": "by name", "-name": "by name, from Z",
    "country": "by country", "-country": "by country, from Z", "-employees": "most people first",
    "employees": "fewest people first", "-seen_at": "newest first", "seen_at": "oldest first",
}  # fmt: skip
_HEADS = {
    "score": ("-score", "score"), "name": ("name", "-name"), "country": ("country", "-country"),
    "people": ("-employees", "employees"), "read": ("-seen_at", "seen_at"),
}  # fmt: skip
Cursor = Annotated[Annotated[str, Field(max_length=1_000)] | None, Blank, Query()]
Column = Annotated[str, Field(max_length=200)]


@dataclass(frozen=True)
class Asked:
    """What an address asks for, as its parameters: what narrows the list, and what else it has."""

    narrowed: tuple[tuple[str, str], ...]
    rest: tuple[tuple[str, str], ...]

    @classmethod
    def by(cls, request: Request) -> Asked:
        given = [(name, value) for name, value in request.query_params.multi_items() if value]
        return cls(
            tuple((name, value) for name, value in dict.fromkeys(given) if name in _FILTERS),
            tuple((name, value) for name, value in given if name in ("limit", "columns", "sort")),
        )

    @property
    def query(self) -> str:
        """Of the calls of the API that give the same."""
        return urlencode([*self.narrowed, *(pair for pair in self.rest if pair[0] == "sort")])

    def address(self, path: str = "/ui/leads", **more: str) -> str:
        """Of the same list, from its beginning unless a cursor is among what comes beside."""
        return address(path, [*self.narrowed, *self.rest, *more.items()])

    def with_rest(self, **rest: Any) -> str:
        """Of it with another number of rows a page, sorted otherwise."""
        kept = [pair for pair in self.rest if pair[0] not in rest]
        return address("/ui/leads", [*self.narrowed, *kept, *((name, str(value)) for name, value in rest.items())])

    def toggled(self, name: str, value: str) -> str:
        """Of the list that is narrowed by a value, too, or by it no more."""
        pair = (name, value)
        others = [one for one in self.narrowed if one != pair and not (one[0] == name and name in _SINGLE)]
        return address("/ui/leads", [*others, *([] if pair in self.narrowed else [pair]), *self.rest])

    def has(self, name: str, value: str) -> bool:
        """Whether it is narrowed by a value."""
        return (name, value) in self.narrowed


@router.get("/ui/leads", role=Role.VIEWER)
def leads(
    request: Request,
    here: Here,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = _ROWS,
    columns: Annotated[list[Column], Query(max_length=_MOST_COLUMNS)] = [],  # noqa: B006
    cursor: Cursor = None,
    sort: Sort = BEST_FIRST,
) -> Response:
    for name in columns:
        if name not in COLUMNS and not name.startswith(OWN):
            raise InputError(unknown("column", name, COLUMNS), field="columns")
    rows, following = company_page(here.companies, wanted[0], limit, cursor, sort, rank=True)
    asked, shown_columns = Asked.by(request), [name for name in COLUMNS if name in (columns or _USUAL)]
    own = own_columns(here.lake, wanted[0].jobs, [row["company_id"] for row in rows])
    matched, of, counted = _counted(here.companies, wanted[0], asked)
    return page(
        request,
        "pages/leads.html",
        rows=rows,
        samples=None if rows else offered(here),
        following=following,
        why=why_empty(here.lake, rows, [COLUMNS[name][0] for name in shown_columns]),
        asked=asked,
        of_jobs=wanted[0].jobs is not None,
        matched=matched,
        of=of,
        counted=counted,
        facets=_FACETS,
        runs=_runs(here, [one["value"] for one in counted["job"] or []]),
        columns=COLUMNS,
        shown_columns=shown_columns,
        own=own,
        shown_own=[header for header in own.headers if f"{OWN}{header}" in columns],
        sort=sort,
        orders=SORTED,
        heads=_HEADS,
        limit=limit,
        is_first=cursor is None,
        layouts=[name for name in layout_names() if name != DEFAULT],
    )


@dataclass(frozen=True)
class Runs:
    """Jobs that a list can be narrowed to: what people call each, and their tags."""

    names: dict[str, str]
    tags: list[str]


def _runs(here: Context, jobs: Sequence[str]) -> Runs:
    """Those of some jobs whose records are there."""
    try:
        records = here.store.records(jobs) if jobs else []
    except UnavailableError:  # the list is of the lake, and their ids name them, too
        records = []
    found = [record for record in records if isinstance(record, JobRecord)]
    tags = dict.fromkeys(tag for record in found for tag in record.tags)
    return Runs({record.job_id: _name(record) for record in found}, list(tags)[:_VALUES])


def _name(record: JobRecord) -> str:
    made = datetime.fromtimestamp(record.created_ms / 1000, UTC)
    return f"{record.tags[0] if record.tags else record.kind.replace('_', ' ')}, {made:%-d %b %H:%M}"


def _counted(
    companies: Companies, wanted: CompanyFilter, asked: Asked
) -> tuple[int | None, int | None, dict[str, list[dict[str, Any]] | None]]:
    """How many match, of how many, and the values of each field; None: counting took too long.

    Of a field that the list is narrowed by also the values that it leaves out are counted, to be added.
    """
    ends = time.monotonic() + _COUNTED_S
    chosen = [
        field for field, (name, _) in _FACETS.items() if name not in ("has", "job") and getattr(wanted.lead, name)
    ]
    found: dict[str, list[dict[str, Any]] | None] = dict.fromkeys(_FACETS)

    def count(of: CompanyFilter, fields: Sequence[str]) -> int | None:
        if (left := ends - time.monotonic()) <= 0:
            return None
        try:
            told = facets(companies, of, fields, _VALUES, left)
        except UnavailableError:
            return None
        found.update(told["facets"])
        return int(told["companies"])

    names = {name for name, _ in asked.narrowed}
    of_others = ["job"] if "job" in names and "tag" not in names else []
    matched = count(wanted, [field for field in _FACETS if field not in (*chosen, *of_others)])
    if of_others:
        count(replace(wanted, jobs=None), of_others)
    for field in chosen:
        without: dict[str, Any] = {_FACETS[field][0]: ()}
        count(replace(wanted, lead=replace(wanted.lead, **without)), [field])
    narrowed = wanted != CompanyFilter()
    return matched, count(CompanyFilter(), []) if narrowed else matched, found


@router.get("/ui/leads/sql", role=Role.VIEWER)
def leads_sql(
    request: Request,
    here: Here,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = _ROWS,
    columns: Annotated[list[Column], Query(max_length=_MOST_COLUMNS)] = [],  # noqa: B006  the way back keeps them
    sort: Sort = BEST_FIRST,
) -> Response:
    # Where the data lie on the machine is for those who run it.
    sees_paths = here.caller.role >= Role.ADMIN
    files = files_of(here.lake)
    root = here.lake.root if sees_paths else Path(here.lake.root.name)
    sql = lead_sql(files, root, wanted[0], limit, sort)
    return page(
        request,
        "pages/leads_sql.html",
        sql=sql,
        is_empty=not any(files.values()),
        asked=Asked.by(request),
        may_ask=sees_paths and bool(sql) and len(sql or "") <= MAX_QUERY,
        console=address("/ui/sql", {"query": (sql or "").rstrip(";"), "edit": 1}),
        folder=None if sees_paths else here.lake.root.name,
    )
