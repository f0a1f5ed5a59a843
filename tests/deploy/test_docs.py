"""The docs name every setting and every dependency; nothing they list has gone."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from leadmill.settings import Settings

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
DEPENDENCIES = (ROOT / "docs" / "dependencies.md").read_text()


def variables() -> set[str]:
    """Names in the environment of all settings."""
    found = set()
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        found.add(str(alias.choices[0]) if hasattr(alias, "choices") else f"LEADMILL_{name.upper()}")
    return found


def test_every_setting_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", CONFIGURATION, re.MULTILINE))
    assert documented == variables()


def test_documented_defaults_are_the_real_ones() -> None:
    for name, shown in re.findall(r"^\| `LEADMILL_([A-Z_]+)` \| `([^`]+)` \|", CONFIGURATION, re.MULTILINE):
        assert shown == str(Settings.model_fields[name.lower()].default), name


def test_the_example_file_names_settings_only() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    named = [line.lstrip("#").partition("=")[0] for line in lines if re.match(r"#?[A-Z_]+=", line)]
    assert named
    assert set(named) <= variables()
    assert all(line.startswith("#") for line in lines), "copied as it is, it changes nothing"


def test_every_direct_dependency_is_explained_and_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    named = {re.match(r"[A-Za-z0-9._-]+", line).group() for line in wanted}  # type: ignore[union-attr]
    rows = re.findall(r"^\| ([a-z][a-z0-9-]+) \| (.+) \| (.+) \|$", DEPENDENCIES, re.MULTILINE)
    listed = {package for package, _, _ in rows if package != "package"}
    assert listed == named
    assert all(why.strip() and licence.strip() for _, why, licence in rows)
