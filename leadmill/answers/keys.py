"""API keys."""

from __future__ import annotations

from typing import Literal

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict

RoleName = Literal["viewer", "operator", "admin"]


class ApiKey(TypedDict):
    """What is known of an API key; its secret is not."""

    id: str
    """The part behind `lm_`, by which logs name it."""
    name: str
    role: RoleName
    project: str
    created_at: str
    last_used_at: str | None
    """By the minute."""
    expires_at: str | None
    networks: list[str]
    """From where it may be used; none: from everywhere."""
    revoked_at: str | None


class NewApiKey(ApiKey):
    """A key that was just made, or made anew."""

    key: str
    """The whole key, shown this once."""


class ApiKeyPage(TypedDict):
    """API keys by project and name."""

    items: list[ApiKey]
    next_cursor: str | None
    """Always null: all of them are told at once."""
