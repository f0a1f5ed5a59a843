"""What the pages of a company so far gave, and what one more page of a kind is expected to give beyond that.

A cheap look at each page says whether e-mail addresses and phone numbers were seen; what else a page told is known by
its kind alone. The stages behind read the pages for real: here it is only decided which page is worth a request.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

#: What a lead is made of, and what each part is worth.
# fmt: off
WORTH = {
    "email": 4, "phone": 4, "address": 3, "legal": 3, "profile": 2, "people": 1, "hiring": 1, "price": 1, "offer": 1,
}
# fmt: on
#: How probably a page of a kind tells each part, 0–1: rounded from what is found on stored pages, each read alone.
TELLS = {
    "home": {"address": 0.4, "legal": 0.35, "profile": 0.4, "offer": 0.3},
    "contact": {"email": 0.7, "phone": 0.9, "address": 0.85, "legal": 0.3},
    "imprint": {"email": 0.5, "phone": 0.5, "address": 0.85, "legal": 0.9},
    "about": {"profile": 0.6, "people": 0.3, "legal": 0.2, "address": 0.1, "phone": 0.1},
    "team": {"people": 0.8, "email": 0.15, "phone": 0.1},
    "careers": {"hiring": 0.8, "email": 0.05},
    "pricing": {"price": 0.7},
    "products": {"offer": 0.6},
    "other": {"email": 0.08, "phone": 0.08, "address": 0.08, "legal": 0.04, "profile": 0.05, "people": 0.05},
}
#: Of parts that can be seen at a glance: how much is still unknown when some were seen. There may be more.
MORE = 0.15
#: A page that is expected to give less is not worth a request.
ENOUGH = 0.3
#: How often a path that no link or sitemap named leads to the page that it promises.
LUCK = 0.2

#: What stands behind `@` in an address, and endings of files, whose names hold one, too (`logo@2x.png`).
_HOST = re.compile(rb"[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){0,4}\.([a-z]{2,12})\b", re.IGNORECASE)
_FILES = frozenset((b"png", b"jpg", b"jpeg", b"gif", b"webp", b"svg", b"avif", b"css", b"js", b"mjs"))
#: Ends of words that stand before a phone number, and what follows them; numbers that need no word.
_LABELS = (b"hone", b"Tel", b"Fax", b"Fon")
_LABELLED = re.compile(rb"[^<>\d]{0,14}(?:<[^<>]{0,80}>\s{0,9}){0,3}[+(\d][\d \t()/.-]{6,20}\d")
_INTERNATIONAL = re.compile(rb"\+\d{1,3}[ (./-]{1,2}\d[\d ()/.-]{5,20}\d")
_AMERICAN = re.compile(rb"\(\d{3}\) ?\d{3}-\d{4}\b")
#: Places looked at on one page for each of these.
_MAX_PLACES = 200


def seen_on(html: bytes) -> frozenset[str]:
    """Which of `email` and `phone` a page shows at a glance."""
    seen = set()
    if b"mailto:" in html or any(_is_address(html, at) for at in _places(html, b"@")):
        seen.add("email")
    if b"tel:" in html or _AMERICAN.search(html) or _INTERNATIONAL.search(html) or _is_labelled(html):
        seen.add("phone")
    return frozenset(seen)


def _is_address(html: bytes, at: int) -> bool:
    found = _HOST.match(html, at + 1) if html[at - 1 : at].isalnum() else None
    return found is not None and found[1].lower() not in _FILES


def _is_labelled(html: bytes) -> bool:
    return any(_LABELLED.match(html, at + len(label)) for label in _LABELS for at in _places(html, label))


def _places(html: bytes, sign: bytes) -> Iterator[int]:
    at = -1
    for _ in range(_MAX_PLACES):
        at = html.find(sign, at + 1)
        if at < 1:
            return
        yield at


class Expectation:
    """What is unknown of one company, and what it is worth to ask for one more page."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        #: Pages that were got, and that are under way, by kind.
        self.got: Counter[str] = Counter()
        self.awaited: Counter[str] = Counter()
        self._unread: dict[str, float] = {}

    @property
    def leading(self) -> bool:
        """Whether something is under way that is likely to name better pages than those of no known kind."""
        return any(number and kind != "other" for kind, number in self.awaited.items())

    def take(self, kind: str, html: bytes) -> None:
        """A page of a kind was got."""
        self.got[kind] += 1
        self._unread.clear()
        if len(self.seen) < 2:
            self.seen |= seen_on(html)

    def gain(self, kind: str) -> float:
        """What one more page of a kind is expected to give, after what is under way."""
        return self.after().gain(kind)

    def after(self, also: Iterable[str] = ()) -> Outlook:
        """What is expected after what is under way and pages of kinds `also`."""
        return Outlook(self, [kind for kind, number in self.awaited.items() for _ in range(number)], also)

    def unread(self, part: str) -> float:
        """How much of a part is unknown after the pages that were got."""
        if part not in self._unread:
            read = () if part in ("email", "phone") else self.got.elements()
            self._unread[part] = _left(1.0, part, read)
        return self._unread[part]


class Outlook:
    """What one more page of each kind is expected to give, as things stand."""

    def __init__(self, known: Expectation, awaited: list[str], also: Iterable[str]) -> None:
        self._known = known
        self._ahead = [*awaited, *also]
        self._unknown: dict[str, float] = {}

    def gain(self, kind: str) -> float:
        """What one more page of a kind is expected to give."""
        again = 0 if kind == "other" else self._known.got[kind] + self._ahead.count(kind)
        return 0.5**again * sum([WORTH[part] * self._of(part) * p for part, p in TELLS[kind].items()])

    def _of(self, part: str) -> float:
        unknown = self._unknown.get(part)
        if unknown is None:
            seen = part in self._known.seen
            unknown = self._unknown[part] = MORE if seen else _left(self._known.unread(part), part, self._ahead)
        return unknown


def _left(unknown: float, part: str, kinds: Iterable[str]) -> float:
    for kind in kinds:
        unknown *= 1 - TELLS.get(kind, {}).get(part, 0.0)
    return unknown
