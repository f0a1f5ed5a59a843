"""The real application, with pages that bring a process down: `celery -A tests.faults.crashing_app worker`.

A page says where and how in a comment: `<!-- crash: process segv -->`. Where: scrape (its links are looked for),
process, enrich (it is read) or settle (all pages of its company have been read). How: segv, kill (a signal that may
as well come from outside), memory, endless (C code that holds the interpreter and looks for no signal), or regex (an
expression that would go on for years: no process dies of it).
"""

from __future__ import annotations

import collections
import ctypes
import itertools
import os
import re
import signal
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from extraction import company_row, enrich, process
from extraction.enrichers import ENRICHERS, Enricher, Outcome
from tasks.app import app
from tasks.scraping import spider

_SAID = re.compile(rb"<!-- crash: (\w+) (\w+) -->")
#: Companies whose settling goes wrong, by a page of theirs that this process has read.
_unsettled: dict[str, str] = {}


def crash(html: bytes | str, where: str) -> None:
    """Go down if the page says so."""
    said = _SAID.search(html if isinstance(html, bytes) else html.encode())
    if said and said[1].decode() == where:
        go_down(said[2].decode())


def go_down(how: str) -> None:
    if how == "segv":
        ctypes.string_at(0)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "memory":
        held = [os.urandom(1_000_000) for _ in range(500)]
        while held:
            time.sleep(1)
    elif how == "endless":
        collections.deque(itertools.repeat(None), maxlen=0)
    elif how == "regex":
        re.match(r"(a+)+$", "a" * 60 + "b")


_links_of = spider.links_of


def links_of(page: Any, *arguments: Any) -> Any:
    crash(page.utf8, "scrape")
    return _links_of(page, *arguments)


def read(document: Any) -> Iterator[Any]:
    crash(document.html, "process")
    if "<!-- crash: settle" in document.html:
        _unsettled[document.url] = "kill"
    yield from ()


_settle = company_row.settle


def settle(row: dict[str, Any], *arguments: Any) -> Any:
    if how := _unsettled.get(row["url"]):
        go_down(how)
    return _settle(row, *arguments)


def look(document: Any) -> Iterator[Any]:
    crash(document.html, "enrich")
    yield from ()


spider.links_of = links_of
process._EXTRACTORS = (*process._EXTRACTORS, read)
company_row.settle = settle
_CRASH = Enricher("crash", (), look, lambda row, findings: Outcome({}, []))
enrich.ENRICHERS = SimpleNamespace(all=lambda: {**ENRICHERS.all(), "crash": _CRASH})
assert app
