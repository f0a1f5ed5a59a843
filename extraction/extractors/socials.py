"""Profiles of the company on social networks: links to a profile, never share buttons, single posts or people."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple
from urllib.parse import unquote

from extraction.document import Document
from extraction.extractors.social_networks import HOSTS, NETWORKS, NOT_PROFILES, PLACEHOLDERS, PLATFORMS
from extraction.findings import Finding
from extraction.line_cache import cached_by_line
from extraction.scan import MARKUP, Hints
from extraction.text import squash

#: Profiles taken from one page, and characters of an address that are looked at.
MAX_PROFILES = 40
MAX_ADDRESS = 400
#: Parts of pictures looked at.
MAX_AREAS = 200
#: So many profiles on one network, none like the company's name, are a list of other people's.
MANY = 5

#: An address, as people write them too: without a scheme, with two.
_ADDRESS = re.compile(r"(?:https?:/{1,3})*+(?://)?([\w.-]{4,60})(?::\d{1,5})?/", re.IGNORECASE)
#: How links to other sites begin, their first four letters.
_BEGINNINGS = frozenset(("http", "www.", *(f"//{host}"[:4] for host in ("www", *HOSTS)), *(host[:4] for host in HOSTS)))
#: Paths of pages that lead on to the address in their query.
_LEADS_ON = re.compile(
    r"(?:l\.php|url|redirect|plugins/(?:page|likebox|like|follow)\.php)\?(?:[^#]{0,200}&)?"
    r"(?:u|q|url|href)=([^&#]{8,300})",
    re.IGNORECASE,
)
#: What stands in a page's markup where it shows a page of Facebook.
_WIDGETS = (
    (
        Hints(("data-href=",), scan=MARKUP),
        re.compile(r"data-href=[\"']((?:https?:)?//(?:[\w-]{1,10}\.)?facebook\.com/[^\"'<>\s]{2,300})"),
    ),
    (
        Hints(("facebook.com/plugins/",), scan=MARKUP),
        re.compile(r"(facebook\.com/plugins/(?:page|likebox|like)\.php\?[^\"'<>\s]{2,300})"),
    ),
)
#: Links on parts of a picture.
_AREAS = Hints(("<area",), scan=MARKUP)
#: Signs that need no writing out: ` `, `!`, `#`, `?`, `@`.
_WRITTEN_OUT = re.compile("%(?:20|21|23|3F|40)", re.IGNORECASE)
#: What follows a profile where the link leads to one of its posts.
_POST = re.compile(
    r"/(?:posts?|videos?|photos?|status(?:es)?|reels?|p|pins?|permalink|story|story_fbid|events?|media|tv)/[\w.-]|/\d{3,}",
    re.IGNORECASE,
)
_CREDIT = re.compile(
    r"\b(?:(?:web ?)?(?:site|design|page)s? (?:and \w+ )?by|(?:powered|designed|developed|created|built|hosted) by"
    r"|web ?design|webdesigner|template|theme by|umsetzung|realisi?er(?:ung|t)|gestaltung|erstellt|programmierung"
    r"|realisatie|ontwerp|gebouwd door|website door|réalis(?:ation|é)|création|realizzazione|realizzato|diseño"
    r"|realizacja|wykonanie|projekt i|tvorba)\b",
    re.IGNORECASE,
)


class _Profile(NamedTuple):
    network: str
    url: str
    #: A single post of it, or a person's page: the company's only where it is called as the company is.
    doubtful: bool


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `social:<network>`; the value is the profile's URL in its shortest form."""
    seen: set[str] = set()
    for node in page.graph.own:
        for url in node.links("sameAs"):
            profile = profile_of(url)
            if profile and _is_new(profile, seen) and not _is_others(profile, page.core, declared=True):
                yield page.found(f"social:{profile.network}", profile.url, node.method, 0.95, node=node.id, quote=url)
    own = "/".join(page.url.split("/", 3)[:3]) + "/"
    for href, line in _addresses(page):
        if href[:4].lower() not in _BEGINNINGS or href.startswith(own):
            continue
        profile = profile_of(href)
        if profile is None or _is_others(profile, page.core, declared=False):
            continue
        if _is_new(profile, seen) and not _is_credit(page, line, profile):
            yield page.found(f"social:{profile.network}", profile.url, "link", 0.75, line=line, words=(href,))
    for sign, pattern in _WIDGETS:
        for match in islice(pattern.finditer(page.html), MAX_PROFILES) if page.marks(sign) else ():
            profile = profile_of(match[1].replace("&amp;", "&"))
            if profile and not _is_others(profile, page.core, declared=False) and _is_new(profile, seen):
                yield page.found(f"social:{profile.network}", profile.url, "link", 0.7, words=(match[1],))


