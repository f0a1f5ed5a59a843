"""Peak memory of a process that writes a report of a million leads, against DuckDB copying the same rows unsorted.

Rows have eight facts with their evidence, four candidates and six contributions each: sorted whole they take gigabytes.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.harness import Line, main
from benchmarks.score_million import MADE_UP
from data.duck import one_thread
from data.schemas import STAGE_SCHEMAS
from reports.render import render
from reports.rows import ROW_GROUP, path_literal, quote, sql_type


def _facts(count: int) -> str:
    quote = "'Write to us at ' || hash(i * 8 + j) || ' or come by, we are there from nine to five on working days'"
    return (
        f"list_transform(range({count}), lambda j: {{field: 'emails', value: 'value ' || hash(i * 8 + j), source: "
        "'https://c' || i || '.example/contact/' || j, page_hash: format('{:016x}', hash(i + j)), method: 'json-ld', "
        f"confidence: 0.5 + j / 20, seen_at: TIMESTAMPTZ '2027-01-01', quote: {quote}, words: ['mail'], line: j, "
        "node: NULL, why: 'said most often'})"
    )


#: How the columns are made up whose size or order matters here, from the row's number `i`.
HEAVY = MADE_UP | {
    "description": "'We build number ' || hash(i + 7) || ' for firms in the north, by hand; ask ' || hash(i + 8)",
    "facts": _facts(8),
    "candidates": _facts(4),
    "contributions": "list_transform(range(6), lambda j: {rule: 'rule-' || j, axis: 'contact', "
    "points: (hash(i + j) % 20)::DOUBLE, reason: 'An e-mail address of its own domain'})",
    "score": "(hash(i) % 1000) / 10.0",
    "reach": "hash(i + 1) % 100",
    "tier": "'A'",
    "quality": "(hash(i + 3) % 100) / 100",
    "scored_at": "TIMESTAMPTZ '2027-01-01'",
}
_COPY = {"csv": "FORMAT csv", "json": "FORMAT json, ARRAY true", "parquet": "FORMAT parquet, COMPRESSION zstd"}


def make(rows: int, target: Path) -> None:
    """A file of final rows, as stage score writes one."""
    with one_thread() as con:
        columns = ", ".join(
            f'CAST({HEAVY.get(c.name, "NULL")} AS {sql_type(con, c.type)}) AS "{c.name}"'
            for c in STAGE_SCHEMAS["score"]
        )
        con.execute(
            f"COPY (SELECT {columns} FROM range({rows}) AS t(i)) TO {quote(str(target))} "
            f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
        )


def leadmill(fmt: str, source: Path, out: Path) -> None:
    render(fmt, rows=[source], job={}, report_type="comprehensive", out=out)


def by_hand(fmt: str, source: Path, out: Path) -> None:
    with one_thread() as con:
        con.execute(f"COPY (FROM read_parquet({path_literal(source)})) TO {quote(str(out))} ({_COPY[fmt]})")


def _peak(contestant: Callable[[str, Path, Path], None], fmt: str, source: Path, out: Path) -> float:
    """Megabytes that a process of its own had in memory at most."""
    command = [sys.executable, "-m", "benchmarks.report_memory", "--child", contestant.__name__, fmt, source, out]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    out.unlink()
    return float(done.stdout)


def measure(quick: bool) -> list[Line]:
    rows = 12_000 if quick else 1_000_000
    lines = []
    with tempfile.TemporaryDirectory(prefix="leadmill-bench-") as name:
        source = Path(name) / "rows.parquet"
        make(rows, source)
        for fmt in _COPY:
            ours, floor = (_peak(one, fmt, source, Path(name) / f"out.{fmt}") for one in (leadmill, by_hand))
            lines.append(
                Line(f"memory of a {fmt} report, {rows:,} leads", ours, "MB", "<= 600", floor,
                     samples={"leadmill": [ours], "floor": [floor]})
            )  # fmt: skip
    return lines


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        {one.__name__: one for one in (leadmill, by_hand)}[sys.argv[2]](sys.argv[3], *map(Path, sys.argv[4:]))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    else:
        main(measure)
