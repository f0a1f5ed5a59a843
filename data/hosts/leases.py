"""Leases of hosts: one call of a script tells what a crawl has learnt, and takes, prolongs and gives back its hosts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

from redis.client import NEVER_DECODE
from redis.exceptions import NoScriptError

from data.hosts.blocks import reason_of
from data.jobs import JobStore
from leadmill.access import DEFAULT_PROJECT
from leadmill.log import get_logger

log = get_logger(__name__)

#: A lease that is not renewed ends after so long, seconds: before that of its unit, which renews both.
LEASE_S = 8.0
#: Failures in a row after which a host is left alone, and for how long; each further failure doubles it.
FAILURES = 10
OPEN_S = 60.0
MOST_OPEN_S = 3_600.0
#: So long robots.txt is not asked again, and so long its rules are kept for when it cannot be had, seconds.
FRESH_S = 86_400.0
KEPT_S = 2 * FRESH_S
#: No host is left alone longer because it asked for it, seconds.
MOST_QUIET_S = 86_400.0
#: Failures in a row are remembered so long after the last, seconds.
REMEMBER_S = 3_600.0
#: Who waits first, and asked no more for so long, waits no more, seconds.
WAITER_S = 2.5

#: Rules longer than this are stored packed, characters; those still longer packed than `MAX_PACKED` are not stored.
MIN_PACKED = 300
MAX_PACKED = 32_000
#: Longest rules that are taken out of a pack: a robots.txt that is read is no longer.
MAX_RULES = 512_000

#: Read as bytes: what anybody may have written of one host need not be text, and must not cost the others theirs.
_NEVER: dict[str, Any] = {NEVER_DECODE: []}
_NUMBERS = {
    "LEASE_MS": LEASE_S,
    "WAITER_MS": WAITER_S,
    "OPEN_MS": OPEN_S,
    "MOST_OPEN_MS": MOST_OPEN_S,
    "FRESH_MS": FRESH_S,
    "KEPT_MS": KEPT_S,
    "MOST_MS": MOST_QUIET_S,
    "REMEMBER_MS": REMEMBER_S,
}


@cache
def _script() -> str:
    text = (Path(__file__).parent / "lua" / "exchange.lua").read_text()
    numbers = {**{name: round(1000 * seconds) for name, seconds in _NUMBERS.items()}, "FAILURES": FAILURES}
    return re.sub(r"\b[A-Z][A-Z_]+\b", lambda name: str(numbers.get(name[0], name[0])), text)


class Robots(NamedTuple):
    """The rules of an origin that concern us, as they were told to some crawl."""

    rules: str
    is_fresh: bool


@dataclass
class HostNews:
    """What a crawl says of one host since it said it last. Times are seconds from now."""

    host: str
    #: Give it back; otherwise it is taken, or prolonged.
    leave: bool = False
    #: Of these origins (`scheme://host`) the rules are asked for.
    origins: Sequence[str] = ()
    #: Seconds between two requests that it wants; before when it is not to be asked, and asked not to be.
    delay_s: float = 0.0
    next_in_s: float = 0.0
    quiet_for_s: float = 0.0
    #: It answered; requests that failed in a row since then, and how the last one did.
    answered: bool = False
    failures: int = 0
    failure: str = ""
    #: Rules that it told, by origin.
    robots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HostAnswer:
    """What became of one host. Times are seconds from now."""

    held: bool = False
    next_in_s: float = 0.0
    quiet_for_s: float = 0.0
    #: For how long it is left alone, after so many failures in a row, of which the last was this one.
    open_for_s: float = 0.0
    failures: int = 0
    failure: str = ""
    #: The name on the block list that forbids it, and what was said there.
    blocked: tuple[str, str] | None = None
    #: Its key holds something that is not ours.
    damaged_key: str = ""
    robots: Mapping[str, Robots] = field(default_factory=dict)


class HostLeases:
    """The hosts that one run of a unit holds. Safe to share between threads.

    Args:
        unit: which work it is; a later run of the same unit takes over at once what the run before held.
        run: which run of it; no two have the same.
        agent: a digest of the User-Agent where it is not the usual one: a site may tell others other rules.
    """

    def __init__(self, store: JobStore, unit: str, run: str, agent: str = "") -> None:
        self._store = store.of(DEFAULT_PROJECT)
        self._redis: Any = store.redis
        self._sha = hashlib.sha1(_script().encode(), usedforsecurity=False).hexdigest()
        self._unit, self._run, self._agent = unit, run, f"{agent}:" if agent else ""

    def exchange(self, news: Sequence[HostNews]) -> list[HostAnswer]:
        """Tell what was learnt and take, prolong or give back each host, all in one step; an answer each, in order.

        Raises:
            UnavailableError: Redis does not answer.
            StoreRefusedError: Redis answers and refuses (full, a replica …); nothing was written.
        """
        hosts = [_written(one) for one in news]
        asked = {"unit": self._unit, "run": self._run, "agent": self._agent, "hosts": hosts}
        prefix = self._store.key("")
        with self._store.guarded():
            found = json.loads(self._evaluated(prefix, json.dumps(asked)).decode(errors="replace"))
        return [_answer(one) for one in cast("list[dict[str, Any]]", found)]

    def _evaluated(self, prefix: str, asked: str) -> bytes:
        try:
            return cast("bytes", self._redis.execute_command("EVALSHA", self._sha, 1, prefix, asked, **_NEVER))
        except NoScriptError:  # never asked before, or a restarted server has forgotten it
            return cast("bytes", self._redis.execute_command("EVAL", _script(), 1, prefix, asked, **_NEVER))


def _written(news: HostNews) -> dict[str, Any]:
    """As the script takes it: what says nothing is left out."""
    said = {
        "leave": news.leave or None,
        "origins": list(news.origins) or None,
        "d": round(1000 * news.delay_s) or None,
        "n": max(0, round(1000 * news.next_in_s)) or None,
        "q": max(0, round(1000 * news.quiet_for_s)) or None,
        "ok": news.answered or None,
        "f": news.failures or None,
        "why": news.failure[:200] if news.failures else None,
        "robots": {origin: text for origin, rules in news.robots.items() if (text := packed(rules)) is not None}
        or None,
    }
    return {"h": news.host, **{name: value for name, value in said.items() if value is not None}}


def _answer(found: Mapping[str, Any]) -> HostAnswer:
    robots = {origin: _robots(age_ms, text) for origin, age_ms, text in found.get("robots") or ()}
    blocked = found.get("blocked")
    return HostAnswer(
        held=bool(found.get("held")),
        next_in_s=found.get("wait", 0) / 1000,
        quiet_for_s=found.get("quiet", 0) / 1000,
        open_for_s=found.get("open", 0) / 1000,
        failures=int(found.get("f", 0)),
        failure=str(found.get("why", "")),
        blocked=None if blocked is None else (blocked[0], reason_of(blocked[1])),
        damaged_key=found.get("damaged", ""),
        robots={origin: one for origin, one in robots.items() if one is not None},
    )


def _robots(age_ms: float, text: str) -> Robots | None:
    rules = unpacked(text)
    return None if rules is None else Robots(rules, age_ms < 1000 * FRESH_S)


def packed(rules: str) -> str | None:
    """Rules as they are stored; None when they are too long for it."""
    if len(rules) <= MIN_PACKED:
        return rules
    text = "~" + base64.b85encode(zlib.compress(rules.encode("utf-8", "replace"), 9)).decode()
    return text if len(text) <= MAX_PACKED else None


def unpacked(text: str) -> str | None:
    """Rules out of what is stored; None when that is none."""
    if not text.startswith("~"):
        return text
    try:
        return zlib.decompressobj().decompress(base64.b85decode(text[1:]), MAX_RULES).decode("utf-8", "replace")
    except (ValueError, zlib.error):
        log.warning("rules of a robots.txt that are none are passed over")
        return None
