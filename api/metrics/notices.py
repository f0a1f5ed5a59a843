"""Notices that wait for delivery; what became of the others, the moves have counted (`work`)."""

from __future__ import annotations

from api.metrics.look import Look
from data.notices.outbox import Outbox


def look_at_notices(look: Look) -> None:
    """Add how many wait, and for how long."""
    figures = look.readable.read(Outbox(look.store).figures, None)
    if figures is None:
        return
    waits_ms = 0.0 if figures.oldest_ms is None else look.store.now_ms() - figures.oldest_ms
    look.samples.add("leadmill_notices_waiting", figures.new + figures.waiting)
    look.samples.add("leadmill_notices_oldest_seconds", max(0.0, waits_ms / 1000))
