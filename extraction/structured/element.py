"""What an element says as the value of a property, in microdata, RDFa and microformats alike."""

from __future__ import annotations

import re
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
_BREAKS = "br,p,div,li,td,address"


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
    """The text of an element; its lines stay apart."""
    if element.child is None:
        return ""
    broken = element.css_first(_BREAKS, default=None) is not None
    return str(element.text(separator="\n" if broken else " "))[:MAX_VALUE].strip()
