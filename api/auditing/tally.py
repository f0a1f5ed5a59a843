"""Refusals beyond a rate are counted: whoever sends thousands a second must not fill memory and disk with entries."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

#: Refusals that have an entry of their own within a minute: of one caller, and in all.
OF_ONE, IN_ALL = 100, 2_000
#: Callers that are told apart within a minute.
MAX_CALLERS = 1_000


class Refused(NamedTuple):
    """What is counted together. Empty address: of callers beyond `MAX_CALLERS`."""

    key: str | None
    project: str | None
    address: str
    status: int
    code: str | None


class Tally:
    """One minute's refusals. Not for several threads."""

    def __init__(self) -> None:
        self._of: Counter[tuple[str | None, str]] = Counter()
        self._all = 0
        self._counted: Counter[Refused] = Counter()

    def has_room(self, refused: Refused) -> bool:
        """Whether one more gets an entry of its own; else it has been counted."""
        caller = (refused.key, refused.address)
        if self._all < IN_ALL and self._of[caller] < OF_ONE:
            self._all += 1
            self._of[caller] += 1
            return True
        if len(self._counted) >= MAX_CALLERS and refused not in self._counted:
            refused = Refused(None, None, "", refused.status, refused.code)
        self._counted[refused] += 1
        return False

    def take(self) -> Counter[Refused]:
        """What was counted; begins the next minute."""
        counted = self._counted
        self.__init__()  # type: ignore[misc]
        return counted
