"""The audit's files: what a flush leaves wherever it dies, months, merging, retention, entries made without Redis."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from data.audit import AuditFiles, AuditFilter, Entry
from data.audit.entry import AUDIT, MAX_CHARS, MAX_IDS, UNREADABLE, clean, dated, rows_of
from data.audit.files import MAX_WAITING, MERGED_FROM
from data.audit.pages import page
from data.audit.stream import StreamId
from leadmill.errors import StorageError
from leadmill.ids import AUDIT_ID, audit_id_at, audit_place

DAY = 86_400_000
NOVEMBER = int(datetime(2026, 11, 30, 23, 59, tzinfo=UTC).timestamp() * 1000)


class Elements:
    """The stream as the flush sees it, held in a list; `dies` stops it in the place of the next drop."""

    def __init__(self, *elements: tuple[StreamId, str]) -> None:
        self.held = list(elements)
        self.dies = False
        self.begun_anew = 0

    def add(self, ms: int, *actions: str) -> None:
        texts = ",".join(Entry(action=action, key="abcd1234").text() for action in actions)
        self.held.append(((ms, 0), f"[{texts}]"))

    def oldest(self, limit: int, after: StreamId = (0, 0)) -> list[tuple[StreamId, str]]:
        return [one for one in self.held if one[0] > after][:limit]

    def newest(self, until: StreamId | None, limit: int = 1_000) -> list[tuple[StreamId, str]]:
        return [one for one in reversed(self.held) if until is None or one[0] <= until][:limit]

    def begin_anew(self) -> None:
        self.begun_anew += 1

    def drop_until(self, last: StreamId) -> None:
        if self.dies:
            raise KeyboardInterrupt
        self.held = [one for one in self.held if one[0] > last]


@pytest.fixture
def files(tmp_path: Path) -> AuditFiles:
    return AuditFiles(tmp_path / "var")


@pytest.fixture
def stream() -> Elements:
    return Elements()


def flush(files: AuditFiles, stream: Elements) -> int:
    with files.exclusive(1):
        return files.flush(stream)  # type: ignore[arg-type]


def actions(files: AuditFiles, stream: Elements, **wanted: object) -> list[str]:
    found = page(stream, files, AuditFilter(**wanted), 1_000)  # type: ignore[arg-type]
    return [one["action"] for one in found.rows]


def test_an_id_sorts_as_its_numbers_do() -> None:
    places = [
        (NOVEMBER, 0, 0),
        (NOVEMBER, 0, 4_095),
        (NOVEMBER, 1, 0),
        (NOVEMBER, (1 << 38) - 1, 7),
        (NOVEMBER + 1, 0, 0),
    ]
    ids = [audit_id_at(*place) for place in places]
    assert ids == sorted(ids) and all(AUDIT_ID.match(one) for one in ids)
    assert [audit_place(one) for one in ids] == places


def test_a_flush_takes_all_into_the_month_of_each_and_empties_the_stream(files: AuditFiles, stream: Elements) -> None:
    stream.add(NOVEMBER, "first", "second")
    stream.add(NOVEMBER + DAY, "third")
    assert flush(files, stream) == 3
    assert stream.held == [] and files.months() == ["2026-11", "2026-12"]
    assert actions(files, stream) == ["third", "second", "first"]
    [november] = files.files("2026-11")
    assert pq.read_schema(november).equals(AUDIT), "what is written has the columns that are told"
    assert flush(files, stream) == 0 and files.files("2026-11") == [november]


def test_a_flush_that_died_before_it_dropped_leaves_no_double(files: AuditFiles, stream: Elements) -> None:
    stream.add(NOVEMBER, "first")
    stream.dies = True
    with pytest.raises(KeyboardInterrupt):
        flush(files, stream)
    assert stream.held, "it was dropped"
    assert actions(files, stream) == ["first"], "of stream and file it is told once"
    stream.add(NOVEMBER + 1, "second")
    with pytest.raises(KeyboardInterrupt):
        flush(files, stream)
    stream.dies = False
    flush(files, stream)
    assert len(files.files("2026-11")) == 2, "the first stands in two files"
    assert actions(files, stream) == ["second", "first"]


def test_the_same_entries_make_the_same_file_and_others_never(files: AuditFiles, stream: Elements) -> None:
    stream.add(NOVEMBER, "first")
    flush(files, stream)
    before = files.files("2026-11")
    stream.add(NOVEMBER, "first")
    flush(files, stream)
    assert files.files("2026-11") == before
    stream.add(NOVEMBER, "first", "second")  # a server that was emptied, and whose clock was set back
    flush(files, stream)
    assert len(files.files("2026-11")) == 2 and before[0] in files.files("2026-11")


def test_many_small_files_become_one(files: AuditFiles, stream: Elements) -> None:
    for number in range(MERGED_FROM):
        stream.add(NOVEMBER + number, f"a{number:03d}")
        assert flush(files, stream) == 1
    assert len(files.files("2026-11")) == 1
    assert actions(files, stream) == [f"a{number:03d}" for number in reversed(range(MERGED_FROM))]
    assert files.newest() == (NOVEMBER + MERGED_FROM - 1, 0)
    [merged] = files.files("2026-11")
    assert pq.read_schema(merged).equals(AUDIT)


def test_a_damaged_file_costs_its_own_entries_alone(files: AuditFiles, stream: Elements) -> None:
    for number in range(3):
        stream.add(NOVEMBER + number, f"a{number}")
        flush(files, stream)
    files.files("2026-11")[1].write_bytes(b"PAR1 torn")
    assert actions(files, stream) == ["a2", "a0"]
    assert len(files.files("2026-11")) == 2, "it is set aside"


def test_each_filter_of_stream_and_files_alike(files: AuditFiles, stream: Elements) -> None:
    def both(**about: object) -> None:
        for at in (NOVEMBER, NOVEMBER + 60_000):
            stream.held.append(((at, len(stream.held)), f"[{Entry(**about).text()}]"))  # type: ignore[arg-type]

    both(action="cancel", key="k1", project="default", id="job_1", status=202)
    both(action="cancel", key="k2", project="acme", id="job_2", status=403)
    both(action="pause", key="k1", project="default", id="daily", status=200)
    stream.held.sort()
    later = [one for one in stream.held if one[0][0] > NOVEMBER]
    stream.held = [one for one in stream.held if one[0][0] == NOVEMBER]
    flush(files, stream)
    stream.held = later
    assert len(actions(files, stream)) == 6
    for wanted in ({"key": "k2"}, {"project": "acme"}, {"status": 403}, {"id": "job_2"}):
        assert actions(files, stream, **wanted) == ["cancel"] * 2, wanted
    assert actions(files, stream, action="pause") == ["pause"] * 2
    minute = datetime.fromtimestamp(NOVEMBER / 1000, UTC) + timedelta(seconds=30)
    assert actions(files, stream, since=minute) == ["pause", "cancel", "cancel"]
    assert actions(files, stream, until=minute) == ["pause", "cancel", "cancel"]
    assert actions(files, stream, until=minute, since=minute) == []


def test_pages_go_on_where_they_ended_while_a_flush_runs(files: AuditFiles, stream: Elements) -> None:
    for number in range(10):
        stream.add(NOVEMBER + number, f"a{number}", f"b{number}")
    found: list[str] = []
    before = None
    while True:
        rows, before = page(stream, files, AuditFilter(), 3, before)  # type: ignore[arg-type]
        found += [one["action"] for one in rows]
        if len(found) == 6:
            flush(files, stream)
        if before is None:
            break
    assert found == [f"{letter}{number}" for number in reversed(range(10)) for letter in "ba"]


def test_months_go_once_their_last_day_is_old(files: AuditFiles, stream: Elements) -> None:
    stream.add(NOVEMBER, "old")
    stream.add(NOVEMBER + 40 * DAY, "new")
    flush(files, stream)
    at = datetime(2026, 12, 10, tzinfo=UTC)
    assert files.drop_older(10, at) == 0, "the last of November is no ten days ago"
    assert files.drop_older(9, at + timedelta(days=1)) > 0
    assert files.months() == ["2027-01"]


def test_what_was_made_without_redis_is_read_at_once_and_taken_by_the_next_flush(
    files: AuditFiles, stream: Elements
) -> None:
    files.append([Entry(action="create_key", name="ada", id="abcd1234").text()])
    assert actions(files, stream) == ["create_key"]
    callers = [threading.Thread(target=files.append, args=([Entry(action=f"a{n}").text()],)) for n in range(8)]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    assert len(actions(files, stream)) == 9
    assert flush(files, stream) == 9 and files.waiting() == []
    assert set(actions(files, stream)) == {"create_key", *(f"a{n}" for n in range(8))}


def test_a_flush_killed_before_it_emptied_the_file_of_this_machine(files: AuditFiles, stream: Elements) -> None:
    files.append([Entry(action="create_key").text()])
    waiting = files.folder / "local.jsonl"
    before = waiting.read_bytes()
    flush(files, stream)
    waiting.write_bytes(before)
    assert actions(files, stream) == ["create_key"]
    flush(files, stream)
    assert actions(files, stream) == ["create_key"] and files.waiting() == []


def test_too_many_that_wait_are_refused(files: AuditFiles) -> None:
    files.append([Entry(action="a").text()])
    (files.folder / "local.jsonl").write_bytes(b" " * MAX_WAITING)
    with pytest.raises(StorageError, match="wait for a flush"):
        files.append([Entry(action="b").text()])


def test_what_is_no_entry_is_told_not_passed_over(files: AuditFiles, stream: Elements) -> None:
    stream.held.append(((NOVEMBER, 0), "something else"))
    stream.held.append(((NOVEMBER, 1), '[{"action": 5, "status": "x", "count": true, "id": ["a"]}]'))
    stream.held.append(((NOVEMBER, 2), "[" * 100_000))
    stream.held.append(((NOVEMBER, 3), f'[{{"action": "a\\ud800", "status": 99999, "count": {10**30}}}]'))
    told = ["a�", UNREADABLE, None, UNREADABLE]
    assert actions(files, stream) == told
    flush(files, stream)
    assert actions(files, stream) == told


def test_no_two_elements_are_dated_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.audit.entry.time.time", lambda: NOVEMBER / 1000)
    highest = (1 << 64) - 1
    strange = [(NOVEMBER, highest), (highest, highest), (highest, 0), (highest - 1, 1 << 40)]
    assert len({dated(one) for one in strange}) == len(strange)


def test_an_element_of_no_time_is_dated_now_and_stops_nobody(files: AuditFiles, stream: Elements) -> None:
    told: list[str] = []
    files.tell = lambda kind, about: told.append(f"{kind} {about['elements']}")
    stream.add(NOVEMBER, "before")
    highest = (1 << 64) - 1
    for at in ((NOVEMBER * 2, 0), (NOVEMBER, highest), (highest, highest)):
        stream.held.append((at, '[{"action": "theirs"}]'))
    stream.held.append(((NOVEMBER + 1, 0), json.dumps([{"action": "x"}] * 5_000)))
    stream.held.append(((NOVEMBER + 2, 0), "[]"))
    stream.add(NOVEMBER + 3, "behind")
    stream.held.sort()
    assert sorted(actions(files, stream)) == ["before", "behind", "theirs", "theirs", "theirs", UNREADABLE]
    flush(files, stream)
    assert sorted(actions(files, stream)) == ["before", "behind", "theirs", "theirs", "theirs", UNREADABLE]
    assert told == ["audit_misdated 3"] and stream.begun_anew == 1
    assert set(files.months()) <= {"2026-11", f"{datetime.now(UTC):%Y-%m}"} and not stream.held


def test_texts_of_callers_are_short_printable_and_no_keys() -> None:
    key = "lm_abcd1234_SeCrEtSeCrEtSeCrEtSeCrEtSeCrEt"
    assert clean(f"daily {key}/x") == "daily lm_abcd1234_…/x"
    assert "SeCr" not in clean("a" * (MAX_CHARS - 12) + key) and len(clean("a" * 5_000)) == MAX_CHARS
    assert clean("a\nb\x00\x1b[31m\x85") == "a�b��[31m�"
    assert clean("a\u202eb\u200bc\u2028d\U000e0041") == "a�b�c�d�" and clean("Größe 新") == "Größe 新"
    text = Entry(action="cancel", id="\ud800" + "x" * 500, name='"]}', request_id="r").text()
    [one] = rows_of((NOVEMBER, 0), f"[{text}]")
    assert (one["name"], one["request_id"], len(one["id"])) == ('"]}', "r", 501)
    [one] = rows_of((NOVEMBER, 0), f"[{Entry(action='y' * 500, id='x' * 2 * MAX_IDS).text()}]")
    assert (len(one["action"]), len(one["id"])) == (MAX_CHARS, MAX_IDS)
