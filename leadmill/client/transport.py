# Made by `make client` from leadmill/client/asynchronous/transport.py: edit that.
"""Sends requests: one connection pool to one API, retries with Retry-After, pages, streams."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadmill.client.errors import ApiError, ApiUnreachableError, error_of
from leadmill.client.protocol import (
    API,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    PAGE,
    base_of,
    filled,
    is_loopback,
    own_traceparent,
    pause_after,
    stamina,
    submission,
    unfinished,
)

if TYPE_CHECKING:
    import httpx2


#: What OpenSSL says of an answer that is no TLS.
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")


class Transport:
    """One connection pool to one API. `retries` is the number of further tries after the first."""

    def __init__(self, base_url: str, *, timeout_s: float, retries: int, headers: Mapping[str, str]) -> None:
        import httpx2

        self.base_url = base_of(base_url)
        self.retries = retries
        self._timeout_s = timeout_s
        self._http = httpx2.Client(
            base_url=self.base_url,
            timeout=self.timeout_of(),
            headers={"User-Agent": "leadmill-client", **headers},
            trust_env=not is_loopback(self.base_url),
        )

    def close(self) -> None:
        self._http.close()

    def timeout_of(self, least_s: float = 0) -> httpx2.Timeout:
        """What a request may take, where it is to have so many seconds at least."""
        import httpx2

        return httpx2.Timeout(max(self._timeout_s, least_s), connect=min(self._timeout_s, 5.0))

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
            if not safe or not self.retries or pause_after(error) is False:
                raise
            first = error
        for attempt in stamina().retry_context(
            pause_after,
            attempts=1 + self.retries,
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

        if method != "GET" and (traceparent := own_traceparent()) is not None:
            options = {**options, "headers": {**(options.get("headers") or {}), "traceparent": traceparent}}
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
        """POST once, however often it has to be sent (`protocol.submission`).

        Raises:
            ApiError: as `json`.
            OSError: the CSV cannot be read.
        """
        return dict(self.json("POST", API + path, **submission(content, key=key, csv=csv, params=params)))

    def pages(self, path: str, filters: Mapping[str, Any], limit: int | None) -> Iterator[dict[str, Any]]:
        """The entries of a list, page after page; `limit` ends it early."""
        left = limit
        params = filled(filters)
        while left is None or left > 0:
            params["limit"] = PAGE if left is None else min(PAGE, left)
            page = self.json("GET", path, params=params)
            items = page["items"] if left is None else page["items"][:left]
            for item in items:
                yield item
            left = None if left is None else left - len(items)
            if not page.get("next_cursor"):
                return
            params["cursor"] = page["next_cursor"]

    def download(self, path: str, target: Path, *, params: Mapping[str, Any], least_s: float = 0) -> str | None:
        """Save what a GET answers as `target`, whole or not at all.

        Returns None, or (202) the id of the job that makes it; then nothing is saved yet. `least_s`: the answer may
        take so long, seconds, whatever the client's timeout.

        Raises:
            ApiError: as `stream`.
            OSError: the place cannot be written.
        """
        read_timeout_s = max(self._timeout_s, least_s)
        with self.stream(path, params=params, read_timeout_s=read_timeout_s) as response:
            if response.status_code == 202:
                response.read()
                return str(response.json()["job_id"])
            with unfinished(target) as file:
                for chunk in response.iter_bytes():
                    file.write(chunk)  # a disk is fast enough not to make an event loop wait
        return None

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
        text = str(error) or type(error).__name__
        if any(said in text for said in _NO_TLS):
            text = f"what listens there speaks no TLS; is it http{self.base_url.removeprefix('https')} ?"
        failure = ApiUnreachableError(f"no answer from {self.base_url}: {text}")
        failure.__cause__ = error
        return failure
