"""Microdata: `itemscope`, `itemtype`, `itemprop`, `itemid`, `itemref` into nodes."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

from extraction.structured.element import value_of
from extraction.structured.node import Node, Nodes, property_named, types_named
from extraction.structured.owners import Owners

METHOD = "microdata"
SIGNS = ("itemscope",)
#: Scopes read of one page, elements that one scope refers to.
MAX_SCOPES = 300
MAX_REFERENCES = 20
#: Elements with a property that are looked at, and what they say altogether: one may be of many names and scopes.
MAX_PROPERTIES = 3_000
MAX_SAID = 6_000


def read(tree: LexborHTMLParser, nodes: Nodes) -> None:
    """Adds what a page's elements declare."""
    scopes: dict[int, Node] = {}
    wanted: dict[str, list[Node]] = {}
    for element in tree.css("[itemscope]")[:MAX_SCOPES]:
        attributes = element.attrs
        types = types_named((attributes.get("itemtype") or "")[:1_000].split())
        node = nodes.open(METHOD, types, attributes.get("itemid") or "", nested="itemprop" in attributes)
        if node is None:
            break
        scopes[element.mem_id] = node
        for name in (attributes.get("itemref") or "")[:1_000].split()[:MAX_REFERENCES]:
            wanted.setdefault(name, []).append(node)
    owners = Owners(scopes, _elements(tree, wanted) if wanted else None)
    left = MAX_SAID
    for element in tree.css("[itemprop]")[:MAX_PROPERTIES]:
        names = (element.attrs.get("itemprop") or "")[:400].split()
        holders = owners.of(element)
        if not names or not holders:
            continue
        left -= len(names) * len(holders)
        if left < 0:
            return
        inner = scopes.get(element.mem_id)
        for name in dict.fromkeys(map(property_named, names)):
            value = inner or value_of(element, name)
            for holder in holders if value else ():
                holder.add(name, value)


def _elements(tree: LexborHTMLParser, wanted: dict[str, list[Node]]) -> dict[int, list[Node]]:
    """The elements that scopes refer to by their ids: their properties are the scope's own, wherever they stand."""
    found: dict[int, list[Node]] = {}
    for element in tree.css("[id]"):
        name = element.id or ""
        if name in wanted:
            found[element.mem_id] = wanted.pop(name)
    return found
