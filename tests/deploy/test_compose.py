"""docker-compose.jobs.yml keeps its rules, and each service's command does what its health check asks."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx2
import pytest
import redis
import yaml
from redis.backoff import NoBackoff
from redis.retry import Retry

from api.binding import check_bind
from data.jobs import JobStore
from data.schedules import ScheduleStore
from leadmill.access import API_KEY
from leadmill.declared import PERIODIC
from leadmill.errors import ConfigError
from leadmill.settings import Settings, secret_variables
from pipelines.queues import Queue
from pipelines.settings_check import setting_faults
from tests.deploy.compose import (
    FILE,
    MONITORING,
    OURS,
    ROOT,
    SECRETS,
    SERVICES,
    WHOLE,
    Place,
    Service,
    interpolated,
    made_secrets,
    program,
    seconds,
)
from tests.faults.proof import until
from tests.valkey import free_port


@pytest.mark.stack
def test_follows_the_compose_specification() -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    files = [str(FILE), str(ROOT / "docker-compose.oidc.yml")]
    done = subprocess.run(
        [str(tool), "--builtin-schema", "vendor.compose-spec", *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_has_one_worker_a_queue_and_the_rest() -> None:
    workers = {name for name in SERVICES if name.startswith("worker-")}
    assert workers == {f"worker-{queue.value}" for queue in Queue}
    for queue in Queue:
        command = SERVICES[f"worker-{queue.value}"]["command"]
        assert command[command.index("-Q") + 1] == queue.value
    assert set(OURS) == workers | {"api", "beat", "flower"}
    assert MONITORING == ["alertmanager", "grafana", "prometheus"]
    assert set(SERVICES) == {"redis", *OURS, *MONITORING}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_keeps_the_rules(name: str) -> None:
    service = SERVICES[name]
    assert isinstance(service.get("command", []), list), "exec form: the process gets its signals itself"
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


def test_secrets_are_files_and_each_service_has_its_own() -> None:
    for name, about in WHOLE["secrets"].items():
        assert about == {"file": f"./secrets/{name}"}
    work = {"redis_url", "broker_url", "signing_key"}
    given = {name: set(service.get("secrets", ())) for name, service in SERVICES.items()}
    assert given.pop("redis") == {"redis_users"}
    assert given.pop("flower") == {"flower_url", "flower_login"}, "it can neither start nor change work"
    assert [given.pop(name) for name in MONITORING] == [set(), {"grafana_admin"}, {"metrics_key"}]
    assert all(secrets == work for secrets in given.values())
    for name in OURS:
        environment = SERVICES[name]["environment"]
        for variable in secret_variables():
            if f"{variable}_FILE" in environment:
                assert environment[f"{variable}_FILE"].startswith(SECRETS)
                assert environment[variable] == "", "what .env says of it would contradict the file"
    for service in SERVICES.values():
        words = " ".join([*service.get("command", ()), *map(str, service.get("environment", {}).values())])
        assert not re.search(r"(?i)password|\$\{\w*(KEY|SECRET|URL)", words), (
            "arguments and variables are seen by others"
        )


def test_only_who_fetches_pages_reaches_the_internet() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert WHOLE["networks"]["store"] == {"internal": True}
    assert WHOLE["networks"]["published"] == {
        "driver_opts": {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    }
    assert {name for name, on in networks.items() if "internet" in on} == {"worker-scraping"}
    assert {name for name, on in networks.items() if "published" in on} == {"api", "flower", *MONITORING}
    assert all("store" in networks[name] for name in OURS) and networks["redis"] == {"store"}
    for name, service in SERVICES.items():
        assert ("ports" in service) == ("published" in networks[name]), name


def test_a_provider_is_known_to_the_api_alone() -> None:
    whole = yaml.safe_load((ROOT / "docker-compose.oidc.yml").read_text())
    (api,) = whole["services"].values()
    assert set(whole["services"]) == {"api"} and api["env_file"] == ["oidc.env"]
    assert "oidc.env" in (ROOT / ".gitignore").read_text().splitlines()
    secret = "oidc_client_secret"
    assert api["secrets"] == [secret] == list(whole["secrets"]) and api["networks"] == list(whole["networks"])
    assert whole["secrets"][secret] == {"file": f"./secrets/{secret}"}
    variable = "LEADMILL_OIDC_CLIENT_SECRET"
    assert api["environment"] == {variable: "", f"{variable}_FILE": f"{SECRETS}{secret}"}
    shown = (ROOT / "docs/team.md").read_text().partition("cat > oidc.env <<'END'\n")[2].partition("END\n")[0]
    given = dict(line.split("=", 1) for line in shown.splitlines())
    assert setting_faults(
        Settings(
            oidc_client_secret="x" * 16, **{k.removeprefix("LEADMILL_").lower(): v for k, v in given.items()}
        )
    ) == []  # fmt: skip


def test_who_sends_notices_reaches_whom_it_tells_where_that_is_asked_for() -> None:
    more = yaml.safe_load((ROOT / "docker-compose.notices.yml").read_text())
    assert more == {"services": {name: {"networks": ["receivers"]} for name in ("api", "beat")}}
    senders = {name for name in OURS if SERVICES[name]["environment"].get("LEADMILL_WORKERS_DELIVER") != "0"}
    assert senders == {"api", "beat", "flower"}, "who starts no deliverer, or reaches whom it tells"
    assert "receivers" in WHOLE["networks"] and not {"receivers"} & set(SERVICES["api"]["networks"])


def test_what_looks_on_reaches_the_api_and_nothing_else() -> None:
    networks = {name: set(service["networks"]) for name, service in SERVICES.items()}
    assert WHOLE["networks"]["monitoring"] == {"internal": True}
    assert {name for name, on in networks.items() if "monitoring" in on} == {"api", *MONITORING}
    assert not any({"store", "internet"} & networks[name] for name in MONITORING)
    assert {name for name, on in networks.items() if "receivers" in on} == {"alertmanager"}, "it alone tells somebody"
    for name in MONITORING:
        for volume in SERVICES[name]["volumes"]:
            at, _, inside = interpolated(volume).partition(":")
            if at.startswith("./"):
                assert inside.endswith(":ro") and (ROOT / at).is_dir(), "what it reads is there, and it cannot write it"
            else:
                assert at == name and at in WHOLE["volumes"]


@pytest.mark.stack
def test_secrets_are_made_once_and_closed_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    script = ["sh", str(ROOT / "deploy/compose-secrets.sh"), str(folder)]
    subprocess.run(script, check=True, capture_output=True)
    made = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(made) == set(WHOLE["secrets"]) - {"metrics_key"}, "an API key is made where keys are"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o444}, "containers have users of their own"
    passwords = re.findall(r":([0-9a-f]{48})@", made["redis_url"] + made["broker_url"] + made["flower_url"])
    for password in passwords:
        assert password not in made["redis_users"]
        assert f"#{sha256(password.encode()).hexdigest()} " in made["redis_users"]
    assert len({*passwords, made["signing_key"], made["flower_login"], made["grafana_admin"]}) == 6
    folder.chmod(0o755)
    (folder / "signing_key").unlink()
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    again = {file.name: file.read_text() for file in folder.iterdir()}
    assert {name for name in made if again[name] != made[name]} == {"signing_key"}
    assert folder.stat().st_mode & 0o777 == 0o700
    assert not any(secret.strip() in done.stdout + done.stderr for secret in again.values())


@pytest.mark.stack
def test_images_can_be_pinned_by_digest(tmp_path: Path) -> None:
    images = {"PYTHON": "python:3.11-slim", "VALKEY": "valkey/valkey:9.1-alpine"}
    images |= {name.upper(): SERVICES[name]["image"].partition(":-")[2].removesuffix("}") for name in MONITORING}
    of = {"redis": "VALKEY", **{name: name.upper() for name in MONITORING}}
    for name, variable in of.items():
        assert SERVICES[name]["image"] == f"${{{variable}_IMAGE:-{images[variable]}}}"
        assert re.search(r":v?\d+\.\d+", images[variable]), "a version, not what is newest"
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
    first, *pinned = env.read_text().splitlines()
    assert first == "LEADMILL_STRICT=1"
    assert sorted(pinned) == sorted(f"{variable}_IMAGE={image}@{digest}" for variable, image in images.items())
    docker.write_text("#!/bin/sh\necho no such image\n")
    done = subprocess.run(
        ["sh", str(ROOT / "deploy/pin.sh"), str(env)], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False
    )
    assert done.returncode == 1
    assert env.read_text().splitlines() == [first, *pinned], "what was pinned stays"


def test_only_the_api_may_leave_loopback_and_asks_for_a_key(tmp_path: Path) -> None:
    assert "TRUST_NETWORK" not in FILE.read_text()
    environment = SERVICES["api"]["environment"]
    settings = Settings(api_host=environment["LEADMILL_API_HOST"], data_url=str(tmp_path))
    with pytest.raises(ConfigError, match="leadmill keys create"):
        check_bind(settings, settings.api_host)
    assert SERVICES["api"]["environment"]["LEADMILL_API_HOST"] == "0.0.0.0"
    assert (
        SERVICES["api"]["environment"]["LEADMILL_ALLOWED_HOSTS"] == "${LEADMILL_ALLOWED_HOSTS:-localhost,127.0.0.1},api"
    )
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    ports = {"api": 8000, "flower": 5555, "grafana": 3000, "prometheus": 9090, "alertmanager": 9093}
    assert published == {name: [f"127.0.0.1:{port}:{port}"] for name, port in ports.items()}


@pytest.mark.parametrize("name", OURS)
def test_our_services_share_image_data_and_redis(name: str) -> None:
    service = SERVICES[name]
    assert service["image"] == "leadmill:local"
    assert service["volumes"] == ["data:/data"]
    assert service["environment"]["LEADMILL_DATA_URL"] == "/data"
    assert service["depends_on"] == {"redis": {"condition": "service_healthy"}}


@dataclass
class Server:
    """The service `redis`, by its own command, with users for each of the others."""

    folder: Path
    port: int
    places: dict[str, Place]

    def connect(self, user: str = "watcher", password: str = "watching") -> redis.Redis:
        return redis.Redis(
            port=self.port, username=user, password=password, decode_responses=True, retry=Retry(NoBackoff(), 0)
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("compose-redis"), free_port()
    places = {
        name: Place(made_secrets(folder / f"secrets-{name}", port, name), tmp_path_factory.mktemp(name), f"{name}:")
        for name in [*OURS, "nobody", "late"]
    }
    users = dict.fromkeys(
        line for place in places.values() for line in (place.secrets / "redis_users").read_text().splitlines()
    )
    (folder / "redis_users").write_text("\n".join([*users, "user watcher on >watching ~* &* +@all", ""]))
    first, *rest = SERVICES["redis"]["command"]
    words = [interpolated(word).replace(SECRETS, f"{folder}/") for word in rest]
    argv = [program(first), *words, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        found = Server(folder, port, places)
        until(lambda: pings(found), 10, "Redis answers")
        # In compose all have one prefix, and the first writes whose the server is; health checks and Flower only read.
        for name in [*OURS, "nobody"]:
            url = (places[name].secrets / "redis_url").read_text().strip()
            with closing(JobStore.connect(url, f"{name}:", lake=places[name].data)) as records:
                records.workers()
        yield found
        process.terminate()
        assert process.wait(timeout=seconds(SERVICES["redis"]["stop_grace_period"])) == 0
    finally:
        process.kill()
        process.wait()


def pings(server: Server) -> bool:
    """What the health check asks, as its user. (The wheel has the server, but not its client.)"""
    kind, first, *options, user, _, password, command = SERVICES["redis"]["healthcheck"]["test"]
    assert (kind, first, options, command) == ("CMD", "valkey-cli", ["-e", "--user"], "ping")
    try:
        return bool(server.connect(user, password).ping())
    except redis.ConnectionError:
        return False


def first_key_command() -> str:
    """As the head of the file has it, and the documentation."""
    (found,) = re.findall(r"^#   (docker compose .* keys create .*)$", FILE.read_text(), re.MULTILINE)
    assert found in (ROOT / "docs/operations.md").read_text().splitlines()
    assert re.search(r" run .*--no-deps api leadmill ", found), "neither Redis nor a running API is needed"
    return str(found)


@pytest.fixture(scope="module")
def asked_of_nobody(server: Server) -> Iterator[dict[str, Future[tuple[bool, str]]]]:
    """Health checks where nothing runs: whether they were content, and what they said. A worker's waits for 5 s."""

    def asked(name: str) -> tuple[bool, str]:
        service = Service(name, server.places["nobody"])
        return service.is_well(), service.said

    with ThreadPoolExecutor(4) as pool:
        yield {name: pool.submit(asked, name) for name in ("api", "beat", "flower", "worker-scraping")}


