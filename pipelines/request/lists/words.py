"""The words of `headers.toml`, folded: how columns of websites are called, and how people write nothing."""

from __future__ import annotations

import tomllib
import unicodedata
from importlib.resources import files


def fold(name: str) -> str:
    """A header's name as it is compared: letters and digits only, without case and accents."""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name[:300]).casefold())
    return "".join(c for c in decomposed if c.isalnum())


_DATA = tomllib.loads(files(__package__).joinpath("headers.toml").read_text("utf-8"))
#: Folded name of a header -> its rank; the lowest is read first.
HEADERS: dict[str, int] = {}
for _group in _DATA["headers"]:
    for _name in _group["names"]:
        HEADERS.setdefault(fold(_name), len(HEADERS))
#: Folded name of a header of companies' or contacts' e-mail addresses -> its rank.
EMAILS: dict[str, int] = {}
for _name in _DATA["emails"]["names"]:
    EMAILS.setdefault(fold(_name), len(EMAILS))
#: Words by one of which a header may be a column of websites, if its cells say so too.
WORDS = frozenset(map(fold, _DATA["words"]["names"]))
#: Case-folded texts that stand for nothing.
EMPTY = frozenset(name.casefold() for name in _DATA["empty"]["names"])


def has_word(name: str) -> bool:
    """Whether one of the words is in a header."""
    spaced = "".join(c if c.isalnum() else " " for c in name[:300])
    return any(fold(word) in WORDS for word in spaced.split())
