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
#: Classes of an icon font: `fa fa-fax`, `bi bi-at`, `icon-fax`.
_SIGN = re.compile(r"(?:^|[\s_-])(?:fa|bi|icon|glyphicon|mdi|ti|la)[_-](fax|at)(?![\w-])")
_BLOCKS = frozenset(
    "address article aside blockquote body br button caption center dd details dialog div dl dt "
    "fieldset figcaption "
    "figure footer form h1 h2 h3 h4 h5 h6 header hr iframe input label legend li main menu nav "
    "object ol option p pre "
    "section select summary table tbody td textarea tfoot th thead tr ul".split()
)
#: Elements that show nothing.
UNSEEN = frozenset("script style noscript template svg head iframe object canvas math".split())
#: What a node of a tag is in the layout; of any other tag it is a part of a line.
_WHAT: dict[str | None, str] = {
    **dict.fromkeys(_BLOCKS, "block"),
    **dict.fromkeys((*UNSEEN, "-comment"), "unseen"),
    "-text": "text",
    "img": "picture",
    "i": "sign",
    "a": "link",
}


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
        if body is not None:
            self._read(body)

    def _read(self, body: LexborNode) -> None:  # noqa: PLR0912, PLR0915  calls for elements would take a fifth more
        """Each node that may show in document order, and again at its end when it holds others; without recursion."""
        lines, nodes, joints, links = self.lines, self.nodes, self.joints, self.links
        left = MAX_TEXT
        #: Of the line that is being read: its pieces, its first text and the joint there; the least level since the
        #: line before.
        parts: list[str] = []
        first: LexborNode | None = None
        first_joint = joint = 0

        def end_line(level: int) -> None:
            """The line ends where an element of that level begins or ends."""
            nonlocal left, first, joint
            text = " ".join((parts[0] if len(parts) == 1 else "".join(parts))[:left].split())
            parts.clear()
            if text:
                left -= len(text)
                began = first_joint if first is not None else min(joint, level)
                while len(text) > MAX_LINE:
                    lines.append(text[:MAX_LINE])
                    nodes.append(first)
                    joints.append(began)
                    text = text[MAX_LINE:]
                lines.append(text)
                nodes.append(first)
                joints.append(began)
                joint = level
            first = None

        say, what_of = parts.append, _WHAT.get
        opened: list[tuple[LexborNode, str]] = []
        node: LexborNode | None = body.first_child
        while node is not None:
            what = what_of(node.tag, "")
            if what == "text":
                text = node.text_content or ""
                if parts or not text.isspace():
                    if first is None:
                        first, first_joint = node, joint
                    say(text)
            elif what != "unseen":
                if what == "block":
                    if parts:
                        end_line(len(opened))
                    if left <= 0 or len(lines) >= MAX_LINES:
                        return
                elif what == "link":
                    # A link is set off by spaces: text glued to it (`Emailinfo@…`) looks apart on the screen too.
                    say(" ")
                    links.setdefault(node.mem_id, len(lines))
                elif what == "picture":
                    say(_icon_label(node))
                inner = node.first_child
                if inner is not None:
                    opened.append((node, what))
                    node = inner
                    continue
                if what == "sign":
                    say(_sign_label(node))
            following = node.next
            if following is None:
                while following is None and opened:
                    node, what = opened.pop()
                    if what == "block":
                        if parts:
                            end_line(len(opened))
                    elif what == "link":
                        say(" ")
                    following = node.next
                if len(opened) < joint:  # noqa: PLR1730  a call for each end would take as long again
                    joint = len(opened)
            node = following
        end_line(0)


def _sign_label(node: LexborNode) -> str:
    """What a sign of an icon font says in place of a word: a fax machine before the number, the sign @."""
    said = _SIGN.search((node.attrs.get("class") or "")[:80])
    return "" if said is None else " Fax " if said[1] == "fax" else "@"


def _icon_label(node: LexborNode) -> str:
    """What a small picture says in place of a word: a telephone or a fax machine before the number, the sign @."""
    attributes = node.attrs
    alt = (attributes.get("alt") or "")[:24]
    if alt and alt.strip(" ()[]").lower() in ("@", "at"):
        return "@"
    for said in (alt, (attributes.get("src") or "")[-60:].rpartition("/")[2]):
        low = said.lower()
        if ("tel" in low or "fax" in low or "phone" in low) and (match := _ICON.search(said)):
            return f" {match[0]}: "
    return " "
