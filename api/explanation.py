"""Why a company's row says what it says of one field: its facts, what was not taken, the pages of an empty one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from api.company_files import places, rows_of
from api.company_rows import Companies, id_of
from data.lake import Lake
from data.parts import PartKind
from data.schemas import MADE_AT, STAGE_SCHEMAS
from extraction.enrichers import ENRICHERS
from leadmill.declared import ROW_STAGES
from leadmill.errors import InputError, NotFoundError
from leadmill.fact_fields import is_of
from leadmill.suggest import unknown
from pipelines.views.view import API
from reports.provenance import how, place, why_not_taken, why_taken

Row = Mapping[str, Any]

#: Pages told of a field that is empty, and what is wrong with them.
MAX_PAGES = 50
#: Columns that no fact speaks of, and what fills them.
_MADE = {
    "company_id": "the first 16 hex digits of the domain's SHA-256",
    "domain": "the registrable domain of the address that was given",
    "url": "where the home page was found, after redirects",
    "alias": "another domain that the home page led to, and that is the company's since",
    "pages": "how many pages of the site were fetched",
    "quality": "how much was found: each filled field counts by its weight and its confidence",
    "score": "by the rules of the model; `contributions` of the company has each one's points and reason",
    "tier": "by the score; `contributions` of the company has each rule's points and reason",
    "fit": "by the rules of the profile; `contributions` of the company has each one's points and reason",
    "reach": "by the rules that speak of contacts; `contributions` of the company has each one's points and reason",
    "probability": "nothing fills it yet",
    "contributions": "what each rule of the model added to the score, or took from it",
    "model_version": "the model by whose rules it was scored",
    "error_category": "what kind of error left no good row",
    "error": "why there is no good row",
    "error_code": "what stands in the company's place: a parked domain, a bot wall and the like",
    "job_id": "the job that made the row",
    "schema_version": "the version of the columns",
    **{column: f"when stage {stage} was done with the company" for stage, column in MADE_AT.items()},
}
#: What is said of a column that is empty and no page fills.
_OF_EMPTY = {
    **_MADE,
    "error_category": "the row is good: nothing went wrong",
    "error": "the row is good: nothing went wrong",
    "alias": "the site was found on the domain that was given",
    "error_code": "nothing is known to stand in the company's place",
    "fit": "the job had no ideal customer profile",
}
#: What holds the evidence of all fields; and what belongs to the job that was given a list.
_NO_FIELDS = ("facts", "candidates", "input")


def columns() -> list[str]:
    """Every column that can be explained, in the lake's order."""
    return [name for name in STAGE_SCHEMAS["score"].names if name not in _NO_FIELDS]


def explain(companies: Companies, named: str, field: str, job: str | None = None) -> dict[str, Any]:
    """The explanation of one field of a company (`leadmill.answers.Explanation`).

    Args:
        named: its id, its domain or an address of it.
        field: a column, or the field of a fact: `email`, `technology`, `social:linkedin`, a plug-in's own.
        job: only rows of this job count.

    Raises:
        InputError: there is no such field; the message names those that there are.
        NotFoundError: nothing is known of such a company (in this job).
    """
    company_id = id_of(named)
    row = (companies.newest_row(company_id, job) or companies.failed_row(company_id, job)) if company_id else None
    facts, others = (_of_field(row, kind, field) if row else [] for kind in ("facts", "candidates"))
    column = field if field in columns() else next((column for column in columns() if is_of(field, column)), None)
    if column is None and not facts and not others:
        fields = {fact["field"] for fact in (row or {}).get("facts") or ()}
        raise InputError(_no_field(field, fields), field="field")
    if row is None:
        raise NotFoundError(f"nothing is known of {named[:60]!r}{f' in job {job}' if job else ''}: it was never read")
    value = row.get(field) if field == column else [fact["value"] for fact in facts]
    state = _state(companies.lake, row, column, None if not facts and _is_default(column, value) else value)
    if state["state"] == "found":
        state["told"] = _MADE.get(field, _found(row, facts))
    taken, left = evidence(row, field)
    return {
        **{name: row[name] for name in ("company_id", "domain", "job_id")},
        "field": field,
        "value": value,
        **state,
        "facts": taken,
        "candidates": left,
        "links": {"company": f"{API}/companies/{row['company_id']}", "job": f"{API}/jobs/status/{row['job_id']}"},
    }


