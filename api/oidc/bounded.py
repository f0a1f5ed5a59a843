"""Asking a provider: only where it may be, not for long, and never more than fits into little memory."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2

from leadmill.errors import UnavailableError
from leadmill.log import get_logger
from leadmill.setting_forms import is_loopback_url

log = get_logger(__name__)

#: A provider has so long for an answer, and for each part of it, seconds.
ANSWER_S = 10.0
PART_S = 5.0
#: Largest answer that is read, bytes.
MAX_ANSWER = 512 * 1024
#: Most who wait for it at once: a slow provider takes no more threads than these.
MAX_WAITING = 8


class Asking:
    """JSON objects of one provider. Every call raises UnavailableError where there is none in time."""

    def __init__(self, issuer: str) -> None:
        self._on_this_machine = is_loopback_url(issuer)
        # No proxy and no file of passwords of the environment; nowhere else than where it is sent. Whose
        # certificates count the machine says, or SSL_CERT_FILE: a team's provider may have an authority of the team's.
        self._client = httpx2.Client(
            trust_env=False, follow_redirects=False, timeout=PART_S, verify=ssl.create_default_context()
        )
        self._room = threading.BoundedSemaphore(MAX_WAITING)

    def close(self) -> None:
        """Let go of its connections."""
        self._client.close()

    def may_be_at(self, url: object) -> bool:
        """Whether an address is one that may be asked, or that a browser is sent to."""
        if not isinstance(url, str) or not url.isprintable():
            return False
        try:
            scheme, host = urlsplit(url).scheme, urlsplit(url).hostname
        except ValueError:
            return False
        return bool(host) and (
            scheme == "https" or (self._on_this_machine and scheme == "http" and is_loopback_url(url))
        )

    @contextmanager
    def room(self) -> Iterator[None]:
        """One of the few places for what may wait for the provider, or for who does; without one it fails at once."""
        if not self._room.acquire(blocking=False):
            raise UnavailableError("many people sign in at this moment; try it again soon", retry_after_s=2)
        try:
            yield
        finally:
            self._room.release()

    def get(self, url: str) -> dict[str, Any]:
        status, answer = self._ask("GET", url, {}, None)
        if status != 200:
            raise self._fault(url, f"it answered {status}")
        return answer

    def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """The status, too: below 500, for a refusal has a body of its own."""
        return self._ask("POST", url, headers, dict(form))

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str], form: dict[str, str] | None
    ) -> tuple[int, dict[str, Any]]:
        if not self.may_be_at(url):
            raise self._fault(url, "its address is neither https nor on this machine")
        try:
            status, body = self._read(method, url, headers, form)
        except httpx2.HTTPError as error:
            raise self._fault(url, type(error).__name__) from error
        if status >= 500:
            raise self._fault(url, f"it answered {status}")
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise self._fault(url, f"it answered {status} with something else than a JSON object")
        return status, answer

    def _read(
        self, method: str, url: str, headers: Mapping[str, str], form: dict[str, str] | None
    ) -> tuple[int, bytes]:
        end = time.monotonic() + ANSWER_S
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        with self._client.stream(method, url, headers=sent, data=form) as answer:
            body = bytearray()
            for part in answer.iter_raw():  # as it comes: what is packed would grow
                body += part
                if len(body) > MAX_ANSWER:
                    raise self._fault(url, f"its answer is larger than {MAX_ANSWER:,} bytes")
                if time.monotonic() > end:
                    raise self._fault(url, f"its answer took longer than {ANSWER_S:g} s")
            return answer.status_code, bytes(body)

    def _fault(self, url: str, what: str) -> UnavailableError:
        log.warning("the identity provider is of no use", host=urlsplit(url).netloc[:200], error=what)
        return UnavailableError(f"the identity provider cannot be asked ({what}); sign in by a key, or later")
