"""Where a home page leads that is no page of its own: a refresh, a script that only moves on, frames, a gate.

A visitor's browser goes on by itself, or the visitor takes the one step that is offered: a language, "I am over 18",
"enter". Looked at on home pages alone, and there with plain searches first, so that an ordinary page costs next to
nothing. Sizes and counts are bounded: pages are not to be trusted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Literal, NamedTuple
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborNode

from extraction.markup import Markup
from leadmill.ids import registrable_domain
from tasks.scraping.gate_forms import choices_in
from tasks.scraping.gates import (
    MAX_EMPTY,
    MAX_WALL,
    WORDS,
    GateLink,
    is_language,
    language_of,
    may_ask,
    preferred,
    way_past,
    words_on,
)
from tasks.scraping.links import MAX_HREF, base_of, rooted
from tasks.scraping.script_moves import moves_in

#: A refresh is followed when it waits at most so long, seconds.
MAX_REFRESH_S = 10
#: A page of more links is a page of its own, and so is a larger one that only scripts, frames or gates could move; but
#: of a choice of countries.
MAX_LINKS = 16
MAX_COUNTRIES = 80
MAX_STUB = 48_000
MAX_FRAMES = 20
#: Addresses that the scripts of a page may choose among.
MAX_MOVES = 5

_MAIN_FRAMES = tuple(WORDS["gates"]["main_frames"])
_FOR_OTHERS = tuple(WORDS["gates"]["for_others"])
_EMBEDS = frozenset(WORDS["gates"]["embeds"])

_REFRESHES = re.compile(rb"http-equiv\s{0,9}=\s{0,9}[\"']?\s{0,9}refresh")
_SECONDS = re.compile(r"[ \t\n\f\r]{0,20}(\d{1,6}|(?=\.))[\d.]{0,20}[ \t\n\f\r]{0,20}(?:[;,]|(?<=[ \t\n\f\r]))")
_URL_IS = re.compile(r"[ \t\n\f\r]{0,20}(?:url[ \t\n\f\r]{0,20}=[ \t\n\f\r]{0,20})?", re.IGNORECASE)
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "”": "”", "‘": "’", "’": "’", "«": "»", "`": "`", "´": "´"}
#: What a script writes there is an address, not the name of a place.
_ADDRESS = re.compile(r"[/.?]")
#: What every script has that moves on.
_MOVING = (b"location", b"_self", b"_top", b"navigate")
#: Types of elements whose text is run.
_RUN = re.compile(r"|module|(?:text|application)/(?:x-)?(?:java|ecma|live|j)script.{0,40}", re.IGNORECASE)
_COUNTRY = re.compile(rb"href\s?=\s?[\"']?[^\"'\s>]{0,100}?/[a-z]{2}[-_][a-z]{2}/?[\"'\s>]")
_UNSEEN = re.compile(
    r"display:none|visibility:hidden|(?:^|;)(?:width|height):[01](?:px|;|$)|(?:left|top|indent):-\d{3}"
)
_SHARE = re.compile(r"[\d.]{1,8}|\*")

Why = Literal["refresh", "script", "frame", "gate"]


class Step(NamedTuple):
    """The address that a home page leads to, and what about the page does."""

    url: str
    why: Why

    @property
    def shows_links(self) -> bool:
        """Whether the page that leads there has links of its own worth following: a menu's frame, a gate's imprint."""
        return self.why in ("frame", "gate")


def could_lead_on(raw: bytes, refresh: str) -> bool:
    """Whether a page is worth a closer look: what nearly every page answers no to, at next to no cost."""
    if refresh:
        return True
    lowered = raw.lower()
    return _is_thin(lowered) or b"<frameset" in lowered or _REFRESHES.search(lowered) is not None


def step_from(page: Markup, url: str, refresh: str, ours: Callable[[str], bool], domain: str) -> Step | None:
    """Where a home page leads; None for a page of its own.

    Args:
        refresh: the answer's Refresh header.
        ours: whether a host and port belongs to the company; a gate leads nowhere else.
        domain: the company's, whose ending tells its language.

    Raises:
        ValueError: the page leads to what is no address.
    """
    target = _refresh_target(refresh) if refresh else None
    if target:
        return Step(_joined(url, target), "refresh")
    return _Page(page, url, ours, reloads=target is not None).step(domain)


def _is_thin(lowered: bytes) -> bool:
    if len(lowered) > MAX_STUB:
        return False
    links = lowered.count(b"<a")
    return links <= MAX_LINKS or (links <= MAX_COUNTRIES and len(_COUNTRY.findall(lowered)) * 2 > links)


class _Page:
    """A home page, and where it may lead."""

    def __init__(self, page: Markup, url: str, ours: Callable[[str], bool], *, reloads: bool = False) -> None:
        #: It asks for itself again soon, as who set a cookie may.
        self._reloads = reloads
        self._page = page
        self._lowered = page.lowered
        self._url = url
        self._base = base_of(page, url)
        self._ours = ours

    def step(self, domain: str) -> Step | None:
        shown, hidden = self._refreshes()
        if shown is not None:
            return Step(_joined(self._base, shown), "refresh")
        if frame := self._frame():
            return Step(frame, "frame")
        if not _is_thin(self._lowered) or len(self._text) > MAX_WALL:
            return None
        stub = self._stub(hidden, domain)
        if stub is not None or not may_ask(self._text):
            return stub
        past = way_past(self._links, self._text, domain, self._names_itself)
        return Step(past, "gate") if past is not None else None

    def _stub(self, hidden: str | None, domain: str) -> Step | None:
        """The step from a page without anything in sight, which is not waiting for a script to fill it."""
        if len(self._text) > MAX_EMPTY or self._waits_for_a_script:
            return None
        if hidden is not None and not _is_for_others(hidden):
            return Step(_joined(self._base, hidden), "refresh")
        if moves := self._scripts():
            return Step(preferred(moves, domain), "script")
        if (frames := self._inline_frames()) and not self._links:
            return Step(frames[0], "frame")
        return Step(self._url, "refresh") if self._reloads else None

    def _all(self, tag: bytes, selector: str, most: int) -> list[LexborNode]:
        return self._page.tree.css(selector)[:most] if b"<" + tag in self._lowered else []

    def _refreshes(self) -> tuple[str | None, str | None]:
        """Where a refresh leads; and one that is only for readers without scripts."""
        shown: str | None = None
        hidden: str | None = None
        for node in self._all(b"meta", "meta[http-equiv][content]", 50) if b"refresh" in self._lowered else ():
            attributes = node.attributes
            if (attributes.get("http-equiv") or "").strip().lower() != "refresh":
                continue
            target = _refresh_target(attributes.get("content") or "")
            if not target:
                self._reloads = self._reloads or target is not None
            elif _is_in_noscript(node):
                hidden = hidden or target
            else:
                shown = shown or target
        return shown, hidden

    def _frame(self) -> str | None:
        """The frame of a frameset that holds the page itself: by its name, else the largest, else the last."""
        frames: list[tuple[bool, float, int, str]] = []
        for number, node in enumerate(self._all(b"frameset", "frameset frame[src]", MAX_FRAMES)):
            attributes = node.attributes
            if target := self._address(attributes.get("src")):
                name = f"{attributes.get('name') or ''} {attributes.get('id') or ''}".lower()
                frames.append((any(word in name for word in _MAIN_FRAMES), _share(node), number, target))
        return max(frames)[3] if frames else None

    def _inline_frames(self) -> list[str]:
        """Pages in frames that are in sight, but for videos, maps and the like."""
        found = []
        for node in self._all(b"iframe", "iframe", MAX_FRAMES) + self._all(b"object", "object[data]", MAX_FRAMES):
            attributes = node.attributes
            if _is_out_of_sight(attributes) or _is_in_noscript(node):
                continue
            if node.tag == "object" and (attributes.get("type") or "text/html").lower() != "text/html":
                continue
            names = ("src", "data-src", "data-lazy-src", "data")
            target = next((url for name in names if (url := self._address(attributes.get(name)))), None)
            if target and registrable_domain(urlsplit(target).hostname or "") not in _EMBEDS:
                found.append(target)
        return found

    def _scripts(self) -> dict[str, str | None]:
        """Where the page's scripts set the location to, and the language that each address names."""
        if not any(sign in self._lowered for sign in _MOVING):
            return {}
        nodes = self._page.tree.css("script:not([src])")[:50]
        bodies = [node.text(deep=True) for node in nodes if _RUN.fullmatch((node.attributes.get("type") or "").strip())]
        body = self._page.tree.body
        bodies += [body.attributes.get("onload") or ""] if body is not None else []
        return {url: language_of(urlsplit(url)) for url in self._moves(bodies)[:MAX_MOVES]}

    def _moves(self, scripts: list[str]) -> list[str]:
        """Addresses of pages that scripts move on to."""
        moves = moves_in(scripts, self._url)
        said = [move.target for move in moves if move.is_surely or _ADDRESS.search(move.target)]
        return [url for target in said if not _is_for_others(target) and (url := self._address(target))]

    @cached_property
    def _links(self) -> list[GateLink]:
        """Links within the site, each page once."""
        found: dict[str, GateLink] = {}
        for node in self._page.shown.css("a[href], area[href], [onclick]")[:MAX_COUNTRIES]:
            attributes = node.attributes
            href = (attributes.get("href") or "").strip()
            if href.lower().startswith(("mailto:", "tel:")):
                return []
            target = self._clicked(attributes.get("onclick"), href) or self._address(href)
            if target and target != self._url and self._ours(urlsplit(target).netloc):
                language = attributes.get("hreflang") or attributes.get("lang") or ""
                found.setdefault(target, GateLink(target, words_on(node), language))
        has_choices = self._page.has(b"<form") or self._page.has(b"<select")
        for href, words in choices_in(self._page.shown) if has_choices else ():
            target = self._address(href)
            if target and target != self._url and self._ours(urlsplit(target).netloc):
                found.setdefault(target, GateLink(target, words, ""))
        return list(found.values())

    def _clicked(self, onclick: str | None, href: str) -> str | None:
        """Where a click leads by what is done then."""
        script = onclick or (href[11:] if href.lower().startswith("javascript:") else "")
        moves = self._moves([script[:MAX_HREF]]) if script else []
        return moves[0] if moves else None

    def _names_itself(self) -> bool:
        links = self._page.shown.css("a[href]")
        own = [node for node in links if self._address(node.attributes.get("href")) == self._url]
        return any(GateLink(self._url, words_on(node), node.attributes.get("hreflang") or "").language for node in own)

    @property
    def _waits_for_a_script(self) -> bool:
        """Whether an element stands empty that a script will fill: the page is an application."""
        body = self._page.shown.body if self._page.has(b"<div") or self._page.has(b"<main") else None
        return body is not None and any(not node.text(deep=True).strip() for node in body.css("div[id], main[id]")[:50])

    @cached_property
    def _text(self) -> str:
        """Text in sight."""
        return " ".join(self._page.text.split())

    def _address(self, href: str | None) -> str | None:
        """A page's address as the page writes it; None for what is none."""
        href = (href or "").strip()
        if not href or len(href) > MAX_HREF or href.startswith("#"):
            return None
        try:
            url = _joined(self._base, href)
        except ValueError:
            return None
        return url if url.startswith(("http://", "https://")) else None


