"""GET /blocks, PUT, DELETE /blocks/{domain}: domains that no crawl of the installation asks.

Hosts are asked for all projects together, so the list is one: everybody sees it, an admin of the default project
changes it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from api import problems
from api.bodies import Body
from api.context import Everything, Who
from api.routing import Router
from data.hosts.blocks import MAX_REASON, BlockList
from leadmill import answers
from leadmill.access import Caller, Role
from leadmill.errors import ForbiddenError

router = Router("/blocks", "blocks")

Domain = Annotated[str, Path(max_length=300, description="A domain or a host; all below it is blocked, too")]


class BlockBody(Body):
    """Why a domain is not to be asked."""

    reason: Annotated[str, Field(max_length=MAX_REASON, description="Told in the errors of its companies")] = ""


@router.get("", role=Role.VIEWER, response_model=answers.BlockPage, summary="Domains that no crawl asks")
def list_blocks(everything: Everything) -> Response:
    items = [one._asdict() for one in BlockList(everything.store, everything.lake.data).all()]
    return JSONResponse({"items": items, "next_cursor": None})


@router.put(
    "/{domain}",
    role=Role.ADMIN,
    response_model=answers.Block,
    responses=problems.refusals(403, 409),
    summary="Let a domain be asked no more, also by jobs that run",
)
def put_block(domain: Domain, everything: Everything, who: Who, body: BlockBody | None = None) -> Response:
    _check_changes(who)
    made = BlockList(everything.store, everything.lake.data).put(domain, (body or BlockBody()).reason)
    return JSONResponse(made._asdict())


@router.delete(
    "/{domain}",
    role=Role.ADMIN,
    status_code=204,
    response_class=Response,
    responses=problems.refusals(403),
    summary="Let a domain be asked again",
)
def remove_block(domain: Domain, everything: Everything, who: Who) -> Response:
    _check_changes(who)
    BlockList(everything.store, everything.lake.data).remove(domain)
    return Response(status_code=204)


def _check_changes(who: Caller) -> None:
    if not who.administers_all:
        raise ForbiddenError("the block list is of all projects; an admin of the default project changes it")
