"""A stored page as it may be shown: its visible text in its order, with headings, lists and tables, and in it the place
that a fact was read from.

It is made anew of the text: no attribute of the page gets through, no script, style, picture, form or link, so that
nothing of it can run, load or lead away. What a reader does not see (declared data, markup, headers) is quoted above.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from html import escape
from itertools import accumulate
from typing import Any, NamedTuple

from selectolax.lexbor import LexborNode

from extraction.document import Document
from extraction.layout import MAX_TEXT, UNSEEN

Fact = Mapping[str, Any]

#: Nodes of a page that are looked at, elements within each other that are told apart, characters of what is shown.
MAX_NODES, MAX_DEPTH, MAX_SHOWN = 200_000, 24, 800_000
#: Characters of markup around a place there.
_AROUND = 600
#: A value that is no longer stands on a page by chance, too.
_TELLING = 5
#: What an element becomes; one that is not named leaves its content.
_BECOMES: Mapping[str | None, str] = {
    **{tag: tag for tag in ("b", "blockquote", "dd", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "i", "li",
                            "ol", "p", "pre", "strong", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul")},
    **dict.fromkeys(("address", "article", "aside", "div", "figcaption", "footer", "form", "header", "main",
                     "nav", "option", "section"), "div"),
    "a": "u",
    "button": "u",
}  # fmt: skip
#: What readers of text leave out of it: white space, and signs without width.
_WORD = re.compile(r"[^\s\u00ad\u200b-\u200f\u2060\ufeff]+")


class View(NamedTuple):
    """A page to be shown."""

    #: HTML without attributes but the place's, which is `<mark id="place">`.
    body: str
    #: Where the words of the fact stand: text, markup, headers, address; None: nowhere, or it keeps no words.
    where: str | None
    #: The page goes on behind what is shown.
    is_cut: bool


class Span(NamedTuple):
    """A place in a text, from its first character to behind its last."""

    start: int
    end: int


class Folded:
    """A text that is searched without regard to white space and case."""

    def __init__(self, text: str) -> None:
        self._words = [(found.start(), _small(found[0])) for found in _WORD.finditer(text)]
        self._letters = "".join(word for _, word in self._words)

    @cached_property
    def _begins(self) -> list[int]:
        """Where each word begins in the letters."""
        return list(accumulate((len(word) for _, word in self._words), initial=0))

    def find(self, wanted: str, skipped: int = 0) -> Span | None:
        """Where a text stands, behind so many other places of it if there are; None: nowhere."""
        letters = "".join(map(_small, _WORD.findall(wanted)))
        at = self._letters.find(letters) if letters else -1
        if at < 0:
            return None
        while skipped and (following := self._letters.find(letters, at + 1)) >= 0:
            at, skipped = following, skipped - 1
        return Span(self._place(at), self._place(at + len(letters) - 1) + 1)

    def count(self, wanted: str) -> int:
        """How often a text stands there."""
        letters = "".join(map(_small, _WORD.findall(wanted)))
        return self._letters.count(letters) if letters else 0

    def _place(self, letter: int) -> int:
        word = bisect_right(self._begins, letter) - 1
        return self._words[word][0] + letter - self._begins[word]


def _small(word: str) -> str:
    """In lower case, of the same length: `İ` would become two signs."""
    low = word.lower()
    return low if len(low) == len(word) else "".join(sign.lower() if len(sign.lower()) == 1 else sign for sign in word)


class _Step(NamedTuple):
    """A text, or where an element begins (`opens`) or ends."""

    text: str
    tag: str = ""
    opens: bool = False


def view(page: Mapping[str, Any], fact: Fact | None = None) -> View:
    """A stored page (a row of `data.schemas.PAGES`) with the place of a fact of it."""
    document = Document(page)
    steps, is_whole = _steps(document.tree.body)
    text = "".join(step.text for step in steps)
    place, above, where = None, "", None
    for name in _order(fact) if fact else ():
        if name == "text":
            place = _in_text(text, document, fact or {})
            where = "text" if place else None
        else:
            above = _quoted(name, _SOURCES[name](document), fact or {})
            where = name if above else None
        if where:
            break
    body, is_full = _body(steps, place)
    return View(above + body, where, is_cut=not is_whole or is_full)


def _order(fact: Fact) -> Sequence[str]:
    """Where the words of a fact are looked for: first where its method has read them."""
    if fact.get("node"):
        return "markup", "text"
    if fact["method"] in ("header", "cookie"):
        return "headers", "markup", "text"
    if fact["method"] == "page-kind":
        return "address", "text"
    return "text", "markup", "headers", "address"


_SOURCES: Mapping[str, Callable[[Document], str]] = {
    "markup": lambda document: document.html,
    "headers": lambda document: "\n".join(f"{name}: {value}" for name, value in sorted(document.headers.items())),
    "address": lambda document: document.url,
}


# ---- the text ---------------------------------------------------------------------------------------------


def _steps(body: LexborNode | None) -> tuple[list[_Step], bool]:
    """What a page shows, in its order, and whether that is all of it."""
    steps: list[_Step] = []
    opened: list[tuple[LexborNode, str]] = []
    node, left, nodes = body.first_child if body is not None else None, MAX_TEXT, MAX_NODES
    while node is not None and left > 0 and nodes > 0:
        nodes -= 1
        tag = node.tag
        if tag == "-text":
            text = (node.text_content or "")[:left]
            left -= len(text)
            steps.append(_Step(text))
        elif tag in ("br", "hr"):
            steps.append(_Step("\n", tag))
        elif tag not in UNSEEN and (inner := node.first_child) is not None:
            becomes = _BECOMES.get(tag, "") if len(opened) < MAX_DEPTH else ""
            if becomes:
                steps.append(_Step("", becomes, opens=True))
            opened.append((node, becomes))
            node = inner
            continue
        following = node.next
        while following is None and opened:
            node, becomes = opened.pop()
            if becomes:
                steps.append(_Step("", becomes))
            following = node.next
        node = following
    steps += [_Step("", becomes) for _, becomes in reversed(opened) if becomes]
    return steps, node is None


def _in_text(text: str, document: Document, fact: Fact) -> Span | None:
    """Where the words of a fact stand in the text."""
    folded, line = Folded(text), fact.get("line")
    for wanted in _wanted(fact):
        before = 0 if line is None else Folded("\n".join(document.lines[:line])).count(wanted)
        if found := folded.find(wanted, before):
            return found
    return None


def _wanted(fact: Fact) -> Iterator[str]:
    """What shows where a fact stands, what tells most first."""
    value, said = str(fact["value"]), [*filter(None, (fact.get("quote"), *(fact.get("words") or ())))]
    yield from said
    if said or len(value) > _TELLING:
        yield value
    if not said and len(first := value.partition(",")[0]) > _TELLING:  # of an address the street
        yield first


def _body(steps: Iterable[_Step], place: Span | None) -> tuple[str, bool]:
    """The steps as HTML, and whether it is full before their end. An element without text leaves nothing."""
    parts: list[str] = []
    size = at = 0
    waiting: list[str] = []  # opened, and nothing stands in them yet
    opened: list[str] = []
    for step in steps:
        if step.tag and not step.text:
            if step.opens:
                waiting.append(step.tag)
            elif waiting:
                waiting.pop()
            else:
                parts.append(f"</{opened.pop()}>")
            continue
        if step.tag:
            said = f"<{step.tag}>"
        elif step.text.isspace():
            said = " "
        else:
            parts += [f"<{tag}>" for tag in waiting]
            opened += waiting
            waiting.clear()
            said = _marked(step.text, at, place)
        at += len(step.text)
        parts.append(said)
        size += len(said)
        if size > MAX_SHOWN or len(parts) > MAX_NODES:
            return "".join([*parts, *(f"</{tag}>" for tag in reversed(opened))]), True
    return "".join(parts), False


def _marked(text: str, at: int, place: Span | None) -> str:
    """A piece of the text, what of it lies in the place marked; `at`: where it begins."""
    if place is None or at >= place.end or at + len(text) <= place.start:
        return escape(text)
    start, end = max(0, place.start - at), min(len(text), place.end - at)
    first = ' id="place"' if at <= place.start else ""
    return f"{escape(text[:start])}<mark{first}>{escape(text[start:end])}</mark>{escape(text[end:])}"


# ---- what is not seen ------------------------------------------------------------------------------------


#: What stands above what is quoted.
_SAID = {
    "markup": "It stands in the markup of the page, which a reader does not see",
    "headers": "It came with the page, in the headers of the answer",
    "address": "It stands in the address of the page",
}


def _quoted(name: str, text: str, fact: Fact) -> str:
    """The surroundings of a fact's words in what a reader does not see; empty where they do not stand there."""
    folded = Folded(text)
    found = next((found for wanted in _wanted(fact) for one in _written(wanted) if (found := folded.find(one))), None)
    if found is None:
        return ""
    start, end = max(0, found.start - _AROUND), found.end + _AROUND
    before, words, behind = text[start : found.start], text[found.start : found.end], text[found.end : end]
    return (
        f"<aside><h2>{_SAID[name]}</h2><pre>{'…' if start else ''}{escape(before)}"
        f'<mark id="place">{escape(words)}</mark>{escape(behind)}{"…" if end < len(text) else ""}</pre></aside>'
    )


def _written(text: str) -> Iterator[str]:
    """A text as markup and JSON may spell it."""
    yield text
    yield escape(text)
    for ascii_only in (False, True):
        spelled = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield spelled
        yield spelled.replace("/", "\\/")
