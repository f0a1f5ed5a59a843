"""One search of each page for the hint words of all extractors and enrichers.

A module declares its words beside the code that uses them, and asks the page for the lines that hold one:

    _HINTS = Hints(("employees", "mitarbeiter", "medewerkers"))

    for number in page.marked(_HINTS):
        ...  # regular expressions, on `page.lines[number]` alone

Hints are lower case, and looked for in the lower-cased text wherever they stand, within words too. However many there
are, a text is read once (Aho-Corasick), in time linear in its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick, BytesAhoCorasick, Implementation

#: Marks kept of one text, and characters looked through at a time: hostile ones repeat a short word for a megabyte.
MAX_MARKS = 20_000
_PIECE = 100_000


class Mark(NamedTuple):
    """A hint word, and where it stands in the lower-cased text (in that of the markup by bytes)."""

    word: str
    start: int


class Scan:
    """All hints of one kind of text, as one automaton that is built when it is first needed."""

    def __init__(self, *, of_bytes: bool) -> None:
        self.of_bytes = of_bytes
        self._hints: list[Hints] = []
        self._automaton: AhoCorasick | BytesAhoCorasick | None = None
        self._words: list[str] = []
        #: By the place of a word: who looks for it.
        self._askers: list[tuple[Hints, ...]] = []
        self._longest = 0

    def add(self, hints: Hints) -> None:
        self._hints.append(hints)
        self._automaton = None

    def load(self) -> AhoCorasick | BytesAhoCorasick:
        """The automaton, built in some milliseconds unless it is there."""
        if self._automaton is None:
            askers: dict[str, list[Hints]] = {}
            for hints in self._hints:
                for word in dict.fromkeys(hints.words()):
                    askers.setdefault(word, []).append(hints)
            self._words, self._askers = list(askers), [tuple(those) for those in askers.values()]
            self._longest = max(map(len, self._words), default=1)
            # As a table thousands of words are 34 MB, and no faster in a short text; some hundreds are small, and twice
            # as fast in a long one.
            self._automaton = (
                BytesAhoCorasick([word.encode() for word in self._words], implementation=Implementation.DFA)
                if self.of_bytes
                else AhoCorasick(self._words, implementation=Implementation.ContiguousNFA)
            )
        return self._automaton

    def marks(self, text: Any) -> dict[Hints, list[Mark]]:
        """Of all hints their marks in a text (lower case; bytes, where it is markup), in its order."""
        marks: dict[Hints, list[Mark]] = {hints: [] for hints in self._hints}
        found = self._found(text)[:MAX_MARKS]
        words, askers = self._words, self._askers
        for place, start, _ in found:
            mark = Mark(words[place], start)
            for hints in askers[place]:
                marks[hints].append(mark)
        return marks

    def marks_of(self, asker: Hints, text: Any) -> list[Mark]:
        """The same for one of the hints."""
        found = self._found(text)[:MAX_MARKS]
        words, askers = self._words, self._askers
        return [Mark(words[place], start) for place, start, _ in found if asker in askers[place]]

    def _found(self, text: Any) -> list[tuple[int, int, int]]:
        """(place of the word, its start, its end in the piece that it was found in), at least the first `MAX_MARKS`."""
        automaton: Any = self.load()
        if len(text) <= _PIECE:
            return automaton.find_matches_as_indexes(text, overlapping=True)
        found: list[tuple[int, int, int]] = []
        for begin in range(0, len(text), _PIECE):
            piece = text[begin : begin + _PIECE + self._longest - 1]
            found += ((place, begin + start, end) for place, start, end in
                      automaton.find_matches_as_indexes(piece, overlapping=True) if start < _PIECE)  # fmt: skip
            if len(found) >= MAX_MARKS:
                break
        return found


#: The visible text's, and the markup's: extractors and enrichers look at the same page.
TEXT = Scan(of_bytes=False)
MARKUP = Scan(of_bytes=True)


class Hints:
    """Words that one module looks for, in the visible text of every page or, given `scan=MARKUP`, in its markup.

    Made at import, so that all are known before the first page is read; words that are read from a file are given as
    the function that reads them. A word in markup is ASCII, and folded by ASCII letters alone.

    Raises:
        ValueError: a word is empty, has capitals or a line's end, or is not ASCII and to be found in markup.
    """

    def __init__(self, words: Iterable[str] | Callable[[], Iterable[str]], *, scan: Scan = TEXT) -> None:
        self.scan = scan
        self._words = words if callable(words) else tuple(map(self._checked, words))
        scan.add(self)

    def words(self) -> Iterable[str]:
        return map(self._checked, self._words()) if callable(self._words) else self._words

    def _checked(self, word: str) -> str:
        if not word or word != word.lower() or "\n" in word or (self.scan.of_bytes and not word.isascii()):
            raise ValueError(f"no hint word: {word!r}")
        return word

    def __call__(self, text: str | bytes) -> list[Mark]:
        """Its marks in a text that is not one of a page's lines, such as a title; in lower case."""
        return self.scan.marks_of(self, text)
