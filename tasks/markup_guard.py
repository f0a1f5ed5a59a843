"""Keeps hostile markup from the parser: its cost is quadratic in nesting depth and in attributes of a tag.

100,000 nested `<div>` took 52 s to parse, one tag with 50,000 attributes 5 s, and the parser holds the
interpreter's lock all the while. What lies beyond the limits becomes a comment; its text stays.
"""

from __future__ import annotations

import re
from itertools import pairwise

#: Longest document read, bytes; the rest is cut off.
MAX_HTML = 1_500_000
#: Elements open at once. Browsers stop at 512.
MAX_DEPTH = 256
#: Attributes of one tag, about.
MAX_ATTRIBUTES = 300

#: Comments and raw text are stepped over; else a tag's name and what stands between it and its `>`.
#: Possessive throughout, so that no text makes it backtrack.
_TAG = re.compile(
    rb"<!--.*?(?:-->|\Z)"
    rb"|<(?:script|style|textarea|title|xmp)\b[^>]*+>.*?(?:</(?:script|style|textarea|title|xmp)|\Z)"
    rb"|<(/?[a-z][^\s/>]*+)((?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?+)*+)",
    re.DOTALL | re.IGNORECASE,
)
#: Fewer elements than this cost at most 0.1 s however they nest: most pages are spared the close look.
_FEW_TAGS = 3_000
#: One attribute as the parser sees it; blanks before it are not needed after a quoted value.
_ATTRIBUTE = rb"[\s/]*+(?:[^\s/>=]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?+)?+|=)"
_ATTRIBUTES = re.compile(_ATTRIBUTE)
#: A tag with a great many.
_CROWDED = re.compile(rb"<[a-zA-Z][^\s/>]*+(?:%b){%d}" % (_ATTRIBUTE, MAX_ATTRIBUTES))
#: Elements that are empty, or that the parser closes by itself when the next one opens.
_SELF_CLOSING = frozenset(
    b"area base br col embed hr img input link meta param source track wbr a p li dt dd td th tr "
    b"tbody thead tfoot option optgroup colgroup html head body".split()
)


def bounded(html: bytes) -> bytes:
    """The document within the limits above; the very same object when it keeps them, as real pages do."""
    html = html[:MAX_HTML]
    if html.count(b"<") - html.count(b"</") < _FEW_TAGS and not _CROWDED.search(html):
        return html
    opened: dict[bytes, int] = {}
    depth = 0
    cuts: list[int] = []
    for match in _TAG.finditer(html):
        raw = match[1]
        if raw is None:
            continue
        name = raw.lower()
        if name[0] == 0x2F:
            if opened.get(name[1:]):
                opened[name[1:]] -= 1
                depth -= 1
            continue
        attributes = match[2]
        if len(attributes) > MAX_ATTRIBUTES * 2 and len(_ATTRIBUTES.findall(attributes)) > MAX_ATTRIBUTES:
            cuts.append(match.start() + 1)
        elif name not in _SELF_CLOSING:
            if depth >= MAX_DEPTH:
                cuts.append(match.start() + 1)
            else:
                opened[name] = opened.get(name, 0) + 1
                depth += 1
    if not cuts:
        return html
    edges = [0, *cuts, len(html)]
    # `<!` opens a comment that ends at the next `>`.
    return b"!".join(html[start:end] for start, end in pairwise(edges))
