"""The docs name every setting and every dependency; nothing they list has gone."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from docs.generate import PAGES, renewed
from leadmill.settings import Settings, variable_of

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
DEPENDENCIES = (ROOT / "docs" / "dependencies.md").read_text()


VARIABLES = {variable_of(field) for field in Settings.model_fields}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_docs_take_from_the_code_is_as_the_code_has_it(page: Path) -> None:
    text = page.read_text()
    assert text == renewed(text), "run `make docs`"


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `([A-Z_]+)` \|", CONFIGURATION, re.MULTILINE)
    assert sorted(documented) == sorted(VARIABLES)


def test_the_example_file_names_settings_only() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = [line.lstrip("#").partition("=")[0] for line in lines if re.match(r"#?[A-Z_]+=", line)]
    assert named
    assert set(named) <= VARIABLES
    assert all(line.startswith("#") for line in lines), "copied as it is, it changes nothing"


def test_every_direct_dependency_is_explained_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    named = {re.match(r"[A-Za-z0-9._-]+", line).group() for line in wanted}  # type: ignore[union-attr]
    rows = re.findall(r"^\| ([a-z][a-z0-9-]+) \| (.+) \| (.+) \|$", DEPENDENCIES, re.MULTILINE)
    listed = {package for package, _, _ in rows if package != "package"}
    assert listed == named
    assert all(why.strip() and licence.strip() for _, why, licence in rows)
