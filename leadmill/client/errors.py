"""What a call raises: the API's problem JSON, or that nothing answers, as typed errors."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leadmill.errors import ErrorCategory, LeadmillError
from leadmill.retry_after import retry_after_s

if TYPE_CHECKING:
    import httpx2


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


def error_of(response: httpx2.Response) -> ApiError:
    """The typed error of a bad answer, whether it is problem JSON or not."""
    try:
        problem = response.json()
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        said = " ".join(re.sub("<[^<>]*>", " ", response.text[:2_000]).split())[:200] or response.reason_phrase
        problem = {
            "detail": f"HTTP {response.status_code} without a word of Leadmill (a proxy, another address?): {said}"
        }
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
