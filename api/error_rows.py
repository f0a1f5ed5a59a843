"""What failed in a job: the error parts of every stage, the plan's refused lines, and units set aside."""
# ruff: noqa: S608  reports.rows quotes the paths; nothing else of a caller's gets into a query

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from api.lake_rows import first_page, run
from data.damage import DamagedPartError, enduring
from data.duck import connection
from data.job_files import JobFiles
from data.lake import Lake, partition_of
from data.schemas import ERRORS, STAGE_SCHEMAS
from leadmill.declared import ROW_STAGES
from leadmill.errors import ErrorCategory, ErrorCode
from pipelines.views import cursors
from pipelines.views.causes import GivenUp
from reports.rows import parquet, select_rows

MAX_PAGE = 1_000
#: Columns of an error row, in the order they are told.
_COLUMNS = 'company_id, domain, url, scope, stage, category, error, status, code, line, deferred_until, "at"'
#: Of which partition an error part is.
_PARTITION = r"regexp_extract(filename, 'part-(\d+)-[^/]*$', 1)::INTEGER"
_LATER = "deferred_until IS NOT NULL"
#: What is told of final rows; a part of an older version, or of somebody else, may lack some of it.
_SCORED = pa.schema(
    STAGE_SCHEMAS["score"].field(column)
    for column in ("company_id", "domain", "url", "error", "error_category", "error_code", "scored_at")
)

#: What sorts the rows: when (refused lines have no time: first), company, line, and a digest of all that is told.
_KEY = f"""(
    coalesce(epoch_us("at"), 0), coalesce(company_id, ''), coalesce(line, 0)::BIGINT,
    md5(to_json(row({_COLUMNS}))::VARCHAR)
)"""


def error_page(
    lake: Lake,
    job: JobFiles,
    limit: int,
    cursor: str | None = None,
    given_up: Callable[[], list[GivenUp]] = list,
    code: ErrorCode | None = None,
) -> tuple[list[dict[str, Any]], str | None]:
    """Rows of a job's errors, oldest first, and the cursor of the next page.

    `given_up` gives the partitions that failed as a whole (pipelines.views.causes), of a job without final rows; with
    a `code` there are only rows that have it.

    A company's error of an earlier attempt is left out once a later one gave it a good row, and that its host said
    "later" once it was asked again, or the partition that was to do so failed.

    Raises:
        NotFoundError: not a job id.
        InputError: not a cursor of ours.
    """
    after = cursors.decode_key(cursor, int, str, int, str) if cursor else None
    try:
        return enduring(lake, lambda: _files(lake, job), lambda files: _page(files, limit, after, given_up, code))
    except DamagedPartError as error:
        if error.file != job.plan_path():
            raise
    # It is told and noted; what the other files say is said without it.
    return enduring(
        lake, lambda: {**_files(lake, job), "plan": []}, lambda files: _page(files, limit, after, given_up, code)
    )


def _files(lake: Lake, job: JobFiles) -> dict[str, list[Path]]:
    plan = job.plan_path()
    return {
        "plan": [plan] if lake.storage.stat(plan) is not None else [],
        "errors": [file for stage in ROW_STAGES for file in job.parts(stage, "errors")],
        "scrape": job.parts("scrape"),
        "score": job.parts("score"),
    }


