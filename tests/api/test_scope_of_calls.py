"""Calls ask for their caller's project; those that ask about all projects together are named here, with the reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant

from api import context

#: What asks about all projects, and why it may.
OF_ALL = {
    "healthz": "whether the process lives, for whoever asks",
    "readyz": "whether work would be done, for whoever asks",
    "metrics": "a key of `default` is told of all, one of another project of its own alone (tests/api/metrics)",
    "list_keys": "the key table is one; an admin of a project sees and changes its keys alone (tests/api/test_keys.py)",
    "create_key": "the same",
    "rotate_key": "the same",
    "revoke_key": "the same",
    "ask_to_rotate_key": "the same",
    "ask_to_revoke_key": "the same",
    "health": "who administers the installation sees how it is, others whether (tests/api/pages)",
    "list_blocks": "hosts are asked for all projects together, so what is not asked is one list; it names no project",
    "put_block": "who administers the installation changes it",
    "remove_block": "the same",
    "sign_in_page": "sessions are of keys, whichever project those are of",
    "sign_in": "the same",
    "sign_out": "the same",
    "list_projects": "who administers the installation sees every project; others the own one",
    "project": "the same",
    "set_quotas": "who administers the installation gives quotas to all",
    "remove_project": "who administers the installation ends any project but its own",
}
#: Modules that know all projects: what makes the parts, what starts and ends them, and what builds a table of each.
MAKERS = {"context.py", "app.py", "views.py"}


def test_a_call_reaches_all_projects_by_that_name_alone(app: FastAPI) -> None:
    found: dict[str, bool] = {}
    for router in app.routes:
        for one in router.effective_route_contexts():  # type: ignore[attr-defined]
            uses = any(part.call is context.get_installation for part in _needed(one.dependant))
            found[one.endpoint.__name__] = found.get(one.endpoint.__name__, False) or uses
    assert {name for name, uses in found.items() if uses} == OF_ALL.keys()
    assert len(found) > 30


def _needed(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for inner in dependant.dependencies:
        yield from _needed(inner)


def test_nobody_takes_them_behind_its_back(root: Path) -> None:
    files = [file for file in (root / "api").rglob("*.py") if file.name not in MAKERS]
    found = {file.name: list(_reached(file.read_text())) for file in files}
    assert {name: lines for name, lines in found.items() if lines} == {}
    for source in ("request.app.state.installation", "here.store.of('a')", "JobStore.connect(url)", "Lake(folder)"):
        assert list(_reached(source)) == [1]


def _reached(source: str) -> Iterator[int]:
    """Lines that take the installation from the application, turn a store or a lake to a project, or make one."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr == "installation":
            yield node.lineno
        elif isinstance(node, ast.Call):
            told = ast.unparse(node.func)
            turned = told.endswith(("store.of", "lake.of", "JobStore.connect"))
            if turned or told in ("JobStore", "Lake", "each_project"):
                yield node.lineno
