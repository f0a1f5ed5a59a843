"""E-mail addresses: mailto links, Cloudflare's hidden ones, declared ones, and those written in the text.

Handles what real pages do to them: `mailto:%20info@`, `(at)` spellings, text glued to either end,
placeholders of templates, image names with an `@`, addresses of the agency that built the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote

from extraction.document import Document
from extraction.findings import Finding
from leadmill.ids import registrable_domain

#: Addresses taken from one page.
MAX_EMAILS = 40

_ADDRESS = re.compile(
    r"(?<![\w.+%-])([a-z0-9][\w.+%'-]{0,63})@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,5})", re.IGNORECASE | re.ASCII
)
#: `info (at) acme (dot) com`, `info[at]acme.com`, `info {at} acme {punkt} de`; bare words only with blanks around both.
_AT = r"\s{0,3}[\[({<]\s{0,2}(?:at|ät|@|arroba|chez)\s{0,2}[\])}>]\s{0,3}"
_DOT = r"(?:\s{0,3}[\[({<]\s{0,2}(?:dot|punkt|point|punto|\.)\s{0,2}[\])}>]\s{0,3}|\.)"
_SPELLED = re.compile(
    rf"(?<![\w.+-])([a-z0-9][\w.+-]{{0,63}}){_AT}([a-z0-9-]{{1,63}}(?:{_DOT}[a-z0-9-]{{1,63}}){{1,4}})",
    re.IGNORECASE | re.ASCII,
)
_SPOKEN = re.compile(
    r"(?<![\w.+-])([a-z0-9][\w.+-]{0,63}) (?:at|AT) ([a-z0-9-]{2,63}) (?:dot|DOT) ([a-z]{2,10})\b",
    re.IGNORECASE | re.ASCII,
)
_SPELLED_HINT = re.compile(r"[\[({<]\s?(?:at|ät|@|arroba|chez)\s?[\])}>]| dot ", re.IGNORECASE)
_DOTS = re.compile(_DOT, re.IGNORECASE)
_LONG = re.compile(r"[^\s@]{400,}")
_GLUED_HEAD = re.compile(
    r"^(?:e-?mail|mail|contact|kontakt|courriel|correo)(?=(?:info|sales|office|contact|hello|support|"
    r"kontakt|mail|service|enquir|inquir|admin)\b)",
    re.IGNORECASE,
)
_GLUED_NUMBER = re.compile(r"^[\d.-]{7,}(?=[a-z])", re.IGNORECASE)
_FILE = re.compile(r"\.(?:png|jpe?g|gif|svg|webp|css|js|pdf|ico|avif|mp4|woff2?)$", re.IGNORECASE)
_CASE_EDGE = re.compile(r"(?<=[a-z])[A-Z]")
_PLACEHOLDER_DOMAINS = frozenset(
    "example.com example.org example.net domain.com yourdomain.com yoursite.com mysite.com email.com "
    "mail.com.au company.com "
    "yourcompany.com website.com site.com test.com sentry.io wixpress.com address.com mydomain.com "
    "beispiel.de "
    "musterfirma.de exemple.com ejemplo.com sample.com abc.com xyz.com".split()
)
_PLACEHOLDER_USERS = frozenset(
    "user username name yourname your.name email youremail your.email you someone john.doe jane.doe max.mustermann "
    "firstname.lastname vorname.nachname abc xxx".split()
)
#: Kept out of the public suffixes for ever by RFC 2606.
_RESERVED = ".example"
#: Words beside an address that belongs to somebody else: who built the site, or speaks for the press.
_AGENCY = re.compile(
    r"web\s?-?(?:site|design|master|agen)|design(?:ed)? by|developed by|powered by|\bpress\b|\bPR\b|"
    r"media (?:contact|enquir|inquir)|"
    r"public relations|webdesign|umsetzung|realisi|agence|agentur|conception|hosting",
    re.IGNORECASE,
)


def find(page: Document) -> Iterator[Finding]:
    """Findings of field `email`; confidence falls with the way it was written and with an agency beside it.

    Addresses under the reserved `.example` count on sites under `.example` (the sample ones); elsewhere they are
    what forms show to be written over.
    """
    seen: dict[str, float] = {}
    reserved = page.domain.endswith(_RESERVED)
    for address, method, confidence in _candidates(page):
        if address.endswith(_RESERVED) and not reserved:
            continue
        if len(seen) >= MAX_EMAILS:
            return
        if confidence > seen.get(address, 0.0):
            seen[address] = confidence
            yield page.found("email", address, method, confidence)


def _candidates(page: Document) -> Iterator[tuple[str, str, float]]:
    for item in page.items:
        if item.is_organization or "contactpoint" in item.types:
            for text in item.texts("email"):
                yield from (
                    (address, item.method, 0.95) for address in addresses(unquote(text.removeprefix("mailto:")))
                )
    for link in page.links:
        if link.href[:7].lower() == "mailto:":
            target = unquote(link.href[7:].partition("?")[0])
            confidence = 0.35 if _AGENCY.search(link.text) else 0.95
            yield from ((address, "mailto", confidence) for address in addresses(target))
        elif "/cdn-cgi/l/email-protection#" in link.href:
            yield from _protected(link.href.rpartition("#")[2])
    if "data-cfemail" in page.html:
        for node in page.tree.css("[data-cfemail]")[:MAX_EMAILS]:
            yield from _protected(node.attrs.get("data-cfemail") or "")
    for line in page.lines:
        if "@" in line:
            confidence = 0.3 if _AGENCY.search(line) else 0.8
            yield from ((address, "text", confidence) for address in addresses(line))
        if (
            "(" in line or "[" in line or "{" in line or "<" in line or " dot " in line.lower()
        ) and _SPELLED_HINT.search(line):
            yield from ((address, "text", 0.7) for address in _spelled(line))


def addresses(text: str) -> Iterator[str]:
    """The plain addresses in a text, mended and in lower case; placeholders and file names are left out."""
    for match in _ADDRESS.finditer(_LONG.sub(" ", text[:4_000])):
        address = _mended(match[1], match[2])
        if address:
            yield address


def _spelled(line: str) -> Iterator[str]:
    for match in _SPELLED.finditer(line):
        address = _mended(match[1], _DOTS.sub(".", match[2]))
        if address:
            yield address
    for match in _SPOKEN.finditer(line):
        address = _mended(match[1], f"{match[2]}.{match[3]}")
        if address:
            yield address


def _protected(code: str) -> Iterator[tuple[str, str, float]]:
    """Cloudflare's encoding: hexadecimal, the first byte is the key that the others are XORed with."""
    try:
        raw = bytes.fromhex(code[:300])
    except ValueError:
        return
    if raw:
        text = bytes(byte ^ raw[0] for byte in raw[1:]).decode("utf-8", "replace").partition("?")[0]
        yield from ((address, "cfemail", 0.95) for address in addresses(text))


