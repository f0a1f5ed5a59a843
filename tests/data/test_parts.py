"""Part files under every interleaving of writers, late exposers, droppers and readers, over real files.

A slow process is one that stops between two changes of the folder: each actor here is a thread that waits for its turn
before every rename and removal, and the test chooses whose turn it is.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from data.job_files import JobFiles
from data.lake import Lake, UnitFiles
from data.parts import Committed, counts_of, newest, parse_name, part_name, short
from leadmill.ids import company_id

JOB = "job_" + "0" * 20


def write(lake: Lake, epoch: int, files: int, kind: str = "rows") -> Committed:
    """What a run of p0's scrape writes before its commit: so many files of one row each, which tells the epoch."""
    made = UnitFiles(lake, JOB, "scrape", "p0", epoch)
    for n in range(files):
        domain = f"e{epoch}n{n}.example"
        row = {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/"}
        made.write([row if kind == "rows" else {**row, "scope": "company", "stage": "scrape", "category": "data",
                                                "error": "x", "at": None}], kind)  # type: ignore[arg-type]  # fmt: skip
    return Committed(epoch, counts_of(short(made.counts)))


def rows(lake: Lake, committed: Committed) -> list[str]:
    """What a reader gets that has read the record before."""
    return sorted(row["domain"] for row in lake.iter_rows(files_of(lake, committed).valid("scrape")))


def files_of(lake: Lake, committed: Committed) -> JobFiles:
    return JobFiles(lake, JOB, lambda: {("scrape", "p0"): committed})


def wanted(committed: Committed) -> list[str]:
    assert committed.counts is not None
    return sorted(f"e{committed.epoch}n{n}.example" for n in range(committed.counts["rows"]))


# ---- one slow process beside another, stopped at every step --------------------------------------------


class Steps:
    """Runs functions in threads that stop before each change of the folder until they are let go on."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._waiting: dict[int, threading.Semaphore] = {}
        self._arrived = threading.Semaphore(0)
        for name in ("replace", "unlink", "rename"):
            patch.setattr(Path, name, self._slow(getattr(Path, name)))

    def _slow(self, true: Callable[..., Any]) -> Callable[..., Any]:
        def stopping(path: Path, *args: Any, **more: Any) -> Any:
            gate = self._waiting.get(threading.get_ident())
            if gate is not None:
                self._arrived.release()
                gate.acquire()
            return true(path, *args, **more)

        return stopping

    def start(self, work: Callable[[], object]) -> Callable[[], bool]:
        """A function that lets the work make its next change; False once it has ended."""
        gate, ended, errors = threading.Semaphore(0), threading.Event(), []

        def body() -> None:
            self._waiting[threading.get_ident()] = gate
            try:
                work()
            except BaseException as error:
                errors.append(error)
            ended.set()
            self._arrived.release()

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        self._arrived.acquire()

        def step() -> bool:
            if ended.is_set():
                thread.join()
                if errors:
                    raise errors[0]
                return False
            gate.release()
            self._arrived.acquire()
            return True

        return step


def interleavings(first: int, second: int) -> Iterator[tuple[int, ...]]:
    """Every order of so many steps of two actors."""
    for places in itertools.combinations(range(first + second), first):
        yield tuple(0 if i in places else 1 for i in range(first + second))


@pytest.mark.parametrize(("old_files", "new_files"), [(1, 1), (2, 1), (1, 2), (2, 0)])
@pytest.mark.parametrize("late", ["exposer", "dropper"])
def test_a_late_process_beside_a_new_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, late: str, old_files: int, new_files: int
) -> None:
    """The late one knows epoch 3; epoch 4 is committed and being exposed. Its rows are there, whatever comes first."""
    steps = Steps(monkeypatch)
    for number, order in enumerate(interleavings(4, 4)):
        lake = Lake(tmp_path / str(number))
        old = write(lake, 3, old_files)
        if late == "dropper":
            lake.expose(JOB, "scrape", "p0", 3)
        new = write(lake, 4, new_files)
        works: list[Callable[[], object]] = [
            (lambda lake=lake: lake.expose(JOB, "scrape", "p0", 3))  # type: ignore[misc]
            if late == "exposer"
            else (lambda lake=lake: lake.drop_partition(JOB, ["scrape"], 0, 3)),  # type: ignore[misc]
            lambda lake=lake: lake.expose(JOB, "scrape", "p0", 4),  # type: ignore[misc]
        ]
        actors = [steps.start(work) for work in works]
        for actor in order:
            actors[actor]()
        for step in actors:
            while step():
                pass
        assert rows(lake, new) == wanted(new), (order, sorted(lake.job_dir(JOB).rglob("part-*")))
        assert len(lake.parts(JOB, "scrape")) == new_files or not new_files
        assert old.epoch == 3


# ---- any order of many -------------------------------------------------------------------------------------


class Folder(RuleBasedStateMachine):
    """A record of one unit, played by hand, and processes that act on what it said some time ago."""

    @initialize(data=st.data())
    def start(self, data: st.DataObject) -> None:
        import tempfile

        self._holder = tempfile.TemporaryDirectory()
        self.lake = Lake(Path(self._holder.name))
        self.epoch = 1
        self.committed: Committed | None = None
        self.known: list[Committed] = []  # what late processes still believe
        self.written: dict[int, Committed] = {}

    def teardown(self) -> None:
        if hasattr(self, "_holder"):
            self._holder.cleanup()

    @rule(files=st.integers(0, 3))
    def work(self, files: int) -> None:
        """A run writes its files; it may have lost its unit meanwhile."""
        if self.epoch not in self.written:
            self.written[self.epoch] = write(self.lake, self.epoch, files)

    @precondition(lambda self: self.epoch in self.written and self.committed is None)
    @rule(exposes=st.booleans())
    def commit(self, exposes: bool) -> None:
        self.committed = self.written[self.epoch]
        self.known.append(self.committed)
        if exposes:
            self.lake.expose(JOB, "scrape", "p0", self.epoch)

    @rule(drops=st.booleans())
    def made_again(self, drops: bool) -> None:
        """What it read was damaged, or a resume: a fresh epoch, and nothing is committed."""
        before, self.epoch, self.committed = self.epoch, self.epoch + 1, None
        if drops:
            self.lake.drop_partition(JOB, ["scrape"], 0, before)

    @precondition(lambda self: self.known)
    @rule(data=st.data(), drops=st.booleans())
    def late(self, data: st.DataObject, drops: bool) -> None:
        """A process that slept exposes what it knew, or drops what it was told to make again."""
        what = data.draw(st.sampled_from(self.known))
        if not drops:
            self.lake.expose(JOB, "scrape", "p0", what.epoch)
        elif what is not self.committed:
            self.lake.drop_partition(JOB, ["scrape"], 0, what.epoch)

    @precondition(lambda self: self.committed is not None)
    @rule(data=st.data())
    def publish(self, data: st.DataObject) -> None:
        """The job's end, perhaps by a process that read the units a while ago; then a listing is exact."""
        what = data.draw(st.sampled_from(self.known))
        files_of(self.lake, what).remove_losers(["scrape"], {"p0": what.epoch})
        if what is self.committed:
            names = sorted(row["domain"] for row in self.lake.iter_rows(self.lake.parts(JOB, "scrape")))
            assert names == wanted(what)

    @precondition(lambda self: self.committed is not None)
    @rule()
    def read(self) -> None:
        """Whoever reads by the record gets exactly the rows of the committed epoch."""
        assert self.committed is not None
        assert rows(self.lake, self.committed) == wanted(self.committed)


Folder.TestCase.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
TestFolder = Folder.TestCase


# ---- names and counts -----------------------------------------------------------------------------------------


def test_names_and_counts_come_back() -> None:
    for part in ((0, 0, 1), (12, 3, 2), (100_000, 10, 1_800_000_000)):
        assert parse_name(part_name(*part)) == part
    assert parse_name("part-00000-0.parquet") == (0, 0, 1), "a name of version 0.1.0"
    assert parse_name("snapshot-000001.parquet") is None and parse_name("part-x-0.parquet") is None
    for counts in ({}, {"rows": 1}, {"rows": 1, "pages": 12}, {"errors": 2}):
        told = counts_of(short(counts))  # type: ignore[arg-type]
        assert told is not None and {kind: n for kind, n in told.items() if n} == counts
    assert counts_of("") is counts_of(None) is None
    names = ["part-00001-0.parquet", "part-00001-0-e2.parquet", "part-00000-0.parquet", "damaged-part-00000-1.parquet"]
    assert newest(names) == ["part-00000-0.parquet", "part-00001-0-e2.parquet"]


def test_readers_across_jobs_take_the_highest_epoch_of_each_partition(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for epoch, files in ((1, 2), (2, 1)):
        write(lake, epoch, files)
        lake.expose(JOB, "scrape", "p0", epoch)
    assert [file.name for file in lake.stage_files("scrape")] == ["part-00000-0-e2.parquet"]
    assert [row["company_id"] for row in lake.newest("scrape")] == [company_id("e2n0.example")]
