"""What a cell says: its text without what spreadsheets and mail programs add, and the address that is written in it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from leadmill.ids import has_known_suffix
from pipelines.request.lists.rows import MAX_CELL, Row
from pipelines.request.lists.words import EMPTY

#: Characters of an address that is looked at, at most.
_LONG = 4_000
_HYPERLINK = re.compile(r"""=\s*hyperlink\(\s*"([^"]{1,2000})\"""", re.IGNORECASE)
_GUARDED = re.compile(r'="([^"]*)"\Z')
_MARKDOWN = re.compile(r"\[[^\[\]]{0,300}\]\(([^()\s]{1,2000})\)")
_HREF = re.compile(r"""<a\s[^<>]{0,300}?href\s*=\s*["']?([^"'<>\s]{1,2000})""", re.IGNORECASE)
_ANGLE = re.compile(r"<([^<>\s]{1,2000})>")
_SCHEME = re.compile(r"https?(?::[/\\]*|[/\\]{2})(?=\w)", re.IGNORECASE)
_FULL = re.compile(r"(?:https?://|www\.)[^\s\"<>]{3,2000}", re.IGNORECASE)
_SEPARATORS = re.compile(r"[,;|\s]+")
_ENDS = " \t\r\n,;|'\"`´“”„‚‘’«»()[]{}<>"
_HOST = re.compile(
    r"(?:https?://)?((?:[\w-]{1,63}\.){1,10}[^\W\d_][\w-]{1,62})\.?(?::\d{1,5})?(?:[/?#]\S*)?", re.IGNORECASE
)
_EMAIL = re.compile(r"(?:mailto:)?[^\s@/:,;<>]{1,100}@((?:[\w-]{1,63}\.){1,10}[^\W\d_][\w-]{1,62})\.?", re.IGNORECASE)


def tidy(text: str) -> str:
    """A cell's text as a person sees it: without control and zero-width characters and space at the ends."""
    text = text[:MAX_CELL].strip()
    if text.isprintable() and text.isascii():
        return text
    kept = (c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn"))
    return "".join(kept).replace("\u00a0", " ").strip()


def is_empty(text: str) -> bool:
    """Whether a tidy text is none, or one of those that stand for none (`n/a`, `keine`)."""
    return not text or (len(text) < 20 and text.casefold() in EMPTY)


def address_in(cell: str) -> str:
    """The address that a cell holds, as text for `companies.company_of`; empty when it says nothing.

    `=HYPERLINK("https://a.de","A")`, `<a.de>`, `[A](https://a.de)`, `a.de; b.de` (the first), `A (www.a.de)`.
    What holds none is returned as it is, for the error that tells of it.
    """
    text = tidy(cell)[:_LONG]
    for form in (_HYPERLINK, _GUARDED, _MARKDOWN, _HREF):
        if found := form.search(text):
            text = tidy(found[1])
            break
    if is_empty(text):
        return ""
    text = text.strip(_ENDS)
    if found := _ANGLE.search(text):
        text = found[1]
    text = _whole(text)
    if not re.search(r"[\s,;|<>\"]", text):
        return text
    return _first(text)


def address_at(row: Row, column: int) -> str:
    """The address in a row's cell: what it says, else where its link leads."""
    text = address_in(row.cells[column]) if column < len(row.cells) else ""
    link = row.links.get(column) if row.links else None
    if link and not looks_like_address(text) and not is_email(text):
        return address_in(link)
    return text


def _first(text: str) -> str:
    """One of several addresses, or the one within words."""
    parts = [_whole(part.strip(_ENDS)) for part in _SEPARATORS.split(text)[:50]]
    parts = [part for part in parts if part]
    if parts and all(looks_like_address(part) or is_email(part) for part in parts):
        return parts[0]
    found = _FULL.search(text)
    return _whole(found[0].rstrip(_ENDS + ".")) if found else text


def _whole(text: str) -> str:
    """An address whose beginning was typed wrongly (`http:/a.de`, `http:\\\\a.de`, `//a.de`), put right."""
    if text.startswith("//"):
        text = text[2:]
    if found := _SCHEME.match(text):
        rest = text[found.end() :]
        scheme = "https" if text[:5].lower() == "https" else "http"
        text = f"{scheme}://{rest}" if not _SCHEME.match(rest) else _whole(rest)
    return text


def is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


@lru_cache(maxsize=4_096)
def looks_like_address(text: str) -> bool:
    """Whether a text, by its look alone, is a website: it has a scheme or `www.`, or ends as hosts do."""
    found = _HOST.fullmatch(text)
    if found is None or "@" in text.partition("/")[0]:
        return False
    return text[:4].lower() in ("http", "www.") or has_known_suffix(found[1])
