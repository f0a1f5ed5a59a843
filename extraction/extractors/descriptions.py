"""What the company says it does, in a sentence or two: declared, from meta tags, else its first paragraph."""

from __future__ import annotations

import html
from collections.abc import Iterator

from extraction.document import Document
from extraction.findings import Finding
from extraction.text import clean

#: Longest description kept and shortest believed, characters.
MAX_DESCRIPTION = 600
MIN_DESCRIPTION = 25
_KINDS = {"home": 0.0, "about": -0.1}


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `description`; the home page's count most, other pages describe themselves."""
    less = _KINDS.get(page.kind, -0.45)
    for node in page.graph.own:
        text = clean(node.first("description") or "", MAX_DESCRIPTION)
        if len(text) >= MIN_DESCRIPTION:
            yield page.declared("description", text, node, 0.9)
    for name, confidence in (("description", 0.85), ("og:description", 0.8), ("twitter:description", 0.75)):
        yield from _said(page, html.unescape(page.metas.get(name, "")), "meta", confidence + less)
    for place, line in enumerate(page.lines[:200]):
        if (
            len(line) >= 90
            and line.count(" ") >= 12
            and "©" not in line
            and "cookie" not in line.lower()
            and "{" not in line
        ):
            yield from _said(page, line, "text", 0.55 + less, place)
            break


def _said(page: Document, text: str, method: str, confidence: float, line: int | None = None) -> Iterator[Finding]:
    text = clean(text, MAX_DESCRIPTION)
    if len(text) >= MIN_DESCRIPTION and confidence > 0:
        quote = text if line is None else ""
        yield page.found("description", text, method, confidence, line=line, quote=quote)
