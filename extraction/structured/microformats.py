"""Microformats: h-card and h-adr, and the older hCard (`vcard`) and adr, into nodes as schema.org has them.

A card is a company's where its name is that of its organization; else it is a person's, who may work for one.
"""

from __future__ import annotations

import re
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.structured.element import text_of, value_of, within
from extraction.structured.node import Node, Nodes
from extraction.structured.owners import Owners
from extraction.text import squash

METHOD = "microformats"
SIGNS = ("vcard", "h-card", "h-adr", "street-address")
MAX_CARDS = 50
#: Elements of one outermost card that are looked at.
MAX_ELEMENTS = 400
_ROOTS = frozenset(("vcard", "h-card", "adr", "h-adr"))
_CARDS = frozenset(("vcard", "h-card"))
_PREFIX = re.compile(r"(?:p|u|dt|e)-(?=[a-z])")
#: A property's class → what schema.org calls it.
_PROPERTIES = {
    "fn": "name",
    "name": "name",
    "org": "org",
    "organization-name": "org",
    "tel": "telephone",
    "fax": "faxnumber",
    "email": "email",
    "url": "url",
    "logo": "logo",
    "photo": "image",
    "note": "description",
    "adr": "address",
    "street-address": "streetaddress",
    "extended-address": "streetaddress",
    "post-office-box": "postofficeboxnumber",
    "locality": "addresslocality",
    "region": "addressregion",
    "postal-code": "postalcode",
    "country-name": "addresscountry",
    "given-name": "givenname",
    "family-name": "familyname",
    "role": "jobtitle",
    "title": "jobtitle",
    "job-title": "jobtitle",
    "bday": "birthdate",
    "nickname": "alternatename",
}
_PERSONAL = frozenset(("givenname", "familyname", "jobtitle", "birthdate"))
_VALUES = frozenset(("value", "p-value", "value-title"))
_TYPES = frozenset(("type",))
_NUMBER = re.compile(r"(?:\d[^\d]{0,3}){7}")
_FAX = re.compile(r"fax", re.IGNORECASE)


def read(tree: LexborHTMLParser, nodes: Nodes) -> None:
    """Adds the cards and addresses of a page."""
    scopes: dict[int, Node] = {}
    cards: list[tuple[Node, list[str]]] = []
    roots = tree.css(".vcard,.h-card,.adr,.h-adr")[:MAX_CARDS]
    for root in roots:
        classes = _classes(root)
        is_card = not _CARDS.isdisjoint(classes)
        nested = any(name in _PROPERTIES for name in _named(classes)) and not is_card
        types = frozenset(() if is_card else ("postaladdress",))
        node = nodes.open(METHOD, types, nested=nested)
        if node is None:
            break
        scopes[root.mem_id] = node
        if is_card:
            cards.append((node, classes))
    owners = Owners(scopes)
    seen: set[int] = set()
    for root in roots:
        if root.mem_id not in seen:  # what it holds was seen with what holds it
            for place, element in enumerate(root.css("[class]")):
                seen.add(element.mem_id)
                if place < MAX_ELEMENTS:
                    _property(element, scopes, owners)
    for node, classes in cards:
        _whose(node, classes, nodes)
    for node in scopes.values():
        node.nested = bool(node.held_by)


def _classes(element: LexborNode) -> list[str]:
    return (element.attrs.get("class") or "")[:400].split()


def _named(classes: list[str]) -> list[str]:
    return [_PREFIX.sub("", name, count=1) for name in classes if name not in _ROOTS or name == "adr"]


def _property(element: LexborNode, scopes: dict[int, Node], owners: Owners) -> None:
    classes = _named(_classes(element))
    names = [name for name in classes if name in _PROPERTIES]
    if not names:
        return
    for holder in owners.of(element):
        for name in names:
            inner = scopes.get(element.mem_id) if name in ("adr", "org") else None
            value = inner if inner is not None and inner.properties.keys() | inner.types else _said(element, name)
            if value:
                faxes = name == "tel" and ("fax" in classes or _FAX.search(_type(element)))
                holder.add("faxnumber" if faxes else _PROPERTIES[name], value)


def _said(element: LexborNode, name: str) -> str:
    """The value of a property: what its `value` elements say together, a title that stands for the text, else all."""
    values = [part.attrs.get("title") or text_of(part) for part in _parts(element, _VALUES)]
    if values:
        # Parts of one number are written together, several numbers apart.
        return (", " if all(map(_NUMBER.search, values)) else "").join(values)
    if element.tag in ("abbr", "data", "time") and (title := element.attrs.get("title") or element.attrs.get("value")):
        return title
    return value_of(element, _PROPERTIES[name])


def _type(element: LexborNode) -> str:
    """Which kind of number a `tel` is."""
    return " ".join((part.attrs.get("title") or text_of(part))[:40] for part in _parts(element, _TYPES))


def _parts(element: LexborNode, classes: frozenset[str]) -> list[LexborNode]:
    """The few elements within one that have such a class."""
    found = (part for part in islice(within(element), 1, None) if part.is_element_node)
    return list(islice((part for part in found if not classes.isdisjoint(_classes(part))), 5))


def _whose(node: Node, classes: list[str], nodes: Nodes) -> None:
    """Makes a card a company's or a person's."""
    names, firms = node.texts("name"), node.texts("org")
    node.properties.pop("org", None)
    is_author = any(name in ("author", "p-author") for name in classes)
    if firms and (not names or squash(names[0]) in (squash(firm) for firm in firms)):
        node.types = frozenset(("organization",))
        node.properties["name"] = [firms[0]]
    elif firms or is_author or not _PERSONAL.isdisjoint(node.properties) or not _reaches(node):
        node.types = frozenset(("person",))
        firm = nodes.open(METHOD, frozenset(("organization",)), nested=True) if firms else None
        if firm is not None:
            firm.add("name", firms[0])
            for place in node.properties.get("address", ()):  # where one works is where the firm is
                firm.add("address", place)
            node.add("worksfor", firm)
    else:
        node.types = frozenset(("organization",))


def _reaches(node: Node) -> bool:
    """Whether a card tells where somebody is and how to call: an author's of an article does not."""
    return "address" in node.properties or "streetaddress" in node.properties or "telephone" in node.properties
