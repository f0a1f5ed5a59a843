"""Companies as the API lists and counts them: a page, a filter, three facets, a narrow export, over few large
jobs and many small ones.

Against a scan of the lake, as a request does it that finds no table. One connection, one call at a time; the memory is
that of the API's process, before its table is built and after all calls.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlencode

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from api.company_facets import facets
from api.company_rows import Companies, CompanyFilter, company_page
from benchmarks.harness import Line, main, median
from benchmarks.servers import Caller, start_api
from benchmarks.stack import Stack
from data.lake import Lake
from leadmill.errors import UnavailableError
from reports.lead_filter import LeadFilter

#: Rows of one part file.
PART = 5_000
FACETS = ("tier", "country", "technologies")
FILTER = LeadFilter(country=("DE",), technology=("tech 5",))
#: What nobody waits for, milliseconds.
BAR = "<= 300"
_ROWS = """
    SELECT 'comp_' || printf('%016x', hash(i)) AS company_id, 'site-' || i || '.example' AS domain,
           'https://www.site-' || i || '.example/' AS url, 'Company number ' || i || ' Ltd.' AS name,
           'Makes things of kind ' || (i * 7919 % 1000) || ' and sells them in region ' || (i % 77) ||
           ' to everybody who has ever wanted some, and to some who have not.' AS description,
           ['info@site-' || i || '.example'] AS emails, ['+4930' || (1000000 + i)] AS phones,
           ['DE', 'NL', 'FR', 'AT', 'CH', 'PL'][1 + i % 6] AS country, ['de', 'nl', 'fr', 'en'][1 + i % 4] AS language,
           ['retail', 'services', 'software', 'energy', NULL][1 + i % 5] AS industry,
           ['Tech ' || ((i * 31 + k * k) % 180) FOR k IN range((i % 7)::BIGINT)] AS technologies,
           (i % 100)::INTEGER AS employees_min, (i % 100 + 50)::INTEGER AS employees_max,
           (hash(i, 1) % 1000 / 1000)::FLOAT AS quality, (hash(i, 2) % 1000 / 10)::DOUBLE AS score,
           ['A', 'B', 'C', 'D'][1 + i % 4] AS tier, NULL::DOUBLE AS fit, (hash(i, 3) % 100)::DOUBLE AS reach,
           NULL::VARCHAR AS error, NULL::VARCHAR AS error_category, NULL::VARCHAR AS model_version,
           TIMESTAMPTZ '2026-01-01' + to_seconds(i) AS scored_at, 1::SMALLINT AS schema_version
    FROM range($first, $last) numbers(i)
"""


def fill(lake: Lake, jobs: Sequence[str], companies: int) -> None:
    """Write that many companies as the scored rows of jobs."""
    each = companies // len(jobs)
    with duckdb.connect() as con:
        for first in range(0, len(jobs), max(1, 100_000 // each)):
            last = min(len(jobs), first + max(1, 100_000 // each))
            rows = con.sql(_ROWS, params={"first": first * each, "last": last * each}).to_arrow_table()
            for number in range(first, last):
                _write(lake.jobs / jobs[number] / "score", rows.slice((number - first) * each, each))


def _write(folder: Path, rows: pa.Table) -> None:
    folder.mkdir(parents=True)
    job = pa.array([folder.parent.name]).take(pa.array([0] * rows.num_rows))
    rows = rows.append_column(pa.field("job_id", pa.string(), nullable=False), job)
    for part in range(-(-rows.num_rows // PART)):
        file = folder / f"part-{part:05d}-0.parquet"
        pq.write_table(rows.slice(part * PART, PART), file, compression="zstd")


def until_ready(caller: Caller, companies: int) -> float:
    """Seconds until the table of companies stood."""
    began = time.monotonic()
    while True:
        told = json.loads(caller.get("/healthz")).get("companies", {}).get("default", {})
        if told.get("state") == "ready" and told["companies"] == companies:
            return time.monotonic() - began
        if told.get("state") == "failed" or time.monotonic() > began + 400:
            raise RuntimeError(f"no table of companies: {told}")
        time.sleep(0.1)


def _rss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


def _scan_ms(call: Callable[[], object]) -> float | None:
    """None where it was given up."""
    began = time.perf_counter()
    try:
        call()
    except UnavailableError:
        return None
    return 1000 * (time.perf_counter() - began)


def _lines(jobs: int, companies: int, calls: int) -> list[Line]:
    with Stack() as stack:
        fill(stack.lake, [f"job_{job:020d}" for job in range(jobs)], companies)
        port = start_api(stack)
        api = stack.children[-1].pid
        before = _rss_mb(api)
        took = until_ready(Caller(port), companies)
        facet_query = urlencode([("field", name) for name in FACETS])
        narrowed = urlencode({"country": "DE", "technology": "tech 5"})
        scan, wanted, text = Companies(stack.lake), CompanyFilter(FILTER), CompanyFilter(LeadFilter(text="region 13"))
        asked: list[tuple[str, str, Callable[[], object] | None]] = [
            ("first page", "", lambda: company_page(scan, CompanyFilter(), 50, None)),
            ("filtered page", f"?{narrowed}", lambda: company_page(scan, wanted, 50, None)),
            ("three facets", f"/facets?{facet_query}", lambda: facets(scan, CompanyFilter(), FACETS, 20)),
            ("filtered facets", f"/facets?{facet_query}&{narrowed}", lambda: facets(scan, wanted, FACETS, 20)),
            ("text", "?text=region+13", lambda: company_page(scan, text, 50, None)),
            ("sorted by name", "?sort=-name", lambda: company_page(scan, CompanyFilter(), 50, None, "-name")),
            ("sorted by time", "?sort=-seen_at", lambda: company_page(scan, CompanyFilter(), 50, None, "-seen_at")),
            ("narrow export", ".csv?text=number+777", None),  # a scan of 20,000 jobs for it takes minutes
        ]  # fmt: skip
        over = f"{companies:,} companies in {jobs:,} jobs"
        lines = []
        for what, path, by_scan in asked:
            taken, caller = [], Caller(port)  # an idle one is closed by the server
            for _ in range(calls + 1):
                began = time.perf_counter()
                caller.get(f"/api/v1/companies{path}")
                taken.append(1000 * (time.perf_counter() - began))
            caller.close()
            lines.append(Line(f"{what}, {over}", median(taken[1:]), "ms", BAR, peer=by_scan and _scan_ms(by_scan),
                              samples={"leadmill": taken[1:]}))  # fmt: skip
        lines.append(
            Line(f"its table is built, {over}", took, "s", note="two seconds after the start, beside requests")
        )
        lines.append(Line(f"memory of the API grows by, {over}", _rss_mb(api) - before, "MB", "<= 400"))
        return lines


def measure(quick: bool) -> list[Line]:
    sizes, calls = (((6, 60),), 1) if quick else (((10, 1_000_000), (20_000, 100_000)), 15)
    return [line for jobs, companies in sizes for line in _lines(jobs, companies, calls)]


if __name__ == "__main__":
    main(measure)
