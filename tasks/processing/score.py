"""The score stage: one row per company of the plan, scored by rules, written by one DuckDB query.

The rules become one bit each of a number (of a group, the number of the first that holds). For many rows the
contributions and points of every number are laid out once in small tables that the rows join: to choose from the rules
in each row takes twice as long (1 M rows × 12 rules). Over few rows it takes less than planning those tables.
"""
# ruff: noqa: S608  the query's parts are literals and names quoted by reports.rows, never a user's text

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

from data.duck import FEW_ROWS
from data.mounts import opened
from data.schemas import CONTRIBUTION, ERRORS, MADE_AT, PLAN, SCHEMA_VERSION, STAGE_SCHEMAS
from leadmill import tracing
from leadmill.errors import ErrorCategory
from pipelines.scoring.conditions import READS
from pipelines.scoring.rules import EXCLUDED, REACH, TIERS, Rule, ScoringModel
from reports.rows import ROW_GROUP, name, present, quote, select_rows, sql_type, with_input_headers
from tasks.input_lines import ALL, IDENTITY, Share, input_lines, repeats
from tasks.planned_companies import Told, each_company, newest

if TYPE_CHECKING:
    import duckdb

__all__ = ["ScoreResult", "score_leads"]

#: At most so many rules share one table of combinations (2^n rows).
GROUP = 8
#: So many companies are worth tables.
_TABLES_FROM = 500
#: Partitions that failed as a whole.
_UNIT_ERRORS = """
SELECT unnest($units::STRUCT("partition" INTEGER, category VARCHAR, error VARCHAR)[], recursive := true)"""
#: The sum of the points of `contributions`, and of those that speak of reach.
_SUMS = ", ".join(
    f"coalesce(list_sum(list_transform({of}, lambda x: x.points)), 0) AS {column}"
    for of, column in (
        ("contributions", "points"),
        (f"list_filter(contributions, lambda x: x.axis = {quote(REACH)})", "reach_points"),
    )
)
#: Whether a profile excludes a company: something takes all points.
_EXCLUDED = (
    f"(len(list_filter(contributions, lambda x: x.axis <> {quote(REACH)} AND x.points = {EXCLUDED!r}::DOUBLE)) > 0)"
)
#: Shown when a company has neither a row nor an error of its own or of its partition.
UNEXPLAINED = "no stage left a row or an error for this company; resume the job"


@dataclass(frozen=True)
class ScoreResult:
    """What a score run wrote."""

    #: Companies, each once.
    rows: int
    #: Those without a good row: score 0, with their error.
    failed: int
    #: Tier → companies, failed ones included; all four tiers are there.
    tiers: dict[str, int]
    model_version: str


