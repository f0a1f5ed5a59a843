"""What a test says: words of its own source, and of what it refers to in its module and the conftests above it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.effects.registry import ROOT

_BETWEEN = re.compile(r"[\s?&=\"',:]+")


class Words(NamedTuple):
    """What is written in a test: texts, whole and word by word, and names in the code."""

    texts: frozenset[str]
    names: frozenset[str]


@cache
def words_of(test: str) -> Words:
    """Every text and name that the test `file::function` reaches."""
    file, _, function = test.partition("::")
    there = _definitions(ROOT / file)
    wanted, seen, texts, names = [function], set[str](), set[str](), set[str]()
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            for node in there.get(name, ()):
                said, named, referred = _said(node)
                texts |= said
                names |= named
                wanted += referred
    return Words(frozenset(texts), frozenset(names))


def _definitions(file: Path) -> dict[str, list[ast.AST]]:
    """What a module and the conftests above it define, by name."""
    found: dict[str, list[ast.AST]] = {}
    for one in (file, *(folder / "conftest.py" for folder in file.parents if folder != ROOT)):
        if one.is_file() and ROOT in one.parents:
            for name, node in _of_module(one):
                found.setdefault(name, []).append(node)
    return found


@cache
def _of_module(file: Path) -> list[tuple[str, ast.AST]]:
    return list(_named(ast.parse(file.read_text("utf-8"))))


def _named(module: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    yield target.id, node


def _said(node: ast.AST) -> tuple[set[str], set[str], list[str]]:
    """Texts and names of a definition, and what it refers to."""
    texts, names, referred = set[str](), set[str](), list[str]()
    for one in ast.walk(node):
        if isinstance(one, ast.Constant) and isinstance(one.value, str):
            texts |= {one.value, *_BETWEEN.split(one.value)}
        elif isinstance(one, ast.Attribute):
            names.add(one.attr)
        elif isinstance(one, ast.keyword) and one.arg:
            names.add(one.arg)
        elif isinstance(one, ast.Name):
            names.add(one.id)
            referred.append(one.id)
        elif isinstance(one, ast.arg):
            referred.append(one.arg)
    return texts, names, referred
