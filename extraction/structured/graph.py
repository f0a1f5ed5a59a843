"""All that a page declares, as one graph, and which of its firms is the company whose page it is.

The rule of choosing is told in docs/decisions/0050. Several firms are never mixed: what is read of a node is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlsplit

from extraction.structured.node import ADDRESS_PARTS, Node
from extraction.structured.relations import BEHIND, CONTACTS, LISTED, PARTS, PEOPLE, is_others, is_part
from extraction.text import squash

#: Firms that nothing ties to the site, from which on a page is a list of firms.
LISTING = 3
#: Nodes that are looked at for parts of the company.
MAX_PARTS = 100
_GENERAL = frozenset(("organization", "corporation", "ngo", "onlinebusiness", "localbusiness", "organisation"))
_HOME = frozenset(("", "/", "/index.html", "/index.php", "/home"))


class Contact(NamedTuple):
    """A node whose phones, faxes and mails are the company's; those of a branch stand behind those of the company."""

    node: Node
    branch: bool


class Located(NamedTuple):
    """An address of the company: a node with its parts, or the text that says it (lines apart), with the node that it
    was given to. `loose` ones stand on the page for themselves.
    """

    value: Node | str
    node: Node
    branch: bool
    loose: bool


class Standing(NamedTuple):
    """How a firm stands to the site, to be compared: the greatest is the company."""

    ours: bool
    #: 2: an address of its own is the site's home page; 1: one is on the site; -1: its page is elsewhere.
    here: int
    alike: bool
    is_firm: bool
    before_branches: bool
    general: bool
    told: int


class Graph:
    """The nodes of a page, in its order, and what of them is the company's."""

    def __init__(self, nodes: list[Node], *, host: str, domain: str, core: str) -> None:
        self.nodes = nodes
        self._host = host
        self._domain = domain
        self._core = core

    @cached_property
    def organizations(self) -> list[Node]:
        """All firms that are declared, whosever."""
        return [node for node in self.nodes if node.kind in ("organization", "venue") and node.properties]

    @cached_property
    def websites(self) -> list[Node]:
        """The nodes of the website itself."""
        return [node for node in self.nodes if "website" in node.types and not node.nested]

    @property
    def company(self) -> Node | None:
        """The firm whose page it is; None where none is declared, or a list of firms."""
        return self.own[0] if self.own else None

    @property
    def own(self) -> list[Node]:
        """The company, and the nodes that declare the same firm once more."""
        return self._family[0]

    @property
    def branches(self) -> list[Node]:
        """The company's departments, branches and shops: firms with an address or a name of their own."""
        return self._family[1]

    @cached_property
    def contacts(self) -> list[Contact]:
        """The nodes whose phones, faxes and mails are the company's, surest first."""
        found: dict[int, Contact] = {}
        for nodes, branch in ((self.own, False), (self.branches, True)):
            for firm in nodes:
                for node in (firm, *_below(firm)):
                    found.setdefault(id(node), Contact(node, branch))
        for node in self._loose:
            found.setdefault(id(node), Contact(node, branch=False))
        return list(found.values())

    @cached_property
    def addresses(self) -> list[Located]:
        """The addresses of the company and its branches, surest first."""
        found = [Located(value, firm, branch, loose=False)
                 for nodes, branch in ((self.own, False), (self.branches, True))
                 for firm in nodes
                 for value in _addresses_of(firm)]  # fmt: skip
        for node in self._loose:
            values = [node] if node.kind == "address" else _addresses_of(node)
            found += [Located(value, node, branch=False, loose=True) for value in values]
        return found

    @cached_property
    def persons(self) -> list[tuple[Node, str]]:
        """People of the company, each with what says so: a property of the firm (`founder`), or `worksfor`."""
        firms = {id(node) for node in (*self.own, *self.branches)}
        found = []
        for node in self.nodes:
            if node.kind == "person":
                said = [name for holder, name in node.held_by if name in PEOPLE and id(holder) in firms]
                said += ["worksfor" for firm in node.nodes("worksFor") if id(firm) in firms]
                if said:
                    found.append((node, said[0]))
        return found

    @cached_property
    def _loose(self) -> list[Node]:
        """Addresses and ways of contact that stand for themselves: the company's, where it is not a list of firms."""
        if self.organizations and self.company is None:
            return []
        return [node for node in self.nodes
                if node.kind in ("address", "contactpoint", "place") and not node.nested and not node.held_by
                and node.properties]  # fmt: skip

    @cached_property
    def _family(self) -> tuple[list[Node], list[Node]]:
        candidates = [node for node in self.organizations if not is_part(node)]
        standings = {id(node): self._standing(node) for node in candidates}
        ranked = sorted((node for node in candidates if standings[id(node)].ours),
                        key=lambda node: standings[id(node)], reverse=True)  # fmt: skip
        if not ranked or self._is_listing(ranked, standings):
            return [], []
        company = ranked[0]
        relatives = [node for node in ranked[1:] if self._is_relative(company, node, standings)]
        own, branches = [company], []
        places = {_place(company)} - {""}
        for node in relatives:
            place = _place(node)
            if not place or not places or place in places:
                own.append(node)
                places |= {place} - {""}
            else:
                branches.append(node)
        return own, [*branches, *_parts([*own, *branches])]

    def _standing(self, node: Node) -> Standing:
        here = self._here(node)
        alike = self._is_alike(node)
        parents = [firm for firm in node.nodes("parentOrganization") if self._is_parent(firm, node)]
        behind = not node.nested or any(name in BEHIND or name in LISTED for _, name in node.held_by)
        others = is_others(node) and here < 1 and not any(self._is_parent(node, held)
                                                          for held, name in node.held_by
                                                          if name == "parentorganization")  # fmt: skip
        foreign = node.nested and here < 0 and not alike
        return Standing(
            ours=not others and (here > 0 or (behind and not foreign)),
            here=here,
            alike=alike,
            is_firm=node.kind == "organization",
            before_branches=not parents,
            general=not node.types.isdisjoint(_GENERAL),
            told=_told(node),
        )

    def _is_parent(self, parent: Node, child: Node) -> bool:
        """Whether the firm above is the site's rather than the one below it: on the site as well, or of its name."""
        here = self._here(parent)
        if here >= self._here(child) and here > 0:
            return True
        return here >= 0 and self._here(child) < 2 and _are_akin(parent, child) and (
            self._is_alike(parent) >= self._is_alike(child))  # fmt: skip

    def _is_listing(self, ranked: list[Node], standings: dict[int, Standing]) -> bool:
        best = standings[id(ranked[0])]
        if best.here == 2 or best.alike:
            return False
        unrelated: list[Node] = []
        for node in ranked:
            if not any(_are_akin(node, other) for other in unrelated):
                unrelated.append(node)
            if len(unrelated) >= LISTING:
                return True
        return False

    def _is_relative(self, company: Node, node: Node, standings: dict[int, Standing]) -> bool:
        if any(firm is company for firm in node.nodes("parentOrganization")):
            return True
        if not _names(node) or not _names(company):
            return standings[id(node)].here == 2 or not node.nested
        return _are_akin(company, node)

    def _here(self, node: Node) -> int:
        levels = [self._level(url) for name in ("url", "mainEntityOfPage") for url in node.links(name)[:5]]
        levels += [max(0, self._level(url)) for url in (node.key, *node.links("sameAs")[:20]) if url]
        if not levels:
            return 0
        return max(levels) if max(levels) > 0 else min(levels)

    def _level(self, url: str) -> int:
        try:
            parts = urlsplit(url.strip())
        except ValueError:
            return 0
        host = (parts.hostname or "").removeprefix("www.")
        if not host:
            return 2 if not parts.scheme and parts.path in ("", "/") and url else 0
        if host not in (self._host, self._domain) and not host.endswith(f".{self._domain}"):
            return -1
        return 2 if parts.path in _HOME and not parts.query else 1

    def _is_alike(self, node: Node) -> bool:
        core = self._core
        return any((len(core) >= 3 and core in name) or (len(name) >= 4 and name in core) for name in _names(node))


