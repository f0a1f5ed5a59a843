"""GET /ui/jobs/{id}: one job: how far it is, what it waits for, what failed and why, what came of it."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import Response

from api.context import Here
from api.jobs import told
from api.page import page
from api.routing import Router
from leadmill.access import Role
from pipelines.intake import control
from pipelines.intake.bulk import Action, refusal

router = Router(include_in_schema=False)


@router.get("/ui/jobs/{job_id}", role=Role.VIEWER)
def job(job_id: str, request: Request, here: Here) -> Response:
    record = control.known(here.store, here.lake, job_id)
    shown = told(here, [record])[0]
    return page(
        request,
        "pages/job.html",
        job=shown,
        name=record.tags[0] if record.tags else record.kind,
        archived=record.archived,
        possible=[action for action in Action if not record.archived and refusal(action, record) is None],
    )
