"""What it means for one node to be a value of another: whose the one is that is held.

A firm may be declared inside many things. Only where a relation says that it is the company of the page, or a part of
it, is what it holds the company's own; the founder's name, the maker of a product, the author of a review are others'.
"""

from __future__ import annotations

from extraction.structured.node import Node

#: Parts of a firm: what they say is said of the firm. Their holder is a firm itself.
PARTS = frozenset("department suborganization location haspos containsplace contactpoint".split())
#: The firm that stands behind a page, an offer, a job: that of the site, unless its own address says otherwise.
BEHIND = frozenset(
    "publisher copyrightholder about mainentity provider seller offeredby sourceorganization hiringorganization "
    "itemreviewed".split()
)
#: The same, where the firm's name or address says so as well: an agency makes sites, a speaker works elsewhere.
PERHAPS_BEHIND = frozenset("creator author maintainer producer worksfor affiliation organizer".split())
#: A page or site that says so speaks of itself.
FOREMOST = frozenset("about mainentity publisher".split())
#: Lists of firms say nothing of any of them.
LISTED = frozenset(("itemlistelement", "item", "haspart", "mentions"))
#: Whoever speaks of a firm from outside.
_OUTSIDERS = frozenset("review rating aggregaterating criticreview userreview claimreview comment".split())
#: People of a firm: by a property of the firm, or of theirs.
PEOPLE = frozenset("founder employee member owner director contactpoint manager president ceo".split())


def is_part(node: Node) -> bool:
    """Whether a firm holds it as a part of its own."""
    return any(name in PARTS and holder.kind in ("organization", "venue") for holder, name in node.held_by)


def is_others(node: Node) -> bool:
    """Whether all that hold it say that it is another's: maker, member, sponsor, author of a review …"""
    return bool(node.held_by) and not any(_speaks_for(holder, name) for holder, name in node.held_by)


def _speaks_for(holder: Node, name: str) -> bool:
    if name in LISTED:
        return True
    if not holder.types.isdisjoint(_OUTSIDERS):
        return name == "itemreviewed"
    return name in BEHIND or name in PERHAPS_BEHIND or (name in PARTS and holder.kind in ("organization", "venue"))
