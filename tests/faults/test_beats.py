"""Two schedulers side by side, one of them killed: one job a planned time. (Clocks: see the tests of schedules.)"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.intake import schedules
from pipelines.intake.submission import Submission
from tests.faults.proof import APP, FACTOR, FaultSpine, until

pytestmark = pytest.mark.timeout(int(130 * FACTOR))


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultSpine]:
    with FaultSpine(tmp_path_factory.mktemp("beats"), workers=0) as stack:
        yield stack


def ticked(spine: FaultSpine, name: str) -> list[str]:
    """Jobs that a schedule has submitted."""
    return [job for job, _ in spine.store.ids(f"t:schedule:{name}", limit=500)]


def test_two_beats_and_one_killed(spine: FaultSpine) -> None:
    """Real schedulers side by side; one is killed and started again. One job a planned time."""
    submission = Submission("pipeline", company_urls=["one.example"], options={"stand_in": {"parts": False}})
    # Made two minutes ago: the newest planned time is due at once, the next within a minute.
    schedules.create(
        spine.store, spine.lake, "beats", "* * * * *", submission, datetime.now(UTC) - timedelta(minutes=2)
    )
    beats: list[subprocess.Popen[bytes]] = []

    def start(n: int) -> None:
        command = [sys.executable, "-m", "celery", "-A", APP, "beat", "--pidfile", str(spine.folder / f"beat{n}.pid")]
        with (spine.folder / f"worker-beat{n}.log").open("ab") as out:
            beats.append(
                subprocess.Popen(command, env=spine.env, stdout=out, stderr=out, cwd=Path(__file__).parents[2])
            )

    try:
        start(0)
        start(1)
        until(lambda: ticked(spine, "beats"), 30, "the first tick")
        beats[0].kill()
        beats[0].wait()
        start(2)
        time.sleep(5)  # several looks of each
        minutes = [
            int(found["created"]) // 60_000 for job in ticked(spine, "beats") if (found := spine.store.read(job))
        ]
        assert len(minutes) == len(set(minutes)), "a planned time made two jobs"
        spine.store.redis.delete(spine.store.key("ticks"))  # as if both had died before they noted it
        time.sleep(3)
        again = len(ticked(spine, "beats"))
        assert len(minutes) <= again <= len(minutes) + 1, "a planned time was submitted again"
    finally:
        for beat in beats:
            beat.kill()
            beat.wait()
