"""A deliverer in a process of its own, beside a worker: `python -P -m pipelines.notices.process PID-OF-THE-WORKER`.

Not in the worker's main process, which forks, nor in its pool, which may be busy for minutes. It ends with its worker,
however that ends, and when nothing was due for a while.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from data.jobs import JobStore
from leadmill import log
from leadmill.settings import get_settings
from pipelines.notices.deliver import Deliverer
from pipelines.notices.rules import Rules

#: Seconds without anything due, after which it ends.
IDLE_S = 60.0


def main(worker: int) -> None:
    settings = get_settings()
    log.configure(settings, "deliverer")
    stopped = False

    def stop(*_: Any) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the worker, which ends this
    store = JobStore.connect(settings.redis_url, settings.key_prefix, lake=settings.data_dir)
    Deliverer(store, Rules(settings)).run(lambda: stopped or os.getppid() != worker, idle_s=IDLE_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
