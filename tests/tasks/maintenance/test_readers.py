"""Whoever reads across jobs sees what was committed and nothing else, on a storage of each kind; what that costs."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.company_rows import Companies, CompanyFilter, company, company_page
from api.company_scan import files_of
from api.company_view import CompanyView
from api.company_view.database import Database
from api.explanation import explain
from api.sql_console.lent_files import borrowed, lent
from api.sql_console.running import QueryError, Question, answered
from api.stored_pages import stored_pages
from data import keys
from data.lake import Lake, UnitFiles
from data.mounts import addresses
from data.parts import short
from leadmill.ids import company_id
from pipelines.committed import recorded_files, told_files
from pipelines.execution.restore import units_from_parts
from reports import reader
from tasks.maintenance.cleanup import clean_up
from tests.stand_ins.s3 import S3Server
from tests.storages import Storage
from tests.tasks.maintenance.conftest import CHAIN, Driver


def names(driver: Driver, stage: str = "scrape", lake: Lake | None = None) -> dict[str, list[str]]:
    seen = (lake or driver.lake).across()
    return {job: [file.name for file in files] for job, files in seen.each(stage)}


def newest(lake: Lake, stage: str = "scrape") -> list[str]:
    return [row["domain"] for row in lake.newest(stage)]


def rows(*domains: str) -> list[dict[str, object]]:
    at = datetime.now(UTC)
    return [
        {"company_id": company_id(name), "domain": name, "url": f"https://{name}/", "scraped_at": at}
        for name in domains
    ]


def write(driver: Driver, job_id: str, *domains: str, stage: str, index: int) -> None:
    """What a run writes and does not commit."""
    grant = driver.begin(job_id, "p0", index)
    UnitFiles(driver.lake, job_id, stage, "p0", grant.epoch).write(rows(*domains))


def test_of_a_job_that_runs_only_what_it_committed_is_read(kept: Driver) -> None:
    job = kept.submit()
    kept.launch(job, ["a.example", "b.example"])
    grant = kept.begin(job, "p0")
    files = UnitFiles(kept.lake, job, "scrape", "p0", grant.epoch)
    files.write(rows("a.example"))
    assert names(kept) == {} and newest(kept.lake) == [] and kept.lake.stage_files("scrape") == []
    files.write(rows("b.example"))
    kept.store.commit(grant, rows_out=2, files=short(files.counts))
    kept.lake.expose(job, "scrape", "p0", grant.epoch)
    assert names(kept) == {job: ["part-00000-0.parquet", "part-00000-1.parquet"]}
    assert newest(kept.lake) == ["a.example", "b.example"]
    write(kept, job, "a.example", stage="process", index=1)
    assert names(kept, "process") == {} and kept.lake.parts(job, "process") == [] and newest(kept.lake, "process") == []


def test_a_cancelled_job_shows_nothing_of_the_run_that_was_under_way(kept: Driver) -> None:
    job = kept.submit()
    kept.launch(job, ["a.example"])
    kept.stage(job, "p0", "scrape", ["a.example"])
    write(kept, job, "a.example", stage="process", index=1)
    kept.store.cancel(job)
    assert newest(kept.lake) == ["a.example"] and newest(kept.lake, "process") == []


def test_an_ended_job_is_read_by_its_manifest_once_its_units_have_left_redis(kept: Driver) -> None:
    job = kept.completed(["a.example"], 1)
    before = {stage: names(kept, stage) for stage in (*CHAIN, "score")}
    assert all(before.values())
    kept.store.redis.delete(kept.store.key(keys.units(job)))
    assert {stage: names(kept, stage) for stage in before} == before
    assert {stage: names(kept, stage) for stage in before} == before, "and again, of what is kept"


def test_so_are_the_files_of_that_job_alone(kept: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    job, running = kept.completed(["a.example"], 1), kept.submit()
    kept.launch(running, ["b.example"])
    write(kept, running, "b.example", stage="scrape", index=0)

    def valid(job_id: str) -> list[str]:
        return [file.name for file in told_files(kept.store, kept.lake, job_id).valid("scrape")]

    before = valid(job)
    kept.store.redis.delete(kept.store.key(keys.units(job)))
    told = recorded_files(kept.store, kept.lake, job)
    assert before == valid(job) == ["part-00000-0.parquet"] and told.valid("score") and told.plan_rows() == 1
    assert valid(running) == [], "what it has not committed counts for nobody"
    monkeypatch.setattr(kept.store.redis.connection_pool, "connection_kwargs", {"host": "127.0.0.1", "port": 1})
    kept.store.redis.connection_pool.disconnect()
    assert valid(job) == before


def test_without_redis_or_without_records_the_ended_ones_are_read(
    kept: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a notebook does, which knows no Redis at all."""
    job = kept.completed(["a.example"], 1)
    gone = kept.completed(["b.example"], 200)
    clean_up(kept.store, kept.lake, older_than_days=90, now=kept.now)
    alone = Lake(kept.lake.data)
    assert names(kept, lake=alone) == names(kept) == {job: ["part-00000-0.parquet"]}
    assert newest(alone) == newest(kept.lake) == ["a.example", "b.example"], "one of them out of the snapshot"
    assert alone.parts(gone, "scrape") == [] and alone.parts(job, "scrape") == kept.lake.parts(job, "scrape")
    monkeypatch.setattr(kept.store.redis.connection_pool, "connection_kwargs", {"host": "127.0.0.1", "port": 1})
    kept.store.redis.connection_pool.disconnect()
    assert newest(kept.lake) == ["a.example", "b.example"]


