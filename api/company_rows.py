"""Companies of the lake: the newest row of each, filtered and paged, and one with its history."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import duckdb

from api.company_columns import NOT_TOLD, SHORT
from api.company_scan import STAGES, Files, files_of, newest_rows, newest_rows_of_jobs
from api.company_view.table import BETWEEN, jobs_in, newest_in, newest_of_each_job, number_of, rows_of
from api.company_view.view import CompanyView
from api.lake_rows import first_page, run
from data.damage import enduring, look_at_ids
from data.lake import Lake
from data.schemas import STAGE_SCHEMAS
from leadmill.errors import InputError, NotFoundError
from leadmill.ids import COMPANY_ID, parse_company_url
from leadmill.log import get_logger
from pipelines.views import cursors
from reports.lead_filter import LeadFilter
from reports.lead_order import BEST_FIRST, ORDERS, LeadOrder
from reports.rows import parquet

log = get_logger(__name__)

MAX_PAGE = 200
_HISTORY = 100
#: What was once made of the score, and said no more than that: kept as a field, told of no row.
_UNTOLD = {"probability": None}
#: Whether companies are known is told beside something else, and waited for no longer.
KNOWN_S = 2.0
_SHOWN = ", ".join((*SHORT, "seen_at"))


@dataclass(frozen=True)
class CompanyFilter:
    """Which companies; what is left out matches all."""

    lead: LeadFilter = field(default_factory=LeadFilter)
    #: Only rows of these jobs count; None: of all.
    jobs: Sequence[str] | None = None
    #: A registrable domain.
    domain: str | None = None

    @property
    def is_of_one_job(self) -> bool:
        """Whether only rows of one job count."""
        return self.jobs is not None and len(self.jobs) == 1

    @property
    def whose(self) -> dict[str, Any]:
        """The parameters of the rows that count."""
        return {} if self.jobs is None else {"jobs": list(self.jobs)}

    def conditions(self, *, prepared: bool = False) -> tuple[str, dict[str, Any]]:
        """What the newest row has to meet, as SQL, and the parameters of it and of the rows that count.

        `prepared`: the rows have the columns of `api.company_view.table` that make it cheaper to look at many.
        """
        found, values = self.lead.conditions(prepared=prepared)
        if prepared and (named := values.get("technology")):
            texts = {f"technology_{n}": f"{BETWEEN}{word}{BETWEEN}" for n, word in enumerate(named)}
            found.append(f"({' OR '.join(f'contains(sought_technologies, ${name})' for name in texts)})")
            values |= texts
        if self.domain is not None:
            found.append("domain = $domain")
            values["domain"] = self.domain
        return " AND ".join(found) or "true", values | self.whose


#: Makes the SQL of a question of: a query of the newest rows, what they have to meet, and the table where they lie at
#: their `place`, where there is one.
Query = Callable[[str, str, str | None], str]


@dataclass(frozen=True)
class Companies:
    """Where lists of a project's companies come from: its table of newest rows while that is current, else the lake."""

    lake: Lake
    view: CompanyView | None = None

    def ask(
        self, wanted: CompanyFilter, query: Query, more: Mapping[str, Any] | None = None, within_s: float | None = None
    ) -> list[dict[str, Any]]:
        """Rows of a query over the newest row of each company; `more`: its own parameters.

        Raises:
            UnavailableError: it took longer than `within_s`.
        """
        prepared, of_table = wanted.conditions(prepared=True)
        found = self._in_table(
            lambda table: query(newest_in(table, wanted.jobs), prepared, table), {**of_table, **(more or {})}, within_s
        )
        if found is not None:
            return found
        matches, values = wanted.conditions()
        values.update(more or {})
        return _ask(self.lake, lambda newest: query(newest, matches, None), values, wanted.jobs, within_s=within_s)

    def by_job(self, wanted: CompanyFilter, limit: int, within_s: float | None = None) -> list[dict[str, Any]]:
        """How many companies match of each job, were the list narrowed to it, most first; of newer jobs of as many.

        Raises:
            UnavailableError: it took longer than `within_s`.
        """

        def query(rows: str, matches: str) -> str:
            return (
                f"SELECT job_id AS value, count(*) AS companies FROM ({rows}) WHERE {matches} "
                f"GROUP BY job_id ORDER BY companies DESC, value DESC LIMIT {limit:d}"
            )

        prepared, of_table = wanted.conditions(prepared=True)
        found = self._in_table(
            lambda table: query(newest_of_each_job(table, wanted.jobs), prepared), of_table, within_s
        )
        if found is not None:
            return found
        matches, values = wanted.conditions()

        def read_from(files: Files) -> list[dict[str, Any]]:
            rows = newest_rows_of_jobs(files, some_jobs=wanted.jobs is not None)
            return run(query(rows, matches), values, within_s=within_s) if rows else []

        return enduring(self.lake, lambda: files_of(self.lake, wanted.jobs, each_job=True), read_from)

    def jobs_of(self, company_id: str) -> list[str] | None:
        """Every job that has a row of a company, also one that is not good; None: only a look at the lake tells."""
        found = self._in_table(jobs_in, {"company": number_of(company_id)})
        return None if found is None else [row["job_id"] for row in found]

    def newest_row(self, company_id: str, job: str | None = None) -> dict[str, Any] | None:
        """The whole newest good row of a company, of all jobs or of one."""
        if job is not None:
            return newest_row(self.lake, company_id, job)
        found = self._in_table(
            lambda table: f"SELECT job_id FROM {table} WHERE newest AND company = $company",
            {"company": number_of(company_id)},
        )
        if found == []:
            return None
        row = newest_row(self.lake, company_id, found[0]["job_id"]) if found else None
        # What the table tells of may have left the lake in this moment.
        return newest_row(self.lake, company_id) if row is None else row

    def failed_row(self, company_id: str, job: str | None = None) -> dict[str, Any] | None:
        """The newest final row that says why a company has no good one, of all jobs or of one."""
        return _failed_row(self.lake, company_id, self.jobs_of(company_id) if job is None else [job])

    def known(self, company_ids: Collection[str]) -> tuple[int, str | None]:
        """How many of some companies have a good row, and when the newest of these was made.

        Raises:
            UnavailableError: it took longer than `KNOWN_S`.
        """
        found = self._in_table(
            lambda table: (
                f"SELECT count(*) AS known, max(seen_at) AS newest FROM {table} "
                "WHERE newest AND company IN (SELECT unnest($ids::UBIGINT[]))"
            ),
            {"ids": [*map(number_of, company_ids)]},
            KNOWN_S,
        ) or _ask(
            self.lake,
            lambda newest: (
                f"SELECT count(*) AS known, max(seen_at) AS newest FROM ({newest}) "
                "WHERE company_id IN (SELECT unnest($ids::VARCHAR[]))"
            ),
            {"ids": [*company_ids]},
            within_s=KNOWN_S,
        )
        return (found[0]["known"], found[0]["newest"]) if found else (0, None)

    def found_by(self, company_id: str) -> list[dict[str, Any]]:
        """What jobs found of a company (`leadmill.answers.CompanyHistory`, or some of it), newest first."""
        stages = ", ".join(f"'{stage}'" for stage in STAGES)
        found = self._in_table(
            lambda table: (
                f'SELECT job_id, [{stages}][1 + stage_rank] AS stage, seen_at AS "at", quality, score, tier '
                f"FROM {table} WHERE company = $company "
                "QUALIFY row_number() OVER (PARTITION BY job_id ORDER BY stage_rank, seen_at DESC) = 1 "
                f'ORDER BY "at" DESC LIMIT {_HISTORY}'
            ),
            {"company": number_of(company_id)},
        )
        return _history(self.lake, company_id) if found is None else found

    def _in_table(
        self, query: Callable[[str], str], values: Mapping[str, Any], within_s: float | None = None
    ) -> list[dict[str, Any]] | None:
        """Rows of a query of the table; None where it is not as the lake is."""
        table = self.view.current() if self.view else None
        if self.view is None or table is None:
            return None
        try:
            return run(query(table), values, exact="sort_key", within_s=within_s, con=self.view.database)
        except duckdb.Error as error:  # it was dropped in this moment, or there is no room
            log.warning("companies are read from the lake", error=str(error))
            return None


