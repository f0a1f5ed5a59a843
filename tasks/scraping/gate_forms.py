"""Choices of a page that are no links: forms that ask by GET and need nothing written, and lists to choose from."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.page_words import fold, words_of

#: Forms, and choices of one list or form, that are looked at.
MAX_FORMS = 8
MAX_OPTIONS = 60

#: Fields that a form may have and be sent unread.
_UNREAD = frozenset(("hidden", "submit", "image", "button", "reset"))


def choices_in(tree: LexborHTMLParser) -> Iterator[tuple[str, str]]:
    """Addresses, as the page writes them, that a choice or a button leads to, each with its words."""
    for select in tree.css("select[onchange]")[:MAX_FORMS]:
        if "location" in (select.attributes["onchange"] or ""):
            yield from ((value, words) for value, words in _options(select) if set("/.?") & set(value))
    for form in tree.css("form")[:MAX_FORMS]:
        yield from _sent(form)


def _sent(form: LexborNode) -> Iterator[tuple[str, str]]:
    """What a form asks for: one address for each of its choices, else for each of its buttons."""
    attributes = form.attributes
    fields = [node.attributes for node in form.css("input")[:MAX_OPTIONS]]
    if (attributes.get("method") or "get").lower() != "get" or form.css_first("textarea") is not None:
        return
    if any((field.get("type") or "text").lower() not in _UNREAD for field in fields):
        return
    action = (attributes.get("action") or "").partition("?")[0].partition("#")[0]
    kept = [
        (field["name"] or "", field.get("value") or "")
        for field in fields
        if (field.get("type") or "").lower() == "hidden" and field.get("name")
    ]
    selects = form.css("select[name]")[:2]
    if len(selects) == 1:
        name = selects[0].attributes["name"] or ""
        for value, words in _options(selects[0]):
            yield f"{action}?{urlencode([*kept, (name, value)])}", words
        return
    for button in form.css("button, input[type=submit]")[:MAX_OPTIONS] if not selects else ():
        said = button.attributes
        named = [(said["name"] or "", said.get("value") or "")] if said.get("name") else []
        words = button.text(deep=True, separator=" ").strip() or said.get("value") or ""
        query = urlencode(kept + named)
        if action or query:
            yield f"{action}{'?' if query else ''}{query}", _folded(words)


def _options(select: LexborNode) -> list[tuple[str, str]]:
    options = [(node.attributes.get("value") or "", _folded(node.text(deep=True))) for node in select.css("option")]
    return [(value, words) for value, words in options[:MAX_OPTIONS] if value]


def _folded(text: str) -> str:
    return " ".join(words_of(fold(text[:200])))
