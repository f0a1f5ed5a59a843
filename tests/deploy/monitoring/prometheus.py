"""A real Prometheus for a test: Debian's binary, with the configuration and the rules that compose gives it.

Time runs `faster` there: every duration of the rules (`for: 5m`, `[15m]`, `offset 1h`, an age `… > 900` of a name in
`_seconds`) is that many times shorter than in operation, and it scrapes and evaluates twice a second. Nothing else
of them is changed.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2
import pytest
import yaml

from tests.deploy.compose import ROOT, SERVICES, interpolated, seconds
from tests.valkey import free_port

FOLDER = ROOT / "deploy" / "monitoring"
RULES = sorted((FOLDER / "prometheus" / "rules").glob("*.yml"))
CONFIG: dict[str, Any] = yaml.safe_load((FOLDER / "prometheus" / "prometheus.yml").read_text())
#: Between two scrapes, and two evaluations.
INTERVAL = "500ms"
_DURATION = r"(\d+(?:ms|[smhd]))"


def needs(program: str) -> pytest.MarkDecorator:
    """Leaves a test out where Debian's package is not installed."""
    package = {"promtool": "prometheus", "amtool": "prometheus-alertmanager"}.get(program, program)
    missing = shutil.which(program) is None
    return pytest.mark.skipif(missing, reason=f"this machine has no {program}: apt-get install {package}")


def alerting_rules() -> list[dict[str, Any]]:
    """Every alert of every file."""
    groups = [group for file in RULES for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"] if "alert" in rule]


@dataclass(frozen=True)
class Clock:
    """How much faster time runs than in operation."""

    faster: int

    def shortened(self, duration: str) -> str:
        """`5m` as `5s`, 60 times faster; two seconds at least, which have some scrapes in them."""
        s = int(duration[:-1]) * 86_400 if duration.endswith("d") else seconds(duration)
        return f"{max(2_000, round(s * 1_000 / self.faster))}ms"

    def sooner(self, expression: str) -> str:
        """A rule's expression, or a panel's."""
        text = re.sub(rf"(\[|offset ){_DURATION}", lambda m: m[1] + self.shortened(m[2]), expression)
        return re.sub(r"(_seconds\)? >=? )(\d+)\b", lambda m: f"{m[1]}{int(m[2]) / self.faster:g}", text)


class Prometheus:
    """Scrapes `targets` (host:port), by a key where one is given, and evaluates all rules.

    `alertmanager` is host:port of one that is told.
    """

    def __init__(
        self,
        folder: Path,
        targets: Iterable[str],
        *,
        faster: int = 60,
        key: Path | None = None,
        alertmanager: str | None = None,
    ) -> None:
        self.folder, self.clock = folder, Clock(faster)
        self.url = f"http://127.0.0.1:{free_port()}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(self._config(list(targets), key, alertmanager)))
        self._write_rules()

    def _config(self, targets: list[str], key: Path | None, alertmanager: str | None) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load(yaml.safe_dump(CONFIG))
        for name in ("scrape_interval", "evaluation_interval"):
            config["global"][name] = INTERVAL
        (scrape,) = config["scrape_configs"]
        scrape["static_configs"][0]["targets"] = targets
        if key:
            scrape["authorization"]["credentials_file"] = str(key)
        else:
            del scrape["authorization"]
        config["alerting"]["alertmanagers"] = (
            [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
        )
        return config

    def _write_rules(self) -> None:
        (self.folder / "rules").mkdir(exist_ok=True)
        for file in RULES:
            whole = yaml.safe_load(file.read_text())
            for rule in (rule for group in whole["groups"] for rule in group["rules"]):
                rule["expr"] = self.clock.sooner(rule["expr"])
                for name in {"for", "keep_firing_for"} & set(rule):
                    rule[name] = self.clock.shortened(rule[name])
            (self.folder / "rules" / file.name).write_text(yaml.safe_dump(whole))

    def __enter__(self) -> Self:
        places = {"/etc/leadmill": self.folder, "/prometheus": self.folder / "data"}
        options = [
            f"--web.listen-address={self.url.partition('//')[2]}",
            "--query.lookback-delta=3s",
            "--log.level=warn",
        ]
        self._process = started("prometheus", "prometheus", places, options, self.folder / "log")
        try:
            await_that(self._is_ready, 30, lambda: f"Prometheus is not ready:\n{self._log()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, self._log()
        try:
            return httpx2.get(f"{self.url}/-/ready", timeout=2).status_code == 200
        except httpx2.HTTPError:
            return False

    def _log(self) -> str:
        return (self.folder / "log").read_text()[-4_000:]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an instant query finds: `metric` and `value` of each series."""
        answer = httpx2.get(f"{self.url}/api/v1/query", params={"query": expression}, timeout=20).json()
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        return list(answer["data"]["result"])

    def targets(self) -> list[dict[str, Any]]:
        return list(self._get("targets")["activeTargets"])

    def firing(self) -> dict[str, list[dict[str, Any]]]:
        """The alerts that fire now, by name."""
        found: dict[str, list[dict[str, Any]]] = {}
        for alert in self._get("alerts")["alerts"]:
            if alert["state"] == "firing":
                found.setdefault(alert["labels"]["alertname"], []).append(alert)
        return found

    def unwell(self) -> dict[str, str]:
        """Rules that could not be evaluated, with the reason."""
        rules = [rule for group in self._get("rules")["groups"] for rule in group["rules"]]
        return {rule["name"]: rule["lastError"] for rule in rules if rule["health"] == "err"}

    def await_firing(self, name: str, patience_s: float = 60) -> dict[str, Any]:
        await_that(lambda: name in self.firing(), patience_s, lambda: f"{name} does not fire: {self._why(name)}")
        return self.firing()[name][0]

    def await_resolved(self, name: str, patience_s: float = 60) -> None:
        await_that(lambda: name not in self.firing(), patience_s, lambda: f"{name} still fires: {self._why(name)}")

    def _why(self, name: str) -> Any:
        (rule,) = [rule for group in self._get("rules")["groups"] for rule in group["rules"] if rule["name"] == name]
        return rule | {"now": self.query(rule["query"])}

    def _get(self, what: str) -> dict[str, Any]:
        answer: dict[str, Any] = httpx2.get(f"{self.url}/api/v1/{what}", timeout=20).json()["data"]
        return answer


def started(
    service: str, program: str, places: Mapping[str, Path], options: Iterable[str], log: Path
) -> subprocess.Popen[bytes]:
    """A service of compose as a process of this machine: its own command, but for places and these options."""
    words = [interpolated(word) for word in SERVICES[service]["command"] if "external-url" not in word]
    argv = [program, *(_placed(word, places) for word in words), *options]
    with log.open("ab") as out:
        return subprocess.Popen(argv, stdout=out, stderr=out)


def _placed(word: str, places: Mapping[str, Path]) -> str:
    option, _, value = word.partition("=")
    for inside, here in places.items():
        if value == inside or value.startswith(inside + "/"):
            return f"{option}={here}{value.removeprefix(inside)}"
    return word


def await_that(holds: Callable[[], bool], patience_s: float, otherwise: Callable[[], str]) -> None:
    until = time.monotonic() + patience_s
    while not holds():
        if time.monotonic() > until:
            raise AssertionError(otherwise())
        time.sleep(0.1)
