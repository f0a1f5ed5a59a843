"""`leadmill doctor --facts`: whether the quotes of a lake's facts stand in the stored pages."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from data.damage import DamagedPartError
from data.job_files import JobFiles
from data.lake import Lake, partition_of
from extraction.budget import CompanyBudgets, TooCostlyError
from extraction.fact_check import NO_SOURCE, StoredPage
from leadmill.declared import ROW_STAGES

#: Examples kept of each fault.
EXAMPLES = 5
#: Pages in memory at a time.
_PAGES = 5
#: Stages whose rows have all facts, best first.
_STAGES = [stage for stage in reversed(ROW_STAGES) if stage not in ("score", "scrape")]
UNREADABLE = "its page takes too much CPU time, or cannot be read"

Row = Mapping[str, Any]


@dataclass
class FactsChecked:
    """What a check of facts found."""

    companies: int = 0
    #: Facts and candidates.
    facts: int = 0
    #: Of these: those that were held against their stored page.
    checked: int = 0
    #: With neither quote nor words, as those of earlier versions.
    without_evidence: int = 0
    #: Those whose page is no longer stored: cleaned up, or erased.
    page_gone: int = 0
    pages: int = 0
    damaged_files: list[str] = field(default_factory=list)
    #: Fault → how many facts have it.
    faults: Counter[str] = field(default_factory=Counter)
    #: Fault → some of them.
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def wrong(self, fault: str, fact: Row, row: Row) -> None:
        self.faults[fault] += 1
        shown = self.examples.setdefault(fault, [])
        if len(shown) < EXAMPLES:
            parts = ("field", "value", "method", "quote", "words", "line", "node", "source")
            shown.append({"domain": row["domain"], "job_id": row["job_id"], **{name: fact.get(name) for name in parts}})

    def as_dict(self) -> dict[str, Any]:
        faults = [{"fault": fault, "facts": count, "examples": self.examples[fault]}
                  for fault, count in self.faults.most_common()]  # fmt: skip
        return {**{name: getattr(self, name) for name in _COUNTS}, "faults": faults}


_COUNTS = ("companies", "facts", "checked", "without_evidence", "page_gone", "pages", "damaged_files")


def check_facts(lakes: Iterable[Lake], job: str | None = None, sample: int | None = None) -> FactsChecked:
    """Hold the facts and candidates of every row against the stored pages they name; a partition in memory at a time.

    `job`: of that job alone. `sample`: at least so many of them, of partitions drawn by lot.
    """
    found = FactsChecked()
    parts = [(lake, one, file) for lake in lakes for one, file in _parts(lake, job)]
    if sample is not None:
        random.shuffle(parts)
    for lake, job_id, file in parts:
        if sample is not None and found.facts >= sample:
            break
        try:
            _check_part(lake, job_id, file, found)
        except DamagedPartError as error:
            found.damaged_files.append(str(error))
    return found


def _parts(lake: Lake, job: str | None) -> Iterator[tuple[str, Path]]:
    """The files that hold facts: of each job, of each partition those of its furthest stage; then snapshots."""
    for job_id in sorted(lake.job_ids()) if job is None else [job] if job in lake.job_ids() else []:
        seen: set[int] = set()
        for stage in _STAGES:
            files = lake.parts(job_id, stage)
            yield from ((job_id, file) for file in files if partition_of(file) not in seen)
            seen |= {partition_of(file) for file in files}
    if job is None:
        snapshots = (lake.snapshot_files(stage) for stage in _STAGES)
        yield from (("", file) for file in next(filter(None, snapshots), ()))


def _check_part(lake: Lake, job_id: str, file: Path, found: FactsChecked) -> None:
    #: Company and page → the facts that name it.
    named: dict[tuple[str, str], list[tuple[Row, Row]]] = defaultdict(list)
    for row in lake.iter_rows([file]):
        if not job_id and lake.storage.names(lake.job_dir(row["job_id"]) / file.parent.name):
            continue  # compacted, but still in its own part as well
        found.companies += 1
        about = {name: row[name] for name in ("company_id", "domain", "job_id")}
        for fact in (*(row.get("facts") or ()), *(row.get("candidates") or ())):
            found.facts += 1
            found.without_evidence += not (fact.get("quote") or fact.get("words"))
            if not fact["source"] or not fact["page_hash"]:
                found.wrong(NO_SOURCE, fact, about)
            else:
                named[row["company_id"], fact["page_hash"]].append((fact, about))
    if job_id:
        _check_pages(_pages(lake, job_id, partition_of(file), {company for company, _ in named}), named, found)
    found.page_gone += sum(map(len, named.values()))


def _check_pages(
    pages: Iterable[Row], named: dict[tuple[str, str], list[tuple[Row, Row]]], found: FactsChecked
) -> None:
    """Hold facts against their pages; those that are left in `named` have none."""
    budgets = CompanyBudgets()
    for page in pages:
        facts = named.pop((page["company_id"], page["page_hash"]), ())
        if not facts:
            continue
        found.pages += 1
        found.checked += len(facts)
        try:
            with budgets.page(page["company_id"]):
                stored = StoredPage(page)
                faults = [(fault, fact, about) for fact, about in facts for fault in stored.faults(fact)]
        except (TooCostlyError, ValueError):
            faults = [(UNREADABLE, fact, about) for fact, about in facts]
        for fault, fact, about in faults:
            found.wrong(fault, fact, about)


def _pages(lake: Lake, job_id: str, partition: int, companies: set[str]) -> Iterator[Row]:
    """The stored pages of a partition's companies: the job's own, else those of the jobs that its plan names."""
    own = lake.parts(job_id, "scrape", "pages", partition)
    yield from lake.iter_rows(own, _PAGES)
    if not own:
        sources: dict[str, list[str]] = defaultdict(list)
        for planned in JobFiles.unrecorded(lake, job_id).plan(partition):
            if planned["source_job"] and planned["company_id"] in companies:
                sources[planned["source_job"]].append(planned["company_id"])
        yield from lake.rows_from("scrape", sources, "pages")


def told(found: FactsChecked) -> Iterator[str]:
    """Lines for a reader."""
    from cli import console

    of = console.plural(found.companies, "company")
    yield f"facts      {found.facts:,} of {of}; {found.checked:,} held against {console.plural(found.pages, 'page')}"
    if found.facts:
        share = 1 - found.without_evidence / found.facts
        bare = "none lacks both"
        if found.without_evidence:
            bare = f"{found.without_evidence:,} have neither: made of declared parts, or by an earlier version"
        yield f"evidence   {share:.1%} have a quote, or words; {bare}"
    if found.page_gone:
        yield f"gone       {found.page_gone:,} name a page that is no longer stored (cleaned up or erased: no fault)"
    for error in found.damaged_files:
        yield f"damaged    {console.clean(error)}"
    for fault, count in found.faults.most_common():
        yield f"fault      {count:,} × {fault}"
        yield from (_example(one) for one in found.examples[fault])


def _example(one: Row) -> str:
    from cli import console

    words: Sequence[str] = one["words"] or ()
    said = f"“{one['quote']}”" if one["quote"] else ", ".join(words)
    place = f" line {one['line']}" if one["line"] is not None else f" {one['node']}" if one["node"] else ""
    return console.clean(
        f"           {one['domain']}: {one['field']} {one['value']} ({one['method']}) {said}{place} {one['source']}"
    )
