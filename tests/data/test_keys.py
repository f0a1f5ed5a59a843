"""Which keys of Redis a project has for itself."""

from __future__ import annotations

from data import keys
from leadmill.stages import Queue

#: What a project has for itself, beside what is named by functions (of a job, an index, a key …). Whoever adds a key
#: says here, or in `keys.OF_ALL`, whose it is.
OWN = {
    keys.DEAD, keys.ENDED, keys.CRITICAL, keys.SCHEDULES, keys.SCHEDULE_BODIES, keys.TICKS, keys.TICK_JOBS,
    keys.METRICS, keys.MOVES,
}  # fmt: skip


def test_each_key_is_of_all_projects_or_of_one() -> None:
    of_queues = {name(queue) for queue in Queue for name in (keys.window_of, keys.turns)}
    of_queues |= {keys.turns(f"{queue}{keys.ONLY_LANE}") for queue in Queue}
    named = {value for name, value in vars(keys).items() if name.isupper() and isinstance(value, str)}
    assert (
        named - {keys.INDEX, keys.DEFAULT_PROJECT, keys.ONLY_LANE} | of_queues == OWN | keys.OF_ALL
        and not OWN & keys.OF_ALL
    )


def test_no_key_of_a_project_can_be_one_of_another() -> None:
    """A name has no colon, so what stands in front of it ends where it does."""
    assert keys.scope("default") == "" and keys.scope("a-1") == "p:a-1:"
    assert not [name for name in (*keys.OF_ALL, *OWN) if name.startswith("p:")]
