"""The script that makes every change of a record, from the files in `lua/`, one script an operation; and those that
change the outbox, from data/notices/lua/.

`core`, `limits`, `ring`, `job`, `unit`, `turns` and `outbox` are common, then come the operation's own file and `end`.
Names in capitals stand for what is said in Python (limits, legal moves, the fields under which things are stored), and
are put in as text.
A script makes each of its functions and tables anew at every call, which is most of the server's time; so what an
operation does not use is left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from data import keys
from data.jobs.model import (
    DEADLINE_STRUCK,
    IN_LINE,
    LIMITS,
    TERMINAL,
    TRANSITIONS,
    UNIT_TRANSITIONS,
    Status,
    UnitStatus,
)
from data.jobs.stored_names import RECORD_FIELDS, STAGE_FIELDS, UNIT_FIELDS
from leadmill import metrics
from leadmill.declared import STAGES
from leadmill.notices import KINDS, Severity
from leadmill.quotas import Quotas
from leadmill.traffic import ANSWERS

_FOLDER = Path(__file__).parent / "lua"
_OUTBOX = Path(__file__).parents[1] / "notices" / "lua"
_CORE = _FOLDER / "core.lua"
_COMMON = (
    *(_FOLDER / f"{name}.lua" for name in ("limits", "ring", "job", "unit", "turns")),
    _OUTBOX / "outbox.lua",
)
_FILES = {
    file.stem: file for folder in (_FOLDER / "operations", _OUTBOX / "operations") for file in folder.glob("*.lua")
}
#: Names of the operations, as `StoreConnection.call` takes them.
OPERATIONS = tuple(sorted(_FILES))


@cache
def of(operation: str) -> str:
    """The whole script of an operation."""
    return around(_FILES[operation].read_text())


def around(operation: str) -> str:
    """The whole script of an operation of which the text is given: a local function `operation`.

    What stands behind the core is a function within: Lua finds each name that a function takes from around it by going
    through all that others have taken, and of an enclosing function it copies them. A commit so takes 0.01 ms less.
    """
    used = operation + "\n" + (_FOLDER / "end.lua").read_text()
    inner = _used_of("\n".join(file.read_text() for file in _COMMON), used) + used
    script = f"{_used_of(_CORE.read_text(), inner)}return (function()\n{inner}\nend)()\n"
    return re.sub(r"\b[A-Z][A-Z_]+\b", lambda name: CONSTANTS.get(name[0], name[0]), script)


def common() -> str:
    """What operations share."""
    return "\n".join(file.read_text() for file in (_CORE, *_COMMON))


def _used_of(text: str, used: str) -> str:
    """Of a text each definition whose name is used: by what follows it, as Lua sees names."""
    kept: list[str] = []
    words = _words(used)
    for definition in reversed(re.split(r"(?m)^(?=local )", text)):
        found = re.match(r"local (?:function )?([\w, ]+)", definition)
        if found and words & set(re.findall(r"\w+", found[1])):
            kept.append(definition)
            words |= _words(definition)
    return "".join(reversed(kept))


def _words(text: str) -> set[str]:
    """The names that a text uses; not those in comments and strings, of fields, or that are only assigned to."""
    return set(re.findall(r"\w+", re.sub(r"--.*|'[^'\n]*'|\.\w+|\b\w+ =(?!=)", "", text)))


def _moves(transitions: Mapping[Any, frozenset[Any]]) -> str:
    return "".join(f" {before}>{after} " for before, allowed in transitions.items() for after in sorted(allowed))


def _milliseconds(bounds: Sequence[float]) -> str:
    return f"{{ {', '.join(f'{1000 * bound:.0f}' for bound in bounds)} }}"


def _lua(value: str | float) -> str:
    return json.dumps(value, ensure_ascii=False)


#: Of each stage that runs once a partition.
_QUEUES = {stage.unit_name: stage.queue.value for stage in STAGES.values() if stage.scope == "partition"}
#: Queues that have a window, in the order in which partitions pass them: those of stages that run once a partition.
#: `?` is that of a stage there is not.
WINDOWED = (*dict.fromkeys(_QUEUES.values()), "?")
#: Names in capitals and what they stand for, as Lua. A field of a record has `JOB_` in front where a unit has one of
#: the same name.
CONSTANTS: dict[str, str] = {
    **{name: _lua(value) for name, value in LIMITS.items()},
    **{status.name: _lua(status.value) for status in UnitStatus},
    **{name.upper(): _lua(field) for name, field in UNIT_FIELDS.items()},
    **{("JOB_" if name in UNIT_FIELDS else "") + name.upper(): _lua(field) for name, field in RECORD_FIELDS.items()},
    **{f"STAGE_{name.upper()}": _lua(f":{field}") for name, field in STAGE_FIELDS.items()},
    "WAIT_BOUNDS": _milliseconds(metrics.WAITS),
    "JOB_BOUNDS": _milliseconds(metrics.JOBS),
    "TRAFFIC_SUMS": _lua(1 + len(ANSWERS)),
    "QUEUES_OF_STAGES": f"{{ {', '.join(f'[{_lua(name)}] = {_lua(queue)}' for name, queue in _QUEUES.items())} }}",
    "QUEUE_NAMES": ", ".join(map(_lua, WINDOWED)),
    "RECORD_VERSION": _lua(keys.RECORD_VERSION),
    "OLDEST_BESIDE": _lua(keys.OLDEST_BESIDE),
    "DEADLINE_STRUCK": _lua(DEADLINE_STRUCK),
    "IN_LINE": _lua(IN_LINE),
    "ONLY_LANE": _lua(keys.ONLY_LANE),
    "LIVE_STATUSES": ", ".join(_lua(status) for status in Status if status not in TERMINAL),
    "QUOTA_NAMES": ", ".join(map(_lua, Quotas.names())),
    "JOB_STATUSES": ", ".join(_lua(status) for status in Status),
    "JOB_MOVES": _lua(_moves(TRANSITIONS)),
    "INFO_NOTICES": _lua("".join(f" {kind.name} " for kind in KINDS.values() if kind.severity == Severity.INFO)),
    "UNIT_MOVES": _lua(_moves(UNIT_TRANSITIONS)),
}
