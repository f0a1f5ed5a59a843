"""Pages for the extraction tests: built in place, or read from `pages/` (written for this project)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from extraction.document import Document
from leadmill.ids import company_id

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PAGES = Path(__file__).with_name("pages")


def make_page(
    html: str | bytes,
    *,
    domain: str = "acme-tools.com",
    path: str = "/",
    kind: str = "home",
    headers: dict[str, str] | None = None,
    charset: str | None = None,
) -> dict[str, Any]:
    """A row of data.schemas.PAGES."""
    raw = html if isinstance(html, bytes) else html.encode()
    return {
        "company_id": company_id(domain),
        "domain": domain,
        "url": f"https://{domain}{path}",
        "final_url": f"https://{domain}{path}",
        "kind": kind,
        "depth": 0,
        "status": 200,
        "headers": headers or {},
        "charset": charset,
        "html": raw,
        "page_hash": hashlib.sha256(raw).hexdigest()[:16],
        "fetched_at": NOW,
    }


def make_company(domain: str = "acme-tools.com", pages: int = 1) -> dict[str, Any]:
    """A row of the scrape stage."""
    return {
        "company_id": company_id(domain),
        "domain": domain,
        "url": f"https://{domain}/",
        "pages": pages,
        "facts": None,
        "scraped_at": NOW,
    }


@pytest.fixture(scope="session")
def page() -> Callable[..., dict[str, Any]]:
    return make_page


@pytest.fixture(scope="session")
def company() -> Callable[..., dict[str, Any]]:
    return make_company


@pytest.fixture(scope="session")
def document() -> Callable[..., Document]:
    return lambda html, **options: Document(make_page(html, **options))


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def stored() -> Callable[..., dict[str, Any]]:
    """A page of `pages/` by file name."""
    return lambda name, **options: make_page((PAGES / name).read_bytes(), **options)
