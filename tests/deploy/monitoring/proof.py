"""`make monitoring-proof`: each alert fires of a real fault, and is over once that is mended. Prints a table.

Time runs 30 times faster for the durations of the rules, and for the ages they compare with; figures of the table
are seconds of this machine. `LeadmillCompactionLags` is left to promtool: ten days are still eight hours here.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.deploy.monitoring.faults import FASTER, FAULTS, Fault, Lab, small_disk
from tests.deploy.monitoring.prometheus import Prometheus, await_that

#: Of an alert, to fire or to be over; what is counted within an hour is that for two minutes.
PATIENCE_S = 200.0


def prove(lab: Lab, fault: Fault) -> Iterator[tuple[str, str, float, float]]:
    """Alert, what was broken, seconds until it fired, seconds until it was over."""
    for name in fault.alerts:
        lab.prometheus.await_resolved(name, PATIENCE_S)
    fired: dict[str, float] = {}
    silent: AssertionError | None = None
    began = time.monotonic()
    with contextmanager(fault.broken)(lab):
        try:
            for name in fault.alerts:
                lab.prometheus.await_firing(name, PATIENCE_S)
                fired[name] = time.monotonic() - began
        except AssertionError as error:
            silent = error  # told once it is mended
    mended = time.monotonic()
    for name, after_s in fired.items():
        lab.prometheus.await_resolved(name, PATIENCE_S)
        yield name, fault.what, after_s, time.monotonic() - mended
    if silent:
        raise silent


def prove_disk(lab: Lab, folder: Path) -> tuple[str, str, float, float]:
    """A lake of its own on a small disk, with an API that knows no other."""
    name, what = "LeadmillDiskNearlyFull", "the disk has a twentieth left"
    with (
        small_disk(folder / "disk") as disk,
        lab.process("api", "127.0.0.1", str(lab.port + 1), LEADMILL_DATA_URL=str(disk), LEADMILL_KEY_PREFIX="disk:"),
        Prometheus(folder / "disk-prometheus", [f"127.0.0.1:{lab.port + 1}"], faster=FASTER) as prometheus,
    ):
        await_that(lambda: bool(prometheus.query("leadmill_disk_free_bytes")), 30, lambda: "no figures of the disk")
        began = time.monotonic()
        (disk / "filling").write_bytes(bytes(61 << 20))
        prometheus.await_firing(name, PATIENCE_S)
        fired = time.monotonic()
        (disk / "filling").unlink()
        prometheus.await_resolved(name, PATIENCE_S)
        return name, what, fired - began, time.monotonic() - fired


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.deploy.monitoring.proof")
    parser.add_argument("alerts", nargs="*", help="these alone")
    wanted = set(parser.parse_args(arguments).alerts)
    failed = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # all that was started ends, too
    print("| alert | what was broken | fires after | over after |\n| --- | --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(prefix="leadmill-monitoring-") as name, Lab(Path(name)) as lab:
        for fault in FAULTS:
            if wanted and not wanted & set(fault.alerts):
                continue
            try:
                for row in prove(lab, fault):
                    print("| {} | {} | {:.0f} s | {:.0f} s |".format(*row), flush=True)
            except AssertionError as error:
                failed.append(fault)
                print(f"| {', '.join(fault.alerts)} | {fault.what} | NOT: {error} | |", flush=True)
        if not wanted or "LeadmillDiskNearlyFull" in wanted:
            try:
                print("| {} | {} | {:.0f} s | {:.0f} s |".format(*prove_disk(lab, Path(name))), flush=True)
            except PermissionError as error:
                print(f"left out, no file system can be mounted here ({error}): LeadmillDiskNearlyFull")
        if unwell := lab.prometheus.unwell():
            print(f"rules that could not be evaluated: {unwell}")
            failed.append(FAULTS[0])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