@pytest.fixture(scope="module")
def running(server: Server, asked_of_nobody: object) -> Iterator[dict[str, Service]]:
    """Every service of ours, started side by side, each behind a key prefix of its own: none answers for another."""
    api = Service("api", server.places["api"])
    command = first_key_command().partition(" api ")[2].removesuffix(" > ops.key").split()
    made = subprocess.run(
        [program(command[0]), *command[1:]], env=api.env, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert API_KEY.fullmatch(made.stdout.removesuffix("\n")), "the key alone"
    with ExitStack() as stack:
        services = {name: stack.enter_context(Service(name, server.places[name])) for name in OURS}
        with ThreadPoolExecutor(len(services)) as pool:
            list(pool.map(lambda service: service.await_well(patience_s=150), services.values()))
        yield services


@pytest.mark.timeout(240)
def test_services_run_until_their_health_checks_are_content(running: dict[str, Service]) -> None:
    assert sorted(running) == OURS
    assert all(service.process.poll() is None for service in running.values())


def test_flower_asks_for_its_login(running: dict[str, Service], server: Server, tmp_path: Path) -> None:
    place, flower = server.places["flower"], running["flower"]
    url = f"http://127.0.0.1:{place.ports['5555']}"
    login = (place.secrets / "flower_login").read_text().strip()
    basic = "Basic " + b64encode(login.encode()).decode()
    for path in ("/", "/workers", "/api/workers"):
        for headers, status in (
            ({}, 401),
            ({"Authorization": "Basic Zmxvd2VyOg=="}, 401),
            ({"Authorization": basic}, 200),
        ):
            assert httpx2.get(url + path, headers=headers).status_code == status, (path, headers)
    assert login.partition(":")[2] not in Path(f"/proc/{flower.process.pid}/cmdline").read_text()
    (tmp_path / "flower_url").write_text((place.secrets / "flower_url").read_text())
    without = replace(place, secrets=tmp_path, data=tmp_path)
    for given in (None, "\n"):
        if given is not None:
            (tmp_path / "flower_login").write_text(given)
        with Service("flower", without) as other:
            assert other.process.wait(timeout=20) != 0


def test_asked_to_stop_they_are_quick_for_nothing_was_running(running: dict[str, Service]) -> None:
    began = time.monotonic()
    for service in running.values():
        service.process.send_signal(signal.SIGTERM)
    for service in running.values():
        service.process.wait(timeout=seconds(service.about["stop_grace_period"]))
    assert time.monotonic() - began < 15


def test_nothing_was_denied_to_them(running: dict[str, Service], server: Server) -> None:
    denied = [f"{one['username']}: {one['reason']} {one['object']}" for one in server.connect().acl_log()]
    # A client names itself where the server knows how to be told (from 7.2 on), and does without where it may not.
    assert [one for one in denied if "client|setinfo" not in one and not one.startswith(("default:", "health:"))] == []
    for service in running.values():
        assert "NOPERM" not in service.tail() and "no permissions" not in service.tail()


def test_flowers_user_writes_no_queue(server: Server) -> None:
    place = server.places["flower"]
    url = (place.secrets / "flower_url").read_text().strip()
    with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0)) as flower:
        for queue in Queue:
            assert flower.llen(f"flower:{queue}") == 0
            with pytest.raises(redis.exceptions.NoPermissionError):
                flower.lpush(f"flower:{queue}", "x")
        with pytest.raises(redis.exceptions.NoPermissionError):
            flower.hgetall("flower:job:job_00000000000000000000")


