"""The script that makes every change of a record, from the files in `lua/`, one script an operation.

What is common (`core`, `job`, `unit`), the operation's own file and `end` are joined in this order. One script of
everything would make every function anew at each call: twice the time.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from data.jobs.model import DEADLINE_STRUCK, LIMITS

_FOLDER = Path(__file__).parent / "lua"
_COMMON = ("core", "job", "unit")
#: Names of the operations, as `StoreConnection.call` takes them.
OPERATIONS = tuple(sorted(file.stem for file in (_FOLDER / "operations").glob("*.lua")))


@cache
def of(operation: str) -> str:
    """The whole script of an operation."""
    files = (*_COMMON, f"operations/{operation}", "end")
    return _limits() + "\n".join((_FOLDER / f"{name}.lua").read_text() for name in files)


def _limits() -> str:
    limits = "".join(f"local {name} = {value}\n" for name, value in LIMITS.items())
    return f"{limits}local DEADLINE_STRUCK = {json.dumps(DEADLINE_STRUCK)}\n"
