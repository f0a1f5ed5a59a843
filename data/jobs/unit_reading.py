"""Single units of many jobs, by one round trip. All units of one job: `JobStore.unit_states`."""

from __future__ import annotations

from collections.abc import Sequence

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.entries import unit_state
from data.jobs.record import UnitState
from leadmill.errors import DamagedRecordError


def states_of(store: StoreConnection, units: Sequence[tuple[str, str]]) -> list[UnitState | None]:
    """Of each (job, unit) its state; None for one that is not there, or is damaged.

    Raises:
        UnavailableError: Redis does not answer.
    """
    if not units:
        return []
    with store.redis.pipeline(transaction=False) as pipe:
        for job_id, unit in units:
            pipe.hget(store.key(keys.units(job_id)), unit)
        return [_state(text) for text in store.answers(pipe)]


def units_of(store: StoreConnection, wanted: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, UnitState]]:
    """Units of each (job, names of units; none: all of them). What is damaged is left out."""
    if not wanted:
        return []
    with store.redis.pipeline(transaction=False) as pipe:
        for job_id, names in wanted:
            key = store.key(keys.units(job_id))
            if names:
                pipe.hmget(key, list(names))
            else:
                pipe.hgetall(key)
        answers = store.answers(pipe)
    found: list[dict[str, UnitState]] = []
    for (_, names), answer in zip(wanted, answers, strict=True):
        if isinstance(answer, DamagedRecordError):
            found.append({})
            continue
        raw = dict(zip(names, answer, strict=True)) if names else answer
        found.append({name: state for name, text in raw.items() if (state := _state(text)) is not None})
    return found


def _state(text: object) -> UnitState | None:
    state = unit_state(text)
    return None if state is None else UnitState(state)
