"""What the configurations for central logging, and the queries in the docs, name is what a line of the log has."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from leadmill.log import ACCESS, ACCESS_FIELDS, FIELDS

#: Fields of single events that a query asks for, and where they are logged.
OF_EVENTS = {"category": "pipelines/execution/running.py"}


def fields() -> set[str]:
    return {*FIELDS, *ACCESS_FIELDS}


def test_vector_takes_fields_that_there_are(root: Path) -> None:
    made = tomllib.loads((root / "deploy/monitoring/vector/vector.toml").read_text())
    sink = made["sinks"]["loki"]
    assert set(sink["labels"]) == {"app", "level", "process"}, "few values each"
    named = {*sink["labels"], *sink["structured_metadata"]}
    assert named - {"app"} <= fields() and all(text == f"{{{{ {name} }}}}" for name, text in sink["labels"].items())
    inputs = {name for part in (*made["transforms"].values(), *made["sinks"].values()) for name in part["inputs"]}
    assert inputs <= {*made["sources"], *made["transforms"]}


def test_alloy_takes_fields_that_there_are(root: Path) -> None:
    text = (root / "deploy/monitoring/loki/config.alloy").read_text()
    blocks = re.findall(r"(?:expressions|values) +?= \{([^}]*)\}", text)
    named = {name for block in blocks for name in re.findall(r"(\w+) = ", block)}
    assert {"timestamp", "level", "process", "job", "request_id", "trace_id"} == named <= fields()
    assert text.count("{") == text.count("}")
    made = set(re.findall(r'(?m)^([\w.]+) "(\w+)" \{', text))
    used = set(
        re.findall(
            r"(loki\.(?:process|write)|discovery\.\w+|local\.file_match)\.(\w+)\.(?:receiver|output|targets)", text
        )
    )
    assert used <= made and len(used) == 5


def test_the_queries_of_the_docs_name_what_a_line_has(root: Path) -> None:
    (text,) = re.findall(r"```logql\n(.*?)```", (root / "docs/logging.md").read_text(), re.DOTALL)
    queries = [line for line in text.splitlines() if not line.startswith("#")]
    asked = {name for query in queries for name in re.findall(r"[|,{] ?(\w+) ?(?:=~|=|>=)", query)}
    grouped = {
        name.strip() for query in queries for names in re.findall(r"by \(([^)]*)\)", query) for name in names.split(",")
    }
    assert len(queries) == 8 and asked | grouped <= {"app", *fields(), *OF_EVENTS}
    assert ACCESS in text and all(f"{name}=" in (root / file).read_text() for name, file in OF_EVENTS.items())
    code = "".join((root / file).read_text() for file in ("pipelines/execution/recovery.py", *OF_EVENTS.values()))
    for event in re.findall(r'event="([^"]+)"', text):
        assert f'"{event}"' in code, f"nobody logs {event!r}"
