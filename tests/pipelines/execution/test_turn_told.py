"""Jobs that share real workers say when their turn comes, and then have it."""

from __future__ import annotations

import time

from data import keys
from data.jobs import JobRecord
from pipelines.views import waiting
from pipelines.views.view import job_json
from tests.stand_ins.stack import Spine


def records_of(spine: Spine, jobs: list[str]) -> list[JobRecord]:
    return [record for record in spine.store.records(jobs) if isinstance(record, JobRecord)]


def test_jobs_that_share_processes_say_when_their_turn_comes(spine: Spine) -> None:
    spine.store.redis.delete(spine.store.key(keys.HELD))  # how long other tests' partitions took
    jobs = [spine.submit(8, seconds=0.15, partition_size=1) for _ in range(4)]
    turns, words = [], set()
    until = time.monotonic() + 60
    while not (turns and words):
        assert time.monotonic() < until, spine.log()
        for record in records_of(spine, jobs):
            wait = waiting.waits(spine.store, [record]).get(record.job_id, waiting.NOTHING)
            shown = job_json(record, *wait)
            if shown["turn"]:
                turns.append(shown["turn"])
            if (shown["waiting_for"] or "").startswith("its turn on `scraping`: "):
                words.add(shown["waiting_for"])
        time.sleep(0.02)
    assert all(2 <= turn["jobs"] <= 4 and turn["processes"] == 2 and turn["place"] >= 1 for turn in turns)
    seconds = [turn["seconds"] for turn in turns]
    assert max(seconds) > 0.05 and all(one < 30 for one in seconds), turns
    assert all("jobs share 2 processes; next in about " in said for said in words)
    assert set(spine.wait(jobs)) == {"completed"}
    assert not waiting.waits(spine.store, records_of(spine, jobs))
