"""Whether the data folder, and what it holds for all processes, can be used."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from cli.doctor.check import DoctorCheck
from cli.failure import CommandError
from cli.local_stack.run_dir import RunDir
from data.mounts import storage_at
from data.probes import DISK, disk_fault, disk_free
from leadmill.errors import LeadmillError
from leadmill.places import is_in_bucket, url_of


def data_folder(data_dir: Path) -> Iterator[DoctorCheck]:
    if (fault := disk_fault(data_dir)) is not None and fault.what != "unwritable":
        yield DoctorCheck("data folder", "fail", fault.text, fault.remedy)
        return
    try:
        RunDir.of(data_dir).prepare()
    except CommandError as error:
        yield DoctorCheck("data folder", "fail", str(error), error.hint)
        return
    free, where = disk_free(data_dir), url_of(data_dir)
    text = f"{where} is writable, {free / 1e9:.1f} GB free"
    if is_in_bucket(data_dir):
        storage_at(data_dir).check()
        text = f"{where} takes writes by their conditions; {free / 1e9:.1f} GB free where they pass through"
    if free < DISK[1]:
        yield DoctorCheck("data folder", "fail", text, "leadmill maintenance cleanup --older-than-days 7")
    elif free < DISK[0]:
        yield DoctorCheck("data folder", "warn", text, "leadmill maintenance cleanup --older-than-days 30")
    else:
        yield DoctorCheck("data folder", "ok", text)


def keys(data_dir: Path) -> Iterator[DoctorCheck]:
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


def newest_keys(data_dir: Path, url: str, prefix: str) -> Iterator[DoctorCheck]:
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


def quotas(data_dir: Path) -> Iterator[DoctorCheck]:
    from data.project_quotas import FILE, ProjectQuotas
    from leadmill.errors import QuotasUnreadableError

    try:
        ProjectQuotas(data_dir).own()
    except QuotasUnreadableError as error:
        remedy = f"mv {shlex.quote(str(data_dir / FILE))}{{,.damaged}}    # or put a good copy back"
        yield DoctorCheck("quotas", "fail", str(error), remedy)


def notices(data_dir: Path) -> Iterator[DoctorCheck]:
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
