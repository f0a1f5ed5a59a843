"""What an option takes, in a help text: `TEXT`, `N`, where typer would name Python's types (`<list[str]>`)."""

from __future__ import annotations

from typing import Any

#: By the beginning of the name that typer shows.
_WORDS = {"list[": "TEXT", "str": "TEXT", "int": "N", "float": "NUMBER", "file": "FILE", "path": "PATH"}


def say_in_words(command: Any) -> None:
    """Give each option of a command, and of those below it, a word; an argument has its own already."""
    for inner in getattr(command, "commands", {}).values():
        say_in_words(inner)
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None
        elif parameter.metavar is None and not parameter.is_flag:
            kind = parameter.bare_type()
            parameter.metavar = next((word for start, word in _WORDS.items() if kind.startswith(start)), "TEXT")
