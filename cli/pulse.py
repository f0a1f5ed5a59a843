"""A job's event stream as a pulse: it says when to look at the job again, and how long to wait at most."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from leadmill.client.errors import ApiError, ApiUnreachableError

if TYPE_CHECKING:
    from leadmill.client import Client

#: Between two looks, seconds: at least this, however fast events come, and where there is no stream just this.
LOOK_S = 0.3
#: Without an event a look comes after so long, seconds: what a job waits for may change without one.
SILENCE_S = 1.0
#: Before a stream that ended is opened again, seconds.
AGAIN_S = 0.5


class Pulse:
    """Reads the events of one job in a thread, behind the last one again when the stream was cut."""

    def __init__(self, client: Client, job_id: str) -> None:
        self._client, self._job_id = client, job_id
        self._news, self._closed = threading.Event(), threading.Event()
        self._looked = time.monotonic()
        #: False once the API turned out to have no stream for this job.
        self.streams = True

    def __enter__(self) -> Self:
        threading.Thread(target=self._run, name="job events", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()

    def wait(self) -> None:
        """Return when something has happened, or after a silence."""
        if self.streams:
            self._news.wait(SILENCE_S)
        time.sleep(max(0.0, self._looked + LOOK_S - time.monotonic()))
        self._news.clear()
        self._looked = time.monotonic()

    def _run(self) -> None:
        after: str | None = None
        while not self._closed.is_set():
            try:
                for event in self._client.events(self._job_id, after=after):
                    after = event.id or after
                    self._news.set()
                    if self._closed.is_set():
                        return
            except ApiUnreachableError:
                pass  # away or cut: the next look at the status says which
            except ApiError:
                self.streams = False
                self._news.set()
                return
            except RuntimeError:
                if not self._closed.is_set():  # else the client was closed under the stream
                    raise
            self._closed.wait(AGAIN_S)
