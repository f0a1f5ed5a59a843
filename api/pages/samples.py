"""POST /ui/samples: the click that starts a run over the sample sites."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from fastapi.responses import Response

from api.auditing import audited
from api.bodies import PipelineBody
from api.context import Here
from api.form import checked
from api.pipelines import pipeline_submission
from api.routing import Router
from api.sample_run import asked_for
from api.submitting import accept_form
from leadmill.access import Role
from leadmill.errors import ConflictError
from leadmill.sample_sites import sample_sites

router = Router(include_in_schema=False)

NOT_SERVED = "no sample sites are served beside this API: `leadmill up` does so, unless LEADMILL_HTTP_PROXY is set"


@router.post("/ui/samples", role=Role.OPERATOR)
def start(request: Request, here: Here, once: Annotated[str, Query(min_length=8, max_length=60)]) -> Response:
    sites = sample_sites(here.settings)
    if sites is None:
        raise ConflictError(NOT_SERVED)
    audited(request, action="submit_pipeline")
    return accept_form(here, pipeline_submission(checked(PipelineBody, asked_for(sites))), once)
