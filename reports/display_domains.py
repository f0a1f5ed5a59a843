"""Domains as people read them: `xn--mnchen-3ya.de` → `münchen.de`, where that deceives nobody.

Data keep the ASCII form; this is for pages and terminals. A label is shown in Unicode by rules like those of browsers
(Chromium, docs/idn.md; Unicode TS 39, 5.2 "highly restrictive"), and stricter where they take more to decide: one
script a label, only scripts that are read from left to right and in wide use, no Latin beside others, no label made of
letters alone that look like Latin ones. Browsers also compare with names of well-known sites; this does not.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import idna

_PREFIX = "xn--"
#: Scripts that may stand in a label, alone or together, by the first word of their characters' names.
_TOGETHER = (
    frozenset({"LATIN"}),
    frozenset({"CYRILLIC"}),
    frozenset({"GREEK"}),
    frozenset({"DEVANAGARI"}),
    frozenset({"THAI"}),
    frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    frozenset({"CJK", "HANGUL"}),
    frozenset({"CJK", "BOPOMOFO"}),
)
#: Letters that look like Latin ones, as Chromium lists them (idn_spoof_checker.cc): a label of them alone deceives.
_LIKE_LATIN = frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡ" + "αικνρυωηοτγ")
#: Latin letters shown: ASCII, those of Latin-1 and Latin Extended-A, and two of Romanian …
_LATIN = frozenset(map(chr, [*range(0x61, 0x7B), *range(0xDF, 0xF7), *range(0xF8, 0x180), 0x219, 0x21B]))
#: … but for those that are hardly told from another letter, or are letters of few languages.
_LATIN_NOT = frozenset("ıĸŀŉŋſ")
_ICELANDIC = frozenset("þð")


@lru_cache(maxsize=4_096)
def shown(domain: str) -> str:
    """A host as people read it; one that might be taken for another stays in ASCII."""
    if _PREFIX not in domain:
        return domain
    labels = domain.split(".")
    read = [_label(label) for label in labels]
    own_script = not read[-1].isascii()
    country = labels[-1]
    return ".".join(
        text if text.isascii() or _is_safe(text, country, own_script=own_script) else label
        for label, text in zip(labels, read, strict=True)
    )


def with_ascii(domain: str) -> str:
    """`münchen.de (xn--mnchen-3ya.de)`: both where they differ."""
    text = shown(domain)
    return domain if text == domain else f"{text} ({domain})"


def _label(label: str) -> str:
    """A label in Unicode, if that names the same one."""
    if not label.startswith(_PREFIX):
        return label
    try:
        text = idna.decode(label)
        return text if idna.encode(text).decode() == label else label
    except (idna.IDNAError, UnicodeError):
        return label


def _is_safe(text: str, country: str, *, own_script: bool) -> bool:
    letters = [c for c in text if not (c.isascii() and (c.isdigit() or c == "-"))]
    scripts = {unicodedata.name(c, "").partition(" ")[0] for c in letters}
    if not any(scripts <= together for together in _TOGETHER):
        return False
    if scripts == {"LATIN"}:
        return all(
            c in _LATIN and c not in _LATIN_NOT and (c not in _ICELANDIC or country in ("is", "fo")) for c in letters
        )
    return own_script or not _LIKE_LATIN.issuperset(letters)
