"""One line of what `leadmill doctor` tells."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True)
class DoctorCheck:
    """One line of the doctor's report."""

    check: str
    level: Literal["ok", "warn", "fail"]
    text: str
    remedy: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        return asdict(self)
