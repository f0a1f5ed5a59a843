"""Links of a page: which lead to pages of the same company, what kind of page each is, and which to take first.

A page is judged by what its address and the link's text say, in many languages (`words`). Everything here is
pure; sizes and counts are bounded, since pages are not to be trusted.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from selectolax.lexbor import LexborNode

from extraction.markup import Markup
from extraction.page_keys import key_of
from extraction.page_words import ARTICLES, FOLDED_CHARACTERS, KINDS, NEVER, PHRASES, STEMS, fold, words_of
from leadmill.ids import company_domain
from tasks.scraping.expectation import ENOUGH, Expectation
from tasks.scraping.script_moves import moves_in

#: Links looked at on one page.
MAX_LINKS = 600
#: Of these, those at the end of a page that has more.
MAX_LAST = 200
#: Scripts of clicks looked at on one page.
MAX_CLICKS = 200
#: Addresses of one company that are remembered as looked at.
MAX_MET = 5_000
#: Longest address taken from a page, characters.
MAX_HREF = 1_000
#: Pages of no known kind of a site that has no page of kind `about`, up to which one of them is taken for it.
FEW = 3
#: A link text of more words is a sentence, a path segment of more is a headline: neither names a page.
MAX_WORDS = 5

_SKIPPED_SCHEMES = ("#", "mailto:", "tel:", "javascript:", "data:", "sms:", "whatsapp:", "callto:", "fax:")
_FILES = frozenset(
    "pdf jpg jpeg png gif webp svg ico bmp tif tiff mp3 mp4 avi mov webm ogg wav zip gz rar 7z tar exe dmg msi apk "
    "doc docx xls xlsx ppt pptx odt ods csv txt xml json rss atom ics vcf css js mjs map woff woff2 ttf eps ai psd "
    "webmanifest".split()
)
_PAGE_ENDINGS = (".html", ".htm", ".php", ".aspx", ".asp", ".jsp", ".shtml", ".xhtml", ".cfm")
#: Parameters whose value names a page (`index.php?page=kontakt`).
_PAGE_NAMES = frozenset(
    "page p site seite s id view option content section action nav menu show inhalt rubrik mod module go cat pagina "
    "pageid page_id file datei topic thema".split()
)
#: Words between two that name a page (`kontakt-und-anfahrt`).
_BETWEEN = frozenset("und and et y e og och i en u".split())
_STEMS = tuple(stem for stem, _ in STEMS)
_LANGUAGES = frozenset("en de fr es it nl pt pl sv da no nb fi cs sk hu ro bg el tr ru uk ja zh ko ar he".split())


class Link(NamedTuple):
    """A page of the company that could be fetched."""

    url: str
    #: The same for all spellings of one page: without scheme, `www.`, trailing slash, tracking parameters.
    key: str
    kind: str
    #: How surely the kind is known: 0 (`other`) to 5.
    strength: int


@lru_cache(maxsize=4_096)
def site_of(netloc: str) -> str | None:
    """The company domain of a host and port, or None when it is no valid host."""
    return company_domain(f"http://{netloc}/")


def classify(url: str, text: str = "") -> tuple[str, int]:
    """The kind of the page that a link leads to, and how surely (0 to 5)."""
    return _classify(urlsplit(url[:MAX_HREF]), text)


def _classify(parts: SplitResult, text: str) -> tuple[str, int]:
    segments = _segments(parts.path)
    by_path, path_strength = _by_path(segments)
    if parts.query and not path_strength:
        by_path, path_strength = _by_query(parts.query)
    if path_strength >= 2:
        by_text, text_strength = kind_of_words(text)
        return by_path, path_strength + (min(text_strength, 2) if by_text == by_path else 0)
    if not ARTICLES.isdisjoint(segments[:-1]):
        return "other", 0
    by_text, text_strength = kind_of_words(text)
    if text_strength >= 2:
        return by_text, text_strength - 1
    return by_path, path_strength


def _segments(path: str) -> list[str]:
    if not path or path == "/":
        return []
    if "%" in path:
        path = unquote(path, errors="ignore")
    segments = [segment for segment in fold(path).split("/") if segment][-4:]
    if segments and "." in segments[-1]:
        last = segments[-1]
        for ending in _PAGE_ENDINGS:
            last = last.removesuffix(ending)
        segments[-1] = last
    return [segment for segment in segments if segment not in _LANGUAGES]


def _by_path(segments: list[str]) -> tuple[str, int]:
    if not segments or not ARTICLES.isdisjoint(segments[:-1]):
        return "other", 0
    kind, strength = kind_of_words(segments[-1])
    if strength:
        return kind, strength
    for parent in reversed(segments[:-1]):
        kind, strength = kind_of_words(parent)
        if strength == 3:
            return kind, 1
    return "other", 0


def _by_query(query: str) -> tuple[str, int]:
    """What the address of a page of one script says: `?page=kontakt`, `?option=com_contact`."""
    for pair in query.lower().split("&", 6)[:6]:
        name, _, value = pair.partition("=")
        if name in _PAGE_NAMES and value and not value.isdecimal():
            kind, strength = kind_of_words(unquote(value, errors="ignore").removeprefix("com_").rpartition("/")[2])
            if strength >= 2:
                return kind, 2
    return "other", 0


def kind_of_words(text: str) -> tuple[str, int]:
    """The kind of page that a text names; 3: it is a name of that kind, 2: it holds one and little else, 0: unknown."""
    return _kind_of_words(text[:120])


@lru_cache(maxsize=2_048)  # all sites call their pages by the same few names
def _kind_of_words(text: str) -> tuple[str, int]:
    text = fold(text)
    words = words_of(text)
    if not words or len(words) > MAX_WORDS:
        return _by_characters(text)
    whole = PHRASES.get(" ".join(words))
    if whole:
        return whole, 3
    words = [word for word in words if word not in _BETWEEN] if len(words) > 2 else words
    for size in range(len(words) - 1, 0, -1):
        if size * 2 < len(words):
            break
        for start in range(len(words) - size + 1):
            kind = PHRASES.get(" ".join(words[start : start + size]))
            if kind:
                return kind, 2
    for word in words:
        if word.startswith(_STEMS):
            return next(kind for stem, kind in STEMS if word.startswith(stem)), 2
    return _by_characters(text)


def _by_characters(text: str) -> tuple[str, int]:
    if not text.isascii():
        for characters, kind in FOLDED_CHARACTERS:
            if characters in text:
                return kind, 2
    return "other", 0


def links_of(
    page: Markup, page_url: str, ours: Callable[[str], bool], known: Collection[str], met: set[str]
) -> list[Link]:
    """Links of a page to pages of the same company that are not `known` yet, each page once.

    Args:
        ours: whether a host and port belongs to the company.
        known: keys of pages already met.
        met: addresses looked at on earlier pages; this page's are added. Pages of a site share most of their
            links, and looking at each once halves the work.
    """
    base = base_of(page, page_url)
    origin = "/".join(base.split("/", 3)[:3])
    folder = base.partition("?")[0].rpartition("/")[0] + "/"
    found: dict[str, Link] = {}
    nodes = page.tree.css(_LINKING if _clicks_lead_on(page.utf8) else "a[href], area[href], frame[src]")
    if len(nodes) > MAX_LINKS:  # a menu, or what stands in the foot
        nodes = nodes[: MAX_LINKS - MAX_LAST] + nodes[-MAX_LAST:]
    for node in nodes:
        attributes = node.attributes
        href = (attributes.get("href") or attributes.get("src") or "").strip() or _clicked(attributes, page_url)
        if not href or len(href) > MAX_HREF:
            continue
        start = href[:4]
        place = href if start == "http" else (origin if start[0] == "/" else folder) + href
        if place in met:
            continue
        if len(met) < MAX_MET:
            met.add(place)
        link = _link(node, href, base, ours)
        if link is None or link.key in known:
            continue
        before = found.get(link.key)
        if before is None or link.strength > before.strength:
            found[link.key] = link
    return list(found.values())


_LINKING = "a[href], area[href], frame[src], button[onclick], div[onclick], span[onclick], li[onclick], td[onclick]"


def _clicks_lead_on(raw: bytes) -> bool:
    """Whether a page has scripts of clicks that move on: most have none, and then only links are looked for."""
    at = -1
    for _ in range(MAX_CLICKS):
        at = raw.find(b"onclick", at + 1)
        if at < 0:
            return False
        script = raw[at : at + 200].partition(b">")[0]
        if b"location" in script or b"_self" in script:
            return True
    return False


def _clicked(attributes: Mapping[str, str | None], page_url: str) -> str:
    """Where a click on what is no link leads, by its script."""
    moves = moves_in([(attributes.get("onclick") or "")[:MAX_HREF]], page_url)
    return moves[0].target if moves and moves[0].target.startswith(("/", "http", ".", "?")) else ""


def base_of(page: Markup, page_url: str) -> str:
    """What the relative addresses of a page begin at."""
    node = page.tree.css_first("base[href]") if page.has(b"<base") else None
    href = (node.attributes.get("href") or "").strip() if node else ""
    if not href or len(href) > MAX_HREF:
        return page_url
    try:
        return urljoin(page_url, href)
    except ValueError:
        return page_url


#: A path that begins at the root and needs no more than to be put behind the host, and a host that is written plainly.
_ROOTED = re.compile(r"/(?:[\w~%-][\w.~%-]*(?:/[\w~%-][\w.~%-]*)*/?)?", re.ASCII)
_ORIGIN = re.compile(r"https?://[\w.-]+(?::\d{1,4})?(?=/|\Z)", re.ASCII)


def rooted(base: str, href: str) -> str | None:
    """`urljoin` for what most links are, in a tenth of its time; None for any other."""
    origin = _ORIGIN.match(base) if _ROOTED.fullmatch(href) else None
    return None if origin is None else origin[0] + href


def _link(node: LexborNode, href: str, base: str, ours: Callable[[str], bool]) -> Link | None:
    if href.lower().startswith(_SKIPPED_SCHEMES):
        return None
    return page_at(href, base, ours, lambda: _text(node))


def page_at(href: str, base: str, ours: Callable[[str], bool], text: Callable[[], str] = str) -> Link | None:
    """The page at an address, or None when it is none of the company's; `text` gives the words of the link to it."""
    try:
        url = rooted(base, href) or urljoin(base, href).partition("#")[0]
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or not ours(parts.netloc):
        return None
    path = parts.path.lower()
    last = path.rpartition("/")[2]
    if "." in last and last.rpartition(".")[2] in _FILES:
        return None
    if not NEVER.isdisjoint(path.split("/", 6)) or "add-to-cart" in parts.query:
        return None
    kind, strength = _classify(parts, text())
    return Link(url, key_of(parts), kind, strength)


