"""Companies of the lake: the newest row of each, filtered and paged, and one with its history."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.lake_rows import first_page, run
from data.damage import enduring, look_at_ids
from data.duck import connection
from data.lake import Lake, partition_of
from data.parts import parse_name
from data.schemas import FACTS, MADE_AT, STAGE_SCHEMAS
from leadmill.declared import ROW_STAGES
from leadmill.errors import InputError, NotFoundError
from leadmill.ids import COMPANY_ID, parse_company_url
from pipelines.views import cursors
from reports.lead_filter import LeadFilter
from reports.rows import parquet, sql_type

#: Part files of each stage.
Files = Mapping[str, Sequence[Path]]

MAX_PAGE = 200
_HISTORY = 100
#: Stages whose rows describe a company, best first, with the time that orders them.
_STAGES = {stage: MADE_AT[stage] for stage in reversed(ROW_STAGES) if stage != "scrape"}
#: Columns of a list; the whole row is told for one company.
SHORT = (
    "company_id", "domain", "url", "name", "description", "emails", "phones", "country", "language", "industry",
    "technologies", "employees_min", "employees_max", "quality", "score", "tier", "fit", "reach", "probability",
    "job_id",
)  # fmt: skip
#: What was once made of the score, and said no more than that: kept as a field, told of no row.
_UNTOLD = {"probability": None}
#: Columns of a row that are not told of a company: what a list says of it belongs to the job that was given the list.
NOT_TOLD = frozenset({"stage_rank", "filename", "input"})


#: Fields whose values can be counted; of a list each value counts.
FACETS = ("tier", "country", "language", "industry", "technologies")
#: Counting looks at every company, and is given up after so long.
FACETS_S = 5.0
_RANKED = ("score", "reach", "quality")
#: How a list is sorted (`reports.final_rows.RANKED`), as one key that ascends; exact, for a rounded one skips rows.
_KEY = f"({', '.join(f'-(CASE WHEN isfinite({name}) THEN {name} ELSE -1 END)::DOUBLE' for name in _RANKED)}, domain)"


@dataclass(frozen=True)
class CompanyFilter:
    """Which companies; what is left out matches all."""

    lead: LeadFilter = field(default_factory=LeadFilter)
    #: Only rows of these jobs count; None: of all.
    jobs: Sequence[str] | None = None
    #: A registrable domain.
    domain: str | None = None

    def conditions(self) -> tuple[str, dict[str, Any]]:
        """What the newest row has to meet, as SQL, and the parameters of it and of the rows that count."""
        found, values = self.lead.conditions()
        if self.domain is not None:
            found.append("domain = $domain")
            values["domain"] = self.domain
        if self.jobs is not None:
            values["jobs"] = list(self.jobs)
        return " AND ".join(found) or "true", values


def company_page(
    lake: Lake, wanted: CompanyFilter, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Newest rows, best first, and the cursor of the next page.

    Raises:
        InputError: not a cursor of ours.
    """
    after = cursors.decode_key(cursor, float, float, float, str) if cursor else None
    matches, parameters = wanted.conditions()
    if after:
        parameters |= zip(("score", "reach", "quality", "after"), after, strict=True)
    behind = "WHERE sort_key > ($score::DOUBLE, $reach::DOUBLE, $quality::DOUBLE, $after)" if after else ""
    rows = _ask(
        lake,
        lambda newest: (
            f"SELECT * FROM (SELECT {', '.join(SHORT)}, seen_at, {_KEY} AS sort_key FROM ({newest}) WHERE {matches}) "
            f"{behind} ORDER BY sort_key LIMIT {limit + 1:d}"
        ),
        parameters,
        wanted.jobs,
    )
    shown, following = first_page(rows, limit)
    return [row | _UNTOLD for row in shown], following


