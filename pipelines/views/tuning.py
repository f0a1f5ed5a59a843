"""What bounds the work of a running stack now, in words: rules over what was measured of it for a few seconds.

Nothing is asked here; `cli.tuning` measures. What each rule advises is measured in docs/tuning.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pipelines.queues import Queue

#: Shares: of a machine's cores, or of the one that a single process can have.
BUSY, IDLE = 0.85, 0.7
#: Share of its memory from which on Redis is nearly full.
NEARLY_FULL = 0.8


@dataclass(frozen=True)
class QueueLoad:
    """What a queue has to do."""

    queue: str
    #: Units that are handed out and not begun: the fewest, and units that run: the mean of all looks.
    waiting: int
    running: float
    #: Processes that listen.
    processes: int
    #: For how long those that began meanwhile had waited, seconds (mean); None: none began.
    waited_s: float | None = None

    @property
    def is_full(self) -> bool:
        """Whether work waits though every process has some."""
        return self.waiting > 0 and self.running >= self.processes - 0.5


@dataclass(frozen=True)
class RedisLoad:
    """The job store's server."""

    #: Share of a core that it took.
    cpu: float
    memory_bytes: int
    #: None: it has no limit.
    max_bytes: int | None
    #: `always`, `everysec`, `no`; None: it keeps no append-only file, or does not tell.
    fsync: str | None
    #: Writes that had to wait for the disk meanwhile.
    delayed_writes: int


@dataclass(frozen=True)
class Measured:
    """What was seen of a stack. CPU and memory are those of this machine alone."""

    seconds: float
    cores: int
    #: Share of the cores that were busy, with whatever.
    cpu: float
    #: Of that, what workers and API processes of this machine took.
    own_cpu: float
    queues: Sequence[QueueLoad]
    server: RedisLoad
    #: Companies of the partitions that are fetched now.
    hosts: int
    #: Units that wait for their time: a retry, or `run_at`.
    timed: int
    #: Share of a core that each API process of this machine took.
    api_cpu: Sequence[float]
    #: MB that each process of the workers of this machine holds.
    process_mb: Sequence[int]
    max_memory_mb: int
    #: Units that were set aside because they took more memory than a task may.
    over_memory: int
    #: Names of other machines with workers.
    elsewhere: Sequence[str]

    def as_dict(self) -> dict[str, Any]:
        """It as JSON can say it."""
        return asdict(self)


@dataclass(frozen=True)
class Bound:
    """One thing that bounds the work, and what would move it."""

    #: processes, network, cpu, hosts, api, redis, memory
    of: str
    text: str
    remedy: str

    def as_dict(self) -> Mapping[str, str]:
        """It as JSON can say it."""
        return asdict(self)


def bounds(seen: Measured) -> list[Bound]:
    """What bounds it, what is worst first; empty: nothing does."""
    return [bound for rule in (_queues, _hosts, _cpu, _redis, _api, _memory) for bound in rule(seen)]


def _queues(seen: Measured) -> Iterator[Bound]:
    for load in seen.queues:
        if load.waiting and not load.processes:
            text = f"{load.queue} has {_units(load.waiting)} waiting and no process that listens"
            yield Bound("processes", text, f"leadmill worker -Q {load.queue}")
        elif load.is_full:
            yield _full(seen, load)


def _full(seen: Measured, load: QueueLoad) -> Bound:
    text = (
        f"{load.queue} has {_units(load.waiting)} waiting and {round(load.running)} of {load.processes} processes busy"
    )
    if load.waited_s is not None:
        text += f"; what began meanwhile had waited {load.waited_s:.1f} s"
    if seen.cpu >= BUSY:
        return Bound("cpu", f"{text}; {_cores(seen)}", _elsewhere(seen, f"leadmill worker -Q {load.queue}"))
    more = f"leadmill worker -Q {load.queue} -c {max(2, load.processes)}    # more processes, here or elsewhere"
    if load.queue == Queue.SCRAPING and seen.cpu < IDLE:
        return Bound("network", f"{text}; {_cores(seen)}: crawls wait on the network", more)
    return Bound("processes", f"{text}; {_cores(seen)}", more)


