"""Where audit entries stay: Parquet by month in the lake's root, only ever added to; and the flush that fills it."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data.audit.entry import AUDIT, UNREADABLE, is_misdated, row, rows_of
from data.audit.stream import AuditStream, StreamId
from data.damage import enduring, mend
from data.duck import connection
from data.mounts import addresses, opened, storage_at
from data.storage import Content, Storage
from leadmill.errors import StorageError
from leadmill.ids import AUDIT_ID, audit_id_at, audit_place
from leadmill.pause import pause_point

#: Elements of the stream that one file takes, at most.
CHUNK = 2_000
#: So many files of a month with few rows become one, at most twice as many at once.
MERGED_FROM, FEW_ROWS = 24, 10_000
#: Bytes of entries made without Redis that wait for a flush; more are refused.
MAX_WAITING = 8_000_000
#: Begins the first line of the entries that wait; how many flushes took some follows.
_FLUSHES = b"flushes "
_FILE = re.compile(r"audit-(\d+)_(\d+)-(\d+)_(\d+)-[0-9a-f]{12}\.parquet")
_MONTH = re.compile(r"month=(\d{4}-\d\d)")
#: Ids made without Redis: this many values within a millisecond.
_LOCAL = 1 << 38
_EACH_ONCE = """
    SELECT * FROM read_parquet($files, union_by_name => true) WHERE {where}
    QUALIFY row_number() OVER (PARTITION BY entry_id) = 1 ORDER BY entry_id {order}
