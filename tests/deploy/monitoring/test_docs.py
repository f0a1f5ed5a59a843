"""What docs/monitoring.md shows is taken by those for whom it is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.main import main
from data.api_keys import KeyRegistry
from leadmill.access import API_KEY, Role
from leadmill.settings import get_settings
from tests.deploy.compose import ROOT, SERVICES, WHOLE
from tests.deploy.monitoring.prometheus import CONFIG, FOLDER, needs

PAGE = (ROOT / "docs" / "monitoring.md").read_text()
SHOWN: list[dict[str, Any]] = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def test_what_is_shown_is_what_compose_has() -> None:
    assert "secrets/metrics_key" in PAGE and WHOLE["secrets"]["metrics_key"]["file"] == "./secrets/metrics_key"
    (scrape,) = CONFIG["scrape_configs"]
    for shown in SHOWN:
        for job in shown.get("scrape_configs", ()):
            assert job["job_name"] == scrape["job_name"]
    for name in ("grafana", "prometheus", "alertmanager"):
        (port,) = SERVICES[name]["ports"]
        assert f"http://{port.rpartition(':')[0]}" in PAGE
    assert "${ALERTMANAGER_FOLDER:-./deploy/monitoring/alertmanager}" in SERVICES["alertmanager"]["volumes"][0]


def test_the_commands_print_a_viewers_key_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = re.findall(r"leadmill (keys [^>`]+?) > \S*(?:metrics_key|leadmill\.key)", PAGE)
    assert len(shown) == 3, "made for compose, made elsewhere, rotated"
    for number, words in enumerate(shown):
        data = tmp_path / str(number)
        data.mkdir()
        key_id = KeyRegistry(data).create("had", Role.VIEWER)[0].id if "ID" in words else ""
        monkeypatch.setenv("LEADMILL_DATA_URL", str(data))
        get_settings.cache_clear()
        assert main(words.replace("ID", key_id).split()) == 0, capsys.readouterr().err
        assert API_KEY.fullmatch(capsys.readouterr().out.removesuffix("\n")), "a file with the key alone"
        (key,) = KeyRegistry(data).table().keys.values()
        assert (key.role, key.project) == (Role.VIEWER, "default")
    get_settings.cache_clear()


@pytest.mark.stack
@needs("promtool")
def test_prometheus_takes_what_is_shown(tmp_path: Path) -> None:
    (tmp_path / "leadmill-rules").symlink_to(FOLDER / "prometheus" / "rules")
    (tmp_path / "leadmill.key").touch()
    parts = [shown for shown in SHOWN if "receivers" not in shown]
    assert len(parts) == 3
    for number, shown in enumerate(parts):
        file = tmp_path / f"{number}.yml"
        file.write_text(yaml.safe_dump(shown).replace("/etc/prometheus/", f"{tmp_path}/"))
        done = subprocess.run(["promtool", "check", "config", str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.stack
@needs("amtool")
def test_alertmanager_takes_the_receivers_that_are_shown(tmp_path: Path) -> None:
    shipped = yaml.safe_load((FOLDER / "alertmanager" / "alertmanager.yml").read_text())
    receivers = [shown for shown in SHOWN if "receivers" in shown]
    assert len(receivers) == 2
    for number, shown in enumerate(receivers):
        file = tmp_path / f"{number}.yml"
        file.write_text(yaml.safe_dump(shipped | shown))
        done = subprocess.run(["amtool", "check-config", str(file)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
