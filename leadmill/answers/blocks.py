"""Domains that no crawl asks."""

from __future__ import annotations

# Pydantic reads a typing.TypedDict from Python 3.12 on only.
from typing_extensions import TypedDict


class Block(TypedDict):
    """A domain that no crawl asks, with all below it."""

    domain: str
    reason: str
    """Told in the errors of its companies; empty: none was given."""
    since: str


class BlockPage(TypedDict):
    """The block list, by domain."""

    items: list[Block]
    next_cursor: str | None
    """Always null: all of it is told at once."""
