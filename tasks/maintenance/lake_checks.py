"""Health of the lake's files: whether any was found damaged and has not been made again."""

from __future__ import annotations

from collections.abc import Iterable

from data.damage import damages
from data.lake import Lake
from tasks.maintenance.health_check import HealthCheck

_NAMED = 3


def check_damaged(lake: Lake) -> Iterable[HealthCheck]:
    """Damaged files that lie in the lake, with what makes their rows again."""
    found = damages(lake)
    if not found:
        yield HealthCheck("damaged files", "ok", "none was met")
        return
    named = ", ".join(f"{one.file} ({one.error})" for one in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    job = next((one.job_id for one in found if one.job_id), None)
    # What no job can make again: rows compacted out of cleaned-up jobs, archived records.
    advice = f"leadmill resume {job}" if job else f"restore {found[0].file} from a backup, then remove {found[0].aside}"
    yield HealthCheck("damaged files", "fail", f"{len(found)} set aside, their rows are missing: {named}{more}", advice)
