"""GET /sign-in/oidc sends a browser to the provider; GET /sign-in/oidc/callback is where that sends it back."""

from __future__ import annotations

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from api.auditing import audited
from api.authentication import network_of
from api.context import Everything, Installation
from api.gate import SESSION
from api.oidc.attempt import ATTEMPT_S, Attempt, Attempts
from api.oidc.people import People
from api.oidc.provider import Provider
from api.rate_limit import Buckets
from api.routing import ANY_QUERY, Router
from api.session_cookie import SessionCookie
from api.sign_in import headers_of, here_only, sign_in_answer
from data.sessions import PersonSession
from leadmill.errors import InsecureSignInError, SignInFailedError, TooOftenError, UnavailableError
from leadmill.rate import Rate

CALLBACK = "/sign-in/oidc/callback"
#: Of the cookie of an attempt, behind the name of the session's.
_ATTEMPT = "attempt"
#: A code is some dozen characters; of what is longer a provider is not asked.
_MAX_CODE = 4_000
#: So often the provider is asked for somebody's code in vain, by address: on average, and right after one another.
IN_VAIN = Rate(0.2, 20)


def router_of(provider: Provider, attempts: Attempts, people: People) -> Router:
    """The two calls for one provider."""
    router = Router(include_in_schema=False)
    in_vain = Buckets(IN_VAIN)

    @router.get("/sign-in/oidc", role=None)
    async def sign_in_by_provider(request: Request, here: Everything, next: str = "/") -> Response:
        try:
            cookie = here.sessions.cookies.given_on_return(headers_of(request)).beside(_ATTEMPT)
            attempt = attempts.begin(here_only(next))
            address = await run_in_threadpool(provider.address, attempt, _redirect_uri(here, request))
        except (InsecureSignInError, UnavailableError) as error:
            return sign_in_answer(request, here, next, error)
        return _sent(address, cookie.holding(attempt.cookie, ATTEMPT_S))

    @router.get(CALLBACK, role=None, openapi_extra={ANY_QUERY: True})
    async def sign_in(request: Request, here: Everything) -> Response:
        request.scope["leadmill.caller"] = None  # a session that the browser still has says nothing of this one
        onward = "/"
        try:
            session_cookie = here.sessions.cookies.given_on_return(headers_of(request))
            cookie = session_cookie.beside(_ATTEMPT)
            attempt = attempts.returned(cookie.value_in(headers_of(request)), _one(request, "state"))
            onward = attempt.onward
            person = await run_in_threadpool(_person, request, here, attempt)
            caller = people.caller(person, request.client.host if request.client else "")
            await here.rates.check(caller)
            session_id = await run_in_threadpool(here.sessions.begin, person)
        except (InsecureSignInError, SignInFailedError, TooOftenError, UnavailableError) as error:
            audited(request, code=error.code)
            return sign_in_answer(request, here, onward, error)
        before: str | None = request.scope.get(SESSION)
        if before is not None:
            await run_in_threadpool(here.sessions.end, before)
        request.scope["leadmill.caller"] = caller
        audited(request, id=f"{person.subject} at {person.issuer}")
        return _signed_in(onward, session_cookie, cookie, session_id)

    def _person(request: Request, here: Installation, attempt: Attempt) -> PersonSession:
        """Who comes back, and may come in; that uses up the attempt."""
        provider.check_sender(_one(request, "iss"))
        code = _one(request, "code")
        if code is None or not 0 < len(code) <= _MAX_CODE:
            raise SignInFailedError(
                "the identity provider did not let you in, or you went back: sign in again", code="sign_in_refused"
            )
        # A place is taken before the provider is asked, and given back: many at once are not more than the burst.
        place = network_of(request.client.host if request.client else "")
        if not (taken := in_vain.take(place)).allowed:
            raise TooOftenError(
                "too many attempts to sign in came to nothing from this address: sign in by a key, or later",
                code="too_many_attempts",
                free_in_s=taken.free_in_s,
            )
        claims = provider.claims(code, attempt, _redirect_uri(here, request))
        in_vain.give_back(place)
        person = people.session(claims)
        if not here.sessions.use_once(attempt.digest, ATTEMPT_S):
            raise SignInFailedError("this attempt was used before: sign in again", code="sign_in_expired", status=400)
        if people.role_of(person) is None:
            raise SignInFailedError(
                f"the identity provider knows you as {person.name}, but nothing it says of you gives you a role here: "
                "ask whoever administers this installation for one (LEADMILL_OIDC_ROLES)",
                code="role_missing",
                status=403,
            )
        return person

    return router


def _one(request: Request, name: str) -> str | None:
    """What the query says by this name; None: nothing, or more than one thing."""
    found = request.query_params.getlist(name)
    return found[0] if len(found) == 1 else None


def _redirect_uri(here: Installation, request: Request) -> str:
    """Where the provider sends the browser back: on this machine to where it was, for the gate knows that host."""
    base = here.settings.public_url or f"http://{headers_of(request).get(b'host', b'').decode('latin-1')}"
    return f"{base}{CALLBACK}"


def _sent(address: str, cookie: str) -> Response:
    return RedirectResponse(address, 303, {"Set-Cookie": cookie})


def _signed_in(onward: str, session: SessionCookie, attempt: SessionCookie, session_id: str) -> Response:
    answer = RedirectResponse(onward, 303, {"Set-Cookie": session.holding(session_id)})
    answer.headers.append("Set-Cookie", attempt.cleared())
    return answer
