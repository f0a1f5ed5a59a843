"""Stages process and enrich over stored sites, as a worker runs them, and what each part of them costs."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from benchmarks.extraction.cases import FETCHED_AT, Site, scraped
from extraction import company_row, process
from extraction import people as persons
from extraction.charset import decode
from extraction.document import Document
from extraction.enrich import enrich_rows
from extraction.enrichers import ENRICHERS
from extraction.extractors import names
from extraction.findings import Finding
from extraction.markup_guard import MAX_HTML, bounded
from extraction.ownership import attributed
from extraction.people import Sighting
from extraction.process import process_pages
from leadmill.rows import LookRow

#: The part that all others are measured by.
BARE = "parse (bare)"


def rows_of(sites: Sequence[Site]) -> tuple[dict[str, dict[str, Any]], list[dict[str, Any]], dict[str, float]]:
    """(enriched row of each host, error rows, CPU milliseconds a page of both stages).

    Sites of one domain are companies of their own here: each is read alone.
    """
    rows: dict[str, dict[str, Any]] = {}
    errors: list[dict[str, Any]] = []
    spent: dict[str, float] = {"process": 0.0, "enrich": 0.0}
    for site in sites:
        began = time.thread_time()
        looks: list[LookRow] = []
        made, failed = process_pages(
            [scraped(site)],  # type: ignore[list-item]
            site.pages,  # type: ignore[arg-type]
            now=FETCHED_AT,
            on_progress=lambda _: None,
            looks=looks,
        )
        between = time.thread_time()
        enriched, failed_too = enrich_rows(made, (), now=FETCHED_AT, on_progress=lambda _: None, looks=looks)
        spent["process"] += between - began
        spent["enrich"] += time.thread_time() - between
        rows[site.host] = next(iter(enriched), {})
        errors += [{**error, "host": site.host} for error in (*failed, *failed_too)]
    pages = sum(len(site.pages) for site in sites) or 1
    return rows, errors, {stage: 1000 * seconds / pages for stage, seconds in spent.items()}


def parts(sites: Sequence[Site]) -> dict[str, float]:
    """CPU milliseconds a page of each part, read one after the other.

    What a `Document` keeps once it was asked for is asked for in the order of its definition first, so that no
    extractor is charged with it; whatever it asks for on its own stays its own.
    """
    spent: dict[str, float] = defaultdict(float)

    def timed(part: str, work: Any, *arguments: Any) -> Any:
        began = time.thread_time()
        result = work(*arguments)
        spent[part] += time.thread_time() - began
        return result

    kept = [name for name, value in vars(Document).items() if isinstance(value, cached_property)]
    for site in sites:
        findings: list[Finding] = []
        seen: list[Sighting] = []
        looked: dict[str, list[Any]] = defaultdict(list)
        for page in site.pages:
            text = timed("decode", decode, page["html"][:MAX_HTML], page["charset"])
            encoded = text.encode("utf-8", "replace")
            guarded = timed("guard", bounded, encoded)
            timed(BARE, LexborHTMLParser, guarded)
            document = Document(page)
            for name in kept:
                timed(f"document.{name}", getattr, document, name)
            found = []
            for find in process._EXTRACTORS:
                found += timed(find.__module__.rpartition(".")[2], lambda find=find, page=document: list(find(page)))
            found += timed("names (beside)", lambda page=document, found=found: list(names.beside(page, found)))
            findings += timed("attributed", attributed, document, found)
            seen = persons.kept(seen, timed("people (on demand)", lambda page=document: list(persons.find(page))))
            for name, enricher in ENRICHERS.all().items():
                looked[name] += timed(name, lambda look=enricher.look, page=document: list(look(page)))
        row = timed("settle", company_row.settle, scraped(site), findings, FETCHED_AT)
        timed("people (settle, on demand)", persons.settle, row, seen)
        for name, enricher in ENRICHERS.all().items():
            timed(f"{name} (settle)", enricher.settle, row, looked[name])
    pages = sum(len(site.pages) for site in sites) or 1
    return {part: 1000 * seconds / pages for part, seconds in spent.items()}


def bare_parse(sites: Sequence[Site]) -> float:
    """CPU milliseconds a page of the parser alone, on what the guard hands it: what the totals are measured by."""
    pages = [bounded(decode(page["html"][:MAX_HTML], page["charset"]).encode("utf-8", "replace"))
             for site in sites for page in site.pages]  # fmt: skip
    began = time.thread_time()
    for page in pages:
        LexborHTMLParser(page)
    return 1000 * (time.thread_time() - began) / (len(pages) or 1)
