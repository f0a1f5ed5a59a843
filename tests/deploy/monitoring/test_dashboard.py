"""The Grafana dashboard: made of its source, with nothing in it that Grafana or a person would miss."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml

from deploy import dashboard
from tests.deploy.compose import SERVICES
from tests.deploy.monitoring.metric_names import asked_for, assert_known
from tests.deploy.monitoring.prometheus import CONFIG, FOLDER

GRAFANA = FOLDER / "grafana"
MADE: dict[str, Any] = json.loads(dashboard.TARGET.read_text())
PANELS = [panel for panel in MADE["panels"] if panel["type"] != "row"]
#: What belongs to a project.
OF_PROJECTS = re.compile(r"leadmill_(jobs|crawl|rows|lake|notices_total)|leadmill:(jobs|notice)")
#: Of @grafana/data: getValueFormats.
UNITS = {"short", "percentunit", "s", "bytes", "Bps", "cpm", "reqps"}


def test_it_is_made_of_its_source() -> None:
    assert dashboard.TARGET.read_text() == dashboard.made(), "run `make dashboard`"


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    assert panel["type"] in {"stat", "timeseries"}
    assert panel["title"] and panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        assert target["legendFormat"]
        assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_panels_ask_for_metrics_that_are_declared() -> None:
    expressions = [target["expr"] for panel in PANELS for target in panel["targets"]]
    assert_known(expressions)
    assert len({name for expression in expressions for name, _ in asked_for(expression)}) > 30


def test_legends_name_labels_that_are_kept() -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                assert re.search(rf"\b{label}\b", target["expr"]) or target["expr"].startswith("leadmill:"), target


def test_panels_fill_the_grid_and_lie_on_nothing() -> None:
    assert len({panel["id"] for panel in MADE["panels"]}) == len(MADE["panels"])
    assert len({panel["title"] for panel in PANELS if panel["type"] != "stat"}) == len(
        [panel for panel in PANELS if panel["type"] != "stat"]
    )
    places = [panel["gridPos"] for panel in MADE["panels"]]
    for place in places:
        assert place["x"] + place["w"] <= dashboard.COLUMNS
    for one, other in combinations(places, 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)


def test_what_belongs_to_projects_follows_the_chosen_one() -> None:
    names = {variable["name"] for variable in MADE["templating"]["list"]}
    assert names == {"datasource", "project"}
    for panel in PANELS:
        for target in panel["targets"]:
            assert set(re.findall(r"\$\{?(\w+)", target["expr"])) <= {"project", "__rate_interval"}
            if OF_PROJECTS.search(target["expr"]):
                assert 'project=~"$project"' in target["expr"], panel["title"]


def test_provisioning_leads_to_the_dashboard_and_to_prometheus() -> None:
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090" and "prometheus" in SERVICES
    assert source["jsonData"]["timeInterval"] == CONFIG["global"]["scrape_interval"]
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/leadmill.yml").read_text())["providers"]
    folder = provider["options"]["path"]
    assert f"./deploy/monitoring/grafana/dashboards:{folder}:ro" in SERVICES["grafana"]["volumes"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/{dashboard.TARGET.name}"
