"""docker-compose.jobs.yml keeps its rules, and each service's command does what its health check asks."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import redis

from data.jobs import JobStore
from data.schedules import ScheduleStore
from leadmill.declared import PERIODIC
from pipelines.queues import Queue
from tests.deploy.compose import FILE, ROOT, SERVICES, Place, Service, interpolated, program, seconds
from tests.valkey import Valkey, free_port

OURS = sorted(set(SERVICES) - {"redis"})


@pytest.mark.stack
def test_follows_the_compose_specification() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    done = subprocess.run(
        [str(tool), "--builtin-schema", "vendor.compose-spec", str(FILE)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_has_one_worker_a_queue_and_the_rest() -> None:
    workers = {name for name in SERVICES if name.startswith("worker-")}
    assert workers == {f"worker-{queue.value}" for queue in Queue}
    for queue in Queue:
        command = SERVICES[f"worker-{queue.value}"]["command"]
        assert command[command.index("-Q") + 1] == queue.value
    assert set(SERVICES) == workers | {"redis", "api", "beat", "flower"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_keeps_the_rules(name: str) -> None:
    service = SERVICES[name]
    assert isinstance(service["command"], list), "exec form: the process gets its signals itself"
    assert service["healthcheck"]["test"][0] == "CMD"
    assert {"interval", "timeout", "retries", "start_period"} <= set(service["healthcheck"])
    assert seconds(service["stop_grace_period"]) >= 10
    assert service["restart"] == "unless-stopped"
    assert service["init"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    (temporary,) = service["tmpfs"]
    assert re.fullmatch(r"/tmp:size=\d+m,mode=1777", temporary), "bounded: it is memory"
    assert 0 < service["pids_limit"] <= 1_024
    assert re.fullmatch(r"\d+[mg]", interpolated(service["mem_limit"]))
    assert "privileged" not in service
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:"), "published on this machine only"


def test_redis_is_not_published_and_forgets_nothing() -> None:
    service = SERVICES["redis"]
    assert "ports" not in service
    words = service["command"][service["command"].index("--maxmemory") :]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options["--maxmemory"] == "${REDIS_MAXMEMORY:-1gb}"
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert service["volumes"] == ["redis:/data"]
    assert service["user"] == "valkey"


def test_redis_has_a_password_that_is_asked_for_and_no_argument() -> None:
    asked = re.compile(r"\$\{REDIS_PASSWORD:\?[^}]+\}")
    assert asked.fullmatch(SERVICES["redis"]["environment"]["REDIS_PASSWORD"])
    assert "REDIS_PASSWORD=" in SERVICES["redis"]["environment"]["REDIS_PASSWORD"], "the complaint says what to do"
    for name in OURS:
        assert asked.search(SERVICES[name]["environment"]["REDIS_URL"])
    for service in SERVICES.values():
        assert not any("${REDIS_PASSWORD" in word for word in service["command"]), "arguments are seen by everybody"


@pytest.mark.stack
def test_images_can_be_pinned_by_digest(tmp_path: Path) -> None:
    assert SERVICES["redis"]["image"] == "${VALKEY_IMAGE:-valkey/valkey:9.1-alpine}"
    for name in OURS:
        assert SERVICES[name]["build"]["args"] == {"PYTHON_IMAGE": "${PYTHON_IMAGE:-python:3.11-slim}"}
    digest = "sha256:" + "0a" * 32
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho {digest}\n")
    docker.chmod(0o755)
    env = tmp_path / ".env"
    env.write_text("LEADMILL_STRICT=1\nPYTHON_IMAGE=python:old\n")
    for _ in range(2):
        subprocess.run(
            ["sh", str(ROOT / "deploy/pin.sh"), str(env)], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True
        )
    assert env.read_text().splitlines() == [
        "LEADMILL_STRICT=1",
        f"PYTHON_IMAGE=python:3.11-slim@{digest}",
        f"VALKEY_IMAGE=valkey/valkey:9.1-alpine@{digest}",
    ]  # fmt: skip
    docker.write_text("#!/bin/sh\necho no such image\n")
    done = subprocess.run(
        ["sh", str(ROOT / "deploy/pin.sh"), str(env)], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False
    )
    assert done.returncode == 1
    assert len(env.read_text().splitlines()) == 3, "what was pinned stays"


def test_only_the_api_may_leave_loopback() -> None:
    trusting = {
        name for name, service in SERVICES.items() if "LEADMILL_TRUST_NETWORK" in service.get("environment", {})
    }
    assert trusting == {"api"}
    assert SERVICES["api"]["environment"]["LEADMILL_API_HOST"] == "0.0.0.0"
    assert SERVICES["api"]["environment"]["LEADMILL_ALLOWED_HOSTS"] == "${LEADMILL_ALLOWED_HOSTS:-localhost,127.0.0.1}"
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8000:8000"], "flower": ["127.0.0.1:5555:5555"]}


@pytest.mark.parametrize("name", OURS)
def test_our_services_share_image_data_and_redis(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == "leadmill:local"
    assert service["volumes"] == ["data:/data"]
    assert service["environment"]["LEADMILL_DATA_URL"] == "/data"
    assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("compose-redis")) as running:
        yield running


@pytest.fixture(scope="module")
def running(server: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Service]]:
    """Every service of ours, started side by side, each behind a key prefix of its own: none answers for another."""
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(Service(name, Place(server.url, tmp_path_factory.mktemp(name), f"{name}:")))
            for name in OURS
        }


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", OURS)
def test_service_runs_until_its_health_check_is_content(name: str, running: dict[str, Service]) -> None:
    service = running[name]
    service.await_well(patience_s=150)
    began = time.monotonic()
    service.process.send_signal(signal.SIGTERM)
    service.process.wait(timeout=seconds(service.about["stop_grace_period"]))
    assert time.monotonic() - began < 15, "nothing was running: stopping is quick"


@pytest.mark.parametrize("name", ["api", "beat", "flower", "worker-scraping"])
def test_health_check_fails_where_nothing_runs(name: str, server: Valkey, tmp_path: Path) -> None:
    service = Service(name, Place(server.url, tmp_path, "nobody:"))
    assert not service.is_well()
    assert len(service.said.splitlines()) == 1, "it says why in one line"


def test_health_check_sees_a_late_beat(server: Valkey, tmp_path: Path) -> None:
    service = Service("beat", Place(server.url, tmp_path, "late:"))
    ticks = ScheduleStore(JobStore.connect(server.url, "late:"))
    for name in PERIODIC:
        ticks.ticked(name, datetime.now(UTC))
    assert service.is_well(), service.said
    ticks.ticked("health_check", datetime.now(UTC) - timedelta(hours=2))
    assert not service.is_well()
    assert "health_check was due" in service.said


@pytest.mark.stack
def test_redis_command_runs_as_written(tmp_path: Path) -> None:
    # The wheel has the server but not its client, so the check's PING is sent from here.
    assert SERVICES["redis"]["healthcheck"]["test"] == ["CMD", "valkey-cli", "ping"]
    words = [interpolated(word) for word in SERVICES["redis"]["command"]]
    port = free_port()
    argv = [*words, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path)]
    path = f"{Path(program('valkey-server')).parent}:/usr/bin:/bin"
    env = {"PATH": path, "TMPDIR": str(tmp_path), "REDIS_PASSWORD": "a-password"}
    server = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port, password="a-password")
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                if client.ping():
                    break
            except redis.RedisError:
                time.sleep(0.02)
        info = client.info()
        assert info["aof_enabled"] == 1
        assert info["maxmemory_policy"] == "noeviction"
        assert client.config_get("save") == {"save": ""}
        assert info["maxmemory"] == 1 << 30
        assert "a-password" not in Path(f"/proc/{server.pid}/cmdline").read_text() if sys.platform == "linux" else True
        assert (tmp_path / "redis.conf").stat().st_mode & 0o777 == 0o600
        with pytest.raises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        server.terminate()
        assert server.wait(timeout=seconds(SERVICES["redis"]["stop_grace_period"])) == 0
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