def _page_query(
    newest: str, matches: str, table: str | None, *, limit: int, goes_on: bool, shown: str, order: LeadOrder
) -> str:
    behind = f"WHERE {order.behind}" if goes_on else ""
    first = f"{behind} ORDER BY {order.by_keys} LIMIT {limit:d}"
    told = f"{shown}, {order.sort_key} AS sort_key"
    if table is None:
        return f"SELECT {told} FROM (SELECT *, {order.keys()} FROM ({newest}) WHERE {matches}) {first}"
    # Only of those that are shown more is read than what they are sorted by.
    keys = order.keys(prepared=True)
    places = f"SELECT place FROM (SELECT place, {keys} FROM ({newest}) WHERE {matches}) {first}"
    rows = f"SELECT *, {keys} FROM ({rows_of(table)}) WHERE place IN ({places})"
    return f"SELECT {told} FROM ({rows}) ORDER BY {order.by_keys}"


def company_page(
    companies: Companies,
    wanted: CompanyFilter,
    limit: int,
    cursor: str | None,
    sort: str = BEST_FIRST,
    *,
    rank: bool = False,
) -> tuple[list[dict[str, Any]], str | None]:
    """Newest rows, sorted (`reports.lead_order`), and the cursor of the next page; `rank`: and with the `stage_rank`
    of each.

    Raises:
        InputError: not a cursor of ours, or of a list that is sorted otherwise.
    """
    order = ORDERS[sort]
    place = _place(cursor, order) if cursor else {}
    columns = f"{_SHOWN}, stage_rank" if rank else _SHOWN
    query = partial(_page_query, limit=limit + 1, goes_on=bool(place), shown=columns, order=order)
    shown, following = first_page(companies.ask(wanted, query, place), limit)
    return [row | _UNTOLD for row in shown], following


