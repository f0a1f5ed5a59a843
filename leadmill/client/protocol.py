"""What both clients say to the API and do with an answer; nothing here sends anything."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import IO, Any
from urllib.parse import quote, urlsplit

from leadmill.access import API_KEY, NO_API_KEY
from leadmill.client.errors import ApiError, ApiUnreachableError
from leadmill.errors import InputError, QuotaError
from leadmill.tracing import is_traceparent

API = "/api/v1"
#: Entries of one page of a list.
PAGE = 100
#: Answers after which the same request may succeed a moment later.
RETRY_STATUSES = frozenset({429, 502, 503, 504})
#: Pause before the second try, seconds, and what chance adds to it at most; the first doubles.
FIRST_PAUSE_S = 0.25
#: No id and no name is longer, characters.
LONGEST_ID = 200
#: A query of one's own is waited for so long, seconds: it may take 30, and to ask again would have it run twice.
QUERY_S = 45.0
#: No pause is longer, seconds, whatever Retry-After says.
LONGEST_PAUSE_S = 30.0


def pause_after(error: Exception) -> bool | timedelta:
    """Whether to send again after an error, and after what pause where the API names one (stamina's hook)."""
    if isinstance(error, ApiUnreachableError):
        return error.may_pass
    if not isinstance(error, ApiError) or error.status not in RETRY_STATUSES:
        return False
    # A quota that is not free again soon is so for a day, or for good.
    if error.code == QuotaError.code and (error.retry_after_s is None or error.retry_after_s > LONGEST_PAUSE_S):
        return False
    return True if error.retry_after_s is None else timedelta(seconds=min(LONGEST_PAUSE_S, error.retry_after_s))


def stamina() -> ModuleType:
    """The library for retries, loaded where something has failed: with what it brings it takes 60 ms."""
    others = "stamina" in sys.modules  # a program that retries by itself has said, or seen, where its lines go
    import stamina

    structlog = sys.modules.get("structlog")
    if not others and (structlog is None or not structlog.is_configured()):
        # Its line for each retry would go to the standard output, in the middle of a program's results.
        stamina.instrumentation.set_on_retry_hooks([])
    return stamina


def host_of(text: str) -> str:
    """The host of an address, `acme.example` of `https://acme.example/team`; of what is none, itself."""
    return text.strip().rpartition("://")[2].partition("/")[0]


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
    """Where the API is: LEADMILL_API_URL, LEADMILL_API_HOST/PORT, else `<data>/run/api.url`, else the default."""
    from leadmill.settings import get_settings

    settings = get_settings()
    if settings.api_url:
        return settings.api_url
    if not {"api_host", "api_port"} & settings.model_fields_set:
        try:
            if found := (settings.run_dir / "api.url").read_text().strip():
                return found
        except OSError:
            pass
    host = "127.0.0.1" if settings.api_host in ("0.0.0.0", "::") else settings.api_host  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.api_port}"


def base_of(url: str) -> str:
    """The base of an API's address; one that was copied with `/api/v1`, as examples by curl have it, is the same."""
    return url.rstrip("/").removesuffix(API).rstrip("/")


def key_header(api_key: str | None) -> dict[str, str]:
    """How an API key is sent: the given one, else that of LEADMILL_API_KEY; nothing where there is none.

    Raises:
        InputError: the given one is none; it is not repeated.
    """
    if api_key is None:
        from leadmill.settings import get_settings

        api_key = get_settings().api_key
    elif not API_KEY.fullmatch(api_key):
        raise InputError(NO_API_KEY, field="api_key")
    return {} if api_key is None else {"Authorization": f"Bearer {api_key}"}


def is_loopback(base_url: str) -> bool:
    """Whether it is this machine's own API: a proxy of the environment cannot reach that."""
    return urlsplit(base_url).hostname in ("127.0.0.1", "localhost", "::1")


def own_traceparent() -> str | None:
    """What names the trace that the calling program is in, so that the job's joins it: of its open span, where it uses
    OpenTelemetry, else what `TRACEPARENT` of the environment holds.
    """
    library = sys.modules.get("opentelemetry.trace")
    context = library.get_current_span().get_span_context() if library is not None else None
    if context is not None and context.is_valid:
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    given = os.environ.get("TRACEPARENT")
    return given if is_traceparent(given) else None


def submission(
    content: Mapping[str, Any] | None,
    *,
    key: str | None,
    csv: str | os.PathLike[str] | None,
    params: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """A POST that counts once, however often it is sent: with an Idempotency-Key (`key`, else a new one).

    Raises:
        OSError: the CSV cannot be read.
    """
    sent: dict[str, Any] = {"headers": {"Idempotency-Key": key or secrets.token_urlsafe(18)}, "params": params}
    if csv is not None:
        file = Path(csv)
        sent["files"] = {"file": (file.name, file.read_bytes(), "text/csv")}
        sent["data"] = {"options": json.dumps(content or {})}
    elif content is not None:
        sent["json"] = content
    return sent


def filled(params: Mapping[str, Any]) -> dict[str, Any]:
    """What of them is given."""
    return {name: value for name, value in params.items() if value is not None}


def file_at(place: str | os.PathLike[str] | None, name: str) -> Path:
    """The file that a caller names, or `name` in the folder that it names (default: the current one)."""
    target = Path(place or ".")
    return target / name if target.is_dir() else target


@contextmanager
def unfinished(target: Path) -> Iterator[IO[bytes]]:
    """A file to write that becomes `target` at the end of the block, or nothing when that fails.

    Raises:
        OSError: the place cannot be written.
    """
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("wb") as file:
            yield file
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
