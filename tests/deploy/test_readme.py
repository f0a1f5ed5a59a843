"""The README's walk-through by curl does what it says, on the real stack, and its files and links exist."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from cli.local_stack.stack import LocalStack
from docs import chromium, screenshots
from leadmill import Client

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PACKAGES = ("leadmill", "data", "extraction", "reports", "pipelines", "tasks", "api", "cli", "deploy", "benchmarks")
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]


def walk_through() -> list[str]:
    """The shell blocks between the marker and the next heading."""
    marked = README.partition("is run by tests/deploy/test_readme.py. -->")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", marked, re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl")
@pytest.mark.timeout(240)
def test_walk_through_by_curl(stack: LocalStack, tmp_path: Path) -> None:
    blocks = walk_through()
    assert len(blocks) == 5
    assert "API=http://127.0.0.1:8000/api/v1" in blocks[0]
    # An answer of 400 or above fails the script; the commands themselves stay short in the README.
    script = 'curl() { command curl --noproxy "*" --fail-with-body -S "$@"; }\nset -euo pipefail\n' + "\n".join(blocks)
    script = script.replace("http://127.0.0.1:8000", stack.api_url)
    done = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-3_000:]}\n{done.stderr}"
    assert '"completed"' in done.stdout
    assert (tmp_path / "report.html").read_text().startswith("<!")
    assert "nordwind-solar.example" in (tmp_path / "report.csv").read_text()
    assert "quiet-archive.example" in done.stdout, "the errors name the site that forbids robots"


def test_python_example_runs(stack: LocalStack, stack_env: dict[str, str], tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(from leadmill import Client.*?)```", README, re.DOTALL)
    command = [sys.executable, "-c", example]
    done = subprocess.run(
        command, cwd=tmp_path, env=stack_env, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report.html").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    """A file of the tree that a page names in backticks must be there."""
    folders = (
        "leadmill/",
        "data/",
        "pipelines/",
        "reports/",
        "extraction/",
        "tasks/",
        "api/",
        "cli/",
        "tests/",
        "deploy/",
        "notebooks/",
    )
    for name in re.findall(r"`([\w./-]+)`", page.read_text()):
        if name.startswith(folders):
            assert (ROOT / name).exists(), f"{page.name} names {name}"


def test_sources_name_modules_that_exist() -> None:
    """After a move, no docstring or comment may send its reader to where something was."""
    sources = [*ROOT.glob("*.py"), *(one for folder in PACKAGES for one in (ROOT / folder).rglob("*.py"))]
    path = re.compile(rf"(?<![\w./-])(?:{'|'.join(PACKAGES)})/[\w/]+\.(?:py|lua|toml)\b")
    lost = {
        f"{one.relative_to(ROOT)}: {name}"
        for one in sources
        for name in path.findall(one.read_text())
        if not (ROOT / name).exists()
    }
    assert not lost


def test_its_pictures_are_those_that_are_taken_of_the_product() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert pictures == [f"docs/images/{one.file}" for one in screenshots.PICTURES]
    assert all(10_000 < (ROOT / picture).stat().st_size < 200_000 for picture in pictures)


def test_without_chromium_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PATH", "")
    assert screenshots.main() == 2
    assert "no Chromium on PATH" in capsys.readouterr().err


@pytest.mark.skipif(chromium.program() is None, reason="this machine has no Chromium")
def test_the_pictures_can_be_taken_anew(client: Client, tmp_path: Path) -> None:
    """Not what they show, but that the product still has all that they are taken of."""
    taken = screenshots.take(client, tmp_path)
    assert [path.name for path in taken] == [one.file for one in screenshots.PICTURES]
    for path, one in zip(taken, screenshots.PICTURES, strict=True):
        with Image.open(path) as picture:
            assert picture.size == (one.width, one.height)
