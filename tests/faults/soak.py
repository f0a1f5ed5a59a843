"""`make soak SECONDS=600`: every kind of fault on a busy stack for so long, and the table of what came of it.

Not among the faults: an emptied server (its jobs fail by design and are resumed; see test_store_faults). When no job
moves for `STILL_S` the run ends with a dump of the state.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.campaign import COMPANIES, Campaign, Verdict, spine_for
from tests.faults.front import Front
from tests.faults.test_single_faults import message


def faults_of(campaign: Campaign) -> list:
    """Every fault, the frequent ones repeated."""
    return [
        campaign.kill_child, campaign.kill_child, campaign.kill_child, campaign.kill_child_at_step_end,
        campaign.kill_worker, campaign.kill_every_worker, campaign.stop_worker, campaign.restart_server,
        campaign.freeze_server, campaign.freeze_worker, campaign.steal_message, campaign.double_message,
        campaign.fill_server, campaign.kill_api, campaign.kill_api, campaign.kill_beat,
        lambda: campaign.send_nonsense(message("leadmill.scrape", [None, {}, "x"])),
        lambda: campaign.send_nonsense("no message"),
    ]  # fmt: skip


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, help="folder that stays, with the logs, instead of a temporary one")
    chosen = options.parse_args()
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="leadmill-soak-") as folder,
        spine_for(chosen.keep or Path(folder)) as spine,
        Front(spine, COMPANIES) as front,
    ):
        campaign = Campaign(spine, seed=chosen.seed, front=front)
        try:
            verdict = campaign.run(chosen.seconds, faults_of(campaign), pause=(0.5, 6.0))
        except AssertionError as stuck:
            print(campaign.verdict.table(), stuck, sep="\n\n")
            return 2
    print(f"{'seconds':32} {time.monotonic() - began:.0f}", verdict.table(), sep="\n")
    return report(verdict)


def report(verdict: Verdict) -> int:
    """Name what went wrong, up to 20 of each; the exit code."""
    bad = {name: getattr(verdict, name) for name in ("unended", "lost", "doubled", "scraped_twice", "wrong")}
    for name, found in bad.items():
        print("".join(f"\n{name}: {what}" for what in found[:20]), end="")
    return int(any(bad.values()))


if __name__ == "__main__":
    sys.exit(main())
