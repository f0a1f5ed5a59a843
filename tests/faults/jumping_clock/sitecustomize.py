"""On PYTHONPATH, this makes the wall clock of a process jump: every 0.7 s by +2 h, -3 h or back again."""

from __future__ import annotations

import time

_wall, _steady = time.time, time.monotonic
_OFFSETS = (0, 7_200, -10_800, 400_000)


def _jumping() -> float:
    return _wall() + _OFFSETS[int(_steady() / 0.7) % len(_OFFSETS)]


time.time = _jumping
time.time_ns = lambda: int(_jumping() * 1e9)
