"""What the same pages cost a script that a team writes for itself (`benchmarks/peers/page_facts.py`)."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.extraction.cases import Site

_PEERS = Path(__file__).parents[1]
PYTHON = _PEERS / ".peers" / "script" / "bin" / "python"
SCRIPT = _PEERS / "peers" / "page_script.py"


def milliseconds(sites: Sequence[Site]) -> float | None:
    """CPU milliseconds a page, in a process of its own; None where `make bench-setup` has not installed the peer."""
    if not PYTHON.exists():
        return None
    pages = [
        {"url": page["url"], "html": base64.b64encode(page["html"]).decode(), "charset": page["charset"]}
        for site in sites
        for page in site.pages
    ]
    made = subprocess.run([PYTHON, SCRIPT], input=json.dumps(pages), stdout=subprocess.PIPE, text=True, check=True)
    return float(made.stdout)
