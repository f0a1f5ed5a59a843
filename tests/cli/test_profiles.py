"""`leadmill icp` and `leadmill models`, and what the documentation says of profiles."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import profile_making as making
from cli.doctor import examine
from cli.main import main
from leadmill.errors import InputError
from leadmill.settings import get_settings
from pipelines.scoring.profile import checked_profile, read_profile

Run = Callable[..., Any]
DOCS = Path(__file__).parents[2] / "docs" / "scoring.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


def test_the_documented_file_is_what_the_documented_command_writes(leadmill: Run, tmp_path: Path) -> None:
    new, check, _ = blocks("sh")[0].replace("\\\n", "").strip().splitlines()
    made = leadmill(*shlex.split(new)[1:])
    assert (made.code, made.out) == (0, "dach-shops.toml\n")
    written, documented = read_profile(tmp_path / "dach-shops.toml"), checked_profile(tomllib.loads(blocks("toml")[0]))
    assert written.countries == documented.countries and written.size == documented.size
    assert written.technologies == documented.technologies and written.hiring == documented.hiring
    checked = leadmill(*shlex.split(check)[1:])
    assert "-100\toutside DACH or Netherlands: excluded" in checked.out and "0\tcountry not found" in checked.out
    assert checked.err.startswith("icp:dach-shops-")
    again = leadmill(*shlex.split(new)[1:])
    assert again.code == 2 and "dach-shops.toml exists" in again.err
    checked_profile(json.loads(blocks("json")[0])["icp"])


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["new"], "nobody is here to answer questions. Try: leadmill icp new --countries"),
        (["new", "--countries", "DACHH"], "icp.countries: wanted: no country or region 'DACHH'; did you mean 'DACH'?"),
        (["new", "--size", "12"], "'12' is no number of people"),
        (["new", "--countries", "DE", "--must", "size"], "--must: no criterion of this profile 'size'"),
        (["new", "--countries", "DE", "--weight", "countries"], "write it like industries=8"),
        (["new", "My Shops", "--countries", "DE"], "a short name in lower case"),
        (["check", "none.toml"], "none.toml: cannot be read"),
        (["check", "none"], "no ideal customer profile 'none'"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], told: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["icp", *arguments]) == 2
    ended = capsys.readouterr()
    assert told in ended.err and len(ended.err.splitlines()) == 1 and not ended.out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    made = tmp_path / "models"
    made.mkdir()
    monkeypatch.setenv("LEADMILL_MODELS_DIR", str(made))
    get_settings.cache_clear()
    yield made
    get_settings.cache_clear()


def test_models_are_listed_and_copied(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "b2b-default"]) == 0
    (folder / "mine.toml").write_text(capsys.readouterr().out.replace('name = "b2b-default"', 'name = "mine"'))
    (folder / "dach.toml").write_text('[countries]\nwanted = ["DACH"]\n')
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed == {"scoring_models": ["default", "b2b-default", "mine"], "icps": ["dach"]}
    assert main(["icp", "check", "dach"]) == 0
    assert main(["models", "mime"]) == 2
    assert "did you mean 'mine'?" in capsys.readouterr().err


def test_a_wrong_file_is_seen_by_up_and_doctor(leadmill: Run, folder: Path, tmp_path: Path) -> None:
    (folder / "dach.toml").write_text("[countries]\n")
    seen = next(one for one in examine(tmp_path) if one.check == "settings" and one.level == "fail")
    assert f"LEADMILL_MODELS_DIR: {folder}/dach.toml: countries: name something" in seen.text
    wrong = leadmill("up", env={"LEADMILL_MODELS_DIR": "models"})
    assert wrong.code == 2 and "dach.toml: countries: name something wanted" in wrong.err and not wrong.out
    assert not (tmp_path / "var").exists()


@pytest.mark.stack
def test_questions_are_asked_until_they_are_answered(tmp_path: Path) -> None:
    answers = ["DACHH", "DACH", "y", "", "shopify", "", "agency", "12 to 40", "12-40", "n", "My shops"]
    controller, terminal = pty.openpty()
    command = [sys.executable, "-m", "cli.main", "icp", "new"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as asked:
        os.write(controller, "".join(f"{answer}\n" for answer in answers).encode())
        out, err = asked.communicate(timeout=60)
    os.close(terminal), os.close(controller)
    assert out.decode() == "my-shops.toml\n", err.decode()
    assert "no country or region 'DACHH'; did you mean 'DACH'?" in err.decode()
    assert tomllib.loads((tmp_path / "my-shops.toml").read_text()) == {
        "name": "my-shops",
        "countries": {"wanted": ["DACH"], "must": True},
        "size": {"min": 12, "max": 40},
        "technologies": {"wanted": ["shopify"]},
        "words": {"unwanted": ["agency"], "veto": True},
    }


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    profile = checked_profile(
        {"name": "odd", "words": {"wanted": ['say "hi"\\n', "é\\u0022", "日本"]}, "size": {"max": 3}}
    )
    making.write(profile, tmp_path / "odd.toml")
    assert read_profile(tmp_path / "odd.toml") == profile
    with pytest.raises(InputError, match="no number of people"):
        making.of_options("x", {}, "a-b", None, None, None, hiring=False)
