"""GET, POST /keys, DELETE /keys/{id}, POST /keys/{id}/rotate: API keys, for admins.

An admin of the default project sees and makes keys of all projects; one of another project those of its own.
"""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictInt

from api import problems
from api.auditing import audited
from api.bodies import Body
from api.context import Everything, Installation, Who
from api.fields import Time
from api.routing import Router
from data.api_keys import ApiKey, listed
from leadmill import answers
from leadmill.access import Caller, Role
from leadmill.errors import ForbiddenError, LeadmillError
from leadmill.log import get_logger

log = get_logger(__name__)

router = Router("/keys", "keys")

Network = Annotated[str, Field(min_length=1, max_length=50)]


class KeyBody(Body):
    """A key to make."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    role: Role
    project: Annotated[str, Field(max_length=40, description="Default: that of the caller")] | None = None
    expires_at: Annotated[Time | None, Field(description="When it ends by itself; default: never")] = None
    networks: Annotated[
        tuple[Network, ...],
        Field(max_length=20, description="From where it may be used, like 10.1.0.0/16; default: from everywhere"),
    ] = ()


class RotateBody(Body):
    """How a key gets its new secret."""

    grace_s: Annotated[
        StrictInt,
        Field(ge=0, le=2_592_000, description="So long, in seconds, the old secret counts beside the new one"),
    ] = 0


@router.get("", role=Role.ADMIN, response_model=answers.ApiKeyPage, summary="API keys, revoked ones too")
def list_keys(here: Everything, who: Who) -> Response:
    return JSONResponse({"items": told(here, who), "next_cursor": None})


@router.post(
    "",
    role=Role.ADMIN,
    status_code=201,
    response_model=answers.NewApiKey,
    responses=problems.refusals(409),
    summary="Make an API key; the answer shows it this once",
)
def create_key(body: KeyBody, here: Everything, who: Who, request: Request) -> Response:
    made = create(here, who, request, body)
    return JSONResponse(made, 201, headers={"Location": f"{here.api}/keys"})


@router.delete(
    "/{key_id}",
    role=Role.ADMIN,
    status_code=204,
    response_class=Response,
    responses=problems.refusals(409),
    summary="Revoke an API key, for good",
)
def revoke_key(key_id: str, here: Everything, who: Who) -> Response:
    revoke(here, who, key_id)
    return Response(status_code=204)


@router.post(
    "/{key_id}/rotate",
    role=Role.ADMIN,
    response_model=answers.NewApiKey,
    responses=problems.refusals(409),
    summary="Give an API key a new secret; the answer shows it this once",
)
def rotate_key(key_id: str, here: Everything, who: Who, body: RotateBody | None = None) -> Response:
    return JSONResponse(rotate(here, who, key_id, body or RotateBody()))


def told(here: Installation, who: Caller) -> list[answers.ApiKey]:
    """The keys that a caller has to do with, by project and name.

    Raises:
        UnavailableError: the table cannot be read.
    """
    used = _last_used(here)
    return [_shown(one, used) for one in listed(here.api_keys.table(), _project(who))]


def create(here: Installation, who: Caller, request: Request, body: KeyBody) -> answers.NewApiKey:
    """Make a key, and say it in the audit; its secret is kept nowhere.

    Raises:
        ForbiddenError: of another project than the caller administers.
        ConflictError: a living key has that name; there are too many; the first one must be an admin of `default`.
        InputError: a field is wrong.
        StorageError, UnavailableError: the table cannot be read or written.
    """
    project = body.project or who.project
    if _project(who) not in (None, project):
        raise ForbiddenError(f"{who.name!r} administers the project {who.project}, not {project}")
    made, secret = here.api_keys.create(
        body.name, body.role, project, expires_at=body.expires_at, networks=body.networks, by_api=True
    )
    here.keyring.look()
    audited(request, id=made.id)
    return {**_shown(made, {}), "key": secret}


def rotate(here: Installation, who: Caller, key_id: str, body: RotateBody) -> answers.NewApiKey:
    """Another secret for a key; it is kept nowhere.

    Raises:
        NotFoundError: there is none that the caller has to do with.
        ConflictError: it counts no more.
        StorageError, UnavailableError: the table cannot be read or written.
    """
    rotated, secret = here.api_keys.rotate(key_id, body.grace_s, _project(who))
    here.keyring.look()
    return {**_shown(rotated, _last_used(here)), "key": secret}


def revoke(here: Installation, who: Caller, key_id: str) -> None:
    """End a key, for good.

    Raises:
        NotFoundError: there is none that the caller has to do with.
        ConflictError: it is the last that administers the installation.
        StorageError, UnavailableError: the table cannot be read or written.
    """
    here.api_keys.revoke(key_id, _project(who), by_api=True)
    here.keyring.look()


def _project(who: Caller) -> str | None:
    """The project whose keys a caller has to do with; None: all."""
    return None if who.administers_all else who.project


def _shown(key: ApiKey, used: dict[str, str]) -> answers.ApiKey:
    return cast("answers.ApiKey", {**key.shown(), "last_used_at": used.get(key.id)})


def _last_used(here: Installation) -> dict[str, str]:
    """When each key was used last, as far as Redis answers: keys are told, and revoked, without it."""
    try:
        return here.key_notes.last_used()
    except LeadmillError as error:
        log.debug("when keys were used last is unknown", error=str(error)[:200])
        return {}
