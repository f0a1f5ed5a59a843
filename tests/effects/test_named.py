"""Whatever may be given has a test that sees its effect, by name; and each name stands for something there is.

That a test sees an effect its reader alone can tell; that it types, sends or calls what it is named for is checked.
"""

from __future__ import annotations

import ast
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.effects.mentions import missing
from tests.effects.reach import words_of
from tests.effects.registry import REGISTRIES, ROOT

#: Declared once for every call or command that has them; any other name stands for one thing.
SHARED = {"* --json", "* --data", "* cursor", "* idempotency-key"}
#: Whose options `cli/pipeline_options.py` declares.
PIPELINE = ("run", "submit", "schedules add")
#: What one of them does not offer: its cron expression says when.
NOT_OFFERED = {"schedules add --run-at"}
NAMED: dict[str, dict[str, list[str]]] = tomllib.loads(Path(__file__).with_name("named.toml").read_text("utf-8"))


@pytest.mark.parametrize("table", REGISTRIES)
def test_everything_that_may_be_given_is_named(table: str) -> None:
    there = set(REGISTRIES[table]())
    named = [one for names in NAMED[table].values() for name in names for one in _spelt_out(name)]
    without = sorted(one for one in there if not any(fnmatchcase(one, name) for name in named))
    assert not without, f"no test is named for what these do; add them to [{table}] of tests/effects/named.toml"
    gone = sorted(name for name in named if not any(fnmatchcase(one, name) for one in there))
    assert not gone, f"there is no such {table}; take it out of tests/effects/named.toml"
    assert {name for name in named if "*" in name} <= SHARED, "only what is shared is named for all"


def _spelt_out(name: str) -> list[str]:
    first, _, option = name.partition(" ")
    if first != "PIPELINE":
        return [name]
    return [spelt for command in PIPELINE if (spelt := f"{command} {option}") not in NOT_OFFERED]


@pytest.mark.parametrize("table", REGISTRIES)
def test_every_test_that_is_named_is_there(table: str) -> None:
    for test in NAMED[table]:
        file, _, function = test.partition("::")
        module = ast.parse((ROOT / file).read_text("utf-8"))
        found = {one.name for one in ast.walk(module) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function.startswith("test_") and function in found, test


@pytest.mark.parametrize("table", REGISTRIES)
def test_every_test_mentions_what_it_is_named_for(table: str) -> None:
    without = [
        f"{test} is named for {name!r} and has none of {sorted(wanted)}"
        for test, names in NAMED[table].items()
        for name in names
        for wanted in missing(table, name, words_of(test))
    ]
    assert not without, "\n".join(without)


def test_who_does_not_type_an_option_is_found() -> None:
    words = words_of("tests/effects/test_settings.py::test_data_url")
    assert missing("option", "rerun --icp", words) == [{"rerun"}, {"--icp"}]
    assert missing("option", "worker --queues", words) == [{"worker"}, {"--queues", "-Q"}]
    assert missing("argument", "Client.events silence_s", words) == [{"events"}, {"silence_s"}]
    assert [missing("setting", f"LEADMILL_{name}", words) for name in ("DATA_URL", "STRICT")] == [
        [], [{"LEADMILL_STRICT", "strict"}],
    ]  # fmt: skip
