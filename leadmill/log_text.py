"""A line of a job's own log as people read it: in `text/plain` answers, and in a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from leadmill.answers.logs import LogLine
from leadmill.one_line import one_line, visible


def head(line: LogLine) -> str:
    """When, how bad and where: `2027-01-31 08:00:09.871Z WARNING scrape p3`."""
    place = " ".join(filter(None, (line["stage"], line["unit"] if line["unit"] != line["stage"] else None)))
    return one_line(f"{line['at'].replace('T', ' ')} {line['level'].upper():<8} {place}".rstrip())


def said(line: LogLine) -> str:
    """What happened, and what differs: `companies failed · companies=2 categories=network: 2 …`."""
    told = " ".join(f"{name}={_value(value)}" for name, value in line["more"].items())
    return one_line(f"{line['event']} · {told}" if told else line["event"])


def trace(line: LogLine) -> list[str]:
    """Lines of its traceback, indented: none of them passes for a line of the log."""
    return [f"    {one_line(text)}" for text in visible(line["exception"] or "").splitlines()]


def text(line: LogLine) -> str:
    """All of it; its traceback on lines below."""
    return "\n".join((f"{head(line)}  {said(line)}", *trace(line)))


def _value(value: Any) -> str:
    match value:
        case str():
            return json.dumps(value, ensure_ascii=False) if {" ", '"', "="} & set(value) else value
        case Mapping():
            return ",".join(f"{name}:{_value(inner)}" for name, inner in value.items())
        case list():
            return "[" + "; ".join(str(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False, default=str)