def evidence(row: Row, field: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The facts of a field of a row, and what was read and not taken (`leadmill.answers.Evidence`), as `explain`."""
    facts, others = (_of_field(row, kind, field) for kind in ("facts", "candidates"))
    return (
        [_evidence(fact, why_taken(fact, others)) for fact in facts],
        [_evidence(other, why_not_taken(other, facts)) for other in others],
    )


def crawl_of(lake: Lake, row: Row) -> str:
    """The job whose crawl read the pages that a row was made of."""
    return next((job_id for job_id, _ in reversed(places(lake, row))), str(row["job_id"]))


def _no_field(field: str, of_facts: set[str]) -> str:
    """What is said of a field that there is not: that it is part of a column, or what there is."""
    whole = next((one.name for one in STAGE_SCHEMAS["score"] if field in _parts(one.type)), None)
    return f"{field!r} is a part of {whole!r}" if whole else unknown("field", field, of_facts.union(columns()))


def _parts(kind: pa.DataType) -> set[str]:
    """Names of the parts of a struct."""
    return {one.name for one in kind} if pa.types.is_struct(kind) else set()


def _of_field(row: Row, kind: str, field: str) -> list[Row]:
    return [fact for fact in row.get(kind) or () if fact["field"] == field or is_of(fact["field"], field)]


def _evidence(fact: Row, why: str) -> dict[str, Any]:
    return {**fact, "how": how(fact["method"]), "place": place(fact), "why": why}


def _state(lake: Lake, row: Row, column: str | None, value: Any) -> dict[str, Any]:
    """What became of the field: `state`, the sentence `told`; of an empty one the pages that were read, and errors."""
    if value not in (None, "", [], {}):
        return {"state": "found", "told": "", "pages": [], "errors": []}
    stage = stage_of(column)
    of_pages = stage != "score" or row.get("error")
    errors, pages = (_errors(lake, row), [*_pages(lake, row)]) if of_pages else ([], [])
    culprits = [error for error in errors if error["scope"] == "company" or fills(error, column)]
    made = row.get(MADE_AT[stage])
    if row.get("error"):
        state, told = "failed", row["error"]
    elif culprits and (made is None or culprits[0]["scope"] == "page"):
        state, told = "failed", culprits[0]["error"]
    elif made is None:
        state, told = "not_tried", f"stage {stage} has made no row of this company"
    else:
        state, told = "not_found", _OF_EMPTY.get(column or "") or _nowhere(column, pages, errors)
    return {"state": state, "told": told, "pages": pages, "errors": errors}


def _nowhere(column: str | None, pages: Sequence[Row], errors: Sequence[Row]) -> str:
    """What is said of a field that no page gave a value for."""
    unread = len({error["url"] for error in errors if error["scope"] == "page" and error["url"]})
    on = f"the {len(pages)} pages that were read" if len(pages) > 1 else "the only page that was read"
    value = "a number with right check digits" if column == "vat_id" else "a value"
    told = f"nothing on {on} gave {value}" if pages else "no page gave a value; they are no longer kept"
    return told + (f"; {unread} could not be read" if unread else "")


def _found(row: Row, facts: Sequence[Row]) -> str:
    if row.get("candidates") is None:
        return "found by a version that kept less evidence: process it again to have more"
    return "found on the pages of its site" if facts else "no page is kept as its source"


def stage_of(column: str | None) -> str:
    """The first stage whose rows have the column; of a fact without one, the last that adds facts."""
    return next((stage for stage in ROW_STAGES if column in STAGE_SCHEMAS[stage].names), "enrich")


def _is_default(column: str | None, value: Any) -> bool:
    """Whether that is what the column holds where its enricher found nothing."""
    return any(column in one.defaults and one.defaults[column] == value for one in ENRICHERS.all().values())


def fills(error: Row, column: str | None) -> bool:
    """Whether the enricher that an error tells of is the one that fills a column."""
    named = str(error["error"]).partition(":")[0]
    enricher = ENRICHERS.all().get(named) if error["stage"] == "enrich" else None
    return enricher is not None and column in enricher.defaults


# ---- pages and errors -----------------------------------------------------------------------------------


def _pages(lake: Lake, row: Row) -> Iterator[dict[str, Any]]:
    wanted = ("final_url", "kind", "status", "page_hash", "fetched_at")
    for job_id, partition in places(lake, row):
        for page in rows_of(lake, lake.parts(job_id, "scrape", "pages", partition), row, wanted)[:MAX_PAGES]:
            yield {"url": page["final_url"], **{name: page[name] for name in wanted[1:]}}


def _errors(lake: Lake, row: Row) -> list[dict[str, Any]]:
    wanted = ("url", "scope", "stage", "category", "error", "status", "at")
    kinds: list[tuple[str, PartKind]] = [(stage, "errors") for stage in ROW_STAGES]
    found = [
        error
        for job_id, partition in places(lake, row)
        for stage, kind in kinds
        for error in rows_of(lake, lake.parts(job_id, stage, kind, partition), row, wanted)
    ]
    return found[:MAX_PAGES]
