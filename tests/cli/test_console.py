"""What tables and ages look like."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta

import pytest

from cli import console

LEADS = [
    ["comp_8e78f2c416a9d377", "brightforge.example", "Brightforge", "US", "", 100.0],
    ["comp_b1c0c16459eaceac", "donaukraft.example", "Donaukraft", "AT", "Machinery and industrial equipment", 80.0],
]
HEADERS = ["company_id", "domain", "name", "country", "industry", "score", "error"]


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda stream: True)
    monkeypatch.setenv("TERM", "xterm")
    return monkeypatch


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_a_terminal_gets_what_fits_and_words_whole(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    terminal.setenv("COLUMNS", str(columns))
    console.table(HEADERS, [[*row, None] for row in LEADS], spare=("company_id",))
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert all(len(line) <= columns for line in shown.splitlines())
    assert "error" not in shown, "an empty column is left out"
    assert ("company_id" in shown) == (columns == 200)
    for word in ("brightforge.example", "donaukraft.example", "country", "score"):
        assert word in shown


def test_an_id_behind_other_columns_stays_whole(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv("COLUMNS", "80")
    job = "job_01m8em2b8phx507c4577"
    rows = [
        ["2027-01-31 08:00:00", "crm-import (k7v2m9qa)", "acme", "submit_pipeline", job, "202"],
        [
            "2027-01-31 08:00:00",
            "Ada (oidc_0123456789abcdef0123)",
            "acme",
            "sign_in",
            "ada at https://" + "x" * 60,
            "303",
        ],
    ]
    console.table(["at", "who", "project", "action", "on", "answer"], rows, copied="on")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert job in shown and "2027-01-31" in shown and all(len(line) <= 80 for line in shown.splitlines())


def test_a_terminal_gets_no_empty_table(terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    console.table(HEADERS, [])
    assert capsys.readouterr().out == ""


def test_a_pipe_gets_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    console.table(HEADERS, [[*row, None] for row in LEADS], spare=("company_id",))
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.split("\t") == HEADERS
    assert [line.count("\t") for line in lines] == [6, 6]


@pytest.mark.parametrize(
    ("before", "told"),
    [({"seconds": 42}, "42 s ago"), ({"minutes": 8, "seconds": 30}, "8 m ago"), ({"hours": 30}, "1 d ago"),
     ({"hours": 5}, "5 h ago"), ({"seconds": -3}, "0 s ago")],
)  # fmt: skip
def test_age(before: dict[str, float], told: str) -> None:
    assert console.age(datetime.now(UTC) - timedelta(**before)) == told