def facets(lake: Lake, wanted: CompanyFilter, fields: Sequence[str], limit: int) -> dict[str, Any]:
    """How many companies match, and of each field its most frequent values with the number of companies.

    Raises:
        UnavailableError: counting took longer than `FACETS_S`.
    """
    matches, parameters = wanted.conditions()

    def counted(newest: str) -> str:
        values = (
            f"SELECT '{field}' AS field, value, count(*) AS companies FROM (SELECT "
            f"{f'unnest(list_distinct({field}))' if field == 'technologies' else field} AS value FROM found) "
            f"WHERE value IS NOT NULL GROUP BY value ORDER BY companies DESC, value LIMIT {limit:d}"
            for field in fields
        )
        each = " UNION ALL ".join(f"({query})" for query in values)
        return (
            f"WITH found AS MATERIALIZED (SELECT {', '.join(FACETS)} FROM ({newest}) WHERE {matches}) "
            f"SELECT NULL AS field, NULL AS value, count(*) AS companies FROM found UNION ALL {each}"
        )

    rows = _ask(lake, counted, parameters, wanted.jobs, within_s=FACETS_S)
    return {
        "companies": next((row["companies"] for row in rows if row["field"] is None), 0),
        "facets": {
            field: [{name: row[name] for name in ("value", "companies")} for row in rows if row["field"] == field]
            for field in fields
        },
    }


def company(lake: Lake, named: str) -> dict[str, Any]:
    """The whole newest row of a company (with its facts), and `history`: its rows, newest first.

    `named` is its id, its domain or an address of it.

    Raises:
        NotFoundError: no such company.
    """
    known = id_of(named)
    found = newest_row(lake, known) if known else None
    if found is None:
        raise NotFoundError(f"no company {named[:60]!r}")
    row = {name: value for name, value in found.items() if name not in NOT_TOLD}
    return {**row, **_UNTOLD, "history": _history(lake, found["company_id"])}


def newest_row(lake: Lake, company_id: str, job: str | None = None) -> dict[str, Any] | None:
    """The whole newest good row of a company, of all jobs or of one."""
    jobs = None if job is None else [job]
    parameters = {"id": company_id} | ({} if jobs is None else {"jobs": jobs})
    rows = _ask(lake, lambda newest: f"SELECT * FROM ({newest})", parameters, jobs, one=True)
    return rows[0] if rows else None


def failed_row(lake: Lake, company_id: str, job: str | None = None) -> dict[str, Any] | None:
    """The newest final row that says why a company has no good one, of all jobs or of one."""

    def read_from(files: Files) -> list[dict[str, Any]]:
        if not files["score"]:
            return []
        of = " AND job_id = $job" if job else ""
        rows = run(
            f"SELECT * FROM {parquet(files['score'])} WHERE company_id = $id AND error IS NOT NULL{of} "
            "ORDER BY scored_at DESC LIMIT 1",
            {"id": company_id} | ({"job": job} if job else {}),
            schema=STAGE_SCHEMAS["score"],
        )
        look_at_ids(rows)
        return rows

    found = enduring(lake, lambda: files_of(lake, None if job is None else [job]), read_from)
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


def newest_rows(files: Files, *, one: bool = False, some_jobs: bool = False) -> str | None:
    """A query of the newest good row of each company (of `$id`), scored ones before others; None: no rows at all.

    `some_jobs`: only rows of `$jobs` count.
    """
    sources = []
    for rank, (stage, at) in enumerate(_STAGES.items()):
        if files[stage]:
            only = " AND company_id = $id" if one else ""
            only += " AND job_id IN (SELECT unnest($jobs::VARCHAR[]))" if some_jobs else ""
            good = "error IS NULL" if stage == "score" else "TRUE"
            sources.append(
                f"SELECT *, {rank} AS stage_rank, {at} AS seen_at FROM {parquet(files[stage])} WHERE {good}{only}"
            )
    if not sources:
        return None
    # One file of each stage's full schema is not needed: a missing column is filled with nulls by name.
    union = " UNION ALL BY NAME ".join([_columns(), *sources])
    return (
        f"SELECT * FROM ({union}) WHERE company_id IS NOT NULL "
        "QUALIFY row_number() OVER (PARTITION BY company_id ORDER BY stage_rank, seen_at DESC, job_id DESC) = 1"
    )


