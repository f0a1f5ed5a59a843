"""The Python client of the REST API: `from leadmill import Client`."""

from leadmill.client.client import Client

__all__ = ["Client"]
