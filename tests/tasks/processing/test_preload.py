"""Preloading leaves nothing for a child to load when it reads its first page, nor in memory what it may not need."""

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
mapped_kb, of_model = {"Size": 0, "Rss": 0}, False
for line in open("/proc/self/smaps"):
    key = line.split(":")[0]
    if "-" in key:
        of_model = line.rstrip().endswith("(deleted)")  # the language model's tables have no name
    elif of_model and key in mapped_kb:
        mapped_kb[key] += int(line.split()[1])
from extraction.enrich import enrich_rows
from extraction.process import process_pages
from tests.extraction.conftest import NOW, make_company, make_page
html = (b"<html lang=de><title>Acme GmbH</title><p>Wir fertigen seit drei Generationen Drehteile in Aalen und mehr."
        b"<p>Tel. 07361 987655, info@acme-tools.com, 85 Mitarbeiter<p>Tor 1, 73430 Aalen")
rows, _ = process_pages([make_company()], [make_page(html)], now=NOW, on_progress=lambda done: None)
rows, _ = enrich_rows(rows, [make_page(html)], now=NOW, on_progress=lambda done: None)
late = {name for name in set(sys.modules) - before if not name.startswith(("tests", "pytest", "_pytest"))}
from celery.signals import worker_process_init
import tasks.app
from data.duck import connection
worker_process_init.send(sender=None)
query_threads = connection().execute("SELECT current_setting('threads') + current_setting('async_threads')").fetchone()
print(json.dumps({"phones": rows[0]["phones"], "threads": threads, "query_threads": query_threads[0],
                  "model": [mapped_kb["Size"] > 60_000, mapped_kb["Rss"] < 2_000],
                  "late": sorted(name for name in late if name.startswith(("tasks", "phonenumbers", "py3langid")))}))
"""


@pytest.mark.stack
def test_preload_is_complete_and_starts_no_thread() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True, check=True, timeout=60)
    found = json.loads(done.stdout)
    assert found == {
        "phones": ["+497361987655"], "late": [], "threads": 1, "query_threads": 1, "model": [True, True]
    }  # fmt: skip
