"""The alerts of deploy/monitoring: they fire when they should, say what to do, and ask for metrics that there are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.compose import ROOT
from tests.deploy.monitoring.metric_names import GROUPS, asked_for, assert_known
from tests.deploy.monitoring.prometheus import FOLDER, RULES, alerting_rules, needs

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
CASES = Path(__file__).with_name("alerts.yml")
ALERTS = {rule["alert"]: rule for rule in alerting_rules()}


def test_rules_ask_for_metrics_that_are_declared() -> None:
    assert_known(rule["expr"] for group in GROUPS for rule in group["rules"])
    named = {name for group in GROUPS for rule in group["rules"] for name, _ in asked_for(rule["expr"])}
    assert len(named) > 15


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_what_it_means_and_where_to_read_on(name: str) -> None:
    rule = ALERTS[name]
    assert name.startswith("Leadmill")
    assert set(rule["labels"]) == {"severity"} and rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == (
        f'{{{{ or $externalLabels.runbook "docs/runbook.md" }}}}#{name.lower()}'
    )
    assert len(rule["annotations"]["summary"]) < 90 and rule["annotations"]["description"].endswith(".")


def test_each_alert_has_its_section_in_the_runbook_and_vice_versa() -> None:
    sections = re.split(r"^### ", RUNBOOK, flags=re.MULTILINE)[1:]
    assert sorted(section.partition("\n")[0] for section in sections) == sorted(ALERTS)
    for section in sections:
        for part in ("**Means:**", "**Look:**", "**Do:**"):
            assert section.count(part) == 1, f"{part} of {section[:30]}"


def test_the_runbook_names_commands_that_there_are() -> None:
    from cli.main import all_commands

    known = all_commands().commands
    named = set(
        re.findall(
            r"\bleadmill ([a-z]+)(?: ([a-z-]+))?", "\n".join(re.findall(r"`[^`]+`|```sh\n.*?```", RUNBOOK, re.DOTALL))
        )
    )
    assert len(named) > 8
    for first, second in named:
        assert first in known, first
        if inner := getattr(known[first], "commands", None):
            assert second in inner, f"{first} {second}"


def test_each_alert_is_tried_by_promtool_firing_and_silent() -> None:
    tests = yaml.safe_load(CASES.read_text())["tests"]
    tried: dict[str, set[bool]] = {name: set() for name in ALERTS}
    for case in (case for test in tests for case in test.get("promql_expr_test", ())):
        for sample in case["exp_samples"]:
            if found := re.search(r'alertname="(\w+)"', sample["labels"]):
                tried[found[1]].add(True)
        if not case["exp_samples"] and (found := re.search(r'alertname="(\w+)"', case["expr"])):
            tried[found[1]].add(False)
    assert {name for name, both in tried.items() if both != {True, False}} <= {"LeadmillRedisGone"}, (
        "tried with all others"
    )


def run(*words: str | Path) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.stack
@needs("promtool")
def test_promtool_takes_configuration_and_rules(tmp_path: Path) -> None:
    config = (FOLDER / "prometheus" / "prometheus.yml").read_text()
    (tmp_path / "rules").symlink_to(FOLDER / "prometheus" / "rules")
    (tmp_path / "metrics_key").write_text("lm_x\n")
    (tmp_path / "prometheus.yml").write_text(config.replace("/run/secrets/", f"{tmp_path}/"))
    said = run("promtool", "check", "config", "--lint=all", "--lint-fatal", tmp_path / "prometheus.yml")
    assert said.count("rules found") == len(RULES)


@pytest.mark.stack
@needs("promtool")
def test_alerts_fire_and_resolve(tmp_path: Path) -> None:
    cases: dict[str, Any] = yaml.safe_load(CASES.read_text())
    file = tmp_path / "alerts.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(file) for file in RULES], **cases}))
    assert "SUCCESS" in run("promtool", "test", "rules", file)


@pytest.mark.stack
@needs("amtool")
def test_amtool_takes_the_configuration() -> None:
    run("amtool", "check-config", FOLDER / "alertmanager" / "alertmanager.yml")