"""


class AuditFiles:
    """The audit's files below one data folder. Cheap to make; holds nothing open.

    `tell` takes what an operator must see (`JobStore.critical`).
    """

    def __init__(self, root: Path, tell: Callable[[str, Mapping[str, Any]], None] | None = None) -> None:
        self.root = root
        self.storage: Storage = storage_at(root)
        self.tell = tell
        self.folder = root / "audit"
        self._waiting = self.folder / "local.jsonl"

    # ---- entries made without Redis --------------------------------------------------------------------

    def append(self, entries: Sequence[str]) -> None:
        """Add entries (`Entry.text`) made on this machine, durable before it returns; the next flush takes them.

        Raises:
            StorageError: the disk takes no more, or too many wait.
            OSError: another fault of the disk.
        """
        lines = b"".join(map(self._line, entries))
        while True:
            seen = self._read_waiting()
            if len(before := seen.data if seen else _head(0)) + len(lines) > MAX_WAITING:
                raise StorageError("too many audit entries wait for a flush", full=True)
            try:
                if self.storage.swap(self._waiting, before + lines, seen):
                    return
            except OSError as error:
                raise StorageError.of(error) or error from error

    @staticmethod
    def _line(text: str) -> bytes:
        entry_id = audit_id_at(time.time_ns() // 1_000_000, secrets.randbelow(_LOCAL), 0)
        return f"{entry_id} {text}\n".encode()

    def _read_waiting(self) -> Content | None:
        return self.storage.read(self._waiting)

    def waiting(self) -> list[dict[str, Any]]:
        """Rows of entries made without Redis that are in no file yet."""
        found = self._read_waiting()
        return _waiting_rows(found.data) if found else []

    # ---- the flush -----------------------------------------------------------------------------------------

    def exclusive(self, wait_s: float, waiting: Callable[[], None] = lambda: None) -> AbstractContextManager[None]:
        """The right to flush, merge and remove; it ends with the process.

        Raises:
            TimeoutError: another process holds it for longer than `wait_s`.
        """
        return self.storage.lock(self.folder / ".lock", wait_s, 0.05, waiting)

    def flush(self, stream: AuditStream, check: Callable[[], None] = lambda: None) -> int:
        """Take what waits into files, then drop it there; how many entries. Call it within `exclusive`.

        Each file is whole before its entries are dropped, so a death leaves them twice at most.

        Raises:
            UnavailableError: Redis does not answer.
            OSError: the disk takes no more.
        """
        flushed, misdated = self._flush_waiting(), 0
        while chunk := stream.oldest(CHUNK):
            check()
            rows = [one for at, text in chunk for one in rows_of(at, text)]
            ids = sorted(one["entry_id"] for one in rows)
            if ids:  # an element of somebody else's may hold none
                self._write(rows, audit_place(ids[0])[:2], audit_place(ids[-1])[:2])
            misdated += sum(is_misdated(at) for at, _ in chunk)
            pause_point("audit_written")
            stream.drop_until(chunk[-1][0])
            pause_point("audit_dropped")
            flushed += len(rows)
            if len(chunk) < CHUNK:
                break
        if misdated:
            stream.begin_anew()
            if self.tell is not None:
                self.tell("audit_misdated", {"elements": misdated, "now": "their entries are dated by this flush"})
        for month in self.months()[-2:]:
            check()
            self._merge(month)
        return flushed

    def _flush_waiting(self) -> int:
        seen = self._read_waiting()
        if seen is None or not (rows := _waiting_rows(seen.data)):
            return 0
        ids = sorted(one["entry_id"] for one in rows)
        self._write(rows, audit_place(ids[0])[:2], audit_place(ids[-1])[:2])
        taken = len(seen.data)
        while seen is not None and not self.storage.swap(self._waiting, _after(seen.data, taken), seen):
            seen = self._read_waiting()  # somebody has added to it
        return len(rows)

    def _write(self, rows: Iterable[dict[str, Any]], first: StreamId, last: StreamId) -> None:
        by_month: dict[str, list[dict[str, Any]]] = {}
        for one in rows:
            by_month.setdefault(f"{one['at']:%Y-%m}", []).append(one)
        for month, some in by_month.items():
            self._put(month, pa.Table.from_pylist(sorted(some, key=_entry_id), schema=AUDIT), first, last)

    def _put(self, month: str, content: pa.Table, first: StreamId, last: StreamId) -> Path:
        """Write a file whose name tells what is in it: the same entries have the same one, others never."""
        ids = "\n".join(content["entry_id"].to_pylist())
        digest = hashlib.sha256(ids.encode()).hexdigest()[:12]
        target = self.folder / f"month={month}" / f"audit-{first[0]}_{first[1]}-{last[0]}_{last[1]}-{digest}.parquet"
        with self.storage.create(target) as path:
            pq.write_table(content, path, compression="zstd", row_group_size=10_000)
        return target

    def _merge(self, month: str) -> None:
        """Make one file of many small ones; until those are removed their entries stand twice."""
        small = [file for file in self.files(month) if self._row_count(file) < FEW_ROWS][: 2 * MERGED_FROM]
        if len(small) < MERGED_FROM:
            return
        merged: list[Path] = []

        def sound() -> dict[str, list[Path]]:
            merged[:] = [file for file in small if self.storage.stat(file) is not None]
            return {"audit": merged}

        query = _EACH_ONCE.format(where="true", order="")
        content = enduring(self, sound, lambda files: _table(query, {}, files["audit"]))
        target = self._put(month, content.cast(AUDIT), *_span(merged))
        pause_point("audit_merged")
        for file in merged:
            if file != target:
                self.storage.remove(file)

    def _row_count(self, file: Path) -> int:
        try:
            return int(pq.read_metadata(opened(file)).num_rows)
        except (pa.ArrowException, OSError):
            mend(self, [file])
            return FEW_ROWS

    # ---- what lies there -------------------------------------------------------------------------------------

    def months(self) -> list[str]:
        """`YYYY-MM` of each month that has files, in order."""
        names = self.storage.names(self.folder)
        return sorted(found[1] for name in names if (found := _MONTH.fullmatch(name)))

    def files(self, month: str) -> list[Path]:
        """The files of a month."""
        folder = self.folder / f"month={month}"
        return [folder / name for name in sorted(self.storage.names(folder)) if _FILE.fullmatch(name)]

    def newest(self) -> StreamId:
        """The highest id of an element that a file was made of."""
        months = self.months()[-1:]
        found = [_ids(file)[1] for month in months for file in self.files(month)]
        return max(found, default=(0, 0))

    def rows(self, month: str, conditions: Sequence[str], given: Mapping[str, Any], limit: int) -> list[dict[str, Any]]:
        """Rows of a month that fit conditions (SQL over the columns of `AUDIT`), the newest first, each id once."""
        query = _EACH_ONCE.format(where=" AND ".join(conditions) or "true", order="DESC LIMIT $limit")
        parameters = {**given, "limit": limit}

        def read(files: Mapping[str, Sequence[Path]]) -> list[dict[str, Any]]:
            return list(_table(query, parameters, files["audit"]).to_pylist()) if files["audit"] else []

        return enduring(self, lambda: {"audit": self.files(month)}, read)

    def drop_older(self, days: int, now: datetime) -> int:
        """Remove months whose last day is longer ago; bytes freed. Call it within `exclusive`."""
        last = f"{now - timedelta(days=days):%Y-%m}"
        old = [month for month in self.months() if month < last]
        return sum(self.storage.remove_all(self.folder / f"month={month}") for month in old)

    def drop_unfinished(self) -> int:
        """Remove what killed flushes left; bytes freed. Call it within `exclusive`."""
        return sum(self.storage.drop_unfinished(self.folder / f"month={month}") for month in self.months())


def _table(query: str, parameters: Mapping[str, Any], files: Sequence[Path]) -> pa.Table:
    names = addresses(files)
    found: pa.Table = connection().cursor().sql(query, params={**parameters, "files": names}).to_arrow_table()
    return found.select(AUDIT.names)


def _entry_id(one: Mapping[str, Any]) -> str:
    return str(one["entry_id"])


def _ids(file: Path) -> tuple[StreamId, StreamId]:
    found = _FILE.fullmatch(file.name)
    assert found is not None
    first_ms, first, last_ms, last = map(int, found.groups())
    return (first_ms, first), (last_ms, last)


def _span(files: Sequence[Path]) -> tuple[StreamId, StreamId]:
    ids = [_ids(file) for file in files]
    return min(first for first, _ in ids), max(last for _, last in ids)


def _head(flushes: int) -> bytes:
    """The first line of the entries that wait. It is another one after each flush: the file never holds again what it
    held before, so that no swap can take place over a later state than it had seen.
    """
    return b"%s%d\n" % (_FLUSHES, flushes)


def _after(data: bytes, taken: int) -> bytes:
    """What waits once so many bytes of it were taken into files."""
    first = data.partition(b"\n")[0].removeprefix(_FLUSHES)
    return _head(int(first) + 1 if first.isdigit() else 1) + data[taken:]


def _waiting_rows(data: bytes) -> list[dict[str, Any]]:
    """A line each: its id and the entry. Of one that is none, an entry of now that says so."""
    found = []
    lines = data.decode(errors="replace").splitlines()
    for line in lines[data.startswith(_FLUSHES) :]:
        entry_id, _, text = line.partition(" ")
        try:
            about = json.loads(text)
        except (ValueError, RecursionError):
            about = None
        if not AUDIT_ID.match(entry_id) or not isinstance(about, dict):
            entry_id, about = audit_id_at(int(datetime.now(UTC).timestamp() * 1000), 0, 0), {"action": UNREADABLE}
        found.append(row(entry_id, about))
    return found
