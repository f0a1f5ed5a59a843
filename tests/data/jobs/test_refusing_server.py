"""A server that refuses: full, a replica, cannot save, no access, busy. Nothing is half written, each is told apart."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from data.jobs import JobStore
from leadmill.errors import (
    DamagedRecordError,
    LeadmillError,
    StoreAccessError,
    StoreBusyError,
    StoreFullError,
    StoreNotSavingError,
    StoreReadOnlyError,
    StoreRefusedError,
)
from tests.data.jobs.acting import JOB, contents, fresh, new
from tests.data.jobs.test_damaged_keys import MOVES, Move
from tests.valkey import Valkey


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("refusing"), aof=False) as started:
        yield started


@contextlib.contextmanager
def full(client: Any, folder: Path) -> Iterator[None]:
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


@contextlib.contextmanager
def replica(client: Any, folder: Path) -> Iterator[None]:
    client.replicaof("127.0.0.1", "1")
    try:
        yield
    finally:
        client.replicaof("NO", "ONE")


@contextlib.contextmanager
def not_saving(client: Any, folder: Path) -> Iterator[None]:
    """Its snapshot cannot be written: a folder has its name."""
    target = folder / client.config_get("dbfilename")["dbfilename"]
    target.mkdir()
    client.config_set("save", "3600 1")
    client.bgsave()
    while client.info("persistence")["rdb_last_bgsave_status"] == "ok":
        time.sleep(0.01)
    try:
        yield
    finally:
        client.config_set("save", "")
        target.rmdir()
        client.bgsave()
        while client.info("persistence")["rdb_bgsave_in_progress"]:
            time.sleep(0.01)


REFUSALS = {
    "full": (full, StoreFullError),
    "replica": (replica, StoreReadOnlyError),
    "not saving": (not_saving, StoreNotSavingError),
}


@pytest.mark.parametrize("how", REFUSALS)
def test_a_server_that_refuses_leaves_nothing_and_the_repeat_does_it_all(server: Valkey, how: str) -> None:
    refusing, meant = REFUSALS[how]
    admin = redis.Redis.from_url(server.url, decode_responses=True)
    moves: list[tuple[str, JobStore, Move, dict[str, Any], dict[str, Any]]] = []
    for name, plan in MOVES.items():
        store, control = fresh(server.url), fresh(server.url)
        move = plan(store)
        plan(control)()
        moves.append((name, store, move, contents(store), contents(control)))
    with refusing(admin, server.folder):
        for name, store, move, before, expected in moves:
            try:
                move()
            except meant:
                assert contents(store) == before, name
            else:  # full memory does not refuse what begins by making room
                assert how == "full" or name == "submit again", name
                assert contents(store) == expected, name
        with pytest.raises(meant) as caught:
            fresh(server.url).submit(new())
    assert caught.value.advice in str(caught.value)
    assert isinstance(caught.value, StoreRefusedError) and caught.value.job_id is None, "it is not recorded"
    for name, store, move, before, expected in moves:
        if contents(store) == before:
            move()
        assert contents(store) == expected, name
        store.redis.close()
    admin.close()


def test_access_denied_and_a_busy_server_are_told_as_that(server: Valkey) -> None:
    admin = redis.Redis.from_url(server.url, decode_responses=True)
    no_scripts = ["-evalsha", "-eval"]
    admin.acl_setuser("low", enabled=True, passwords=["+p"], keys=["*"], categories=["+@all"], commands=no_scripts)
    user = server.url.replace("redis://", "redis://{}@")
    for who in ("low:p", "low:wrong"):
        with pytest.raises(StoreAccessError):
            JobStore.connect(user.format(who), "x:").submit(new())
    admin.acl_deluser("low")
    store = fresh(server.url)
    store.submit(new())
    admin.config_set("busy-reply-threshold", 20)
    ended = threading.Event()

    def spin() -> None:
        with contextlib.suppress(redis.RedisError):
            redis.Redis.from_url(server.url).eval("while true do end", 0)
        ended.set()

    threading.Thread(target=spin, daemon=True).start()
    time.sleep(0.2)
    try:
        with pytest.raises(StoreBusyError):
            store.read(JOB)
        with pytest.raises(StoreBusyError):
            store.cancel(JOB)
    finally:
        admin.script_kill()
    assert ended.wait(5)
    store.cancel(JOB)
    admin.close()


def test_errors_have_codes_of_their_own() -> None:
    classes: list[type[LeadmillError]] = [
        StoreFullError, StoreReadOnlyError, StoreNotSavingError, StoreAccessError, StoreBusyError, DamagedRecordError,
    ]  # fmt: skip
    assert len({error.code for error in classes}) == len(classes)
