"""What each pool process works on just now, where the worker's main process can read it.

A small shared map, made before the fork: one slot a process, written by that process alone (but for one word, by
which the main process asks it to stop) and read by the main process, also after the writer's death. No locks: the
reader acts only on what it reads twice.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from billiard.process import current_process

#: Pool processes of one worker that have a slot; those beyond it are not watched.
SLOTS = 512

_SLOT = 192
_PID, _STOP, _BEAT, _RUN, _PAGE = 0, 4, 8, 16, 112
_WORD, _TIME = struct.Struct("<I"), struct.Struct("<d")
_NAMES = struct.Struct("<24s32s40s")
#: CPU seconds of the process when the page was begun, company, digest of the page.
_PAGE_FORM = struct.Struct("<d24s24s")
_PAGE_END = _PAGE + _PAGE_FORM.size


def mark_name(company_id: str, digest: str = "") -> str:
    """How the record and `Grant.refused` name a page, or (without its digest) a company: `<company>/<digest>`."""
    return f"{company_id}/{digest}"


class PageMark(NamedTuple):
    """A page (or, without a digest, a company) that a process has begun and not ended."""

    company_id: str
    #: First 16 hex digits of the page's SHA-256 (`page_hash`); empty: the company as a whole.
    digest: str
    #: CPU seconds of the process, all its threads, when it began.
    began_cpu_s: float

    @property
    def name(self) -> str:
        """As it stands in the record."""
        return mark_name(self.company_id, self.digest)


@dataclass(frozen=True)
class Seen:
    """What a slot says: the process holds that unit, and is at that page."""

    pid: int
    owner: str
    job_id: str
    unit: str
    page: PageMark | None
    #: Monotonic time at which the process last ran its thread beside the work.
    beat_at: float = 0.0


class Board:
    """All slots of one worker. Made at import, before any fork; the pages of unused slots are never touched."""

    def __init__(self) -> None:
        self._map = mmap.mmap(-1, SLOTS * _SLOT)
        self._pids = memoryview(self._map).cast("I")[:: _SLOT // _WORD.size]

    def slot(self, index: int) -> memoryview:
        """One slot's bytes."""
        return memoryview(self._map)[index * _SLOT : (index + 1) * _SLOT]

    def _of(self, pid: int) -> memoryview | None:
        try:
            return self.slot(self._pids.tolist().index(pid))
        except ValueError:
            return None

    def read(self, pid: int) -> Seen | None:
        """What a process works on; None when it holds no unit."""
        slot = self._of(pid)
        if slot is None:
            return None
        owner, job_id, unit = (_text(raw) for raw in _NAMES.unpack_from(slot, _RUN))
        if not owner:
            return None
        began, company, digest = _PAGE_FORM.unpack_from(slot, _PAGE)
        page = PageMark(_text(company), _text(digest), began) if company[0] else None
        return Seen(pid, owner, job_id, unit, page, _TIME.unpack_from(slot, _BEAT)[0])

    def ask_to_stop(self, seen: Seen) -> None:
        """Say to the process that this run must stop; another run that it may have begun by now is not meant."""
        slot = self._of(seen.pid)
        if slot is not None:
            _WORD.pack_into(slot, _STOP, _sum(seen.owner.encode()))

    def clear(self, pid: int) -> None:
        """Forget a dead process."""
        slot = self._of(pid)
        if slot is not None:
            slot[:] = bytes(_SLOT)


#: This worker's.
board = Board()


class Mark:
    """A block of work that the slot shows while it runs. Entering one takes 3 µs; a page has a few."""

    __slots__ = ("_before", "_company_id", "_digest", "_slot")

    def __init__(self, slot: memoryview, company_id: str, digest: str) -> None:
        self._slot, self._company_id, self._digest = slot, company_id, digest

    def __enter__(self) -> str:
        self._before = bytes(self._slot[_PAGE:_PAGE_END])
        _PAGE_FORM.pack_into(self._slot, _PAGE, time.process_time(), self._company_id.encode(), self._digest.encode())
        return mark_name(self._company_id, self._digest)

    def __exit__(self, *_: object) -> None:
        self._slot[_PAGE:_PAGE_END] = self._before


class Marks:
    """A process's own slot; without one (no pool process, or too many of them) bytes that nobody reads."""

    def __init__(self) -> None:
        index = getattr(current_process(), "index", None)
        shared = isinstance(index, int) and index < SLOTS
        self._slot = board.slot(index) if shared else memoryview(bytearray(_SLOT))  # type: ignore[arg-type]
        self._slot[:] = bytes(_SLOT)
        _WORD.pack_into(self._slot, _PID, os.getpid())
        self._owner = b""

    def hold(self, owner: str, job_id: str, unit: str) -> None:
        """A run begins. One whose unit has too long a name is not watched."""
        if len(unit) > 40:
            return
        self._owner = owner.encode()
        _WORD.pack_into(self._slot, _STOP, 0)
        self.beat()
        self._slot[_PAGE:_PAGE_END] = bytes(_PAGE_FORM.size)
        _NAMES.pack_into(self._slot, _RUN, self._owner, job_id.encode(), unit.encode())

    def release(self) -> None:
        """The run has ended, or its stage has: what is left is to commit."""
        self._owner = b""
        self._slot[_RUN:_PAGE_END] = bytes(_PAGE_END - _RUN)

    def beat(self) -> None:
        """The thread beside the work runs."""
        _TIME.pack_into(self._slot, _BEAT, time.monotonic())

    def asked_to_stop(self) -> bool:
        """Whether the main process wants this run to stop."""
        wanted = _WORD.unpack_from(self._slot, _STOP)[0]
        return wanted != 0 and wanted == _sum(self._owner)

    def at(self, company_id: str, digest: str = "") -> Mark:
        """A block of work on one page, or on one company; gives the name by which the record knows it.

        Marks may be nested: the innermost is the one that counts.
        """
        return Mark(self._slot, company_id, digest)

    def page(self) -> PageMark | None:
        """Where this process is."""
        began, company, digest = _PAGE_FORM.unpack_from(self._slot, _PAGE)
        return PageMark(_text(company), _text(digest), began) if company[0] else None


@lru_cache(maxsize=1)
def _marks(pid: int) -> Marks:
    return Marks()


def marks() -> Marks:
    """This process's."""
    return _marks(os.getpid())


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("ascii", "replace")


def _sum(owner: bytes) -> int:
    return zlib.crc32(owner) or 1
