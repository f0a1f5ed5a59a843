"""`leadmill doctor`: what it finds, and that every fault comes with what mends it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.doctor import data_files, installation
from data.server import durability_risks

Run = Callable[..., Any]


def test_a_good_installation(leadmill: Run, tmp_path: Path) -> None:
    ended = leadmill("doctor", "--json")
    assert ended.code == 0, ended.out + ended.err
    found = {finding["check"]: finding for finding in json.loads(ended.out)}
    names = {
        "python", "packages", "own packages", "plug-ins", "settings", "data folder", "keys", "open files",
        "sql console", "redis", "stack", "ports",
    }  # fmt: skip
    assert set(found) == names
    assert found["own packages"]["level"] == "ok"
    assert str(tmp_path / "var") in found["data folder"]["text"]


def test_faults_come_with_a_remedy(leadmill: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = taken.getsockname()[1]
        env = {"REDIS_URL": f"redis://:geheim@127.0.0.1:{dead}/0", "LEADMILL_HTTP_PROXY": f"http://127.0.0.1:{dead}"}
        ended = leadmill("doctor", env=env)
    assert ended.code == 1
    assert "fail  redis: Redis at redis://:***@127.0.0.1" in ended.out
    assert "unset REDIS_URL" in ended.out
    assert "fail  proxy: LEADMILL_HTTP_PROXY" in ended.out
    assert "geheim" not in ended.out + ended.err
    assert "2 faults" in ended.err


def test_who_has_no_key_is_told_where_keys_are_asked_for(leadmill: Run) -> None:
    assert leadmill("keys", "create", "ops", "--role", "admin").code == 0
    told = leadmill("doctor").out
    assert "LEADMILL_API_KEY names none: commands are refused" in told and "LEADMILL_API_KEY_FILE=FILE" in told


def test_an_api_elsewhere_is_asked(leadmill: Run, api: Any, answer: Any) -> None:
    """And nothing is said of a port that no stack here will take."""
    for status, code, said in ((200, 0, "ok    api: LEADMILL_API_URL"), (503, 1, "fail  api: LEADMILL_API_URL")):
        api.on("GET", "/readyz", answer({"status": "x"}, status))
        ended = leadmill("doctor", env={"LEADMILL_API_URL": f"{api.url}/"})
        assert ended.code == code and f"{said}, which commands ask: {api.url} is " in ended.out, ended.out
        assert "ports: " not in ended.out


def test_a_folder_that_stands_in_for_ours_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util
    from types import SimpleNamespace

    real = importlib.util.find_spec

    def find_spec(name: str) -> Any:
        return SimpleNamespace(origin=str(tmp_path / "tasks" / "__init__.py")) if name == "tasks" else real(name)

    monkeypatch.setattr(installation.importlib.util, "find_spec", find_spec)
    (finding,) = installation.own_packages()
    assert finding.level == "fail"
    assert f"tasks comes from {tmp_path}" in finding.text


@pytest.mark.parametrize(("free", "level"), [(100e9, "ok"), (2e9, "warn"), (0.1e9, "fail")])
def test_disk_space(free: float, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_files, "disk_free", lambda folder: free)
    (finding,) = data_files.data_folder(tmp_path)
    assert finding.level == level
    assert (finding.remedy is None) == (level == "ok")


@pytest.mark.parametrize(
    ("info", "remedies"),
    [
        ({"aof_enabled": 1, "maxmemory_policy": "noeviction"}, []),
        ({"aof_enabled": 0, "maxmemory_policy": "noeviction"}, ["CONFIG SET appendonly yes"]),
        ({"aof_enabled": "0", "maxmemory_policy": "allkeys-lru"}, ["appendonly yes", "maxmemory-policy noeviction"]),
        ({}, ["appendonly yes"]),
    ],
)
def test_what_a_redis_could_lose_jobs_by(info: dict[str, object], remedies: list[str]) -> None:
    found = list(durability_risks(info))
    assert len(found) == len(remedies)
    for risk, remedy in zip(found, remedies, strict=True):
        assert remedy in risk.command
