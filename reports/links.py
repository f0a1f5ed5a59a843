"""Which text from outside may become a link: http, https, mailto and tel, nothing else."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import quote, urlsplit

_EMAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9.\-]{1,253}\Z")
_NO_URL = re.compile(r"[\x00-\x20\x7f]")
_PHONE = re.compile(r"\+[0-9]{6,15}\Z")
#: Longer addresses are shown as text, not linked.
MAX_URL = 500


@lru_cache(maxsize=1_024)
def web(url: str | None) -> str | None:
    """The URL when it is an http or https one with a host, else None."""
    if not url or len(url) > MAX_URL or _NO_URL.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.hostname else None


def mail(address: str | None) -> str | None:
    """A `mailto:` link that carries an address and nothing else (no copies, no subject)."""
    return f"mailto:{quote(address, safe='@+')}" if address and _EMAIL.match(address) else None


def phone(number: str | None) -> str | None:
    """A `tel:` link of an E.164 number."""
    return f"tel:{number}" if number and _PHONE.match(number) else None
