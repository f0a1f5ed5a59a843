"""Cores and memory as a container bounds them, of both versions of cgroups."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from leadmill import machine
from leadmill.machine import Room, room

ALL_MB = psutil.virtual_memory().total // 1_000_000
GROUP = "proc/self/cgroup"
QUOTA, PERIOD = "cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"
LIMIT = "memory/memory.limit_in_bytes"
V1 = "4:memory:/kubepods/pod1\n1:cpu,cpuacct:/kubepods/pod1\n"


@pytest.fixture(autouse=True)
def _of_eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_own_cores", lambda: 8)


def laid_out(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        file = root / name if name == GROUP else root / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "cores", "memory_mb"),
    [
        ({}, 8, ALL_MB),
        ({GROUP: "0::/\n", "cpu.max": "max 100000\n", "memory.max": "max\n"}, 8, ALL_MB),
        ({GROUP: "0::/\n", "cpu.max": "150000 100000\n", "memory.max": "512000000"}, 2, 512),
        # its own group is not bounded, one around it is
        ({GROUP: "0::/a/b\n", "a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3, ALL_MB),
        # the path is that of the machine, and the group is mounted at the top
        ({GROUP: V1, QUOTA: "50000", PERIOD: "100000", LIMIT: "700000000\n"}, 1, 700),
        (
            {GROUP: V1, "cpu/kubepods/pod1/cpu.cfs_quota_us": "400000",
             "cpu/kubepods/pod1/cpu.cfs_period_us": "100000",
             "memory/kubepods/pod1/memory.limit_in_bytes": "300000000"}, 4, 300,
        ),
        # version 1 without bounds
        ({GROUP: V1, QUOTA: "-1", PERIOD: "100000", LIMIT: "9223372036854771712"}, 8, ALL_MB),
        # nonsense bounds nothing
        ({GROUP: "0::/../..\nno line\n", "cpu.max": "0 0", "memory.max": "much"}, 8, ALL_MB),
    ],
)  # fmt: skip
def test_what_a_container_leaves(tmp_path: Path, files: dict[str, str], cores: int, memory_mb: int) -> None:
    found = room(laid_out(tmp_path, files))
    assert (found.cores, found.memory_mb) == (cores, memory_mb)
    assert found.is_bounded == ((cores, memory_mb) != (8, ALL_MB))


@pytest.mark.parametrize(
    ("cores", "memory_mb", "workers", "processes"),
    [(8, 16_000, 1, 8), (8, 1_000, 1, 5), (8, 512, 1, 2), (2, 100, 1, 1), (4, 1_000, 2, 2), (1, 64_000, 1, 1)],
)
def test_a_process_a_core_as_far_as_memory_lasts(cores: int, memory_mb: int, workers: int, processes: int) -> None:
    assert Room(cores, memory_mb).processes(workers) == processes
