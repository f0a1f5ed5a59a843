"""A Redis that cannot hold job records is named at the start; one that is frozen keeps nobody waiting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis

from cli.local_stack import ports
from data.server import examine, wrong_kind
from leadmill.errors import ConfigError, ForeignLakeError
from leadmill.settings import Settings
from pipelines.execution.start_check import check_start
from tests.valkey import Valkey, free_port

pytestmark = pytest.mark.stack

Run = Callable[..., Any]


def found(url: str, timeout_s: float = 2.0) -> tuple[str, str]:
    """Kind and text of the first fault; each has a remedy, and none tells a password."""
    faults = examine(url, timeout_s=timeout_s)
    for fault in faults:
        assert fault.remedy
        assert "geheim" not in fault.text + fault.remedy
    return (faults[0].kind, faults[0].text) if faults else ("", "")


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("plain")) as server:
        yield server


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("locked"), password="geheim") as server:
        yield server


def test_a_good_server_has_no_fault(plain: Valkey, locked: Valkey) -> None:
    assert examine(plain.url) == examine(locked.url) == []


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--replicaof", "127.0.0.1 1"), "is a replica of 127.0.0.1:1"),
        (("--cluster-enabled", "yes", "--cluster-port", str(free_port())), "cluster mode"),
    ],
)
def test_a_replica_and_a_cluster_are_refused(
    options: tuple[str, ...], text: str, leadmill: Run, tmp_path: Path
) -> None:
    with Valkey(tmp_path / "server", options=options) as server:
        assert found(server.url)[0] == "unfit"
        assert [fault.kind for fault in examine(server.url, queues_only=True)] == ["unfit"], "as a broker, too"
        ended = leadmill("up", "--port", "0", env={"REDIS_URL": server.url}, timeout=15)
        assert ended.code == 2
        assert ended.err.startswith("error: Redis at redis://127.0.0.1:") and text in ended.err and "Try: " in ended.err
        with pytest.raises(ConfigError, match=text):
            check_start(Settings(redis_url=server.url, data_url=str(tmp_path / "data")), print)
        assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("option", "value", "text"), [("maxmemory", "1", "maxmemory"), ("min-replicas-to-write", "1", "NOREPLICAS")]
)
def test_up_names_a_server_that_takes_no_writes(
    option: str, value: str, text: str, leadmill: Run, tmp_path: Path
) -> None:
    """Its workers would end soon after every start, with a traceback."""
    with Valkey(tmp_path / "server", options=(f"--{option}", value)) as server:
        ended = leadmill("up", "--port", "0", env={"REDIS_URL": server.url}, timeout=15)
        assert ended.code == 2
        assert ended.err.startswith("error: Redis at redis://127.0.0.1:")
        assert "takes no writes" in ended.err and text in ended.err and f"CONFIG SET {option} 0" in ended.err
        assert examine(server.url, queues_only=True) == [], "messages wait for it, and it may pass"


def test_old_servers_sentinels_and_valkeys_own_version() -> None:
    def kinds(**info: object) -> list[str]:
        return [fault.text for fault in wrong_kind({"role": "master", **info}, "tool")]

    assert "6.0.16" in kinds(redis_version="6.0.16")[0]
    assert "5.0.7" in kinds(redis_version="5.0.7")[0]
    assert not kinds(redis_version="6.2.0") and not kinds(redis_version="7.2.4", valkey_version="9.1.0")
    assert not kinds(redis_version="255.255.255")
    assert "Sentinel" in kinds(redis_version="7.2.0", redis_mode="sentinel")[0]


def test_passwords_and_permissions(plain: Valkey, locked: Valkey) -> None:
    assert found(f"redis://127.0.0.1:{locked.port}/0")[1] == "wants a password, and REDIS_URL has none"
    assert "refuses the password" in found(locked.url.replace("geheim", "geheim2"))[1]
    assert "refuses the password" in found(f"redis://nobody:geheim@127.0.0.1:{plain.port}/0")[1]
    assert "DB index" in found(f"redis://127.0.0.1:{plain.port}/99")[1]
    with redis.Redis.from_url(plain.url) as client:
        for name, rules in {"noscript": "~* +@all -eval", "nokeys": "~x:* +@all", "noinfo": "~* +@all -info"}.items():
            client.execute_command(f"ACL SETUSER {name} on >geheim {rules}")
    results = {
        name: found(f"redis://{name}:geheim@127.0.0.1:{plain.port}/0") for name in ("noscript", "nokeys", "noinfo")
    }
    assert results["noscript"][0] == results["nokeys"][0] == "unfit"
    assert "eval" in results["noscript"][1] and "key" in results["nokeys"][1]
    assert results["noinfo"][0] == "risk"


def answering(words: bytes | None) -> tuple[str, socket.socket]:
    """A server that gives one answer to everybody; None: it is silent."""
    listening = socket.create_server(("127.0.0.1", 0))
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:
                return
            kept.append(client)
            if words is not None:
                client.recv(1_000)
                client.sendall(words)
                client.close()

    threading.Thread(target=serve, daemon=True).start()
    return f"redis://127.0.0.1:{listening.getsockname()[1]}/0", listening


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is no Redis"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "is no Redis"),
        (b"", "does it want TLS?"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "still loads"),
        (b"-ERR max number of clients reached\r\n", "max number of clients"),
        (b"-DENIED Redis is running in protected mode\r\n", "protected mode"),
        (None, "does not answer within 0.3 s"),
    ],
)
def test_what_is_no_redis_or_not_for_us(words: bytes | None, text: str) -> None:
    url, listening = answering(words)
    with listening:
        assert text in found(url, 0.3)[1]


def test_tls_where_none_is_spoken_and_urls_that_are_none() -> None:
    url, listening = answering(b"+PONG\r\n")
    with listening:
        assert "TLS" in found(url.replace("redis:", "rediss:"), 0.3)[1]
    assert "no Redis URL" in found("http://:geheim@127.0.0.1/0")[1]
    assert "no Redis URL" in found("redis://:ge@heim/geheim@127.0.0.1:6379/0")[1]
    assert "does not answer" in found("redis://127.0.0.1:1/0")[1]


def test_a_frozen_redis_keeps_no_command_waiting(leadmill: Run, tmp_path: Path) -> None:
    """Each command answers within five seconds; here they run side by side on few cores, so that three times that is
    granted. With an answer tried again and again they took half a minute."""
    port = ports.free_port()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADMILL_", "CELERY_", "REDIS_"))}
    with Valkey(tmp_path / "server") as server:
        env = {
            "REDIS_URL": server.url, "LEADMILL_DATA_URL": str(tmp_path / "var"),
            "LEADMILL_API_HOST": "127.0.0.1", "LEADMILL_API_PORT": str(port),
        }  # fmt: skip
        api = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli.child", "api", "127.0.0.1", str(port)], env={**kept, **env},
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until = time.monotonic() + 40
            while leadmill("list", env=env).code != 0:
                assert time.monotonic() < until, "the API did not come up"
            server.kill(signal.SIGSTOP)
            commands = [
                ("list",), ("status",), ("submit", "a.example"), ("doctor",), ("up", "--port", "0", "--data", "other"),
            ]  # fmt: skip
            with ThreadPoolExecutor(3) as pool:
                ended = list(pool.map(lambda command: leadmill(*command, env=env, timeout=15), commands))
            for command, end in zip(commands, ended, strict=True):
                assert end.code in (1, 2), (command, end)
                assert "does not answer" in end.out + end.err, (command, end)
                assert "Traceback" not in end.err
        finally:
            server.kill(signal.SIGCONT)
            api.kill()
            api.wait()


def test_up_and_doctor_name_a_store_of_another_lake(leadmill: Run, tmp_path: Path) -> None:
    with Valkey(tmp_path / "server") as server:
        env = {"REDIS_URL": server.url}
        check_start(Settings(redis_url=server.url, data_url=str(tmp_path / "theirs")), print)
        with pytest.raises(ForeignLakeError):
            check_start(Settings(redis_url=server.url, data_url=str(tmp_path / "var")), print)
        ended = leadmill("up", "--port", "0", env=env)
        assert ended.code == 2
        looked = leadmill("doctor", env=env)
        assert looked.code == 1 and "fail  lake: " in looked.out
        for text in (ended.err, looked.out):
            assert str(tmp_path / "theirs") in text and str(tmp_path / "var") in text
        assert not (tmp_path / "var" / "lake.id").exists()
        assert "ok    lake: " in leadmill("doctor", "--data", str(tmp_path / "theirs"), env=env).out
