"""How the client talks HTTP: where the API is, retries with Retry-After, problem JSON as typed errors."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from leadmill.errors import ErrorCategory, LeadmillError
from leadmill.retry_after import retry_after_s

if TYPE_CHECKING:
    import httpx2

API = "/api/v1"
#: Entries of one page of a list.
PAGE = 100
#: Answers after which the same request may succeed a moment later.
RETRY_STATUSES = frozenset({429, 502, 503, 504})
#: Pause before the second try, seconds, and what chance adds to it at most; the first doubles.
FIRST_PAUSE_S = 0.25
#: No id and no name is longer, characters.
LONGEST_ID = 200
#: No pause is longer, seconds, whatever Retry-After says.
LONGEST_PAUSE_S = 30.0


class ApiError(LeadmillError):
    """The API refused or failed. All that its problem JSON says is here."""

    category = ErrorCategory.SYSTEM

    def __init__(
        self,
        detail: str,
        *,
        status: int,
        code: str,
        field: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        problem: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        #: One sentence for a person.
        self.detail = detail
        #: The HTTP status; 0 when there was no answer.
        self.status = status
        #: The stable machine name: `not_found`, `conflict`, …
        self.code = code
        #: Where the request is wrong: `company_urls[17]`.
        self.field = field
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        #: The whole problem document.
        self.problem = dict(problem or {})

    @property
    def job_id(self) -> str | None:
        """The id of a submit that may count although its answer was lost (503)."""
        found = self.problem.get("job_id")
        return str(found) if found else None


class ApiUnreachableError(ApiError):
    """Nothing answers at the base URL, or not in time."""

    def __init__(self, detail: str, *, may_pass: bool = True) -> None:
        super().__init__(detail, status=0, code="unreachable")
        #: A second try may find an answer.
        self.may_pass = may_pass


def _pause_after(error: Exception) -> bool | timedelta:
    """Whether to send again after an error, and after what pause where the API names one (stamina's hook)."""
    if isinstance(error, ApiUnreachableError):
        return error.may_pass
    if not isinstance(error, ApiError) or error.status not in RETRY_STATUSES:
        return False
    return True if error.retry_after_s is None else timedelta(seconds=min(LONGEST_PAUSE_S, error.retry_after_s))


def _stamina() -> ModuleType:
    """The library for retries, loaded where something has failed: with what it brings it takes 60 ms."""
    others = "stamina" in sys.modules  # a program that retries by itself has said, or seen, where its lines go
    import stamina

    structlog = sys.modules.get("structlog")
    if not others and (structlog is None or not structlog.is_configured()):
        # Its line for each retry would go to the standard output, in the middle of a program's results.
        stamina.instrumentation.set_on_retry_hooks([])
    return stamina


def segment(text: str) -> str:
    """An id or a name as one segment of a path, whatever characters it has.

    Raises:
        ApiError: it is empty or so long that nothing has it (404, as the API would say).
    """
    if not text or len(text) > LONGEST_ID:
        shown = f"{text[:60]!r} …" if text else "an empty id"
        raise ApiError(f"nothing is called {shown}", status=404, code="not_found")
    quoted = quote(text, safe="", errors="replace")
    return quoted.replace(".", "%2E") if text in (".", "..") else quoted


def discover_base_url() -> str:
    """Where the API is: LEADMILL_API_HOST/PORT, else `<data>/run/api.url`, else the default."""
    from leadmill.settings import get_settings

    settings = get_settings()
    if not {"api_host", "api_port"} & settings.model_fields_set:
        try:
            if found := (settings.run_dir / "api.url").read_text().strip():
                return found
        except OSError:
            pass
    host = "127.0.0.1" if settings.api_host in ("0.0.0.0", "::") else settings.api_host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.api_port}"


