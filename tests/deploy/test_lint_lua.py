"""The check of the Lua script finds what it is for."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from data.jobs import script


@pytest.fixture(scope="module")
def lint() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lint_lua", Path(__file__).parents[2] / "deploy" / "lint_lua.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        ("local function operation() return { ok = true } end", []),
        ("local function operation()\n  forgotten = 1\nend", ["sets the global forgotten: forgotten = 1"]),
        ("local function operation() return unit[EPOHC] end", ["reads the global EPOHC", "reads the global unit"]),
        ("local function operation() return flushed() end", ["reads the global flushed"]),
        ("local function operation() return {", ["unexpected symbol"]),
    ],
)
def test_what_it_tells(lint: ModuleType, operation: str, told: list[str]) -> None:
    found = lint.faults(script.around(operation))
    assert len(found) == len(told)
    for part in told:
        assert any(part in fault for fault in found), found


def test_the_script_is_sound(lint: ModuleType) -> None:
    assert lint.unused() == []
    assert [fault for operation in script.OPERATIONS for fault in lint.faults(script.of(operation))] == []
