"""Text as it may be stored: without control characters, white space folded, bounded in length."""

from __future__ import annotations

import re
import unicodedata

#: C0 and C1 controls, zero-width and bidirectional marks, byte-order mark, and lone surrogates.
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)


def clean(text: str, limit: int) -> str:
    """One line of at most `limit` characters: controls dropped, white space folded to single spaces.

    Markup in the text stays what it is, text: whoever shows it escapes it.
    """
    if len(text) > limit * 4 + 200:
        text = text[: limit * 4 + 200]
    if not (text.isascii() and text.isprintable()):
        text = _UNWANTED.sub("", text)
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[:limit].rstrip()


def storable(text: str) -> str:
    """The text without what no file format takes: controls, lone surrogates. White space stays as it is."""
    return text if text.isascii() and text.isprintable() else _UNWANTED.sub("", text)


#: Of ASCII: capitals as small letters, and what is neither letter nor digit.
_SMALL = bytes(range(256)).lower()
_SIGNS = bytes(sign for sign in range(128) if not chr(sign).isalnum())


def squash(text: str) -> str:
    """The letters and digits of a text, folded: `Häagen & Co.` → `haagenandco`. For comparing, never for show."""
    if text.isascii():
        # Most texts by far, and asked for thousands of times a page.
        return text.lower() if text.isalnum() else text.replace("&", "and").encode().translate(_SMALL, _SIGNS).decode()
    text = unicodedata.normalize("NFKD", text.replace("&", "and"))
    # Of the combining signs this one alone becomes a letter when it is folded.
    return "".join(filter(str.isalnum, text.replace("\u0345", "").casefold()))
