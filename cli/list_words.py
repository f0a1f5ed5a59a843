"""How a list was understood, in words: for `leadmill check`, and beside a job that was given one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cli import console

_DELIMITERS = {"\t": "tab", " ": "space"}
#: Counts of lines that became no company of their own, and how they are said.
_LOST = {"without_address": "without an address", "refused": "refused", "repeated": "repeated"}


def read_as(found: Mapping[str, Any]) -> str:
    """``CSV, delimiter `;`, Windows-1252, header in line 3``."""
    header = found.get("header_line")
    delimiter = found.get("delimiter")
    words = (
        str(found["format"]).upper(),
        f"sheet `{found['sheet']}`" if found.get("sheet") else "",
        f"delimiter `{_DELIMITERS.get(delimiter, delimiter)}`" if delimiter else "",
        found.get("encoding") or "",
        f"header in line {header}" if header else "no header",
    )
    return console.clean(", ".join(filter(None, words)))


def column(found: Mapping[str, Any]) -> str:
    """``Website, then Homepage``: the columns that are read, in their order."""
    return console.clean(", then ".join([found["column"], *found.get("further_columns", ())]))


def sentence(found: Mapping[str, Any]) -> str:
    """``read as CSV, delimiter `;`, UTF-8, header in line 1: column `Website`; 3 lines without an address``."""
    lost = [f"{found[name]:,} {words}" for name, words in _LOST.items() if found.get(name)]
    counted = f"; of {console.plural(found['lines'], 'line')}: {', '.join(lost)}" if lost else ""
    noun = "columns" if found.get("further_columns") else "column"
    return f"read as {read_as(found)}: {noun} `{column(found).replace(', then ', '`, then `')}`{counted}"
