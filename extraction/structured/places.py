"""Where a declared firm is: its addresses, as nodes or as text, wherever on it they are given."""

from __future__ import annotations

from collections.abc import Iterator

from extraction.structured.node import Node
from extraction.text import squash

#: Parts of an address that some pages give to the firm itself.
PARTS = ("streetaddress", "addresslocality", "addressregion", "postalcode", "addresscountry")


def addresses_of(firm: Node) -> Iterator[Node | str]:
    """The addresses given to a firm itself, its places and ways of contact included; where it serves is none."""
    if _has_parts(firm):
        yield firm
    for holder in (firm, *firm.nodes("location"), *firm.nodes("contactPoint")):
        if holder is not firm and _has_parts(holder):
            yield holder
        for value in holder.properties.get("address", ()):
            # A place with an address, in place of the address.
            inner = value.nodes("address") if isinstance(value, Node) and not _has_parts(value) else None
            yield from inner or (value,)
    yield from (value for value in firm.properties.get("location", ()) if isinstance(value, str))


def _has_parts(node: Node) -> bool:
    return not node.properties.keys().isdisjoint(PARTS)


def place_of(firm: Node) -> str:
    """Where a firm is, for comparing; empty where it does not say."""
    for value in addresses_of(firm):
        if isinstance(value, str):
            said = value
        else:
            said = "".join(value.first(name) or "" for name in ("streetAddress", "postalCode", "addressLocality"))
        if place := squash(said[:300]):
            return place
    return ""


def told(firm: Node) -> int:
    """How much a firm says of how to reach it: what branches of one name are chosen by."""
    said = sum(name in firm.properties for name in ("telephone", "email", "url", "contactpoint"))
    parts = [value for value in addresses_of(firm) if isinstance(value, Node)]
    return said + max((sum(name in part.properties for name in PARTS) for part in parts), default=0)


def contacts_of(firm: Node) -> list[Node]:
    """A firm and its addresses, places and ways of contact: the nodes that say how to reach it."""
    found = [firm]
    for name in ("contactPoint", "location", "address"):
        for node in firm.nodes(name):
            if node.kind not in ("organization", "venue", "person"):
                found += [node, *node.nodes("address")]
    return found
