"""Names of Redis' keys as Python asks for them, each behind the prefix (`Settings.key_prefix`); the script in
data/jobs/lua has them too. What each holds is said in data/jobs/__init__.py, of schedules in data/schedules.py.

Every project has keys of its own, but for those that all projects share (`OF_ALL`). Those of the default project stand
right behind the prefix, those of another one behind `p:<project>:`. So whoever asks for a project finds nothing of
another one.
"""

from __future__ import annotations

from collections.abc import Iterable

from leadmill.access import DEFAULT_PROJECT, checked
from leadmill.stages import Queue


def scope(project: str) -> str:
    """What stands in front of the names of a project's own keys.

    Raises:
        ValueError: not the name of a project.
    """
    return "" if project == DEFAULT_PROJECT else f"p:{checked(project)}:"


# ---- of one job


def record(job_id: str) -> str:
    return f"job:{job_id}"


def document(job_id: str) -> str:
    return f"doc:{job_id}"


def units(job_id: str) -> str:
    return f"units:{job_id}"


def planned_again(job_id: str) -> str:
    return f"todo:{job_id}"


def events(job_id: str) -> str:
    return f"ev:{job_id}"


def log(job_id: str) -> str:
    return f"log:{job_id}"


# ---- of many

#: Begins the name of every index.
INDEX = "idx:"


def index(name: str) -> str:
    """Of jobs: `s:<status>`, `k:<kind>` or `t:<tag>`."""
    return f"{INDEX}{name}"


def of_status(status: str) -> str:
    return index(f"s:{status}")


def of_kind(kind: str) -> str:
    return index(f"k:{kind}")


def durations(kind: str) -> str:
    return f"hist:{kind}"


def idempotency(key: str) -> str:
    return f"idem:{key}"


def window_of(queue: str) -> str:
    """The partitions that are handed out or run at a queue (of all projects)."""
    return f"{WINDOW}:{queue}"


#: Behind the name of a queue: the lane of those jobs that wait for it and need no further one.
ONLY_LANE = ".only"


def turns(queue: str) -> str:
    """Whose jobs wait for room at a queue (or in its second lane): `<priority>:<project>` (of all projects)."""
    return f"turns:{queue}"


def ring(queue: str, priority: int) -> str:
    """A project's jobs that wait for room at a queue (or in its second lane), by what each had."""
    return f"ring:{queue}:{priority}"


def used(day: int) -> str:
    """What a project has used of its quotas on a day (days since 1970, UTC)."""
    return f"used:{day}"


def rate(name: str) -> str:
    """A token bucket of requests (data/shared_buckets.py)."""
    return f"rate:{name}"


def session(digest: str) -> str:
    """Of a browser that is signed in (data/sessions.py)."""
    return f"session:{digest}"


def sessions_of(owner: str) -> str:
    return f"sessions:{owner}"


def sign_in(digest: str) -> str:
    """That an attempt to sign in by a provider has been used."""
    return f"signin:{digest}"


def notices_log(channel: str) -> str:
    """What became of the last deliveries to a channel."""
    return f"notices_log:{channel}"


def told(digest: str) -> str:
    """Whether a critical event that comes again and again was told lately."""
    return f"told:{digest}"


#: Domains that are not asked.
BLOCKS = "blocks"

DUE, DEAD, ASIDE = "due", "dead", "aside"


def member(job_id: str, unit: str) -> str:
    """How the sets `due` and `dead` name a unit."""
    return f"{job_id}|{unit}"


def job_and_unit(member: str) -> tuple[str, str]:
    """The job and the unit that such a name is of."""
    job_id, _, unit = member.partition("|")
    return job_id, unit


