"""Whose a property is that stands in an element: the innermost scope around it."""

from __future__ import annotations

from collections.abc import Mapping

from selectolax.lexbor import LexborNode

from extraction.structured.node import Node


class Owners:
    """The owners of elements: the scope around each, and those that refer to it or to what holds it.

    Each answer is kept, so that all of them together cost one walk over the elements' ancestors.
    """

    def __init__(self, scopes: Mapping[int, Node], referred: Mapping[int, list[Node]] | None = None) -> None:
        """`scopes` are nodes by the `mem_id` of their elements, `referred` those that refer to an element."""
        self._scopes = scopes
        self._referred = referred or {}
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
