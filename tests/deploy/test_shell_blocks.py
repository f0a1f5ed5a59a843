"""What pages tell somebody to type: each command is one that there is, and those of notices and of the runbook run."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
import yaml
from typer.core import TyperGroup

from cli.local_stack.stack import LocalStack
from cli.main import all_commands, main
from leadmill import Client
from leadmill.settings import get_settings
from tests.deploy.compose import ROOT
from tests.faults.proof import until
from tests.pipelines.notices.receivers import mail_server, receiver

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMPOSE = re.compile(r"docker compose ((?:-f \S+ )+)((?:--profile \S+ )?)(\w+) ?(.*)")
#: Options of `docker compose` that take a word.
WITH_A_WORD = ("--tail", "--since", "--scale", "-n")


def shell(page: Path) -> str:
    """The shell blocks of a page; lines that go on are one."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", page.read_text(), re.DOTALL | re.MULTILINE)
    return re.sub(r"\\\n\s*", " ", "".join(blocks))


def commands(page: Path) -> list[list[str]]:
    """What stands behind `leadmill` at the beginning of a command, of each once."""
    found = re.findall(r"^(?:\s*[A-Z_]+=(?:'[^']*'|\S+))*\s*leadmill (.+)", shell(page), re.MULTILINE)
    return [list(words) for words in dict.fromkeys(tuple(first_command(line)) for line in found)]


def first_command(line: str) -> list[str]:
    """Its words, as far as the first `|`, `>`, `&` or `;`."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(takewhile(lambda word: not set(word) <= set("();<>|&"), lexer))


def test_there_is_something_to_look_at() -> None:
    assert {page.stem for page in PAGES if commands(page)} >= {
        "README",
        "notices",
        "runbook",
        "operations",
        "keys",
        "team",
    }
    assert {page.stem for page in PAGES if COMPOSE.search(page.read_text())} >= {"runbook", "monitoring", "notices"}


@pytest.fixture(scope="module")
def whole() -> TyperGroup:
    return all_commands()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_is_one_that_there_is(page: Path, whole: TyperGroup) -> None:
    for words in commands(page):
        command, rest = whole, list(words)
        while isinstance(command, TyperGroup) and rest and not rest[0].startswith("-"):
            command, rest = command.commands[rest[0]], rest[1:]  # type: ignore[assignment]
        if rest != ["--version"]:
            command.make_context("leadmill", rest)  # raises for an option or an argument that there is not


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_line_for_compose_names_what_it_has(page: Path) -> None:
    text = page.read_text()
    typed = shell(page).replace("&&", "\n").splitlines() + re.findall(r"`(docker [^`]+)`", text.replace("\n", " "))
    for files, profile, verb, rest in COMPOSE.findall("\n".join(typed)):
        services: dict[str, Any] = {}
        for file in files.split()[1::2]:
            services |= yaml.safe_load((ROOT / file).read_text())["services"]
        if profile:
            assert any(profile.split()[1] in service.get("profiles", ()) for service in services.values()), profile
        if verb in ("ps", "logs", "restart", "stop", "exec"):
            words = iter(first_command(rest))
            named = [word for word in words if not (word.startswith("-") and (word not in WITH_A_WORD or next(words)))]
            for service in named[:1] if verb == "exec" else named:
                assert service in {*services, "SERVICE"}, f"{page.name}: {verb} {rest}"


# ---- run, beside the stack

Typed = Callable[..., str]


@pytest.fixture
def typed(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Typed]:
    """Types one command beside the stack; what it printed. In this process: one of its own would take a second each."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REDIS_URL", stack.redis_url)
    monkeypatch.setenv("LEADMILL_DATA_URL", str(stack.data_dir))
    get_settings.cache_clear()

    def run(*words: str, input: str = "") -> str:
        monkeypatch.setattr(sys, "stdin", io.StringIO(input))
        code = main(words)
        told = capsys.readouterr()
        assert code == 0, f"leadmill {shlex.join(words)}: {told.err}"
        return told.out

    yield run
    get_settings.cache_clear()


