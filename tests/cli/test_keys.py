"""`leadmill keys`: made, listed, rotated and revoked on the machine; what other commands do where a key is needed."""

from __future__ import annotations

import json
import os
import pwd
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.doctor import data_files
from cli.main import main
from data.api_keys import FILE, KeyNotes, KeyRegistry
from data.jobs import JobStore
from leadmill.access import API_KEY, Role
from leadmill.settings import get_settings
from tests.valkey import Valkey

Run = Callable[..., Any]


@dataclass
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def leadmill_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, env: dict[str, str] | None = None) -> Ended:
        with monkeypatch.context() as patch:
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            get_settings.cache_clear()
            code = main(arguments)
        get_settings.cache_clear()
        return Ended(code, *capsys.readouterr())

    return run


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write into another user's folder")
def test_root_makes_no_keys_that_the_folders_owner_cannot_read(leadmill_here: Run, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    os.chown(tmp_path / "var", pwd.getpwnam("nobody").pw_uid, -1)
    ended = leadmill_here("keys", "create", "ops", "--role", "admin")
    assert (ended.code, ended.out) == (2, "") and "sudo -u nobody leadmill keys" in ended.err
    assert leadmill_here("keys", "list").code == 0
    assert not (tmp_path / "var" / FILE).exists()


def test_keys_on_the_machine(leadmill_here: Run, tmp_path: Path) -> None:
    """No stack runs, and no key is needed."""
    made = leadmill_here("keys", "create", "crm", "--role", "operator", "--project", "acme", "--expires", "90d",
                    "--network", "10.0.0.0/8", "--network", "::1/128")  # fmt: skip
    assert made.code == 0 and API_KEY.fullmatch(made.out.removesuffix("\n")), made.out + made.err
    key_id, secret = made.out[3:11], made.out.strip()
    assert f"key {key_id} (crm): operator of project acme, until 2" in made.err and secret not in made.err
    assert "from now on the API of" in made.err
    registry = KeyRegistry(tmp_path / "var")
    key = registry.table().find(secret, "10.1.1.1", datetime.now(UTC))
    assert key.expires_at is not None
    assert timedelta(days=89) < key.expires_at - datetime.now(UTC) <= timedelta(days=90)
    rotated = leadmill_here("keys", "rotate", key_id, "--grace", "1h")
    assert "the old one counts for 1h more" in rotated.err
    assert rotated.code == 0 and API_KEY.fullmatch(rotated.out.strip()) and rotated.out.strip() != secret
    assert {registry.table().find(one, "::1", datetime.now(UTC)).id for one in (secret, rotated.out.strip())} == {
        key_id
    }
    listed = leadmill_here("keys", "list", "--json")
    assert [(one["id"], one["role"], one["networks"]) for one in json.loads(listed.out)] == [
        (key_id, "operator", ["10.0.0.0/8", "::1/128"])
    ]
    assert key.digest not in listed.out
    ended = leadmill_here("keys", "revoke", key_id)
    assert (ended.code, ended.out) == (0, f"{key_id}\n") and "nobody can make keys by the API" in ended.err
    assert "\trevoked\t" in leadmill_here("keys", "list").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "a"], "Missing option"),
        (["create", "a", "--role", "root"], "root"),
        (["create", "", "--role", "viewer"], "name: 1 to 60"),
        (["create", "a", "--role", "viewer", "--project", "A"], "project: 1 to 40"),
        (["create", "a", "--role", "viewer", "--expires", "soon"], "--expires: not a time: soon"),
        (["create", "a", "--role", "viewer", "--expires", "9999999d"], "--expires: too far away"),
        (["create", "a", "--role", "viewer", "--network", "home"], "networks[0]: 'home'"),
        (["rotate", "nobody", "--grace", "soon"], "--grace: not a time: soon"),
        (["revoke", "nobody"], "no API key 'nobody'. Try: leadmill keys list"),
        (["rotate", "nobody"], "no API key 'nobody'. Try: leadmill keys list"),
    ],
)
def test_what_is_wrong_is_one_line(leadmill_here: Run, tmp_path: Path, arguments: list[str], says: str) -> None:
    ended = leadmill_here("keys", *arguments)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1), ended.err
    assert says in ended.err
    assert not (tmp_path / "var" / FILE).exists()


def test_where_redis_is_named_it_is_told(leadmill_here: Run, valkey: Valkey, tmp_path: Path) -> None:
    env = {"REDIS_URL": valkey.url, "LEADMILL_KEY_PREFIX": "told:"}
    made = leadmill_here("keys", "create", "a", "--role", "admin", env=env)
    assert made.code == 0 and "Redis" not in made.err
    store = JobStore.connect(valkey.url, "told:")
    notes, version = KeyNotes(store), KeyRegistry(tmp_path / "var").table().version
    assert notes.announced() == version
    notes.note_used({made.out[3:11]: "2027-01-31T08:00Z"})
    assert "\t2027-01-31 08:00\t" in leadmill_here("keys", "list", env=env).out
    store.close()
    lost = {**env, "REDIS_URL": "redis://127.0.0.1:9/0"}
    made = leadmill_here("keys", "create", "b", "--role", "viewer", env=lost)
    assert made.code == 0 and "Redis was not told" in made.err and API_KEY.fullmatch(made.out.strip())


