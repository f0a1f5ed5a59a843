"""What of the machine this process may use: cores and memory, as its container (a cgroup of Linux) bounds them.

`os.cpu_count` and the memory that the kernel tells are the whole machine's. A worker of as many processes as that has
cores would be throttled in a container with two of them, and killed where its memory is not enough.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Memory, MB: what a worker's main process has loaded, which its children share; and what each of them adds at work
#: (measured over crawls, processing and reports: docs/benchmarks.md).
MAIN_MB, CHILD_MB = 200, 150
#: A limit from here on is none: version 1 writes a huge number.
_NO_LIMIT_MB = 1 << 30


@dataclass(frozen=True)
class Room:
    """Cores (a share of one counts as one) and memory, MB; and whether a container bounds them."""

    cores: int
    memory_mb: int
    is_bounded: bool = False

    def processes(self, workers: int = 1) -> int:
        """Processes for each of so many workers: one a core, as far as memory lasts; at least one."""
        by_memory = (self.memory_mb // workers - MAIN_MB) // CHILD_MB
        return max(1, min(self.cores, by_memory))


def room(root: Path = Path("/")) -> Room:
    """What this process may use. `root`: where `proc` and `sys` lie."""
    cores = _own_cores()
    memory_mb = psutil.virtual_memory().total // 1_000_000
    quotas = list(_cpu_quotas(root))
    limits = list(_memory_limits(root))
    fewer, less = min([cores, *quotas]), min([memory_mb, *limits])
    return Room(fewer, less, (fewer, less) != (cores, memory_mb))


def _own_cores() -> int:
    try:
        return len(os.sched_getaffinity(0))  # what a cpuset leaves
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def _cpu_quotas(root: Path) -> Iterator[int]:
    """Cores by each quota that holds, rounded up."""
    for folder in _folders(root, ""):
        quota, _, period = _text(folder / "cpu.max").partition(" ")
        yield from _cores(quota, period)
    for folder in _folders(root, "cpu"):
        yield from _cores(_text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us"))


def _cores(quota: str, period: str) -> Iterator[int]:
    if quota.isdecimal() and period.isdecimal() and int(quota) > 0 and int(period) > 0:
        yield math.ceil(int(quota) / int(period))


def _memory_limits(root: Path) -> Iterator[int]:
    """MB by each limit that holds."""
    files = [folder / "memory.max" for folder in _folders(root, "")]
    files += [folder / "memory.limit_in_bytes" for folder in _folders(root, "memory")]
    for file in files:
        text = _text(file)
        if text.isdecimal() and int(text) // 1_000_000 < _NO_LIMIT_MB:
            yield int(text) // 1_000_000


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """The folders of this process's group and of those around it, of version 2 ("") or of a controller of version 1.

    In a container its own group is most often mounted at the top, whatever the path says.
    """
    tree = root / "sys/fs/cgroup" / controller
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, names, path = [*line.split(":", 2), "", ""][:3]
        at = tree / path.strip("/")
        if controller in names.split(",") and ".." not in at.parts:  # else it lies outside of what is seen here
            yield from (folder for folder in (at, *at.parents) if tree in folder.parents)
    yield tree


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, ValueError):
        return ""
