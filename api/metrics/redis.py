"""The Redis of the job store: whether it answers and takes writes, its memory, its clients, its files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from api.metrics.look import Look
from api.probing import Seen


def look_at_redis(look: Look, ping_s: float, info: Mapping[str, Any], seen: Seen) -> None:
    """Add what a server that answers says of itself (INFO), and whether a write on trial was taken."""
    add = look.samples.add
    add("leadmill_redis_up", 1)
    add("leadmill_redis_ping_seconds", ping_s)
    add("leadmill_redis_writable", float(seen.shown.get("redis") == "ok"))
    add("leadmill_redis_memory_used_bytes", info.get("used_memory"))
    add("leadmill_redis_memory_max_bytes", info.get("maxmemory") or None)
    add("leadmill_redis_clients", info.get("connected_clients"))
    well = (
        info.get("rdb_last_bgsave_status"),
        info.get("aof_last_write_status"),
        info.get("aof_last_bgrewrite_status"),
    )
    add("leadmill_redis_persistence_ok", float(all(state in (None, "ok") for state in well)))
    add("leadmill_redis_persistence_age_seconds", _age(info))


def _age(info: Mapping[str, Any]) -> float | None:
    """Since it last wrote what it holds: with an append-only file that goes on always."""
    if info.get("aof_enabled"):
        return 0.0 if info.get("aof_last_write_status") == "ok" else None
    if not info.get("rdb_changes_since_last_save", 0):
        return 0.0
    saved = info.get("rdb_last_save_time")
    return None if saved is None else max(0.0, time.time() - saved)