def score_leads(
    con: duckdb.DuckDBPyConnection,
    *,
    plan: Path,
    rows: Sequence[Path],
    row_errors: Sequence[Path],
    unit_errors: Mapping[int, tuple[str, str]],
    model: ScoringModel,
    job_id: str,
    now: datetime,
    out: Path,
    lines: Path | None = None,
    input_headers: Sequence[str] = (),
    share: Share = ALL,
) -> ScoreResult:
    """Score every company of a plan, or of a share of it, and write the final columns as one zstd Parquet file.

    Args:
        con: a connection or cursor of this process.
        plan: Parquet with the columns of `data.schemas.PLAN`.
        rows: good rows of the job's last stage before score; columns they lack are null.
        row_errors: Parquet with the columns of `data.schemas.ERRORS`.
        unit_errors: partition → (category, error) of partitions that failed as a whole.
        model: by which rules.
        job_id, now: written into each row (`now` as `scored_at`).
        out: written in place; the caller makes it atomic.
        lines: Parquet with the columns of `data.schemas.INPUT`, where the input has other columns; each
            company gets its lines as column `input`, a line that named no company gets its own.
        input_headers: those columns in their order; they go into the file's metadata.
        share: of a plan with more lines than fit into memory (`tasks.input_lines.shares`).

    A company without a good row carries the plan's error, else its newest company-scope error row, else
    its partition's; the latter also where the row says that it was to be asked again. Of several rows of a company the
    newest counts.

    Raises:
        duckdb.Error: a part cannot be read, or the file cannot be written.
    """
    query = _query(con, plan, rows, row_errors, model, lines, share, units=bool(unit_errors))
    units = [{"partition": key, "category": c, "error": e} for key, (c, e) in unit_errors.items()]
    rules = [{"rule": r.name, "axis": r.axis, "points": r.points, "reason": r.reason} for r in model.rules]
    with tracing.span("query leads", **{"db.system.name": "duckdb"}):
        con.execute(
            f"COPY ({query}) TO {quote(str(out))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP}{with_input_headers(input_headers)})",
            {"rules": rules, "job_id": job_id, "now": now, **({"units": units} if units else {})},
        )
    with pq.ParquetFile(opened(out)) as written:
        told = written.read(["tier", "error_category"], use_threads=False)
    counted = pc.value_counts(told["tier"]).to_pylist()
    tiers = dict.fromkeys(TIERS, 0) | {found["values"]: found["counts"] for found in counted}
    return ScoreResult(len(told), len(told) - told["error_category"].null_count, tiers, model.version)


def _query(
    con: duckdb.DuckDBPyConnection,
    plan: Path,
    rows: Sequence[Path],
    row_errors: Sequence[Path],
    model: ScoringModel,
    lines: Path | None,
    share: Share,
    *,
    units: bool,
) -> str:
    """`units`: partitions have failed as a whole. What no company has to be told is not joined: that takes its time."""
    count = pq.read_metadata(opened(plan)).num_rows
    groups = _bundles(model.rules)
    derived = "".join(f", {sql} AS {name(column)}" for column, sql in model.derived)
    masks = ", ".join(f"CASE WHEN good THEN {_mask(group)} ELSE 0 END AS m{n}" for n, group in enumerate(groups))
    laid_out, scored = (_by_tables if count >= _TABLES_FROM else _row_by_row)(con, groups)
    planned = f"SELECT *, {IDENTITY} AS identity FROM ({share.of_query(_plan(con, plan), IDENTITY)})"
    joined = _joined(
        con, rows, share, own=bool(row_errors), unit=units, with_input=lines is not None, many=count > FEW_ROWS
    )
    tables = [
        *laid_out,
        f"plan AS NOT MATERIALIZED ({planned})",
        *([f"own AS ({_own_errors(con, row_errors)})"] if row_errors else []),
        *([f"unit AS ({_UNIT_ERRORS})"] if units else []),
        f"input_lines AS ({share.of_query(input_lines(con, lines), 'identity')})",
        f"joined AS ({joined})",
        f"lead AS (SELECT *, {masks} FROM (SELECT *{derived} FROM joined))",
        f"scored AS ({scored})",
    ]
    return f"WITH {', '.join(tables)} SELECT {_final_columns(con, model)} FROM scored"


def _own_errors(con: duckdb.DuckDBPyConnection, row_errors: Sequence[Path]) -> str:
    """Of each company its newest error row, as `first`."""
    return f"""SELECT company_id,
  arg_max({{category: category, error: error, code: code, later: deferred_until IS NOT NULL}}, "at") AS first
FROM ({select_rows(con, row_errors, ERRORS)}) WHERE scope = 'company' AND company_id IS NOT NULL
GROUP BY company_id"""


def _bundles(rules: Sequence[Rule]) -> list[Sequence[Rule]]:
    """Rules that share one number, in their order: each group, and of those without one up to `GROUP` at a time."""
    bundles: list[Sequence[Rule]] = []
    for group, members in itertools.groupby(rules, key=lambda rule: rule.group):
        own = tuple(members)
        size = len(own) if group else math.ceil(len(own) / math.ceil(len(own) / GROUP))
        bundles += [own[first : first + size] for first in range(0, len(own), size)]
    return bundles


