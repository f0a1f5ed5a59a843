"""Profiles of the company on social networks: links to a profile, never share buttons or single posts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from extraction.document import Document
from extraction.findings import Finding
from extraction.text import squash

#: Network → (hosts, what a profile's path looks like). The first group of the path is the profile.
NETWORKS: dict[str, tuple[str, str]] = {
    "linkedin": (r"linkedin\.com", r"(?:company(?:-beta)?|showcase|school|in)/[^/?#]{1,100}"),
    "facebook": (
        r"(?:facebook|fb)\.com",
        (
            r"(?:pages/[^/?#]{1,120}/\d{4,20}|p/[^/?#]{2,120}|pg/[^/?#]{2,100}|profile\.php\?id=\d{4,20}"
            r"|(?!pages|p/|pg/|profile\.php)[\w.%-]{2,100})"
        ),
    ),
    "x": (r"(?:twitter|x)\.com", r"(?:#!/)?@?\w{1,30}"),
    "instagram": (r"instagram\.com", r"[\w.]{2,40}"),
    "youtube": (r"youtube\.com", r"(?:@[\w.-]{2,60}|(?:channel|user|c)/[\w.%-]{2,80}|[\w-]{3,60}(?=/?$))"),
    "tiktok": (r"tiktok\.com", r"@[\w.]{2,40}"),
    "pinterest": (r"pinterest\.(?:com\.au|com|co\.uk|de|fr|it|es|pt|at|ch|se|ca|jp|ie|nz)", r"[\w-]{3,50}"),
    "xing": (r"xing\.com", r"(?:companies|company|pages)/[^/?#]{1,100}"),
    "github": (r"github\.com", r"[\w-]{1,40}"),
    "vimeo": (r"vimeo\.com", r"(?!\d+(?:/|$))[\w-]{3,40}"),
}
_LINK = re.compile(
    r"^(?:https?:)?//(?:[\w-]{1,20}\.){0,2}?(?:"
    + "|".join(rf"(?P<{name}>{host}/{path})" for name, (host, path) in NETWORKS.items())
    + r")(?:[/?#]|$)",
    re.IGNORECASE,
)
#: First path parts that are the network's own pages: sharing, signing in, legal text, single posts.
_NOT_PROFILES = frozenset(
    "share sharer sharer.php share.php sharearticle intent home home.php login login.php dialog "
    "plugins tr hashtag search i "
    "policies policy privacy terms legal help about explore p reel reels stories watch embed "
    "playlist results feed jobs "
    "groups events event.php photo photo.php media story.php l.php oembed pin developers settings "
    "signup features pricing "
    "topics marketplace sponsors login.jsp shareArticle.html recover ads business gaming wordpress "
    "wix squarespace shopify "
    "v iframe_api redirect status widgets.js".lower().split()
)


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `social:<network>`; the value is the profile's URL in its shortest form."""
    seen: set[str] = set()
    for node in page.graph.own:
        for url in node.links("sameAs"):
            yield from _profile(page, url, node.method, 0.95, seen, node.id)
    for link in page.links:
        if link.href[:4].lower() == "http" or link.href[:2] == "//":
            yield from _profile(page, link.href, "link", 0.75, seen)


def _profile(
    page: Document, url: str, method: str, confidence: float, seen: set[str], node: str = ""
) -> Iterator[Finding]:
    match = _LINK.match(url[:400])
    if match is None or match.lastgroup is None or len(seen) >= 40:
        return
    path = (
        match[match.lastgroup]
        .partition("/")[2]
        .removeprefix("#!/")
        .removeprefix("@" if match.lastgroup == "x" else "\0")
        .removesuffix("%20")
        .rstrip("/")
    )
    if path.split("/")[0].split("?")[0].lower() in _NOT_PROFILES or (path.lower().startswith("in/") and not node):
        return
    host = match[match.lastgroup].partition("/")[0].lower()
    host = {"twitter.com": "x.com", "fb.com": "facebook.com"}.get(host, host)
    value = f"https://{'' if host in ('x.com', 'github.com', 'vimeo.com') else 'www.'}{host}/{path}"
    if value not in seen:
        seen.add(value)
        yield page.found(f"social:{match.lastgroup}", value, method, confidence, node=node, quote=url if node else "")


def settle(findings: Sequence[Finding], core: str) -> list[Finding]:
    """One profile a network: that declared or linked on most pages; of equals the one that resembles the domain."""
    networks: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        networks[finding.field].append(finding)
    settled = []
    for found in networks.values():
        pages = Counter(f.value for f in found)

        def weight(f: Finding, pages: Counter[str] = pages) -> tuple[float, float]:
            alike = core[:8] in squash(unquote(f.value).rpartition("/")[2]) if core else False
            return f.confidence + min(pages[f.value], 5) * 0.1 + 0.3 * alike, -len(f.value)

        settled.append(max(found, key=weight))
    return settled
