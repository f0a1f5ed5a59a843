"""Where a text spells a domain's label in words: `misterplumber` as `Mister Plumber`.

Read letter by letter: a pattern of the whole label takes milliseconds to compile, anew for each company.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

#: What parts two words of a name where the domain writes them as one. A dot does within `St. James`, `A. B. Smith`;
#: behind a longer word it ends a sentence.
_GAP = r"(?:[ \-'’.·]|\s?&\s?){0,2}+"
#: The same around an `and`: an ampersand is left to it.
_BLANKS = r"[ \-]{0,2}+"
_AND = r"(?i:and|und|&|\+)"
#: Letters of a label that is looked for at least, and at most.
SHORTEST, LONGEST = 3, 40
#: Letters that domains write with two; those that they write without an accent.
_TWO = {"ae": "[äæ]", "oe": "[öøœ]", "ue": "ü", "ss": "ß", "aa": "å"}
_PAIRS = re.compile(rf"{'|'.join(_TWO)}|.")
_ACCENTED = {
    "a": "àáâãäåăą", "c": "çćč", "d": "ďđ", "e": "èéêëěęė", "g": "ğ", "i": "ìíîïı", "l": "ł", "n": "ñńň",
    "o": "òóôõöøő", "r": "řŕ", "s": "śšşș", "t": "ťțţ", "u": "ùúûüůűū", "y": "ýÿ", "z": "źżž",
}  # fmt: skip
_ends = re.compile(r"(?![\w@/-]|\.[a-zA-Z])").match
_Step = Callable[[str, int], re.Match[str] | None]


def spelled(core: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a text spells a label of small letters and digits, (start, end); nowhere one too short or long to tell.

    One of three letters is looked for in capitals only.
    """
    if len(core) == SHORTEST and core.isalpha() and core.isascii():
        short = rf"(?<![\w@./&-]){core.upper()}(?![\w@/&-]|\.[a-zA-Z]|\s[A-Z])"
        yield from (match.span() for match in re.finditer(short, text))
    elif SHORTEST < len(core) <= LONGEST:
        begin, steps = _read_by(core, text.isascii())
        end = 0
        for first in begin.finditer(text):
            if first.start() >= end and (behind := _behind(steps, text, first.end())):
                end = behind
                yield first.start(), end


def _behind(steps: tuple[_Step, ...], text: str, place: int) -> int:
    """The place behind all letters that follow one; 0 where they do not follow, or a word goes on."""
    for step in steps:
        match = step(text, place)
        if match is None:
            return 0
        place = match.end()
    return place if _ends(text, place) else 0


@lru_cache(maxsize=256)
def _read_by(core: str, plain: bool) -> tuple[re.Pattern[str], tuple[_Step, ...]]:
    """What finds the first sign of a label, and what reads each further one with the gap before it.

    Where the text is not `plain` ASCII, `ue` may be written `ü`, and any letter with an accent.
    """
    steps: list[_Step] = []
    signs: list[str] = []
    gap = ""
    for place, part in enumerate(re.split(r"(?<!^)(and|und)(?!$)", core)):
        letters = map(re.escape, part) if plain else _spellings(part)
        for sign in (_AND,) if part in ("and", "und") and place % 2 else letters:
            signs.append(sign)
            steps.append(_sign(gap, sign))
            gap = _GAP
        gap = _BLANKS if part else gap
    return _first(signs[0]), tuple(steps[1:])


def _spellings(letters: str) -> Iterator[str]:
    """How a text may write the letters of a label, a pattern for each or for two together."""
    for pair in _PAIRS.findall(letters):
        if pair in _TWO:
            yield f"(?:{_TWO[pair]}|{_written(pair[0])}{_GAP}{_written(pair[1])})"
        else:
            yield _written(pair)


def _written(letter: str) -> str:
    return f"[{letter}{_ACCENTED[letter]}]" if letter in _ACCENTED else re.escape(letter)


@lru_cache(maxsize=256)
def _first(sign: str) -> re.Pattern[str]:
    # Looked for by the sign first: most places have none.
    one = len(sign.removeprefix("\\")) == 1 or sign[0] == "["
    return re.compile(rf"(?i:{sign})(?<![\w@./-].)" if one else rf"(?<![\w@./-])(?i:{sign})")


@lru_cache(maxsize=512)
def _sign(gap: str, sign: str) -> _Step:
    return re.compile(rf"{gap}(?i:{sign})").match
