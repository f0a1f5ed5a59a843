"""The Python client of the REST API: `from leadmill import Client`, or `AsyncClient` with `await`."""

from leadmill.client.client import Client

__all__ = ["Client"]