def _hosts(seen: Measured) -> Iterator[Bound]:
    scraping = next((load for load in seen.queues if load.queue == Queue.SCRAPING), None)
    if scraping is None or not scraping.running or scraping.waiting or scraping.running >= scraping.processes - 0.5:
        return
    text = (
        f"politeness: all work is of {_plural(seen.hosts, 'host')}, and nothing waits for a process "
        f"({scraping.running:.1f} of {scraping.processes} busy)"
    )
    yield Bound("hosts", text, "more companies a job, or less of each: crawl.max_pages, crawl.deadline_s")


def _cpu(seen: Measured) -> Iterator[Bound]:
    if seen.cpu >= BUSY and any(load.running for load in seen.queues) and not any(q.is_full for q in seen.queues):
        yield Bound("cpu", f"{_cores(seen)}: more processes here would share them", _elsewhere(seen, "leadmill worker"))


def _elsewhere(seen: Measured, command: str) -> str:
    if seen.own_cpu < seen.cpu / 2:
        return f"top    # something else takes this machine; or on another one: {command}"
    return f"{command}    # on another machine, with the same REDIS_URL and data folder"


def _redis(seen: Measured) -> Iterator[Bound]:
    server = seen.server
    if server.cpu >= BUSY:
        text = f"Redis takes {server.cpu:.0%} of the one core that it can have"
        yield Bound("redis", text, "larger partitions (fewer, larger jobs), a faster core, or a second stack")
    if server.delayed_writes:
        text = f"Redis waited {_plural(server.delayed_writes, 'time')} for its disk in {seen.seconds:.0f} s"
        yield Bound("redis", text, "a faster disk, or one that nothing else writes to")
    if server.fsync == "always" and any(load.running for load in seen.queues):
        text = "Redis waits for its disk at every write (appendfsync always)"
        yield Bound("redis", text, "redis-cli CONFIG SET appendfsync everysec    # a power cut may cost a second")
    if server.max_bytes and server.memory_bytes >= NEARLY_FULL * server.max_bytes:
        text = f"Redis holds {server.memory_bytes / 1e6:.0f} of {server.max_bytes / 1e6:.0f} MB"
        yield Bound("redis", text, "leadmill maintenance cleanup --older-than-days 30    # or raise its maxmemory")


def _api(seen: Measured) -> Iterator[Bound]:
    busiest = max(seen.api_cpu, default=0.0)
    if busiest >= BUSY:
        text = f"an API process takes {busiest:.0%} of the one core that it can have"
        yield Bound("api", text, "a second API process on another port, behind a proxy")


def _memory(seen: Measured) -> Iterator[Bound]:
    large = sum(held > seen.max_memory_mb for held in seen.process_mb)
    if large:
        text = (
            f"memory limit hit by {large} of {len(seen.process_mb)} processes (LEADMILL_MAX_MEMORY_MB, "
            f"{seen.max_memory_mb} MB): each is replaced after its task"
        )
        yield Bound("memory", text, f"LEADMILL_MAX_MEMORY_MB={max(seen.process_mb) * 3 // 2}")
    if seen.over_memory:
        text = f"{_units(seen.over_memory)} set aside over LEADMILL_TASK_MEMORY_LIMIT_MB"
        yield Bound("memory", text, "raise it as far as the machine has memory for all processes, then resume the jobs")


def nothing(seen: Measured) -> str:
    """What is said where nothing bounds it."""
    if waiting := sum(load.waiting for load in seen.queues):
        return f"nothing: {_units(waiting)} on the way to processes that are free, and {_cores(seen)}"
    if any(load.running for load in seen.queues):
        return f"nothing: no work waits for a process, and {_cores(seen)}"
    if seen.timed:
        return f"nothing: {_units(seen.timed)} to be done later (a retry, or run_at)"
    return "nothing: no work waits"


def _cores(seen: Measured) -> str:
    busy = f"{'is' if seen.cores == 1 else 'are'} {seen.cpu:.0%} busy, {seen.own_cpu:.0%} by this stack"
    return f"this machine's {_plural(seen.cores, 'core')} {busy}"


def _units(number: int) -> str:
    return _plural(number, "unit")


def _plural(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
