"""GET /jobs/{id}/events: a job's events as Server-Sent Events, resumable by Last-Event-ID.

A stream ends after the event that ends its job, when the server shuts down, and after an hour; a browser
then comes back by itself with the id of the last event it saw.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import problems
from api.context import Context, Here
from api.event_hub import Viewer, order
from api.routing import Router
from data.jobs import TERMINAL, JobRecord
from data.jobs.event_feed import Event, stream_of
from leadmill.access import DEFAULT_PROJECT, Caller, Role
from leadmill.errors import InputError
from pipelines.intake.control import existing

router = Router("/jobs", "jobs")

#: A silent stream says so much, seconds.
HEARTBEAT_S = 10.0
#: No stream lives longer, seconds.
MAX_AGE_S = 3_600.0
_PAGE = 500
#: An empty one says no more than none.
_EVENT_ID = r"^([0-9]{1,15}(-[0-9]{1,10})?)?$"
ENTRY_ID = re.compile(r"[0-9]{1,15}(-[0-9]{1,10})?\Z")


LastEventId = Annotated[str | None, Header(json_schema_extra={"pattern": _EVENT_ID})]


def last_event_id(last_event_id: LastEventId = None) -> str:
    """Behind which entry a stream begins."""
    if last_event_id and not ENTRY_ID.match(last_event_id):
        raise InputError("not the id of an event", field="Last-Event-ID")
    return last_event_id or "0"


async def seat(here: Here) -> AsyncIterator[None]:
    """A place among the open streams, for as long as one lasts."""
    with here.hub.seats.seat(_whose_seat(here.caller)):
        yield


def _whose_seat(caller: Caller) -> str:
    """Under which name open streams are counted: behind one address (a proxy, an office) may be several projects."""
    return caller.project if caller.project != DEFAULT_PROJECT else caller.key_id or caller.address


def _existing_job(job_id: str, here: Here) -> str:
    existing(here.store, here.lake, job_id)
    return job_id


@router.get(
    "/{job_id}/events",
    role=Role.VIEWER,
    response_class=EventSourceResponse,
    summary="Follow a job by Server-Sent Events",
    responses=problems.refusals(429),
    description="429 or 503 with Retry-After when too many streams are open already.",
    dependencies=[Depends(seat)],
)
async def events(
    request: Request,
    job_id: Annotated[str, Depends(_existing_job)],
    after: Annotated[str, Depends(last_event_id)],
    here: Here,
) -> AsyncIterator[ServerSentEvent]:
    """Events `status`, `stage`, `unit` and `progress`; those kept since the job's start first."""
    follower = Follower(here, job_id, after)
    with here.hub.watch(stream_of(here.store, job_id), after, request.scope["leadmill.still"]) as viewer:
        # What happens from here on comes to the viewer too: reading the past now leaves no gap.
        async for event in follower.past():
            yield event
        async for event in follower.live(viewer):
            yield event


@router.head(
    "/{job_id}/events",
    role=Role.VIEWER,
    include_in_schema=False,
    dependencies=[Depends(_existing_job), Depends(last_event_id)],
)
def events_head() -> Response:
    """No stream is opened for its headers alone."""
    return Response(media_type=EventSourceResponse.media_type)


class Follower:
    """How far one stream has told its job, and whether the last thing told was the end."""

    def __init__(self, here: Context, job_id: str, after: str) -> None:
        self._here, self._job_id = here, job_id
        self._seen = after
        self._ended = False
        self._until = time.monotonic() + MAX_AGE_S

    async def past(self) -> AsyncIterator[ServerSentEvent]:
        """What the store keeps behind the last event told."""
        while entries := await run_in_threadpool(self._here.store.events, self._job_id, self._seen, _PAGE):
            for entry in entries:
                yield self._tell(entry)

    async def live(self, viewer: Viewer) -> AsyncIterator[ServerSentEvent]:
        """Events as they come, a comment when none does."""
        if not self._ended and await self._is_over():
            async for event in self._rest():
                yield event
        while not self._ended and self._goes_on():
            try:
                entry = await asyncio.wait_for(viewer.entries.get(), HEARTBEAT_S)
            except TimeoutError:
                yield ServerSentEvent(comment="alive")
                continue
            if entry is None:
                return
            if order(entry[0]) > order(self._seen):
                yield self._tell(entry)

    def _goes_on(self) -> bool:
        return not self._here.closing.is_set() and time.monotonic() < self._until

    async def _rest(self) -> AsyncIterator[ServerSentEvent]:
        """The end of a job that has ended: what is still kept of it, and its status if that is not among it."""
        async for event in self.past():
            yield event
        if not self._ended:
            self._ended = True
            record = await self._record()
            yield ServerSentEvent(event="status", data={"status": record and record.status}, id=self._seen)

    async def _is_over(self) -> bool:
        record = await self._record()
        return record is None or record.is_terminal

    async def _record(self) -> JobRecord | None:
        return await run_in_threadpool(self._here.store.record, self._job_id)

    def _tell(self, entry: Event) -> ServerSentEvent:
        self._seen = entry[0]
        self._ended = entry[1] == "status" and entry[2].get("status") in TERMINAL
        return ServerSentEvent(event=entry[1], data=entry[2], id=entry[0])
