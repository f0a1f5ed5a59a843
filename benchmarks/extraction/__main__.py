"""How right the rows are that stages process and enrich make of stored pages, offline and in one process:

python -m benchmarks.extraction --cases DIR [DIR …] [--compare BEFORE.json] [--half seen|held|all] [--misses]
"""

from __future__ import annotations

import argparse
import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from benchmarks.extraction.cases import Site
    from benchmarks.extraction.judge import Judgement

#: In place of a folder: the invented sites.
OWN = Path("own")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extraction", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    parser.add_argument("--cases", type=Path, nargs="+", required=True, metavar="DIR", help="folders with sites.jsonl "
                        "(and truth.jsonl), JSON files of report cases, or `own`: the invented sites")  # fmt: skip
    parser.add_argument(
        "--half", choices=("seen", "held", "all"), default="all", help="hosts that count (default: all)"
    )
    parser.add_argument("--field", action="append", help="only this field; may be repeated")
    parser.add_argument("--misses", action="store_true",
                        help="tell each miss; of the half held out only with --half held")  # fmt: skip
    parser.add_argument("--countries", action="store_true", help="each field by country, the worst first")
    parser.add_argument("--cpu", action="store_true", help="CPU time of each part, in bare parses and beside "
                        "a script of extruct and phonenumbers; and the least total of five runs")  # fmt: skip
    parser.add_argument("--json", type=Path, metavar="OUT", help="keep the run, for --compare")
    parser.add_argument("--compare", type=Path, metavar="BEFORE", help="tell what changed since a run that was kept")
    parser.add_argument("--calibrate", action="store_true", help="write extraction/calibration.toml anew from the "
                        "seen half, then judge it by the other")  # fmt: skip
    parser.add_argument("--tree", type=Path, metavar="DIR", help="measure the code of another checkout")
    given = parser.parse_args()
    if given.tree:
        if not (given.tree / "extraction").is_dir():
            parser.error(f"--tree {given.tree}: no checkout, it has no folder extraction")
        sys.path.insert(0, str(given.tree.resolve()))
    for path in given.cases:
        if path != OWN and not path.is_file() and not (path / "sites.jsonl").is_file():
            parser.error(f"--cases {path}: neither a file nor a folder with sites.jsonl")
    return _evaluate(given)


def _evaluate(given: argparse.Namespace) -> int:
    from benchmarks.extraction import cases, own_pages, peer, reports, run, tables
    from benchmarks.extraction.judge import Judgement, judge

    sites = [site for folder in given.cases if folder.is_dir() and folder != OWN for site in cases.read(folder)]
    sites += own_pages.sites() if OWN in given.cases else []
    sites = [site for site in sites if given.half in ("all", site.half)]
    if given.calibrate:
        return _calibrate(sites)
    gc.freeze()
    run.rows_of(sites[:3])  # tables are read and patterns compiled: paid once a process, not a page
    rows, errors, cpu = run.rows_of(sites)
    bare, peers = run.bare_parse(sites), []
    for turn in range(4 if given.cpu else 1):  # tables that few pages need are read in the first run
        cpu = min(cpu, run.rows_of(sites)[2], key=lambda spent: sum(spent.values()))
        bare = min(bare, run.bare_parse(sites))
        if given.cpu and turn % 2 and (took := peer.milliseconds(sites)):
            peers.append(took)
    costs = run.parts(sites) if given.cpu else {}
    judged = [one for site in sites for one in judge(site.host, site.half, site.truth, rows[site.host])]
    for path in given.cases:
        if path.is_file():
            judged += reports.judge_cases(path)
    if given.field:
        judged = [one for one in judged if one.field in given.field]
    of_sites = [one for one in judged if one.side != "case"]
    if of_sites:
        _show(f"{len(sites)} hosts, {sum(len(site.pages) for site in sites)} pages", tables.fields(of_sites))
        if given.half == "all":
            _show("recall / precision by half", tables.halves(of_sites))
        if given.countries:
            _show("by country", tables.countries(of_sites))
        _show("calibration", tables.reliability(of_sites))
    _show("", tables.cases([one for one in judged if one.side == "case"]))
    if given.misses:
        shown = [one for one in judged if given.half == "held" or one.half == "seen"]
        _show("misses" if given.half == "held" else "misses of the seen half", tables.misses(shown))
    for error in errors:
        print(f"error row: {error['host']} {error.get('url') or ''} {error['error']}")
    if sites:
        if costs:
            _show("CPU ms a page of each part, and in bare parses of the same turn", tables.costs(costs, run.BARE))
        print(tables.totals(cpu, bare, min(peers, default=None)))
        if given.cpu and not peers:
            print("no script to compare with: `make bench-setup` installs what it needs")
        print(tables.score(of_sites))
    if given.compare:
        before = json.loads(given.compare.read_text(encoding="utf-8"))
        hosts = {one.host for one in judged}
        old = [one for values in before["judged"] if (one := Judgement(*values)).host in hosts]
        old = [one for one in old if not given.field or one.field in given.field]
        _show(f"since {given.compare}", tables.changes(old, judged, all_told=given.half == "held"))
        then = before["cpu"]
        print(f"CPU ms a page before: process {then['process']:.2f}, enrich {then['enrich']:.2f}")
    if given.json:
        kept = {"cpu": cpu, "bare_parse": bare, "script": min(peers, default=None), "parts": costs, "judged": judged}
        given.json.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    return 0


def _calibrate(sites: list[Site]) -> int:
    from benchmarks.extraction import calibrate, run, tables
    from benchmarks.extraction.judge import judge
    from extraction import calibration

    def judged(half: str) -> list[Judgement]:
        mine = [site for site in sites if site.half == half]
        rows, _, _ = run.rows_of(mine)
        return [one for site in mine for one in judge(site.host, site.half, site.truth, rows[site.host])]

    with patch.object(calibration, "table", dict):  # what the extractors weigh with, as it is
        seen, held = judged("seen"), judged("held")
    _show("held out, by weights", tables.reliability(held))
    calibrate.write(calibrate.fit(seen), calibration.TABLE)
    calibration.table.cache_clear()
    _show("seen, calibrated", tables.reliability(judged("seen")))
    _show("held out, calibrated", tables.reliability(judged("held")))
    return 0


def _show(title: str, lines: Any) -> None:
    lines = list(lines)
    if lines:
        print("\n".join([f"\n{title}" if title else "", *lines]))


if __name__ == "__main__":
    sys.exit(main())
