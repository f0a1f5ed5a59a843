"""Microdata: `itemscope`, `itemtype`, `itemprop`, `itemid`, `itemref` into nodes."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

from extraction.structured.element import value_of
from extraction.structured.node import Node, Nodes, property_named, types_named
from extraction.structured.owners import Owners

METHOD = "microdata"
#: Scopes and properties read of one page, elements that one scope refers to.
MAX_SCOPES = 300
MAX_PROPERTIES = 3_000
MAX_REFERENCES = 20
_ID = re.compile(r"[\w:.-]{1,80}")


def read(tree: LexborHTMLParser, nodes: Nodes) -> None:
    """Adds what a page's elements declare."""
    scopes: dict[int, Node] = {}
    #: Elements that a scope refers to: their properties are its own, wherever they stand.
    referred: dict[int, list[Node]] = {}
    for element in tree.css("[itemscope]")[:MAX_SCOPES]:
        attributes = element.attrs
        types = types_named((attributes.get("itemtype") or "")[:1_000].split())
        node = nodes.open(METHOD, types, attributes.get("itemid") or "", nested="itemprop" in attributes)
        if node is None:
            break
        scopes[element.mem_id] = node
        for name in (attributes.get("itemref") or "")[:1_000].split()[:MAX_REFERENCES]:
            if _ID.fullmatch(name) and (other := tree.css_first(f'[id="{name}"]', default=None)) is not None:
                referred.setdefault(other.mem_id, []).append(node)
    owners = Owners(scopes, referred)
    for element in tree.css("[itemprop]")[:MAX_PROPERTIES]:
        names = (element.attrs.get("itemprop") or "")[:400].split()
        holders = owners.of(element)
        if not names or not holders:
            continue
        inner = scopes.get(element.mem_id)
        for name in dict.fromkeys(map(property_named, names)):
            value = inner or value_of(element, name)
            for holder in holders if value else ():
                holder.add(name, value)