def _by_tables(con: duckdb.DuckDBPyConnection, groups: Sequence[Sequence[Rule]]) -> tuple[list[str], str]:
    """What is selected of `lead` with its contributions and points; and before it, a table for each group that says
    those of each number.
    """
    firsts = itertools.accumulate(map(len, groups), initial=0)
    tables = []
    for n, (first, group) in enumerate(zip(firsts, groups, strict=False)):
        numbers = len(group) + 1 if group[0].group else 2 ** len(group)
        parts = _chosen(con, _holding(group, "mask"), f"[{first + 1}:{first + len(group)}]")
        numbered = f"SELECT mask::INTEGER AS mask, {parts} AS contributions FROM range({numbers}) AS t(mask)"
        tables.append(f"g{n} AS MATERIALIZED (SELECT *, {_SUMS} FROM ({numbered}))")
    every = range(len(groups))
    joins = " ".join(f"JOIN g{n} ON g{n}.mask = lead.m{n}" for n in every)
    points, reach = (" + ".join(f"g{n}.{sum_}" for n in every) for sum_ in ("points", "reach_points"))
    parts = (
        "g0.contributions" if len(groups) == 1 else f"list_concat({', '.join(f'g{n}.contributions' for n in every)})"
    )
    return (
        tables,
        f"SELECT lead.*, {points} AS points, {reach} AS reach_points, {parts} AS contributions FROM lead {joins}",
    )


def _row_by_row(con: duckdb.DuckDBPyConnection, groups: Sequence[Sequence[Rule]]) -> tuple[list[str], str]:
    """The same without tables."""
    parts = _chosen(con, [holds for n, group in enumerate(groups) for holds in _holding(group, f"m{n}")])
    return [], f"SELECT *, {_SUMS} FROM (SELECT *, {parts} AS contributions FROM lead)"


def _chosen(con: duckdb.DuckDBPyConnection, holding: Sequence[str], among: str = "") -> str:
    """The contributions, in their order, of the rules that hold."""
    return f"list_where(($rules::{sql_type(con, CONTRIBUTION)}[]){among}, [{', '.join(holding)}])"


def _holding(rules: Sequence[Rule], mask: str) -> list[str]:
    """Of each rule whether it holds, by the number that stands for those that do."""
    if rules[0].group:
        return [f"{mask} = {n}" for n in range(1, len(rules) + 1)]
    return [f"{mask} & {1 << n} <> 0" for n in range(len(rules))]


def _mask(rules: Sequence[Rule]) -> str:
    if rules[0].group:
        return "CASE " + " ".join(f"WHEN {rule.sql} THEN {n}" for n, rule in enumerate(rules, 1)) + " ELSE 0 END"
    return "(" + " + ".join(f"CASE WHEN {rule.sql} THEN {1 << n} ELSE 0 END" for n, rule in enumerate(rules)) + ")"


def _plan(con: duckdb.DuckDBPyConnection, plan: Path) -> str:
    """The plan, each company once. Lines that named no company (no id) stay apart by their line number."""
    query = select_rows(con, [plan], PLAN)
    if not repeats(con, [plan], IDENTITY):
        return query
    return (
        f"{query} QUALIFY row_number() OVER (PARTITION BY {IDENTITY} "
        f'ORDER BY error IS NOT NULL, "partition" DESC, line) = 1'
    )