@pytest.mark.parametrize("name", ["api", "beat", "flower", "worker-scraping"])
def test_health_check_fails_where_nothing_runs(name: str, asked_of_nobody: dict[str, Future[tuple[bool, str]]]) -> None:
    is_well, said = asked_of_nobody[name].result(timeout=60)
    assert not is_well
    assert len(said.splitlines()) == 1, "it says why in one line"


def test_health_check_sees_a_late_beat(server: Server) -> None:
    place = server.places["late"]
    service = Service("beat", place)
    ticks = ScheduleStore(JobStore.connect((place.secrets / "redis_url").read_text().strip(), "late:"))
    for name in PERIODIC:
        ticks.ticked(name, datetime.now(UTC))
    assert service.is_well(), service.said
    ticks.ticked("health_check", datetime.now(UTC) - timedelta(hours=2))
    assert not service.is_well()
    assert "health_check was due" in service.said


def test_redis_knows_three_users_and_forgets_nothing(server: Server) -> None:
    watcher = server.connect()
    info = watcher.info()
    assert (info["aof_enabled"], info["maxmemory_policy"], info["maxmemory"]) == (1, "noeviction", 1 << 30)
    assert watcher.config_get("save") == {"save": ""}
    assert pings(server)
    for user, password in (("default", ""), ("leadmill-records", "x"), ("api-records", "x"), ("api-broker", "")):
        with pytest.raises((redis.AuthenticationError, redis.ResponseError)):
            server.connect(user, password).get("x")
    for forbidden in ("GET x", "KEYS *", "INFO", "ACL LIST", "PUBLISH x y", "SUBSCRIBE x"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            ask: Any = server.connect("health", "none").execute_command
            ask(*forbidden.split())
    anonymous = redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0))
    with pytest.raises(redis.AuthenticationError):
        anonymous.get("x")
