"""Companies of the lake: the newest row of each, filtered and paged, and one with its history."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.lake_rows import run
from data.damage import enduring, look_at_ids
from data.lake import Lake, partition_of
from data.parts import parse_name
from data.schemas import MADE_AT, STAGE_SCHEMAS
from leadmill.declared import ROW_STAGES
from leadmill.errors import InputError, NotFoundError
from leadmill.ids import COMPANY_ID
from pipelines.views import cursors
from reports.rows import parquet

#: Part files of each stage.
Files = Mapping[str, Sequence[Path]]

MAX_PAGE = 200
_HISTORY = 100
#: What sorts a list, exactly as it is: a rounded score would skip rows. Reach orders those of one score (as a part of a
#: point that no score differs by); no score sorts last.
_SORT = "CASE WHEN isfinite(score) THEN score + coalesce(CASE WHEN isfinite(reach) THEN reach END, 0) / 1e6 ELSE -1 END"
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


@dataclass(frozen=True)
class CompanyFilter:
    """Which companies; None and empty match all. Texts compare without case."""

    country: str | None = None
    tier: str | None = None
    industry: str | None = None
    technology: str | None = None
    min_score: float | None = None
    #: Part of name, domain or description.
    text: str = ""


def company_page(
    lake: Lake, wanted: CompanyFilter, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Newest rows, best score first, and the cursor of the next page.

    Raises:
        InputError: not a cursor of ours.
    """
    after = _read_cursor(cursor) if cursor else None
    conditions, parameters = _conditions(wanted)
    if after:
        score, company = after
        conditions.append(f"({_SORT} < $at OR ({_SORT} = $at AND company_id > $after))")
        parameters |= {"at": score, "after": company}
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    rows = _ask(
        lake,
        lambda newest: (
            f"SELECT {', '.join(SHORT)}, seen_at, {_SORT} AS sort_score FROM ({newest}) {where} "
            f"ORDER BY sort_score DESC, company_id LIMIT {limit + 1:d}"
        ),
        parameters,
    )
    sorts = [row.pop("sort_score") for row in rows]
    more = len(rows) > limit
    following = cursors.encode_key(sorts[limit - 1], rows[limit - 1]["company_id"]) if more else None
    return [row | _UNTOLD for row in rows[:limit]], following


def company(lake: Lake, company_id: str) -> dict[str, Any]:
    """The whole newest row of a company (with its facts), and `history`: its rows, newest first.

    Raises:
        NotFoundError: no such company.
    """
    known = COMPANY_ID.match(company_id)
    rows = _ask(lake, lambda newest: f"SELECT * FROM ({newest})", {"id": company_id}, one=True) if known else []
    if not rows:
        raise NotFoundError(f"no company {company_id[:60]!r}")
    row = {name: value for name, value in rows[0].items() if name not in NOT_TOLD}
    return {**row, **_UNTOLD, "history": _history(lake, company_id)}


def _ask(
    lake: Lake, query: Callable[[str], str], parameters: Mapping[str, Any], *, one: bool = False
) -> list[dict[str, Any]]:
    """Rows of a query over the newest row of each company (`one`: of `$id`)."""

    def read_from(files: Files) -> list[dict[str, Any]]:
        newest = _newest(files, one=one)
        rows = run(query(newest), parameters, exact="sort_score", schema=STAGE_SCHEMAS["score"]) if newest else []
        look_at_ids(rows)
        return rows

    return enduring(lake, lambda: _files(lake), read_from)


def _newest(files: Files, *, one: bool) -> str | None:
    """A query of the newest good row of each company (of `$id`), scored ones before others; None: no rows at all."""
    sources = []
    for rank, (stage, at) in enumerate(_STAGES.items()):
        if files[stage]:
            only = " AND company_id = $id" if one else ""
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
    """No rows of every final column, so that each exists whatever stages there are."""
    return (
        "SELECT NULL::VARCHAR AS company_id, NULL::VARCHAR AS industry, NULL::VARCHAR[] AS technologies, "
        "NULL::INTEGER AS employees_min, NULL::INTEGER AS employees_max, NULL::DOUBLE AS score, NULL::VARCHAR AS tier, "
        "NULL::DOUBLE AS fit, NULL::DOUBLE AS reach, "
        "NULL::DOUBLE AS probability WHERE FALSE"
    )


def _files(lake: Lake) -> dict[str, list[Path]]:
    """Part files of each stage, without those whose rows all went further: a later row holds all of an earlier one."""
    found = {stage: lake.stage_files(stage) for stage in _STAGES}
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


def _conditions(wanted: CompanyFilter) -> tuple[list[str], dict[str, Any]]:
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    for name in ("country", "tier", "industry"):
        if value := getattr(wanted, name):
            conditions.append(f"lower({name}) = ${name}")
            parameters[name] = value.lower()
    if wanted.technology:
        conditions.append("list_contains([lower(t) FOR t IN technologies], $technology)")
        parameters["technology"] = wanted.technology.lower()
    if wanted.min_score is not None:
        conditions.append("score >= $min_score")
        parameters["min_score"] = wanted.min_score
    if wanted.text:
        conditions.append("contains(lower(concat_ws(' ', name, domain, description)), $text)")
        parameters["text"] = wanted.text.lower()
    return conditions, parameters


def _read_cursor(text: str) -> tuple[float, str]:
    score, company_id = cursors.decode_key(text, float, str)
    if not COMPANY_ID.match(company_id):
        raise InputError(cursors.REFUSED, field="cursor")
    return float(score), company_id


def _history(lake: Lake, company_id: str) -> list[dict[str, Any]]:
    return enduring(lake, lambda: _files(lake), lambda files: _history_of(files, company_id))


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
