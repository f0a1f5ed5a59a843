"""What crawls send and get, as a job's record adds it up while they run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

#: Classes of answers, the last: none came.
ANSWERS = ("2xx", "3xx", "4xx", "5xx", "none")
#: Why a host is not asked just now: it is between two requests of its own pace, it asked for quiet (`Retry-After`), or
#: another crawl is on it.
WAITS = ("pace", "quiet", "elsewhere")


class Traffic(NamedTuple):
    """Bytes of bodies and answers by class (`ANSWERS`), since the beginning; hosts that wait now, by why (`WAITS`)."""

    received: int = 0
    answers: tuple[int, ...] = (0,) * len(ANSWERS)
    waits: tuple[int, ...] = (0,) * len(WAITS)

    @classmethod
    def of(cls, received: int, answers: Mapping[str, int], waits: Mapping[str, int]) -> Traffic:
        """From counts by name."""
        return cls(received, _numbers(ANSWERS, answers), _numbers(WAITS, waits))

    @classmethod
    def parse(cls, text: str) -> Traffic:
        """From a record's field, `<bytes> <answers …> <waits …>`; what is none of that counts for nothing."""
        numbers = [int(word) for word in text.split() if word.isascii() and word.isdecimal() and len(word) < 16]
        if len(numbers) != 1 + len(ANSWERS) + len(WAITS):
            return cls()
        return cls(numbers[0], tuple(numbers[1 : 1 + len(ANSWERS)]), tuple(numbers[1 + len(ANSWERS) :]))

    def since(self, before: Traffic) -> list[int]:
        """What was counted since, and what waits now, in the order of a record's field."""
        answers = (now - then for now, then in zip(self.answers, before.answers, strict=True))
        return [self.received - before.received, *answers, *self.waits]

    def plus(self, other: Traffic) -> Traffic:
        """Both together; what waits is the other's."""
        answers = tuple(a + b for a, b in zip(self.answers, other.answers, strict=True))
        return Traffic(self.received + other.received, answers, other.waits)


def _numbers(names: Sequence[str], counts: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(counts.get(name, 0) for name in names)
