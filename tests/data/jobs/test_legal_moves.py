"""Which moves there are: every pair of statuses, of a job and of a unit; and each operation from every status.

What is not allowed is refused before anything is written.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from data.jobs import TERMINAL, TRANSITIONS, UNIT_TRANSITIONS, JobStore, Status, UnitStatus, script
from data.jobs.stored_names import UNIT_FIELDS
from tests.data.jobs.acting import FAILING, JOB, begin, contents, launched

#: An operation that makes one move and nothing else, with other things noted before it.
TRY = """
local function operation()
  local job = load(args.job)
  event('unit', {})
  set(job, 'pages', 99)
  if args.unit then
    move(job, args.unit, get_unit(args.unit), args.to)
    put_unit(args.unit, get_unit(args.unit))
  else
    set_status(job, args.to)
  end
  return { ok = true }
end
"""


def attempt(store: JobStore, **arguments: Any) -> dict[str, Any]:
    answer = store.redis.eval(script.around(TRY), 1, store.prefix, "try", json.dumps({"job": JOB, **arguments}), "")
    found: dict[str, Any] = json.loads(str(answer))
    return found


def make_job(store: JobStore, status: Status) -> None:
    """A job that stands at a status, whatever led there."""
    launched(store)
    before = store.redis.hget(store.key(f"job:{JOB}"), "status")
    store.redis.hset(store.key(f"job:{JOB}"), mapping={"status": status, "finished": 1, "took": 1, "bucket": 1})
    store.redis.zrem(store.key(f"idx:s:{before}"), JOB)
    store.redis.zadd(store.key(f"idx:s:{status}"), {JOB: 1})


def make_unit(store: JobStore, status: UnitStatus) -> None:
    """A partition of a running job that stands at a status."""
    launched(store)
    grant = begin(store, "p0")
    state = store.units(JOB)["p0"] | {UNIT_FIELDS["status"]: status.value, UNIT_FIELDS["owner"]: grant.owner}
    store.redis.hset(store.key(f"units:{JOB}"), "p0", json.dumps(state))


@pytest.mark.parametrize(("before", "after"), list(itertools.product(Status, Status)))
def test_a_job_moves_where_it_may(store: JobStore, before: Status, after: Status) -> None:
    make_job(store, before)
    held = contents(store)
    answer = attempt(store, to=after)
    if after in TRANSITIONS[before] or after == before:
        assert answer.get("ok"), answer
        assert store.redis.hget(store.key(f"job:{JOB}"), "status") == after
        assert store.redis.zscore(store.key(f"idx:s:{after}"), JOB) is not None
    else:
        assert (answer["no"], answer["illegal"]) == ("illegal", f"{before}>{after}")
        assert contents(store) == held


@pytest.mark.parametrize(("before", "after"), list(itertools.product(UnitStatus, UnitStatus)))
def test_a_unit_moves_where_it_may(store: JobStore, before: UnitStatus, after: UnitStatus) -> None:
    make_unit(store, before)
    held = contents(store)
    answer = attempt(store, unit="p0", to=after)
    if after in UNIT_TRANSITIONS[before]:
        assert answer.get("ok"), answer
        assert store.units(JOB)["p0"][UNIT_FIELDS["status"]] == after
    else:
        assert (answer["no"], answer["illegal"]) == ("illegal", f"{before}>{after}")
        assert contents(store) == held


#: Operations about one unit, and from which of its statuses they begin.
ABOUT_UNITS: dict[str, tuple[frozenset[UnitStatus], dict[str, Any]]] = {
    # A repeated begin of the same owner is answered as the first one was.
    "begin": (frozenset({UnitStatus.HANDED, UnitStatus.RUNNING}), {"epoch": 1, "index": 0}),
    "renew": (frozenset({UnitStatus.RUNNING}), {}),
    "commit": (frozenset({UnitStatus.RUNNING}), {"epoch": 1, "index": 0}),
    "fail": (frozenset({UnitStatus.RUNNING}), {"max": 3, **FAILING}),
    "release": (frozenset({UnitStatus.RUNNING}), {}),
    "died": (frozenset({UnitStatus.RUNNING}), {"error": "killed"}),
    "refuse": (frozenset({UnitStatus.HANDED}), {"error": "x"}),
}


@pytest.mark.parametrize("status", UnitStatus)
@pytest.mark.parametrize("operation", ABOUT_UNITS)
def test_an_operation_begins_from_the_statuses_it_is_for(store: JobStore, operation: str, status: UnitStatus) -> None:
    beginning, arguments = ABOUT_UNITS[operation]
    make_unit(store, status)
    held = contents(store)
    answer = store.call(operation, job=JOB, unit="p0", owner="a:1", **arguments)
    if status in beginning:
        assert answer.refused is None
        after = UnitStatus(store.units(JOB)["p0"][UNIT_FIELDS["status"]])
        assert after == status or after in UNIT_TRANSITIONS[status]
    else:
        assert answer.refused == "stale"
        assert contents(store) == held


#: Operations about a whole job, and from which of its statuses they begin.
ABOUT_JOBS = {"cancel": frozenset(Status) - TERMINAL, "resume": TERMINAL, "forget": TERMINAL}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("operation", ABOUT_JOBS)
def test_so_does_one_about_a_job(store: JobStore, operation: str, status: Status) -> None:
    make_job(store, status)
    held = contents(store)
    answer = store.call(operation, job=JOB)
    if status in ABOUT_JOBS[operation]:
        assert answer.refused is None
    else:
        assert answer.refused == status
        assert contents(store) == held


def test_every_status_has_its_moves_and_a_terminal_one_is_left_by_a_resume_only() -> None:
    assert set(TRANSITIONS) == set(Status) and set(UNIT_TRANSITIONS) == set(UnitStatus)
    for status in TERMINAL:
        assert TRANSITIONS[status] == {Status.PENDING}
