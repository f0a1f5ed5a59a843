"""The rules of a robots.txt that concern one crawler, after RFC 9309: what it may ask for, how slowly, and sitemaps;
and what its pages may be used for (`tasks.scraping.content_signals`).

Of a whole file only those rules are kept that are ours, as a short text of the same syntax: that is what Protego reads,
and what jobs share (data/hosts).
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from protego import Protego

from leadmill.errors import ErrorCategory
from tasks.scraping.content_signals import MAX_LINES, TO_ALL, TO_US, ContentSignals, denied, kept_line
from tasks.scraping.failures import Fault

#: So much of a robots.txt is read, bytes (RFC 9309 asks for at least 500 KiB).
MAX_ROBOTS = 512_000
#: Longest line that is read, and most sitemaps that are kept.
MAX_LINE = 2_000
MAX_SITEMAPS = 20
#: Of so many rules it is told which one forbids an address; each is tried by itself.
MAX_TRIED = 100
#: No longer delay is kept, seconds.
MAX_DELAY_S = 86_400.0

_OURS, _EVERYBODY = "ours", "*"
_PRODUCT = re.compile(r"(?<![\w./:@-])([a-z][\w-]{0,80})(?=/\d)", re.ASCII | re.IGNORECASE)
#: A field, also as it is often misspelt, and also without its colon.
_FIELD = re.compile(
    r"(?P<agent>user[ -]?agent)|(?P<Disallow>dis{1,2}al{1,2}[ao]w|diasllow)|(?P<Allow>allow)"
    r"|(?P<delay>crawl[ -]delay)|(?P<sitemap>site-?maps?)|(?P<signal>content[ -](?:signals?|usage))",
    re.IGNORECASE,
)
_AGENT = re.compile(r"[^\s#/]{1,200}")


class RobotsPolicy:
    """What one origin permits: rules (as `rules_of` gives them), or a fault when its robots.txt could not be had."""

    def __init__(self, rules: str = "", fault: Fault | None = None) -> None:
        self.rules = rules
        self.fault = fault
        self._protego = Protego.parse(f"User-agent: *\n{rules}") if rules else None
        #: Seconds between two requests that the site asks for.
        self.delay = float((self._protego and self._protego.crawl_delay(_OURS)) or 0.0)
        #: Addresses of sitemaps that the site names; anything may stand there.
        self.sitemaps: tuple[str, ...] = tuple(self._protego.sitemaps) if self._protego else ()
        self._signals = ContentSignals(rules)

    def refusal(self, url: str, *, obeys_signals: bool = False) -> Fault | None:
        """Why a URL must not be fetched, or None when it may.

        Args:
            obeys_signals: also signals to everybody count; those to us by name always do.
        """
        if self.fault is not None or self._protego is None:
            return self.fault
        path = urlsplit(url).path[:200] or "/"
        if not self._protego.can_fetch(url, _OURS):
            return Fault(ErrorCategory.DATA, f"robots.txt forbids {path}")
        if (obeys_signals or self._signals.are_to_us) and (uses := self._signals.forbidding(url)):
            words = f"robots.txt asks that {path} is not used ({TO_ALL}: {', '.join(uses)})"
            return Fault(ErrorCategory.DATA, words)
        return None

    def rule_for(self, url: str, *, refused: bool) -> str:
        """By which rule a URL is `refused`, or else permitted, in a few words."""
        if self.fault is not None:
            return "not known"
        said = f"{TO_ALL}: {', '.join(uses)}" if (uses := denied(self._signals.at(url))) else ""
        if not refused:
            return f"allowed; {said}" if said else "allowed" if self.rules else "no rules"
        is_signal = self._protego is not None and self._protego.can_fetch(url, _OURS)
        return said if is_signal else self._forbidding(url) or "forbidden"

    def _forbidding(self, url: str) -> str | None:
        """The longest rule that forbids a URL by itself; None where there are too many rules to try each."""
        rules = [line for line in self.rules.splitlines() if line.startswith("Disallow:")]
        if len(rules) > MAX_TRIED:
            return None
        alone = (rule for rule in rules if not Protego.parse(f"User-agent: *\n{rule}").can_fetch(url, _OURS))
        return max(alone, key=len, default=None)


def robots_names(user_agent: str) -> frozenset[str]:
    """The names by which a robots.txt may address a crawler: the products of its User-Agent, or the first word of it.

    `Mozilla/5.0 (compatible; AcmeBot/1.0; +https://acme.example/bot)` is mozilla and acmebot.
    """
    products = _PRODUCT.findall(user_agent) or user_agent.split()[:1]
    return frozenset(name.lower() for name in products)


def parse_robots(body: bytes, names: Collection[str]) -> RobotsPolicy:
    """The rules in a robots.txt that concern a crawler of these names."""
    return RobotsPolicy(rules_of(body, names))


def rules_of(body: bytes, names: Collection[str]) -> str:
    """Of a robots.txt the rules for a crawler of these names, or where none names it, those for everybody.

    A group of agents ends at its first rule about paths, and at nothing else (as Google reads it): a blank line or a
    Crawl-delay between two agents does not part them. A delay is for the agents that were named before it, and so is a
    signal.
    """
    text = body[:MAX_ROBOTS].decode("utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    rules: dict[str, dict[str, None]] = {_EVERYBODY: {}}
    delays: dict[str, float] = {}
    sitemaps: dict[str, None] = {}
    signals: dict[str, dict[str, None]] = {}
    group: set[str] = set()
    is_open = False
    for line in text.splitlines():
        field, value = _field(line)
        if field == "agent":
            group = group if is_open else set()
            is_open = True
            if (agent := _agent(value, names)) is not None:
                group.add(agent)
                rules.setdefault(agent, {})
        elif field == "delay":
            delays.update({agent: max(_seconds(value), delays.get(agent, 0.0)) for agent in group})
        elif field == "signal":
            for agent in group:
                lines = signals.setdefault(agent, {})
                if len(lines) < MAX_LINES and (kept := kept_line(value)) is not None:
                    lines[kept] = None
        elif field == "sitemap":
            if value and len(sitemaps) < MAX_SITEMAPS:
                sitemaps[f"Sitemap: {value}"] = None
        elif field:
            is_open = False
            for agent in group if value else ():
                rules[agent][f"{field}: {value}"] = None
    ours = _OURS if _OURS in rules else _EVERYBODY
    delay = [f"Crawl-delay: {delays[ours]:g}"] if delays.get(ours) else []
    said = [f"{TO_US if ours == _OURS else TO_ALL}: {kept}" for kept in signals.get(ours, ())]
    return "\n".join([*rules[ours], *delay, *sitemaps, *said])


def _field(line: str) -> tuple[str, str]:
    """The field of a line by our name for it, and its value; `""` where it has none that we know."""
    line = line[:MAX_LINE].partition("#")[0].strip()
    found = _FIELD.match(line)
    rest = line[found.end() :] if found else ""
    if found is None or (rest and not rest[0].isspace() and rest[0] != ":"):
        return "", ""
    return found.lastgroup or "", rest.lstrip().removeprefix(":").strip()


def _agent(value: str, names: Collection[str]) -> str | None:
    name = _AGENT.match(value)
    if name is None:
        return None
    if name[0] == "*":
        return _EVERYBODY
    return _OURS if name[0].lower().rstrip("*") in names else None


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        return 0.0
    return min(seconds, MAX_DELAY_S) if math.isfinite(seconds) and seconds > 0 else 0.0
