"""The analysis of a set of final rows: every number that a report or the dashboard shows.

Each question is one DuckDB aggregation that reads only the columns it needs. The answers are plain values that
JSON can hold; sentences are made of them in `reports.findings`.
"""
# ruff: noqa: S608  the source is built by reports.rows; all else is fixed text

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data.schemas import STAGE_SCHEMAS
from reports.findings import warnings
from reports.rows import count_rows, name, quote, select_rows

#: Ranked order of leads, everywhere.
RANKED = "score DESC NULLS LAST, quality DESC NULLS LAST, domain ASC"
#: A row that counts as a lead.
GOOD = "error IS NULL"
#: Values listed of each column, causes listed of the failures.
TOP = 15
TOP_CAUSES = 25
TIERS = ("A", "B", "C", "D")
#: Characters of an error message that count; longer ones are cut before any pattern runs.
_ERROR_WINDOW = 300
#: What differs between messages of one cause: addresses, quoted text, numbers (three digits stay, they are
#: mostly an HTTP status), spacing.
_SHAPES = (
    (r"https?://\S+", "…"),
    (r"'[^']*'", "…"),
    (r'"[^"]*"', "…"),
    (r"\b(\d+(\.\d+)+|\d{1,2}|\d{4,})\b", "N"),
    (r"\s+", " "),
)

#: What is listed by frequency: column, and whether a row holds many of them.
LISTED = {
    "countries": ("country", False),
    "industries": ("industry", False),
    "languages": ("language", False),
    "technologies": ("technologies", True),
}

#: Fields whose presence is counted, with the words for them.
FIELDS: dict[str, tuple[str, str]] = {
    "name": ("name", "coalesce(name, '') <> ''"),
    "emails": ("e-mail", "len(emails) > 0"),
    "phones": ("phone", "len(phones) > 0"),
    "address": ("address", "coalesce(address.street, address.city, address.postcode) IS NOT NULL"),
    "country": ("country", "country IS NOT NULL"),
    "industry": ("industry", "industry IS NOT NULL"),
    "employees": ("company size", "coalesce(employees_min, employees_max) IS NOT NULL"),
    "technologies": ("technologies", "len(technologies) > 0"),
    "social": ("social network", "cardinality(social) > 0"),
    "description": ("description", "coalesce(description, '') <> ''"),
    "legal_name": ("legal name", "legal_name IS NOT NULL"),
    "founded": ("founding year", "founded IS NOT NULL"),
    "contact_url": ("contact page", "contact_url IS NOT NULL"),
    "careers_url": ("careers page", "careers_url IS NOT NULL"),
    "pricing_url": ("pricing page", "pricing_url IS NOT NULL"),
}


#: At most so many rows are kept in memory while a report asks its many questions: each question's own reading of the
#: files (40 columns to bind, files to open) costs more than its answer. More rows stay in their files.
FEW_ROWS = 10_000


@contextmanager
def final_rows(con: Any, rows: Sequence[Path]) -> Iterator[str]:
    """The rows of the files in the final columns, in no order, as what may follow FROM while the block lasts.

    Raises:
        duckdb.Error: a file is missing or no Parquet.
    """
    query = select_rows(con, rows, STAGE_SCHEMAS["score"])
    if count_rows(con, rows) > FEW_ROWS:
        yield f"({query})"
        return
    table = f"final_rows_{secrets.token_hex(4)}"
    con.execute(f"CREATE TEMP TABLE {table} AS {query}")
    try:
        yield table
    finally:
        con.execute(f"DROP TABLE {table}")


def analyze(rows: Sequence[Path], *, con: Any) -> dict[str, Any]:
    """Answer every question about the final rows in the given files.

    Returns:
        `totals, tiers, scores, countries, industries, languages, technologies, fields, rules, errors,
        warnings`; shares are 0–1 of the companies with a good row, shares of errors of those without.
    """
    with final_rows(con, rows) as source:
        return analyze_source(con, source)


def analyze_source(con: Any, source: str) -> dict[str, Any]:
    """The same of rows that `final_rows` gave."""
    totals = _totals(con, source)
    good, filled = totals["leads"], _filled(con, source)
    found: dict[str, Any] = {
        "totals": totals,
        "tiers": _tiers(con, source, good),
        "scores": _scores(con, source),
        **_most_frequent(con, source, good, filled),
        "fields": [
            {"field": field, "label": label, "found": filled[field], "share": _share(filled[field], good)}
            for field, (label, _) in FIELDS.items()
        ],
        "rules": _rules(con, source, good),
        "errors": _errors(con, source, totals["failed"]) if totals["failed"] else [],
    }
    found["warnings"] = warnings(found)
    return found


def records(con: Any, query: str) -> list[dict[str, Any]]:
    """The rows of a query as dictionaries."""
    cursor = con.execute(query)
    columns = [column[0] for column in cursor.description]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def iso(column: str) -> str:
    """A time column as ISO 8601 text in UTC; works whatever the session's time zone is."""
    return f"strftime(make_timestamp(epoch_us({column})), '%Y-%m-%dT%H:%M:%SZ')"


def _share(count: int, of: int) -> float:
    return round(count / of, 4) if of else 0.0


