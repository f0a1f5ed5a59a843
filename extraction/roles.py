"""The words by which a page says whose a passage is: its maker's, a host's, an authority's, a customer's, its own.

Each role has labels, which stand above or before a passage and are told by the whole of them (`Konzept & Umsetzung`),
and phrases, which tell wherever they stand in a line (`Website by …`). The words are in `roles.toml`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import NamedTuple

from extraction.line_cache import cached_by_line
from extraction.scan import Hints

WORDS = Path(__file__).with_name("roles.toml")
#: Longest line that is a label, characters; of a longer one that has a colon what stands before it.
MAX_LABEL = 90
#: Characters before and behind a hint word that are searched for a phrase.
_BEFORE, _BEHIND = 40, 80
_MAKER = re.compile(r"(?: (?:by|von|durch|par|por|da|door|przez|av|af)|\s?:)(?!\w)", re.IGNORECASE)
#: `Our partner in Rotterdam`.
_PLACED = r"(?: (?:in|im|für|for|aus|from|en|à|au|pour|per|w|dla|i|för|em|para) [\w .'-]{2,30})?"
_WORD = re.compile(r"\w*")
_APART = re.compile(r"[\s,/|·:-]+")


class Role(StrEnum):
    """Whose a passage is, by its words."""

    COMPANY = "company"
    AGENCY = "agency"
    HOST = "host"
    DATA_PROTECTION = "data protection officer"
    AUTHORITY = "authority"
    INSURER = "insurer"
    PRESS = "press contact"
    PARTNER = "partner"
    CUSTOMER = "customer"
    LISTED = "listed firm"
    GROUP = "firm above the company"
    SERVICE = "service that the site uses"
    CODE = "code sample"


#: Those whose passages hold many firms, each with an entry of its own.
MANY = frozenset((Role.PARTNER, Role.CUSTOMER, Role.LISTED))


class Said(NamedTuple):
    """What a line says of whose the passage is."""

    role: Role
    #: Where in the line it is said, and where that ends.
    start: int
    end: int
    #: It stands above or before the passage rather than in it.
    label: bool


class _Words(NamedTuple):
    """The words of `roles.toml`."""

    #: Hint word → the roles that it may tell of.
    roles: dict[str, tuple[Role, ...]]
    labels: dict[Role, re.Pattern[str]]
    phrases: dict[Role, re.Pattern[str]]
    #: Words of a label that names who made the site: one of the first at least, the others beside it.
    crafts: frozenset[str]
    beside: frozenset[str]


@cache
def load_words() -> _Words:
    """Read the words, and make their patterns."""
    told = tomllib.loads(WORDS.read_text(encoding="utf-8"))
    pieces = {name: "|".join(patterns) for name, patterns in told["pieces"].items()}

    def pattern(words: Iterable[str], before: str = "", behind: str = "") -> re.Pattern[str]:
        text = f"{before}(?:{'|'.join(words)}){behind}"
        for name, piece in pieces.items():
            text = text.replace(f"{{{name}}}", f"(?:{piece})")
        return re.compile(text, re.IGNORECASE)

    roles: dict[str, tuple[Role, ...]] = {}
    labels, phrases = {}, {}
    for name, words in told["roles"].items():
        role = Role[name.upper()]
        for hint in words["hints"]:
            roles[hint] = (*roles.get(hint, ()), role)
        if "labels" in words:
            labels[role] = pattern(words["labels"], "{our}", _PLACED) if role in MANY else pattern(words["labels"])
        if "phrases" in words:
            phrases[role] = pattern(words["phrases"])
    credit = told["credit"]
    return _Words(roles, labels, phrases, frozenset(credit["crafts"].split()), frozenset(credit["beside"].split()))


def _hints(*, own: bool) -> Iterable[str]:
    return [word for word, roles in load_words().roles.items() if own == (roles == (Role.COMPANY,))]


#: Words that may tell of others, and those that may tell of the company alone.
OTHERS = Hints(lambda: _hints(own=False))
OWN = Hints(lambda: _hints(own=True))


def roles_of(hint: str) -> tuple[Role, ...]:
    """The roles that a hint word may tell of."""
    return load_words().roles[hint]


@cached_by_line
def said(line: str, place: int, role: Role) -> Said | None:
    """Whether a line tells of the role around `place`, where one of its hint words stands."""
    head = line if len(line) <= MAX_LABEL else line[:MAX_LABEL].rpartition(":")[0]
    end = _label_end(head, role) if head else 0
    if end:
        return Said(role, 0, end, label=True)
    phrase = load_words().phrases.get(role)
    # Words of what makers do are many, those who they are said of few.
    if phrase is None or (role is Role.AGENCY and not _MAKER.search(line, place, place + _BEHIND)):
        return None
    match = phrase.search(line, max(0, place - _BEFORE), place + _BEHIND)
    if match is None:
        return None
    word = _WORD.match(line, match.end()) if line[match.end() - 1].isalnum() else None
    return Said(role, match.start(), word.end() if word else match.end(), label=False)


def _label_end(head: str, role: Role) -> int:
    """Where the label ends that the head of a line is, or that stands before its first colon; 0 where none does."""
    pattern = load_words().labels.get(role)
    for text in dict.fromkeys((head, head.partition(":")[0])):
        bare = text.strip(" :：*•-–|")
        if bare and ((pattern and pattern.fullmatch(bare)) or (role is Role.AGENCY and _is_credit(bare))):
            return len(text)
    return 0


def _is_credit(label: str) -> bool:
    known = load_words()
    words = [word for word in _APART.split(label.lower()) if word]
    return not known.crafts.isdisjoint(words) and all(word in known.crafts or word in known.beside for word in words)
