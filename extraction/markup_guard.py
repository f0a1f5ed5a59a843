"""Keeps hostile markup from the parser, which holds the interpreter's lock and cannot be interrupted.

Its cost is quadratic in nesting depth, in attributes of one tag and in formatting elements left open: 100,000 nested
`<div>` took 52 s. A document whose worst case, by plain counts that hold however its markup is read, is small goes to
the parser as it is: nearly every real page. Any other is written anew (`extraction.plain_markup`).
"""

from __future__ import annotations

import re

from extraction.plain_markup import ATTRIBUTES, VALUE, WELL_FORMED, plain

#: Longest document read, bytes; the rest is cut off.
MAX_HTML = 1_500_000
#: Start tags × all tags: what looking through the stack of open elements costs, about 2 ns each.
MAX_SCANNED = 60_000_000
#: Elements that the parser makes by opening formatting elements again in later blocks: 260 ns and 330 bytes each.
MAX_REPEATED = 250_000
#: Comparisons of the attributes of one tag with each other, 1.6 ns each.
MAX_COMPARED = 200_000_000
#: `<html>` and `<body>` tags: the attributes of all go to one element.
MAX_ROOTS = 24

#: The parser keeps at most three equal formatting elements open, so that bare ones are at most so many; and one `<a>`.
_BARE = 3 * 13 + 1
#: Formatting elements with attributes, and roots.
_NAMES = (
    rb"<(?=[bceifnstuhBCEIFNSTUH])(?:[bisuBISU]|(?i:big|code|em|font|nobr|small|strike|strong|tt|html|body))"
    rb"(?=[ \t\n\f\r/])"
)
_COUNTED = re.compile(_NAMES)
#: The same, with the whole tag where every reader reads it alike.
_COUNTED_WHOLE = re.compile(rb"(?:(%b%b)>|%b)" % (_NAMES, WELL_FORMED, _NAMES))
_ROOTS = (b"<html", b"<body")
#: Documents of so few bytes and tags cannot reach any of the limits above.
_SMALL = 40_000
_FEW = 480

#: From wherever in a tag one begins (a name, behind a name, before a value, in one of three kinds of value): the
#: tag's end follows. Where all of these hold, no tag goes on.
_ENDS = re.compile(
    b"".join(
        rb"(?=%b%b>)" % (begin, ATTRIBUTES)
        for begin in (
            b"",
            rb"(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+%b?+)?+" % VALUE,
            rb"[ \t\n\f\r]*+%b?+" % VALUE,
            rb"[^ \t\n\f\r>]*+",
            rb"[^\"]*+\"",
            rb"[^']*+'",
        )
    )
)
#: Bytes looked at to tell whether a place lies in a tag.
_PROBE = 512


def bounded(html: bytes) -> bytes:
    """The document within the limits above; the very same object when it keeps them, as real pages do."""
    html = html[:MAX_HTML]
    return html if _is_cheap(html) else plain(html)


def _is_cheap(html: bytes) -> bool:
    tags = html.count(b"<")
    if tags <= _FEW and len(html) <= _SMALL:
        return True
    counted = _COUNTED.findall(html)
    starts = tags
    if starts * tags > MAX_SCANNED or (_BARE + len(counted)) * starts > MAX_REPEATED:
        starts -= html.count(b"</")
        if starts * tags > MAX_SCANNED or (_BARE + _unlike(html)) * starts > MAX_REPEATED:
            return False
    if len(counted) > MAX_ROOTS and sum(tag[:5].lower() in _ROOTS for tag in counted) > MAX_ROOTS:
        return False
    return len(html) <= _SMALL or not _is_crowded(html)


def _unlike(html: bytes) -> int:
    """How many formatting elements with attributes may be open: of equal ones three."""
    tags = _COUNTED_WHOLE.findall(html)
    return tags.count(b"") + 3 * len(set(tags) - {b""})


def _is_crowded(html: bytes) -> bool:
    """Whether tags may have so many attributes that comparing them is dear.

    The document is cut into windows so long that tags which hold no whole window are cheap: an attribute has 4 bytes at
    least. A window that may lie in a tag, for all that can be told from it, is mostly a script's.
    """
    length = max(1_024, MAX_COMPARED * 8 // len(html))
    runs: list[list[int]] = []
    for start in range(length, len(html) - length + 1, length):
        if _may_lie_in_tag(html, start, start + length):
            if runs and runs[-1][1] == start + length:
                runs[-1][1] += length
            else:
                # The tag may begin in the window before, and end in the one behind.
                runs.append([start - length, start + 2 * length])
    return all(
        sum(most(html[begin:end]) ** 2 for begin, end in runs) > MAX_COMPARED for most in (_by_length, _by_words)
    )


def _may_lie_in_tag(html: bytes, start: int, end: int) -> bool:
    """Whether no tag is seen to end at the window's beginning, in its middle and at its end."""
    if html.find(b">", start, end) < 0:
        return True
    return not any(_ENDS.match(html, at, at + _PROBE) for at in (start, (start + end) // 2, end - _PROBE))


def _by_length(text: bytes) -> int:
    """More attributes than this are in no tag, whatever the text says."""
    return len(text) // 4


def _by_words(text: bytes) -> int:
    """Each attribute begins behind white space, a slash or a value's closing quote."""
    return len(text.split()) + text.count(b"/") + (text.count(b'"') + text.count(b"'")) // 2
