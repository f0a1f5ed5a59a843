"""The query that gives a list of companies over the lake's files, as one pastes it into DuckDB."""
# ruff: noqa: S608  made to be read and run by a person; every value is a literal

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from api.company_columns import SHORT
from api.company_rows import CompanyFilter
from api.company_scan import STAGES, Files
from leadmill.places import url_of
from reports.lead_order import ORDERS
from reports.rows import quote

#: Jobs that are named in a query; a list of more would be no text to read.
MAX_JOBS = 200
_PARAMETER = re.compile(r"\$([a-z_]+)")


def lead_sql(files: Files, root: Path, wanted: CompanyFilter, limit: int, sort: str) -> str | None:
    """The query; None: there are no rows, or it would name too many jobs.

    Args:
        files: those of each stage that count, to know which stages there are.
        root: what stands in front of their paths, as whoever runs it finds the lake.
        sort: a name in `reports.lead_order.ORDERS`.
    """
    matches, values = wanted.conditions()
    if wanted.jobs is not None and len(wanted.jobs) > MAX_JOBS:
        return None
    rows = [_rows(stage, files, root, wanted.jobs) for stage in STAGES if files[stage]]
    if not rows:
        return None
    columns = ",\n       ".join(", ".join(SHORT[n : n + 8]) for n in range(0, len(SHORT), 8))
    return (
        "-- Of each company its newest good row, scored ones before others.\n"
        f"WITH found AS (\n{chr(10).join(['  ' + (chr(10) + '  UNION ALL BY NAME' + chr(10) + '  ').join(rows)])}\n),\n"
        "newest AS (\n  SELECT * FROM found WHERE company_id IS NOT NULL\n"
        "  QUALIFY row_number() OVER (PARTITION BY company_id ORDER BY stage_rank, seen_at DESC, job_id DESC) = 1\n)\n"
        f"SELECT {columns}, seen_at\nFROM newest\nWHERE {_inlined(matches, values)}\n"
        f"ORDER BY {ORDERS[sort].sql}\nLIMIT {limit:d};"
    )


def _rows(stage: str, files: Files, root: Path, jobs: Sequence[str] | None) -> str:
    rank = list(STAGES).index(stage)
    where, behind = (["error IS NULL"], "") if stage == "score" else ([], "")
    if jobs is not None:
        where.append(f"job_id IN ({', '.join(quote(job) for job in jobs) or 'NULL'})")
    later = next((one for one in reversed(list(STAGES)[:rank]) if files[one]), None)
    if later is not None:  # what went further in the same job tells no more by itself
        behind = f"\n  ANTI JOIN {_source(later, files, root)} AS later USING (job_id, company_id)"
    condition = f"\n  WHERE {' AND '.join(where)}" if where else ""
    columns = f"*, {rank} AS stage_rank, {STAGES[stage]} AS seen_at"
    return f"SELECT {columns}\n  FROM {_source(stage, files, root)}{behind}{condition}"


def _source(stage: str, files: Files, root: Path) -> str:
    found = []
    if any(file.parent.parent.parent.name == "jobs" for file in files[stage]):
        found.append(f"jobs/*/{stage}/part-*.parquet")
    found += [f"companies/{stage}/{file.name}" for file in files[stage] if file.name.startswith("snapshot-")]
    return f"read_parquet([{', '.join(quote(url_of(root / one)) for one in found)}], union_by_name = true)"


def _inlined(sql: str, values: Mapping[str, Any]) -> str:
    return _PARAMETER.sub(lambda found: _literal(values[found[1]]), sql)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return repr(float(value))
