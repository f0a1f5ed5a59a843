"""What a run file may say of the sample sites: made-up names, on this machine, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.sample_sites.server import SampleServer
from leadmill.sample_sites import RUN_FILE, SampleSites, is_reserved, sample_sites
from leadmill.settings import Settings

SITES = SampleSites("http://127.0.0.1:8391", frozenset({"a.example", "www.a.example"}), ("a.example",))


def settings(folder: Path, **more: Any) -> Settings:
    return Settings(data_url=str(folder), **more)


def test_they_are_known_while_the_run_file_is_there(tmp_path: Path) -> None:
    assert sample_sites(settings(tmp_path)) is None
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / RUN_FILE).write_text(SITES.written())
    assert sample_sites(settings(tmp_path)) == SITES
    assert sample_sites(settings(tmp_path, http_proxy="http://127.0.0.1:3128")) is None, "it is the only way then"
    (tmp_path / "run" / RUN_FILE).write_bytes(b"\xff")
    assert sample_sites(settings(tmp_path)) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://10.0.0.5:8391"},
        {"url": "http://127.0.0.1:8391@evil.test"},
        {"url": "https://127.0.0.1:8391"},
        {"url": "http://localhost:8391"},
        {"url": None},
        {"hosts": ["a.example", "www.acme.com"]},
        {"hosts": ["a.example", "example"]},
        {"hosts": ["a.example.com"]},
        {"hosts": ["xexample"]},
        {"hosts": [7]},
        {"hosts": []},
        {"hosts": None},
        {"companies": None},
        {"machine": "another-one"},
    ],
    ids=str,
)
def test_nothing_else_is_taken_from_it(changed: dict[str, Any]) -> None:
    told = json.loads(SITES.written())
    assert SampleSites.read(json.dumps(told)) == SITES
    assert SampleSites.read(json.dumps({**told, **changed})) is None
    for name in changed:
        assert SampleSites.read(json.dumps({key: value for key, value in told.items() if key != name})) is None


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '"http://127.0.0.1:1"'])
def test_a_damaged_run_file_is_none(text: str) -> None:
    assert SampleSites.read(text) is None


@pytest.mark.parametrize(
    ("url", "theirs"),
    [
        ("http://a.example/", True),
        ("https://WWW.A.example./x", True),
        ("http://b.example/", False),
        ("http://x.a.example/", False),
        ("http://a.example.com/", False),
        ("http://a.example@evil.test/", False),
        ("http://evil.test/a.example", False),
        ("http://[a.example/", False),
        ("", False),
    ],
)
def test_which_addresses_are_theirs(url: str, theirs: bool) -> None:
    assert SITES.serve(url) is theirs


@pytest.mark.stack
def test_what_the_server_tells_of_itself_is_taken() -> None:
    with SampleServer() as server:
        sites = server.known_as
    assert SampleSites.read(sites.written()) == sites
    assert all(map(is_reserved, sites.hosts)) and "www.nordwind-solar.example" in sites.hosts
    assert not [host for host in sites.hosts if host.startswith("c0")], "numbered ones are for load tests"
