"""GET, POST /ui/jobs/act: cancel or resume the jobs that were selected, or all that match; first what it would do.

Both have one address, so that what is confirmed is what was shown. A form of another origin comes no further than the
gate.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.responses import Response

from api.context import Context, Here
from api.jobs import audited_bulk
from api.page import page
from api.page_address import address
from api.pages.jobs import Cursor, Wanted, asked_by
from api.routing import Router
from leadmill.access import Role
from leadmill.errors import InputError
from leadmill.ids import JOB_ID
from pipelines.intake import bulk
from pipelines.views.listing import MAX_PAGE, JobFilter

router = Router(include_in_schema=False)


@dataclass(frozen=True)
class Chosen:
    """What shall be done, and to which jobs."""

    action: bulk.Action
    #: Those that were selected; none: all that match.
    job_ids: tuple[str, ...]
    wanted: JobFilter
    cursor: str | None

    def act(self, here: Context, *, dry_run: bool) -> bulk.BulkResult:
        """Do it, or say what it would do."""
        where = here.store, here.lake, here.dispatcher.put, self.action
        if self.job_ids:
            return bulk.act_on(*where, self.job_ids, dry_run=dry_run)
        return bulk.act(*where, self.wanted, dry_run=dry_run, cursor=self.cursor)

    def address(self, cursor: str | None = None) -> str:
        """Where it is done; behind a cursor, where it goes on."""
        asked = [("action", self.action.value), *(("job", job_id) for job_id in self.job_ids)]
        asked += [] if self.job_ids else [("all", "1"), *asked_by(self.wanted).items()]
        return address("/ui/jobs/act", [*asked, ("cursor", cursor or "")])


async def _chosen(
    wanted: Wanted,
    action: bulk.Action,
    job: Annotated[list[str], Query(max_length=MAX_PAGE)] = [],  # noqa: B006
    all: Annotated[bool, Query()] = False,
    cursor: Cursor = None,
) -> Chosen:
    if all == bool(job):
        raise InputError("select jobs in the list, or take all that match", field="job")
    for job_id in job:
        if not JOB_ID.match(job_id):
            raise InputError(f"not the id of a job: {job_id[:60]!r}", field="job")
    return Chosen(action, tuple(dict.fromkeys(job)), wanted, cursor)


ChosenJobs = Annotated[Chosen, Depends(_chosen)]


@router.get("/ui/jobs/act", role=Role.OPERATOR)
def impact(request: Request, here: Here, chosen: ChosenJobs) -> Response:
    return _told(request, chosen, chosen.act(here, dry_run=True), done=False)


@router.post("/ui/jobs/act", role=Role.OPERATOR)
def act(request: Request, here: Here, chosen: ChosenJobs) -> Response:
    with audited_bulk(request, chosen.action) as results:
        results.append(found := chosen.act(here, dry_run=False))
    return _told(request, chosen, found, done=True)


def _told(request: Request, chosen: Chosen, found: bulk.BulkResult, *, done: bool) -> Response:
    reasons = Counter(refused["reason"] for refused in found.refused_jobs)
    asked = asked_by(chosen.wanted)
    return page(
        request,
        "pages/act_on_jobs.html",
        chosen=chosen,
        asked=asked,
        found=found,
        reasons=reasons.most_common(),
        done=done,
        back=address("/ui/jobs", asked),
    )
