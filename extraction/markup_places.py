"""What a piece of markup is, by where it stands: part of a tag, of a script that runs, of a comment, or only shown.

Told from the bytes around it, without the parsed tree: a search of the whole markup finds few places to look at.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, NamedTuple

from extraction.scan import MARKUP, Hints

Place = Literal["tag", "script", "comment", "shown"]

#: Bytes before a place that are looked through for what it stands in, and the longest tag and address read.
REACH = 200_000
MAX_TAG = 4_000
MAX_ADDRESS = 2_000
#: Elements of longer names passed over on the way back: `<preview` is no `<pre`.
MAX_LIKE = 20
#: Elements whose text, tags and all, is there to be read or copied.
_SAMPLES = ("<pre", "<code", "<textarea", "<xmp", "<template")
SAMPLES = Hints(_SAMPLES, scan=MARKUP)
_BEHIND_NAME = frozenset((b" ", b">", b"\t", b"\n", b"\r", b"\f", b"/"))
_TAG = re.compile(rb"<([a-z][a-z0-9]*)")
_ATTRIBUTE = re.compile(rb"([a-z][\w:-]*)\s*=\s*[\"']?\Z")
_ADDRESS = re.compile(rb"[^\"'\s<>\\]{1,%d}" % MAX_ADDRESS)
_CODE_ADDRESS = re.compile(rb"//[^\"'`\s<>\\,;()|]{1,%d}" % MAX_ADDRESS)


class Address(NamedTuple):
    """An address in an attribute of a tag, or in a script's code (`tag` and `attribute` are empty)."""

    text: str
    tag: str
    attribute: str
    #: The whole tag up to its end.
    whole: str
    #: Where in the markup it ends.
    end: int


class Places:
    """The places of one page's markup, as written and in lower case; `samples` are those of `SAMPLES` that it has."""

    def __init__(self, markup: bytes, lower: bytes, samples: Collection[str]) -> None:
        self._markup = markup
        self._lower = lower
        self._samples = [sign[1:].encode() for sign in _SAMPLES if sign in samples]
        self._comments = b"<!--" in lower

    def kind(self, at: int) -> Place:
        """What stands there."""
        lower, begin = self._lower, max(0, at - REACH)
        script = self._opened(b"script", begin, at)
        outer = script if script >= 0 else at
        if any(self._opened(name, begin, outer) >= 0 for name in self._samples):
            return "shown"
        comment = lower.rfind(b"<!--", begin, outer) if self._comments else -1
        if comment >= 0 and lower.find(b"-->", comment, outer) < 0 and not self._in_code(begin, comment):
            return "comment"
        if script >= 0:
            end = lower.find(b">", script, script + MAX_TAG)
            if end < 0 or at < end:
                return "tag"
            return "shown" if b"json" in lower[script:end] or b"text/html" in lower[script:end] else "script"
        start = lower.rfind(b"<", max(begin, at - MAX_TAG), at)
        in_tag = start >= 0 and lower.find(b">", start, at) < 0 and _TAG.match(lower, start) is not None
        return "tag" if in_tag else "shown"

    def address(self, at: int, kind: Place) -> Address | None:
        """The address that this is a part of, as written; None where the tag or the script has none there."""
        lower, markup = self._lower, self._markup
        if kind == "script":
            begin = max(lower.rfind(b"//", max(0, at - MAX_ADDRESS), at + 2), 0)
            match = _CODE_ADDRESS.match(markup, begin)
            if match is None or match.end() <= at:
                return None
            return Address(match[0].decode("utf-8", "replace"), "", "", "", match.end())
        start = lower.rfind(b"<", max(0, at - MAX_TAG), at)
        tag = _TAG.match(lower, start) if start >= 0 else None
        if tag is None:
            return None
        head = lower[start:at]
        value = _value(head)
        name = _ATTRIBUTE.search(head[max(0, value - 80) : value])
        address = _ADDRESS.match(markup, start + value)
        if name is None or address is None:
            return None
        end = lower.find(b">", at, at + MAX_TAG)
        text, called, attribute, whole = (
            part.decode("utf-8", "replace")
            for part in (address[0], tag[1], name[1], lower[start : end if end >= 0 else at])
        )
        return Address(text, called, attribute, whole, address.end())

    def _in_code(self, begin: int, comment: int) -> bool:
        """Whether a comment begins within a script or a style sheet, which hides it from browsers of old."""
        return any(self._opened(name, begin, comment) >= 0 for name in (b"script", b"style"))

    def _opened(self, name: bytes, begin: int, at: int) -> int:
        """Where the element of that name begins that is open there; -1 where none is."""
        lower = self._lower
        place = lower.rfind(b"<" + name, begin, at)
        for _ in range(MAX_LIKE):
            if place < 0 or lower[place + len(name) + 1 : place + len(name) + 2] in _BEHIND_NAME:
                break
            place = lower.rfind(b"<" + name, begin, place)
        return place if place >= 0 and lower.find(b"</" + name, place, at) < 0 else -1


def _value(head: bytes) -> int:
    """Where in a tag, cut off within a value, that value begins."""
    quote = max(head.rfind(b'"'), head.rfind(b"'"))
    if quote >= 0 and head[:quote].rstrip()[-1:] == b"=":
        return quote + 1
    word = max(head.rfind(blank) for blank in (b" ", b"\n", b"\t", b"\r"))
    return head.find(b"=", word + 1) + 1
