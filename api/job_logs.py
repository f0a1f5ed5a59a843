"""GET /jobs/{id}/logs: a job's own log, page by page; GET /jobs/{id}/logs/events: the same as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api import problems
from api.context import Context, Here
from api.event_hub import Viewer, order
from api.event_stream import ENTRY_ID, HEARTBEAT_S, Follower, last_event_id, seat
from api.fields import Time
from api.routing import Router
from data.jobs import TERMINAL
from data.jobs.event_feed import Event, log_of, stream_of
from leadmill import answers
from leadmill.access import Role
from leadmill.answers.logs import LogLevel
from leadmill.errors import GoneError, InputError
from leadmill.log_text import text
from pipelines.intake import control
from pipelines.views.cursors import REFUSED
from pipelines.views.job_log import LEVELS, MAX_PAGE, Wanted, line_of, page
from pipelines.views.view import links

router = Router("/jobs", "jobs")

#: What a job's processes log of its end comes so soon after it, seconds.
_AFTERWORD_S = 1.0
_PAGE = 500


def _wanted(
    level: Annotated[LogLevel, Query(description="This level and worse")] = "warning",
    stage: Annotated[str | None, Query(min_length=1, max_length=60, description="`scrape`, `launch` …")] = None,
    since: Annotated[Time | None, Query(description="At or after, like 2027-01-31T08:00:00Z")] = None,
) -> Wanted:
    return Wanted(level, stage, since)


def _job_with_log(job_id: str, here: Here) -> str:
    if control.known(here.store, here.lake, job_id).archived:
        kept = links(job_id, api=here.api)
        raise GoneError(
            f"the log of job {job_id} went with its record, when cleanup took that out of Redis; its errors are kept",
            [kept["errors"]],
        )
    return job_id


JobWithLog = Annotated[str, Depends(_job_with_log)]
WantedLines = Annotated[Wanted, Depends(_wanted)]


@router.get(
    "/{job_id}/logs",
    role=Role.VIEWER,
    response_model=answers.LogPage,
    summary="A job's own log: warnings and errors of the processes that worked for it",
    responses={**problems.refusals(410), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    description="As lines of text where the request accepts `text/plain` alone.",
)
def logs(
    request: Request,
    job_id: JobWithLog,
    here: Here,
    wanted: WantedLines,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    if cursor is not None and not ENTRY_ID.match(cursor):
        raise InputError(REFUSED, field="cursor")
    found = page(here.store, job_id, wanted, limit, cursor or "0")
    accepts = request.headers.get("accept", "")
    if "text/plain" in accepts and "json" not in accepts:
        return PlainTextResponse("".join(f"{text(line)}\n" for line in found["items"]))
    return JSONResponse(found)


@router.get(
    "/{job_id}/logs/events",
    role=Role.VIEWER,
    response_class=EventSourceResponse,
    summary="Follow a job's own log by Server-Sent Events",
    responses=problems.refusals(410, 429),
    description="429 or 503 with Retry-After when too many streams are open already.",
    dependencies=[Depends(seat)],
)
async def log_events(
    request: Request,
    job_id: JobWithLog,
    after: Annotated[str, Depends(last_event_id)],
    here: Here,
    wanted: WantedLines,
) -> AsyncIterator[ServerSentEvent]:
    """Lines, each an event named by its level; those kept since the job's start first. At its end `status`."""
    follower = LogFollower(here, job_id, after, wanted)
    still = request.scope["leadmill.still"]
    now = await run_in_threadpool(here.store.now_ms)
    with (
        here.hub.watch(log_of(here.store, job_id), after, still) as viewer,
        here.hub.watch(stream_of(here.store, job_id), f"{now}-0", still, viewer),
    ):
        async for event in follower.past():
            yield event
        async for event in follower.live(viewer):
            yield event


@router.head(
    "/{job_id}/logs/events",
    role=Role.VIEWER,
    include_in_schema=False,
    dependencies=[Depends(_job_with_log), Depends(last_event_id), Depends(_wanted)],
)
def log_events_head() -> Response:
    """No stream is opened for its headers alone."""
    return Response(media_type=EventSourceResponse.media_type)


class LogFollower(Follower):
    """The same of a job's own log; its viewer sees the job's events, too, which tell of the end."""

    def __init__(self, here: Context, job_id: str, after: str, wanted: Wanted) -> None:
        super().__init__(here, job_id, after)
        self._wanted = wanted

    async def past(self) -> AsyncIterator[ServerSentEvent]:
        """What the store keeps behind the last line told."""
        while entries := await run_in_threadpool(self._here.store.lines, self._job_id, self._seen, _PAGE):
            for entry in entries:
                if told := self._line(entry):
                    yield told

    async def live(self, viewer: Viewer) -> AsyncIterator[ServerSentEvent]:
        """Lines as they come, a comment when none does."""
        over = await self._is_over()
        while not over and self._goes_on():
            try:
                entry = await asyncio.wait_for(viewer.entries.get(), HEARTBEAT_S)
            except TimeoutError:
                yield ServerSentEvent(comment="alive")
                continue
            if entry is None:
                return
            if entry[1] in LEVELS:
                if order(entry[0]) > order(self._seen) and (told := self._line(entry)):
                    yield told
            elif entry[1] == "status" and entry[2].get("status") in TERMINAL:
                await asyncio.sleep(_AFTERWORD_S)
                over = True
        if over:
            async for event in self._rest():
                yield event

    def _line(self, entry: Event) -> ServerSentEvent | None:
        self._seen = entry[0]
        line = line_of(*entry)
        return ServerSentEvent(event=line["level"], data=line, id=entry[0]) if self._wanted.fits(line) else None
