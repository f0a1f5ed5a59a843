"""Whether Redis, the broker and the processes of the stack are well."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cli.doctor import data_files
from cli.doctor.check import DoctorCheck
from cli.failure import CommandError
from cli.local_stack import ports, redis_server
from cli.local_stack.run_dir import RunDir
from data import keys
from data.probes import WriteFault, redis_fault_at
from leadmill.errors import LeadmillError
from leadmill.places import url_of
from leadmill.redaction import is_redis, plain, shown
from leadmill.sentinel_url import names_sentinels

if TYPE_CHECKING:
    from data.jobs import Worker


def redis_answers(data_dir: Path) -> Iterator[DoctorCheck]:
    from cli.local_stack.stack import declared_redis_url
    from leadmill.settings import get_settings

    url = plain(declared_redis_url() or RunDir.of(data_dir).read("redis.url") or "")
    if not url:
        try:
            binary = redis_server.find_server()
        except CommandError as error:
            yield DoctorCheck("redis", "fail", str(error), error.hint)
            return
        if os.access(binary, os.X_OK):
            yield DoctorCheck("redis", "ok", f"none is running; leadmill up starts {binary}")
        else:
            yield DoctorCheck("redis", "fail", f"{binary} may not be run", f"chmod +x {binary}")
        return
    prefix = get_settings().key_prefix
    try:
        faults = redis_server.check(url, prefix)
    except CommandError as error:
        yield DoctorCheck("redis", "fail", str(error), error.hint)
        return
    for fault, remedy in faults:
        yield DoctorCheck("redis", "warn", f"{shown(url)} {fault}", remedy)
    if (refused := _writes_refused(url, prefix)) is not None:
        yield DoctorCheck("redis", "fail", refused.text, refused.remedy)
    elif not faults:
        yield DoctorCheck("redis", "ok", f"{shown(url)} answers, keeps an append-only file, evicts nothing")
    if names_sentinels(url):
        yield _primary(url)
    yield from _lake(data_dir, url, prefix)
    yield from data_files.newest_keys(data_dir, url, prefix)
    yield from _broker(url)
    yield from living_workers(data_dir, url, prefix)
    yield from _watched(data_dir, url, prefix)


def _primary(url: str) -> DoctorCheck:
    """Who is it just now, and what follows it."""
    from data.identity import connect
    from data.sentinels import Replicas, primary
    from leadmill.sentinel_url import SentinelUrl

    named = SentinelUrl.of(url)
    host, port = primary(named)
    with connect(url, socket_timeout=2, socket_connect_timeout=2) as client:
        replicas = Replicas.of_info(client.info("replication"))
    return DoctorCheck("primary", "ok", f"{named.master} is {host}:{port}, with {replicas.said}")


def _writes_refused(url: str, prefix: str) -> WriteFault | None:
    from leadmill.declared import KINDS

    return redis_fault_at(url, prefix, KINDS)


def _lake(data_dir: Path, url: str, prefix: str) -> Iterator[DoctorCheck]:
    """Whether folder and Redis belong together; nothing is written."""
    from data.identity import LakePair, connect

    with connect(url, socket_timeout=2, socket_connect_timeout=2) as client:
        try:
            lake = LakePair(data_dir, prefix, url).check(client.execute_command, bind=False)
        except LeadmillError as error:
            yield DoctorCheck("lake", "fail", str(error), "leadmill doctor --data FOLDER    # the folder of that lake")
            return
    yield DoctorCheck(
        "lake", "ok", f"{lake or 'a new lake'} lies in {url_of(data_dir)}, and its records in {shown(url)}"
    )


def _broker(records: str) -> Iterator[DoctorCheck]:
    """The Redis that messages go through, where it or its user is another one than that of the records."""
    from data.message_queues import MessageQueues
    from data.server import examine
    from leadmill.settings import get_settings

    settings = get_settings()
    url = settings.celery_broker_url
    if url is None or url == records or not is_redis(url):
        return
    faults = examine(url, settings.key_prefix, queues_only=True)
    for fault in faults:
        yield DoctorCheck("broker", "fail", f"Redis at {shown(url)} {fault.text}", fault.remedy)
    if faults:
        return
    with closing(MessageQueues.connect(url, settings.key_prefix, 2)) as queues:
        refused = queues.write_fault(url)
    if refused is not None:
        yield DoctorCheck("broker", "fail", refused.text, refused.remedy)
    else:
        yield DoctorCheck("broker", "ok", f"{shown(url)} answers, and takes messages")


def living_workers(data_dir: Path, url: str, prefix: str) -> Iterator[DoctorCheck]:
    """Whether living workers sign alike and are of one version, and what they threw away of what the broker gave."""
    from data.jobs import JobStore
    from pipelines.execution.thrown_away import SAME_KEY, summed_up, unsigned_among

    with closing(JobStore.connect(url, prefix, 2)) as store:
        workers = store.workers()
    if mixed := unsigned_among(worker.signs for worker in workers.values()):
        yield DoctorCheck("messages", "warn", mixed, SAME_KEY)
    yield from _versions(workers)
    if found := summed_up(worker.thrown_away for worker in workers.values()):
        text = f"workers threw away what is none of ours: {found}; somebody else writes to the broker"
        yield DoctorCheck("messages", "warn", text, f"grep 'thrown away' {RunDir.of(data_dir).path}/worker-*.log")


def _versions(workers: Mapping[str, Worker]) -> Iterator[DoctorCheck]:
    """Workers that do not know the latest form of records, by name."""
    earlier = [
        f"{name} on {worker.host} ({worker.version or '0.2.0 or earlier'})"
        for name, worker in workers.items()
        if worker.form < keys.RECORD_VERSION
    ]
    if earlier:
        text = f"workers of an earlier version are at work: {', '.join(earlier)}; what they do not know is refused"
        yield DoctorCheck("versions", "warn", text, "stop them (SIGTERM) and start this version's in their place")


def _watched(data_dir: Path, url: str, prefix: str) -> Iterator[DoctorCheck]:
    """What the stack itself would tell of its processes and of Redis' memory; the rest is looked at here anyway."""
    from data.jobs import JobStore
    from data.message_queues import MessageQueues
    from leadmill.notices import KINDS, Severity
    from leadmill.settings import get_settings
    from pipelines.notices.disk_look import DiskState
    from pipelines.notices.sight import see
    from pipelines.notices.watch import UNWRITTEN, Wrong, judge
    from pipelines.notices.watcher import sentence

    broker_url = get_settings().celery_broker_url or url
    with closing(JobStore.connect(url, prefix, 2)) as store:
        queues = MessageQueues.of(store, url, broker_url, 2)
        with closing(queues):
            verdicts = judge(see(store, queues, url, broker_url, DiskState()))
    for cause, verdict in verdicts.items():
        if isinstance(verdict, Wrong) and cause not in UNWRITTEN:
            level: Literal["warn", "fail"] = "fail" if KINDS[cause.wrong].severity is Severity.CRITICAL else "warn"
            yield DoctorCheck("watch", level, sentence(cause, verdict), verdict.remedy)


