"""One page, decoded and parsed once; every extractor reads from here what it needs.

Everything handed out is bounded: characters of text, length of a line, number of links and of resources.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from itertools import accumulate, islice
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from extraction.blocks import Blocks
from extraction.charset import decode
from extraction.extractors.legal_forms import without_form
from extraction.findings import MAX_WORD, MAX_WORDS, Finding, PageRef, excerpt
from extraction.labelled_numbers import HINTS as NUMBER_LABELS
from extraction.labelled_numbers import Said, in_page
from extraction.layout import Layout
from extraction.line_cache import cached_by_line
from extraction.markup_guard import MAX_HTML, bounded
from extraction.page_keys import page_key
from extraction.roles import OTHERS, OWN
from extraction.scan import MARKUP, Hints, Mark, Scan
from extraction.structured import SIGNS, Graph, Node
from extraction.structured import read as read_structured
from extraction.text import clean, squash, storable
from leadmill.fact_fields import MAX_QUOTE

MAX_LINKS = 2_000
MAX_NUMBERS = 60
MAX_URL = 2_000
#: Tags whose elements several extractors ask for: all are found in one search of the tree.
LISTED = ("a", "img", "meta", "link", "h1")
#: From its first digit on the rest of a line, so that each is found once.
_WITH_DIGIT = re.compile(r"\d[^\n]*")
_BASE = Hints(("<base",), scan=MARKUP)
#: Breaks within an address are left out, as browsers leave out most of them.
_NO_BREAKS = dict.fromkeys(map(ord, "\t\n\v\f\r"))


class Link(NamedTuple):
    """A link of the page: where it leads, as written (`Document.absolute` resolves it), its text, and the line of
    `Document.lines` that it stands in, or the one after it where it shows no words.
    """

    href: str
    text: str
    line: int | None = None


class Document:
    """A fetched page as the extractors see it.

    Nothing that it keeps leads back to it: with the last word of it its tree is given back, and the collector of
    cycles, which would walk its thousands of nodes first, has nothing to do.
    """

    def __init__(
        self, page: Mapping[str, Any], domain: str | None = None, absent: Collection[str] = frozenset()
    ) -> None:
        """`domain`: the company's own, where it is not the one that the page's row names; `absent`: keys of pages
        (`page_key`) that were asked for and are not there.
        """
        self._absent = absent
        self.url = str(page["final_url"] or page["url"])[:MAX_URL]
        self.domain = domain or str(page["domain"])
        self.kind = str(page["kind"])
        self.headers: dict[str, str] = {
            str(name).lower(): str(value or "") for name, value in dict(page.get("headers") or {}).items()
        }
        seen: datetime = page["fetched_at"]
        self.ref = PageRef(self.url, str(page["page_hash"]), self.kind, seen)
        self.html = decode(bytes(page["html"])[:MAX_HTML], page.get("charset"))
        self._marks: dict[Scan, dict[Hints, list[Mark]]] = {}
        # Guarded as the parser reads it: what a charset hides from a look at the bytes is plain after decoding.
        self.markup = self.html.encode("utf-8", "replace")
        self.tree = LexborHTMLParser(bounded(self.markup))

    def found(
        self,
        field: str,
        value: Any,
        method: str,
        confidence: float,
        *,
        line: int | None = None,
        node: str = "",
        quote: str = "",
        words: Sequence[str] = (),
    ) -> Finding:
        """A finding on this page. JSON can spell characters that no file takes (`"\\ud800"`): they go here.

        `line` is the place in `lines` that it was read from, and is quoted where no other `quote` is given; of what a
        `node` declares the value itself is. `words` are what made a rule speak, as they stand in text, markup, headers
        or address, where no sentence of the page does.
        """
        if type(value) is str:
            value = storable(value)
        if line is not None and not quote and line < len(self.lines):
            quote = excerpt(self.lines[line], value)
        elif node and not quote and type(value) is str:
            quote = value
        said = tuple(clean(word, MAX_WORD) for word in words[:MAX_WORDS])
        quote = quote[:MAX_QUOTE] if quote.isprintable() else clean(quote, MAX_QUOTE)
        return Finding(field, value, method, confidence, self.ref, line, node, quote, said)

    def declared(self, field: str, value: Any, node: Node, confidence: float, said: str = "") -> Finding:
        """A finding that a node of `graph` declares; `said` are its words where the value was made of them."""
        quote = said or (value if isinstance(value, str) else "")
        return self.found(field, value, node.method, confidence, node=node.id, quote=quote)

    @cached_property
    def core(self) -> str:
        """The company's own label of its domain, letters and digits only: `acme-tools.co.uk` → `acmetools`."""
        return squash(self.domain.split(".")[0])

    @cached_property
    def lines(self) -> list[str]:
        """The visible text, a line for each block of the layout, white space folded."""
        return self.layout.lines

    @cached_property
    def layout(self) -> Layout:
        """The lines, and where they stand."""
        return Layout(self.tree.body)

    @cached_property
    def blocks(self) -> Blocks:
        """Whose the lines are, where they are not the company's."""
        return Blocks(self.layout, self.line_ends, self.marks(OTHERS), self.marked(OWN))

    @cached_property
    def text(self) -> str:
        """All lines, joined by newlines."""
        return "\n".join(self.lines)

    @cached_property
    def lower(self) -> str:
        """The text in lower case; a line of it for each of `lines`."""
        return self.text.lower()

    @cached_property
    def lower_markup(self) -> bytes:
        """The markup, its ASCII letters in lower case."""
        return self.markup.lower()

    @cached_property
    def line_ends(self) -> list[int]:
        """Where each line ends in `lower`, its line feed included."""
        return list(accumulate(len(line) + 1 for line in self.lower.split("\n")))

    @cached_property
    def digit_lines(self) -> list[int]:
        """The numbers of the lines with a digit, in their order."""
        if len(self.text) != len(self.lower):  # `İ` becomes two signs: the ends are not those of `text`
            return [number for number, line in enumerate(self.lines) if _WITH_DIGIT.search(line)]
        return [bisect_right(self.line_ends, match.start()) for match in _WITH_DIGIT.finditer(self.text)]

    def marks(self, hints: Hints) -> Sequence[Mark]:
        """Where hint words stand: in `lower`, or, for hints in markup, in `markup`."""
        scan = hints.scan
        if hints not in self._marks.get(scan, ()):  # not searched yet, or before these hints were made
            self._marks[scan] = scan.marks(self.lower_markup if scan.of_bytes else self.lower)
        return self._marks[scan][hints]

    def marked(self, hints: Hints) -> Sequence[int]:
        """The numbers of the lines with a hint word, in their order, each once."""
        marks = self.marks(hints)
        return list(dict.fromkeys(bisect_right(self.line_ends, mark.start) for mark in marks)) if marks else []

    @cached_property
    def numbers(self) -> list[tuple[int, Said]]:
        """What the lines call VAT or register numbers, each with the place of its line."""
        return list(islice(in_page(self.lines, self.marked(NUMBER_LABELS)), MAX_NUMBERS))

    def elements(self, tag: str) -> list[LexborNode]:
        """The elements of one of the `LISTED` tags, in their order."""
        return self._elements[tag]

    @cached_property
    def _elements(self) -> dict[str, list[LexborNode]]:
        listed: dict[str, list[LexborNode]] = {tag: [] for tag in LISTED}
        for node in self.tree.css(",".join(LISTED)):
            listed[node.tag or ""].append(node)
        return listed

    @cached_property
    def title(self) -> str:
        node = self.tree.css_first("title", default=None)
        return clean(node.text(), 300) if node is not None else ""

    @cached_property
    def metas(self) -> dict[str, str]:
        """Lower-case name or property of each `<meta>` → its content; the first of a name counts."""
        metas: dict[str, str] = {}
        for node in self.elements("meta")[:200]:
            attributes = node.attrs
            name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
            content = attributes.get("content") or ""
            if name and content:
                metas.setdefault(name[:80].lower(), clean(content, 2_000))
        return metas

    @cached_property
    def html_lang(self) -> str:
        """What `<html lang>` says, as written."""
        node = self.tree.root
        if node is None:
            return ""
        return clean(node.attrs.get("lang") or node.attrs.get("xml:lang") or "", 40)

    @cached_property
    def base_url(self) -> str:
        # Few pages have one: to look for it in the tree costs more than all else that is asked of a page's addresses.
        node = self.tree.css_first("base[href]", default=None) if self.marks(_BASE) else None
        return _join(self.url, (node.attrs.get("href") or "")[:MAX_URL]) if node is not None else self.url

    def absolute(self, href: str) -> str:
        """A link or source of this page as absolute URL, without its fragment."""
        return _join(self.base_url, storable(href).translate(_NO_BREAKS).strip()).partition("#")[0][:MAX_URL]

    def is_absent(self, url: str) -> bool:
        """Whether the crawl asked for a page, and it is not there."""
        return bool(self._absent) and page_key(url) in self._absent

    @property
    def links(self) -> list[Link]:
        """The links in the order of the page, at most `MAX_LINKS`."""
        return self._hrefs[0]

    @property
    def scripted_links(self) -> list[str]:
        """What the `javascript:` links of the page run."""
        return self._hrefs[1]

    @cached_property
    def _hrefs(self) -> tuple[list[Link], list[str]]:
        links: list[Link] = []
        scripted: list[str] = []
        line_of, behind_all = self.layout.links.get, len(self.lines)
        for node in self.elements("a")[:MAX_LINKS]:
            href = (node.attrs.get("href") or "").strip()[:MAX_URL]
            if href[:1] in ("j", "J") and href[:11].lower() == "javascript:":
                scripted.append(href[11:])
            elif href and href[0] != "#":
                place = line_of(node.mem_id)
                links.append(Link(href, clean(node.text(), 200), place if place != behind_all else None))
        return links, scripted

    @cached_property
    def graph(self) -> Graph:
        """What the page declares about itself, and which of its firms is the company."""
        signs = {mark.word for mark in self.marks(SIGNS)}
        shows = partial(_shows, self.lower, self.title)
        return read_structured(signs, self.tree, url=self.url, domain=self.domain, core=self.core, shows=shows)


def _shows(lower: str, title: str, name: str) -> bool:
    bare = without_form(name).lower()
    return bare in lower or bare in title.lower()


def _join(base: str, href: str) -> str:
    try:
        return urljoin(base, href)
    except ValueError:
        return href


@cached_by_line
def host_of(url: str) -> str:
    """Lower-case host of a URL without `www.`; empty when it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