def _addresses(page: Document) -> Iterator[tuple[str, int | None]]:
    """Where the page's links lead, each with its line, and then those on parts of its pictures."""
    yield from ((link.href, link.line) for link in page.links)
    if page.marks(_AREAS):
        for node in page.tree.css("area[href]")[:MAX_AREAS]:
            yield (node.attrs.get("href") or "").strip()[:MAX_ADDRESS], None


@cached_by_line
def profile_of(href: str) -> _Profile | None:
    """The profile that an address names, also one without a scheme or behind a page that leads on; None for others."""
    match = _ADDRESS.match(href)
    site = _site_of(match[1].lower()) if match else None
    if match is None or site is None:
        return None
    path = href[match.end() : MAX_ADDRESS].strip()
    if further := _LEADS_ON.match(path):
        target = unquote(further[1])
        return None if _LEADS_ON.search(target) else profile_of(target)
    return _read(HOSTS[site], site, path) if HOSTS[site] else None


def _site_of(host: str) -> str | None:
    """The network's host that a host is or lies below: `facebook.com` of `de-de.facebook.com`."""
    for _ in range(4):
        if host in HOSTS:
            return host
        host = host.partition(".")[2]
        if not host:
            break
    return None


def _read(network: str, host: str, path: str) -> _Profile | None:
    path = unquote(path) if _WRITTEN_OUT.search(path) else path
    path = path.lstrip("#!/ ").rstrip("/ ")
    for form in NETWORKS[network].forms:
        match = form.pattern.match(path)
        if match is None:
            continue
        parts = [part.strip(" .") for part in match.groups()]
        if not all(parts) or (form.bare and parts[0].lower() in NOT_PROFILES) or parts[-1].lower() in PLACEHOLDERS:
            return None
        doubtful = form.doubtful or _POST.match(path, match.end()) is not None
        return _Profile(network, _base(network, host) + form.path.format(*parts), doubtful)
    return None


def _base(network: str, host: str) -> str:
    if network == "pinterest":  # each country has its own
        return f"https://www.{host}/"
    return NETWORKS[network].base or f"https://{host}/"


def _is_new(profile: _Profile, seen: set[str]) -> bool:
    key = profile.url.lower()
    if key in seen or len(seen) >= MAX_PROFILES:
        return False
    seen.add(key)
    return True


def _is_others(profile: _Profile, core: str, *, declared: bool) -> bool:
    """A platform's own profile, or a person's or a post's that is not called as the company is."""
    name = _called(profile.url)
    if name in PLATFORMS:
        return name not in core
    return profile.doubtful and not declared and not is_alike(profile.url, core)


def _is_credit(page: Document, line: int | None, profile: _Profile) -> bool:
    """Whether the link stands in the line that says who made the site."""
    if line is None or line >= len(page.lines) or is_alike(profile.url, page.core):
        return False
    said = page.lines[line]
    return len(said) <= 200 and _CREDIT.search(said) is not None


@cached_by_line
def _called(url: str) -> str:
    """What the profile calls itself, for comparing: without number and sign."""
    path = url.partition("://")[2].partition("/")[2]
    words = [word for word in unquote(path).split("/") if not word.isdigit()]
    return squash(re.sub(r"[-_.]\d[\da-f]{5,}$", "", words[-1])) if words else ""


def is_alike(url: str, core: str) -> bool:
    """Whether a profile is called as the company's domain, or one is part of the other."""
    name = _called(url)
    if len(core) < 3 or len(name) < 3:
        return name == core
    return core in name or (len(name) >= 4 and name in core) or (len(core) >= 8 and name.startswith(core[:8]))


def settle(findings: Sequence[Finding], core: str) -> list[Finding]:
    """One profile a network: that declared or linked on most pages; of equals the one that resembles the domain."""
    networks: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        networks[finding.field].append(finding)
    settled = []
    for found in networks.values():
        pages = Counter(f.value.lower() for f in found)
        alike = {value: is_alike(value, core) for value in {f.value for f in found}}
        if _is_list(found) and not any(alike.values()) and not any(f.node for f in found):
            continue

        def weight(f: Finding, pages: Counter[str] = pages, alike: dict[str, bool] = alike) -> tuple[float, float]:
            person = 0.5 if "/in/" in f.value or "/profile/" in f.value else 0.0
            liked = 0.3 * alike[f.value]
            return f.confidence + min(pages[f.value.lower()], 5) * 0.1 + liked - person, -len(f.value)

        settled.append(max(found, key=weight))
    return settled


def _is_list(found: Sequence[Finding]) -> bool:
    """Whether one page has many profiles of a network, and none of them is the one that other pages have, too."""
    pages: dict[str, set[str]] = defaultdict(set)
    for finding in found:
        pages[finding.page.url].add(finding.value.lower())
    counts = Counter(value for values in pages.values() for value in values)
    most = max(counts.values())
    return sum(count == most for count in counts.values()) >= MANY and max(map(len, pages.values())) >= MANY
