"""Named pause points between the steps of a transition, where a test can hold one actor and let another pass.

Without `LEADMILL_PAUSE_DIR` (always, outside tests) a pause point does nothing. With it, an actor that
reaches point P while a file `<dir>/P` exists notes itself as `<dir>/P.at.<pid>` and waits until P is gone.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

POINTS = (
    "begun",
    "written",
    "committed",
    "renamed",
    "claimed",
    "recorded",
    "audit_written",
    "audit_dropped",
    "audit_merged",
    "notices_read",
    "notices_spread",
    "notice_taken",
    "notice_sent",
    "notice_noted",
    "ending_marked",
    "ending_cancelled",
    "ending_retired",
    "ending_swept",
)
_DIR = os.environ.get("LEADMILL_PAUSE_DIR")


def pause_point(name: str) -> None:
    """Stop here if a test asks for it."""
    if _DIR is None:
        return
    hold = Path(_DIR) / name
    if hold.exists():
        (Path(_DIR) / f"{name}.at.{os.getpid()}").touch()
        while hold.exists():
            time.sleep(0.01)
