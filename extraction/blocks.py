"""Whose the lines of a page are: runs of lines that belong to the site's maker, a host, an authority, a partner …

A label (`Konzept & Umsetzung`, a heading, a cell, the first words of a paragraph) owns what follows it within its part
of the layout; a phrase (`Website by …`) what follows it in its line. What no block owns is the company's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from extraction.layout import Layout
from extraction.roles import MANY, Role, Said, roles_of, said
from extraction.scan import Mark

#: Marks of hint words looked at on one page, and characters of a line.
MAX_MARKS = 400
MAX_LINE = 600
#: Lines that a label owns at most: a heading, any other.
MAX_UNDER_HEADING = 120
MAX_UNDER_LABEL = 12
#: Longest line of an address or the like, characters, that goes on below a label with words behind it.
MAX_SHORT = 70
#: Elements looked at above a line.
MAX_ABOVE = 6
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6, "dt": 7, "th": 7, "legend": 7, "summary": 7}
_BOLD = frozenset(("b", "strong"))
_LABEL_RANK, _NO_RANK = 8, 9
_WHOLE = re.compile(r"(?:\d\D?){6}")
_BARS = re.compile(r"\s?[|·•‖]\s?")


class Block(NamedTuple):
    """A run of lines that is another's than the company's."""

    role: Role
    #: The first line and the one behind the last, in `Document.lines`.
    start: int
    end: int
    #: Of a block within a line: where in it.
    columns: tuple[int, int] | None
    #: The words that say so.
    label: str
    #: The rank of the heading above, 1 to 7; 8 below any other label.
    rank: int


class Blocks:
    """The blocks of others on a page."""

    def __init__(self, layout: Layout, line_ends: Sequence[int], others: Sequence[Mark], own: Sequence[int]) -> None:
        """Of a page (`extraction.document.Document`) its layout, where its lines end, the marks of `OTHERS`, and the
        lines with one of `OWN`.
        """
        self._layout = layout
        self._line_ends = line_ends
        self._marks = others
        self._own = own
        self._ranks: dict[int, int] = {}

    @cached_property
    def others(self) -> list[Block]:
        """All of them in the order of the page; one may lie in another."""
        return list(self._blocks(self._told())) if self._marks else []

    def of_line(self, line: int, text: str) -> Block | None:
        """The innermost block that owns a text in a line; None where the line is the company's."""
        found = None
        for block in self.others:
            if block.start > line:
                break
            if line < block.end and (block.columns is None or line > block.start or self._is_in(block, text)):
                found = block
        return found

    def _is_in(self, block: Block, text: str) -> bool:
        line = self._layout.lines[block.start]
        place = line.find(text)
        if place < 0:
            digits = re.search(r"\d{3,}", text)
            place = line.find(digits[0]) if digits else -1
        first, last = block.columns or (0, len(line))
        return place < 0 or first <= place < last

    def _told(self) -> dict[int, list[Said]]:
        """Of each line that tells whose the passage is, what it says, once a role."""
        told: dict[int, list[Said]] = {}
        seen: set[tuple[int, Role]] = set()
        lines, ends = self._layout.lines, self._line_ends
        for mark in self._marks[:MAX_MARKS]:
            number = bisect_right(ends, mark.start)
            place = mark.start - (ends[number - 1] if number else 0)
            for role in roles_of(mark.word):
                if (number, role) not in seen and place < MAX_LINE:
                    words = said(lines[number][:MAX_LINE], place, role)
                    if words:
                        seen.add((number, role))
                        told.setdefault(number, []).append(words)
        return told

    def _blocks(self, told: dict[int, list[Said]]) -> Iterator[Block]:
        own = self._own_labels() if told else frozenset()
        stops = {number for number, words in told.items() if any(self._is_label(number, one) for one in words)}
        for number in sorted(told):
            for words in told[number]:
                if words.role is Role.GROUP and self._is_label(number, words):
                    continue
                if not words.label or self._heads(number, words.role):
                    yield self._block(number, words, stops, own)

    def _heads(self, number: int, role: Role) -> bool:
        """Whether a label stands above something: one in a menu leads to it. A list of firms has a heading."""
        if self._rank(number) in range(1, 7):
            return True
        return not self._is_link(number) and (role not in MANY or self.is_heading(number))

    def _is_link(self, number: int) -> bool:
        """Whether a line is a link's text, as those of menus are."""
        node = self._layout.nodes[number]
        for _ in range(3):
            node = node.parent if node is not None else None
            if node is not None and node.tag == "a":
                return ":" not in self._layout.lines[number]
        return False

    def _own_labels(self) -> frozenset[int]:
        lines = self._layout.lines
        return frozenset(
            number
            for number in self._own[:MAX_MARKS]
            if (label := said(lines[number][:MAX_LINE], 0, Role.COMPANY)) and label.label
        )

    def _is_label(self, number: int, words: Said) -> bool:
        """A label, or a phrase that is one: in a heading, before a colon that ends the line, as a paragraph's first."""
        line = self._layout.lines[number]
        if words.label or self._rank(number) < _LABEL_RANK or line.rstrip()[-1:] in ":：":
            return True
        return len(line) <= MAX_SHORT and not line[words.end :].strip() and self._begins(number)

    def _block(self, number: int, words: Said, stops: set[int], own: frozenset[int]) -> Block:
        line = self._layout.lines[number]
        rank = min(self._rank(number), _LABEL_RANK)
        behind = line[words.end :].strip(" :：-–")
        label = line[words.start : words.end][:80].strip(" :")
        is_label = self._is_label(number, words)
        if is_label and (not behind or rank < _LABEL_RANK or line.rstrip()[-1:] in ":："):
            return Block(words.role, number, self._end(number, rank, stops, own), None, label, rank)
        bar = _BARS.search(line, words.end)
        columns = words.start, bar.start() if bar else len(line)
        end = number + 1
        # With a mail or a number behind its label a line is whole.
        whole = "@" in behind or _WHOLE.search(behind) is not None
        if not bar and not whole and words.start <= 2 and self._begins(number):
            end = self._end_of_paragraph(number, stops, own)
        return Block(words.role, number, end, columns, label, _LABEL_RANK)

    def _begins(self, number: int) -> bool:
        """Whether the line is the first of a paragraph that goes on."""
        joints = self._layout.joints
        return number + 1 < len(joints) and joints[number + 1] > joints[number]

    def _end_of_paragraph(self, number: int, stops: set[int], own: frozenset[int]) -> int:
        joints, lines = self._layout.joints, self._layout.lines
        bound = joints[number + 1]
        end = number + 1
        last = min(len(lines), number + MAX_UNDER_LABEL)
        while end < last and joints[end] >= bound and len(lines[end]) <= MAX_SHORT and end not in stops | own:
            end += 1
        return end

    def _end(self, number: int, rank: int, stops: set[int], own: frozenset[int]) -> int:
        """The line behind those that a label owns: up to the end of its part of the layout, or the next such label."""
        joints = self._layout.joints
        end = number + 1
        last = min(len(joints), end + (MAX_UNDER_HEADING if rank < _LABEL_RANK else MAX_UNDER_LABEL))
        if end >= last or self._rank(end) <= min(rank, _LABEL_RANK - 1):
            return end
        bound = joints[end]
        while end < last and (end == number + 1 or joints[end] >= bound):
            below = self._rank(end)
            if below < _LABEL_RANK and below <= rank:
                break
            if (rank == _LABEL_RANK and (end in stops or end in own)) or "©" in self._layout.lines[end]:
                break
            if joints[end] == bound and self._is_foot(end) and not self._is_foot(number):
                break
            end += 1
        return end

    def _is_foot(self, number: int) -> bool:
        """Whether a line stands in the page's foot, which no heading above it owns."""
        node = self._layout.nodes[number]
        for _ in range(MAX_ABOVE):
            if node is None:
                break
            if node.tag == "footer":
                return True
            node = node.parent
        return False

    def is_heading(self, number: int) -> bool:
        """Whether a line heads others: a heading, a row's first cell, bold words for themselves."""
        return self._rank(number) < _LABEL_RANK

    def _rank(self, number: int) -> int:
        """1 to 6 in headings of the page, 7 in what heads a list, a row or a paragraph, 9 in other lines."""
        if number not in self._ranks:
            self._ranks[number] = self._rank_of(number)
        return self._ranks[number]

    def _rank_of(self, number: int) -> int:
        node = self._layout.nodes[number]
        first = node.parent if node is not None else None
        above = first
        for _ in range(MAX_ABOVE):
            if above is None or (tag := above.tag or "") in ("p", "li", "td", "div", "body"):
                break
            if tag in _HEADINGS:
                return _HEADINGS[tag]
            above = above.parent
        line = self._layout.lines[number]
        if first is None or first.tag not in _BOLD or len(line) > MAX_SHORT:
            return _NO_RANK
        return 7 if " ".join(first.text().split()).rstrip(" :") == line.rstrip(" :") else _NO_RANK
