"""Whether a Redis can hold job records: what it is, what it may do, and by what it could lose them.

Every fault is one sentence and a command that mends it, and none of them holds a password.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import redis
from redis import exceptions as refused

from data import keys
from data.identity import connect
from data.redis_errors import classified
from data.sentinels import Replicas, faults
from leadmill.errors import StoreFullError, StoreNotSavingError
from leadmill.redaction import redis_cli
from leadmill.sentinel_url import EXAMPLE as SENTINELS
from leadmill.sentinel_url import SentinelUrl, names_sentinels, sentinel_fault
from leadmill.stages import Queue

#: Oldest server whose commands the script and the queues need.
OLDEST = (6, 2)
#: No answer takes longer, seconds: with the start of an interpreter a command has answered within five.
TIMEOUT_S = 2.0


@dataclass(frozen=True)
class ServerFault:
    """What is wrong: `away` may pass by itself, `unfit` does not, `risk` works and could lose jobs."""

    kind: Literal["away", "unfit", "risk"]
    text: str
    remedy: str


def examine(
    url: str, prefix: str = "leadmill:", timeout_s: float = TIMEOUT_S, *, queues_only: bool = False
) -> list[ServerFault]:
    """Every fault of the server behind a URL, the worst first; the texts begin where `Redis at <url>` ends.

    `queues_only`: it holds messages and no records. They are hints, so none that it could lose is a risk, and its user
    may be one that runs no script and does not see the server's state.
    """
    by_sentinels = _sentinel_faults(url) if names_sentinels(url) else []
    if any(found.kind != "risk" for found in by_sentinels):
        return by_sentinels
    try:
        # An @ behind the first slash: the password holds one unescaped, and a part of it would be taken for the host.
        torn = url.startswith("redis") and "@" in urlsplit(url).path + urlsplit(url).fragment
        client = connect(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s)
    except (ValueError, TypeError):  # its words would repeat the password
        torn = True
    if torn:
        text = "is no Redis URL; in a password write @ as %40, / as %2F, : as %3A, # as %23, ? as %3F"
        return [ServerFault("unfit", text, "REDIS_URL=redis://:PASSWORD@HOST:6379/0 leadmill up")]
    tool = redis_cli(url)
    try:
        client.ping()
        if queues_only:
            return [*_may_queue(client, prefix, tool)]
        try:
            info: Mapping[str, Any] = client.info()
        except refused.NoPermissionError:
            text = "does not tell its state (INFO is forbidden): whether it could lose jobs is unknown"
            return [*_may_work(client, prefix, tool), ServerFault("risk", text, f"{tool} ACL WHOAMI")]
        found_risks = [*durability_risks(info), *(replica_risks(info) if names_sentinels(url) else ())]
        risks = [ServerFault("risk", risk.text, f"{tool} {risk.command}") for risk in found_risks]
        return [*wrong_kind(info, tool)] or [*_may_work(client, prefix, tool), *by_sentinels, *risks]
    except (redis.RedisError, OSError, ValueError) as error:
        return [_why(error, url, timeout_s, tool)]
    finally:
        client.close()


def _sentinel_faults(url: str) -> list[ServerFault]:
    if (fault := sentinel_fault(url)) is not None:
        return [ServerFault("unfit", f"is no Redis URL: {fault}", f"REDIS_URL='{SENTINELS}' leadmill up")]
    return [ServerFault(kind, text, remedy) for kind, text, remedy in faults(SentinelUrl.of(url))]


def wrong_kind(info: Mapping[str, Any], tool: str) -> Iterator[ServerFault]:
    """What a server is that cannot hold job records whatever it may do, from its answer to INFO."""
    if info.get("redis_mode") == "sentinel":
        text = "is a Sentinel: it knows where the server is, and holds nothing itself"
        yield ServerFault("unfit", text, f"{tool} SENTINEL MASTERS    # then REDIS_URL='{SENTINELS}'")
        return
    version = str(info.get("redis_version", ""))
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    if numbers and numbers < OLDEST:
        text = f"is version {version}; Redis or Valkey {OLDEST[0]}.{OLDEST[1]} or later is needed"
        yield ServerFault("unfit", text, "unset REDIS_URL && leadmill up    # starts a server of its own")
    if int(info.get("cluster_enabled", 0)) or info.get("redis_mode") == "cluster":
        text = "runs in cluster mode, where a job's keys lie on several servers; a single server is needed"
        yield ServerFault("unfit", text, "unset REDIS_URL && leadmill up    # starts a server of its own")
    if str(info.get("role", "master")) != "master":
        primary = f"{info.get('master_host', 'HOST')}:{info.get('master_port', 'PORT')}"
        text = f"is a replica of {primary}: what is written there is lost, or refused"
        yield ServerFault("unfit", text, f"REDIS_URL=redis://{primary}/0 leadmill up    # its primary")


@dataclass(frozen=True)
class Risk:
    """By what a server could lose jobs: `text` begins where `Redis` ends, `command` is for redis-cli."""

    of: Literal["persistence", "eviction", "replicas"]
    text: str
    command: str


def durability_risks(info: Mapping[str, Any]) -> Iterator[Risk]:
    """By what a server could lose jobs, from its answer to INFO."""
    if not int(str(info.get("aof_enabled", 0))):
        yield Risk("persistence", "keeps no append-only file: a crash loses jobs", "CONFIG SET appendonly yes")
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction":
        text = f"has the eviction policy {policy}: full memory loses jobs"
        yield Risk("eviction", text, "CONFIG SET maxmemory-policy noeviction")


def replica_risks(info: Mapping[str, Any]) -> Iterator[Risk]:
    """By what a failover could lose jobs, from its answer to INFO."""
    replicas = Replicas.of_info(info)
    if replicas.good is None:
        text = "writes without its replicas: a failover loses jobs that it had accepted"
        yield Risk("replicas", text, "CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 3")
    elif replicas.good < 1:
        yield Risk("replicas", "takes no writes: none of its replicas is up to date", "INFO replication")
    elif replicas.good < 2:
        text = "has one replica that is up to date: should that be lost, too, it takes no writes"
        yield Risk("replicas", text, "INFO replication")


def _may_work(client: redis.Redis, prefix: str, tool: str) -> Iterator[ServerFault]:
    """Whether this user may do what every transition does: run a script that reads our keys."""
    try:
        client.eval("return redis.call('EXISTS', KEYS[1])", 1, prefix + keys.LAKE)
    except refused.NoPermissionError as error:
        text = f"does not let this user work ({_words(error)})"
        yield ServerFault("unfit", text, f"{tool} ACL SETUSER USER '~{prefix}*' '&*' +@all -@dangerous +info")


def _may_queue(client: redis.Redis, prefix: str, tool: str) -> Iterator[ServerFault]:
    """Whether this user may use the queues behind the prefix, on a server that takes messages."""
    try:
        client.setrange(f"{prefix}{Queue.SCRAPING}:{keys.PROBE}", 0, "")
    except refused.ReadOnlyError:
        yield ServerFault("unfit", "is a replica: what is written there is lost, or refused", f"{tool} ROLE")
    except refused.NoPermissionError as error:
        text = f"does not let the broker's user work ({_words(error)})"
        yield ServerFault("unfit", text, f"{tool} ACL WHOAMI    # what it needs: deploy/redis-users.acl")
    except refused.ResponseError as error:
        # Full, or not able to save: that may pass, and whoever looks at writes tells of it.
        if not isinstance(classified(error), StoreFullError | StoreNotSavingError):
            raise


def _why(error: Exception, url: str, timeout_s: float, tool: str) -> ServerFault:
    """What a failed greeting means, in words."""
    words = _words(error)
    lower = words.lower()
    found: tuple[Literal["away", "unfit"], str, str]
    match error:
        case refused.BusyLoadingError():
            found = "away", "still loads its data", f"{tool} INFO persistence"
        case refused.NoPermissionError():
            found = "unfit", f"does not let this user work ({words})", f"{tool} ACL WHOAMI"
        case refused.AuthenticationError():
            text = next((text for part, text in _AUTHENTICATION.items() if part in lower), _AUTHENTICATION[""])
            found = "unfit", text, "REDIS_URL=redis://:PASSWORD@HOST:PORT/0 leadmill up"
        case refused.TimeoutError() | TimeoutError():
            maybe = "speaks no TLS" if url.startswith("rediss://") else "is no Redis"
            found = "away", f"does not answer within {timeout_s:g} s: it is frozen, overloaded, or {maybe}", _OWN
        case refused.InvalidResponse() | UnicodeDecodeError():
            found = "unfit", "answers, but is no Redis", _OWN
        case refused.ConnectionError() | OSError():
            return _no_connection(words, lower, url, tool)
        case _:
            found = "unfit", f"refuses to work: {words}", f"{tool} PING"
    return ServerFault(*found)


#: What a refused AUTH says → what it means.
_AUTHENTICATION = {
    "required": "wants a password, and REDIS_URL has none",
    "hello must be called": "wants a password, and REDIS_URL has none",
    "without any password": "has no password, but REDIS_URL gives one: is it the right server?",
    "": "refuses the password or user of REDIS_URL",
}
_OWN = "unset REDIS_URL && leadmill up    # starts a Redis of its own"


def _no_connection(words: str, lower: str, url: str, tool: str) -> ServerFault:
    if "certificate" in lower:
        text = f"has a certificate that is not trusted ({words})"
        return ServerFault(
            "unfit", text, "REDIS_URL='rediss://…?ssl_ca_certs=FILE' leadmill up    # its CA's certificate"
        )
    if url.startswith("rediss://") and any(word in lower for word in ("ssl", "closed", "reset by peer", "eof")):
        text = f"does not speak TLS, which rediss:// asks for ({words})"
        return ServerFault("unfit", text, "REDIS_URL=redis://… leadmill up    # without the second s")
    if "closed by server" in lower or "reset by peer" in lower:
        text = f"closes the connection at once ({words}): does it want TLS?"
        return ServerFault("unfit", text, "REDIS_URL=rediss://… leadmill up    # with a second s")
    return ServerFault("away", f"does not answer: {words}", _OWN)


def _words(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
