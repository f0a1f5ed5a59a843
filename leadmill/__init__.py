"""What all packages stand on: declarations, settings, errors, ids; and the client, `from leadmill import Client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leadmill.client.asynchronous.client import AsyncClient
    from leadmill.client.asynchronous.job_handle import AsyncJobHandle
    from leadmill.client.client import Client
    from leadmill.client.errors import ApiError, ApiUnreachableError
    from leadmill.client.job_handle import JobHandle
    from leadmill.client.results import Job
    from leadmill.rows import Lead

__version__ = "0.3.0.dev0"

__all__ = ["ApiError", "ApiUnreachableError", "AsyncClient", "AsyncJobHandle", "Client", "Job", "JobHandle", "Lead"]

_HOMES = {
    "ApiError": "leadmill.client.errors",
    "ApiUnreachableError": "leadmill.client.errors",
    "AsyncClient": "leadmill.client.asynchronous.client",
    "AsyncJobHandle": "leadmill.client.asynchronous.job_handle",
    "Client": "leadmill.client.client",
    "Job": "leadmill.client.results",
    "JobHandle": "leadmill.client.job_handle",
    "Lead": "leadmill.rows",
}


def __getattr__(name: str) -> Any:
    """Load the client's names when first asked for, so that importing a setting costs no HTTP library."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'leadmill' has no attribute {name!r}")
