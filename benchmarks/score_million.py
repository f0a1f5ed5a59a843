"""Score a million leads by twelve rules to Parquet, against the hand-written DuckDB query (twelve_rules.sql).

Same files in, same columns out, same connection settings, in one process; the sums of scores and contributions agree.
"""

from __future__ import annotations

import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from benchmarks.harness import Line, interleave, main, median
from data.duck import connection
from data.schemas import PLAN, STAGE_SCHEMAS
from leadmill.ids import new_job_id
from pipelines.scoring.rules import load_rules
from reports.rows import sql_type
from tasks.processing.score import score_leads

HERE = Path(__file__).parent
#: How each column is made up from the row's number `i`; the others are null.
MADE_UP = {
    "company_id": "'comp_' || format('{:016x}', i)",
    "domain": "'c' || i || '.example'",
    "url": "'https://c' || i || '.example/'",
    "name": "'Company ' || i",
    "description": "CASE WHEN i % 5 > 0 THEN 'We build ' || "
    "['software', 'houses', 'a platform'][i % 3 + 1] || ' for firms' END",
    "emails": "CASE WHEN i % 3 > 0 THEN ['info@c' || i || '.example'] ELSE [] END",
    "phones": "CASE WHEN i % 4 > 0 THEN ['+4930231250' || i % 100] ELSE [] END",
    "fax": "[]",
    "country": "['DE', 'AT', 'FR', 'US', NULL][i % 5 + 1]",
    "language": "'en'",
    "social": "CASE WHEN i % 2 = 0 THEN "
    "MAP {'linkedin': 'https://x.example/' || i, 'github': 'https://y.example/' || i} END",
    "industry": "CASE WHEN i % 3 = 0 THEN 'Software' END",
    "technologies": "[['WordPress', 'Stripe'], ['Shopify'], ['Nginx'], []][i % 4 + 1]",
    "employees_min": "i % 40",
    "founded": "1990 + i % 35",
    "careers_url": "CASE WHEN i % 6 = 0 THEN 'https://c' || i || '.example/jobs' END",
    "pages": "i % 6 + 1",
    "facts": "[{field: 'name', value: 'Company ' || i, source: 'https://c' || i || '.example/', page_hash: "
    "format('{:016x}', i), method: 'title', confidence: 0.8, seen_at: TIMESTAMPTZ '2027-01-01'}]",
    "quality": "(i % 100) / 100",
    "scraped_at": "TIMESTAMPTZ '2027-01-01'",
    "processed_at": "TIMESTAMPTZ '2027-01-01'",
    "enriched_at": "TIMESTAMPTZ '2027-01-01'",
    "bare": "false",
    "partition": "i // 30",
    "job_id": "'job_0123456789abcdefghjk'",
    "schema_version": "1",
}


def _make(folder: Path, leads: int) -> tuple[Path, list[Path]]:
    """A plan and the enriched rows, in ten files."""
    con = connection().cursor()
    plan = folder / "plan.parquet"

    def write(target: Path, schema: pa.Schema, first: int, behind: int) -> None:
        columns = ", ".join(
            f'CAST({MADE_UP.get(c.name, "NULL")} AS {sql_type(con, c.type)}) AS "{c.name}"' for c in schema
        )
        con.execute(f"COPY (SELECT {columns} FROM range({first}, {behind}) AS t(i)) TO '{target}' (COMPRESSION zstd)")

    write(plan, PLAN, 0, leads)
    rows = [folder / f"part-{n:05d}-0.parquet" for n in range(10)]
    for n, file in enumerate(rows):
        write(file, STAGE_SCHEMAS["enrich"], n * leads // 10, (n + 1) * leads // 10)
    return plan, rows


def _sums(file: Path) -> tuple[object, ...]:
    query = "SELECT count(*), sum(score), sum(len(contributions)), count(*) FILTER (tier = 'A') FROM read_parquet($f)"
    found = connection().cursor().execute(query, {"f": str(file)}).fetchone()
    assert found
    return tuple(found)


def measure(quick: bool) -> list[Line]:
    leads = 5_000 if quick else 1_000_000
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-") as name:
        folder = Path(name)
        plan, rows = _make(folder, leads)
        model = load_rules(HERE / "twelve_rules.toml")
        ours, theirs = folder / "ours.parquet", folder / "theirs.parquet"
        query = (HERE / "twelve_rules.sql").read_text().replace("{out}", str(theirs))

        def leadmill() -> float:
            began = time.perf_counter()
            score_leads(
                connection().cursor(), plan=plan, rows=rows, row_errors=[], unit_errors={}, model=model,
                job_id=new_job_id(), now=datetime.now(UTC), out=ours,
            )  # fmt: skip
            return time.perf_counter() - began

        def by_hand() -> float:
            began = time.perf_counter()
            connection().cursor().execute(query, {"plan": str(plan), "rows": [str(file) for file in rows]})
            return time.perf_counter() - began

        taken = interleave({"leadmill": leadmill, "floor": by_hand}, rounds=1 if quick else 3)
        if _sums(ours) != _sums(theirs):
            raise RuntimeError(f"the two do not agree: {_sums(ours)} and {_sums(theirs)}")
    return [
        Line(f"score {leads:,} leads x 12 rules", median(taken["leadmill"]), "s", "<= 1.5 floor",
             median(taken["floor"]), samples=taken)
    ]  # fmt: skip


if __name__ == "__main__":
    main(measure)
