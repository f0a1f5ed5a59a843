"""The API itself: its answers, the audit, and which version it is."""

from __future__ import annotations

from api.metrics import stored
from api.metrics.look import Look
from data.audit import AuditStream
from data.jobs.metrics import counted_of_api
from leadmill import __version__


def look_at_requests(look: Look) -> None:
    """Add what all API processes counted."""
    stored.add(look.samples, look.readable.read(lambda: counted_of_api(look.store), {}), look.store.project)


def look_at_audit(look: Look) -> None:
    """Add how much of the audit is in no file."""
    look.samples.add("leadmill_audit_backlog", look.readable.read(AuditStream(look.store).length, None))


def look_at_version(look: Look) -> None:
    """Add it."""
    look.samples.add("leadmill_build_info", 1, version=__version__)