@pytest.mark.stack
def test_a_stack_is_not_started_for_who_may_not_use_it(leadmill_here: Run, tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path / "var")
    _, secret = registry.create("a", Role.VIEWER, networks=["10.0.0.0/8"])
    for env, says in (({}, "asks for a key"), ({"LEADMILL_API_KEY": secret}, "may not be used from 127.0.0.1")):
        ended = leadmill_here("run", "a.example", env=env)
        assert ended.code == 2 and ended.err.count("\n") == 1 and says in ended.err, ended.err
        assert "LEADMILL_API_KEY" in ended.err and secret not in ended.err
    ended = leadmill_here("run", "a.example", env={"LEADMILL_API_KEY": secret[:-1]})
    assert ended.code == 2 and "LEADMILL_API_KEY: not an API key" in ended.err and secret[12:20] not in ended.err
    assert not (tmp_path / "var" / "run" / "stack.log").exists()


@pytest.mark.parametrize(
    ("status", "says"), [(401, "Try: export LEADMILL_API_KEY_FILE="), (403, "needs a key with the role")]
)
def test_a_refusal_is_one_line(leadmill_here: Run, api: Any, answer: Any, status: int, says: str) -> None:
    secret = f"lm_k7v2m9qa_{'x' * 43}"
    problem = {"detail": "this needs a key with the role operator", "code": "forbidden", "status": status}
    api.on("GET", "/api/v1/jobs/list", answer(problem, status))
    ended = leadmill_here("list", env={"LEADMILL_API_URL": api.url, "LEADMILL_API_KEY": secret})
    assert ended.code == 2 and ended.err.count("\n") == 1 and says in ended.err and secret not in ended.err
    assert api.asked("GET", "/api/v1/jobs/list")[0].headers["authorization"] == f"Bearer {secret}"


def told(data_dir: Path) -> list[tuple[str, str]]:
    return [(one.level, one.text) for one in data_files.keys(data_dir)]


def test_the_doctor_says_what_it_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leadmill.settings.get_settings", lambda: settings)
    settings = get_settings()
    assert told(tmp_path) == [
        ("ok", "no API key was ever made: every user of this machine may do everything by the API")
    ]
    settings = settings.model_copy(update={"trust_network": True, "api_host": "0.0.0.0"})
    ((level, text),) = told(tmp_path)
    assert level == "warn" and "whoever reaches 0.0.0.0 may do everything" in text
    registry = KeyRegistry(tmp_path)
    registry.create("a", Role.VIEWER)
    assert told(tmp_path) == [("warn", "no key may make others by the API")]
    secret = registry.create("b", Role.ADMIN)[1]
    none = "the API asks for a key; there are 2 that count, and LEADMILL_API_KEY names none: commands are refused"
    assert told(tmp_path) == [("warn", none)]
    settings = settings.model_copy(update={"api_key": secret[:-4] + "xxxx"})
    assert [level for level, _ in told(tmp_path)] == ["ok", "warn"]
    settings = settings.model_copy(update={"api_key": secret})
    assert [level for level, _ in told(tmp_path)] == ["ok"]
    (tmp_path / FILE).chmod(0o644)
    assert [re.sub(r" /\S+", "", text) for _, text in told(tmp_path)][1:] == ["other users of this machine may read"]
    (tmp_path / FILE).write_text("{")
    ((level, text),) = told(tmp_path)
    assert level == "fail" and "lets nobody in" in text


def test_a_table_that_was_lost_is_no_table_that_never_was(leadmill_here: Run, tmp_path: Path) -> None:
    assert "no keys; make one" in leadmill_here("keys", "list").err
    leadmill_here("keys", "create", "ops", "--role", "admin")
    (tmp_path / "var" / FILE).unlink()
    assert "is gone, so nobody is let in" in leadmill_here("keys", "list").err


def test_the_doctor_names_a_table_that_is_older_or_gone_and_quotas_that_cannot_be_read(
    valkey: Valkey, tmp_path: Path
) -> None:
    store = JobStore.connect(valkey.url, "doctor:")
    registry, file = KeyRegistry(tmp_path, KeyNotes(store).announce), tmp_path / FILE
    registry.create("a", Role.ADMIN)
    before = file.read_bytes()
    registry.create("b", Role.ADMIN)
    store.close()

    def said() -> list[str]:
        found = [*data_files.newest_keys(tmp_path, valkey.url, "doctor:"), *data_files.quotas(tmp_path)]
        assert all(one.level == "fail" and one.remedy for one in found)
        return [one.text for one in found]

    assert said() == []
    file.write_bytes(before)
    (tmp_path / "quotas.json").write_text("{")
    older, quotas = said()
    assert "is older than it was, so the API lets nobody in" in older and "nothing is taken" in quotas
    file.unlink()
    assert "is gone, so" in said()[0]
