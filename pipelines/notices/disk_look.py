"""The lake's disk, looked at from a thread of its own: a disk that hangs keeps that thread, and nobody else."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from data.probes import WriteFault, disk_fault, disk_free, existing
from leadmill.places import url_of

#: Seconds between two looks: each writes and syncs a few bytes.
LOOK_S = 10.0
#: A disk that does not answer for so long hangs, seconds.
HANGS_S = 30.0


@dataclass(frozen=True)
class DiskState:
    """Of the lake's disk; nothing is known before the first look."""

    free_bytes: int | None = None
    #: Share of the files that it may hold which may still be made; None where it has no such limit.
    free_files: float | None = None
    #: Why it takes no write.
    fault: WriteFault | None = None


def look_at_disk(folder: Path) -> DiskState:
    """How full it is, and whether it takes a write; it may take as long as the disk likes."""
    fault = disk_fault(folder)
    files = os.statvfs(existing(folder))
    return DiskState(disk_free(folder), files.f_favail / files.f_files if files.f_files else None, fault)


class DiskLook:
    """Looks at the disk now and then, in the background."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen, self._began = DiskState(), 0.0
        self._due = 0.0
        self._thread: threading.Thread | None = None

    def state(self) -> DiskState:
        """What was seen last; begins another look when it is time."""
        now = time.monotonic()
        if self._thread is not None and self._thread.is_alive():
            if (waits := now - self._began) < HANGS_S:
                return self._seen
            text = f"the data folder {url_of(self._folder)} does not answer for {waits:.0f} s"
            fault = WriteFault("hangs", text, "dmesg | tail -20    # a network file system, or a disk that fails?")
            return DiskState(fault=fault)
        if now >= self._due:
            self._began, self._due = now, now + LOOK_S
            self._thread = threading.Thread(target=self._look, name="disk-look", daemon=True)
            self._thread.start()
        return self._seen

    def _look(self) -> None:
        try:
            self._seen = look_at_disk(self._folder)
        except OSError as error:
            text = f"the data folder {url_of(self._folder)} cannot be looked at: {error.strerror or error}"
            self._seen = DiskState(fault=WriteFault("broken", text, "dmesg | tail -20"))
