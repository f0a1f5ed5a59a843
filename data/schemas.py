"""Every column of the lake, once: the Arrow schema of each stage's good rows, of pages, errors and plan.

A stage's rows hold all columns of the stage before and add their own, so that `score` holds the final
columns in the order of the design. Times are UTC, microseconds. `SCHEMA_VERSION` is written into each
row; adding a column keeps it, changing the meaning of one raises it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from data.cleaning import Refused, fitting_table

SCHEMA_VERSION = 1

TIME = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())
ADDRESS = pa.struct(
    [(name, pa.string()) for name in ("street", "city", "region", "postcode", "country")],
)
FACT = pa.struct(
    [
        ("field", pa.string()),
        ("value", pa.string()),
        ("source", pa.string()),
        ("page_hash", pa.string()),
        ("method", pa.string()),
        ("confidence", pa.float32()),
        ("seen_at", TIME),
    ]
)
CONTRIBUTION = pa.struct(
    [("rule", pa.string()), ("axis", pa.string()), ("points", pa.float64()), ("reason", pa.string())]
)

#: What names a company, in every table.
IDENTITY = [
    pa.field("company_id", pa.string(), False),
    pa.field("domain", pa.string(), False),
    pa.field("url", pa.string()),
]
#: What ends every table.
ORIGIN = [pa.field("job_id", pa.string(), False), pa.field("schema_version", pa.int16(), False)]

#: Final columns in their order, each with the stage that fills it first.
_COLUMNS: list[tuple[str, str, pa.DataType]] = [
    ("name", "process", pa.string()),
    ("legal_name", "process", pa.string()),
    ("description", "process", pa.string()),
    ("emails", "process", TEXTS),
    ("phones", "process", TEXTS),
    ("fax", "process", TEXTS),
    ("address", "process", ADDRESS),
    ("country", "process", pa.string()),
    ("language", "process", pa.string()),
    ("social", "process", pa.map_(pa.string(), pa.string())),
    ("industry", "enrich", pa.string()),
    ("technologies", "enrich", TEXTS),
    ("employees_min", "enrich", pa.int32()),
    ("employees_max", "enrich", pa.int32()),
    ("founded", "process", pa.int16()),
    ("logo_url", "process", pa.string()),
    ("careers_url", "process", pa.string()),
    ("pricing_url", "process", pa.string()),
    ("contact_url", "process", pa.string()),
    ("pages", "scrape", pa.int32()),
    ("facts", "process", pa.list_(FACT)),
    ("quality", "process", pa.float32()),
    ("score", "score", pa.float64()),
    ("tier", "score", pa.string()),
    ("probability", "score", pa.float64()),
    ("contributions", "score", pa.list_(CONTRIBUTION)),
    ("model_version", "score", pa.string()),
    ("error_category", "score", pa.string()),
    ("error", "score", pa.string()),
    ("scraped_at", "scrape", TIME),
    ("processed_at", "process", TIME),
    ("enriched_at", "enrich", TIME),
    ("scored_at", "score", TIME),
]

_ORDER = ("scrape", "process", "enrich", "score")


def _stage_schema(stage: str) -> pa.Schema:
    known = _ORDER[: _ORDER.index(stage) + 1]
    own = [pa.field(name, kind) for name, first, kind in _COLUMNS if first in known]
    return pa.schema([*IDENTITY, *own, *ORIGIN])


#: Good rows of each stage, one a company. `scrape` says that and when pages were fetched; `pages` counts them.
STAGE_SCHEMAS: dict[str, pa.Schema] = {stage: _stage_schema(stage) for stage in _ORDER}

#: When a stage made a row: the column by which the newest of a company is told.
MADE_AT = {"scrape": "scraped_at", "process": "processed_at", "enrich": "enriched_at", "score": "scored_at"}

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
        pa.field("line", pa.int32()),
        pa.field("at", TIME, False),
        *ORIGIN,
    ]
)

#: Company → partition, written by launch. `source_job` names the job whose rows a job without scrape reads.
PLAN = pa.schema(
    [
        *IDENTITY,
        pa.field("bare", pa.bool_(), False),  # the caller named no scheme
        pa.field("partition", pa.int32()),  # None: failed at launch (`error` says why)
        pa.field("source_job", pa.string()),
        pa.field("error_category", pa.string()),
        pa.field("error", pa.string()),
        pa.field("line", pa.int32()),
        *ORIGIN,
    ]
)


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
