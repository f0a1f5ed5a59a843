"""What every request passes first: request id, host and origin checks, body limit, keys, security headers, crashes.

Plain ASGI, so that streams pass through untouched. It is built against browsers: a page of
another site must not reach an API on loopback, neither by a rebound DNS name nor by a form.
"""

from __future__ import annotations

import ipaddress
import itertools
import math
import re
import secrets
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

from anyio import BrokenResourceError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.access_log import Access, speaks
from api.auditing import Auditor
from api.auditing.auditor import SHOWN_KEY
from api.authentication import CHALLENGE, Admission, by_key, by_session, given_key, shown_id
from api.forwarded import TrustedProxies
from api.keyring import Keyring
from api.metrics.requests import RequestMeter
from api.rate_limit import RateLimit, too_many
from api.rate_limit import headers as rate_headers
from api.sessions import Sessions
from api.under_way import UnderWay
from leadmill.access import Caller
from leadmill.errors import ConfigError, KeyRefusedError, TooManyGuessesError, UnavailableError
from leadmill.hosts import AllowedHosts
from leadmill.log import begin
from leadmill.settings import Settings
from pipelines.request.inputs import MAX_UPLOAD

#: Largest body of a call that takes a file, bytes; and of every other (10,000 URLs of full length fit).
MAX_FILE_BODY = MAX_UPLOAD + 1_000_000
MAX_BODY = 24_000_000
_FILE_PATHS = ("/api/v1/pipelines", "/api/v1/pipelines/preview", "/ui/new", "/ui/new/look")
#: Most requests under way. More would only wait for a thread; event streams have a limit of their own
#: (`api.event_hub`), and whoever asks whether this process lives is always answered.
MAX_BUSY = 256
_UNCOUNTED_ENDS = ("/healthz", "/readyz", "/events")
#: What anybody may ask: whether this process is well, and no more; and to be let in, or out.
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/sign-in", "/sign-out"})
#: The same where people sign in by a provider.
PROVIDER_PATHS = frozenset({"/sign-in/oidc", "/sign-in/oidc/callback"})
#: What every page is made of, also that which asks for a key (`api.assets`).
STATIC = re.compile(r"/static/[0-9a-f]{16}/[\w.-]{1,40}")
#: In a request's scope: its id, where its caller has named it; the session that has let it in; why its session
#: has not.
NAMED = "leadmill.named_id"
SESSION, SESSION_REFUSED = "leadmill.session", "leadmill.session_refused"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: What no page of another origin may lead to either: it changes nothing, but runs what the address says. The page
#: of the same does not run it (`api.pages.sql`).
_RUNS = re.compile(r"/api/v1/sql(\.[a-z]+)?")
_SOON = {"Retry-After": "1"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
#: Stands among the first headers when a request named its host twice; no header has such a name.
_AGAIN = b":host again"
#: Sent with every answer that sets nothing else.
_HEADERS: dict[bytes, bytes] = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}


def allowed_hosts(settings: Settings) -> AllowedHosts:
    """Hosts a request may carry: this machine's own names, the address that is bound, that of `LEADMILL_PUBLIC_URL`,
    and `LEADMILL_ALLOWED_HOSTS`.

    An address that stands for all (0.0.0.0) names nobody: bound to it, the API answers to loopback names and to
    what the operator lists.

    Raises:
        ConfigError: the address that is bound is no host.
    """
    host = settings.api_host.strip("[]")
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = not host
    public = [urlsplit(settings.public_url).netloc] if settings.public_url else []
    try:
        return AllowedHosts([*settings.allowed_hosts, *public, *([] if everywhere else [host])])
    except ValueError as error:
        raise ConfigError(f"LEADMILL_API_HOST: {error}") from error


class Refusal(NamedTuple):
    """What a request is answered that comes no further; `code` as its status has it where there is none."""

    status: int
    detail: str
    code: str | None = None
    headers: Mapping[str, str] | None = None

    def answer(self, request_id: str) -> Response:
        """It as an answer."""
        return problems.problem(self.status, self.detail, code=self.code, request_id=request_id, headers=self.headers)


class SignInFirst(NamedTuple):
    """What a person is answered that opens a page and is not signed in."""

    onward: str

    def answer(self, request_id: str) -> Response:
        """The way to the page that asks for a key, and from there to what was asked for."""
        return RedirectResponse(f"/sign-in?next={quote(self.onward, safe='/')}", 303)


_CROSS_ORIGIN = Refusal(403, "refused: the request comes from a page of another origin", "cross_origin")

