"""Whether and when a unit that failed is tried again: decided by the category of its error alone.

The record carries it out (`data/jobs/lua/operations/fail.lua`).
"""

from __future__ import annotations

from dataclasses import dataclass

from leadmill.errors import ErrorCategory


@dataclass(frozen=True)
class RetryPolicy:
    """When a unit that failed with a category runs again: exponential backoff with full jitter."""

    #: Runs in all, the first included.
    max_attempts: int
    #: Upper bound of the first pause, seconds; doubles with each attempt.
    base_s: float
    #: No pause is longer, seconds.
    cap_s: float


RETRY: dict[ErrorCategory, RetryPolicy] = {
    ErrorCategory.NETWORK: RetryPolicy(max_attempts=3, base_s=20.0, cap_s=300.0),
    ErrorCategory.SYSTEM: RetryPolicy(max_attempts=3, base_s=2.0, cap_s=30.0),
    ErrorCategory.DATA: RetryPolicy(max_attempts=1, base_s=0.0, cap_s=0.0),
    ErrorCategory.DEADLINE: RetryPolicy(max_attempts=1, base_s=0.0, cap_s=0.0),
    ErrorCategory.POISON: RetryPolicy(max_attempts=1, base_s=0.0, cap_s=0.0),
    ErrorCategory.QUOTA: RetryPolicy(max_attempts=1, base_s=0.0, cap_s=0.0),
}