def _text(node: LexborNode) -> str:
    text = node.text(deep=True, separator=" ")[:200].strip()
    if text:
        return text
    attributes = node.attributes
    label = attributes.get("aria-label") or attributes.get("title") or attributes.get("alt")
    if not label:
        inner = node.css_first("img[alt], [aria-label], [title]")
        said = inner.attributes if inner else {}
        label = said.get("alt") or said.get("aria-label") or said.get("title")
    return (label or "")[:200]


def choose(
    candidates: Collection[Link], taken: Collection[str], most: int, expected: Expectation, *, any_kind: bool
) -> list[Link]:
    """The candidates to fetch next, at most `most`: of each kind not taken yet the surest page, the kind first that is
    expected to tell most of what is unknown.

    With `any_kind` the rest follows, as far as anything is expected of it: further pages of telling kinds, then
    others, short addresses first and language variants of the home page last. Where no page is known to tell of the
    company, one of few others may do so under a name of its own (`Das Büro`, `Over Polderdata`), and none is left out.
    """
    firsts: dict[str, Link] = {}
    for link in candidates:
        if link.kind in KINDS and link.kind not in taken:
            before = firsts.get(link.kind)
            if before is None or (-link.strength, cost(link)) < (-before.strength, cost(before)):
                firsts[link.kind] = link
    chosen: list[Link] = []
    while firsts and len(chosen) < most:
        outlook = expected.after(link.kind for link in chosen)
        chosen.append(firsts.pop(max(sorted(firsts, key=KINDS.index), key=outlook.gain)))
    if any_kind and len(chosen) < min(most, len(candidates)):
        picked = {link.key for link in chosen}
        outlook = expected.after(link.kind for link in chosen)
        worth = {kind for kind in {link.kind for link in candidates} if outlook.gain(kind) >= ENOUGH}
        if not expected.got["about"] and sum(link.kind == "other" for link in candidates) <= FEW:
            worth.add("other")
        rest = (link for link in candidates if link.kind in worth and link.key not in picked)
        chosen += heapq.nsmallest(most - len(chosen), rest, key=_rest_rank)
    return chosen


def cost(link: Link) -> int:
    path = link.key.partition("/")[2]
    return len(path) + 20 * path.count("/") + 40 * ("?" in path)


def _rest_rank(link: Link) -> tuple[int, int, int]:
    path = link.key.partition("/")[2]
    if path in _LANGUAGES or not path:
        return 2, 0, cost(link)
    return int(link.kind not in KINDS[:4]), -link.strength, cost(link)
