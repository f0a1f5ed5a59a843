"""Headers: those of every request; and those of answers that are kept with a page, bounded, cookies by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from scrapy.downloadermiddlewares.httpcompression import ACCEPTED_ENCODINGS

#: Longest value kept, characters.
MAX_VALUE = 300
#: Most headers and cookie names kept of one page.
MAX_HEADERS = 40

_KEPT = frozenset(
    "server x-powered-by content-type content-language via cf-ray link x-generator strict-transport-security "
    "x-aspnet-version x-aspnetmvc-version x-pingback x-redirect-by x-cache x-served-by x-varnish x-robots-tag "
    "x-vercel-id x-nf-request-id x-github-request-id x-amz-cf-id x-azure-ref x-akamai-transformed x-litespeed-cache "
    "x-turbo-charged-by x-runtime x-drupal-cache x-hosted-by x-host platform powered-by alt-svc last-modified etag "
    "x-contextid x-seen-by x-sorting-hat-shopid x-dc content-usage content-signal".split()
)
_KEPT_PREFIXES = (
    "x-shopify-",
    "x-wix-",
    "x-drupal-",
    "x-magento-",
    "x-hs-",
    "x-webflow-",
    "x-shardid",
    "x-wp-",
    "x-nextjs-",
)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([a-z0-9_.:-]{1,40})", re.IGNORECASE)
_COOKIE_NAME = re.compile(rb"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]{1,80})\s*=")


def sent_headers(user_agent: str) -> dict[bytes, bytes]:
    """What every request says of us."""
    return {
        b"Accept": b"text/html,application/xhtml+xml;q=0.9,*/*;q=0.1",
        b"Accept-Encoding": b", ".join(ACCEPTED_ENCODINGS),
        b"Accept-Language": b"en,*;q=0.5",
        b"User-Agent": user_agent.encode(),
    }


def kept_headers(headers: Iterable[tuple[bytes, Iterable[bytes]]]) -> dict[str, str]:
    """Lower-case names to values; several values of one header are joined by `, `.

    `set-cookie` holds the names of the cookies only: their values identify a visitor.
    """
    kept: dict[str, str] = {}
    for raw_name, values in headers:
        name = raw_name.decode("latin-1").lower()
        if len(kept) >= MAX_HEADERS:
            break
        if name == "set-cookie":
            kept[name] = ", ".join(_cookie_names(values))[:MAX_VALUE]
        elif name in _KEPT or name.startswith(_KEPT_PREFIXES):
            kept[name[:80]] = b", ".join(values)[:MAX_VALUE].decode("utf-8", "replace")
    return kept


def _cookie_names(values: Iterable[bytes]) -> list[str]:
    names = [match[1].decode() for value in values if (match := _COOKIE_NAME.match(value[:200]))]
    return list(dict.fromkeys(names))[:MAX_HEADERS]


@lru_cache(maxsize=256)
def charset_of(content_type: str) -> str | None:
    """The charset that a Content-Type header names."""
    match = _CHARSET.search(content_type[:MAX_VALUE])
    return match[1].lower() if match else None
