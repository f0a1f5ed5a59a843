"""GET, POST /ui/keys: API keys, made, given another secret and revoked by admins, as /api/v1/keys has it.

A secret stands in the answer to the form that made it and nowhere else: not in an address, and no browser keeps the
page (`no-store`, as every answer).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from api import keys as calls
from api.context import Everything, Installation, Who
from api.form import Form, Typed, by_field, checked, faults_of
from api.page import page
from api.pages import Place
from api.routing import Router
from leadmill import answers
from leadmill.access import Caller, Role
from leadmill.errors import LeadmillError, NotFoundError

router = Router(include_in_schema=False)
PLACE = Place(90, "/ui/keys", "Keys", role=Role.ADMIN, further=True)

#: What an untouched form shows: the least that a key may do.
_USUAL = Form({"role": [Role.VIEWER.value]})
#: The first key is an admin's, or nobody could make a second one.
_FIRST = Form({"role": [Role.ADMIN.value]})
#: For how long the old secret of a key may count beside the new one: seconds, words.
GRACES = ((0, "not any more"), (3_600, "an hour"), (86_400, "a day"), (604_800, "a week"))


@router.get("/ui/keys", role=Role.ADMIN)
def list_keys(request: Request, here: Everything, who: Who) -> Response:
    return _listed(request, here, who, _USUAL if here.keyring.asks() else _FIRST)


@router.post("/ui/keys", role=Role.ADMIN)
async def create_key(request: Request, here: Everything, who: Who, typed: Typed) -> Response:
    return await run_in_threadpool(_created, request, here, who, typed)


@router.get("/ui/keys/{key_id}/rotate", role=Role.ADMIN)
def ask_to_rotate_key(request: Request, here: Everything, who: Who, key_id: str) -> Response:
    return page(request, "pages/keys_act.html", act="rotate", key=_known(here, who, key_id), graces=GRACES)


@router.post("/ui/keys/{key_id}/rotate", role=Role.ADMIN)
async def rotate_key(request: Request, here: Everything, who: Who, key_id: str, typed: Typed) -> Response:
    grace = typed.text("grace_s") or "0"
    body = checked(calls.RotateBody, {"grace_s": int(grace) if re.fullmatch(r"[0-9]{1,9}", grace) else grace})
    return _told_secret(request, who, await run_in_threadpool(calls.rotate, here, who, key_id, body), is_new=False)


@router.get("/ui/keys/{key_id}/revoke", role=Role.ADMIN)
def ask_to_revoke_key(request: Request, here: Everything, who: Who, key_id: str) -> Response:
    return page(request, "pages/keys_act.html", act="revoke", key=_known(here, who, key_id), graces=())


@router.post("/ui/keys/{key_id}/revoke", role=Role.ADMIN)
def revoke_key(here: Everything, who: Who, key_id: str) -> Response:
    calls.revoke(here, who, key_id)
    return RedirectResponse("/ui/keys", 303)


def _created(request: Request, here: Installation, who: Caller, typed: Form) -> Response:
    given: dict[str, Any] = {name: typed.text(name) for name in ("name", "role")}
    given |= {name: typed.text(name) for name in ("project",) if typed.text(name)}
    given |= {"expires_at": typed.time("expires_at")} if typed.text("expires_at") else {}
    try:
        body = checked(calls.KeyBody, {**given, "networks": typed.parts("networks")})
        return _told_secret(request, who, calls.create(here, who, request, body), is_new=True)
    except LeadmillError as error:
        return _listed(request, here, who, typed, error)


def _told_secret(request: Request, who: Caller, made: answers.NewApiKey, *, is_new: bool) -> Response:
    # Whoever came without a key is asked for one from now on; whoever has rotated the own one is signed out.
    asked_now = who.key_id is None or who.key_id == made["id"]
    return page(
        request, "pages/keys_secret.html", 201 if is_new else 200, made=made, is_new=is_new, asked_now=asked_now
    )


def _listed(
    request: Request, here: Installation, who: Caller, typed: Form, error: LeadmillError | None = None
) -> Response:
    found = calls.told(here, who)
    now = datetime.now(UTC)
    return page(
        request,
        "pages/keys.html",
        200 if error is None else error.status,
        living=[one for one in found if _is_living(one, now)],
        ended=[one for one in found if not _is_living(one, now)],
        asks=here.keyring.asks(),
        sent=typed,
        faults=by_field(faults_of(error)) if error is not None else {},
        roles=[role.value for role in Role],
        administers_all=who.administers_all,
    )


def _is_living(key: answers.ApiKey, now: datetime) -> bool:
    until = key["expires_at"]
    return key["revoked_at"] is None and (until is None or now < datetime.fromisoformat(until))


def _known(here: Installation, who: Caller, key_id: str) -> answers.ApiKey:
    for one in calls.told(here, who):
        if one["id"] == key_id:
            return one
    raise NotFoundError(f"no API key {key_id[:20]!r}")
