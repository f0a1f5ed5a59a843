"""Preloading leaves nothing for a child to load when it reads its first page."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

_SCRIPT = """
import json, sys, threading
from tasks.processing.preload import preload
preload()
before, threads = set(sys.modules), threading.active_count()
from extraction.enrich import enrich_rows
from extraction.process import process_pages
from tests.extraction.conftest import NOW, make_company, make_page
html = (b"<html lang=de><title>Acme GmbH</title><p>Wir fertigen seit drei Generationen Drehteile in Aalen und mehr."
        b"<p>Tel. 07361 987655, info@acme-tools.com, 85 Mitarbeiter<p>Tor 1, 73430 Aalen")
rows, _ = process_pages([make_company()], [make_page(html)], now=NOW, on_progress=lambda done: None)
rows, _ = enrich_rows(rows, [make_page(html)], now=NOW, on_progress=lambda done: None)
late = {name for name in set(sys.modules) - before if not name.startswith(("tests", "pytest", "_pytest"))}
print(json.dumps({"phones": rows[0]["phones"], "threads": threads,
                  "late": sorted(name for name in late if name.startswith(("tasks", "phonenumbers", "py3langid")))}))
"""


@pytest.mark.stack
def test_preload_is_complete_and_starts_no_thread() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found == {"phones": ["+497361987655"], "late": [], "threads": 1}
