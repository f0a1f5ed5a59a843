"""Health of Redis: does it answer, can it lose jobs, does it run full."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from data.jobs import JobStore
from data.jobs.timeline import timeline
from data.probes import FULL, Memory
from data.sentinels import Replicas
from data.server import Risk, durability_risks, replica_risks
from leadmill.errors import ForeignLakeError, StoreRefusedError, UnavailableError
from leadmill.redaction import redis_cli, shown
from leadmill.sentinel_url import names_sentinels
from tasks.maintenance.health_check import HealthCheck, State

#: A ping that takes longer is reported (seconds).
SLOW_PING_S = 0.1
#: So long it is told that another server became the primary (seconds).
FAILOVER_TOLD_S = 3_600

Info = dict[str, Any]


def check_redis(store: JobStore, url: str) -> Iterable[HealthCheck]:
    """Ping, persistence, eviction, memory and clients, from one answer to INFO."""
    tool = redis_cli(url)
    try:
        took, info = store.server_info()
    except StoreRefusedError as error:
        yield HealthCheck("redis", "warn", f"answers, but INFO is not allowed: {error}", f"{tool} ACL WHOAMI")
        return
    except ForeignLakeError as error:
        yield HealthCheck("redis", "fail", str(error), "leadmill doctor")
        return
    except UnavailableError as error:
        advice = "unset REDIS_URL && leadmill up    # starts a Redis of its own"
        yield HealthCheck("redis", "fail", f"{shown(url)}: {error}", advice)
        return
    yield _answer(info, took, tool)
    risks = {risk.of: risk for risk in durability_risks(info)}
    yield _persistence(info, risks.get("persistence"), tool)
    if (eviction := risks.get("eviction")) is None:
        yield HealthCheck("redis eviction", "ok", "nothing is evicted")
    else:
        yield HealthCheck("redis eviction", "fail", f"it {eviction.text}", f"{tool} {eviction.command}")
    yield _memory(info, tool)
    yield _clients(info, tool)
    if names_sentinels(url):
        yield _replicas(info, tool)
        yield from _failed_over(store)


def _answer(info: Info, took: float, tool: str) -> HealthCheck:
    version = info.get("valkey_version") or info.get("redis_version", "?")
    if int(info.get("loading", 0)):
        return HealthCheck("redis", "warn", f"version {version} still loads its file", f"{tool} INFO persistence")
    if took > SLOW_PING_S:
        return HealthCheck("redis", "warn", f"a ping took {took * 1000:.0f} ms", f"{tool} --latency")
    return HealthCheck("redis", "ok", f"version {version} answers in {took * 1000:.1f} ms")


def _persistence(info: Info, risk: Risk | None, tool: str) -> HealthCheck:
    name = "redis persistence"
    if risk is not None:
        return HealthCheck(name, "warn", f"it {risk.text}", f"{tool} {risk.command}")
    broken = [
        what
        for what in ("aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status")
        if info.get(what, "ok") != "ok"
    ]
    if broken:
        return HealthCheck(name, "fail", f"writing its file failed: {', '.join(broken)}", f"{tool} INFO persistence")
    return HealthCheck(name, "ok", "keeps an append-only file")


def _replicas(info: Info, tool: str) -> HealthCheck:
    """What would be lost with the primary."""
    name = "redis replicas"
    for risk in replica_risks(info):
        return HealthCheck(name, "warn", f"it {risk.text}", f"{tool} {risk.command}")
    return HealthCheck(name, "ok", Replicas.of_info(info).said)


def _failed_over(store: JobStore) -> Iterable[HealthCheck]:
    """For an hour, that another server is the primary."""
    found = timeline(store)
    if found is not None and found.was and (ago_s := (store.now_ms() - found.at_ms) / 1000) < FAILOVER_TOLD_S:
        text = f"another server is the primary since {ago_s / 60:.0f} minutes; {found.units} units were done anew"
        yield HealthCheck("redis failover", "warn", text, "leadmill doctor")


def _memory(info: Info, tool: str) -> HealthCheck:
    memory = Memory.of(info)
    state = _fullness(memory.share)
    return HealthCheck("redis memory", state, str(memory), None if state == "ok" else f"{tool} MEMORY STATS")


def _clients(info: Info, tool: str) -> HealthCheck:
    clients, limit = int(info.get("connected_clients", 0)), int(info.get("maxclients", 10_000))
    text = f"{clients} connections of at most {limit}"
    state = _fullness(clients / max(1, limit))
    return HealthCheck("redis clients", state, text, None if state == "ok" else f"{tool} CLIENT LIST")


def _fullness(share: float) -> State:
    return "fail" if share > FULL[1] else "warn" if share > FULL[0] else "ok"
