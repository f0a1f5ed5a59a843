"""`make soak SECONDS=600`: every kind of fault on a busy stack for so long, and the table of what came of it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.faults.campaign import Campaign, spine_for


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="leadmill-soak-") as folder, spine_for(Path(folder)) as spine:
        campaign = Campaign(spine, seed=chosen.seed)
        faults = [
            campaign.kill_child, campaign.kill_child, campaign.kill_child, campaign.kill_child_at_step_end,
            campaign.kill_worker, campaign.kill_every_worker, campaign.restart_server, campaign.freeze_server,
            campaign.freeze_worker, campaign.steal_message, campaign.double_message,
        ]  # fmt: skip
        verdict = campaign.run(chosen.seconds, faults, pause=(0.5, 6.0))
        print(verdict.table())
    bad = verdict.unended + verdict.lost + verdict.doubled + verdict.scraped_twice + verdict.wrong
    print("\n".join(bad[:20]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
