"""What `leadmill doctor` looks at: each check gives ok, warn or fail, a sentence, and what mends it."""

from __future__ import annotations

import importlib.util
import os
import resource
import shlex
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from cli.failure import CommandError
from cli.local_stack import ports, redis_server
from cli.local_stack.run_dir import RunDir
from data.probes import DISK, WriteFault, disk_fault, disk_free, redis_fault_at
from leadmill.errors import LeadmillError
from leadmill.redaction import plain, redacted, shown

PACKAGES = ("leadmill", "data", "pipelines", "reports", "extraction", "tasks", "api", "cli")
#: Open files that a worker with a full crawl may need.
OPEN_FILES = 1_024


@dataclass(frozen=True)
class DoctorCheck:
    """One line of the doctor's report."""

    check: str
    level: Literal["ok", "warn", "fail"]
    text: str
    remedy: str | None = None

    def as_dict(self) -> dict[str, str | None]:
        return asdict(self)


def examine(data_dir: Path) -> Iterator[DoctorCheck]:
    """Every check, in an order in which the first fault is the one to mend first."""
    checks: tuple[Callable[[], Iterator[DoctorCheck]], ...] = (
        _python,
        _dependencies,
        _own_packages,
        _plugins,
        _settings,
        _secrets,
        lambda: _data_folder(data_dir),
        lambda: _keys(data_dir),
        lambda: _quotas(data_dir),
        lambda: _notices(data_dir),
        _open_files,
        lambda: _redis(data_dir),
        lambda: _stack(data_dir, ask_api="redis" not in faults),
        _proxy,
    )
    faults: set[str] = set()
    for check in checks:
        try:
            for found in check():
                if found.level == "fail":
                    faults.add(found.check)
                yield replace(found, text=redacted(found.text), remedy=found.remedy and redacted(found.remedy))
        except (OSError, LeadmillError, ValueError) as error:
            yield DoctorCheck("doctor", "fail", redacted(f"a check could not be made: {error}"))


def _python() -> Iterator[DoctorCheck]:
    found = ".".join(map(str, sys.version_info[:3]))
    yield DoctorCheck("python", "ok", f"{found} at {sys.executable}")  # an older one cannot load this module


def _dependencies() -> Iterator[DoctorCheck]:
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        wanted = metadata.requires("leadmill") or []
    except metadata.PackageNotFoundError:
        yield DoctorCheck("packages", "fail", "leadmill itself is not installed in this Python", "make setup")
        return
    faults = []
    for line in wanted:
        try:
            need = Requirement(line)
        except InvalidRequirement:
            continue
        if need.marker and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            faults.append(f"{need.name} is missing")
            continue
        if not need.specifier.contains(version, prereleases=True):
            faults.append(f"{need.name} {version} is not {need.specifier}")
    if faults:
        yield DoctorCheck("packages", "fail", "; ".join(faults), "make setup")
    else:
        yield DoctorCheck("packages", "ok", f"{len(wanted)} required packages are installed")


def _own_packages() -> Iterator[DoctorCheck]:
    home = Path(__file__).resolve().parent.parent
    foreign = []
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        place = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if place != home:
            foreign.append(f"{name} comes from {place or 'nowhere'}")
    if foreign:
        text = f"another folder stands in for ours: {'; '.join(foreign)}"
        remedy = "cd to another folder, or install Leadmill in a venv of its own"
        yield DoctorCheck("own packages", "fail", text, remedy)
    else:
        yield DoctorCheck("own packages", "ok", f"all from {home}")


def _plugins() -> Iterator[DoctorCheck]:
    from leadmill.plugins import PluginError

    try:
        from pipelines.plugin_check import check_plugins

        number = check_plugins()
    except PluginError as error:
        yield DoctorCheck("plug-ins", "fail", str(error), "leadmill doctor    # again, once it is mended or removed")
    else:
        yield DoctorCheck("plug-ins", "ok", f"{number} stages, kinds, enrichers, providers, formats, sections")


def _settings() -> Iterator[DoctorCheck]:
    from leadmill.settings import get_settings
    from pipelines.settings_check import setting_faults

    found = setting_faults(get_settings())
    for fault in found:
        yield DoctorCheck("settings", fault.level, fault.text, "leadmill doctor    # again, once it is mended")
    if not found:
        yield DoctorCheck("settings", "ok", "every variable LEADMILL_… is a setting, and every file named is there")


