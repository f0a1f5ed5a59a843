"""Entries on their way: an answer waits for its own, whatever Redis and the disk do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from api.auditing import commits as module
from api.auditing.commits import Commits
from data.audit import AuditFiles, AuditFilter, AuditStream, Entry, page
from data.audit.entry import LOST
from data.jobs import JobStore
from tests.valkey import Valkey

Work = Callable[[Commits], Awaitable[None]]


class Place:
    """A server that may be stopped, and a folder."""

    def __init__(self, server: Valkey, root: Path) -> None:
        self.server = server
        self.store = JobStore.connect(server.url, "test:", 1.0)
        self.stream, self.files = AuditStream(self.store), AuditFiles(root)
        self.under_way = 1

    def run(self, work: Work) -> Commits:
        """Run within a loop as an API process does, to the end of the thread."""

        async def serve() -> Commits:
            commits = Commits(self.stream, self.files, lambda: self.under_way)
            commits.start()
            await work(commits)
            await asyncio.to_thread(commits.close)
            return commits

        return asyncio.run(serve())

    def rows(self, action: str | None = None) -> list[tuple[str, int]]:
        found = page(self.stream, self.files, AuditFilter(action=action), 10_000).rows
        return [(one["action"], one["count"]) for one in reversed(found)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    with Valkey(tmp_path / "valkey", aof=True) as server:
        yield Place(server, tmp_path / "var")  # type: ignore[misc]


def text(action: str) -> str:
    return Entry(action=action).text()


@pytest.mark.stack
def test_an_entry_stands_when_its_answer_may_go(place: Place) -> None:
    async def work(commits: Commits) -> None:
        for n in range(3):
            assert await commits.stands(text(f"a{n}"))
            assert place.stream.length() == n + 1, "while nothing else is under way an entry goes at once"
        commits.put(text("last"))

    place.run(work)
    assert place.rows() == [("a0", 1), ("a1", 1), ("a2", 1), ("last", 1)], "the end leaves nothing behind"


@pytest.mark.stack
def test_those_that_wait_at_once_share_a_command(place: Place) -> None:
    async def work(commits: Commits) -> None:
        place.under_way = 100
        assert all(await asyncio.gather(*(commits.stands(text(f"a{n}")) for n in range(100))))

    place.run(work)
    assert sorted(place.rows()) == sorted((f"a{n}", 1) for n in range(100))
    assert place.stream.length() < 20


@pytest.mark.stack
def test_without_redis_writes_go_to_the_file_and_refusals_are_counted(place: Place) -> None:
    async def work(commits: Commits) -> None:
        place.server.stop()
        assert await commits.stands(text("cancel"))
        for _ in range(7):
            commits.put(text("refused"))
        assert await commits.stands(text("pause"))
        place.server.start()
        assert await commits.stands(text("resume"))

    assert place.run(work).lost == 7
    assert [action for action, _ in place.rows()] == ["cancel", "pause", LOST, "resume"]
    assert place.rows(LOST) == [(LOST, 7)]


@pytest.mark.stack
def test_without_redis_and_disk_no_write_is_said_to_be_done(place: Place) -> None:
    place.files.folder.parent.mkdir()
    place.files.folder.write_text("no folder")

    async def work(commits: Commits) -> None:
        place.server.stop()
        assert not await commits.stands(text("cancel"))

    place.run(work)


@pytest.mark.stack
def test_a_long_stream_is_flushed_before_its_hour(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FLUSH_AT", 5)
    monkeypatch.setattr(module, "LOOK_EVERY", 4)

    async def work(commits: Commits) -> None:
        for n in range(9):
            assert await commits.stands(text(f"a{n}"))

    place.run(work)
    assert place.stream.length() < 5 and place.files.months()
    assert place.rows() == [(f"a{n}", 1) for n in range(9)]


@pytest.mark.stack
def test_where_nothing_can_be_flushed_the_oldest_go_and_are_counted(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FLUSH_AT", 5)
    monkeypatch.setattr(module, "LOOK_EVERY", 1)
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    monkeypatch.setattr("data.audit.stream.KEPT", 10)
    place.files.folder.mkdir(parents=True)
    (place.files.folder / ".lock").write_text("")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AuditFiles, "flush", full)

    async def work(commits: Commits) -> None:
        for n in range(40):
            assert await commits.stands(text(f"a{n}"))
            if commits._flushing is not None:
                await asyncio.to_thread(commits._flushing.join)

    place.run(work)
    rows = place.rows()
    assert place.stream.length() <= 11
    assert sum(count for action, count in rows if action == LOST) + sum(action != LOST for action, _ in rows) == 40
