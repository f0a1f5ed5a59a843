"""JSON-LD: all scripts of a page into its nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from extraction.structured.loose_json import MAX_NESTING, loads
from extraction.structured.node import MAX_PROPERTIES, MAX_VALUES, Node, Nodes, property_named, types_named

METHOD = "json-ld"
SIGNS = ("ld+json",)
#: Scripts read of one page, characters of one and of all.
MAX_SCRIPTS = 20
MAX_SCRIPT = 300_000
MAX_SCRIPTED = 600_000
#: Members of one array that are looked at.
MAX_MEMBERS = 300
_LANGUAGE = re.compile(r"[a-z]{2}(?:-[A-Za-z]{2,4})?")
_WRAPPED = ("@list", "@set", "@value", "@graph")


def read(tree: LexborHTMLParser, nodes: Nodes) -> None:
    """Adds what the scripts of a page declare; one that is broken adds what of it can be read."""
    left = MAX_SCRIPTED
    for script in tree.css("script[type*='ld+json' i]")[:MAX_SCRIPTS]:
        text = script.text()[: max(0, min(left, MAX_SCRIPT))]
        left -= len(text)
        read_script(text, nodes)


def read_script(text: str, nodes: Nodes) -> None:
    """Adds what one script declares."""
    if text.strip():
        for value in loads(text):
            _top(value, nodes, 0)


def _top(value: Any, nodes: Nodes, depth: int) -> None:
    """What stands for itself: a node, an array of them, `@graph`."""
    if isinstance(value, list):
        for member in value[:MAX_MEMBERS] if depth < MAX_NESTING else ():
            _top(member, nodes, depth + 1)
    elif isinstance(value, dict):
        _node(value, nodes, depth, nested=False)


def _node(value: dict[str, Any], nodes: Nodes, depth: int, *, nested: bool) -> Node | None:
    if depth > MAX_NESTING:
        return None
    names = _listed(value.get("@type", value.get("type")))
    types = types_named([name for name in names if isinstance(name, str)])
    key = value.get("@id", value.get("id") if types else None)
    said = [(name, member) for name, member in value.items() if name[:1] != "@" and name not in ("type", "id")]
    node = None
    if said or types or key:
        node = nodes.open(
            METHOD, types, key if isinstance(key, str) else "", nested=nested or not (said or types), said=value
        )
        if node is None:
            return None
        for name, member in said[:MAX_PROPERTIES]:
            _property(node, property_named(name), member, nodes, depth + 1)
        if isinstance(reverse := value.get("@reverse"), dict):
            for name, member in list(reverse.items())[:MAX_PROPERTIES]:
                for holder in _values(member, nodes, depth + 1, nested=False):
                    if isinstance(holder, Node):
                        holder.add(property_named(name), node)
    for name in ("@graph", "@included"):
        if name in value:
            _top(value[name], nodes, depth + 1)
    return node


def _property(node: Node, name: str, member: Any, nodes: Nodes, depth: int) -> None:
    for value in _values(member, nodes, depth, nested=True):
        node.add(name, value)


def _values(member: Any, nodes: Nodes, depth: int, *, nested: bool) -> Iterable[str | Node]:
    if depth > MAX_NESTING:
        return
    for value in _listed(member)[:MAX_VALUES]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield str(value)
        elif isinstance(value, list):
            yield from _values(value, nodes, depth + 1, nested=nested)
        elif isinstance(value, dict) and value:
            wrapped = next((name for name in _WRAPPED if name in value), None)
            if wrapped and not (wrapped == "@graph" and len(value) > 1):
                yield from _values(value[wrapped], nodes, depth + 1, nested=nested)
            elif all(map(_LANGUAGE.fullmatch, value)):
                yield from _values(list(value.values()), nodes, depth + 1, nested=nested)
            elif node := _node(value, nodes, depth + 1, nested=nested):
                yield node


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