def _secrets() -> Iterator[DoctorCheck]:
    """Files that hold a secret are for their owner alone."""
    from leadmill.secret_files import files_given
    from leadmill.settings import secret_variables

    open_to_others = [
        (variable, file)
        for variable, file in files_given(secret_variables())
        if file.stat().st_mode & stat.S_IROTH and Path("/run/secrets") not in file.parents  # as a container gets them
    ]
    for variable, file in open_to_others:
        text = f"every user of this machine can read {variable} in {file}"
        yield DoctorCheck("secrets", "warn", text, f"chmod 600 {shlex.quote(str(file))}")


def _data_folder(data_dir: Path) -> Iterator[DoctorCheck]:
    if (fault := disk_fault(data_dir)) is not None and fault.what != "unwritable":
        yield DoctorCheck("data folder", "fail", fault.text, fault.remedy)
        return
    try:
        RunDir(data_dir / "run").prepare()
    except CommandError as error:
        yield DoctorCheck("data folder", "fail", str(error), error.hint)
        return
    free = disk_free(data_dir)
    text = f"{data_dir} is writable, {free / 1e9:.1f} GB free"
    if free < DISK[1]:
        yield DoctorCheck("data folder", "fail", text, "leadmill maintenance cleanup --older-than-days 7")
    elif free < DISK[0]:
        yield DoctorCheck("data folder", "warn", text, "leadmill maintenance cleanup --older-than-days 30")
    else:
        yield DoctorCheck("data folder", "ok", text)


def _keys(data_dir: Path) -> Iterator[DoctorCheck]:
    """Whether the API asks for keys, and what it means where it does not."""
    from api.binding import is_loopback
    from cli.connection import KEY_HINT, check_key
    from data.api_keys import FILE, KeyRegistry
    from leadmill.errors import KeysUnreadableError
    from leadmill.settings import get_settings

    settings, file, make = get_settings(), data_dir / FILE, "leadmill keys create NAME --role admin"
    try:
        table = KeyRegistry(data_dir).table()
    except KeysUnreadableError as error:
        named = shlex.quote(str(file))
        remedy = f"mv {named}{{,.damaged}} && {make}    # or put a good copy back"
        if isinstance(error.__cause__, PermissionError):
            remedy = f"sudo chown --reference={shlex.quote(str(data_dir))} {named}    # another user has written it"
        yield DoctorCheck("keys", "fail", f"{error}. So the API lets nobody in", remedy)
        return
    now = datetime.now(UTC)
    if not table.asks:
        local = is_loopback(settings.api_host) and not settings.trust_network
        who = "every user of this machine" if local else f"whoever reaches {settings.api_host}"
        text = f"no API key was ever made: {who} may do everything by the API"
        yield DoctorCheck("keys", "ok" if local else "warn", text, make)
    elif not table.administrators(now):
        yield DoctorCheck("keys", "warn", "no key may make others by the API", make)
    else:
        living = sum(key.is_living(now) for key in table.keys.values())
        text, has_one = f"the API asks for a key; there are {living} that count", settings.api_key is not None
        text = text if has_one else f"{text}, and LEADMILL_API_KEY names none: commands are refused"
        yield DoctorCheck("keys", "ok" if has_one else "warn", text, None if has_one else KEY_HINT)
    if table.asks and file.stat().st_mode & 0o077:
        text = f"other users of this machine may read {file}"
        yield DoctorCheck("keys", "warn", text, f"chmod 600 {shlex.quote(str(file))}")
    if settings.api_key is not None and settings.api_url is None:
        try:
            check_key(data_dir)
        except CommandError as error:
            yield DoctorCheck("keys", "warn", str(error), error.hint)


def _newest_keys(data_dir: Path, url: str, prefix: str) -> Iterator[DoctorCheck]:
    """Whether the key table is the one that Redis was told of last."""
    from data.api_keys import FILE, KeyNotes, KeyRegistry
    from data.jobs import JobStore

    # What else is wrong is told by the checks of the table, of Redis and of the lake.
    with suppress(LeadmillError), closing(JobStore.connect(url, prefix, 2, lake=data_dir)) as store:
        table = KeyRegistry(data_dir).table()
        if table.version < (KeyNotes(store).announced() or 0):
            what = "older than it was" if table.asks else "gone"
            text = f"the key table {data_dir / FILE} is {what}, so the API lets nobody in"
            remedy = "leadmill keys create NAME --role admin    # or put the newest one back"
            yield DoctorCheck("keys", "fail", text, remedy)


