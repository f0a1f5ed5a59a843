"""The request that a page shows as curl, Python and command line is the one that was filled in, field by field."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from api.as_code import as_code
from tests.api.pages.test_new_run import form
from tests.api.pages.typed import TYPED
from tests.scripted_api import Answer, FakeApi, job_json

#: What the command line has no option for: then it is not shown.
_NO_OPTION = {
    "crawl.max_depth", "crawl.deadline_s", "crawl.respect_robots", "report.type", "run_at", "deadline",
    "max_results_per_query",
}  # fmt: skip
ADDRESSES = {"company_urls": TYPED["company_urls"][0]}


@pytest.fixture(scope="module")
def api() -> Iterator[FakeApi]:
    """An API that takes every job, and tells of each that it has ended."""
    found = FakeApi()
    ended = job_json(status="completed", coverage=1.0, result={"companies": 1, "good": 1, "missing": []}, links={})
    found.on("POST", "/api/v1/pipelines", Answer({**ended, "status": "pending"}, 202))
    found.on("GET", "/api/v1/jobs/status/job_1", Answer(ended))
    yield found
    found.close()


def told(api: FakeApi, body: dict[str, Any], file: str | None = None) -> dict[str, str]:
    request = SimpleNamespace(base_url=f"{api.url}/")
    here = SimpleNamespace(settings=SimpleNamespace(public_url=None), caller=SimpleNamespace(key_id=None))
    return dict(as_code(cast(Any, request), cast(Any, here), body, file))


def sent(api: FakeApi) -> dict[str, Any]:
    """The body of the newest request that made a job."""
    return dict(api.asked("POST", "/api/v1/pipelines")[-1].json)


def typed(name: str) -> dict[str, Any]:
    return form(**{**ADDRESSES, name: TYPED[name][0]}).body()


@pytest.mark.parametrize("name", TYPED)
def test_curl_and_python_send_what_was_filled_in(api: FakeApi, name: str) -> None:
    body = typed(name)
    texts = told(api, body)
    words = shlex.split(texts["curl"].replace("\\\n", " "))
    assert words[2] == f"{api.url}/api/v1/pipelines" and json.loads(words[words.index("-d") + 1]) == body
    before = len(api.asked("POST", "/api/v1/pipelines"))
    exec(compile(texts["Python"], name, "exec"), {})
    assert len(api.asked("POST", "/api/v1/pipelines")) == before + 1 and sent(api) == body
    assert ("Command line" in texts) == (name not in _NO_OPTION)


@pytest.mark.stack
def test_the_command_line_sends_what_was_filled_in(api: FakeApi, tmp_path: Path) -> None:
    shown = {name: value for name, (value, _) in TYPED.items() if name not in _NO_OPTION}
    body = form(**shown).body()
    command = shlex.split(told(api, body)["Command line"])
    assert command[:2] == ["leadmill", "run"]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli.main", *command[1:]],
        cwd=tmp_path, env={"PATH": "/usr/bin:/bin", "LEADMILL_API_URL": api.url}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert sent(api) == body
