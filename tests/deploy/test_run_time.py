"""What runs is shipped by licences that allow it, and listed by `make sbom` without anything of this machine."""

from __future__ import annotations

import json
import re
import tomllib
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from deploy import run_time
from deploy.run_time import EXCEPTIONS, EXTRAS, Part, bill, faults, licence_of, main, may_be_shipped, parts


def about(**fields: str | list[str]) -> Message:
    message = Message()
    for name, value in fields.items():
        for one in [value] if isinstance(value, str) else value:
            message[name.replace("_", "-")] = one
    return message


OSI = "License :: OSI Approved :: "


@pytest.mark.parametrize(
    ("metadata", "licence", "ships"),
    [
        (about(License_Expression="MIT"), "MIT", True),
        (about(License_Expression="Apache-2.0 OR GPL-3.0-only"), "Apache-2.0 OR GPL-3.0-only", True),
        (about(License_Expression="MIT AND GPL-3.0-only"), "MIT AND GPL-3.0-only", False),
        (about(License_Expression="MIT AND (GPL-3.0-only OR MIT)"), "MIT AND (GPL-3.0-only OR MIT)", False),
        (about(License="mit"), "MIT", True),
        (about(License="New BSD"), "BSD-3-Clause", True),
        (about(License="LGPL-2.1-or-later"), "LGPL-2.1-or-later", False),
        (about(License="AGPL-3.0-only", Classifier=[OSI + "MIT License"]), "MIT", True),
        (about(Classifier=[OSI + "MIT License", OSI + "Apache Software License"]), "Apache-2.0 AND MIT", True),
        (about(Classifier=[OSI + "GNU General Public License v3 (GPLv3)"]), None, False),
        (about(License="Proprietary of somebody"), None, False),
        (about(), None, False),
        (about(License_Expression="MPL-2.0"), "MPL-2.0", False),
    ],
)
def test_a_licence_is_read_and_judged(metadata: Message, licence: str | None, ships: bool) -> None:
    assert licence_of(metadata) == licence  # type: ignore[arg-type]
    assert may_be_shipped(Part("some", "1", licence, ())) is ships


@pytest.fixture(scope="module")
def found() -> dict[str, Part]:
    return parts(asked=EXTRAS)


def test_all_that_runs_may_be_shipped(found: dict[str, Part]) -> None:
    assert {"leadmill", "celery", "redis", "uvloop", "httptools", "tornado"} <= found.keys(), "extras are followed, too"
    assert not {"pytest", "hypothesis", "mypy"} & found.keys()
    assert faults(found) == []
    assert {(part.name, part.licence) for part in found.values()} >= EXCEPTIONS.keys(), "an exception is for nothing"


def test_another_licence_fails_the_check(
    found: dict[str, Part], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_time, "parts", lambda **_: found)
    monkeypatch.setattr(run_time, "ALLOWED", run_time.ALLOWED - {"MIT"})
    assert main([]) == 1
    assert "not to be shipped: redis " in capsys.readouterr().err


def test_the_image_has_each_extra(root: Path) -> None:
    """So the licences of each are looked at, and the bill names what each brings."""
    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    locked = (root / "deploy/runtime.lock").read_text()
    assert declared.keys() == EXTRAS
    for line in (line for lines in declared.values() for line in lines):
        assert f"{canonicalize_name(Requirement(line).name)}==" in locked


def test_the_bill_of_materials(found: dict[str, Part], root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sbom"]) == 0
    text = capsys.readouterr().out
    assert text == bill(found) + "\n" and {"opentelemetry-sdk"} <= found.keys()
    whole = json.loads(text)
    assert (whole["bomFormat"], whole["specVersion"]) == ("CycloneDX", "1.6")
    assert whole["metadata"]["component"]["name"] == "leadmill"
    listed = {component["bom-ref"] for component in whole["components"]} | {whole["metadata"]["component"]["bom-ref"]}
    assert len(listed) == len(found) == len(whole["dependencies"])
    assert all(re.fullmatch(r"pkg:pypi/[a-z0-9-]+@[\w.+!-]+", ref) for ref in listed)
    for dependency in whole["dependencies"]:
        assert {dependency["ref"], *dependency["dependsOn"]} <= listed
    assert all(component["licenses"][0]["expression"] for component in whole["components"])
    for word in (str(root), "file:", "simple/", "://"):
        assert word not in text.replace(whole["$schema"], "")
