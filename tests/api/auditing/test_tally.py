"""Refusals beyond a rate are counted, never one lost."""

from __future__ import annotations

from api.auditing.tally import IN_ALL, MAX_CALLERS, OF_ONE, Refused, Tally


def refused(address: str, status: int = 401) -> Refused:
    return Refused(None, None, address, status, "key_unknown")


def test_one_caller_has_so_many_entries_a_minute_and_the_rest_is_counted() -> None:
    tally = Tally()
    told = sum(tally.has_room(refused("10.0.0.1")) for _ in range(OF_ONE + 50))
    assert told == OF_ONE and tally.has_room(refused("10.0.0.2"))
    assert tally.take() == {refused("10.0.0.1"): 50}
    assert tally.has_room(refused("10.0.0.1")) and not tally.take(), "the next minute begins anew"


def test_many_callers_cost_no_more_memory_and_are_all_counted() -> None:
    tally = Tally()
    sent = 3 * (IN_ALL + MAX_CALLERS)
    told = sum(tally.has_room(refused(f"10.{n >> 8}.{n & 255}.1")) for n in range(sent))
    counted = tally.take()
    assert told == IN_ALL and len(counted) == MAX_CALLERS + 1
    assert sum(counted.values()) == sent - told
    assert counted[Refused(None, None, "", 401, "key_unknown")] > MAX_CALLERS
