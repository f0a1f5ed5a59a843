"""A submitted job in the caller's hand: ask, follow, wait, fetch its report."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from leadmill.client.results import ENDED, Event, Job, Json
from leadmill.client.transport import ApiError, ApiUnreachableError

if TYPE_CHECKING:
    from leadmill.client import Client

#: Without an event stream `wait` looks at the status this often: first and longest pause, seconds.
POLL_S = (0.2, 1.0)
#: An event stream that is silent for so long is left for a look at the status, seconds.
_SILENCE_S = 5.0


class JobHandle:
    """A job of one API; making a handle asks nothing."""

    def __init__(self, client: Client, job_id: str, submitted: Json | None = None) -> None:
        self._client = client
        self.id = job_id
        #: The answer to the submission, with `links`.
        self.submitted: Json = submitted or {}

    def __repr__(self) -> str:
        return f"JobHandle({self.id!r})"

    def status(self) -> Job:
        return self._client.status(self.id)

    def events(self, *, after: str | None = None) -> Iterator[Event]:
        return self._client.events(self.id, after=after)

    def errors(self, *, limit: int | None = None) -> Iterator[Json]:
        return self._client.errors(self.id, limit=limit)

    def report(
        self,
        format: str = "html",
        path: str | os.PathLike[str] | None = None,
        *,
        partial: bool = False,
    ) -> Path:
        return self._client.download_report(self.id, format, path, partial=partial)

    def cancel(self) -> None:
        self._client.cancel(self.id)

    def resume(self) -> JobHandle:
        return self._client.resume(self.id)

    def wait(self, timeout: float | None = None) -> Job:
        """Return the job once it has ended, however it ended; an API that is away for a moment is waited for.

        Raises:
            TimeoutError: not ended after `timeout` seconds.
            ApiError: no such job.
        """
        until = None if timeout is None else time.monotonic() + timeout
        follow, after, pause_s = True, None, POLL_S[0]
        while True:
            job = self.status()
            if job.ended:
                return job
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"{self.id} has not ended after {timeout:g} s: {job.progress.message or job.status}")
            if follow:
                follow, after = self._follow(after, _SILENCE_S if left is None else min(_SILENCE_S, left))
            else:
                time.sleep(pause_s if left is None else min(pause_s, left))
                pause_s = min(pause_s * 1.5, POLL_S[1])

    def _follow(self, after: str | None, longest_s: float) -> tuple[bool, str | None]:
        """Read events until one tells of the end or `longest_s` are over; False: there is no stream."""
        until = time.monotonic() + longest_s
        try:
            for event in self._client.events(self.id, after=after, silence_s=longest_s):
                after = event.id or after
                if event.data.get("status") in ENDED or time.monotonic() > until:
                    return True, after
        except ApiUnreachableError:
            time.sleep(POLL_S[0])  # silent or cut: the status tells
            return True, after
        except ApiError:
            return False, after
        time.sleep(POLL_S[0])  # the server ended the stream before the job
        return True, after