def _names(node: Node) -> list[str]:
    """What a firm is called, for comparing."""
    said = [text for name in ("name", "legalName", "alternateName") for text in node.texts(name)[:3]]
    return [name for text in said if (name := squash(text))]


def _are_akin(one: Node, other: Node) -> bool:
    """Whether two firms are called alike: one name within the other, or both begin alike."""
    return any(_is_akin(mine, yours) for mine in _names(one) for yours in _names(other))


def _is_akin(one: str, other: str) -> bool:
    if one == other or (min(len(one), len(other)) >= 4 and (one in other or other in one)):
        return True
    shared = next((place for place, (mine, yours) in enumerate(zip(one, other, strict=False)) if mine != yours), 0)
    return shared >= max(6, 0.6 * min(len(one), len(other)))


def _told(node: Node) -> int:
    """How much is told of how to reach a firm: what branches of one name are chosen by."""
    said = sum(name in node.properties for name in ("telephone", "email", "url", "contactpoint"))
    parts = [value for value in _addresses_of(node) if isinstance(value, Node)]
    return said + max((sum(name in part.properties for name in ADDRESS_PARTS) for part in parts), default=0)


def _addresses_of(node: Node) -> Iterator[Node | str]:
    """The addresses that are given to a firm itself, its places and ways of contact included."""
    if not node.properties.keys().isdisjoint(ADDRESS_PARTS):
        yield node
    for holder in (node, *node.nodes("location"), *node.nodes("contactPoint")):
        if holder is not node and not holder.properties.keys().isdisjoint(ADDRESS_PARTS):
            yield holder
        yield from holder.properties.get("address", ())
    yield from (value for value in node.properties.get("location", ()) if isinstance(value, str))


def _place(node: Node) -> str:
    """Where a firm is, for comparing; empty where it does not say."""
    for value in _addresses_of(node):
        said = value if isinstance(value, str) else "".join(
            value.first(name) or "" for name in ("streetAddress", "postalCode", "addressLocality"))  # fmt: skip
        if place := squash(said[:300]):
            return place
    return ""


def _below(firm: Node) -> list[Node]:
    """The addresses, places and ways of contact of a firm."""
    found: list[Node] = []
    for node in (firm, *(place for name in CONTACTS for place in firm.nodes(name))):
        if node is not firm and node.kind not in ("organization", "person"):
            found.append(node)
        if node is not firm:
            found += node.nodes("address")
    return found


def _parts(firms: list[Node]) -> list[Node]:
    """The departments and branches that firms hold, and those that these hold."""
    found: list[Node] = []
    seen = {id(firm) for firm in firms}
    queue = list(firms)
    while queue and len(found) < MAX_PARTS:
        holder = queue.pop(0)
        for name in sorted(PARTS):
            for node in holder.nodes(name):
                if node.kind in ("organization", "venue") and id(node) not in seen:
                    seen.add(id(node))
                    found.append(node)
                    queue.append(node)
    return found
