"""Keys in the lake's file: what is kept of one, when it counts, who may change it, and what a damaged file means."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data.api_keys import FILE, MAX_KEYS, MAX_OF_PROJECT, KeyRegistry, KeyTable, listed
from leadmill.access import Caller, Role
from leadmill.errors import (
    ConflictError,
    InputError,
    KeyRefusedError,
    KeysUnreadableError,
    NotFoundError,
    StorageError,
    UnavailableError,
)

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=400)


def refusal(table: KeyTable, given: str, address: str = "127.0.0.1", now: datetime = NOW) -> str:
    with pytest.raises(KeyRefusedError) as raised:
        table.find(given, address, now)
    return raised.value.code


def test_a_key_is_shown_once_and_only_its_digest_is_kept(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    assert registry.table() == KeyTable() and not registry.table().asks
    key, secret = registry.create("crm", Role.OPERATOR, "acme")
    assert re.fullmatch(r"lm_[0-9a-z]{8}_[A-Za-z0-9_-]{43}", secret) and secret[3:11] == key.id
    file = tmp_path / FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert secret not in text and secret[12:] not in text
    assert hashlib.sha256(secret.encode()).hexdigest() in text
    table = KeyRegistry(tmp_path).table()
    assert table.asks and table.keys == {key.id: key}
    assert table.find(secret, "10.0.0.1", NOW).caller("10.0.0.1") == Caller(
        "crm", Role.OPERATOR, "acme", key.id, "10.0.0.1"
    )
    assert "digest" not in key.shown()


def test_what_is_no_key_says_nothing_of_those_that_are(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    key, secret = registry.create("a", Role.VIEWER)
    other = registry.create("b", Role.VIEWER)[1]
    table = registry.table()
    for given in ("", "x", "lm_", secret[:-1], secret + "A", secret.upper(), f"lm_{key.id}_{other[12:]}", "\xff" * 60,
                  secret.replace("lm_", "LM_"), f" {secret}", "lm_zzzzzzzz_" + secret[12:], key.digest):  # fmt: skip
        assert refusal(table, given) == "key_unknown", given


def test_expiry_networks_and_revocation(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    key, secret = registry.create(
        "a", Role.VIEWER, expires_at=NOW + timedelta(hours=1), networks=["10.1.0.0/16", "fd00::/8"]
    )
    table = registry.table()
    for address in ("10.1.255.255", "fd00::7", "::ffff:10.1.0.1"):
        table.find(secret, address, NOW)
    for address in ("10.2.0.1", "::1", "", "no address", "::ffff:10.2.0.1"):
        assert refusal(table, secret, address) == "key_not_from_here"
    assert refusal(table, secret, "10.1.0.1", NOW + timedelta(hours=1)) == "key_expired"
    assert registry.revoke(key.id).revoked_at is not None
    assert refusal(registry.table(), secret, "10.1.0.1") == "key_revoked"
    assert refusal(registry.table(), secret[:-1]) == "key_unknown"
    assert registry.table().asks, "an installation that had keys stays closed"
    registry.revoke(key.id)  # again
    with pytest.raises(ConflictError, match="revoked"):
        registry.rotate(key.id)


def test_a_rotated_key_has_another_secret_and_the_old_one_its_grace(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    key, first = registry.create("a", Role.VIEWER)
    rotated, second = registry.rotate(key.id, grace_s=3_600)
    table = registry.table()
    assert rotated.id == key.id == second[3:11] and second != first
    assert table.find(first, "", NOW).id == table.find(second, "", NOW).id == key.id
    assert refusal(table, first, now=NOW + timedelta(hours=2)) == "key_rotated"
    table.find(second, "", NOW + timedelta(hours=2))
    third = registry.rotate(key.id)[1]
    table = registry.table()
    assert {refusal(table, first), refusal(table, second)} == {"key_unknown"}
    assert table.find(third, "", LATER).id == key.id


def test_fields_that_are_wrong_are_named(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    for field, what in (
        ("name", {"name": ""}), ("name", {"name": "a" * 61}), ("name", {"name": "a\nb"}), ("name", {"name": "  "}),
        ("project", {"project": "../x"}), ("project", {"project": "A"}), ("expires_at", {"expires_at": NOW}),
        ("networks[1]", {"networks": ["10.0.0.0/8", "10.0.0.1/8"]}), ("networks[0]", {"networks": ["home"]}),
    ):  # fmt: skip
        with pytest.raises(InputError) as raised:
            registry.create(**{"name": "a", "role": Role.VIEWER, **what})  # type: ignore[arg-type]
        assert raised.value.field == field
    with pytest.raises(InputError, match="seconds"):
        registry.rotate("k", -1)
    assert not (tmp_path / FILE).exists()


def test_names_are_unique_among_the_living_of_a_project(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    key, _ = registry.create("a", Role.VIEWER)
    registry.create("a", Role.VIEWER, "acme")
    with pytest.raises(ConflictError, match="'a'"):
        registry.create("a", Role.ADMIN)
    registry.revoke(key.id)
    registry.create("a", Role.ADMIN)
    assert [(one.project, one.name) for one in listed(registry.table())] == [
        ("acme", "a"), ("default", "a"), ("default", "a"),
    ]  # fmt: skip
    assert [one.name for one in listed(registry.table(), "acme")] == ["a"]


def test_by_api_nobody_can_lock_everybody_out(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    for role, project in ((Role.VIEWER, "default"), (Role.ADMIN, "acme")):
        with pytest.raises(ConflictError, match="first key must be an admin"):
            registry.create("a", role, project, by_api=True)
    first = registry.create("a", Role.ADMIN, by_api=True)[0]
    registry.create("of a project", Role.ADMIN, "acme", by_api=True)
    expired = registry.create("b", Role.ADMIN, expires_at=NOW + timedelta(days=1))[0]
    registry.revoke(expired.id, by_api=True)
    with pytest.raises(ConflictError, match="last key that may make others"):
        registry.revoke(first.id, by_api=True)
    registry.revoke(first.id)  # on the machine


def test_keys_of_other_projects_do_not_exist(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    key, _ = registry.create("a", Role.VIEWER, "acme")
    for call in (registry.revoke, lambda key_id, project: registry.rotate(key_id, project=project)):
        with pytest.raises(NotFoundError):
            call(key.id, "other")  # type: ignore[operator]
        with pytest.raises(NotFoundError):
            call("00000000", None)  # type: ignore[operator]
    assert registry.revoke(key.id, "acme").revoked_at


def test_revoked_keys_make_room_living_ones_do_not(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    key, _ = registry.create("a", Role.VIEWER)
    first = registry.create("first", Role.VIEWER)[0]
    stored = json.loads((tmp_path / FILE).read_text())
    row = stored["keys"][0]
    stored["keys"] += [{**row, "id": f"{n:08d}", "name": f"n{n}"} for n in range(MAX_KEYS - 2)]
    (tmp_path / FILE).write_text(json.dumps(stored))
    with pytest.raises(ConflictError, match="there are 1000 keys, more are not kept; revoke one of them first"):
        registry.create("more", Role.VIEWER)
    registry.revoke(first.id)
    registry.revoke(key.id)
    registry.create("more", Role.VIEWER)
    assert first.id not in registry.table().keys or key.id not in registry.table().keys
    assert len(registry.table().keys) == MAX_KEYS


def test_a_project_takes_no_room_from_another(tmp_path: Path) -> None:
    registry = KeyRegistry(tmp_path)
    ours = registry.revoke(registry.create("ours", Role.VIEWER)[0].id)
    theirs = registry.create("n", Role.ADMIN, "acme")[0]
    stored = json.loads((tmp_path / FILE).read_text())
    row = stored["keys"][1]
    stored["keys"] += [{**row, "id": f"{n:08d}", "name": f"n{n}"} for n in range(MAX_OF_PROJECT - 1)]
    (tmp_path / FILE).write_text(json.dumps(stored))
    with pytest.raises(ConflictError, match="project acme has 100 keys, more are not kept; revoke one of them first"):
        registry.create("more", Role.VIEWER, "acme")
    registry.rotate(theirs.id)
    registry.create("more", Role.VIEWER, "other")
    registry.revoke(theirs.id, "acme")
    registry.create("more", Role.VIEWER, "acme")
    kept = registry.table().keys
    assert theirs.id not in kept and ours.id in kept
    assert sum(one.project == "acme" for one in kept.values()) == MAX_OF_PROJECT


@pytest.mark.parametrize(
    "damage",
    [
        lambda row: b"", lambda row: b"{", lambda row: b"[]", lambda row: b"\xff", lambda row: "[" * 100_000,
        lambda row: json.dumps({"form": 2, "version": 9, "keys": []}),
        lambda row: json.dumps({"form": 1, "version": 0, "keys": []}),
        lambda row: json.dumps({"form": 1, "version": 9, "keys": [row, row]}),
        *(
            lambda row, name=name, value=value: json.dumps({"form": 1, "version": 9, "keys": [{**row, name: value}]})
            for name, value in (
                ("role", "root"), ("project", "../x"), ("digest", "x"), ("digest", None), ("expires_at", "soon"),
                ("expires_at", "2027-01-01T00:00:00"), ("networks", None), ("networks", ["x"]), ("id", "x"),
                ("created_at", 1), ("old", 1), ("revoked_at", 0),
            )
        ),
        lambda row: json.dumps({"form": 1, "version": 9, "keys": [{}]}),
    ],
)  # fmt: skip
def test_a_damaged_table_is_none_at_all(tmp_path: Path, damage: Any) -> None:
    registry = KeyRegistry(tmp_path)
    key, _ = registry.create("planted", Role.ADMIN)
    damaged = damage(key.stored())
    (tmp_path / FILE).write_bytes(damaged if isinstance(damaged, bytes) else damaged.encode())
    with pytest.raises(KeysUnreadableError, match=r"api_keys\.json") as raised:
        registry.table()
    assert "planted" not in str(raised.value) and key.digest not in str(raised.value)
    with pytest.raises(KeysUnreadableError):
        registry.create("b", Role.ADMIN)


def test_a_table_in_whose_place_a_folder_lies_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(KeysUnreadableError):
        KeyRegistry(tmp_path).table()


def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError):
        KeyRegistry(tmp_path / "file" / "var").create("a", Role.ADMIN)


def test_each_change_is_announced_and_one_that_cannot_be_is_made_all_the_same(tmp_path: Path) -> None:
    told: list[int] = []
    registry = KeyRegistry(tmp_path, told.append)
    key, _ = registry.create("a", Role.ADMIN)
    registry.rotate(key.id)
    registry.revoke(key.id)
    assert told == sorted(set(told)) and len(told) == 3 and told[-1] == registry.table().version

    def fails(version: int) -> None:
        raise UnavailableError("Redis does not answer")

    KeyRegistry(tmp_path, fails).create("b", Role.ADMIN)
    assert {one.name for one in registry.table().keys.values()} == {"a", "b"}


def test_others_may_change_the_table_while_a_slow_server_is_told_of_a_change(tmp_path: Path) -> None:
    other, told = KeyRegistry(tmp_path), list[int]()

    def announce(version: int) -> None:
        if not told:
            other.create("b", Role.ADMIN)
        told.append(version)

    KeyRegistry(tmp_path, announce).create("a", Role.ADMIN)
    assert {one.name for one in other.table().keys.values()} == {"a", "b"}
    assert told[-1] == other.table().version, "the newest is the one that Redis knows in the end"


def _create(root: Path, name: str) -> None:
    KeyRegistry(root).create(name, Role.VIEWER)


@pytest.mark.stack
def test_no_change_of_several_processes_is_lost(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_create, args=(tmp_path, f"k{n}")) for n in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert {key.name for key in KeyRegistry(tmp_path).table().keys.values()} == {f"k{n}" for n in range(8)}
