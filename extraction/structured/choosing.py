"""Which of the firms that a page declares is the company whose page it is; the rule is told in docs/decisions/0050."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

from extraction.structured.node import Node
from extraction.structured.places import place_of, told
from extraction.structured.relations import BEHIND, FOREMOST, LISTED, PARTS, is_others, is_part
from extraction.text import squash

#: Firms that nothing ties to the site, from which on a page is a list of firms.
LISTING = 3
#: Parts of a company that are looked at; longest name that is compared, characters.
MAX_PARTS = 100
MAX_NAME = 120
#: Letters of a name's first word that make it telling.
LEAST_WORD = 5
FIRMS = ("organization", "venue")
#: Types that say no more than that it is a firm: the whole of one rather than a branch.
_GENERAL = frozenset("organization organisation corporation ngo onlinebusiness localbusiness".split())
#: Hosts where firms have a page beside their own.
_OF_ANYBODY = frozenset(
    "facebook.com instagram.com linkedin.com x.com twitter.com youtube.com google.com goo.gl g.page maps.app.goo.gl "
    "xing.com pinterest.com tiktok.com yelp.com tripadvisor.com wa.me".split()
)
_HOME = frozenset(("", "/", "/index.html", "/index.php", "/home"))


class Site(NamedTuple):
    """Whose page it is: the host of its address, the company's domain, that domain's own label, and its text."""

    host: str
    domain: str
    core: str
    #: Whether visitors of the page read a name, in its title or text.
    shows: Callable[[str], bool]


class Family(NamedTuple):
    """The company: the nodes that declare it, the fullest first, and those of its branches."""

    own: list[Node]
    branches: list[Node]


class _Standing(NamedTuple):
    """How a firm stands to the site, to be compared: the greatest is the company."""

    #: 2: an address of its own is the site's home page; 1: one is on the site; -1: its page is elsewhere.
    here: int
    #: As `_Choice._alike` says.
    alike: int
    is_firm: bool
    #: It stands for itself, or is what the page or site is about.
    foremost: bool
    before_branches: bool
    general: bool
    told: int


def family_of(firms: list[Node], site: Site) -> Family:
    """The company among the firms of a page, and its branches; nobody where they are a list of firms."""
    return _Choice(site).family(firms)


class _Choice:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._called: dict[int, list[str]] = {}
        self._levels: dict[int, int] = {}
        self._likeness: dict[int, int] = {}

    def family(self, firms: list[Node]) -> Family:
        standings = {id(node): self._standing(node) for node in firms if self._may_be_ours(node)}
        ranked = sorted(
            (node for node in firms if id(node) in standings), key=lambda node: standings[id(node)], reverse=True
        )
        if not ranked or self._is_listing(ranked, standings[id(ranked[0])]):
            return Family([], [])
        own, branches = [ranked[0]], []
        places = {place_of(ranked[0])} - {""}
        # Where the company's node gives no name, another's stands for it.
        named = next((node for node in ranked if self._names(node) and node.kind == ranked[0].kind), ranked[0])
        for node in ranked[1:]:
            if self._is_relative(ranked[0], named, node):
                place = place_of(node)
                if not place or not places or place in places:
                    own.append(node)
                    places |= {place} - {""}
                else:
                    branches.append(node)
        return Family(own, [*branches, *_parts([*own, *branches])])

    def _may_be_ours(self, node: Node) -> bool:
        here = self._here(node)
        if is_part(node):
            # The firm below another may be the one whose site it is.
            return here == 2 and all(self._here(holder) < 2 for holder, name in node.held_by if name in PARTS)
        if is_others(node) and here < 1 and (node.nested or self._alike(node) < 2):
            # The firm above another may be the site's nevertheless.
            return any(name == "parentorganization" and self._is_parent(node, held) for held, name in node.held_by)
        alike = self._alike(node) > 0
        if here > 0 or alike:
            return True
        if here < 0 and not self._is_shown(node):
            return False
        if not node.held_by:
            return True
        behind = any(name in BEHIND or name in LISTED or name == "parentorganization" for _, name in node.held_by)
        return behind and here == 0

    def _standing(self, node: Node) -> _Standing:
        return _Standing(
            here=self._here(node),
            alike=self._alike(node),
            is_firm=node.kind == "organization",
            foremost=not node.nested or any(h.kind == "website" and name in FOREMOST for h, name in node.held_by),
            before_branches=not any(self._is_parent(firm, node) for firm in node.nodes("parentOrganization")[:3]),
            general=not node.types.isdisjoint(_GENERAL),
            told=told(node),
        )

    def _is_parent(self, parent: Node, child: Node) -> bool:
        """Whether the firm above is the site's rather than the one below: on the site as well, or of the same name."""
        above, below = self._here(parent), self._here(child)
        if above > 0 and above >= below:
            return True
        alike, like = self._alike(parent), self._alike(child)
        return above >= 0 and below < 2 and (alike == 2 > like or (alike >= like and self._are_akin(parent, child)))

    def _is_listing(self, ranked: list[Node], best: _Standing) -> bool:
        if best.here == 2 or best.alike == 2:
            return False
        unrelated: list[Node] = []
        for node in ranked:
            if not any(self._are_akin(node, other, begin=False) for other in unrelated):
                unrelated.append(node)
            if len(unrelated) >= LISTING:
                return True
        return False

    def _is_relative(self, company: Node, named: Node, node: Node) -> bool:
        """Whether a firm is the company once more, or a branch of it."""
        if node is named or any(firm is company for firm in node.nodes("parentOrganization")):
            return True
        if not self._names(node):
            same = not node.types.isdisjoint(company.types | named.types | _GENERAL)
            return self._here(node) == 2 or (same and not node.nested)
        return self._are_akin(named, node) or (self._alike(named) > 0 and self._alike(node) > 0)

    def _here(self, node: Node) -> int:
        level = self._levels.get(id(node))
        if level is None:
            levels = [self._level(url) for name in ("url", "mainEntityOfPage") for url in node.links(name)[:5]]
            levels += [max(0, self._level(url)) for url in (node.key, *node.links("sameAs")[:20]) if url]
            level = max(levels, default=0)
            if level <= 0:
                level = min(levels, default=0)
            self._levels[id(node)] = level
        return level

    def _level(self, url: str) -> int:
        url = url.strip().removeprefix("%20")
        if url[:4].lower() == "www.":
            url = f"//{url}"
        try:
            parts = urlsplit(url)
            host = (parts.hostname or "").removeprefix("www.")
        except ValueError:
            return 0
        if not host:
            return 0 if url[:1] != "/" else 2 if url == "/" else 1
        if host.removeprefix("m.").removeprefix("maps.") in _OF_ANYBODY:
            return 0
        if host not in (self._site.host, self._site.domain) and not host.endswith(f".{self._site.domain}"):
            return -1
        return 2 if parts.path in _HOME and not parts.query else 1

    def _alike(self, node: Node) -> int:
        """2: the firm is called as the domain is; 1: it begins with the word that the domain begins with."""
        alike = self._likeness.get(id(node))
        if alike is None:
            core = self._site.core
            names = self._names(node)
            if any((len(core) >= 3 and core in name) or (len(name) >= 4 and name in core) for name in names):
                alike = 2
            else:
                first = squash((node.first("name") or "")[:MAX_NAME].split(" ", 1)[0]) if names else ""
                alike = int(len(first) >= LEAST_WORD and core.startswith(first))
            self._likeness[id(node)] = alike
        return alike

    def _names(self, node: Node) -> list[str]:
        names = self._called.get(id(node))
        if names is None:
            said = [text for name in ("name", "legalName", "alternateName") for text in node.texts(name)[:3]]
            names = self._called[id(node)] = [name for text in said if (name := squash(text[:MAX_NAME]))]
        return names

    def _is_shown(self, node: Node) -> bool:
        """Whether the page shows a name of the firm: one with its page elsewhere is declared by mistake, or a lie."""
        said = [text for name in ("name", "legalName", "alternateName") for text in node.texts(name)[:3]]
        return not said or any(self._site.shows(text[:MAX_NAME]) for text in said)

    def _are_akin(self, one: Node, other: Node, *, begin: bool = True) -> bool:
        """Whether two firms are called alike: one name within the other, or both `begin` alike."""
        names = [(mine, yours) for mine in self._names(one) for yours in self._names(other)]
        return any(_is_within(*both) or (begin and _begin_alike(*both)) for both in names)


def _is_within(one: str, other: str) -> bool:
    return one == other or (min(len(one), len(other)) >= 4 and (one in other or other in one))


def _begin_alike(one: str, other: str) -> bool:
    shorter = min(len(one), len(other))
    alike = max(6, (6 * shorter + 9) // 10)
    return shorter >= alike and one[:alike] == other[:alike]


def _parts(firms: list[Node]) -> list[Node]:
    """The departments and branches that firms hold, and those that these hold."""
    found: list[Node] = []
    seen = {id(firm) for firm in firms}
    queue = list(firms)
    while queue and len(found) < MAX_PARTS:
        holder = queue.pop(0)
        for node in (node for name in sorted(PARTS) for node in holder.nodes(name)):
            if node.kind in FIRMS and id(node) not in seen:
                seen.add(id(node))
                found.append(node)
                queue.append(node)
    return found
