"""`make soak SENTINEL=1`: a primary is killed, frozen, cut off, switched, again and again under a busy stack.

After each failover it is measured how long it took until the next stage was committed, and the stack is brought back to
a primary with two replicas and three Sentinels. At the end what holds of every campaign holds: each accepted job has
ended, each company stands in its output once. A stage may be done twice: the commit of the first may be lost.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import redis

from data.jobs import JobStore
from tests.faults.campaign import STILL_S, Campaign, Verdict
from tests.faults.proof import FaultSpine
from tests.faults.soak import report
from tests.sentinels import HighlyAvailable, Member
from tests.stand_ins.stack import PREFIX

#: Longest time from a failover to the next commit, seconds; and where a worker was killed, too.
COMMITS_WITHIN_S, WITH_A_DEATH_S = 10.0, 15.0


class FailoverSpine(FaultSpine):
    """A stack whose records, messages and results are in servers that take each other's place."""

    def __init__(self, folder: Path) -> None:
        self.servers = HighlyAvailable(folder / "redis")
        super().__init__(folder, workers=2, processes=2, server=self.servers)

    def __enter__(self) -> FailoverSpine:
        super().__enter__()
        self.store = JobStore.connect(self.server.url, PREFIX, lake=self.settings.data_dir)
        return self


@dataclass
class Measured:
    """Of one way to lose a primary, seconds."""

    #: Until the Sentinels named another primary; empty: nobody failed over.
    noticed: list[float] = field(default_factory=list)
    #: From then, or from the loss, to the next commit.
    committed: list[float] = field(default_factory=list)
    #: The same where a worker was killed beside.
    with_a_death: list[float] = field(default_factory=list)

    def row(self, way: str) -> str:
        told = [len(self.committed) + len(self.with_a_death)]
        return " | ".join(
            ["", way, *map(str, told), *map(_spread, (self.noticed, self.committed, self.with_a_death)), ""]
        )


class FailoverCampaign(Campaign):
    """Failovers as faults, one after the other."""

    spine: FailoverSpine

    def __init__(self, spine: FailoverSpine, *, seed: int = 0) -> None:
        super().__init__(spine, in_flight=6, seed=seed)
        self.servers = spine.servers
        self.measured: dict[str, Measured] = {}
        self._with_a_death = False

    @property
    def ways(self) -> list[Callable[[], None]]:
        return [
            self.kill_primary, self.freeze_primary, self.cut_primary_off, self.switch_twice, self.kill_replica,
            self.kill_sentinels,
        ]  # fmt: skip

    def fail_over(self, times: int, ways: Sequence[Callable[[], None]] | None = None) -> Verdict:
        """Lose so many primaries, one after the other, every second one with a worker; then let everything end."""
        chosen = ways or self.ways
        self.busy_for(2)
        for n in range(times):
            self._with_a_death = (n // len(chosen) + n) % 2 == 1
            chosen[n % len(chosen)]()
            self.busy_for(1)
        return self.judge()

    def busy_for(self, seconds: float) -> None:
        """Let the stack work, with a new job for each that ends."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.keep_busy()
            self.replace_dead()
            time.sleep(0.1)

    def table(self) -> str:
        """Each way, how often, and the times."""
        head = "| how the primary was lost | times | noticed after | next commit after | with a killed worker |"
        rows = [self.measured[way].row(way).strip() for way in sorted(self.measured)]
        return "\n".join([head, "| --- | --- | --- | --- | --- |", *rows])

    # ---- faults ---------------------------------------------------------------------------------------

    def kill_primary(self) -> None:
        old = self.servers.primary
        self._lose("killed", old.kill, old)
        self.servers.bring_back(old)

    def freeze_primary(self) -> None:
        """It wakes while another is the primary, and believes for a moment that it still is."""
        old = self.servers.primary
        self._lose("frozen", partial(old.kill, signal.SIGSTOP), old)
        old.kill(signal.SIGCONT)
        self.busy_for(1)
        self.servers.bring_back(old)

    def cut_primary_off(self) -> None:
        """From the Sentinels alone: workers still reach it."""
        old = self.servers.primary
        self._lose("cut off from the Sentinels", old.cut_off_from_sentinels, old)
        self.busy_for(1)
        self.servers.bring_back(old)

    def switch_twice(self) -> None:
        """The second primary is lost as soon as it has replicas."""
        first = self.servers.primary
        first.kill()
        self.servers.failed_over(first)
        self.servers.bring_back(first, settle=False)
        second = self.servers.primary
        self.servers.has_replicas(second, 2)
        self._lose("switched twice in short order", second.kill, second)
        self.servers.bring_back(second)

    def kill_replica(self) -> None:
        """Nobody fails over: the other one is enough."""
        replica = self.servers.replicas[0]
        self._lose("a replica killed", replica.kill)
        self.servers.bring_back(replica)

    def kill_sentinels(self) -> None:
        """Work goes on with the primary that is known, also of children that are born meanwhile.

        A worker that is started meanwhile knows none, and waits.
        """
        self._with_a_death = False
        self.spine.ready()
        self._lose("all Sentinels killed, and a child", self._kill_sentinels)
        self.busy_for(2)
        for sentinel in self.servers.sentinels:
            sentinel.start()
        self.servers.settled()

    def _kill_sentinels(self) -> None:
        for sentinel in self.servers.sentinels:
            sentinel.stop()
        self.kill_child()

    def _lose(self, way: str, lose: Callable[[], None], old: Member | None = None) -> None:
        """Lose something, wait for the primary after `old`, and measure until the next commit."""
        found = self.measured.setdefault(way, Measured())
        self.verdict.faults[way] += 1
        present = old or self.servers.primary
        self.keep_busy()
        since = time.time()
        lose()
        if self._with_a_death:
            self.kill_worker()
        if old is not None:
            lost_at, since = since, self.servers.failed_over(old)
            found.noticed.append(since - lost_at)
            present = self.servers.primary
        before = self._commits(present)
        while before is None or (self._commits(present) or 0) <= before:
            before = self._commits(present) if before is None else before
            if time.time() - since > STILL_S:
                raise AssertionError(f"no commit for {STILL_S:.0f} s after: {way}\n{self.spine.log()}")
            self.replace_dead()
            time.sleep(0.02)
        (found.with_a_death if self._with_a_death else found.committed).append(time.time() - since)

    def _commits(self, server: Member) -> int | None:
        """Rows that were ever committed, as a server knows it; None: Sentinels have just cut its connections."""
        try:
            with server.client() as client:
                of_projects = [client.hgetall(f"{PREFIX}{scope}metrics") for scope in ("", "p:acme:")]
        except redis.RedisError:
            return None
        return sum(int(n) for counted in of_projects for name, n in counted.items() if name.endswith(":in"))


def _spread(seconds: Sequence[float]) -> str:
    return f"median {statistics.median(seconds):.1f}, worst {max(seconds):.1f} s" if seconds else "-"


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--times", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, help="folder that stays, with the logs, instead of a temporary one")
    chosen = options.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="leadmill-failovers-") as folder,
        FailoverSpine(chosen.keep or Path(folder)) as spine,
    ):
        campaign = FailoverCampaign(spine, seed=chosen.seed)
        try:
            verdict = campaign.fail_over(chosen.times)
        except AssertionError as stuck:
            print(campaign.table(), campaign.verdict.table(), stuck, sep="\n\n")
            return 2
    print(campaign.table(), verdict.table(), sep="\n\n")
    return report(verdict)


if __name__ == "__main__":
    sys.exit(main())
