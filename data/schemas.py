"""The Arrow schema of each stage's good rows, of pages, errors and plan.

A stage declares its own columns (`leadmill/stages/`). Its rows hold all columns of the stage before and add their own,
so that `score` holds the final columns in the order of the design. Times are UTC, microseconds. `SCHEMA_VERSION` is
written into each row; adding a column keeps it, changing the meaning of one raises it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

import pyarrow as pa

from data.cleaning import Refused, fitting_table
from leadmill.declared import ROW_STAGES, STAGES
from leadmill.errors import ConfigError
from leadmill.stages import Stage

SCHEMA_VERSION = 1

TIME = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())
ADDRESS = pa.struct(
    [(name, pa.string()) for name in ("street", "city", "region", "postcode", "country")],
)
#: An office: an address, and whether it is the one of column `address`.
LOCATION = pa.struct([*ADDRESS, pa.field("head_office", pa.bool_())])
REGISTER = pa.struct([(name, pa.string()) for name in ("number", "court", "country")])
FACT = pa.struct(
    [
        ("field", pa.string()),
        ("value", pa.string()),
        ("source", pa.string()),
        ("page_hash", pa.string()),
        ("method", pa.string()),
        ("confidence", pa.float32()),
        ("seen_at", TIME),
        # Its evidence (leadmill.rows.Fact); null in rows of versions that kept none.
        ("quote", pa.string()),
        ("words", TEXTS),
        ("line", pa.int32()),
        ("node", pa.string()),
        ("why", pa.string()),
    ]
)
FACTS = pa.list_(FACT)
CONTRIBUTION = pa.struct(
    [("rule", pa.string()), ("axis", pa.string()), ("points", pa.float64()), ("reason", pa.string())]
)
#: A line of the input a job was given, with the texts of its other columns by their headers.
INPUT_LINE = pa.struct([("line", pa.int32()), ("values", pa.map_(pa.string(), pa.string()))])

#: What names a company, in every table.
IDENTITY = [
    pa.field("company_id", pa.string(), False),
    pa.field("domain", pa.string(), False),
    pa.field("url", pa.string()),
]
#: What ends every table.
ORIGIN = [pa.field("job_id", pa.string(), False), pa.field("schema_version", pa.int16(), False)]

#: What a declared column may be, beside Arrow's own names (`int32`, `float64`, `bool`).
TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "texts": TEXTS,
    "text by name": pa.map_(pa.string(), pa.string()),
    "time": TIME,
    "address": ADDRESS,
    "register": REGISTER,
    "locations": pa.list_(LOCATION),
    "facts": FACTS,
    "contributions": pa.list_(CONTRIBUTION),
    "input lines": pa.list_(INPUT_LINE),
}


_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")


def _type(stage: Stage, column: str, named: str) -> pa.DataType:
    if not _NAME.match(column):
        raise ConfigError(
            f"stage {stage.name!r}: column {column!r}: a name has lower-case letters, digits, underscores"
        )
    try:
        return TYPES[named] if named in TYPES else pa.type_for_alias(named)
    except (ValueError, TypeError):
        known = ", ".join(TYPES)
        raise ConfigError(f"stage {stage.name!r}: column {column!r}: no type {named!r}; there are: {known}") from None


def final_columns(stages: Sequence[Stage]) -> list[tuple[str, str, pa.DataType]]:
    """All columns in the lake's order, each with the stage that fills it first.

    Behind those that stages declare come those that are found (`more_columns`), and last the times of the stages.

    Raises:
        ConfigError: a type or a place is unknown, or a name is taken.
    """
    found: list[tuple[str, str, pa.DataType]] = []
    for stage in sorted(stages, key=lambda stage: stage.columns_before != ""):  # those with a place of their own last
        names = [name for name, _, _ in found]
        if stage.columns_before and stage.columns_before not in names:
            raise ConfigError(f"stage {stage.name!r}: columns_before: there is no column {stage.columns_before!r}")
        at = names.index(stage.columns_before) if stage.columns_before else len(found)
        found[at:at] = [(name, stage.name, _type(stage, name, kind)) for name, kind in stage.columns.items()]
    for stage in stages:
        more: Mapping[str, str] = resolve_name(stage.more_columns)() if stage.more_columns else {}
        found += [(name, stage.name, _type(stage, name, kind)) for name, kind in more.items()]
    found += [(stage.made_at, stage.name, TIME) for stage in stages]
    first = {field.name: "every table" for field in (*IDENTITY, *ORIGIN)}
    for name, stage_name, _ in found:
        if name in first:
            raise ConfigError(f"column {name!r} is declared twice: by {first[name]} and by stage {stage_name!r}")
        first[name] = f"stage {stage_name!r}"
    return found


_COLUMNS = final_columns([STAGES[name] for name in ROW_STAGES])


def _stage_schema(stage: str) -> pa.Schema:
    known = ROW_STAGES[: ROW_STAGES.index(stage) + 1]
    own = [pa.field(name, kind) for name, first, kind in _COLUMNS if first in known]
    return pa.schema([*IDENTITY, *own, *ORIGIN])


#: Good rows of each stage, one a company.
STAGE_SCHEMAS: dict[str, pa.Schema] = {stage: _stage_schema(stage) for stage in ROW_STAGES}

#: When a stage made a row: the column by which the newest of a company is told.
MADE_AT: dict[str, str] = {stage: STAGES[stage].made_at for stage in ROW_STAGES}

#: Raw pages, apart from the rows so that analytics never reads them.
PAGES = pa.schema(
    [
        *IDENTITY[:2],
        pa.field("url", pa.string(), False),  # as requested
        pa.field("final_url", pa.string(), False),  # after redirects
        pa.field("kind", pa.string(), False),  # home, contact, about, imprint, careers, pricing, team, products, other
        pa.field("depth", pa.int8(), False),
        pa.field("status", pa.int16(), False),
        pa.field("headers", pa.map_(pa.string(), pa.string())),  # lower-case names; cookies by name only
        pa.field("charset", pa.string()),  # from the HTTP header, None when it names none
        pa.field("html", pa.binary(), False),
        pa.field("page_hash", pa.string(), False),  # 16 hex of sha256(html)
        pa.field("fetched_at", TIME, False),
        *ORIGIN,
    ]
)

#: Companies and pages that failed. `url` is the page's where a page failed; `line` the input's line number.
ERRORS = pa.schema(
    [
        pa.field("company_id", pa.string()),
        pa.field("domain", pa.string()),
        pa.field("url", pa.string()),
        pa.field(
            "scope", pa.string(), False
        ),  # company: it has no good row of this stage; page: only a page is missing
        pa.field("stage", pa.string(), False),
        pa.field("category", pa.string(), False),  # leadmill.errors.ErrorCategory
        pa.field("error", pa.string(), False),
        pa.field("status", pa.int16()),  # HTTP status where there was one
        pa.field("code", pa.string()),  # leadmill.errors.ErrorCode; null for any other error
        pa.field("line", pa.int32()),
        pa.field("deferred_until", TIME),  # a company: its host said "later", and the job asks it again then
        pa.field("at", TIME, False),
        *ORIGIN,
    ]
)

#: Persons of a company, asked for by `extract.people`: personal data, and nowhere else in the lake.
PEOPLE = pa.schema(
    [
        *IDENTITY[:2],
        pa.field("person_id", pa.string(), False),  # of this company: a digest of company and name
        pa.field("name", pa.string(), False),
        pa.field("role", pa.string()),  # in the page's words
        pa.field("role_class", pa.string()),  # extraction/job_titles.toml
        pa.field("email", pa.string()),
        pa.field("phone", pa.string()),  # E.164
        pa.field("source", pa.string(), False),  # address of the page
        pa.field("page_hash", pa.string(), False),
        pa.field("method", pa.string(), False),
        pa.field("confidence", pa.float32(), False),
        pa.field("quote", pa.string()),  # the page's own words
        pa.field("seen_at", TIME, False),
        *ORIGIN,
    ],
    metadata={"personal": "yes"},
)

#: What the enrichers saw on a company's pages, for stage enrich (`extraction.looks`).
LOOKS = pa.schema(
    [
        *IDENTITY[:2],
        pa.field("scraped_at", TIME),  # of its row: when the pages were fetched
        # Enricher → the version of it that looked; empty where it saw what cannot be kept.
        pa.field("versions", pa.map_(pa.string(), pa.string()), False),
        pa.field("looks", pa.string(), False),  # JSON
        *ORIGIN,
    ]
)

#: What a crawl asked of hosts, and what it did not ask (`leadmill.rows.LedgerRow`).
LEDGER = pa.schema(
    [
        *IDENTITY[:2],
        pa.field("host", pa.string(), False),
        pa.field("url", pa.string(), False),
        pa.field("kind", pa.string(), False),
        pa.field("at", TIME, False),
        pa.field("outcome", pa.string(), False),
        pa.field("status", pa.int16()),
        pa.field("bytes", pa.int32()),
        pa.field("took_ms", pa.int32()),
        pa.field("robots", pa.string()),
        pa.field("reason", pa.string()),
        *ORIGIN,
    ]
)

#: Rows of other kinds than a stage's own, by kind (`data.parts.PartKind`).
OTHER_SCHEMAS: Mapping[str, pa.Schema] = {
    "errors": ERRORS, "pages": PAGES, "people": PEOPLE, "looks": LOOKS, "ledger": LEDGER
}  # fmt: skip

#: Company → partition, written by launch. `source_job` names the job whose rows a job without scrape reads.
PLAN = pa.schema(
    [
        *IDENTITY,
        pa.field("bare", pa.bool_(), False),  # the caller named no scheme
        pa.field("further", pa.list_(pa.string())),  # URLs on other hosts that were given, too
        pa.field("partition", pa.int32()),  # None: failed at launch (`error` says why)
        pa.field("source_job", pa.string()),
        pa.field("error_category", pa.string()),
        pa.field("error", pa.string()),
        pa.field("line", pa.int32()),
        *ORIGIN,
    ]
)

#: The other columns of the input, written by launch: a line of it, with the company that it names ("": none).
INPUT = pa.schema([pa.field("company_id", pa.string(), False), *INPUT_LINE, *ORIGIN])


def table(
    rows: Iterable[Mapping[str, Any]], schema: pa.Schema, job_id: str, refused: list[Refused] | None = None
) -> pa.Table:
    """Rows as an Arrow table of a schema; missing columns are null, `job_id` and `schema_version` are set.

    Values are cleaned of what the lake cannot hold (data/cleaning.py); a row that still does not fit goes to `refused`.

    Raises:
        pyarrow.ArrowInvalid: a row does not fit, and nobody takes refused ones.
    """
    origin = {"job_id": job_id, "schema_version": SCHEMA_VERSION}
    made, left = fitting_table([{**row, **origin} for row in rows], schema)
    if left and refused is None:
        raise pa.ArrowInvalid(f"column {left[0].column}: {left[0].reason}")
    if refused is not None:
        refused += left
    return made
