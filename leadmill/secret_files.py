"""Secrets that lie in files: `<VARIABLE>_FILE` names the file instead of the value, as containers hand them out."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from dotenv import dotenv_values

from leadmill.errors import ConfigError

SUFFIX = "_FILE"
#: A larger file is some other one, bytes.
_MOST = 65_536

#: Where variables are given, the first before the second.
_PLACES: tuple[tuple[str, Callable[[], Mapping[str, str | None]]], ...] = (
    ("the environment", lambda: os.environ),
    (".env", lambda: dotenv_values(".env")),
)


def places() -> Iterator[tuple[str, dict[str, str]]]:
    """The places where variables may be given, and those of each by their names in capitals; empty ones are unset."""
    for place, variables in _PLACES:
        yield place, {name.upper(): value for name, value in variables().items() if value}


def read_all(names: Iterable[str], place: str, variables: Mapping[str, str]) -> dict[str, str]:
    """What the files hold that one place names for some of these variables.

    Raises:
        ConfigError: a variable is given there in both ways, or its file cannot be read or holds no secret.
    """
    found = {}
    for name in names:
        path = variables.get(name + SUFFIX)
        if path is None:
            continue
        if name in variables:
            raise ConfigError(f"{name} and {name}{SUFFIX} are both set in {place}; keep one of them")
        found[name] = _read(name + SUFFIX, path)
    return found


def declared(name: str) -> str | None:
    """What the environment or `.env` say of a variable that may lie in a file; None: nothing.

    Raises:
        ConfigError: as `read_all`.
    """
    for place, variables in places():
        if found := variables.get(name) or read_all([name], place, variables).get(name):
            return found
    return None


def files_given(names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Each file that holds a secret because a variable says so, with the variable; `.env` where it holds one itself."""
    listed = list(names)
    for place, variables in places():
        for name in listed:
            if path := variables.get(name + SUFFIX):
                yield name + SUFFIX, Path(path).expanduser()
            elif place == ".env" and name in variables:
                yield name, Path(place)


def _read(variable: str, path: str) -> str:
    """The one line of a file. The message does not repeat the path: by mistake it may be the secret itself."""
    try:
        with Path(path).expanduser().open("rb") as file:
            raw = file.read(_MOST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "that is no path"
        raise ConfigError(f"{variable} names a file that cannot be read ({why})") from None
    try:
        text = raw.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{variable} names a file that is no text") from None
    if len(raw) > _MOST or not text.strip() or any(sign in text for sign in "\r\n\0"):
        raise ConfigError(f"{variable} names a file that does not hold one line with the value, and nothing else")
    return text
