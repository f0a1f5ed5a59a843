"""A copy of the tree with every recipe of docs/extending.md in it, and the real stack run from that copy.

A recipe is a block of code whose first line is a comment that names its file; it is written as it stands. Where that
line says more, the block is added to a file that is there.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.sample_sites.server import SampleServer
from leadmill import Client, Job

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "extending.md").read_text()
PACKAGES = ("leadmill", "data", "pipelines", "reports", "extraction", "tasks", "api", "cli", "docs")
_RECIPE = re.compile(r"^```\w+\n# (\S+/\S+)\n(.*?)^```$", re.M | re.S)
#: Runs a stack until its standard input ends.
_RUN = """
import json, sys
from cli.local_stack.stack import LocalStack
with LocalStack(sys.argv[1], workers=2, api_port=0) as stack:
    print(json.dumps({"api": stack.api_url, "redis": stack.redis_url}), flush=True)
    sys.stdin.read()
"""


def recipes() -> dict[str, str]:
    """File of each recipe -> its text."""
    return dict(_RECIPE.findall(PAGE))


def addition(first_line: str) -> str:
    """The text of the block that begins with this line."""
    [text] = re.findall(rf"^```\w+\n{re.escape(first_line)}\n(.*?)^```$", PAGE, re.M | re.S)
    return str(text)


def entry_points() -> str:
    """What an installer writes of the entry points that the page shows."""
    lines = []
    for block in re.findall(r"^```toml\n(\[project.entry-points.*?)^```$", PAGE, re.M | re.S):
        for group, points in tomllib.loads(block)["project"]["entry-points"].items():
            lines += [f"[{group}]", *(f"{name} = {place}" for name, place in points.items())]
    return "\n".join(lines)


@dataclass
class Extended:
    """A stack that runs from a tree with all recipes."""

    tree: Path
    data: Path
    env: dict[str, str]
    api: str
    redis: str

    @property
    def client(self) -> Client:
        """A client without the recipes, as somebody else's would be."""
        return Client(self.api)

    def run(self, *arguments: str) -> str:
        """What a Python process in the copy prints."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.tree,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def copy_of_the_tree(target: Path) -> Path:
    """The packages, with what is compiled of them."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, target / package)
    return target


@pytest.fixture(scope="package")
def extended(tmp_path_factory: pytest.TempPathFactory, sites: SampleServer) -> Iterator[Extended]:
    folder = tmp_path_factory.mktemp("extended")
    tree = copy_of_the_tree(folder / "tree")
    for name, text in recipes().items():
        file = tree / name
        assert not file.exists(), f"the recipe edits {name}, which is there already"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    installed = tree / "acme_leads-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-leads\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(entry_points())
    settings = tree / "leadmill" / "settings.py"
    fields, end, rest = settings.read_text().partition("    @model_validator")
    assert end
    settings.write_text(fields + addition("# leadmill/settings.py: class Settings") + "\n" + end + rest)
    scoring = folder / "scoring.toml"
    scoring.write_text(
        (tree / "pipelines/scoring/built_in/b2b-default.toml").read_text() + "\n" + addition("# scoring.toml")
    )
    hosts = folder / "hosts.txt"
    hosts.write_text("nordwind-solar.example\ndonaukraft.example\npolderdata.example\n")
    data = folder / "data"
    env = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "LEADMILL_DATA_URL": str(data),
        "LEADMILL_HTTP_PROXY": sites.url,
        "LEADMILL_SCORING_FILE": str(scoring),
        "LEADMILL_SEARCH_PROVIDER": f"hosts:{hosts}",
        "LEADMILL_CONTACTS_LIMIT": "1",
    }
    with subprocess.Popen(
        [sys.executable, "-c", _RUN, str(data)], cwd=tree, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as stack:
        assert stack.stdin is not None and stack.stdout is not None
        try:
            told = json.loads(stack.stdout.readline())
            yield Extended(tree, data, {**env, "REDIS_URL": told["redis"]}, told["api"], told["redis"])
        finally:
            stack.stdin.close()
            stack.wait(30)


@pytest.fixture(scope="package")
def leads(extended: Extended) -> Job:
    """A pipeline over what a search finds, with a report in every form that a recipe shows in."""
    report = {"formats": ["html", "csv", "xlsx", "json", "vcf"]}
    job = extended.client.submit(search_queries=["nordwind", "kraft"], report=report).wait(60)
    assert job.status == "completed", job.raw
    return job