@pytest.mark.stack
def test_notices(client: Client, typed: Typed, tmp_path: Path) -> None:
    """Every block of docs/notices.md, in its order; where it names a receiver, one that is here."""
    with xlsxwriter.Workbook(tmp_path / "customers.xlsx") as book:
        book.add_worksheet().write_column(0, 0, ["website", "nordwind-solar.example"])
    with receiver() as web, mail_server() as (port, mails):
        for name in ("sales", "oncall"):
            client.put_channel(name, web.url(f"/{name}"))
        client.put_channel("crm", web.url("/redirect"))  # which is not followed
        refused = ""
        try:
            told = client.submit(["nordwind-solar.example"], notify=["crm"])
            for words in commands(ROOT / "docs" / "notices.md"):
                if words[:2] == ["notices", "log"]:
                    until(lambda: list(client.deliveries(job=told.id, result="given_up")), 30, "a delivery given up")
                line = [word.replace("https://crm.example.com", web.url("")) for word in words]
                if line[:2] == ["notices", "replay"]:
                    line[2] = refused
                out = typed(*line, input=f"mailto://127.0.0.1:{port}?from=leads@example.com&to=ops@example.com\n")
                match words[:3]:
                    case ["notices", "channels", "test"]:
                        assert mails.pop()["To"] == "ops@example.com"
                    case ["notices", "rules", "list"]:
                        assert "job.completed" in out and "spring" in out and "critical" in out
                    case ["notices", "rotate", _]:
                        assert out.startswith("whsec_")
                    case ["notices", "log", *_]:
                        (found,) = json.loads(typed(*line, "--json"))
                        assert found["id"] in out and found["error"] in out
                        refused = found["id"]
            until(lambda: {got.path for got in web.got} >= {"/sales", "/leadmill"}, 30, "the job's end is told")
            until(lambda: len([got for got in web.got if got.path == "/redirect"]) == 2, 30, "it is sent once more")
            until(lambda: "anna@example.com" in {mail["To"] for mail in mails}, 30, "and by mail")
        finally:
            client.set_notice_rules([])
            for name in {one["name"] for one in client.notice_channels()} & {"mail", "sales", "oncall", "crm"}:
                client.delete_channel(name)


@pytest.mark.stack
@pytest.mark.skipif(
    not (shutil.which("redis-cli") and shutil.which("curl")),
    reason="this machine has no redis-cli or no curl: sh deploy/ci-packages.sh",
)
def test_the_runbook(client: Client, stack: LocalStack, typed: Typed, tmp_path: Path) -> None:
    """What it has somebody look at is there. What is for compose alone is left out."""
    page = ROOT / "docs" / "runbook.md"
    job = client.submit(["www.quiet-archive.example"])
    assert job.wait(timeout=60).status == "failed"
    with receiver() as web:
        client.put_channel("told", web.url("/good"))
        try:
            for words in commands(page):
                out = typed(*[{"JOB": job.id, "NAME": "told"}.get(word, word) for word in words])
                match words:
                    case ["status", "JOB"] | ["list", "--status", "failed", *_]:
                        assert job.id in out and "failed" in out
                    case ["notices", "channels", "test", _]:
                        assert [got.path for got in web.got] == ["/good"]
        finally:
            client.delete_channel("told")
    (tmp_path / "var").symlink_to(stack.data_dir)
    lines = [line for line in shell(page).splitlines() if line.startswith(("curl", "redis-cli", "df"))]
    assert len(lines) >= 5
    for line in lines:
        script = "set -o pipefail\n" + line.replace("http://127.0.0.1:8000", stack.api_url)
        script = script.replace("curl -s", "curl --noproxy '*' -fs")
        done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and done.stdout, f"{line}: {done.stderr}"
