"""RDFa Lite (`vocab`, `typeof`, `property`, `resource`, `prefix`), with `about` and `rel`, into nodes.

Names are told without their vocabulary, so `vocab` and `prefix` need not be followed.
"""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.structured.element import value_of
from extraction.structured.node import Node, Nodes, property_named, types_named
from extraction.structured.owners import Owners

METHOD = "rdfa"
SIGNS = ("typeof=",)
MAX_SUBJECTS = 300
#: Elements with a property that are looked at, and what they say altogether: one may be of many names.
MAX_PROPERTIES = 3_000
MAX_SAID = 6_000
#: What HTML itself means by `rel`.
_OF_HTML = frozenset(
    "alternate author bookmark canonical external help icon license me next nofollow noopener noreferrer opener "
    "prev search stylesheet tag ugc sponsored shortlink preload home start".split()
)


def read(tree: LexborHTMLParser, nodes: Nodes) -> None:
    """Adds what a page's elements declare."""
    subjects: dict[int, Node] = {}
    elements = tree.css("[typeof],[about],[resource]")[:MAX_SUBJECTS]
    for element in elements:
        attributes = element.attrs
        if "typeof" not in attributes and "property" in attributes:
            continue
        types = types_named((attributes.get("typeof") or "")[:1_000].split())
        names = _names(element)
        key = next((said for name in ("about", "resource", "href", "src") if (said := attributes.get(name))), "")
        node = nodes.open(METHOD, types, key, nested=bool(names))
        if node is None:
            break
        subjects[element.mem_id] = node
    owners = Owners(subjects)
    left = MAX_SAID
    for element in tree.css("[property],[rel],[typeof]")[:MAX_PROPERTIES]:
        names = _names(element)
        holders = owners.of(element) if names else []
        if not holders:
            continue
        left -= len(names) * len(holders)
        if left < 0:
            return
        inner = subjects.get(element.mem_id) or _referred(element, nodes)
        for name in names:
            value = inner or value_of(element, name)
            for holder in holders if value else ():
                holder.add(name, value)
                if inner is not None and inner is not holder:
                    inner.nested = True


def _referred(element: LexborNode, nodes: Nodes) -> Node | None:
    """The node that a property names by `resource`."""
    key = element.attrs.get("resource") or ""
    return nodes.open(METHOD, key=key, nested=True) if key else None


def _names(element: LexborNode) -> list[str]:
    """The properties that an element is the value of: its own, or those of `rel` on it or right around it."""
    attributes = element.attrs
    said = (attributes.get("property") or "")[:400].split()
    if not said:
        rels, around = attributes.get("rel") or "", element.parent
        # Around <html> there is the document, which is no element.
        if not rels and "typeof" in attributes and around and around.is_element_node and "href" not in around.attrs:
            rels = around.attrs.get("rel") or ""
        said = [name for name in rels[:400].split() if name.lower() not in _OF_HTML]
    return list(dict.fromkeys(map(property_named, said)))
