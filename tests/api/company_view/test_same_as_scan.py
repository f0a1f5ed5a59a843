"""Whatever happens to a lake: the table of companies answers as a scan of it does, at once."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.company_columns import FACETS
from api.company_export import company_table
from api.company_facets import facets
from api.company_rows import Companies, CompanyFilter, company, company_page
from api.company_view import CompanyView, view
from api.company_view.database import Database
from api.explanation import explain
from data.jobs import JobStore
from data.lake import Lake, UnitFiles
from data.snapshot import compact, exclusive
from leadmill.errors import NotFoundError
from leadmill.ids import company_id
from pipelines.intake.report_on_demand import ReportForm
from reports.lead_filter import LeadFilter
from reports.lead_order import ORDERS
from tests.data.jobs.acting import begin, fresh, launched, widen
from tests.valkey import Valkey

AT = datetime(2026, 1, 1, tzinfo=UTC)
DOMAINS = [f"c{n}.example" for n in range(6)]
MADE_AT = {"process": "processed_at", "enrich": "enriched_at", "score": "scored_at"}
VALUES: dict[str, list[Any]] = {
    "name": [None, "Öl & Söhne", "acme"],
    "description": [None, "Makes WIDGETS", "sells things"],
    "country": [None, "DE", "nl"],
    "language": [None, "de"],
    "industry": [None, "Retail", "energy"],
    "technologies": [None, [], ["React"], ["Shopify", "React", "Shopify"], ["shopify plus"]],
    "score": [None, 0.1 + 0.2, 0.3, 80.0, float("nan")],
    "reach": [None, 10.0],
    "quality": [None, 0.5],
    "tier": [None, "A", "C"],
    "emails": [None, [], ["a@b.example"]],
    "employees_min": [None, 10, 400],
}
ACTS = (
    "begin",
    "part",
    "part",
    "part",
    "end",
    "whole",
    "resume",
    "clean",
    "remove",
    "damage",
    "empty",
    "kill",
    "ask",
    "anew",
)


#: That end while others ask.
JOBS = 20


def jobs_named(n: int) -> str:
    return f"job_{n:020d}"


class History:
    """A lake and its records as things happen to them."""

    def __init__(self, store: JobStore, folder: Path, data: st.DataObject) -> None:
        self.store, self.lake, self.data, self.folder = store, Lake(folder / "lake"), data, folder
        self.live: list[str] = []
        self.ended: list[str] = []
        self.epochs: dict[str, int] = {}
        self.count = self.time = 0

    def one(self, jobs: list[str]) -> str | None:
        return self.data.draw(st.sampled_from(jobs)) if jobs else None

    def begin(self) -> None:
        job = jobs_named(self.count)
        self.count += 1
        widen(self.store, 100)  # no job waits for another's turn
        launched(self.store, 2, job)
        begin(self.store, "p0", 0, job)
        self.live.append(job)

    def part(self) -> None:
        if job := self.one(self.live):
            stage, partition = self.data.draw(st.sampled_from(list(MADE_AT))), self.data.draw(st.integers(0, 1))
            self.epochs[job] = epoch = self.epochs.get(job, 1) + self.data.draw(st.integers(0, 1))
            unit, rows = f"p{partition}", []
            for domain in self.data.draw(st.sets(st.sampled_from(DOMAINS), min_size=1)):
                self.time += 1
                row: dict[str, Any] = {name: self.data.draw(st.sampled_from(of)) for name, of in VALUES.items()}
                row |= {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/"}
                if stage == "score" and self.data.draw(st.booleans()):
                    row["error"] = "no good row"
                rows.append(row | {MADE_AT[stage]: AT + timedelta(seconds=self.time)})
            UnitFiles(self.lake, job, stage, unit, epoch, partition).write(rows)
            self.lake.expose(job, stage, unit, epoch)

    def end(self) -> None:
        if job := self.one(self.live):
            self.store.cancel(job)
            self.live.remove(job)
            self.ended.append(job)

    def whole(self) -> None:
        """Between two looks."""
        self.begin()
        others, self.live = self.live[:-1], self.live[-1:]
        self.part()
        self.end()
        self.live = others

    def resume(self) -> None:
        if job := self.one(self.ended):
            self.store.resume(job)
            begin(self.store, "launch", 0, job)
            self.ended.remove(job)
            self.live.append(job)

    def clean(self) -> None:
        if job := self.one(self.ended):
            with exclusive(self.lake):
                compact(self.lake, [job])
            self.store.forget(job)
            self.lake.drop_job_data(job)
            self.ended.remove(job)

    def remove(self) -> None:
        """By hand."""
        if job := self.one(self.ended):
            self.lake.storage.remove_all(self.lake.job_dir(job))

    def damage(self) -> None:
        files = [file for stage in MADE_AT for file in self.lake.stage_files(stage)]
        if files:
            file = self.data.draw(st.sampled_from(sorted(files)))
            file.write_bytes(file.read_bytes()[:-7])

    def empty(self) -> None:
        for key in self.store.redis.scan_iter(match=f"{self.store.prefix}*"):
            self.store.redis.delete(key)
        self.live, self.ended = [], []


FILTERS: list[Callable[[History], CompanyFilter]] = [
    lambda _: CompanyFilter(),
    lambda history: CompanyFilter(jobs=[jobs_named(history.data.draw(st.integers(0, history.count)))]),
    lambda history: CompanyFilter(jobs=[jobs_named(n) for n in range(0, history.count, 2)]),
    lambda history: CompanyFilter(domain=history.data.draw(st.sampled_from(DOMAINS))),
    lambda _: CompanyFilter(LeadFilter(country=("DE", "NL"))),
    lambda _: CompanyFilter(LeadFilter(tier=("A",), min_score=0.3)),
    lambda _: CompanyFilter(LeadFilter(industry=("retail",))),
    lambda _: CompanyFilter(LeadFilter(technology=("shopify", "Angular"))),
    lambda _: CompanyFilter(LeadFilter(text="ÖL &", has=("email",))),
    lambda _: CompanyFilter(LeadFilter(language=("DE",), size=("10-49", "250+"))),
    lambda _: CompanyFilter(LeadFilter(text="c1.example MAKES"), jobs=[jobs_named(0), jobs_named(1)]),
]


def answers(companies: Companies, wanted: CompanyFilter) -> tuple[Any, Any]:
    items = []
    for sort in ORDERS:
        shown, cursor = company_page(companies, wanted, 2, None, sort)
        while cursor:
            more, cursor = company_page(companies, wanted, 2, cursor, sort)
            shown += more
        items.append([row["domain"] for row in shown] if items else shown)
    return items, facets(companies, wanted, FACETS, 20)


def exported(companies: Companies, wanted: CompanyFilter) -> str | None:
    try:
        made = company_table(companies, wanted, ReportForm("json", "leads"), "told", "-score")
    except NotFoundError:
        return None
    try:
        return made.read_text()
    finally:
        shutil.rmtree(made.parent)


def of_one(companies: Companies, domain: str) -> tuple[Any, ...]:
    failed = companies.failed_row(company_id(domain))
    explained = []
    for field in ("name", "error"):
        try:
            explained.append(explain(companies, domain, field))
        except NotFoundError:
            explained.append({})
    try:
        return company(companies, domain), failed, explained
    except NotFoundError:
        return None, failed, explained


@contextmanager
def made(history: History) -> Iterator[CompanyView]:
    folder = history.folder / str(history.data.draw(st.uuids()))
    folder.mkdir()
    with Database(folder, "256MB") as database:
        yield CompanyView(history.lake, history.store, database)


def look(history: History, table: CompanyView) -> None:
    for wanted in [
        one(history) for one in history.data.draw(st.lists(st.sampled_from(FILTERS), min_size=1, max_size=3))
    ]:
        assert answers(Companies(history.lake, table), wanted) == answers(Companies(history.lake), wanted)
    assert exported(Companies(history.lake, table), wanted) == exported(Companies(history.lake), wanted)
    for domain in history.data.draw(st.sets(st.sampled_from([*DOMAINS, "absent.example"]), min_size=1, max_size=2)):
        assert of_one(Companies(history.lake, table), domain) == of_one(Companies(history.lake), domain)
    assert table.current() is not None, "it was the table that answered"


@pytest.mark.parametrize("brief", [True, False])
@settings(max_examples=8, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_table_answers_as_a_scan(
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    brief: bool,
    data: st.DataObject,
) -> None:
    """Also where so many jobs lie there that a request looks at those alone that moved (not `brief`)."""
    if not brief:
        monkeypatch.setattr(view, "_BRIEF_S", 0.0)
        monkeypatch.setattr(view, "_FEW_JOBS", 0)
    store = fresh(valkey.url)
    history = History(store, tmp_path_factory.mktemp("lake"), data)
    acts = st.sampled_from(ACTS if brief else [act for act in ACTS if act not in ("remove", "damage")])
    todo = data.draw(st.lists(acts, min_size=4, max_size=14))
    while todo:
        with made(history) as table:
            table.feed()
            assert table.seen.state == "ready"
            while todo and (act := todo.pop(0)) != "kill":
                if act == "anew":
                    table.write_anew()
                elif act != "ask":
                    getattr(history, act)()
                    continue
                if not brief and table.current() is None:
                    table.feed()
                look(history, table)
            if not brief and table.current() is None:
                table.feed()
            look(history, table)
    store.redis.close()


def test_an_ended_job_is_in_the_next_answer_whoever_asks(
    valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several ask while jobs end, and the lake is compacted, the table fed and written anew beside them; none sees less
    than was there.
    """
    monkeypatch.setattr(view, "_BRIEF_S", 0.0)
    monkeypatch.setattr(view, "_FEW_JOBS", 0)
    monkeypatch.setattr(view, "_STEP", 1)
    store, lake, ended = fresh(valkey.url), Lake(tmp_path / "lake"), 0

    def asked(companies: Companies) -> int:
        by_table = 0
        while ended < JOBS:
            there = ended
            by_table += companies.view is not None and companies.view.current() is not None
            found = facets(companies, CompanyFilter(), ["tier"], 5)
            assert (
                found["companies"] >= there
                and sum(one["companies"] for one in found["facets"]["tier"]) == found["companies"]
            )
        return by_table

    def written_anew() -> set[str]:
        names = set()
        while ended < JOBS:
            table.write_anew()
            names.add(str(table.current()))
        return names

    with Database(tmp_path, "256MB") as database, ThreadPoolExecutor(5) as threads:
        table = CompanyView(lake, store, database)
        table.feed()
        asking = [threads.submit(asked, Companies(lake, table)) for _ in range(4)]
        writing = threads.submit(written_anew)
        for n in range(JOBS):
            job = launched(store, 2, jobs_named(n))
            row = {"company_id": company_id(f"c{n}.example"), "domain": f"c{n}.example", "tier": "A", "scored_at": AT}
            UnitFiles(lake, job, "score", "p0", 1).write([row])
            lake.expose(job, "score", "p0", 1)
            store.cancel(job)
            ended = n + 1
            if n % 5 == 4:
                with exclusive(lake):
                    compact(lake, [jobs_named(one) for one in range(ended)])
            table.feed()
        assert sum(one.result(60) for one in asking) > 0, "the table answered, too"
        assert len(writing.result(60) - {"None"}) > 1 and table.seen.state == "ready"
        assert len(list(tmp_path.glob("*.duckdb"))) == 1, "of one table there is one file"
    store.redis.close()
