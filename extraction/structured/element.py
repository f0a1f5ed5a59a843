"""What an element says as the value of a property, in microdata, RDFa and microformats alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

from selectolax.lexbor import LexborNode

from extraction.structured.node import MAX_VALUE

#: Attributes that hold an address, by element.
_SOURCES = {
    **dict.fromkeys(("a", "area", "link"), "href"),
    **dict.fromkeys(("img", "audio", "embed", "iframe", "source", "track", "video"), "src"),
    "object": "data",
}
#: Properties whose value is an address; of others a link's text is meant, and what it dials or writes to.
_ADDRESSES = frozenset(
    "url sameas logo image photo hasmap map maps menu hasmenu mainentityofpage additionaltype contenturl uid".split()
)
_DIALS = re.compile(r"(tel|callto|fax|sms|mailto):", re.IGNORECASE)
_LINES = frozenset("br p div li tr dd dt address h1 h2 h3 h4 h5 h6".split())
#: Elements that part no words.
_LETTERS = frozenset("b i em strong u font small sup sub bdi bdo mark wbr".split())
_UNSEEN = frozenset(("script", "style", "template"))
#: Nodes of the tree that are looked at within one element.
MAX_INNER = 400


def value_of(element: LexborNode, name: str) -> str:
    """The value of the property `name` that stands in an element, as written; empty where it says nothing."""
    attributes = element.attrs
    value = attributes.get("content") or attributes.get("datetime")
    if value:
        return value[:MAX_VALUE]
    tag = element.tag or ""
    source = (attributes.get(_SOURCES[tag]) or "").strip() if tag in _SOURCES else ""
    if source and _DIALS.match(source):
        return unquote(_DIALS.sub("", source, count=1).partition("?")[0])[:MAX_VALUE].strip()
    if source and (name in _ADDRESSES or tag not in ("a", "area")):
        return source[:MAX_VALUE]
    if tag in ("data", "meter") and attributes.get("value"):
        return (attributes.get("value") or "")[:MAX_VALUE]
    return text_of(element) or source[:MAX_VALUE]


def text_of(element: LexborNode) -> str:
    """The text of an element, at most `MAX_VALUE` characters of it; its lines stay apart."""
    parts: list[str] = []
    length = 0
    for node in within(element):
        tag = node.tag
        if tag == "-text":
            if node.parent is None or node.parent.tag not in _UNSEEN:
                parts.append(node.text_content or "")
                length += len(parts[-1])
                if length > MAX_VALUE:
                    break
        elif tag in _LINES:
            parts.append("\n")
        elif parts and tag not in _LETTERS:
            parts.append(" ")
    return "".join(parts)[:MAX_VALUE].strip()


def within(element: LexborNode) -> Iterator[LexborNode]:
    """An element and what it holds, in order; the first `MAX_INNER` of them."""
    return islice(element.traverse(include_text=True), MAX_INNER)