BUSY = Refusal(503, "too many requests are under way; send this one again", None, _SOON)
SIGNED_OUT = Refusal(401, "the key or session counts no more", "session_ended", {"WWW-Authenticate": CHALLENGE})


class Gate:
    """The middleware."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: AllowedHosts,
        public_url: str | None,
        proxies: TrustedProxies,
        keyring: Keyring,
        sessions: Sessions,
        auditor: Auditor,
        rates: RateLimit,
        meter: RequestMeter,
        under_way: UnderWay,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._public_url = public_url
        self._proxies = proxies
        self._keyring = keyring
        self._sessions = sessions
        self._open_paths = OPEN_PATHS if sessions.people is None else OPEN_PATHS | PROVIDER_PATHS
        self._auditor = auditor
        auditor.under_way = lambda: under_way.count
        self._rates, self._meter = rates, meter
        # Few names come again and again; whoever sends many different ones pays for each.
        self._is_ours = lru_cache(maxsize=256)(hosts.__contains__)
        # Random once, then counted: a system call for each request would release the interpreter's lock each time.
        self._series, self._numbers = secrets.token_hex(4), itertools.count(1)
        self._under_way = under_way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        headers, request_id = self._begin(scope)
        access = Access(scope) if speaks() else None
        started = False
        rated: list[tuple[bytes, bytes]] = []

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                took_s = time.perf_counter() - began
                self._meter.answered(scope["method"], self._auditor.route_of(scope), message["status"], took_s)
                if access is not None:
                    access.answered(message)
                present = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *((name, value) for name, value in _HEADERS.items() if name not in present),
                    *rated,
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        refusal = self._refusal(scope, headers) or await self._unknown_caller(scope, headers)
        if refusal is None and not self._is_open(scope):
            refusal, rated = await self._too_often(scope["leadmill.caller"])
        counted = not scope["path"].endswith(_UNCOUNTED_ENDS)
        if counted and self._under_way.count >= MAX_BUSY:
            refusal = refusal or BUSY
        answering = self._auditor.watching(scope, receive, send_with_headers, refused=refusal is not None)
        self._under_way.count += counted
        try:
            if refusal is not None:
                await refusal.answer(request_id)(scope, receive, answering)
            else:
                await self._app(scope, _limited(scope, receive), answering)
        except ClientDisconnect:
            problems.log.debug("client gone before its request was whole", request_id=request_id)
        except Exception as error:
            if started and _nobody_listens(error):
                problems.log.debug("client gone while events were sent", request_id=request_id)
            elif started:  # too late for another answer: the connection is cut
                problems.log.error("answer broke off", path=scope["path"], exc_info=error)
                raise
            else:
                answer = problems.of_crash(error, request_id, scope["path"])
                await answer(scope, receive, answering)
        finally:
            self._under_way.count -= counted
            if access is not None:
                access.over(self._auditor.route_of(scope))

    def _begin(self, scope: Scope) -> tuple[dict[bytes, bytes], str]:
        """The headers of a request, the first of each name, and its id."""
        if self._proxies:  # from here on it is who it comes from, for all that asks
            address = self._proxies.caller_of(scope)
            scope["client"] = address and (address, 0)
        headers = _first_headers(scope)
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        named = given if _REQUEST_ID.match(given) else None
        request_id = named or f"req_{self._series}{next(self._numbers):08x}"
        scope["leadmill.request_id"], scope[NAMED] = request_id, named
        begin(request_id=request_id)
        return headers, request_id

    def _refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> Refusal | None:
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if not self._is_ours(host):
            return Refusal(421, f"this API is not {host[:100]!r}; {self._advice()}")
        if _AGAIN in headers:
            return Refusal(400, "the request names its host more than once")
        runs = scope["method"] not in _SAFE_METHODS or _RUNS.fullmatch(scope["path"])
        if runs and _cross_origin(headers, host, self._public_url):
            return _CROSS_ORIGIN
        length = headers.get(b"content-length", b"")
        if length.isdigit() and int(length[:20]) > _limit(scope):
            return Refusal(413, _too_large(scope))
        return None

    async def _unknown_caller(self, scope: Scope, headers: dict[bytes, bytes]) -> Refusal | SignInFirst | None:
        """Put the caller into the scope, or say why it gets no further."""
        scope["leadmill.caller"] = None
        given, session_id = given_key(headers), None
        if given is None and b"cookie" in headers and self._keyring.asks():
            session_id = self._sessions.cookies.session_in(headers)
            if session_id is not None and _by_another_page(scope["method"], headers):
                return _CROSS_ORIGIN
        try:
            scope["leadmill.caller"], scope["leadmill.still"] = await self._admitted(scope, given, session_id)
        except (KeyRefusedError, UnavailableError, TooManyGuessesError) as error:
            if self._is_open(scope):
                scope[SESSION_REFUSED] = None if session_id is None else str(error)
                return None
            if isinstance(error, KeyRefusedError) and given is None and scope["method"] == "GET" and navigates(scope):
                return SignInFirst(address_as_sent(scope))
            scope[SHOWN_KEY] = shown_id(given)
            if isinstance(error, TooManyGuessesError):
                return Refusal(error.status, str(error), error.code, {"Retry-After": str(error.retry_after_s)})
            more = {"WWW-Authenticate": CHALLENGE} if isinstance(error, KeyRefusedError) else _SOON
            return Refusal(error.status, str(error), error.code, more)
        return None

    def _is_open(self, scope: Scope) -> bool:
        return scope["path"] in self._open_paths or STATIC.fullmatch(scope["path"]) is not None

    async def _admitted(self, scope: Scope, given: str | None, session_id: str | None) -> Admission:
        address = (scope.get("client") or ("",))[0]
        if session_id is None:
            return by_key(self._keyring, given, address)
        admission = await by_session(self._keyring, self._sessions, session_id, address)
        scope[SESSION] = session_id
        return admission

    async def _too_often(self, caller: Caller) -> tuple[Refusal | None, list[tuple[bytes, bytes]]]:
        """Count a request; whether it is one too many, and what its answer tells of its caller's rate."""
        counted = await self._rates.take(caller)
        if counted is None:
            return None, []
        rate, taken = counted
        told = rate_headers(rate, taken)
        if taken.allowed:
            return None, told
        return Refusal(429, too_many(rate), "rate_limited", {"Retry-After": str(math.ceil(taken.free_in_s))}), told

    def _advice(self) -> str:
        return f"it answers to {self._hosts}; further names: LEADMILL_PUBLIC_URL, LEADMILL_ALLOWED_HOSTS"


