"""Where a value was found, as a reader is told: a link to the page, and how it stood there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from reports import display_domains
from reports.wording import percent

#: How a value stood on its page, by the extractors' names for it; one without words here is told by its name.
_METHODS = {
    "cctld": "by the domain's ending",
    "json-ld": "structured data",
    "microdata": "structured data",
    "mailto": "e-mail link",
    "tel-link": "phone link",
    "text": "in the text",
    "meta": "page description",
    "title": "page title",
    "logo": "logo",
    "domain": "by the domain",
    "keywords": "by its words",
    "imprint": "imprint",
}
#: Characters of a page's address that are shown.
_SHOWN = 60


@dataclass(frozen=True)
class Origin:
    """The page that a value came from, and the words about it."""

    url: str | None
    #: The page's address as it is shown: its path on the company's own site.
    page: str
    #: How it stood there, and how sure that is.
    how: str


def origin(fact: Mapping[str, Any], domain: str) -> Origin:
    """The origin of a fact (`data.schemas.FACT`: source, method, confidence) of the company with this domain."""
    method, confidence = fact["method"], fact["confidence"]
    how = [_METHODS.get(method, method)] if method else []
    if confidence is not None:
        how.append(f"{percent(confidence)} sure")
    return Origin(fact["source"], _short(fact["source"] or "", domain), ", ".join(how))


def _short(url: str, domain: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return url[:_SHOWN]
    host = parts.netloc.removeprefix("www.")
    path = unquote(parts.path.rstrip("/") + "?" * bool(parts.query) + parts.query)
    text = (path or "home page") if host == domain else display_domains.shown(host) + path
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
