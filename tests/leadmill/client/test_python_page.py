"""docs/python.md: its blocks run one after the other against the running stack, and print what they promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.local_stack.stack import LocalStack
from leadmill.settings import get_settings

PAGE = Path(__file__).parents[3] / "docs" / "python.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(240)
def test_every_block_runs(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEADMILL_DATA_URL", str(stack.data_dir))
    get_settings.cache_clear()
    shared: dict[str, object] = {"__name__": "page"}
    said = []
    try:
        for block in BLOCKS:
            exec(compile(block, str(PAGE), "exec"), shared)
            said.append(capsys.readouterr().out)
    finally:
        get_settings.cache_clear()
    submitted, rows, report, listed, options, many, events, log, companies, asked, lake, queries = said
    assert "completed 67% 2 of 3" in submitted and "quiet-archive.example/ data robots.txt" in submitted
    assert "Nordwind Solar" in rows and "list<" in rows
    assert report == "report.html\n" and "<html" in (tmp_path / "report.html").read_text()[:200]
    assert re.findall(r"^\d+ 50\d \S+", listed, re.MULTILINE) == [
        "2 501 nordwind-solar.example", "3 502 polderdata.example",
    ]  # fmt: skip
    assert "did you mean 'priority'?" in options and "422" in options and "company_urls[1]" in options
    assert "Nordwind Solar: " in many and "Polderdata: " in many
    assert "score" in events
    assert log == "", "nothing of that job has failed"
    assert "nordwind-solar.example" in companies
    assert "['country', 'companies'] [" in asked and "] None\n" in asked and asked.endswith("emails.csv\n")
    assert "nordwind-solar.example" in (tmp_path / "emails.csv").read_text()
    assert "1 leads of 1 companies" in lake
    assert "nordwind-solar.example" in queries