def _columns() -> str:
    """No rows of every final column, so that each exists whatever stages there are, facts with all their parts."""
    facts = sql_type(connection(), FACTS)
    return (
        f"SELECT NULL::{facts} AS facts, NULL::{facts} AS candidates, "
        "NULL::VARCHAR AS company_id, NULL::VARCHAR AS industry, NULL::VARCHAR[] AS technologies, "
        "NULL::INTEGER AS employees_min, NULL::INTEGER AS employees_max, NULL::DOUBLE AS score, NULL::VARCHAR AS tier, "
        "NULL::DOUBLE AS fit, NULL::DOUBLE AS reach, NULL::DOUBLE AS probability, NULL::FLOAT AS quality, "
        "NULL::VARCHAR AS country, NULL::VARCHAR AS language WHERE FALSE"
    )


def files_of(lake: Lake, jobs: Sequence[str] | None = None) -> dict[str, list[Path]]:
    """Part files of each stage, without those whose rows all went further: a later row holds all of an earlier one."""
    if jobs is None:
        found = {stage: lake.stage_files(stage) for stage in _STAGES}
    else:  # a snapshot has the newest rows, which may be another job's: the job's own files come first
        found = {
            stage: [*(file for job in jobs for file in lake.parts(job, stage)), *lake.snapshot_files(stage)]
            for stage in _STAGES
        }
    ended = {_job_of(file): _written(lake, file) for file in found["score"] if not _compacted(file)}
    later, *chain = (stage for stage in _STAGES if stage != "score")
    # The score holds every company that had a row of the stage before it; a resume may have made more since.
    left = {
        "score": found["score"],
        later: [f for f in found[later] if _compacted(f) or _written(lake, f) > ended.get(_job_of(f), 0)],
    }
    for stage in chain:
        further = {(_job_of(file), partition_of(file)) for file in found[later] if not _compacted(file)}
        left[stage] = [file for file in found[stage] if _compacted(file) or not _went_on(lake, file, later, further)]
        later = stage
    return left


def _went_on(lake: Lake, part: Path, later: str, further: set[tuple[str, int]]) -> bool:
    """Whether every company of a part has a row of the later stage: its partition went on, and no company in it failed
    there.
    """
    place = _job_of(part), partition_of(part)
    return place in further and partition_of(part) not in _failed_at(lake, later, part)


def _failed_at(lake: Lake, later: str, part: Path) -> set[int]:
    """Partitions of the part's job in which some company has an error of the later stage."""
    names = lake.storage.names(part.parent.parent / later / "errors")
    return {failed.partition for name in names if (failed := parse_name(name))}


def _compacted(file: Path) -> bool:
    return file.name.startswith("snapshot-")


def _written(lake: Lake, file: Path) -> int:
    """When a file was written (ns, Unix); 0 for one that was replaced or cleaned up in this moment."""
    state = lake.storage.stat(file)
    return state.modified_ns if state else 0


def _job_of(file: Path) -> str:
    return file.parent.parent.name


def _history(lake: Lake, company_id: str) -> list[dict[str, Any]]:
    return enduring(lake, lambda: files_of(lake), lambda files: _history_of(files, company_id))


def _history_of(files_of: Files, company_id: str) -> list[dict[str, Any]]:
    final = ("score", "tier", "model_version", "error_category", "error")
    sources = []
    for rank, (stage, files) in enumerate(files_of.items()):
        if files:
            own = ", ".join(name if stage == "score" else f"NULL AS {name}" for name in final)
            sources.append(
                f"SELECT job_id, '{stage}' AS stage, {_STAGES[stage]} AS \"at\", quality, {own}, {rank} AS stage_rank "
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
