"""What a page asks of robots: in `<meta name="robots">`, in `X-Robots-Tag`, in a header `Content-Usage`.

What is asked of everybody is obeyed where the job or the operator wants it, what is asked of us by name where
robots.txt is obeyed; the ledger tells both. The page has been fetched by then: it is not kept, or its links are not
followed. Places are found by plain searches, so that a page that asks for nothing costs next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from itertools import islice
from typing import NamedTuple

from scrapy.http import Response

from extraction.charset import as_utf8
from extraction.markup_places import SAMPLES, Places
from leadmill.errors import ErrorCategory
from tasks.scraping.answers import charset_in
from tasks.scraping.content_signals import FORBIDDING, denied, uses_in
from tasks.scraping.contract import CrawlOptions
from tasks.scraping.failures import Fault
from tasks.scraping.robots_rules import robots_names

#: Bytes of markup that are looked through, the longest tag in it, and how many are looked at.
MAX_MARKUP = 100_000
MAX_TAG = 500
MAX_TAGS = 100
MAX_ATTRIBUTES = 20
#: Headers of one name, and characters of a value that are read.
MAX_HEADERS = 20
MAX_VALUE = 1_000

EXPIRED = "unavailable_after"
#: Rules that are told; those by which a page is not kept, and by which its links are not followed.
_RULES = frozenset("noindex nofollow none noarchive nocache nosnippet noai".split())
_UNWANTED = frozenset({"noindex", "none", EXPIRED, *(f"{use}=no" for use in FORBIDDING)})
_NOFOLLOW = frozenset({"nofollow", "none"})

_EVERYBODY = frozenset({"robots", "*", "all", "x-robots-tag"})
_APART = re.compile(r"\bno[-_ ]{1,2}(?=(?:index|follow|archive|cache|snippet|ai)\b)")
_HEAD = re.compile(r"\s*([\w*./-]{1,80})\s{0,5}[:=]\s*")
_META = re.compile(rb"<meta(?=[\s/])", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    rb"[\s/]{0,200}([a-z-]{1,40})(?:\s{0,20}=\s{0,20}(?:\"([^\"]{0,400})\"|'([^']{0,400})'|([^\s\"'<>`=]{1,400})))?"
)


class Said(NamedTuple):
    """One rule of a page."""

    rule: str
    #: Where it stands: `meta robots`, `X-Robots-Tag`.
    source: str
    #: It is said to us by name.
    to_us: bool


class PageSignals:
    """Reads what pages ask of a crawl, and decides what counts for it."""

    def __init__(self, options: CrawlOptions) -> None:
        self._names = robots_names(options.user_agent)
        self._words = tuple(name.encode() for name in ("robots", *sorted(self._names)))
        self._obeys_all = options.respect_signals
        self._obeys_ours = options.respect_robots or options.respect_signals

    def read(self, response: Response) -> Fault | None:
        """Why a page is not to be kept; that its links are not to be followed is noted in its `meta` (`nofollow`)."""
        said = [*self._in_headers(response), *self._in_markup(response)]
        if not said:
            return None
        counts = [one for one in said if (self._obeys_ours if one.to_us else self._obeys_all)]
        if any(one.rule in _NOFOLLOW for one in counts):
            response.meta["nofollow"] = True
        unwanted = [one for one in counts if one.rule in _UNWANTED]
        fault = Fault(ErrorCategory.DATA, f"the page asks not to be indexed ({_told(unwanted)})") if unwanted else None
        response.meta["ledger"].tell(fault.error if fault is not None else f"the page says {_told(said)}")
        return fault

    def _in_headers(self, response: Response) -> Iterator[Said]:
        for value in response.headers.getlist("X-Robots-Tag")[:MAX_HEADERS]:
            for agent, rule in rules_in(value.decode("latin-1"), names_agents=True):
                if agent in _EVERYBODY or agent in self._names:
                    yield Said(rule, "X-Robots-Tag", agent in self._names)
        for name in ("Content-Usage", "Content-Signal"):
            for value in response.headers.getlist(name)[:MAX_HEADERS]:
                for rule in denied(uses_in(value.decode("latin-1"))):
                    yield Said(rule, name, to_us=False)

    def _in_markup(self, response: Response) -> Iterator[Said]:
        markup = response.body[:MAX_MARKUP]
        if b"\0" in markup[:1_024]:
            markup = as_utf8(markup, charset_in(response))
        places: Places | None = None  # of the whole markup: made for a page that says something, and once
        for begun in islice(_META.finditer(markup), MAX_TAGS):
            tag = markup[begun.end() : begun.end() + MAX_TAG].lower()
            if not any(word in tag for word in self._words):
                continue
            name, content = _named(tag)
            found = list(rules_in(content)) if name in _EVERYBODY or name in self._names else []
            if not found:
                continue
            places = places or _places(markup)
            if places.kind(begun.start() + 1) == "tag":
                yield from (Said(rule, f"meta {name}", name in self._names) for _, rule in found)


def rules_in(text: str, *, names_agents: bool = False) -> Iterator[tuple[str, str]]:
    """The rules in a text, each with the agent to whom it is said (`*`: everybody, or nobody is named).

    `unavailable_after` is one once its time has come, and none before.

    Args:
        names_agents: `acmebot: noindex, nofollow` is for that agent, up to the next one.
    """
    agent = "*"
    parts = iter(re.split("[,;]", _APART.sub("no", text[:MAX_VALUE].lower())))
    for part in parts:
        rest = part
        while head := _HEAD.match(rest):
            rest = rest[head.end() :]
            if head[1].replace("-", "_") == "unavailable_after":
                date = rest if re.search(r"\d", rest) else next(parts, "")  # behind the day of the week
                rest = ""
                if _is_past(date):
                    yield agent, EXPIRED
            elif head[1].startswith("max-"):
                rest = ""
            elif names_agents:
                agent = head[1].partition("/")[0]
        for word in rest.split():
            if word in _RULES:
                yield agent, word


def _is_past(text: str) -> bool:
    """Whether a time has come, in ISO 8601 or as e-mail and HTTP write it; what is no time is passed over."""
    text = text.strip()[:60].upper()
    readers: tuple[Callable[[str], datetime], ...] = (datetime.fromisoformat, parsedate_to_datetime)
    for read in readers:
        with suppress(ValueError, OverflowError):
            moment = read(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) <= datetime.now(UTC)
    return False


def _named(tag: bytes) -> tuple[str, str]:
    """Name and content of a `<meta>`, from behind its own name on."""
    found: dict[bytes, bytes] = {}
    end = 0
    while (match := _ATTRIBUTE.match(tag, end)) and len(found) < MAX_ATTRIBUTES:
        end = match.end()
        found.setdefault(match[1], match[2] or match[3] or match[4] or b"")
    name = found.get(b"name") or found.get(b"property") or found.get(b"http-equiv") or b""
    return name.strip().decode("latin-1"), found.get(b"content", b"").decode("latin-1")


def _places(markup: bytes) -> Places:
    """Which tags are part of the page, and of no comment, script or sample of code."""
    lower = markup.lower()
    return Places(markup, lower, [sign for sign in SAMPLES.words() if sign.encode() in lower])


def _told(said: list[Said]) -> str:
    """`meta robots: noindex, nofollow; X-Robots-Tag: noarchive`."""
    by_source: dict[str, dict[str, None]] = {}
    for one in said:
        by_source.setdefault(one.source, {})[one.rule] = None
    return "; ".join(f"{source}: {', '.join(rules)}" for source, rules in by_source.items())
