"""Addresses of pages: all of a list's state is in one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode


def address(path: str, asked: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> str:
    """That of a page with its parameters, without those that have no value."""
    pairs = asked.items() if isinstance(asked, Mapping) else asked
    given = [(name, value) for name, value in pairs if value]
    return f"{path}?{urlencode(given)}" if given else path


def told(wanted: Any, names: Iterable[str]) -> dict[str, str]:
    """The fields of a filter as parameters, those that are set; times in UTC."""
    values = {name: getattr(wanted, name) for name in names}
    return {name: _text(value) for name, value in values.items() if value}


def _text(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)
