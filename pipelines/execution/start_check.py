"""Checked before a process begins to work: can this Redis hold job records, and are they this lake's?"""

from __future__ import annotations

from collections.abc import Callable

from data.identity import place_of
from data.jobs import JobStore
from data.mounts import storage_at
from data.server import TIMEOUT_S, ServerFault, examine
from leadmill.errors import ConfigError, ForeignLakeError, UnavailableError
from leadmill.redaction import is_redis, shown
from leadmill.settings import Settings


class UnfitServerError(ConfigError):
    """The named Redis cannot hold job records; `remedy` is a command to paste."""

    code = "unfit_job_store"

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def check_start(settings: Settings, say: Callable[[str], None]) -> list[ServerFault]:
    """Refuse a server that cannot work or is another lake's; the risks of one that can.

    A server that does not answer is told by `say`, and may be waited for. What answers gets this lake's id.

    Raises:
        UnfitServerError: a replica, a cluster, too old, a wrong password …
        ConfigError: the lake lies in a bucket that keeps none: it does not answer, or enforces no conditions.
        ForeignLakeError: the records there belong to another lake.
    """
    storage_at(settings.data_dir).check()
    found = _examine(settings.redis_url, settings.key_prefix)
    if is_redis(settings.broker_url) and settings.broker_url != settings.redis_url:
        found += _examine(settings.broker_url, settings.key_prefix, queues_only=True)
    for fault in found:
        if fault.kind == "unfit":
            raise UnfitServerError(fault.text, fault.remedy)
    away = [fault for fault in found if fault.kind == "away"]
    for fault in away:
        say(f"{fault.text}; waiting for it. Try: {fault.remedy}")
    if not away:
        try:
            bind(settings)
        except ForeignLakeError:
            raise
        except UnavailableError as error:
            say(f"{error}; waiting for it")
    return [fault for fault in found if fault.kind == "risk"]


def bind(settings: Settings) -> None:
    """Make folder and store a pair, or find that they belong to others; the store notes where the folder lies now.

    Raises:
        ForeignLakeError: they belong to others.
        UnavailableError: the store does not answer, or the folder cannot be written.
    """
    store = JobStore.connect(settings.redis_url, settings.key_prefix, TIMEOUT_S, lake=settings.data_dir)
    try:
        store.note_place(place_of(settings.data_dir))
    finally:
        store.close()


def _examine(url: str, prefix: str, *, queues_only: bool = False) -> list[ServerFault]:
    where, faults = f"Redis at {shown(url)}", examine(url, prefix, queues_only=queues_only)
    return [ServerFault(fault.kind, f"{where} {fault.text}", fault.remedy) for fault in faults]
