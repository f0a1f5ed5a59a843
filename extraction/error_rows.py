"""A company or a page that failed, as a row of `data.schemas.ERRORS`: one form for every stage that works on pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from leadmill.errors import ErrorCategory


def error_row(
    subject: Mapping[str, Any],
    scope: str,
    stage: str,
    category: ErrorCategory,
    reason: str,
    now: datetime,
    *,
    url: str | None = None,
) -> dict[str, Any]:
    """A row of `data.schemas.ERRORS` about a company or a page, without job_id and schema_version."""
    return {
        "company_id": subject["company_id"],
        "domain": subject["domain"],
        "url": url or subject.get("url"),
        "scope": scope,
        "stage": stage,
        "category": category.value,
        "error": reason,
        "status": None,
        "line": None,
        "at": now,
    }
