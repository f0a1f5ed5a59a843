"""Whatever may be given has a test that sees its effect, by name; and each name stands for something there is."""

from __future__ import annotations

import ast
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.effects.registry import REGISTRIES, ROOT

NAMED: dict[str, dict[str, list[str]]] = tomllib.loads(Path(__file__).with_name("named.toml").read_text("utf-8"))


@pytest.mark.parametrize("table", REGISTRIES)
def test_everything_that_may_be_given_is_named(table: str) -> None:
    there = set(REGISTRIES[table]())
    named = [name for names in NAMED[table].values() for name in names]
    without = sorted(one for one in there if not any(fnmatchcase(one, name) for name in named))
    assert not without, f"no test is named for what these do; add them to [{table}] of tests/effects/named.toml"
    gone = sorted(name for name in named if not any(fnmatchcase(one, name) for one in there))
    assert not gone, f"there is no such {table}; take it out of tests/effects/named.toml"
    assert all(name.startswith("* ") for name in named if "*" in name), "only what is shared is named for all"


@pytest.mark.parametrize("table", REGISTRIES)
def test_every_test_that_is_named_is_there(table: str) -> None:
    for test in NAMED[table]:
        file, _, function = test.partition("::")
        module = ast.parse((ROOT / file).read_text("utf-8"))
        found = {one.name for one in ast.walk(module) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert function.startswith("test_") and function in found, test