def _quotas(data_dir: Path) -> Iterator[DoctorCheck]:
    from data.project_quotas import FILE, ProjectQuotas
    from leadmill.errors import QuotasUnreadableError

    try:
        ProjectQuotas(data_dir).own()
    except QuotasUnreadableError as error:
        remedy = f"mv {shlex.quote(str(data_dir / FILE))}{{,.damaged}}    # or put a good copy back"
        yield DoctorCheck("quotas", "fail", str(error), remedy)


def _notices(data_dir: Path) -> Iterator[DoctorCheck]:
    from data.notice_channels import FILE, NoticeChannels
    from leadmill.errors import NoticesUnreadableError

    try:
        table = NoticeChannels(data_dir).table()
    except NoticesUnreadableError as error:
        remedy = f"mv {shlex.quote(str(data_dir / FILE))}{{,.damaged}}    # or put a good copy back"
        yield DoctorCheck("notices", "fail", str(error), remedy)
        return
    for project, had in table.items():
        for name, channel in had.channels.items():
            if channel.off:
                text = f"channel {name} of project {project} is switched off: {channel.off}"
                yield DoctorCheck("notices", "warn", text, f"leadmill notices channels add {name}    # its URL anew")


def _open_files() -> Iterator[DoctorCheck]:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if soft != resource.RLIM_INFINITY and soft < OPEN_FILES:
        yield DoctorCheck("open files", "warn", f"a process may open only {soft}", f"ulimit -n {OPEN_FILES * 4}")
    else:
        yield DoctorCheck("open files", "ok", "no limit" if soft == resource.RLIM_INFINITY else f"limit {soft}")


def _redis(data_dir: Path) -> Iterator[DoctorCheck]:
    from cli.local_stack.stack import declared_redis_url
    from leadmill.settings import get_settings

    url = plain(declared_redis_url() or RunDir(data_dir / "run").read("redis.url") or "")
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
    yield from _lake(data_dir, url, prefix)
    yield from _newest_keys(data_dir, url, prefix)
    yield from _broker(url)
    yield from _thrown_away(data_dir, url, prefix)
    yield from _watched(data_dir, url, prefix)


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
    yield DoctorCheck("lake", "ok", f"{lake or 'a new lake'} lies in {data_dir}, and its records in {shown(url)}")


def _broker(records: str) -> Iterator[DoctorCheck]:
    """The Redis that messages go through, where it or its user is another one than that of the records."""
    from data.message_queues import MessageQueues
    from data.server import examine
    from leadmill.settings import get_settings

    settings = get_settings()
    url = settings.celery_broker_url
    if url is None or url == records or not url.startswith(("redis://", "rediss://")):
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


def _thrown_away(data_dir: Path, url: str, prefix: str) -> Iterator[DoctorCheck]:
    """What living workers threw away of what the broker gave; nothing where there was nothing."""
    from data.jobs import JobStore
    from pipelines.execution.thrown_away import SAME_KEY, summed_up, unsigned_among

    with closing(JobStore.connect(url, prefix, 2)) as store:
        workers = store.workers().values()
    if mixed := unsigned_among(worker.signs for worker in workers):
        yield DoctorCheck("messages", "warn", mixed, SAME_KEY)
    if found := summed_up(worker.thrown_away for worker in workers):
        text = f"workers threw away what is none of ours: {found}; somebody else writes to the broker"
        yield DoctorCheck("messages", "warn", text, f"grep 'thrown away' {data_dir}/run/worker-*.log")


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


def _stack(data_dir: Path, *, ask_api: bool) -> Iterator[DoctorCheck]:
    from cli.local_stack.stack import DEFAULT_API_PORT
    from cli.stack_status import living_processes
    from leadmill.client.protocol import base_of
    from leadmill.settings import get_settings

    elsewhere = get_settings().api_url
    if elsewhere:
        yield _api(base_of(elsewhere), "LEADMILL_API_URL, which commands ask: ")
    run = RunDir(data_dir / "run")
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


def _proxy() -> Iterator[DoctorCheck]:
    import socket

    from leadmill.settings import get_settings

    proxy = get_settings().http_proxy
    if not proxy:
        return
    parts = urlsplit(proxy)
    shown = f"{parts.hostname}:{parts.port or 80}"
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=3):
            yield DoctorCheck("proxy", "ok", f"LEADMILL_HTTP_PROXY {shown} accepts connections")
    except OSError as error:
        text = f"LEADMILL_HTTP_PROXY {shown} does not answer ({error.strerror or error})"
        yield DoctorCheck("proxy", "fail", text, "unset LEADMILL_HTTP_PROXY")
