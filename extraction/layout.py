"""The visible text of a page as lines, one for each block of the layout, and where each stands among the others.

A line knows where it begins in the markup, and how far up the way from the line before it leads: so the run of lines
that share a container is told by comparing numbers, and elements are looked at only where it matters.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborNode

#: Characters of visible text read from one page.
MAX_TEXT = 200_000
#: Characters of one line; a longer one is cut into several.
MAX_LINE = 2_000
MAX_LINES = 6_000
_ICON = re.compile(r"fax|telefon|phone|(?<![a-z])tel(?![a-z])", re.IGNORECASE)
_MAYBE_ICON = re.compile("[fFtTpP][aAeEhH]")
_BLOCKS = frozenset(
    "address article aside blockquote body br button caption center dd details dialog div dl dt "
    "fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hr iframe input label legend li main menu nav "
    "object ol option p pre "
    "section select summary table tbody td textarea tfoot th thead tr ul".split()
)
_UNSEEN = frozenset("script style noscript template svg head iframe object canvas math".split())


class Layout:
    """A page's lines in their order, white space folded: at most `MAX_LINES` and `MAX_TEXT` characters."""

    def __init__(self, body: LexborNode | None) -> None:
        self.lines: list[str] = []
        #: Of each line the text node that it begins with; None where it is but what a picture says.
        self.nodes: list[LexborNode | None] = []
        #: Of each line the level of the node by which the line before leads to it, from the body's children as 0 on:
        #: the lines `a` to `b` lie in one element of level n where none from `a + 1` to `b` has a joint of n or less.
        self.joints: list[int] = []
        #: The line of each link by its node's id: the one that it stands in, or the next where it shows no words.
        self.links: dict[int, int] = {}
        self._left = MAX_TEXT
        #: Of the line that is being read: its pieces, its first text and the joint there; the least level since the
        #: line before; the elements that are open.
        self._parts: list[str] = []
        self._first: LexborNode | None = None
        self._first_joint = self._joint = 0
        self._open: list[tuple[LexborNode, str]] = []
        if body is not None:
            self._read(body)
            self._end_line()

    def _read(self, body: LexborNode) -> None:
        """Each node that may show in document order, and again at its end when it holds others; without recursion.

        One loop without calls where nothing shows: most elements of a page neither begin nor end a line.
        """
        parts, opened = self._parts, self._open
        node = body.first_child
        while node is not None:
            following: LexborNode | None = None
            tag = node.tag
            if tag == "-text":
                text = node.text_content or ""
                if parts or not text.isspace():
                    if self._first is None:
                        self._first, self._first_joint = node, self._joint
                    parts.append(text)
            elif tag not in _UNSEEN:
                if tag in _BLOCKS:
                    if parts:
                        self._end_line()
                    if self._left <= 0 or len(self.lines) >= MAX_LINES:
                        return
                elif tag == "img":
                    parts.append(_icon_label(node))
                elif tag == "a":
                    # A link is set off by spaces: text glued to it (`Emailinfo@…`) looks apart on the screen too.
                    parts.append(" ")
                    self.links.setdefault(node.mem_id, len(self.lines))
                following = node.first_child
                if following is not None:
                    opened.append((node, tag or ""))
            node = following if following is not None else node.next or self._after()

    def _after(self) -> LexborNode | None:
        """What follows the innermost open element that anything follows; the others end."""
        following: LexborNode | None = None
        parts, opened = self._parts, self._open
        while following is None and opened:
            node, tag = opened.pop()
            self._joint = min(self._joint, len(opened))
            if tag in _BLOCKS:
                if parts:
                    self._end_line()
            elif tag == "a":
                parts.append(" ")
            following = node.next
        return following

    def _end_line(self) -> None:
        text = " ".join("".join(self._parts)[: self._left].split())
        if text:
            self._left -= len(text)
            joint = self._joint if self._first is None else self._first_joint
            for start in range(0, len(text), MAX_LINE):
                self.lines.append(text[start : start + MAX_LINE])
                self.nodes.append(self._first)
                self.joints.append(joint)
            self._joint = len(self._open)
        self._parts.clear()
        self._first = None


def _icon_label(node: LexborNode) -> str:
    """What a small picture says in place of a word: a telephone or a fax machine before the number, the sign @."""
    attributes = node.attrs
    alt = (attributes.get("alt") or "")[:24]
    if alt.strip(" ()[]").lower() in ("@", "at"):
        return "@"
    for said in (alt, (attributes.get("src") or "")[-60:].rpartition("/")[2]):
        if match := _ICON.search(said) if _MAYBE_ICON.search(said) else None:
            return f" {match[0]}: "
    return " "