def _joined(
    con: duckdb.DuckDBPyConnection,
    rows: Sequence[Path],
    share: Share,
    *,
    own: bool,
    unit: bool,
    with_input: bool,
    many: bool,
) -> str:
    """Every company with its row, or why it has none; `own`, `unit`: there are errors of companies, of partitions."""
    schema = STAGE_SCHEMAS[READS]
    have = present(con, rows)
    times = [c for stage, c in reversed(MADE_AT.items()) if stage != "score" and c in have]
    age = f"coalesce({', '.join(times)})" if times else "NULL::TIMESTAMPTZ"
    system, data = quote(ErrorCategory.SYSTEM), quote(ErrorCategory.DATA)
    # Of a company that was to be asked again the partition that did so tells, unless the deadline struck it.
    of_unit = {part: f"unit.{part}" if unit else "NULL" for part in ("category", "error")}
    failed = f"(unit.category IS NOT NULL AND unit.category <> {quote(ErrorCategory.DEADLINE)})" if unit else "false"
    told = f"own.company_id IS NOT NULL AND NOT (own.first.later AND {failed})" if own else "false"
    first = {part: f"own.first.{part}" if own else "NULL" for part in ("category", "error", "code")}
    input_ = "input_lines.input" if with_input else "NULL"
    columns = {
        **{column: Told(f"row.{name(column)}") for column in schema.names},
        "company_id": Told("plan.company_id", "plan.company_id"),
        "domain": Told("plan.domain", "plan.domain"),
        "url": Told("coalesce(row.url, plan.url)", "plan.url"),
        "good": Told("true", "false"),
        "error_category": Told(
            "NULL",
            f"CASE WHEN plan.error IS NOT NULL THEN coalesce(plan.error_category, {data}) "
            f"WHEN {told} THEN {first['category']} ELSE coalesce({of_unit['category']}, {system}) END",
        ),
        "error": Told(
            "NULL",
            f"CASE WHEN plan.error IS NOT NULL THEN plan.error WHEN {told} THEN {first['error']} "
            f"ELSE coalesce({of_unit['error']}, {quote(UNEXPLAINED)}) END",
        ),
        "error_code": Told("NULL", f"CASE WHEN plan.error IS NULL AND {told} THEN {first['code']} END"),
        "input": Told(input_, input_),
    }
    return each_company(
        columns,
        rows,
        share.of_query(newest(con, rows, schema, age), "company_id"),
        joins="LEFT JOIN input_lines ON input_lines.identity = plan.identity" if with_input else "",
        otherwise=("LEFT JOIN own ON own.company_id = plan.company_id " if own else "")
        + ('LEFT JOIN unit ON unit."partition" = plan."partition"' if unit else ""),
        many=many,
    )


def _final_columns(con: duckdb.DuckDBPyConnection, model: ScoringModel) -> str:
    """The score-stage columns in their order, each of exactly its type; those of the stage before have it already."""
    score = _within_100("points - reach_points" if model.of_profile else "points")
    tier = " ".join(f"WHEN {score} >= {lowest!r} THEN {quote(tier)}" for tier, lowest in model.tiers)
    reach = _within_100(f"round(reach_points * 100 / {model.most_reach!r}, 1)") if model.most_reach else "NULL"
    # Nobody is to reach whoever is excluded, and without a reach these come last of all leads.
    reached = f"good AND NOT {_EXCLUDED}" if model.of_profile else "good"
    computed = {
        "score": score,
        "contributions": "contributions",
        "error_category": "error_category",
        "error": "error",
        "error_code": "error_code",
        "input": "input",
        "tier": f"CASE {tier} ELSE {quote(TIERS[-1])} END",
        "fit": f"CASE WHEN good THEN {score} END" if model.of_profile else "NULL",
        "reach": f"CASE WHEN {reached} THEN {reach} END",
        "probability": "NULL",
        "model_version": quote(model.version),
        "scored_at": "$now",
        "job_id": "$job_id",
        "schema_version": str(SCHEMA_VERSION),
    }
    return ", ".join(
        f"CAST({computed[c.name]} AS {sql_type(con, c.type)}) AS {name(c.name)}" if c.name in computed else name(c.name)
        for c in STAGE_SCHEMAS["score"]
    )


def _within_100(points: str) -> str:
    return f"greatest(0, least(100, {points}))"
