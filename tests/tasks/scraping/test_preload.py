"""Preloading leaves nothing to import for a child, and installs no reactor."""

from __future__ import annotations

import json
import subprocess
import sys

_SCRIPT = """
import json, sys, threading
from tasks.scraping.preload import preload
preload()
before = set(sys.modules)
threads = threading.active_count()
from tasks.scraping.crawl import CrawlOptions, Seed, crawl_companies
seed = Seed("comp_0000000000000000", "127.0.0.1:%d", "http://127.0.0.1:%d/")
result = crawl_companies([seed], CrawlOptions(), on_pages=lambda _: None, on_progress=lambda _: None,
                         stop=threading.Event(), egress_allow=["127.0.0.0/8"])
print(json.dumps({"late": sorted(set(sys.modules) - before), "threads": threads, "rows": len(result.rows),
                  "reactor": "twisted.internet.reactor" in sys.modules}))
"""


def test_preload_is_complete_and_only_imports(server: object) -> None:
    port = server.port  # type: ignore[attr-defined]
    done = subprocess.run(
        [sys.executable, "-c", _SCRIPT % (port, port)], capture_output=True, text=True, check=True, timeout=60
    )
    found = json.loads(done.stdout)
    assert found == {"late": [], "threads": 1, "rows": 1, "reactor": False}
