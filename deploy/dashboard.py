"""Makes the Grafana dashboard of what deploy/monitoring/grafana/dashboard.toml says: `make dashboard`."""

from __future__ import annotations

import json
import string
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

GRAFANA = Path(__file__).parent / "monitoring" / "grafana"
SOURCE = GRAFANA / "dashboard.toml"
TARGET = GRAFANA / "dashboards" / "leadmill.json"
#: Of the form of dashboards that Grafana 11 and later read as it is; older ones are converted by it.
SCHEMA_VERSION = 39
#: Columns of Grafana's grid.
COLUMNS = 24
_PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
_HEIGHTS = {"stat": 4, "series": 8}

Panel = Mapping[str, Any]


def main() -> None:
    """Write the dashboard anew."""
    TARGET.write_text(made(), encoding="utf-8")


def made() -> str:
    """The dashboard, as Grafana reads it."""
    source = tomllib.loads(SOURCE.read_text(encoding="utf-8"))
    dashboard = {
        "uid": source["uid"],
        "title": source["title"],
        "description": source["about"],
        "tags": ["leadmill"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,  # one cross-hair over all panels
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_datasource(), _project()]},
        "annotations": {"list": [_alerts()]},
        "panels": list(_panels(source["rows"])),
    }
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus", "refresh": 1}


def _project() -> dict[str, Any]:
    query = "label_values(leadmill_jobs, project)"
    return {
        "name": "project",
        "label": "Project",
        "type": "query",
        "datasource": _PROMETHEUS,
        "definition": query,
        "query": {"query": query, "refId": "project"},
        "refresh": 2,  # whenever the time changes
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _alerts() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": _PROMETHEUS,
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertname=~"Leadmill.+", alertstate="firing"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{queue}}{{project}}{{stage}}{{channel}}",
        "step": "60s",
    }


def _panels(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows from top to bottom, in each its panels from left to right, in as many lines as they take."""
    ids, y = count(1), 0
    for row in rows:
        yield {"id": next(ids), "type": "row", "title": row["title"], "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1}}  # fmt: skip
        x, y, tallest = 0, y + 1, 0
        for panel in row["panels"]:
            height = _HEIGHTS[panel["kind"]]
            if x + panel["width"] > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            yield _panel(panel, next(ids), {"x": x, "y": y, "w": panel["width"], "h": height})
            x, tallest = x + panel["width"], max(tallest, height)
        y += tallest


def _panel(panel: Panel, number: int, place: Mapping[str, int]) -> dict[str, Any]:
    kind = {"stat": _stat, "series": _series}[panel["kind"]]
    return {
        "id": number,
        "title": panel["title"],
        "description": panel["about"],
        "datasource": _PROMETHEUS,
        "gridPos": place,
        **kind(panel),
        "targets": [
            {"refId": letter, "datasource": _PROMETHEUS, "editorMode": "code", "range": True,
             "expr": query["expr"], "legendFormat": query["legend"]}
            for letter, query in zip(string.ascii_uppercase, panel["queries"], strict=False)
        ],
    }  # fmt: skip


def _stat(panel: Panel) -> dict[str, Any]:
    steps = [{"color": color, "value": value or None} for color, value in panel.get("steps", [["blue", 0]])]
    texts = {value: {"text": text, "index": at} for at, (value, text) in enumerate(panel.get("texts", {}).items())}
    return {
        "type": "stat",
        "fieldConfig": {
            "defaults": {
                "unit": panel["unit"],
                "color": {"mode": "thresholds"},
                "thresholds": {"mode": "absolute", "steps": steps},
                "mappings": [{"type": "value", "options": texts}] if texts else [],
            },
            "overrides": [],
        },
        "options": {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "background",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": panel.get("text_of", "value"),
        },
    }


def _series(panel: Panel) -> dict[str, Any]:
    stacked = panel.get("stacked", False)
    return {
        "type": "timeseries",
        "fieldConfig": {
            "defaults": {
                "unit": panel["unit"],
                "min": 0,
                "color": {"mode": "palette-classic-by-name"},  # one colour a name, in every panel
                "custom": {
                    "drawStyle": "line",
                    "lineWidth": 1,
                    "fillOpacity": 30 if stacked else 0,
                    "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
                    "showPoints": "never",
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
    }


if __name__ == "__main__":
    main()