def _mended(user: str, domain: str) -> str | None:
    user = _GLUED_NUMBER.sub("", _GLUED_HEAD.sub("", user)).strip(".'-%")
    real = _real_domain(domain)
    if not user or real is None or ".." in user or _FILE.search(real):
        return None
    user = user.lower()
    if user in _PLACEHOLDER_USERS or registrable_domain(real) in _PLACEHOLDER_DOMAINS:
        return None
    # Error trackers' keys look like addresses: 32 hexadecimal digits.
    if re.fullmatch(r"[0-9a-f]{24,}", user):
        return None
    return f"{user}@{real}"


@lru_cache(maxsize=4_096)
def _real_domain(domain: str) -> str | None:
    """The domain cut to end in a public suffix: `acme.comPhone` and `acme.com.Call` are `acme.com`."""
    labels = domain.strip(".-").split(".")
    last, rest = labels[-1], ".".join(labels[:-1])
    candidates = [".".join(labels), rest]
    if last[:1].isupper() and rest.islower():
        # A sentence that begins right behind the address: `.Call` is a suffix too, but not here.
        candidates.reverse()
    edge = _CASE_EDGE.search(last)
    if edge:
        candidates.insert(1, f"{rest}.{last[: edge.start()]}")
    return next((one.lower() for one in candidates if "." in one and _has_suffix(one.lower())), None)


def _has_suffix(domain: str) -> bool:
    """Whether the domain lies under a suffix of the bundled public suffix list, or under the reserved `.example`."""
    return domain.endswith(_RESERVED) or bool(_suffixes()(domain).suffix)


@cache
def _suffixes() -> Any:
    import tldextract

    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
