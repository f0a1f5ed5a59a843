"""Options that several commands share: declared once, as the parameters of the function that makes one value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, get_type_hints

Command = Callable[..., int]


def typed(parameter: str, build: Callable[..., Any], *, without: Sequence[str] = ()) -> Callable[[Command], Command]:
    """Make a command's `parameter` what `build` makes of its own parameters, which the user types in its place.

    Those of `without` are not offered, and stay at their defaults.
    """
    typed_ones = {name: one for name, one in inspect.signature(build).parameters.items() if name not in without}

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def typer_command(**given: Any) -> int:
            value = build(**{name: given.pop(name) for name in typed_ones})
            return command(**given, **{parameter: value})

        rest = [one for name, one in inspect.signature(command).parameters.items() if name != parameter]
        before = [one for one in rest if one.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
        after = [one for one in rest if one.kind is inspect.Parameter.KEYWORD_ONLY]
        # Typer asks for the parameters here, where the names in the annotations mean nothing: they are made types.
        hints = {**get_type_hints(build, include_extras=True), **get_type_hints(command, include_extras=True)}
        shown = [one.replace(annotation=hints[one.name]) for one in (*before, *typed_ones.values(), *after)]
        # Own attributes stand before what `wraps` points to.
        typer_command.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        typer_command.__annotations__ = {one.name: one.annotation for one in shown}
        del typer_command.__wrapped__
        return typer_command

    return decorate
