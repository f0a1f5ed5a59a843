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

#: From a place in a tag outside a value in quotes (a name, behind a name, before a value, in one without quotes): the
#: tag's end follows. Where all of these hold, no tag goes on that is not in such a value.
_ENDS = re.compile(
    b"".join(
        rb"(?=%b%b>)" % (begin, ATTRIBUTES)
        for begin in (
            b"",
            rb"(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+%b?+)?+" % VALUE,
            rb"[ \t\n\f\r]*+%b?+" % VALUE,
            rb"[^ \t\n\f\r>]*+",
        )
    )
)
#: The same from behind a value's closing quote.
_ENDS_BEHIND_VALUE = re.compile(rb"%b>" % ATTRIBUTES)
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
    least. A window through which a tag may go on, attribute after attribute, is mostly a script's.
    """
    if _by_length(html) ** 2 <= MAX_COMPARED:
        return False
    length = max(1_024, MAX_COMPARED * 8 // len(html))
    runs: list[list[int]] = []
    begin = 0  # of the last window in which a tag is seen to end: where one that goes on may begin
    for start in range(length, len(html) - length + 1, length):
        end = start + length
        if any(_ends(html, at, end) for at in (start, (start + end) // 2, end - _PROBE)):
            begin = start
        elif not _ends(html, start, end, quoted=True):
            if runs and runs[-1][0] == begin:
                runs[-1][1] = end + length
            else:
                runs.append([begin, end + length])
    return all(
        sum(most(html[begin:end]) ** 2 for begin, end in runs) > MAX_COMPARED for most in (_by_length, _by_words)
    )


def _ends(html: bytes, start: int, end: int, *, quoted: bool = False) -> bool:
    """Whether any tag that goes on at the start is seen to end soon; where it does so in a value in quotes, behind the
    next such quote up to the end. `quoted`: without such a quote it is all value, which has no attributes, and passes.
    """
    if not _ENDS.match(html, start, start + _PROBE):
        return False
    for quote in (b'"', b"'"):
        behind = html.find(quote, start, end) + 1
        if not (_ENDS_BEHIND_VALUE.match(html, behind, behind + _PROBE) if behind else quoted):
            return False
    return True


def _by_length(text: bytes) -> int:
    """More attributes than this are in no tag, whatever the text says."""
    return len(text) // 4


def _by_words(text: bytes) -> int:
    """Each attribute begins behind white space, a slash or a value's closing quote."""
    return len(text.split()) + text.count(b"/") + (text.count(b'"') + text.count(b"'")) // 2
