"""Microdata: `itemscope`, `itemtype`, `itemprop`, `itemid`, `itemref` into nodes."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.structured.element import value_of
from extraction.structured.node import Node, Nodes, property_named, types_named

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


class Owners:
    """Whose the property of an element is: the scope around it, and those that refer to it or to what holds it.

    Each element's answer is kept, so that all of them together cost one walk over their ancestors.
    """

    def __init__(self, scopes: dict[int, Node], referred: dict[int, list[Node]]) -> None:
        self._scopes = scopes
        self._referred = referred
        self._known: dict[int, list[Node]] = {}

    def of(self, element: LexborNode) -> list[Node]:
        way: list[int] = []
        place: LexborNode | None = element
        found: list[Node] = []
        while place is not None:
            mark = place.mem_id
            if mark in self._known:
                found = self._known[mark]
                break
            way.append(mark)
            place = place.parent
            if place is not None and place.mem_id in self._scopes:
                found = [self._scopes[place.mem_id]]
                break
        for mark in reversed(way):
            if mark in self._referred:
                found = [*(node for node in self._referred[mark] if node not in found), *found]
            self._known[mark] = found
        return found