#: When each worker was last seen, and what it says of itself. One not seen for so long is dead (ms).
WORKERS, WORKER = "workers", "worker"
GONE_MS = 10_000
#: How many partitions may be at each queue at a time.
WINDOW = "window"
#: For how long partitions lately held their place at their first queue, ms (data/jobs/turns.py).
HELD = "held"
#: Hand-out numbers given, and the highest begun; looks at those (`data.jobs.begun`).
HANDED, BEGUN, LOOKS = "seq", "mark", "flow"
ENDED, CRITICAL, CLAIMED = "ended", "critical", "claimed"
#: Stream of a project's jobs as they came to another status (data/jobs/moves.py).
MOVES = "moves"
#: What was ever counted of a project's work, and of requests to the API (data/jobs/metrics.py).
METRICS, API_METRICS = "metrics", "api_metrics"
LAKE, LAKE_PLACE, GENERATION = "lake", "lake_place", "generation"
#: Where a server may become the primary in another's place: the line of writes that records are on
#: (data/jobs/timeline.py), and when somebody last waited until a replica had what was written.
TIMELINE, DURABLE = "timeline", "durable"
#: The latest form that records, units and messages behind the prefix have; and the form that this version writes, and
#: reads up to. It grows when a version writes what the one before cannot read. 0.1.0 has form 1, and wrote no such key.
RECORD_VERSION_KEY = "record_version"
RECORD_VERSION = 3
#: The form that 0.2.0 writes, the oldest version that may work beside this one: as long as no other project than the
#: default one ever had a job, and none goes on that asks for what 0.2.0 does not know (`LATER_JOBS`).
OLDEST_BESIDE = 2
#: Jobs that go on and ask for it.
LATER_JOBS = "later_jobs"
#: The projects, but for the default one, that ever had a job; and of each of their jobs in Redis whose it is.
PROJECTS, PROJECT_OF = "projects", "project_of"
#: Never there: a write of nothing is tried on it (data/probes.py).
PROBE = "probe"
#: Stream of audit entries that are in no file yet (data/audit/stream.py).
AUDIT = "audit"
#: Notices (data/notices/): kinds that somebody listens to, notices that no deliverer has seen, how many were dropped.
NOTICES_WANTED, NOTICES, NOTICES_LOST = "notices_wanted", "notices", "notices_lost"
#: Deliveries: their bodies, in which order they are dropped, channels that are due, held, and that fail.
DELIVERIES, NOTICES_WAITING, NOTICES_DUE = "deliveries", "notices_waiting", "notices_due"
NOTICES_HELD, NOTICES_FAILING = "notices_held", "notices_failing"
#: Of API keys (data/api_keys/).
API_KEYS_VERSION, API_KEYS_USED = "api_keys_version", "api_keys_used"
#: API and beat processes that live (data/presence.py).
API_PROCESSES, BEATS = "api_processes", "beats"
#: What was told to be wrong and is (lua/operations/watched.lua).
WATCHED = "watched"
#: What all projects share.
OF_ALL = frozenset(
    {
        DUE, ASIDE, WORKERS, WORKER, HANDED, BEGUN, LOOKS, CLAIMED, LAKE, LAKE_PLACE, GENERATION, RECORD_VERSION_KEY,
        LATER_JOBS, PROJECTS, PROJECT_OF, PROBE, AUDIT, API_KEYS_VERSION, API_KEYS_USED, API_PROCESSES, NOTICES_WANTED,
        NOTICES, NOTICES_LOST, DELIVERIES, NOTICES_WAITING, NOTICES_DUE, NOTICES_HELD, NOTICES_FAILING, API_METRICS,
        BEATS, WATCHED, BLOCKS, WINDOW, HELD, TIMELINE, DURABLE, *map(window_of, Queue), *map(turns, Queue),
        *(turns(f"{queue}{ONLY_LANE}") for queue in Queue),
    }
)  # fmt: skip

# ---- of schedules

SCHEDULES, SCHEDULE_BODIES, TICKS, TICK_JOBS = "schedules", "schedule_bodies", "ticks", "tick_jobs"


def ticked(schedule: str) -> str:
    return f"ticked:{schedule}"


def shared(statuses: Iterable[str], kinds: Iterable[str] = ()) -> dict[str, str]:
    """The keys that all jobs of the default project share, and the type of each."""
    kinds = list(kinds)
    return {
        **{of_status(status): "zset" for status in statuses},
        **dict.fromkeys((DUE, DEAD, WORKERS, ASIDE, PROJECTS, NOTICES_WAITING, NOTICES_DUE), "zset"),
        **dict.fromkeys((HANDED, BEGUN, ENDED, WORKER, PROJECT_OF, NOTICES_WANTED, WINDOW), "hash"),
        **dict.fromkeys((LAKE, GENERATION, CLAIMED, RECORD_VERSION_KEY, NOTICES_LOST, TIMELINE, DURABLE), "string"),
        **dict.fromkeys((CRITICAL, AUDIT, NOTICES), "stream"),
        LOOKS: "list",
        **{of_kind(kind): "zset" for kind in kinds},
        **{durations(kind): "hash" for kind in kinds},
    }