def _place(cursor: str, order: LeadOrder) -> dict[str, Any]:
    """Where a list goes on, as parameters of `LeadOrder.behind`."""
    name, *keys = cursors.decode_key(cursor, str, *order.kinds)
    if name != order.name:
        raise InputError(f"this cursor is of a list with sort={name[:20]}; begin anew", field="cursor")
    return {f"k{n}": key for n, key in enumerate(keys)}


def company(companies: Companies, named: str) -> dict[str, Any]:
    """The whole newest row of a company (with its facts), and `history`: its rows, newest first.

    `named` is its id, its domain or an address of it.

    Raises:
        NotFoundError: no such company.
    """
    known = id_of(named)
    found = companies.newest_row(known) if known else None
    if found is None:
        raise NotFoundError(f"no company {named[:60]!r}")
    row = {name: value for name, value in found.items() if name not in NOT_TOLD}
    history = _history(companies.lake, found["company_id"], companies.jobs_of(found["company_id"]))
    return {**row, **_UNTOLD, "history": history}


def newest_row(lake: Lake, company_id: str, job: str | None = None) -> dict[str, Any] | None:
    """The newest good row of a company, of all jobs or of one, with every final column, whatever the files have."""
    jobs = None if job is None else [job]
    parameters = {"id": company_id} | ({} if jobs is None else {"jobs": jobs})
    rows = _ask(lake, lambda newest: f"SELECT * FROM ({newest})", parameters, jobs, one=True)
    return {**dict.fromkeys(STAGE_SCHEMAS["score"].names), **rows[0]} if rows else None


def _failed_row(lake: Lake, company_id: str, jobs: Sequence[str] | None) -> dict[str, Any] | None:
    def read_from(files: Files) -> list[dict[str, Any]]:
        if not files["score"]:
            return []
        of = " AND job_id IN (SELECT unnest($jobs::VARCHAR[]))" if jobs is not None else ""
        rows = run(
            f"SELECT * FROM {parquet(files['score'])} WHERE company_id = $id AND error IS NOT NULL{of} "
            "ORDER BY scored_at DESC LIMIT 1",
            {"id": company_id} | ({} if jobs is None else {"jobs": list(jobs)}),
            schema=STAGE_SCHEMAS["score"],
        )
        look_at_ids(rows)
        return rows

    found = [] if jobs == [] else enduring(lake, lambda: files_of(lake, jobs), read_from)
    return found[0] if found else None


def id_of(named: str) -> str | None:
    """The id of a company that is named by it, by its domain or by an address of it."""
    if COMPANY_ID.match(named):
        return named
    try:
        return parse_company_url(named).company_id
    except InputError:
        return None


def _ask(
    lake: Lake,
    query: Callable[[str], str],
    parameters: Mapping[str, Any],
    jobs: Sequence[str] | None = None,
    *,
    one: bool = False,
    within_s: float | None = None,
) -> list[dict[str, Any]]:
    """Rows of a query over the newest row of each company (`one`: of `$id`; of these jobs)."""

    def read_from(files: Files) -> list[dict[str, Any]]:
        newest = newest_rows(files, one=one, some_jobs=jobs is not None)
        asked = query(newest) if newest else None
        schema = STAGE_SCHEMAS["score"]
        rows = run(asked, parameters, exact="sort_key", schema=schema, within_s=within_s) if asked else []
        look_at_ids([row for row in rows if "company_id" in row])
        return rows

    return enduring(lake, lambda: files_of(lake, jobs), read_from)


def _history(lake: Lake, company_id: str, jobs: Sequence[str] | None = None) -> list[dict[str, Any]]:
    return enduring(lake, lambda: files_of(lake, jobs), lambda files: _history_of(files, company_id))


def _history_of(files_of: Files, company_id: str) -> list[dict[str, Any]]:
    final = ("score", "tier", "model_version", "error_category", "error")
    sources = []
    for rank, (stage, files) in enumerate(files_of.items()):
        if files:
            own = ", ".join(name if stage == "score" else f"NULL AS {name}" for name in final)
            sources.append(
                f"SELECT job_id, '{stage}' AS stage, {STAGES[stage]} AS \"at\", quality, {own}, {rank} AS stage_rank "
                f"FROM {parquet(files)} WHERE company_id = $id"
            )
    if not sources:
        return []
    query = " UNION ALL BY NAME ".join(sources)
    furthest = "QUALIFY row_number() OVER (PARTITION BY job_id ORDER BY stage_rank) = 1"
    return run(
        f'SELECT * EXCLUDE (stage_rank) FROM ({query}) {furthest} ORDER BY "at" DESC LIMIT {_HISTORY}',
        {"id": company_id},
    )
