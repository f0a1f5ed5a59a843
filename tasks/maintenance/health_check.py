"""One line of a health check."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

State = Literal["ok", "warn", "fail"]
_ORDER: tuple[State, ...] = ("ok", "warn", "fail")
#: Longest message (characters).
_MAX = 500


@dataclass(frozen=True)
class HealthCheck:
    """What a check saw. `advice` is a command to paste."""

    name: str
    status: State
    message: str
    advice: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        """For JSON."""
        return {**asdict(self), "message": self.message[:_MAX]}


def worst(states: Iterable[State]) -> State:
    """The state of the whole."""
    return max(states, key=_ORDER.index, default="ok")
