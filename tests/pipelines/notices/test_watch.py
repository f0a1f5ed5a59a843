"""What counts as wrong with the stack, and for how long it has to be so."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from data.jobs import Worker
from data.presence import StackProcess
from data.probes import DISK, Memory, WriteFault
from leadmill.notices import KINDS
from pipelines.notices import disk_look
from pipelines.notices.disk_look import DiskLook, DiskState, look_at_disk
from pipelines.notices.sight import Processes, Sight
from pipelines.notices.watch import (
    API,
    BEAT,
    DISK_FULL,
    DISK_REFUSES,
    QUEUES,
    REDIS_AWAY,
    REDIS_FULL,
    REDIS_REFUSES,
    WELL,
    WELL_AFTER,
    WORKERS,
    Cause,
    Steady,
    Verdict,
    Wrong,
    judge,
)

ALL = ("scraping", "processing", "analytics", "maintenance")
SCRAPING = QUEUES[0]
CAUSES = {WORKERS, BEAT, API, REDIS_AWAY, REDIS_REFUSES, REDIS_FULL, DISK_REFUSES, DISK_FULL, *QUEUES}
NO_ONE_WAITS = dict.fromkeys(ALL, 0)
FAULT = WriteFault("full", "it takes no writes", "mend it")


def worker(*queues: str) -> Worker:
    return Worker(queues, 2, 1, "here", 0.0, 0.0, {})


RUNNING = Processes(
    {"w": worker(*ALL)}, {}, {StackProcess.API: 0.5, StackProcess.BEAT: 1.5}, NO_ONE_WAITS
)  # fmt: skip
SOUND = Sight(memory=Memory(10, 100, is_limited=True), processes=RUNNING, disk=DiskState(DISK[0] * 10, 0.5))


def wrong(seen: Sight, before: set[Cause] | None = None) -> set[Cause]:
    return {cause for cause, verdict in judge(seen, before or set()).items() if isinstance(verdict, Wrong)}


def unknown(seen: Sight) -> set[Cause]:
    return {cause for cause, verdict in judge(seen).items() if verdict is None}


def processes(**changed: object) -> Sight:
    return replace(SOUND, processes=replace(RUNNING, **changed))


def test_a_sound_stack_has_no_fault_and_every_cause_is_a_pair_of_notices() -> None:
    verdicts = judge(SOUND)
    assert verdicts.keys() == CAUSES and set(verdicts.values()) == {WELL}
    assert len({str(cause) for cause in CAUSES}) == len(CAUSES)
    for cause in CAUSES:
        assert cause.wrong in KINDS[cause.well].resolves, cause


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        (processes(workers={}, lost={"w": 11.0}), {WORKERS}),
        (processes(workers={}, lost={"w": 11.0}, waiting={**NO_ONE_WAITS, "scraping": 3}), {WORKERS}),
        (processes(workers={"w": worker("processing")}, waiting={**NO_ONE_WAITS, "scraping": 3}), {SCRAPING}),
        (processes(workers={"w": worker("processing")}), set()),
        (processes(workers={"w": worker(*ALL)}, lost={"old": 900.0}), set()),
        (processes(workers={}, lost={}), set()),
        (processes(quiet_s={StackProcess.API: 0.5, StackProcess.BEAT: 11.0}), {BEAT}),
        (processes(quiet_s={StackProcess.API: 11.0, StackProcess.BEAT: 0.5}), {API}),
        (processes(quiet_s={StackProcess.API: 0.5, StackProcess.BEAT: None}), set()),
        (replace(SOUND, away="no answer", processes=None, memory=None), {REDIS_AWAY}),
        (replace(SOUND, refuses=FAULT, processes=None), {REDIS_REFUSES}),
        (replace(SOUND, refuses=FAULT, processes=None, memory=Memory(254, 100, is_limited=True)), {REDIS_REFUSES}),
        (replace(SOUND, memory=Memory(91, 100, is_limited=True)), {REDIS_FULL}),
        (replace(SOUND, memory=Memory(89, 100, is_limited=False)), set()),
        (replace(SOUND, memory=Memory(91, 0, is_limited=False)), set()),
        (replace(SOUND, disk=DiskState(DISK[0] - 1, 0.5)), {DISK_FULL}),
        (replace(SOUND, disk=DiskState(DISK[0] + 1, 0.009)), {DISK_FULL}),
        (replace(SOUND, disk=DiskState(fault=FAULT)), {DISK_REFUSES}),
    ],
)  # fmt: skip
def test_each_fault_is_seen_as_itself(seen: Sight, found: set[Cause]) -> None:
    assert wrong(seen) == found


def test_nobody_is_said_to_be_gone_whom_nobody_could_see() -> None:
    """A full Redis takes no sign of life, one that is away tells of none; and who signed off is not missed."""
    of_processes = {WORKERS, BEAT, API, *QUEUES}
    assert unknown(replace(SOUND, refuses=FAULT, processes=None)) == {*of_processes, REDIS_FULL}
    assert unknown(replace(SOUND, away="gone", processes=None, memory=None)) >= {*of_processes, REDIS_REFUSES}
    assert unknown(processes(workers={}, quiet_s=dict.fromkeys(StackProcess))) == of_processes
    assert unknown(replace(SOUND, disk=DiskState())) == {DISK_REFUSES, DISK_FULL}


def test_what_goes_up_and_down_about_a_bound_is_told_once() -> None:
    memory = replace(SOUND, memory=Memory(89, 100, is_limited=True))
    assert wrong(memory, {REDIS_FULL}) == {REDIS_FULL} and wrong(memory) == set()
    assert wrong(replace(SOUND, memory=Memory(80, 100, is_limited=True)), {REDIS_FULL}) == set()
    disk = replace(SOUND, disk=DiskState(int(DISK[0] * 1.05), 0.5))
    assert wrong(disk, {DISK_FULL}) == {DISK_FULL} and wrong(disk) == set()


def told(steady: Steady, *verdicts: Verdict) -> list[bool]:
    """What a row of looks tells of one cause: True, it is wrong; False, it is well."""
    found = []
    for verdict in verdicts:
        found += [isinstance(change.verdict, Wrong) for change in steady.take({BEAT: verdict}, 100.0)]
    return found


def test_only_what_lasts_is_told_and_once() -> None:
    gone = Wrong("gone", "start it", after=3)
    assert told(Steady(0), gone, gone) == []
    assert told(Steady(0), gone, gone, gone) == [True]
    assert told(Steady(0), *[gone] * 9, *[WELL] * (WELL_AFTER - 1)) == [True]
    assert told(Steady(0), *[gone] * 9, *[WELL] * 9, *[gone] * 9) == [True, False, True]
    assert told(Steady(0), *[gone, gone, WELL, WELL] * 5) == [], "it flaps"
    assert told(Steady(0), *[gone] * 3, *[WELL, gone] * 9) == [True], "it flaps"
    assert told(Steady(0), gone, gone, None, gone, gone) == [], "nobody knows what was between"
    assert told(Steady(0), *[gone] * 3, *[None] * 9, gone) == [True]
    assert told(Steady(0), *[WELL] * 9) == [False], "another process may have told that it was wrong"


def test_a_stack_that_has_just_begun_is_left_to_settle() -> None:
    gone = Wrong("gone", "start it", after=1)
    assert told(Steady(settling=3), gone, gone, gone) == []
    assert told(Steady(settling=3), gone, gone, gone, gone) == [True]


def test_what_is_wrong_now_is_known_with_its_newest_words_and_since_when() -> None:
    steady = Steady(0)
    steady.take({BEAT: Wrong("for 11 s", "start it", after=1)}, 50.0)
    steady.take({BEAT: Wrong("for 13 s", "start it", after=1)}, 52.0)
    assert steady.wrong == {BEAT: (Wrong("for 13 s", "start it", after=1), 50.0)}
    told(steady, *[WELL] * WELL_AFTER)
    assert steady.wrong == {}


def test_a_disk_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = look_at_disk(tmp_path)
    assert seen.free_bytes and seen.fault is None
    goes_on = threading.Event()

    def hangs(folder: Path) -> DiskState:
        goes_on.wait(20)
        return seen

    monkeypatch.setattr(disk_look, "look_at_disk", hangs)
    monkeypatch.setattr(disk_look, "HANGS_S", 0.05)
    look = DiskLook(tmp_path)
    assert look.state() == DiskState()
    time.sleep(0.1)
    fault = look.state().fault
    goes_on.set()
    assert fault is not None and fault.what == "hangs"
    until = time.monotonic() + 20
    while look.state() != seen:
        assert time.monotonic() < until
        time.sleep(0.01)
