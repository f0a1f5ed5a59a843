"""What a worker is told on its command line, by whichever command: a word that Celery would take and nothing would use
is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leadmill.errors import ConfigError
from leadmill.suggest import unknown
from pipelines.queues import Queue


def check_worker_options(options: Mapping[str, Any]) -> None:
    """Of Celery's own options those that say which queues.

    Raises:
        ConfigError: there is no such queue, or none is left.
    """
    taken = _queues("-Q", options.get("queues"))
    left_out = _queues("-X", options.get("exclude_queues"))
    if not set(taken or Queue) - set(left_out or ()):
        raise ConfigError("-X leaves out every queue: nothing would be worked on")


def _queues(option: str, given: str | Sequence[str] | None) -> list[str] | None:
    if given is None:
        return None
    known = [queue.value for queue in Queue]
    names = given.split(",") if isinstance(given, str) else list(given)
    for name in names or [""]:
        if name not in known:
            raise ConfigError(f"{option}: {unknown('queue', name, known)}")
    return names
