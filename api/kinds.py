"""POST /jobs/<route>: the call of each kind that declares one (`leadmill/kinds/`). What it finds is in `result`."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import Response

from api.bodies import Common, CompaniesBody
from api.context import Context, Here
from api.routing import Router
from api.submitting import IdempotencyHeader, accept, simple
from leadmill.access import Role
from leadmill.answers import Accepted
from leadmill.declared import KINDS
from leadmill.kinds import Kind

router = Router("/jobs")


def _add(kind: Kind) -> None:
    last = kind.word.replace("-", "_")
    router.post(
        f"/{kind.route}",
        role=Role.OPERATOR if kind.needs_companies else Role.ADMIN,
        name=kind.name if last == kind.name else f"{kind.name}_{last}",
        status_code=202,
        response_model=Accepted,
        summary=kind.summary,
        tags=["submissions" if kind.needs_companies else "maintenance"],
    )(_call(kind))


def _call(kind: Kind) -> Any:
    """The function that FastAPI calls: its parameters are the kind's options, the body and the key."""

    def submit(here: Context, body: Common | None, idempotency_key: str | None, **options: int | None) -> Response:
        companies = body.company_ids if isinstance(body, CompaniesBody) else ()
        submission = simple(kind.name, (body or Common()).common(), company_ids=companies, options=options)
        return accept(here, submission, idempotency_key)

    def parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
        return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)

    body = parameter("body", CompaniesBody) if kind.needs_companies else parameter("body", Common | None, default=None)
    options = [
        parameter(name, Annotated[int | None, Query(ge=one.low, le=one.high)], None)
        for name, one in kind.options.items()
    ]
    shown = [parameter("here", Here), *options, body, parameter("idempotency_key", IdempotencyHeader, None)]
    submit.__signature__ = inspect.Signature(shown, return_annotation=Response)  # type: ignore[attr-defined]
    return submit


for _kind in KINDS.values():
    if _kind.route:
        _add(_kind)
