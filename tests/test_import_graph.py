"""No module imports another that imports it, be it in a function or for types only: any part can be read alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("leadmill", "data", "pipelines", "reports", "extraction", "tasks", "api", "cli")


def modules() -> dict[str, Path]:
    """Dotted name → file of every module that is shipped."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imported(source: str, known: Iterable[str]) -> set[str]:
    """The known modules that a source names in any import statement, at whatever depth."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in known else str(node.module) for name in whole}
    return names & set(known)


def cycle_in(graph: Mapping[str, set[str]]) -> list[str] | None:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return None


def test_no_import_leads_back() -> None:
    known = modules()
    graph = {name: imported(file.read_text(), known) - {name} for name, file in known.items()}
    assert len(graph) > 150, "the packages are found"
    assert cycle_in(graph) is None


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("import b", "import a"),
        ("def f():\n    import b", "from a import x"),
        ("if TYPE_CHECKING:\n    from b import y", "def f():\n    from a import x"),
    ],
)
def test_a_cycle_would_be_seen(a: str, b: str) -> None:
    assert cycle_in({"a": imported(a, "ab"), "b": imported(b, "ab"), "c": imported("import a", "ab")})
