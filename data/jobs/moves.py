"""Which jobs of a project came to another status, so that whoever keeps something of each looks at these alone."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from data import keys
from data.jobs.connection import StoreConnection
from data.jobs.model import Status
from leadmill.ids import JOB_ID

#: Instead of a status: the job left Redis.
GONE = "gone"
#: Most entries that are read at once; the script keeps some 2,000, but another program may have written there.
_MOST = 10_000


class Moves(NamedTuple):
    """What moved behind a place."""

    #: Job → the status it came to last, or `GONE`.
    of: dict[str, str]
    #: Where to read on; "": nothing is there, ask `running` for one.
    place: str
    #: False: there may have been more, for the server was emptied, or dropped what nobody had read.
    whole: bool


def running(store: StoreConnection) -> tuple[set[str], str]:
    """The project's jobs that run, and the place of the last move before they were listed.

    Where nothing has moved an entry of no job is made, so that it is noticed when that goes.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: a key is of another type.
    """
    names = keys.MOVES, keys.of_status(Status.RUNNING)
    with store.guarded(*names), store.redis.pipeline(transaction=False) as pipe:
        pipe.xrevrange(store.key(names[0]), count=1)
        pipe.zrange(store.key(names[1]), 0, -1)
        last, jobs = pipe.execute()
        place = last[0][0] if last else cast("str", store.redis.xadd(store.key(keys.MOVES), {"job": ""}))
    return {job for job in jobs if JOB_ID.match(job)}, place


def moves_behind(store: StoreConnection, place: str) -> Moves:
    """What moved since `running`, or an earlier call, told the place.

    Raises:
        UnavailableError: Redis does not answer.
        DamagedRecordError: the key is of another type.
    """
    with store.guarded(keys.MOVES):
        entries = cast("list[Any]", store.redis.xrange(store.key(keys.MOVES), place, count=_MOST))
    # The last one that was read still stands there, and none stands behind what was read now.
    whole = 0 < len(entries) < _MOST and entries[0][0] == place
    new = [fields for entry, fields in entries if entry != place]
    of = {job: str(fields.get("status")) for fields in new if JOB_ID.match(job := str(fields.get("job")))}
    return Moves(of, entries[-1][0] if entries else "", whole)
