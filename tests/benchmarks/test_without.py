"""What a benchmark takes out of a worker is still where it looks for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.without import GUARANTEES

#: A job is recorded, begun and committed by scripts that were changed.
WORK = """
import sys
from pathlib import Path
from benchmarks.without import take_out
from data.jobs import JobStore, script
take_out(sys.argv[1])
for operation in script.OPERATIONS:
    script.of(operation)
store = JobStore.connect(sys.argv[2], sys.argv[1] + ":")
from benchmarks.records import launch, submit_one
job = submit_one(store)
launch(store, job)
print(store.read(job)["status"], len(store.events(job)))
"""


@pytest.mark.parametrize("name", GUARANTEES)
def test_it_can_be_taken_out_and_a_job_begins(valkey: object, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WORK, name, valkey.url],  # type: ignore[attr-defined]
        capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    status, events = done.stdout.split()
    assert status == "running"
    assert (events == "0") == (name == "events")
