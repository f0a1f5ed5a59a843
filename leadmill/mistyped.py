"""Variables that look like settings and are none."""

from __future__ import annotations

from collections.abc import Iterable

from leadmill import secret_files
from leadmill.settings import PREFIX, Settings, secret_variables, variable_of
from leadmill.suggest import nearest

#: Variables of ours that are no settings: of tests, of benchmarks, and where a process is made to wait by tests.
_NO_SETTINGS = ("LEADMILL_TEST_", "LEADMILL_BENCH_", "LEADMILL_PAUSE_DIR")


def mistyped_variables() -> list[str]:
    """A sentence on each variable of the environment or `.env` that looks like a setting and is none."""
    names = [*map(variable_of, Settings.model_fields), *(name + secret_files.SUFFIX for name in secret_variables())]
    known = [name for name in names if name.startswith(PREFIX)]
    told: dict[str, str] = {}
    for place, variables in secret_files.places():
        for name in variables:
            ours = name.startswith(PREFIX) and not name.startswith(_NO_SETTINGS)
            if ours and name not in known:
                told.setdefault(name, f"{name} (in {place}) is no setting; {_meant(name, known)}")
    return sorted(told.values())


def _meant(name: str, known: Iterable[str]) -> str:
    near = nearest(name.upper().removeprefix(PREFIX), (one.removeprefix(PREFIX) for one in known))
    return f"did you mean {PREFIX}{near}?" if near else "all of them: docs/configuration.md"
