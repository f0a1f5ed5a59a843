"""All that a page declares, as one graph, and what of it is the company's.

Several firms are never mixed: what is read of a node is its own.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from extraction.structured.choosing import FIRMS, Family, Site, family_of
from extraction.structured.node import Node
from extraction.structured.places import addresses_of, contacts_of
from extraction.structured.relations import PEOPLE

#: Firms of one page that are looked at.
MAX_FIRMS = 100


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


class Graph:
    """The nodes of a page, in its order, and what of them is the company's."""

    def __init__(self, nodes: list[Node], site: Site) -> None:
        self.nodes = nodes
        self._site = site

    @cached_property
    def organizations(self) -> list[Node]:
        """The firms that are declared, whosever; the first `MAX_FIRMS`."""
        return [node for node in self.nodes if node.kind in FIRMS and node.properties][:MAX_FIRMS]

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
        return self._family.own

    @property
    def branches(self) -> list[Node]:
        """The company's departments, branches and shops: firms with an address or a name of their own."""
        return self._family.branches

    @cached_property
    def _family(self) -> Family:
        return family_of(self.organizations, self._site)

    @cached_property
    def contacts(self) -> list[Contact]:
        """The nodes whose phones, faxes and mails are the company's, surest first."""
        found: dict[int, Contact] = {}
        for firms, branch in ((self.own, False), (self.branches, True)):
            for node in (node for firm in firms for node in contacts_of(firm)):
                found.setdefault(id(node), Contact(node, branch))
        for node in self._loose:
            found.setdefault(id(node), Contact(node, branch=False))
        return list(found.values())

    @cached_property
    def addresses(self) -> list[Located]:
        """The addresses of the company and its branches, surest first."""
        found: list[Located] = []
        for firms, branch in ((self.own, False), (self.branches, True)):
            found += [Located(value, firm, branch, loose=False) for firm in firms for value in addresses_of(firm)]
        for node in self._loose:
            found += [Located(value, node, branch=False, loose=True) for value in addresses_of(node)]
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
        kinds = ("address", "contactpoint", "place")
        loose = (node for node in self.nodes if node.kind in kinds and not node.nested and not node.held_by)
        return [node for node in loose if node.properties]
