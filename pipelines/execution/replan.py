"""Companies of a job that are planned again: at a resume those without a good row, before the close those whose hosts
said "later". They move to partitions of their own; numbers go on, and no committed part is touched.

What a scrape left for later stands in its error rows (`deferred_until`). A company is in the partition that the plan
says: error rows of one that it has left tell of an earlier wave, and count no more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from data.damage import DamagedPartError, mend
from data.jobs import UnitStatus
from data.lake import partition_of
from data.reading import read_table
from leadmill.log import get_logger
from pipelines.committed import files_of
from pipelines.execution.unit_run import UnitRun
from pipelines.stages import partition_number

log = get_logger(__name__)

#: Companies of one partition whose hosts may be asked so long after each other wait for the last of them.
SPREAD = timedelta(seconds=30)
_UNTIL = "deferred_until"

#: How many companies a partition has, of so many.
SizeOf = Callable[[int], int]


class Deferred(NamedTuple):
    """A company whose host is not to be asked before; `partition`: whose scrape left it for later."""

    until: datetime
    host: str
    company_id: str
    partition: int


class Wait(NamedTuple):
    """What a partition of a wave waits for, as the record is told it."""

    due_ms: int
    companies: int
    hosts: int


def extend_plan(run: UnitRun, chain: Sequence[str], size_of: SizeOf) -> tuple[pa.Table, int]:
    """A resume: companies of done partitions that have no good row get new ones. The plan, and how many there are."""
    lake = run.runtime.lake
    rows = run.job.plan_table()
    planned, own = rows["partition"], pc.is_null(rows["error"])
    # A record that an earlier version restored may count fewer than were planned.
    highest = pc.max(planned.filter(own)).as_py()
    partitions = max(run.grant.partitions, 0 if highest is None else highest + 1)
    units = run.runtime.store.unit_states(run.job_id)
    done = {partition_number(unit) for unit, state in units.items() if state.status == UnitStatus.DONE}
    last = files_of(lake, run.job_id, units, run.grant.stages).valid(chain[-1])
    damaged = lake.set_damaged_aside(last)
    good = lake.good_ids(file for file in last if file not in damaged)
    in_done = pc.is_in(planned, pa.array([number for number in done if number is not None], pa.int32()))
    lacking = pc.invert(pc.is_in(rows["company_id"], pa.array(good, pa.string())))
    again = pc.and_(own, pc.and_(in_done, lacking)).combine_chunks()
    companies = again.true_count
    size = size_of(companies)
    numbers = pa.array((partitions + i // size for i in range(companies)), pa.int32())
    return _moved(rows, again, numbers), partitions + math.ceil(companies / size)


def plan_wave(run: UnitRun, size_of: SizeOf) -> tuple[pa.Table, list[Wait]]:
    """The plan in which companies whose hosts said "later" have new partitions; and these, in order.

    Raises:
        DamagedPartError: there is no plan that could be read.
    """
    rows = run.job.plan_table()
    told = list(_deferred(run))
    known = pc.is_in(rows["company_id"], pa.array([one.company_id for one in told], pa.string()))
    own = pc.and_(pc.is_null(rows["error"]), known)
    planned = rows.filter(own).select(["company_id", "partition"]).to_pydict()
    partitions = dict(zip(planned["company_id"], planned["partition"], strict=True))
    found = [one for one in told if partitions.get(one.company_id) == one.partition]
    parts = list(in_partitions(found, size_of(len(found))))
    first = run.grant.partitions
    numbers = {one.company_id: first + number for number, part in enumerate(parts) for one in part}
    again = pc.and_(own, pc.is_in(rows["company_id"], pa.array(list(numbers), pa.string()))).combine_chunks()
    moved = [numbers[company_id] for company_id in rows["company_id"].filter(again).to_pylist()]
    if parts:
        wave = run.grant.wave
        log.info("companies planned again for later", companies=len(numbers), partitions=len(parts), wave=wave)
    return _moved(rows, again, pa.array(moved, pa.int32())), [_wait(part) for part in parts]


def _moved(rows: pa.Table, again: pa.BooleanArray, numbers: pa.Int32Array) -> pa.Table:
    """The plan with other partitions for the rows that are planned again, in their order."""
    at = rows.schema.get_field_index("partition")
    replaced = pc.replace_with_mask(rows["partition"].combine_chunks(), again, numbers)
    return rows.set_column(at, rows.schema.field(at), replaced)


def _deferred(run: UnitRun) -> Iterator[Deferred]:
    """The companies that scrapes left for later; a damaged file costs those it told of."""
    for file in run.job.valid("scrape", "errors"):
        try:
            found = read_table(file)
        except DamagedPartError as error:
            log.warning("read without a damaged file", job=run.job_id, kind="errors", error=str(error))
            mend(run.runtime.lake, [file])
            continue
        if _UNTIL not in found.column_names or found[_UNTIL].null_count == found.num_rows:
            continue
        for row in found.select(["company_id", "url", "domain", _UNTIL]).to_pylist():
            if row[_UNTIL] is not None:
                yield Deferred(row[_UNTIL], _host(row), row["company_id"], partition_of(file))


def _host(row: Mapping[str, Any]) -> str:
    _, scheme, rest = str(row["url"]).partition("://")
    return (rest.partition("/")[0] if scheme else str(row["domain"])).lower().removeprefix("www.")


def in_partitions(found: Iterable[Deferred], size: int) -> Iterator[list[Deferred]]:
    """Companies by the time at which they may be asked, at most `size` together."""
    part: list[Deferred] = []
    for one in sorted(found):
        if part and (len(part) == size or one.until - part[0].until > SPREAD):
            yield part
            part = []
        part.append(one)
    if part:
        yield part


def _wait(part: Sequence[Deferred]) -> Wait:
    due_ms = int(part[-1].until.timestamp() * 1000) + 1
    return Wait(due_ms, len(part), len({one.host for one in part}))
