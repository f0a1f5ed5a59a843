"""What the pictures are called by which a page shows whose it is, and which links lead home."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from extraction.document import Document, host_of
from extraction.extractors.name_likeness import likeness
from extraction.extractors.name_texts import is_picture
from extraction.line_cache import cached_by_line
from extraction.text import clean

#: Pictures looked at, and those at the top of a page whose links are asked for their titles.
MAX_PICTURES = 60
MAX_TOP = 8
#: From which on a picture's name is the domain's.
SPELLED = 0.85
_HOME = re.compile(r"(?:\./?|(?:\.\./)*(?:index|home|default)\.\w{2,5})?", re.IGNORECASE)
#: Boxes at the top of a page whose picture is the logo.
_BOXES = ("logo", "brand", "site-title", "header", "masthead")


def logos(page: Document, core: str) -> Iterator[str]:
    """What pictures are called that say logo in file, class or text, stand in such a box or link, or fit the domain."""
    host = host_of(page.url)
    for place, node in enumerate(page.elements("img")[:MAX_PICTURES]):
        attributes = node.attrs
        alt = clean(attributes.get("alt") or attributes.get("title") or "", 120)
        if not alt and place < MAX_TOP:
            alt = _link_title(node, host)
        if not alt or is_picture(alt):
            continue
        own = f"{attributes.get('src') or ''} {attributes.get('class') or ''} {attributes.get('id') or ''} {alt}"
        spelled_out = place < MAX_TOP and likeness(alt, core) >= SPELLED
        if "logo" in own[:600].lower() or _in_logo(node, host) or spelled_out:
            name = re.sub(r"\blogo(?:typ[eo]?)?\b(?: von| of| de| van)?", "", alt, flags=re.IGNORECASE).strip(" -–|:")
            if name:
                yield name


def _link_title(node: LexborNode, host: str) -> str:
    """What a link home says of a picture that says nothing itself."""
    box = node.parent
    if box is None or box.tag != "a" or not leads_home((box.attrs.get("href") or "")[:200], host):
        return ""
    return clean(box.attrs.get("title") or "", 120)


def _in_logo(node: LexborNode, host: str) -> bool:
    box = node.parent
    for _ in range(2):
        if box is None:
            return False
        attributes = box.attrs
        said = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"[:300].lower()
        if any(word in said for word in _BOXES):
            return True
        if box.tag == "a" and leads_home((attributes.get("href") or "")[:200], host):
            return True
        box = box.parent
    return False


@cached_by_line
def leads_home(href: str, host: str) -> bool:
    """Whether a link leads to the home page of the host (without `www.`)."""
    if href[:4].lower() == "http" or href[:2] == "//":
        return href.partition("//")[2].lower().removeprefix("www.").removesuffix("/") == host
    return href == "/" or (len(href) <= 24 and href != "" and _HOME.fullmatch(href.removeprefix("/")) is not None)
