"""The deliverer's process beside a worker: started once the claim says that nobody empties the outbox."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from leadmill.log import get_logger
from leadmill.settings import get_settings

log = get_logger(__name__)

#: One that died is started again at most so often, seconds.
AGAIN_S = 2.0
#: A process that is asked to end is waited for so long, seconds.
_END_S = 4.0


class DelivererProcess:
    """At most one process. Used by the reconciler's thread alone, but for `stop`, behind its end."""

    def __init__(self) -> None:
        self._may = get_settings().workers_deliver
        self._process: subprocess.Popen[bytes] | None = None
        self._started = -AGAIN_S

    def look(self, *, wanted: bool) -> None:
        """See to one that has ended; start one if it is wanted and may be."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._process = None
            if code:
                log.warning("deliverer ended", exit_code=code)
        if wanted and self._may and self._process is None and time.monotonic() - self._started >= AGAIN_S:
            self._started = time.monotonic()
            command = [sys.executable, "-P", "-m", "pipelines.notices.process", str(os.getpid())]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            log.info("deliverer started", child_pid=self._process.pid)

    def stop(self) -> None:
        """End it with the worker."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