def test_a_notebook_reads_ended_jobs_wherever_they_lie(kept: Driver) -> None:
    job = kept.completed(["a.example", "b.example"], 1, score=2.0)
    running = kept.submit()
    kept.launch(running, ["c.example"])
    kept.stage(running, "p0", "scrape", ["c.example"])
    found = reader.Lake(kept.lake.data)
    assert found.jobs() == [job] and [row["domain"] for row in found.job().companies()] == ["a.example", "b.example"]
    assert len(found.companies()) == 2


def test_a_damaged_part_costs_its_own_rows_and_no_others(kept: Driver) -> None:
    for name in ("a.example", "b.example"):
        job = kept.completed([name], 1)
    [file] = kept.lake.parts(job, "scrape")
    kept.lake.storage.put(file, b"PAR1 no more")
    for _ in range(2):
        assert newest(kept.lake) == ["a.example"]


def test_records_are_made_again_of_what_lies_there(kept: Driver) -> None:
    job = kept.completed(["a.example"], 1)
    kept.store.redis.flushall()
    units = units_from_parts(kept.lake, job, CHAIN)
    assert units["p0"].committed_epochs == (0, 0, 0)


# ---- requests, on an object store ---------------------------------------------------------------------------


@pytest.fixture
def far(kept: Driver, storage: Storage, s3: S3Server) -> Iterator[tuple[Driver, S3Server]]:
    if not storage.shows_uncommitted:
        pytest.skip("a disk is not asked by requests")
    s3.methods()
    yield kept, s3


def test_names_of_parts_cost_no_listing(far: tuple[Driver, S3Server]) -> None:
    driver, s3 = far
    jobs = [driver.completed([f"c{n}.example"], 1) for n in range(3)]
    running = driver.submit()
    driver.launch(running, ["d.example"])
    driver.stage(running, "p0", "scrape", ["d.example"])
    for job in jobs[:2]:
        driver.store.redis.delete(driver.store.key(keys.units(job)))
    s3.methods()
    assert set(names(driver)) == {*jobs, running}
    assert s3.methods() == {"GET": 2}, "of each job whose units are gone its manifest"
    assert set(names(driver)) == {*jobs, running} and s3.methods() == {}


def test_the_first_page_of_companies_touches_the_store_for_nothing_known(
    far: tuple[Driver, S3Server], tmp_path: Path
) -> None:
    driver, s3 = far
    jobs = [driver.completed([f"c{n}.example", "all.example"], 1, score=float(n)) for n in range(3)]
    with Database(tmp_path, "64MB") as database:
        table = CompanyView(driver.lake, driver.store, database)
        table.feed()
        companies = Companies(driver.lake, table)
        s3.methods()
        for wanted in (CompanyFilter(), CompanyFilter(jobs=[jobs[0]]), CompanyFilter(domain="c1.example")):
            assert company_page(companies, wanted, 10, None)[0]
        assert companies.found_by(company_id("all.example")) and s3.methods() == {}
        new = driver.completed(["new.example"], 0)
        driver.at(0)
        s3.methods()
        assert len(company_page(companies, CompanyFilter(), 10, None)[0]) == 5
        assert s3.methods().total() <= 6, "of the job that ended: its last rows, and what it has of each stage"
        running = driver.submit()
        driver.launch(running, ["run.example"])
        driver.stage(running, "p0", "scrape", ["run.example"])
        driver.stage(running, "p0", "process", ["run.example"], 1)
        write(driver, running, "unseen.example", stage="enrich", index=2)
        assert len(company_page(companies, CompanyFilter(), 10, None)[0]) == 6
        s3.methods()
        for job in (None, new, running):
            wanted = CompanyFilter(jobs=None if job is None else [job])
            assert company_page(companies, wanted, 10, None)[0] and s3.methods() == {}