def _nobody_listens(error: Exception) -> bool:
    """Whether all that went wrong is that events were sent while the client hung up: FastAPI lets that through."""
    return isinstance(error, ExceptionGroup) and error.split(BrokenResourceError)[1] is None


def _first_headers(scope: Scope) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name not in found:
            found[name] = value
        elif name == b"host":
            found[_AGAIN] = value
    return found


def _cross_origin(headers: dict[bytes, bytes], host: str, public_url: str | None) -> bool:
    """By Fetch metadata, which no page can forge; else by Origin, where a proxy may have changed the host. Neither: not
    a browser.
    """
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    if origin is None:
        return False
    try:
        given = origin.decode("latin-1").lower()
        return given != public_url and urlsplit(given).netloc != host
    except ValueError:  # such as `http://[`
        return True


def _by_another_page(method: str, headers: dict[bytes, bytes]) -> bool:
    """Whether a request with a cookie, which a browser adds to what any page sends, may be another page's.

    A link to a page is followed from anywhere; all else has to come from a page of this very origin. Pages of other
    ports of this machine are of the same site, and their requests have the cookie.
    """
    site = headers.get(b"sec-fetch-site")
    if method in _SAFE_METHODS:
        return site not in (None, b"same-origin", b"none") and headers.get(b"sec-fetch-mode") != b"navigate"
    if site is not None:
        return site != b"same-origin"
    return b"origin" not in headers  # one that is there has been looked at before


def navigates(scope: Scope) -> bool:
    """Whether a person opens a page, or sends a form of one."""
    headers = _first_headers(scope)
    mode = headers.get(b"sec-fetch-mode")
    return headers.get(b"accept", b"").startswith(b"text/html") if mode is None else mode == b"navigate"


def address_as_sent(scope: Scope) -> str:
    """What was asked for. It may begin with two slashes, and so be another host's where it is a link."""
    path: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return b"?".join(filter(None, (path, scope["query_string"]))).decode("latin-1")


def _limit(scope: Scope) -> int:
    return MAX_FILE_BODY if scope["path"] in _FILE_PATHS else MAX_BODY


def _too_large(scope: Scope) -> str:
    return f"the body is larger than {_limit(scope) // 1_000_000} MB"


def _limited(scope: Scope, receive: Receive) -> Receive:
    """Count what comes, for bodies that do not say their length."""
    left = _limit(scope)

    async def counted() -> Message:
        nonlocal left
        message = await receive()
        if message["type"] == "http.request":
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, _too_large(scope))
        return message

    return counted