def _totals(con: Any, source: str) -> dict[str, Any]:
    (totals,) = records(
        con,
        f"""SELECT count(*) AS companies, count(*) FILTER ({GOOD}) AS leads,
          count(*) FILTER (NOT {GOOD}) AS failed,
          round(avg(score) FILTER ({GOOD}), 1) AS mean_score,
          round(median(score) FILTER ({GOOD}), 1) AS median_score,
          round(stddev_pop(score) FILTER ({GOOD}), 1) AS score_spread,
          round(avg(quality::DOUBLE) FILTER ({GOOD}), 3) AS mean_quality,
          count(*) FILTER ({GOOD} AND coalesce(len(emails), 0) + coalesce(len(phones), 0) > 0) AS reachable,
          coalesce(sum(pages), 0)::BIGINT AS pages,
          {iso("min(scraped_at)")} AS scraped_from, {iso("max(scraped_at)")} AS scraped_to,
          {iso("max(scored_at)")} AS scored_at, max(model_version) AS model_version,
          count(DISTINCT model_version) AS model_versions
        FROM {source}""",
    )
    return {**totals, "coverage": _share(totals["leads"], totals["companies"])}


def _tiers(con: Any, source: str, good: int) -> list[dict[str, Any]]:
    found = {
        row["tier"]: row
        for row in records(
            con,
            f"""SELECT tier, count(*) AS count, round(avg(score), 1) AS mean_score,
              round(avg(probability), 3) AS mean_probability
            FROM {source} WHERE {GOOD} AND tier IS NOT NULL GROUP BY tier""",
        )
    }
    nothing = {"count": 0, "mean_score": None, "mean_probability": None}
    rows = [{"tier": tier, **nothing, **found.get(tier, {})} for tier in TIERS]
    return [{**row, "share": _share(row["count"], good)} for row in rows]


def _scores(con: Any, source: str) -> list[dict[str, int]]:
    """How many leads lie in each step of ten points; the last holds 100 too."""
    found = dict(
        con.execute(
            f"SELECT least(floor(score / 10), 9)::INTEGER AS step, count(*) FROM {source} "
            f"WHERE {GOOD} AND score IS NOT NULL GROUP BY step"
        ).fetchall()
    )
    return [{"from": step * 10, "to": step * 10 + 10, "count": found.get(step, 0)} for step in range(10)]


def _filled(con: Any, source: str) -> dict[str, int]:
    """How many leads have each of `FIELDS` and of the columns in `LISTED`."""
    filled = {column: _has(column, many) for column, many in LISTED.values()}
    filled |= {field: condition for field, (_, condition) in FIELDS.items()}
    counts = ", ".join(f"count(*) FILTER ({GOOD} AND {condition})" for condition in filled.values())
    return dict(zip(filled, con.execute(f"SELECT {counts} FROM {source}").fetchone(), strict=True))


def _has(column: str, many: bool) -> str:
    return f"len({name(column)}) > 0" if many else f"{name(column)} IS NOT NULL"


def _most_frequent(con: Any, source: str, good: int, filled: dict[str, int]) -> dict[str, dict[str, Any]]:
    """The most frequent values of each listed column, how many distinct there are, and how many leads have one."""
    values = " UNION ALL ".join(
        f"SELECT {quote(key)} AS key, {f'unnest(list_distinct({name(column)}))' if many else name(column)} AS value "
        f"FROM {source} WHERE {GOOD} AND {_has(column, many)}"
        for key, (column, many) in LISTED.items()
    )
    listed: dict[str, list[dict[str, Any]]] = {key: [] for key in LISTED}
    distinct = dict.fromkeys(LISTED, 0)
    for key, value, count, distinct[key] in con.execute(
        f"""SELECT key, left(value, 120), count(*) AS count, count(*) OVER (PARTITION BY key)
        FROM ({values}) WHERE value IS NOT NULL GROUP BY key, value
        QUALIFY row_number() OVER (PARTITION BY key ORDER BY count(*) DESC, value) <= {TOP}
        ORDER BY key, count DESC, value"""
    ).fetchall():
        listed[key].append({"value": value, "count": count, "share": _share(count, good)})
    return {
        key: {"values": listed[key], "distinct": distinct[key], "leads": filled[column]}
        for key, (column, _) in LISTED.items()
    }


def _rules(con: Any, source: str, good: int) -> list[dict[str, Any]]:
    """Which rules held, how often, and what each added on the whole."""
    rows = records(
        con,
        f"""SELECT part.rule AS rule, any_value(part.axis) AS axis, any_value(part.points) AS points,
          any_value(left(part.reason, 200)) AS reason, count(*) AS count
        FROM (SELECT unnest(contributions) AS part FROM {source} WHERE {GOOD})
        GROUP BY part.rule ORDER BY count DESC, rule LIMIT 64""",
    )
    return [{**row, "share": _share(row["count"], good)} for row in rows]


def _errors(con: Any, source: str, failed: int) -> list[dict[str, Any]]:
    """Failures grouped by category and the shape of their message, each with a count and one example."""
    shape = f"replace(left(error, {_ERROR_WINDOW}), domain, '…')"
    for pattern, put in _SHAPES:
        shape = f"regexp_replace({shape}, {quote(pattern)}, {quote(put)}, 'g')"
    rows = records(
        con,
        f"""SELECT coalesce(error_category, 'system') AS category, {shape} AS cause, count(*) AS count,
          min(domain) AS example_domain, arg_min(left(error, {_ERROR_WINDOW}), domain) AS example_error
        FROM {source} WHERE NOT {GOOD} GROUP BY category, cause
        ORDER BY count DESC, category, cause LIMIT {TOP_CAUSES}""",
    )
    return [{**row, "share": _share(row["count"], failed)} for row in rows]
