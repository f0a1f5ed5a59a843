"""GET, POST /sign-in, POST /sign-out: a browser gives an API key once, and is known by a session from then on."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException

from api.auditing import audited
from api.auditing.auditor import SHOWN_KEY
from api.authentication import CHALLENGE, begun_by, found_key, shown_id
from api.context import Everything, Installation
from api.gate import SESSION, SESSION_REFUSED
from api.page import FIRST_PAGE, on_this_host, page
from api.routing import Router
from leadmill.errors import (
    InsecureSignInError,
    KeyRefusedError,
    LeadmillError,
    TooManyGuessesError,
    TooOftenError,
    UnavailableError,
)
from leadmill.redaction import redacted

router = Router(include_in_schema=False)

#: Longest form that is read, bytes: a key and an address.
MAX_FORM = 8_192
#: Longest address that somebody is led back to, characters.
_MOST_ONWARD = 4_000


@router.get("/sign-in", role=None)
async def sign_in_page(request: Request, here: Everything, next: str = FIRST_PAGE) -> Response:
    refused: str | None = request.scope.get(SESSION_REFUSED)
    status, possible = 200, True
    if here.keyring.asks():
        try:
            here.sessions.cookies.given_to(headers_of(request))
        except (InsecureSignInError, UnavailableError) as error:
            status, refused, possible = error.status, str(error), False
    return _page(request, here, next, status, refused, possible=possible)


@router.post("/sign-in", role=None)
async def sign_in(request: Request, here: Everything) -> Response:
    form = await _form(request)
    given, onward = form.get("key", "").strip(), form.get("next", "")
    if here.keyring.is_readable and not here.keyring.asks():
        return _page(request, here, onward)
    if not given:
        return _page(request, here, onward, 422, "Give a key.")
    address = request.client.host if request.client else ""
    try:
        cookie = here.sessions.cookies.given_to(headers_of(request))
        key = found_key(here.keyring, given, address)
        await here.rates.check(key.caller(address))
        session_id = await run_in_threadpool(here.sessions.begin, begun_by(key, given))
    except (InsecureSignInError, KeyRefusedError, TooManyGuessesError, TooOftenError, UnavailableError) as error:
        request.scope["leadmill.caller"], request.scope[SHOWN_KEY] = None, shown_id(given)
        audited(request, code=error.code)
        possible = not isinstance(error, InsecureSignInError | UnavailableError)
        return _page(request, here, onward, error.status, str(error), headers=_headers_of(error), possible=possible)
    before: str | None = request.scope.get(SESSION)
    if before is not None:
        await run_in_threadpool(here.sessions.end, before)
    request.scope["leadmill.caller"] = key.caller(address)
    return _onward(here_only(onward), cookie.holding(session_id))


@router.post("/sign-out", role=None)
async def sign_out(request: Request, here: Everything) -> Response:
    session_id: str | None = request.scope.get(SESSION)
    if session_id is None:
        audited(request, code="session_ended")
        return _page(request, here, FIRST_PAGE, 400, "This browser was not signed in any more.")
    await run_in_threadpool(_end, here, session_id)
    return _onward("/sign-in", here.sessions.cookies.given_to(headers_of(request)).cleared())


def _end(here: Installation, session_id: str) -> None:
    here.sessions.end(session_id)
    here.hub.end_unwelcome()


def sign_in_answer(request: Request, here: Installation, onward: str, error: LeadmillError) -> Response:
    """The page for somebody who was not signed in by another way: it says why, and asks for a key where one may."""
    possible = not isinstance(error, InsecureSignInError)
    return _page(request, here, onward, error.status, str(error), headers=_headers_of(error), possible=possible)


def _page(
    request: Request,
    here: Installation,
    onward: str,
    status: int = 200,
    refused: str | None = None,
    headers: dict[str, str] | None = None,
    *,
    possible: bool = True,
) -> Response:
    answer = page(
        request,
        "sign_in.html",
        status,
        next=here_only(onward),
        refused=refused and redacted(refused),
        asks=here.keyring.asks(),
        possible=possible,
        provider=_provider(here),
    )
    answer.headers.update(headers or {})
    return answer


def _provider(here: Installation) -> tuple[str, str] | None:
    """The name of the provider that people may sign in by, and where that begins: at the address it sends back to."""
    issuer = here.settings.oidc_issuer
    return None if issuer is None else (urlsplit(issuer).netloc, f"{here.settings.public_url or ''}/sign-in/oidc")


def _headers_of(error: LeadmillError) -> dict[str, str]:
    if isinstance(error, TooManyGuessesError | TooOftenError | UnavailableError):
        return {"Retry-After": str(error.retry_after_s)}
    return {"WWW-Authenticate": CHALLENGE} if isinstance(error, KeyRefusedError) else {}


def _onward(address: str, cookie: str) -> Response:
    return RedirectResponse(address, 303, {"Set-Cookie": cookie})


def here_only(onward: str) -> str:
    """Where to go on: what was asked for, if it is an address on this host."""
    return on_this_host(onward) if len(onward) <= _MOST_ONWARD else FIRST_PAGE


def headers_of(request: Request) -> dict[bytes, bytes]:
    """Those of a request, by their names in lower case."""
    return dict(request.scope["headers"])


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            raise HTTPException(413, f"the form is larger than {MAX_FORM:,} bytes")
    try:
        found = parse_qs(body.decode("ascii"), max_num_fields=10)
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}
