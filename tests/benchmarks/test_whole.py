"""What the row `whole` measures on: stored pages under many names, and processes whose CPU is added up."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request

import pytest

from benchmarks.stored_sites import host_of, sites_of, stored_sites
from benchmarks.whole import cpu_s


@pytest.mark.stack
def test_a_copy_names_itself() -> None:
    site = next(site for site in sites_of(["own"]) if site.domain.encode() in site.pages[0]["html"])
    with stored_sites(["own"], 2) as proxy:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy}))
        with opener.open(f"http://{host_of(site, 1)}/", timeout=10) as answer:
            html = answer.read()
    renamed = site.domain.replace(".", "-1.", 1)
    assert renamed.encode() in html and site.domain.encode() not in html
    assert len(html) >= len(site.pages[0]["html"])


@pytest.mark.stack
def test_cpu_of_children_counts_after_they_ended() -> None:
    burn = "import time\nwhile time.process_time() < 0.15: pass"
    before = cpu_s([os.getpid()])
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert cpu_s([os.getpid()]) - before >= 0.1
