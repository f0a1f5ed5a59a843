"""Answers as they come: which are no page of the company, and the row of one that is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from scrapy.http import Response

from data.hosts import MOST_QUIET_S
from extraction.charset import wide_codec
from extraction.markup import Markup
from extraction.stand_ins import Answer, Verdict, header_names, judge
from leadmill.errors import WALLS, ErrorCategory, ErrorCode
from leadmill.ids import registrable_domain
from leadmill.redaction import shown_address
from leadmill.retry_after import retry_after_s
from leadmill.rows import PageRow
from pipelines.request.companies import platform_of
from tasks.scraping.contract import Seed
from tasks.scraping.download import content_type
from tasks.scraping.failures import Fault, fault_of_status
from tasks.scraping.headers import charset_of, kept_headers


def headers_of(response: Response) -> Iterable[tuple[bytes, list[bytes]]]:
    """The headers of an answer, names in title case. Scrapy's own way spells each name anew, some twice."""
    return dict.items(response.headers)


def header(response: Response, name: bytes) -> bytes:
    """A header of an answer, by its name in title case; empty when it has none."""
    values: Sequence[bytes] = dict.get(response.headers, name, ())
    return values[-1] if values else b""


def charset_in(response: Response) -> str | None:
    """The charset that an answer's Content-Type names."""
    return charset_of(header(response, b"Content-Type").decode("latin-1"))


def markup_of(response: Response) -> Markup:
    """An answer's body, for all looks at it."""
    return Markup(response.body, charset_in(response))


def fault_of_answer(response: Response, markup: Markup, domain: str) -> Fault | None:
    """Why an answer is no page of a company, or None; an error status says too what stood there, where it is known."""
    fault = unusable(response)
    # Of pages that are not there most sites tell in words of their own; of a home page its host does.
    is_missing = response.status in (404, 410) and response.meta["kind"] != "home"
    if fault is None or (response.status >= 400 and not is_missing):
        found = _stand_in(response, markup, domain)
        if found is not None and fault is not None and fault.until is not None:
            return replace(found, later=True, until=fault.until)
        return found or fault
    return fault


def _stand_in(response: Response, markup: Markup, domain: str) -> Fault | None:
    verdict = _on_platform(response, domain) or judge(
        Answer(response.url, domain, response.status, _telling_headers(response), markup)
    )
    if verdict is None:
        return None
    return Fault(ErrorCategory.DATA, verdict.sentence(response.status), status=response.status, code=verdict.code)


def _on_platform(response: Response, domain: str) -> Verdict | None:
    host = (urlsplit(response.url).hostname or "").lower()
    if registrable_domain(host) == domain:
        return None
    platform = platform_of(response.url) or platform_of(f"{host}/-")
    return Verdict(ErrorCode.PLATFORM_PAGE, platform, host) if platform else None


def _telling_headers(response: Response) -> dict[str, str]:
    """Those headers that may tell whose answer it is, names in lower case."""
    names = header_names()
    return {
        names[name]: b", ".join(values)[:1_000].decode("latin-1")
        for name, values in headers_of(response)
        if name in names
    }


def may_lead_on(fault: Fault, response: Response, cookies: int) -> bool:
    """Whether what is no page may yet be but the way to one: it shows nothing, or it is a wall that sets a cookie.

    Args:
        cookies: the version of the company's cookies after the answer.
    """
    if fault.code is ErrorCode.SCRIPT_SHELL or (response.status == 200 and b"Refresh" in response.headers):
        return True
    return fault.code in WALLS and cookies != response.meta["asked_with"]


def unusable(response: Response) -> Fault | None:
    """Why an answer is no page, or None."""
    status = response.status
    if 300 <= status < 400:
        target = shown_address(header(response, b"Location").decode("latin-1"))[:100]
        return Fault(ErrorCategory.DATA, f"redirects to {target!r}, which is not followed", status=status)
    if not 200 <= status < 300:
        return fault_of_status(status, later="Retry-After" in response.headers, until=asked_until(response))
    kind = content_type(header(response, b"Content-Type"))
    if kind not in (b"text/html", b"application/xhtml+xml", b""):
        return Fault(ErrorCategory.DATA, f"not an HTML page ({kind[:80].decode('latin-1')})", status=status)
    if not response.body.strip():
        return Fault(ErrorCategory.DATA, "the page is empty", status=status)
    start = response.body[:1_024]
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")) and wide_codec(start) is None:
        return Fault(ErrorCategory.DATA, "the answer is binary, not a page", status=status)
    return None


def asked_until(response: Response) -> float | None:
    """When its host wants to be asked again, seconds since the epoch; None when it does not say so."""
    now = time.time()
    pause = retry_after_s(header(response, b"Retry-After").decode("latin-1"), now)
    return None if pause is None else now + min(pause, MOST_QUIET_S)


def page_row(seed: Seed, response: Response, kind: str, depth: int) -> PageRow:
    """An answer as a row of pages. Its `meta` holds `asked_url` and `digest`."""
    body = response.body
    return {
        "company_id": seed.company_id,
        "domain": seed.domain,
        "url": response.meta["asked_url"],
        "final_url": response.url,
        "kind": kind,
        "depth": depth,
        "status": response.status,
        "headers": kept_headers(headers_of(response)),
        "charset": charset_in(response),
        "html": body,
        "page_hash": response.meta["digest"],
        "fetched_at": datetime.now(UTC),
    }
