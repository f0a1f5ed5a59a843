"""What a site says that its pages may be used for: `Content-Signal` (contentsignals.org) and `Content-Usage` (aipref).

Both are `search=no, ai-train=yes` (`n` and `y` in the second), in robots.txt for a group of agents, there also behind
the path below which it counts, or as a header of one answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from protego import Protego

#: What a `no` keeps pages from us for: a list of companies that is searched is the nearest to a search index, and
#: `bots` is any automated processing. No page is given to a model, so that the others are only told.
FORBIDDING = frozenset({"search", "bots"})
#: Uses that are told, by their names in the policy and in the drafts.
_USES = FORBIDDING | {"ai-input", "ai-train", "ai-use", "train-ai", "train-genai", "ai"}
#: Longest value read, characters, and most lines of a robots.txt that are kept.
MAX_VALUE = 1_000
MAX_LINES = 50

#: Fields of kept rules: what is said to everybody, and what to a group that names us.
TO_ALL, TO_US = "Content-Signal", "Own-Content-Signal"

_SAID = re.compile(r"(?<![\w./-])([a-z][a-z-]{1,30})\s{0,5}[=:]\s{0,5}\"?(yes|no|y|n)\"?(?![\w-])", re.IGNORECASE)


def uses_in(value: str) -> dict[str, bool]:
    """Uses that are named, and whether each is permitted; what is said in two ways is not."""
    uses: dict[str, bool] = {}
    for found in _SAID.finditer(value[:MAX_VALUE]):
        use = found[1].lower()
        if use in _USES:
            uses[use] = uses.get(use, True) and found[2][0] in "yY"
    return uses


def kept_line(value: str) -> str | None:
    """The value of a line of robots.txt as it is kept: a path if there is one, and uses; None when it says nothing."""
    path, rest = value.split(maxsplit=1) if value.startswith("/") and " " in value.replace("\t", " ") else ("", value)
    said = ", ".join(f"{use}={'yes' if permitted else 'no'}" for use, permitted in uses_in(rest).items())
    return f"{path} {said}".strip() if said else None


def denied(uses: Mapping[str, bool]) -> list[str]:
    """What is not permitted, as it is told: `["ai-train=no"]`."""
    return sorted(f"{use}=no" for use, permitted in uses.items() if not permitted)


class ContentSignals:
    """Those of one robots.txt, out of its kept rules."""

    def __init__(self, rules: str = "") -> None:
        self._lines = [line.partition(": ") for line in rules.splitlines() if line.startswith((TO_ALL, TO_US))]
        #: They stand in a group that names us.
        self.are_to_us = any(field == TO_US for field, _, _ in self._lines)

    def at(self, url: str) -> dict[str, bool]:
        """What counts for an address: for each use the line of the longest path; of two as long the one that denies."""
        ranked: dict[str, tuple[int, bool]] = {}
        for length, below, uses in self._parsed:
            if below is None or not below.can_fetch(url, "*"):
                for use, permitted in uses.items():
                    ranked[use] = max(ranked.get(use, (-1, False)), (length, not permitted))
        return {use: not is_denied for use, (_, is_denied) in ranked.items()}

    def forbidding(self, url: str) -> list[str]:
        """What keeps an address from us: `["search=no"]`."""
        return [f"{use}=no" for use, permitted in self.at(url).items() if use in FORBIDDING and not permitted]

    @cached_property
    def _parsed(self) -> list[tuple[int, Protego | None, dict[str, bool]]]:
        """Of each line the length of its path, what refuses addresses below it, and what it says of uses."""
        found = []
        for _, _, value in self._lines:
            path = value.split()[0] if value.startswith("/") else ""
            below = Protego.parse(f"User-agent: *\nDisallow: {path}") if path else None
            found.append((len(path), below, uses_in(value.removeprefix(path))))
        return found
