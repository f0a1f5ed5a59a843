"""Plug-ins are found by being there: as a module of a package, or as an entry point of an installed distribution."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from extraction.enrichers import ENRICHERS
from leadmill import kinds, plugins, stages
from leadmill.plugins import ExtensionPoint, PluginError
from pipelines.request.search import PROVIDERS
from reports.formats import FORMATS
from reports.sections import SECTIONS

KIND = """
from typing import NamedTuple

class Greeting(NamedTuple):
    name: str
    text: str = ""
"""

Point = Callable[[dict[str, str], dict[str, str]], ExtensionPoint[Any]]


@pytest.fixture
def point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Point]:
    """Makes an extension point of (module → its source) and (entry point → the object it names)."""

    def made(modules: dict[str, str], points: dict[str, str]) -> ExtensionPoint[Any]:
        package = tmp_path / "greetings"
        package.mkdir()
        (package / "__init__.py").write_text(KIND)
        for name, source in modules.items():
            (package / f"{name}.py").write_text(f"from greetings import Greeting\n{source}\n")
        (tmp_path / "elsewhere.py").write_text("from greetings import Greeting\nHI = Greeting('hi', 'hi there')\n")
        installed = tmp_path / "elsewhere-1.0.dist-info"
        installed.mkdir()
        (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n")
        lines = "".join(f"{name} = {value}\n" for name, value in points.items())
        (installed / "entry_points.txt").write_text(f"[test.greetings]\n{lines}")
        importlib.invalidate_caches()
        kind = importlib.import_module("greetings").Greeting
        return ExtensionPoint("greetings", "test.greetings", "GREETING", kind)

    monkeypatch.syspath_prepend(tmp_path)
    _forget_installed()
    yield made
    _forget_installed()
    for name in [name for name in sys.modules if name.partition(".")[0] in ("greetings", "elsewhere")]:
        del sys.modules[name]


def _forget_installed() -> None:
    plugins._entry_points.cache_clear()
    plugins._registered.cache_clear()


def test_modules_by_name_then_entry_points(point: Point) -> None:
    source = "GREETING = Greeting(__name__.rpartition('.')[2])"
    found = point({"moin": source, "ahoy": source, "_shared": "1 / 0"}, {"hi": "elsewhere:HI"})
    assert found.names == ("ahoy", "moin", "hi")
    assert [greeting.name for greeting in found.all().values()] == ["ahoy", "moin", "hi"]
    assert found.load("hi").text == "hi there"
    with pytest.raises(KeyError):
        found.load("servus")


def test_nothing_is_imported_before_it_is_asked_for(point: Point) -> None:
    found = point({"good": "GREETING = Greeting('good')", "bad": "1 / 0"}, {"gone": "no_such_module:X"})
    assert found.names == ("bad", "good", "gone")
    assert found.load("good") is found.load("good")
    assert "greetings.bad" not in sys.modules


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "greetings.wrong: cannot be imported (ZeroDivisionError: division by zero)"),
        ("raise SystemExit(0)", "greetings.wrong: cannot be imported (SystemExit: 0)"),
        ("raise ValueError('two\\nlines')", "greetings.wrong: cannot be imported (ValueError: two lines)"),
        ("class Mute(Exception):\n    __str__ = None\nraise Mute", "greetings.wrong: cannot be imported ("),
        ("", "greetings.wrong: defines no GREETING of type Greeting"),
        ("GREETING = 'hello'", "greetings.wrong: defines no GREETING of type Greeting"),
        ("GREETING = Greeting('right')", "greetings.wrong: calls itself 'right'"),
    ],
)
def test_a_module_that_is_none_is_named(point: Point, source: str, said: str) -> None:
    with pytest.raises(PluginError) as told:
        point({"wrong": source}, {}).all()
    assert said in str(told.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("gone", "no_such_module:X", "entry point 'gone' of test.greetings (no_such_module:X): cannot be imported"),
        ("hello", "elsewhere:HI", "calls itself 'hi'"),
        ("moin", "elsewhere:HI", "the name is taken by greetings.moin"),
    ],
)
def test_an_entry_point_that_is_none_is_named(point: Point, name: str, value: str, said: str) -> None:
    with pytest.raises(PluginError) as told:
        point({"moin": "GREETING = Greeting('moin')"}, {name: value}).all()
    assert said in str(told.value)


@pytest.mark.parametrize(
    "kind", [FORMATS, SECTIONS, PROVIDERS, ENRICHERS, stages.POINT, kinds.POINT], ids=lambda kind: kind.group
)
def test_our_own_are_all_sound(kind: ExtensionPoint[Any]) -> None:
    assert tuple(kind.all()) == kind.names