def stack(data_dir: Path, *, ask_api: bool) -> Iterator[DoctorCheck]:
    from cli.local_stack.stack import DEFAULT_API_PORT
    from cli.stack_status import living_processes
    from leadmill.client.protocol import base_of
    from leadmill.settings import get_settings

    elsewhere = get_settings().api_url
    if elsewhere:
        yield _api(base_of(elsewhere), "LEADMILL_API_URL, which commands ask: ")
    run = RunDir.of(data_dir)
    state = run.state()
    if not state:
        yield DoctorCheck("stack", "ok", "none is running on this data folder")
        if elsewhere:
            return
        taken = not ports.is_free("127.0.0.1", DEFAULT_API_PORT)
        text = f"API: {DEFAULT_API_PORT} is {'in use, another port will be taken' if taken else 'free'}"
        yield DoctorCheck("ports", "warn" if taken else "ok", text, "leadmill up --port 0" if taken else None)
        return
    living = living_processes(run)
    gone = sorted(name for name, pid in living.items() if pid is None)
    if gone:
        text = f"not alive: {', '.join(gone)}"
        yield DoctorCheck("stack", "fail", text, f"tail -50 {run.log(gone[0])}")
    else:
        yield DoctorCheck("stack", "ok", f"running: {', '.join(f'{n} {p}' for n, p in living.items())}")
    url = run.read("api.url")
    if url and url != elsewhere and ask_api:  # without its Redis it is not ready, and takes its time to say so
        yield _api(url)


def _api(url: str, whose: str = "") -> DoctorCheck:
    from leadmill.client import Client

    with Client(url, timeout=5, retries=0) as client:
        if client.is_ready():
            return DoctorCheck("api", "ok", f"{whose}{url} is ready")
    return DoctorCheck("api", "fail", f"{whose}{url} is not ready", f"curl -s {url}/readyz")
