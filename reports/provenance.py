"""Where a value was found, as a reader is told: a link to the page, and how it stood there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from leadmill.fact_fields import MAX_QUOTE
from reports import display_domains
from reports.wording import percent

#: How a value stood on its page, by the extractors' names for it; one without words here is told by its name.
_METHODS = {
    "cctld": "by the domain's ending",
    "json-ld": "structured data",
    "microdata": "structured data",
    "rdfa": "structured data",
    "microformats": "structured data",
    "open-graph": "structured data",
    "mailto": "e-mail link",
    "tel-link": "phone link",
    "text": "in the text",
    "meta": "meta tag",
    "title": "page title",
    "logo": "logo",
    "home-link": "link to the home page",
    "domain": "by the domain",
    "legal": "by its legal name",
    "keywords": "by its words",
    "imprint": "imprint",
    "label": "behind a label",
    "owner": "behind words for an owner",
    "registered": "beside its registration",
    "alone": "on a line of its own",
    "html-lang": "as the page declares it",
    "copyright": "copyright line",
    "cfemail": "e-mail link, unscrambled",
    "attribute": "hidden in the markup",
    "script": "script",
    "header": "response header",
    "cookie": "cookie",
    "html": "markup",
    "link": "link",
    "img": "picture",
    "icon": "icon",
    "page-kind": "the page itself",
    "address": "by its addresses",
    "phone": "by its phone numbers",
    "language": "by its language",
    "derived": "by the addresses found",
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
    #: The page's own words, or those that made a rule speak; empty where none were kept.
    words: str = ""


def how(method: str | None) -> str:
    """How a value stood on its page, in words; a method without any is told by its name."""
    return _METHODS.get(method or "", method or "")


def place(fact: Mapping[str, Any]) -> str:
    """Where on its page the words of a fact stand; empty where that is not known."""
    if fact.get("node"):
        return f"node {fact['node']} of its structured data"
    return f"line {fact['line'] + 1} of its text" if fact.get("line") is not None else ""


def why_taken(fact: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> str:
    """Why a fact was taken, and not one of the candidates of its field."""
    if fact.get("why"):
        return str(fact["why"])
    return "by how and where it stands, it outweighs what else was read" if others else "nothing else was read"


def why_not_taken(candidate: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> str:
    """Why a candidate was not taken, given the facts of its field."""
    if candidate.get("why"):
        return str(candidate["why"])
    return "by how and where it stands, what was taken outweighs it" if facts else "it weighs too little to be taken"


def origin(fact: Mapping[str, Any], domain: str) -> Origin:
    """The origin of a fact (of `data.schemas.FACT` its source, method, confidence, quote, words) of a company."""
    told = [how(fact["method"])] if fact["method"] else []
    if fact["confidence"] is not None:
        told.append(f"{percent(fact['confidence'])} sure")
    return Origin(fact["source"], shown_page(fact["source"] or "", domain), ", ".join(told), words(fact))


def words(fact: Mapping[str, Any]) -> str:
    """What a fact was read from: its quote in quotation marks, else the words that made a rule speak."""
    if fact.get("quote"):
        return quoted(fact["quote"])
    return ", ".join(fact.get("words") or ())


def quoted(quote: str) -> str:
    """A quote in quotation marks; one of full length was cut from a longer line."""
    return f"“{quote.strip()}{'…' * (len(quote) >= MAX_QUOTE)}”"


def shown_page(url: str, domain: str) -> str:
    """A page's address for people: its path on the company's own site, its host and path elsewhere."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url[:_SHOWN]
    host = parts.netloc.removeprefix("www.")
    path = unquote(parts.path.rstrip("/") + "?" * bool(parts.query) + parts.query)
    text = (path or "home page") if host == domain else display_domains.shown(host) + path
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