def test_a_companys_page_costs_a_few_requests(far: tuple[Driver, S3Server], tmp_path: Path) -> None:
    driver, s3 = far
    for n in range(4):
        driver.completed([f"c{n}.example", "all.example"], 1, score=float(n))
    with Database(tmp_path, "64MB") as database:
        table = CompanyView(driver.lake, driver.store, database)
        table.feed()
        companies = Companies(driver.lake, table)
        s3.methods()
        row = company(companies, "c2.example")
        shown = s3.methods()
        assert row["domain"] == "c2.example" and "PUT" not in shown and shown.total() <= 8
        assert len(stored_pages(driver.lake, row)) == 1 and explain(companies, "c2.example", "name")
        assert s3.methods().total() <= 16
        company(companies, "c2.example")
        assert s3.methods().total() <= shown.total()


def test_a_jobs_files_are_known_by_its_record(far: tuple[Driver, S3Server]) -> None:
    driver, s3 = far
    job = driver.completed(["a.example"], 1)
    s3.methods()
    told = recorded_files(driver.store, driver.lake, job)
    assert told.all_parts([*CHAIN, "score"])["score", "rows"] and s3.methods() == {}
    assert files_of(driver.lake, [job])["score"] and s3.methods()["GET"] == 0


def asked_by_sql(lake: Lake, query: str) -> list[list[object]]:
    async def waits() -> bool:
        return False

    answer = asyncio.run(answered(Question(lake, query), waits))
    with answer.body:
        return list(json.loads(answer.body.read()))


def test_a_query_reads_its_projects_rows_and_nothing_else(kept: Driver) -> None:
    """On an object store its process has neither a network nor keys: the files are handed to it."""
    kept.completed(["a.example", "b.example"], 1, score=2.0)
    theirs = kept.of("acme")
    job = theirs.completed(["secret.example"], 1)
    query = "SELECT domain, score FROM companies ORDER BY domain"
    assert asked_by_sql(kept.lake, query) == [["a.example", 2.0], ["b.example", 2.0]]
    assert asked_by_sql(theirs.lake, "SELECT count(*) FROM results") == [[1]]
    assert asked_by_sql(kept.lake, "SELECT count(*), count(html) FROM pages") == [[2, 2]]
    [own] = addresses([kept.lake.jobs])
    for other in (*addresses(theirs.lake.parts(job, "score")), f"{own}/../projects/acme/jobs/{job}/score/x.parquet"):
        with pytest.raises(QueryError, match=r"Permission|Cannot access"):
            asked_by_sql(kept.lake, f"SELECT * FROM read_parquet('{other}')")


def test_the_parent_hands_out_nothing_else_whatever_it_is_asked(kept: Driver) -> None:
    job = kept.completed(["a.example"], 1)
    if (lender := kept.lake.storage.lender) is None:
        pytest.skip("a disk needs no lender")
    [own], [part] = addresses([kept.lake.companies]), addresses(kept.lake.parts(job, "score"))
    with lent(lender, [f"{own}/"]) as theirs:
        files = borrowed(os.dup(theirs.fileno()), lender.protocol)
        for name in (part, f"{own}/../jobs/{job}/score/part-00000-0.parquet", f"{own}/none.parquet"):
            with pytest.raises(FileNotFoundError):
                files.size(name)
    with lent(lender, [f"{addresses([kept.lake.jobs])[0]}/"]) as theirs:
        files = borrowed(os.dup(theirs.fileno()), lender.protocol)
        assert files.open(part).read(4) == b"PAR1" and files.open(part).read()[-4:] == b"PAR1"