def _page(
    files: Mapping[str, Sequence[Path]],
    limit: int,
    after: tuple[Any, ...] | None,
    given_up: Callable[[], list[GivenUp]],
    code: ErrorCode | None,
) -> tuple[list[dict[str, Any]], str | None]:
    sources = []
    parameters: dict[str, Any] = {}
    cursor = connection().cursor()
    if files["plan"]:
        sources.append(
            "SELECT company_id, domain, url, 'company' AS scope, 'launch' AS stage, error_category AS category, error, "
            'NULL AS status, NULL AS code, line, NULL::TIMESTAMPTZ AS deferred_until, NULL::TIMESTAMPTZ AS "at" '
            f"FROM {parquet(files['plan'])} WHERE error IS NOT NULL"
        )
    lost = given_up() if files["plan"] and not files["score"] else []
    if files["errors"]:
        errors = select_rows(cursor, files["errors"], ERRORS, more=f"{_PARTITION} AS place")
        if files["plan"] and cursor.execute(f"SELECT 1 FROM ({errors}) WHERE {_LATER} LIMIT 1").fetchone():
            errors = _without_those_asked_again(errors, files["plan"])
            asked = {partition_of(part) for part in (*files["scrape"], *files["errors"])}
            asked |= {one["partition"] for one in lost if one["category"] != ErrorCategory.DEADLINE}
            parameters["asked"] = sorted(asked)
        sources.append(f"SELECT * EXCLUDE place FROM ({errors})")
    query = " UNION ALL BY NAME ".join(f"({source})" for source in sources)
    if files["score"]:
        query = _with_scores(query, select_rows(cursor, files["score"], _SCORED))
    if not query:
        return [], None
    if lost:
        query = _with_given_up(query, files["plan"])
        parameters["lost"] = lost
    if after:
        parameters |= zip(("at", "company", "line", "digest"), after, strict=True)
    wanted = ["sort_key > ($at::BIGINT, $company, $line::BIGINT, $digest)"] if after else []
    if code is not None:
        wanted.append("code = $code")
        parameters["code"] = code.value
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    rows = run(
        f"SELECT * FROM (SELECT DISTINCT {_COLUMNS}, {_KEY} AS sort_key FROM ({query})) "
        f"{where} ORDER BY sort_key LIMIT {limit + 1:d}",
        parameters,
        exact="sort_key",
    )
    return first_page(rows, limit)


def _without_those_asked_again(errors: str, plan: Sequence[Path]) -> str:
    """Error rows but those of companies left for later whose partition now is another one, one in `$asked`."""
    return (
        f'SELECT told.* FROM ({errors}) AS told ANTI JOIN (SELECT company_id, "partition" FROM {parquet(plan)} '
        'WHERE error IS NULL AND "partition" IN (SELECT unnest($asked::INTEGER[]))) AS again '
        f"ON again.company_id = CASE WHEN told.{_LATER} THEN told.company_id END "
        'AND again."partition" <> told.place'
    )


def _with_given_up(query: str, plan: Sequence[Path]) -> str:
    """Companies of the partitions in `$lost` that nothing else tells of."""
    return (
        f'WITH told AS ({query}), lost AS (SELECT unnest($lost::STRUCT("partition" INTEGER, stage VARCHAR, '
        "category VARCHAR, error VARCHAR)[], recursive := true)) SELECT * FROM told UNION ALL BY NAME "
        "(SELECT company_id, domain, url, 'company' AS scope, lost.stage, lost.category, lost.error, NULL AS status, "
        'NULL AS code, line, NULL::TIMESTAMPTZ AS deferred_until, NULL::TIMESTAMPTZ AS "at" '
        f"FROM {parquet(plan)} AS plan "
        'JOIN lost ON lost."partition" = plan."partition" '
        "WHERE plan.error IS NULL AND company_id NOT IN "
        "(SELECT company_id FROM told WHERE scope = 'company' AND company_id IS NOT NULL))"
    )


def _with_scores(query: str, scored: str) -> str:
    """Final rows know best which companies failed, and of units that were set aside only they tell."""
    final = f"({scored})"
    lost = (
        "SELECT company_id, domain, url, 'company' AS scope, 'score' AS stage, "
        f"coalesce(error_category, '{ErrorCategory.DATA}') AS category, error, "
        "NULL AS status, error_code AS code, NULL AS line, "
        'NULL::TIMESTAMPTZ AS deferred_until, scored_at AS "at" '
        f"FROM {final} WHERE error IS NOT NULL"
    )
    if not query:
        return lost
    return (
        f"WITH told AS ({query}), good AS (SELECT company_id FROM {final} WHERE error IS NULL) "
        "SELECT * FROM told WHERE scope <> 'company' OR company_id IS NULL "
        "OR company_id NOT IN (SELECT company_id FROM good) UNION ALL BY NAME "
        f"({lost} AND company_id NOT IN "
        "(SELECT company_id FROM told WHERE scope = 'company' AND company_id IS NOT NULL))"
    )