class Transport:
    """One connection pool to one API. `retries` is the number of further tries after the first."""

    def __init__(self, base_url: str, *, timeout_s: float, retries: int, headers: Mapping[str, str]) -> None:
        import httpx2

        self.base_url = base_url.rstrip("/")
        self._retries = retries
        self._timeout_s = timeout_s
        loopback = urlsplit(self.base_url).hostname in ("127.0.0.1", "localhost", "::1")
        self._http = httpx2.Client(
            base_url=self.base_url,
            timeout=httpx2.Timeout(timeout_s, connect=min(timeout_s, 5.0)),
            headers={"User-Agent": "leadmill-client", **headers},
            trust_env=not loopback,  # a proxy of the environment cannot reach this machine's own API
        )

    def close(self) -> None:
        self._http.close()

    def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Send, try again where that is safe and may help, and return the good answer.

        A POST is repeated only when it carries an Idempotency-Key.

        Raises:
            ApiUnreachableError: no answer.
            ApiError: an answer of 400 or above.
        """
        safe = method in ("GET", "DELETE") or "Idempotency-Key" in (options.get("headers") or {})
        try:
            return self._send(method, path, options)
        except ApiError as error:
            if not safe or not self._retries or _pause_after(error) is False:
                raise
            first = error
        for attempt in _stamina().retry_context(
            _pause_after,
            attempts=1 + self._retries,
            timeout=None,
            wait_initial=FIRST_PAUSE_S,
            wait_max=LONGEST_PAUSE_S,
            wait_jitter=FIRST_PAUSE_S,
        ):
            with attempt:
                if attempt.num == 1:
                    raise first  # made already
                return self._send(method, path, options)
        raise first

    def _send(self, method: str, path: str, options: Mapping[str, Any]) -> httpx2.Response:
        import httpx2

        try:
            response = self._http.request(method, path, **options)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        except httpx2.InvalidURL as error:
            text = f"not a usable API URL: {self.base_url} ({error})"
            raise ApiUnreachableError(text, may_pass=False) from error
        if response.status_code >= 400:
            raise error_of(response)
        return response

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The same, decoded.

        Raises:
            ApiError: also when the answer is not JSON (something else listens there).
        """
        response = self.request(method, path, **options)
        try:
            return response.json()
        except ValueError as error:
            raise ApiError(
                f"{self.base_url} answered {path} with something that is not JSON; is it a Leadmill API?",
                status=response.status_code,
                code="not_json",
            ) from error

    def submit(
        self,
        path: str,
        content: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        csv: str | os.PathLike[str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """POST once, however often it has to be sent: with an Idempotency-Key (`key`, else a new one).

        Raises:
            ApiError: as `json`.
            OSError: the CSV cannot be read.
        """
        sent: dict[str, Any] = {"headers": {"Idempotency-Key": key or secrets.token_urlsafe(18)}, "params": params}
        if csv is not None:
            file = Path(csv)
            sent["files"] = {"file": (file.name, file.read_bytes(), "text/csv")}
            sent["data"] = {"options": json.dumps(content or {})}
        elif content is not None:
            sent["json"] = content
        return dict(self.json("POST", API + path, **sent))

    def pages(self, path: str, filters: Mapping[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
        """The entries of a list, page after page; `limit` ends it early."""
        left = limit
        params = {name: value for name, value in filters.items() if value is not None}
        while left is None or left > 0:
            params["limit"] = PAGE if left is None else min(PAGE, left)
            page = self.json("GET", path, params=params)
            items = page["items"] if left is None else page["items"][:left]
            yield from items
            left = None if left is None else left - len(items)
            if not page.get("next_cursor"):
                return
            params["cursor"] = page["next_cursor"]

    @contextmanager
    def stream(self, path: str, *, read_timeout_s: float | None = None, **options: Any) -> Iterator[httpx2.Response]:
        """A GET whose body is read bit by bit.

        Raises:
            ApiUnreachableError: no answer, or none for `read_timeout_s` while reading.
            ApiError: an answer of 400 or above.
        """
        import httpx2

        timeout = httpx2.Timeout(self._timeout_s, connect=5.0, read=read_timeout_s or self._timeout_s)
        try:
            with self._http.stream("GET", path, timeout=timeout, **options) as response:
                if response.status_code >= 400:
                    response.read()
                    raise error_of(response)
                yield response
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> ApiUnreachableError:
        failure = ApiUnreachableError(f"no answer from {self.base_url}: {str(error) or type(error).__name__}")
        failure.__cause__ = error
        return failure


def error_of(response: httpx2.Response) -> ApiError:
    """The typed error of a bad answer, whether it is problem JSON or not."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        problem = {"detail": response.text[:300].strip() or response.reason_phrase}
    detail = problem.get("detail") or problem.get("title") or f"HTTP {response.status_code}"
    return ApiError(
        detail if isinstance(detail, str) else str(detail)[:300],
        status=response.status_code,
        code=str(problem.get("code") or f"http_{response.status_code}"),
        field=problem.get("field"),
        request_id=problem.get("request_id") or response.headers.get("x-request-id"),
        retry_after_s=retry_after_s(response.headers.get("retry-after"), time.time()),
        problem=problem,
    )
