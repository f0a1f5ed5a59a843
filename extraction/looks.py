"""What enrichers see on pages, and how stage process keeps it for stage enrich, which then opens none.

A company's looks are one row of `data.schemas.LOOKS`; its text is JSON:

    {"pages": [[url, page_hash, kind, seen_at], …],
     "seen": {"technologies": [[0, ["technology", "Shopify", "meta", 0.95, …], …], …], …},
     "failed": [["technologies", url, "system", "technologies: RuntimeError: …"], [null, url, "data", "too costly …"]]}

By enricher and page (its place in `pages`) the findings' fields in their order but for the page, defaults at the end
left out. What failed is of one enricher, or (null) of the page for all. A finding that JSON cannot say exactly is not
kept, nor anything else of its enricher; it looks at the pages again in stage enrich, as it does where another version
had looked.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from extraction.budget import TOO_COSTLY, CompanyBudgets, TooCostlyError
from extraction.document import Document
from extraction.enrichers import Enricher
from extraction.findings import Finding, PageRef
from extraction.look_version import look_version
from leadmill.errors import ErrorCategory
from leadmill.rows import CompanyRow, ErrorRow, LookRow, PageRow

#: Findings that one enricher keeps of one company.
MAX_FINDINGS = 5_000
#: Characters that are stored of what one enricher saw of one company; more is read again.
MAX_STORED = 1_000_000
#: A finding's fields behind its page when they say nothing.
_SILENT = tuple(Finding._field_defaults.values())
#: What JSON gives back as it was; of lists and mappings so many within one another.
_PLAIN = frozenset((str, int, float, bool, type(None)))
MAX_DEPTH = 8


class Failure(NamedTuple):
    """An enricher that failed at a page, or (None) a page that none could look at: what its error row says."""

    enricher: str | None
    url: str
    category: str
    reason: str


def look_at(
    page: PageRow, enrichers: Sequence[Enricher], budgets: CompanyBudgets, document: Document | None = None
) -> tuple[dict[str, list[Finding]], list[Failure]]:
    """What each of some enrichers sees on a page, by name; one that fails sees nothing. `document`: the page, if read.

    A page that takes more CPU time than it may is seen by none.
    """
    seen: dict[str, list[Finding]] = {}
    failures: list[Failure] = []
    try:
        with budgets.page(str(page["company_id"])):
            document = document or Document(page)
            for enricher in enrichers:
                try:
                    seen[enricher.name] = list(enricher.look(document))
                except Exception as error:
                    failures.append(_failure(enricher.name, enricher.name, page, error))
    except TooCostlyError:
        return {}, [Failure(None, page["url"], ErrorCategory.DATA.value, TOO_COSTLY)]
    except Exception as error:
        return {}, [_failure(None, "reading", page, error)]
    return seen, failures


def _failure(enricher: str | None, what: str, page: PageRow, error: Exception) -> Failure:
    reason = f"{what}: {type(error).__name__}: {error}"[:500]
    return Failure(enricher, page["url"], ErrorCategory.SYSTEM.value, reason)


# ---- kept --------------------------------------------------------------------------------------------


@dataclass
class _Stored:
    """Of one company, as text already: as objects it would take many times the memory until the last page is read."""

    #: Page → its place.
    pages: dict[PageRef, int] = field(default_factory=dict)
    #: By enricher: a text a page. None: it is too much.
    seen: dict[str, list[str] | None] = field(default_factory=dict)
    findings: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    failed: list[Failure] = field(default_factory=list)


class LookKeeper:
    """Lets all enrichers look at the pages as they go by, and keeps what they see."""

    def __init__(self, enrichers: Sequence[Enricher]) -> None:
        versions = {enricher.name: look_version(enricher) for enricher in enrichers}
        # Of one whose version is not known nobody could tell later whether it would see the same.
        self._versions = {name: version for name, version in versions.items() if version}
        self._enrichers = [enricher for enricher in enrichers if enricher.name in self._versions]
        self._budgets = CompanyBudgets()
        self._companies: dict[str, _Stored] = {}

    def look(self, page: PageRow, document: Document | None) -> None:
        """Let them look at a page. `document`: the page as it was read; None where that failed."""
        stored = self._companies.setdefault(str(page["company_id"]), _Stored())
        willing = [enricher for enricher in self._enrichers if stored.seen.get(enricher.name, ()) is not None]
        seen, failures = look_at(page, willing, self._budgets, document)
        stored.failed += failures
        for name, findings in seen.items():
            self._store(stored, name, findings[: MAX_FINDINGS - stored.findings[name]])

    def _store(self, stored: _Stored, name: str, findings: Sequence[Finding]) -> None:
        texts = stored.seen.setdefault(name, [])
        if texts is None or not findings:
            return
        text = _text(findings, stored.pages)
        if text is None:
            self._versions[name] = ""
            self._enrichers = [enricher for enricher in self._enrichers if enricher.name != name]
            return
        stored.findings[name] += len(findings)
        stored.characters[name] += len(text)
        texts.append(text)
        if stored.characters[name] > MAX_STORED:
            stored.seen[name] = None

    def row(self, company: CompanyRow) -> LookRow:
        """What is kept of a company."""
        stored = self._companies.pop(company["company_id"], None) or _Stored()
        too_much = {name for name, texts in stored.seen.items() if texts is None}
        versions = {name: "" if name in too_much else version for name, version in self._versions.items()}
        seen = {name: texts for name, texts in stored.seen.items() if texts and versions[name]}
        pages = json.dumps([[*page[:3], page.seen_at.isoformat()] for page in stored.pages])
        each = ",".join(f"{json.dumps(name)}:[{','.join(texts)}]" for name, texts in seen.items())
        text = f'{{"pages":{pages},"seen":{{{each}}},"failed":{json.dumps(stored.failed)}}}'
        return _row(company, company["scraped_at"], versions, text)


def left_out(error: ErrorRow) -> LookRow:
    """The look at a page that no stage reads, given its error row: none, and the same error of stage enrich."""
    failure = Failure(None, str(error["url"]), error["category"], error["error"])
    return _row(error, None, {}, json.dumps({"failed": [failure]}))


def _row(company: Mapping[str, Any], scraped_at: datetime | None, versions: dict[str, str], text: str) -> LookRow:
    return {
        "company_id": company["company_id"],
        "domain": company["domain"],
        "scraped_at": scraped_at,
        "versions": versions,
        "looks": text,
    }


def _text(findings: Sequence[Finding], pages: dict[PageRef, int]) -> str | None:
    """Findings of one page as JSON, with its place among `pages`; None where that cannot say them."""
    page = findings[0].page
    if not all(type(one) is Finding and one.page == page and _is_plain(one.value) for one in findings):
        return None
    place = pages.setdefault(page, len(pages))
    try:
        return json.dumps([place, *map(_fields, findings)], separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError):
        return None


def _fields(finding: Finding) -> list[Any]:
    """A finding's fields without its page, those that say nothing left out at the end."""
    said = [*finding[:4], *finding[5:]]
    while len(said) > 4 and said[-1] == _SILENT[len(said) - 5]:
        said.pop()
    return said


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether JSON gives back the very same."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if depth == MAX_DEPTH:
        return False
    if kind is dict:
        return all(type(key) is str and _is_plain(one, depth + 1) for key, one in value.items())
    return kind is list and all(_is_plain(one, depth + 1) for one in value)


