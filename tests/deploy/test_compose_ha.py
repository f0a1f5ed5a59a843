"""docker-compose.ha.yml keeps the rules of the file that it is put over, and its services take each other's place."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from data.jobs import JobStore, NewJob
from data.server import examine
from leadmill.errors import LeadmillError
from leadmill.sentinel_url import SentinelUrl
from tests.deploy.compose import FILE, ROOT, SERVICES, interpolated, program, seconds
from tests.valkey import free_port

OVER = ROOT / "docker-compose.ha.yml"
MORE: dict[str, Any] = yaml.safe_load(OVER.read_text())
SERVERS = ["redis", "redis-2", "redis-3"]
SENTINELS = ["sentinel-1", "sentinel-2", "sentinel-3"]


def whole(name: str) -> dict[str, Any]:
    """A service as compose makes it of both files."""
    return {**SERVICES.get(name, {}), **MORE["services"][name]}


@pytest.mark.stack
def test_follows_the_compose_specification() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [str(tool), "--builtin-schema", "vendor.compose-spec", str(OVER)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_all_is_asked_for_by_the_profile_but_the_server_that_is_there_anyway() -> None:
    assert sorted(MORE["services"]) == sorted([*SERVERS, *SENTINELS])
    assert {name for name, about in MORE["services"].items() if about.get("profiles") == ["ha"]} == {
        *SERVERS[1:], *SENTINELS
    }  # fmt: skip
    assert MORE["services"]["redis"].keys() == {"secrets", "command"}, "the rest is as it was"


@pytest.mark.parametrize("name", [*SERVERS, *SENTINELS])
def test_every_service_keeps_the_rules(name: str) -> None:
    service = whole(name)
    assert isinstance(service["command"], list) and service["healthcheck"]["test"][0] == "CMD"
    assert seconds(service["stop_grace_period"]) >= 10
    assert (service["restart"], service["init"], service["read_only"]) == ("unless-stopped", True, True)
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    assert re.fullmatch(r"\d+[mg]", interpolated(service["mem_limit"])) and service["user"] == "valkey"
    assert service["networks"] == ["store"] and "ports" not in service
    words = " ".join(service["command"])
    assert not re.search(r"(?i)password|masterauth|\$\{\w*(KEY|SECRET|URL)", words), "arguments are seen by others"


def test_the_three_servers_are_alike() -> None:
    """Any of them may be the primary."""
    first = SERVICES["redis"]["command"]
    for name in SERVERS:
        words = whole(name)["command"]
        assert words[:4] == ["valkey-server", "/run/secrets/redis_replication", "--replica-announce-ip", name]
        rest = words[4 if name == "redis" else 6 :]
        assert rest == [*first[1:], "--dir", "/data"]
        assert name == "redis" or words[4:6] == ["--replicaof", "redis 6379"]
    for name, about in MORE["secrets"].items():
        assert about == {"file": f"./secrets/ha/{name}"}


class Six:
    """The services by their own commands, on loopback instead of a network of containers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.secrets = folder, folder / "secrets"
        self.ports = {name: free_port() for name in (*SERVERS, *SENTINELS)}
        for script in ("compose-secrets.sh", "compose-ha-secrets.sh"):
            command = ["sh", str(ROOT / "deploy" / script), str(self.secrets)]
            subprocess.run(command, check=True, capture_output=True)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def local(self, text: str, name: str) -> str:
        """With this machine's folders and ports."""
        text = text.replace("redis 6379", f"127.0.0.1 {self.ports['redis']}")
        for other in SENTINELS:
            text = text.replace(f"{other}:26379", f"127.0.0.1:{self.ports[other]}").replace(other, "127.0.0.1")
        if name in SENTINELS:
            text = text.replace("port 26379", f"bind 127.0.0.1\nport {self.ports[name]}")
        text = text.replace("valkey-server", program("valkey-server"))
        return text.replace("/run/secrets/", f"{self.folder}/of-{name}/").replace("/data", str(self.folder / name))

    def start(self, name: str) -> None:
        for folder in (self.folder / name, self.folder / f"of-{name}"):
            folder.mkdir(exist_ok=True)
        for secret in whole(name)["secrets"] + ["redis_users"]:
            text = (self.secrets / "ha" / secret).read_text()
            (self.folder / f"of-{name}" / secret).write_text(self.local(text, name))
        words = [interpolated(word) for word in whole(name)["command"]]
        if name in SENTINELS:
            argv = ["sh", "-c", self.local(words[-1], name)]
        else:
            argv = [self.local(word, name) for word in words]
            argv[argv.index("--replica-announce-ip") + 1] = "127.0.0.1"
            argv += ["--port", str(self.ports[name]), "--bind", "127.0.0.1"]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(argv, stdout=log, stderr=log, cwd=self.folder)

    def url(self, secret: str) -> str:
        return self.local((self.secrets / "ha" / secret).read_text().strip(), "")

    def unknown(self, password: str | None) -> list[str]:
        """Sentinels that do not know both replicas and both others."""
        found = []
        for name in SENTINELS:
            with redis.Redis(port=self.ports[name], username="asker", password=password) as client:
                about = client.sentinel_master("leadmill")
            if about["num-slaves"] < 2 or about["num-other-sentinels"] < 2:
                found.append(name)
        return found

    def __enter__(self) -> Six:
        for name in (*SERVERS, *SENTINELS):
            self.start(name)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Six]:
    with Six(tmp_path_factory.mktemp("ha")) as running:
        yield running


@pytest.mark.stack
def test_a_lost_primary_is_followed_by_another_and_users_stay_what_they_are(six: Six, tmp_path: Path) -> None:
    url = six.url("redis_url")
    _until(lambda: examine(url) == [], lambda: str(examine(url)))
    assert examine(six.url("broker_url"), queues_only=True) == []
    asker = SentinelUrl.of(url)
    # A Sentinel hears of the others and of replicas within seconds of its start, and until then replaces nobody.
    _until(lambda: not six.unknown(asker.sentinel_password), lambda: str(six.unknown(asker.sentinel_password)))
    client = redis.Redis(port=six.ports["sentinel-1"], username="asker", password=asker.sentinel_password)
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command("SENTINEL", "FAILOVER", "leadmill")
    client.close()
    store = JobStore.connect(url, "leadmill:", lake=tmp_path)
    store.submit(NewJob("job_" + "0" * 20, "pipeline", ("scrape",), ("scrape",), {}, {}))
    six.running["redis"].kill()
    six.running["redis"].wait()

    said: list[str] = []

    def another() -> bool:
        try:
            return store.read("job_" + "0" * 20) is not None and bool(store.claim({}).body["ok"])
        except LeadmillError as error:
            said.append(str(error))
        return False

    # Sentinels whose votes were split vote again after twice the failover-timeout, which is 20 s.
    _until(another, lambda: f"{said[-1:]} {examine(url)}")
    store.close()


def _until(true: Any, why: Any, patience_s: float = 60) -> None:
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, why()
        time.sleep(0.2)


def test_the_first_file_is_not_changed_by_it() -> None:
    assert "sentinel" not in FILE.read_text()
