"""Answers as they come: which are no page, and the row of one that is."""

from __future__ import annotations

from datetime import UTC, datetime

from scrapy.http import Response

from extraction.charset import wide_codec
from leadmill.errors import ErrorCategory
from leadmill.redaction import shown_address
from leadmill.rows import PageRow
from tasks.scraping.contract import Seed
from tasks.scraping.download import content_type
from tasks.scraping.failures import Fault, fault_of_status
from tasks.scraping.headers import charset_of, kept_headers


def header(response: Response, name: str) -> bytes:
    """A header of an answer, empty when it has none."""
    return response.headers.get(name) or b""


def charset_in(response: Response) -> str | None:
    """The charset that an answer's Content-Type names."""
    return charset_of(header(response, "Content-Type").decode("latin-1"))


def unusable(response: Response) -> Fault | None:
    """Why an answer is no page, or None."""
    status = response.status
    if 300 <= status < 400:
        target = shown_address(header(response, "Location").decode("latin-1"))[:100]
        return Fault(ErrorCategory.DATA, f"redirects to {target!r}, which is not followed", status=status)
    if not 200 <= status < 300:
        return fault_of_status(status, later="Retry-After" in response.headers)
    kind = content_type(header(response, "Content-Type"))
    if kind not in (b"text/html", b"application/xhtml+xml", b""):
        return Fault(ErrorCategory.DATA, f"not an HTML page ({kind[:80].decode('latin-1')})", status=status)
    if not response.body.strip():
        return Fault(ErrorCategory.DATA, "the page is empty", status=status)
    start = response.body[:1_024]
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")) and wide_codec(start) is None:
        return Fault(ErrorCategory.DATA, "the answer is binary, not a page", status=status)
    return None


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
        "headers": kept_headers(response.headers.items()),
        "charset": charset_in(response),
        "html": body,
        "page_hash": response.meta["digest"],
        "fetched_at": datetime.now(UTC),
    }
