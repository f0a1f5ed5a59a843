"""Job records: the statuses, the moves between them, and the store that makes every move by one Lua script.

    model.py       statuses, legal moves, limits; what the store takes and gives
    record.py      what a record and a unit hold, by name
    store.py       the moves, one method each; reading.py the questions
    connection.py  the way to Redis; script.py joins the script
    lua/           the script: operations/<name>.lua is a move; core (how to decide and write), job, limits, unit shared
    hashes.py      the records of many as JSON that the server makes; newest_first.py pages over an index
    entries.py     what single entries must look like

Questions of single callers, as functions: counters.py (statistics, recount), metrics.py (what was ever counted, by
bulk_reads.py), moves.py (which jobs came to another status), begun.py (units a minute), due.py (what is
waited for), dead_units.py, unit_reading.py (units of many jobs), event_feed.py (live events), upkeep.py (housekeeping),
removed_project.py (a project's end).
restored.py makes a lost record again from what the lake knows.
Nobody else speaks to Redis about jobs, or knows a key (data/keys.py).

Keys, all behind one prefix (`Settings.key_prefix`). What a project has for itself (its jobs, indices, `dead`, `ended`,
`hist:…`, `idem:…`, `critical`, schedules) stands behind `p:<project>:` besides, but for the default project's; the due
set, the numbers of hand-outs, windows and turns, the workers and whose server it is are of all (`keys.OF_ALL`):

    job:<id>    hash of short fields (they stay in Redis' compact form): kind, status, times, counters
    doc:<id>    hash of long ones: input and spec (what was asked, JSON), result, error
    units:<id>  hash unit -> its state (JSON, see record.py); a planned partition is absent
    todo:<id>   list of partitions planned again by a resume
    ev:<id>     capped stream of events (status, stage, unit, progress)
    log:<id>    capped stream of what was logged of it as a warning or an error, for two weeks after the last line
    due         sorted set `<job>|<unit>` -> when somebody must look at it; the only timer there is. In the place of a
                unit `~` stands for the job's deadline, `+` for a job in a ring
    window      hash queue -> how many partitions may be at it: two for each living process that consumes it; `at`: when
                that was counted
    window:<queue>   set of the partitions (`<job>|<unit>`) that are handed out or run at a stage of it
    turns:<queue>    sorted set `<priority>:<project>` of those with a job in the ring -> when it is their turn: the
                priority, then what the project has had
    ring:<queue>:<priority>   sorted set of a project's jobs that wait for room -> what each has had
    held        for how long partitions lately held their place at a first queue, ms: a weighted mean (turns.py)
    idx:s:<status>, idx:k:<kind>, idx:t:<tag>   sorted sets of job ids by time of creation
    seq, mark   last hand-out number, and highest begun one, of each `<stage>:<level>`
    workers, worker   who lives (by the time last seen), and what it consumes
    ended, hist:<kind>   counters and duration histograms of ended jobs
    moves       capped stream of jobs as they came to another status, or left (moves.py)
    metrics     hash of what was ever counted of the project's work (metrics.py)
    used:<day>  hash of what a project with quotas has used of a day (days since 1970): companies, pages, upload_bytes
    idem:<key>  what an Idempotency-Key stood for, for a day
    claimed     time of the last claim
    aside       sorted set of jobs that could not be looked at (a key of another type) -> when that was told
    dead        sorted set `<job>|<unit>` -> when the unit failed for good
    projects    sorted set of the other projects that ever had a job, by when the first came
    project_of  hash: of each job in Redis that is not of the default project, whose it is
    lake, lake_place   which lake these records belong to, and where it lay (data/identity.py)
    record_version     the latest form that records, units and messages have here (data/keys.py)
    later_jobs         set of live jobs that ask for what a version before does not know, which waits for their end
    generation  made with the first record; another one than in `<data>/run/generation` means an emptied server
    timeline    the line of writes that the records are on, behind Sentinels (timeline.py)
    durable     when somebody last waited until a replica had what was written
    critical    capped stream of what an operator must see
    watched     hash: what was told to be wrong with the stack, and is -> since when (pipelines/notices/watch.py)
"""

from data.jobs.model import (
    CUT_OFF_S,
    DEADLINE_STRUCK,
    DOCUMENT,
    LIMITS,
    RECORD_STATUSES,
    RENEW_S,
    TERMINAL,
    TRANSITIONS,
    UNIT_TRANSITIONS,
    WORKER_GONE_S,
    Answer,
    Bounds,
    Grant,
    HandOut,
    NewJob,
    Status,
    UnitStatus,
    Worker,
    bucket_bounds,
)
from data.jobs.record import DamagedRecord, JobRecord, StageCounts, UnitState
from data.jobs.store import JobStore

__all__ = [
    "CUT_OFF_S",
    "DEADLINE_STRUCK",
    "DOCUMENT",
    "LIMITS",
    "RECORD_STATUSES",
    "RENEW_S",
    "TERMINAL",
    "TRANSITIONS",
    "UNIT_TRANSITIONS",
    "WORKER_GONE_S",
    "Answer",
    "Bounds",
    "DamagedRecord",
    "Grant",
    "HandOut",
    "JobRecord",
    "JobStore",
    "NewJob",
    "StageCounts",
    "Status",
    "UnitState",
    "UnitStatus",
    "Worker",
    "bucket_bounds",
]
