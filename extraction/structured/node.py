"""A node: one thing that a page declares, whichever syntax it is written in, and how nodes are held together.

Names of types and properties are in lower case and without their vocabulary: `https://schema.org/LocalBusiness`,
`schema:LocalBusiness` and `LocalBusiness` are all `localbusiness`.
"""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin

from extraction.structured.classes import kind_of
from extraction.text import clean, squash

#: Nodes read from one page, values kept of one property, properties of one node, types of one node.
MAX_NODES = 500
MAX_VALUES = 50
MAX_PROPERTIES = 200
MAX_TYPES = 20
#: Nodes followed, one to the next, for what one is called: pages name things after each other, in circles too.
MAX_CALLED = 3
#: Longest value and longest name, characters.
MAX_VALUE = 2_000
MAX_NAME = 200

#: Between addresses that stand in one text.
_LINKS = re.compile(r"[\s,;|]++(?=https?://)")
_VOCABULARY = re.compile(r"[/#:]")
#: What other vocabularies, and schema.org in its youth, call a property.
_OTHER_NAMES = {
    "phone": "telephone",
    "tel": "telephone",
    "phonenumber": "telephone",
    "fax": "faxnumber",
    "mbox": "email",
    "hasemail": "email",
    "hastelephone": "telephone",
    "homepage": "url",
    "street-address": "streetaddress",
    "locality": "addresslocality",
    "region": "addressregion",
    "postal-code": "postalcode",
    "country-name": "addresscountry",
    "adr": "address",
    "hasaddress": "address",
    "contactpoints": "contactpoint",
    "branchof": "parentorganization",
    "employees": "employee",
    "founders": "founder",
    "departments": "department",
    "locations": "location",
    "members": "member",
}


class Node:
    """One declared thing.

    `id` says where it stands (`json-ld:3`: the fourth that was read of its syntax), `key` is the name that the page
    gives it (`@id`, `itemid`, `resource`; absolute), empty for most.
    """

    __slots__ = ("held_by", "id", "key", "method", "nested", "properties", "types")

    def __init__(self, place: str, method: str, types: frozenset[str], key: str, *, nested: bool) -> None:
        self.id = place
        self.method = method
        self.types = types
        self.key = key
        #: Written within another node, as the publisher of an article is.
        self.nested = nested
        self.properties: dict[str, list[str | Node]] = {}
        #: The nodes that have this one as a value, and of which property.
        self.held_by: list[tuple[Node, str]] = []

    @property
    def kind(self) -> str:
        """What it stands for: `organization`, `place`, `person`, `address`, `contactpoint`, `website`, else empty."""
        return kind_of(self.types)

    @property
    def is_organization(self) -> bool:
        return self.kind == "organization"

    def add(self, name: str, value: str | Node) -> None:
        """One more value of a property; the same again, and what is too much, are passed over."""
        values = self.properties.get(name)
        if values is None:
            if len(self.properties) >= MAX_PROPERTIES:
                return
            values = self.properties[name] = []
        if len(values) >= MAX_VALUES or value in values or value is self:
            return
        values.append(value)
        if isinstance(value, Node) and len(value.held_by) < MAX_VALUES:
            value.held_by.append((self, name))

    def texts(self, name: str) -> list[str]:
        """The property's values as text, cleaned: of a node what it is called, or the value that it is."""
        found = []
        for value in self.properties.get(name.lower(), ()):
            text = plain(value) if isinstance(value, str) else value.called
            if text:
                found.append(text)
        return found

    @property
    def called(self) -> str | None:
        """What the node is called, or the value that it is."""
        node: Node | None = self
        for _ in range(MAX_CALLED):
            values = [] if node is None else [*node.properties.get("value", ()), *node.properties.get("name", ())]
            text = next((text for value in values if isinstance(value, str) and (text := plain(value))), None)
            if text:
                return text
            node = next((value for value in values if isinstance(value, Node)), None)
        return None

    def first(self, name: str) -> str | None:
        """The first of `texts` that is written as text, else of those that are nodes."""
        values = self.properties.get(name.lower(), ())
        for value in values:
            if isinstance(value, str) and (text := plain(value)):
                return text
        return next(iter(self.texts(name)), None) if values else None

    def nodes(self, name: str) -> list[Node]:
        """The property's values that are nodes themselves."""
        return [value for value in self.properties.get(name.lower(), ()) if isinstance(value, Node)]

    def links(self, name: str) -> list[str]:
        """The property's values as addresses of pages or files, as written."""
        found = []
        for value in self.properties.get(name.lower(), ()):
            if isinstance(value, str):
                found += _LINKS.split(value.strip()[:MAX_VALUE])
            else:
                found.append(value.first("url") or value.first("contenturl") or value.key)
        return [link for link in found if link]


