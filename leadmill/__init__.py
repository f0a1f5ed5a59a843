"""What all packages stand on: declarations, settings, errors, ids. And the door for users: `from leadmill import …`."""

from __future__ import annotations

from typing import Any

__version__ = "0.3.0.dev0"

__all__ = [
    "ApiError",
    "ApiUnreachableError",
    "AsyncClient",
    "AsyncJobHandle",
    "Client",
    "Job",
    "JobHandle",
    "Lake",
    "Lead",
]

#: Where each of them is. What a type checker reads of them is in __init__.pyi.
_HOMES = {
    "ApiError": "leadmill.client.errors",
    "ApiUnreachableError": "leadmill.client.errors",
    "AsyncClient": "leadmill.client.asynchronous.client",
    "AsyncJobHandle": "leadmill.client.asynchronous.job_handle",
    "Client": "leadmill.client.client",
    "Job": "leadmill.client.results",
    "JobHandle": "leadmill.client.job_handle",
    "Lake": "reports.reader",
    "Lead": "leadmill.rows",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Load a user's name when first asked for: a setting costs no HTTP library, and nothing here imports upwards."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'leadmill' has no attribute {name!r}")