# ---- read again -----------------------------------------------------------------------------------------

#: Why an enricher has to look at a company's pages again.
_NONE_KEPT = "no look is kept"
_NEW = "it is new"
_CHANGED = "another version of it had looked"
_NOT_KEPT = "what it sees cannot be kept"
_NO_VERSION = "its version is not known"
_LATER_PAGES = "the pages were fetched again since"
_TOGETHER = "a page was too much for all together, and one of them has changed"


class KeptLooks:
    """What was kept of some companies, as far as the enrichers of today would see the same."""

    def __init__(self, rows: Iterable[LookRow], enrichers: Sequence[Enricher]) -> None:
        self._versions = {enricher.name: look_version(enricher) for enricher in enrichers}
        #: By company and enricher.
        self._seen: dict[str, dict[str, list[Finding]]] = defaultdict(dict)
        self._failed: dict[str, list[Failure]] = defaultdict(list)
        self._had: dict[str, dict[str, str]] = defaultdict(dict)
        self._superseded: set[str] = set()
        for row in rows:
            self._take(row)
        for company_id, failed in self._failed.items():
            if any(one.enricher is None for one in failed) and self._had[company_id] != self._versions:
                self._seen.pop(company_id, None)

    def _take(self, row: LookRow) -> None:
        company_id = row["company_id"]
        if row.get("superseded"):
            self._superseded.add(company_id)
            return
        try:
            had = dict(row["versions"])
            held = {name for name, version in had.items() if version and version == self._versions.get(name)}
            seen, failed = _read(row["looks"], held)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            return  # not as it was written: as if it were not there
        self._had[company_id].update(had)
        self._seen[company_id].update(seen)
        self._failed[company_id] += failed

    def lacks(self, company_id: str) -> dict[str, str]:
        """The enrichers that have to look at a company's pages again, each with the reason."""
        have = self._seen.get(company_id, {})
        return {name: self._why(company_id, name) for name in self._versions if name not in have}

    def _why(self, company_id: str, name: str) -> str:
        had = self._had.get(company_id)
        if self._versions[name] is None:
            return _NO_VERSION
        if company_id in self._superseded:
            return _LATER_PAGES
        if had is None:
            return _NONE_KEPT
        if name not in had:
            return _NEW
        if had[name] == self._versions[name]:
            return _TOGETHER
        return _CHANGED if had[name] else _NOT_KEPT

    def seen(self, company_id: str) -> dict[str, list[Finding]]:
        """By enricher its findings, in the order of the pages."""
        return self._seen.get(company_id, {})

    def failed(self, company_id: str) -> list[Failure]:
        """What failed, of enrichers that need not look again."""
        have = self.seen(company_id)
        return [
            one for one in self._failed.get(company_id, ()) if (one.enricher in have if one.enricher else bool(have))
        ]


def _read(text: str, held: Iterable[str]) -> tuple[dict[str, list[Finding]], list[Failure]]:
    kept = json.loads(text)
    pages = [PageRef(url, digest, kind, datetime.fromisoformat(at)) for url, digest, kind, at in kept.get("pages", ())]
    seen = kept.get("seen", {})
    found = {
        name: [_finding(said, pages[place]) for place, *those in seen.get(name, ()) for said in those] for name in held
    }
    failed = [
        Failure(None if enricher is None else str(enricher), str(url), ErrorCategory(category).value, str(reason))
        for enricher, url, category, reason in kept.get("failed", ())
    ]
    return found, failed


def _finding(said: list[Any], page: PageRef) -> Finding:
    name, value, method, confidence, *more = said
    finding = Finding(name, value, method, confidence, page, *more)
    return finding._replace(words=tuple(finding.words)) if finding.words else finding


def reasons(lacks: Iterable[Mapping[str, str]]) -> str:
    """Why pages are read again, given what `KeptLooks.lacks` says of some companies."""
    names: dict[str, set[str]] = defaultdict(set)
    for lacking in lacks:
        for name, why in lacking.items():
            names[why].add(name)
    told = "; ".join(f"{', '.join(sorted(those))}: {why}" for why, those in sorted(names.items()))
    return f"pages are read again ({told})"