class Nodes:
    """The nodes of a page as they are read. Those of one `key` are one node, in whichever script or syntax they stand.

    A key that a page gives to things of different kinds or names (its home page's address for website and company
    alike) is theirs each for itself.
    """

    def __init__(self, base: str) -> None:
        self.base = base
        self.all: list[Node] = []
        self._named: dict[str, list[Node]] = {}
        self._counts: dict[str, int] = {}

    def open(
        self,
        method: str,
        types: frozenset[str] = frozenset(),
        key: str = "",
        *,
        nested: bool,
        said: Mapping[str, Any] | None = None,
    ) -> Node | None:
        """The node of this key, or a new one; None where the page has too many. `said` are its properties, if known."""
        key = self.absolute(key)
        known = self._named.setdefault(key, []) if key else []
        for node in known:
            if _may_be_one(node, types, said or {}):
                if len(node.types) < MAX_TYPES:  # of each set its kind is kept, from page to page
                    node.types |= types
                node.nested = node.nested and nested
                return node
        if len(self.all) >= MAX_NODES:
            return None
        count = self._counts[method] = self._counts.get(method, -1) + 1
        node = Node(f"{method}:{count}", method, types, key, nested=nested)
        self.all.append(node)
        known.append(node)
        return node

    def absolute(self, key: str) -> str:
        key = key.strip()[:MAX_VALUE]
        if not key or key.startswith("_:"):
            return key
        try:
            return urljoin(self.base, key)
        except ValueError:
            return key


def _may_be_one(node: Node, types: frozenset[str], said: Mapping[str, Any]) -> bool:
    """Whether what a page gives the same key may be the same thing: shops of one firm often have one."""
    if node.types and types and node.kind != kind_of(types):
        return False
    name, called = said.get("name"), node.first("name")
    if isinstance(name, str) and called:
        one, two = squash(called), squash(name)
        if one not in two and two not in one:
            return False
    phone, number = said.get("telephone"), node.first("telephone")
    return not ("address" in said and "address" in node.properties and isinstance(phone, str) and number not in (
        None, plain(phone)))  # fmt: skip


def plain(value: str) -> str:
    """A value as one line of text, its character references read."""
    value = value[: MAX_VALUE * 2]
    if "&" in value:
        with contextlib.suppress(ValueError):  # a character reference of more digits than Python reads
            value = html.unescape(value)
    return clean(value, MAX_VALUE)


def type_named(text: str) -> str:
    """A type without its vocabulary, in lower case."""
    return _type_named(text[:MAX_NAME])


def property_named(text: str) -> str:
    """A property without its vocabulary, in lower case, by the name that schema.org has for it."""
    return _property_named(text[:MAX_NAME])


# What is kept from page to page are names that were cut before.
@lru_cache(maxsize=4_096)
def _type_named(text: str) -> str:
    return _VOCABULARY.split(text.strip().rstrip("/"))[-1].lower()


@lru_cache(maxsize=4_096)
def _property_named(text: str) -> str:
    name = _VOCABULARY.split(text.strip())[-1].lower()
    return _OTHER_NAMES.get(name, name)


def types_named(names: Iterator[str] | list[str]) -> frozenset[str]:
    return frozenset(filter(None, map(type_named, names[:MAX_TYPES] if isinstance(names, list) else names)))
