"""A submitted job in the caller's hand: ask, follow, wait, cancel, resume, fetch its report."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

from leadmill.answers import ErrorEntry, LogLevel, LogLine
from leadmill.client.asynchronous.leads import AsyncLeads
from leadmill.client.asynchronous.transport import AsyncTransport
from leadmill.client.errors import ApiError, ApiUnreachableError
from leadmill.client.options import ReportType
from leadmill.client.protocol import API, file_at, filled, pause_after, segment
from leadmill.client.results import ENDED, Event, Job, Json
from leadmill.errors import ErrorCode

#: Without an event stream `wait` looks at the status this often: first and longest pause, seconds.
POLL_S = (0.2, 1.0)
#: An event stream that is silent for so long is left for a look at the status, seconds.
_SILENCE_S = 5.0
#: A stream says at least that it lives more often than this, seconds.
_LOG_SILENCE_S = 30.0
#: Who waits for a job waits so long for an API, or its Redis, that starts again, seconds.
AWAY_S = 30.0


class AsyncJobHandle:
    """A job of one API; making a handle asks nothing."""

    def __init__(self, transport: AsyncTransport, job_id: str, submitted: Json | None = None) -> None:
        self._transport = transport
        self.id = job_id
        #: The answer to the submission, with `links`.
        self.submitted: Json = submitted or {}

    @classmethod
    def of(cls, transport: AsyncTransport, accepted: Json) -> AsyncJobHandle:
        """The job that a submission was answered with."""
        return cls(transport, str(accepted["job_id"]), submitted=accepted)

    def __repr__(self) -> str:
        return f"AsyncJobHandle({self.id!r})"

    async def status(self) -> Job:
        return Job.of(await self._transport.json("GET", f"{API}/jobs/status/{segment(self.id)}"))

    async def events(self, *, after: str | None = None, silence_s: float = 60.0) -> AsyncIterator[Event]:
        """The job's events as they come, those kept since its start first, until the server ends the stream.

        Raises:
            ApiUnreachableError: no answer, or not a byte for `silence_s`.
            ApiError: no such job, or a server without event streams.
        """
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        path = f"{API}/jobs/{segment(self.id)}/events"
        async with self._transport.stream(path, headers=headers, read_timeout_s=silence_s) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise ApiError("this API has no event stream", status=501, code="no_event_stream")
            import httpx2

            async for event in httpx2.EventSource(response):
                data = event.json() if event.data else {}
                yield Event(event.id, event.event, data if isinstance(data, dict) else {"value": data})

    async def logs(
        self,
        *,
        level: LogLevel | None = None,
        stage: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """The job's own log, oldest first: warnings and errors of the processes that worked for it.

        Those as bad as `level` at least, of a `stage`, `since` a time (RFC 3339). With `follow` also those that come,
        until the job has ended; an API that is away for a moment is waited for.

        Raises:
            ApiError: no such job, or (410) cleanup has taken its record, and its log.
        """
        path = f"{API}/jobs/{segment(self.id)}/logs"
        wanted = filled({"level": level, "stage": stage, "since": since})
        if not follow:
            async for line in self._transport.pages(path, wanted, limit):
                yield cast(LogLine, line)
            return
        after, left = "", limit
        while left is None or left > 0:
            headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
            try:
                async with self._transport.stream(
                    f"{path}/events", params=wanted, headers=headers, read_timeout_s=_LOG_SILENCE_S
                ) as response:
                    import httpx2

                    async for event in httpx2.EventSource(response):
                        after = event.id or after
                        if event.event == "status":
                            return
                        if event.data:
                            yield cast(LogLine, event.json())
                            left = None if left is None else left - 1
                            if left == 0:
                                return
            except ApiError as error:
                if pause_after(error) is False:
                    raise
                await self._status_past_outage(AWAY_S)  # whether it is away, or the stream was cut
            await asyncio.sleep(POLL_S[1])

    def errors(self, *, code: ErrorCode | None = None, limit: int | None = None) -> AsyncIterator[ErrorEntry]:
        """The companies and pages that failed, each with category and reason; those with a `code` alone, if given."""
        found = self._transport.pages(f"{API}/jobs/{segment(self.id)}/errors", {"code": code}, limit)
        return cast(AsyncIterator[ErrorEntry], found)

    async def report(
        self,
        format: str = "html",
        path: str | os.PathLike[str] | None = None,
        *,
        type: ReportType | None = None,
        layout: str | None = None,
        bom: bool | None = None,
        partial: bool = False,
        on_wait: Callable[[str], object] = lambda job_id: None,
    ) -> Path:
        """Save the report and return where; a folder (default: this one) gets `<job id>.<format>`.

        In the form that the job was asked for, as far as no other is named: `type`, `layout`, and for CSV `bom` (if
        it begins with a byte-order mark). A large one in another form is made by a job: `on_wait` is called with that
        one's id, then it is waited for.

        Raises:
            ApiError: not ended, no such form, its rows are gone, or cancelled (`partial=True` takes what there is).
            OSError: the place cannot be written.
        """
        named = {"type": type, "layout": layout, "bom": None if bom is None else str(bom).lower()}
        params = filled({"format": format, **named})
        if partial:
            params["partial"] = "true"
        target = file_at(path, f"{self.id}.{format}")
        source = f"{API}/jobs/{segment(self.id)}/report"
        while made_by := await self._transport.download(source, target, params=params):
            on_wait(made_by)
            await AsyncJobHandle(self._transport, made_by).wait()
        return target

    def leads(self, *, partial: bool = False) -> AsyncLeads:
        """The companies with a good row, best first: iterate, or `.df()`, `.arrow()` (see `AsyncLeads`).

        `partial`: also of a job that is under way or was cancelled, what there is.
        """
        return AsyncLeads(self, partial=partial)

    async def cancel(self) -> None:
        """Ask the job to end; nothing of it runs 2 seconds later."""
        await self._transport.request("DELETE", f"{API}/jobs/cancel/{segment(self.id)}")

    async def resume(self) -> AsyncJobHandle:
        """Hand out again what is not done of a job that failed, was cancelled or is incomplete."""
        return self.of(self._transport, await self._transport.submit(f"/jobs/{segment(self.id)}/resume"))

    async def replay(self) -> AsyncJobHandle:
        """Resume the job of a dead letter."""
        return self.of(self._transport, await self._transport.submit(f"/jobs/{segment(self.id)}/replay"))

    async def wait(self, timeout: float | None = None) -> Job:
        """Return the job once it has ended, however it ended; an API that is away for a moment is waited for.

        Raises:
            TimeoutError: not ended after `timeout` seconds.
            ApiError: no such job.
        """
        until = None if timeout is None else time.monotonic() + timeout
        follow, after, pause_s = True, None, POLL_S[0]
        while True:
            job = await self._status_past_outage(AWAY_S if until is None else until - time.monotonic())
            if job.ended:
                return job
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"{self.id} has not ended after {timeout:g} s: {job.progress.message or job.status}")
            if follow:
                follow, after = await self._follow(after, _SILENCE_S if left is None else min(_SILENCE_S, left))
            else:
                await asyncio.sleep(pause_s if left is None else min(pause_s, left))
                pause_s = min(pause_s * 1.5, POLL_S[1])

    async def _status_past_outage(self, longest_s: float) -> Job:
        """The status, asked for again so long, and `AWAY_S` at most, while the API is away; a client without retries
        asks once.
        """
        until = time.monotonic() + min(longest_s, AWAY_S)
        while True:
            try:
                return await self.status()
            except ApiError as error:
                if not self._transport.retries or pause_after(error) is False or time.monotonic() > until:
                    raise
            await asyncio.sleep(POLL_S[1])

    async def _follow(self, after: str | None, longest_s: float) -> tuple[bool, str | None]:
        """Read events until one tells of the end or `longest_s` are over; False: there is no stream."""
        until = time.monotonic() + longest_s
        try:
            async for event in self.events(after=after, silence_s=longest_s):
                after = event.id or after
                if event.data.get("status") in ENDED or time.monotonic() > until:
                    return True, after
        except ApiUnreachableError:
            await asyncio.sleep(POLL_S[0])  # silent or cut: the status tells
            return True, after
        except ApiError:
            return False, after
        await asyncio.sleep(POLL_S[0])  # the server ended the stream before the job
        return True, after
