"""Pages of the ledger: what crawls asked of a site, and what they did not, from jobs' folders and the months kept."""
# ruff: noqa: S608  what callers give goes in as parameters; reports.rows quotes the paths

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.lake_rows import first_page, run
from data.damage import enduring
from data.lake import Lake
from data.ledger import IDENTITY, job_files, month_files
from data.schemas import LEDGER
from pipelines.views import cursors
from reports.rows import parquet

MAX_PAGE = 1_000
_COLUMNS = ", ".join(f'"{name}"' for name in LEDGER.names if name != "schema_version")
#: The latest first.
_KEY = f"""(-epoch_us("at"), md5(concat_ws('|', {IDENTITY})))"""


@dataclass(frozen=True)
class LedgerFilter:
    """Which entries; what is left out matches all."""

    #: Of the company of this domain, and of this host and those below it.
    domain: str | None = None
    job: str | None = None
    outcomes: Sequence[str] = ()
    #: At or after, ISO-8601.
    since: str | None = None


def ledger_page(
    lake: Lake, wanted: LedgerFilter, limit: int, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Entries, latest first, and the cursor of the next page.

    Raises:
        InputError: not a cursor of ours.
    """
    after = cursors.decode_key(cursor, int, str) if cursor else None
    return enduring(
        lake, lambda: {"ledger": _files(lake, wanted.job)}, lambda files: _page(files, wanted, limit, after)
    )


def _files(lake: Lake, job: str | None) -> list[Path]:
    return [*job_files(lake, None if job is None else [job]), *month_files(lake)]


def _page(
    files: Mapping[str, Sequence[Path]], wanted: LedgerFilter, limit: int, after: tuple[Any, ...] | None
) -> tuple[list[dict[str, Any]], str | None]:
    if not files["ledger"]:
        return [], None
    conditions, parameters = ["host IS NOT NULL", '"at" IS NOT NULL'], dict[str, Any]()
    if wanted.domain is not None:
        conditions.append("(domain = $domain OR host = $domain OR ends_with(host, '.' || $domain))")
        parameters["domain"] = wanted.domain
    if wanted.job is not None:
        conditions.append("job_id = $job")
        parameters["job"] = wanted.job
    if wanted.outcomes:
        conditions.append("list_contains($outcomes, outcome)")
        parameters["outcomes"] = list(wanted.outcomes)
    if wanted.since is not None:
        conditions.append('"at" >= $since::TIMESTAMPTZ')
        parameters["since"] = wanted.since
    once = (
        f"SELECT {_COLUMNS}, {_KEY} AS sort_key FROM {parquet(files['ledger'])} WHERE {' AND '.join(conditions)} "
        f"QUALIFY row_number() OVER (PARTITION BY {IDENTITY}) = 1"
    )
    chosen = "true"
    if after:
        chosen = "sort_key > ($before::BIGINT, $id)"
        parameters |= zip(("before", "id"), after, strict=True)
    rows = run(
        f"SELECT * FROM ({once}) WHERE {chosen} ORDER BY sort_key LIMIT {limit + 1:d}",
        parameters,
        exact="sort_key",
        schema=LEDGER,
    )
    return first_page(rows, limit)