def _refresh_target(content: str) -> str | None:
    """The address in a refresh (HTML, "shared declarative refresh steps"): "" for the page itself, None if not soon."""
    content = content[:MAX_HREF]
    begin = _SECONDS.match(content + ";")
    if begin is None or int(begin[1] or 0) > MAX_REFRESH_S:
        return None
    if begin.end() >= len(content):
        return ""
    target = content[_URL_IS.match(content, begin.end()).end() :].strip()  # type: ignore[union-attr]  # it may be empty
    if target and (close := _QUOTES.get(target[0])):
        target = target[1:].partition(close)[0].strip()
    return target


def _joined(base: str, target: str) -> str:
    if (url := rooted(base, target)) is not None:
        return url
    place, question, rest = target.replace("\t", "").replace("\n", "").replace("\r", "").partition("?")
    url = urljoin(base, place.replace("\\", "/") + question + rest).partition("#")[0]
    urlsplit(url).port  # noqa: B018  # raises ValueError where it is none
    return url


def _is_in_noscript(node: LexborNode) -> bool:
    above = node.parent
    for _ in range(20):
        if above is None:
            return False
        if above.tag == "noscript":
            return True
        above = above.parent
    return False


def _is_out_of_sight(attributes: Mapping[str, str | None]) -> bool:
    style = (attributes.get("style") or "").replace(" ", "").lower()
    small = any((attributes.get(side) or "").strip("px ") in ("0", "1") for side in ("width", "height"))
    return small or "hidden" in attributes or _UNSEEN.search(style) is not None


def _is_for_others(target: str) -> bool:
    target = target.lower()
    return any(word in target for word in _FOR_OTHERS)


def _share(node: LexborNode) -> float:
    """How much of the window a frame has, by the last frameset around it: `*` counts as half."""
    above = node.parent
    if above is None:
        return 0.0
    sizes = above.attributes.get("cols") or above.attributes.get("rows") or ""
    place = 0
    before = node.prev
    while before is not None and place < MAX_FRAMES:
        place += before.tag in ("frame", "frameset")
        before = before.prev
    parts = [match[0] for match in _SHARE.finditer(sizes[:200])]
    if place >= len(parts):
        return 0.0
    try:
        share = 50.0 if parts[place] == "*" else float(parts[place])
    except ValueError:
        return 0.0
    return share if share <= 100 else 50.0


def folder_of(url: str) -> str:
    """The folder of a host that a framed page's site has: its first one, unless that is a language's."""
    folders: Iterator[str] = iter(urlsplit(url).path.split("/")[1:-1])
    first = next(folders, "")
    return "/" if not first or is_language(first) else f"/{first}/"
