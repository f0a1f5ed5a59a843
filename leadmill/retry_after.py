"""The HTTP header Retry-After, as servers send it."""

from __future__ import annotations

import math
import re
from datetime import UTC
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,60}(\.[0-9]{1,9})?\Z")


def retry_after_s(value: str | None, now: float) -> float | None:
    """The pause that it asks for at the time `now` (seconds since the epoch), seconds; None when it says nothing.

    Takes seconds, also with decimals, and HTTP dates. Never raises.
    """
    value = (value or "").strip()[:60]
    if _SECONDS.match(value):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
        pause = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return max(0.0, pause) if math.isfinite(pause) else None
