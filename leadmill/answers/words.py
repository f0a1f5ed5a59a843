"""Words that several answers use."""

from __future__ import annotations

from typing import Literal

JobStatus = Literal["pending", "running", "retry", "completed", "failed", "cancelled"]
StageStatus = Literal["pending", "running", "completed", "failed", "cancelled", "skipped"]
PriorityName = Literal["high", "normal", "low"]
