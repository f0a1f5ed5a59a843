"""The markup of one answer, for all who look at it while it is crawled: decoded, bounded and parsed once, if at all.

Nobody changes the trees. They take ten times their page, so that whoever keeps an answer for later keeps its bytes.
"""

from __future__ import annotations

from functools import cached_property

from selectolax.lexbor import LexborHTMLParser

from extraction.charset import as_utf8
from extraction.markup_guard import bounded

#: Elements that show nothing.
_UNSEEN = {b"<script": "script", b"<style": "style", b"<template": "template", b"<noscript": "noscript"}


class Markup:
    """An answer's body; `charset` is what its header names."""

    def __init__(self, body: bytes, charset: str | None = None) -> None:
        self.body = body
        self.charset = charset

    @cached_property
    def utf8(self) -> bytes:
        """The whole of it in UTF-8."""
        return as_utf8(self.body, self.charset)

    @cached_property
    def lowered(self) -> bytes:
        """The same in lower case: a search of the bytes takes less than one of the tree."""
        return self.utf8.lower()

    def has(self, tag: bytes) -> bool:
        """Whether there may be elements of a name, or of one that begins so: `<svg`."""
        return tag in self.lowered

    @cached_property
    def tree(self) -> LexborHTMLParser:
        """All elements."""
        # Unguarded, the 60,000 nested tags of one page stop every crawl of this process for half a minute.
        return LexborHTMLParser(bounded(self.utf8))

    @cached_property
    def shown(self) -> LexborHTMLParser:
        """Without scripts, styles, templates and what is for readers without scripts; `tree` if none are there."""
        unseen = [tag for mark, tag in _UNSEEN.items() if mark in self.lowered]
        return without(self.tree, unseen) if unseen else self.tree

    @cached_property
    def text(self) -> str:
        """The text in sight, as it is written."""
        body = self.shown.body
        return "" if body is None else body.text(separator=" ")


def without(tree: LexborHTMLParser, tags: list[str]) -> LexborHTMLParser:
    """A copy of a tree without some elements."""
    copy = tree.clone()
    copy.strip_tags(tags)
    return copy
