"""Every row, one process each: `python -m benchmarks [--quick] [--only ROW …] [--fresh]`.

A row that was measured here within a day is not measured again unless `--fresh` says so: a run that was stopped goes
on where it was. Writes `results/latest.json` after every row and ends with the table.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

from benchmarks.children import start_child
from benchmarks.harness import NO_PEER, RESULTS, machine, table

#: In the order of the table, with what each may take, seconds.
ROWS = {
    "pipeline_small": 150,
    "pipeline_prefect": 300,
    "partitions": 1_200,
    "small_job": 300,
    "fairness": 900,
    "many_jobs": 900,
    "queue_memory": 300,
    "submits": 180,
    "keyed_submits": 180,
    "reads": 300,
    "companies": 600,
    "pages": 600,
    "one_page": 180,
    "record_bytes": 120,
    "start_up": 180,
    "score_million": 300,
    "report_memory": 900,
    "crawl_rate": 300,
    "crawl_latency": 600,
    "politeness": 240,
    "whole": 900,
    "guarantees": 400,
}
#: A result older than this is measured again, seconds.
KEPT_S = 86_400
#: Facts that must be the same for a kept result to stand.
_SAME = ("system", "cpu", "cores", "python", "packages")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it works, says nothing of speed")
    parser.add_argument("--only", nargs="+", choices=ROWS, metavar="ROW", default=list(ROWS), help=", ".join(ROWS))
    parser.add_argument("--fresh", action="store_true", help="measure rows again that have been measured")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    facts = machine()
    broken = []
    for row in (row for row in ROWS if row in given.only):
        if not (given.quick or given.fresh) and _kept(row, facts):
            print(f"{row}: measured already", flush=True)
        elif not _measure(row, given.quick):
            broken.append(row)
        _write_latest(facts, given.quick)
    lines = _write_latest(facts, given.quick)
    print(f"\n{table(lines)}")
    if given.quick:
        print("\nquick: tiny sizes, one round; the figures say nothing of speed")
    if broken:
        print(f"\nnot measured: {', '.join(broken)}", file=sys.stderr)
    return 1 if broken else 0


def _measure(row: str, quick: bool) -> bool:
    """Run a row; whether it ended well."""
    print(f"{row} …", end="", flush=True)
    command = [sys.executable, "-m", f"benchmarks.{row}", *(["--quick"] if quick else [])]
    began = time.monotonic()
    child = start_child(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = child.communicate(timeout=ROWS[row])
    except subprocess.TimeoutExpired:
        child.terminate()
        out, err = child.communicate()
        err += f"\nstopped: it took longer than {ROWS[row]} s"
    print(f" {time.monotonic() - began:.0f} s", flush=True)
    if quick and child.returncode == NO_PEER:
        print(f"left out: {err.strip()}", flush=True)
        return True
    print(out if child.returncode == 0 else f"{row} broke:\n{err[-3000:]}", flush=True)
    return child.returncode == 0


def _read(row: str, quick: bool) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads((RESULTS / f"{row}{'.quick' if quick else ''}.json").read_text())
    except (OSError, ValueError):
        return None
    return found


def _kept(row: str, facts: dict[str, Any]) -> bool:
    found = _read(row, quick=False)
    if found is None:
        return False
    file = RESULTS / f"{row}.json"
    same = all(found["machine"].get(name) == facts[name] for name in _SAME)
    return same and time.time() - file.stat().st_mtime < KEPT_S


def _write_latest(facts: dict[str, Any], quick: bool) -> list[dict[str, Any]]:
    """Put what is known of every row into one file, atomically; the lines, in the order of the rows."""
    lines: list[dict[str, Any]] = []
    for row in ROWS:
        if found := _read(row, quick):
            lines += [{**line, "row": row, "measured_at": found["machine"]["at"]} for line in found["lines"]]
    shown = [{name: value for name, value in line.items() if name != "samples"} for line in lines]
    RESULTS.mkdir(exist_ok=True)
    temporary = RESULTS / f"latest.{os.getpid()}"
    temporary.write_text(json.dumps({"machine": facts, "quick": quick, "rows": shown}, indent=1))
    temporary.replace(RESULTS / "latest.json")
    return lines


if __name__ == "__main__":
    sys.exit(main())
