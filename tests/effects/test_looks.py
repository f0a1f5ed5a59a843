"""Stage enrich opens no page of a job whose stage process let the enrichers look; where it has to, the job says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from data.damage import damages
from data.jobs import Grant, JobStore
from data.lake import Lake
from extraction import looks
from extraction.enrichers import Enricher
from extraction.look_version import look_version
from pipelines.execution.marks import mark_name
from tests.effects.conftest import V1, Mill
from tests.releases.fixture import VERSIONS, Left
from tests.tasks.scraping.hostile_server import HostileServer

Log = pytest.LogCaptureFixture
#: What differs between two jobs that found the same.
_OWN = ("job_id", "enriched_at", "processed_at", "scraped_at", "facts", "candidates")


@pytest.fixture
def body(server: HostileServer) -> dict[str, Any]:
    return {"company_urls": [server.url("staff")], "crawl": {"max_pages": 1}}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Jobs of which pages are read, as often as they are."""
    seen: list[str] = []
    iter_rows, rows_from = Lake.iter_rows, Lake.rows_from

    def own(lake: Lake, files: Any, *rest: Any) -> Any:
        files = list(files)
        seen.extend(file.parent.parent.name for file in files if file.parent.name == "pages")
        yield from iter_rows(lake, files, *rest)

    def others(lake: Lake, stage: str, sources: Any, kind: Any = "rows") -> Any:
        seen.extend(sources if kind == "pages" else ())
        yield from rows_from(lake, stage, sources, kind)

    monkeypatch.setattr(Lake, "iter_rows", own)
    monkeypatch.setattr(Lake, "rows_from", others)
    return seen


def rows_of(mill: Mill, job: str) -> list[dict[str, Any]]:
    rows = [{name: row[name] for name in row if name not in _OWN} for row in mill.rows(job, "enrich")]
    return sorted(rows, key=lambda row: str(row["company_id"]))


def why(caplog: Log, job: str) -> str:
    """What is logged of a job, as a warning, of pages that are read again."""
    said = [one.msg for one in caplog.records if isinstance(one.msg, dict) and one.levelname == "WARNING"]
    return next((str(line["why"]) for line in said if line.get("job") == job and "why" in line), "")


def enrich(mill: Mill, old: str) -> str:
    return mill.run(f"/pipelines/{old}/rerun?from_stage=enrich", {})


def test_a_page_is_read_once(mill: Mill, body: dict[str, Any], read: list[str], caplog: Log) -> None:
    job = mill.run("/pipelines", body)
    looked = mill.rows(job, "process", "looks")
    assert len(looked) == 1 and {*looked[0]["versions"]} >= {"technologies", "industries"}
    assert read == [job], "stage process"
    again = enrich(mill, job)
    assert read == [job] and why(caplog, again) == "" == why(caplog, job)
    assert rows_of(mill, again) == rows_of(mill, job)
    manifest = json.loads((mill.lake.job_dir(job) / "manifest.json").read_text())
    assert "looks/part-00000-0.parquet" in manifest["parts"]["process"]
    mill.lake.drop_job_data(job)
    assert mill.rows(job, "process", "looks") == []


def test_what_failed_before_is_told_again_as_it_was(mill: Mill, server: HostileServer) -> None:
    old = mill.run("/pipelines", {"company_urls": [server.url("staff"), server.url("deny")], "crawl": {"max_pages": 1}})
    told = mill.http.get(f"{V1}/jobs/{old}/errors").json()["items"]
    assert [error["category"] for error in told] == ["data"]
    again = enrich(mill, old)
    found = mill.http.get(f"{V1}/jobs/{again}/errors").json()["items"]
    assert [(error["error"], error["stage"]) for error in found] == [(told[0]["error"], "scrape")]


def test_where_no_look_is_kept_pages_are_read_again(
    mill: Mill, body: dict[str, Any], read: list[str], caplog: Log
) -> None:
    """As in a lake of an earlier version; a job without stage enrich pays for none."""
    old = mill.run("/pipelines", {**body, "stages": ["scrape", "process"]})
    assert mill.rows(old, "process", "looks") == []
    again = enrich(mill, old)
    assert read == [old, old] and "no look is kept" in why(caplog, again)
    assert rows_of(mill, again) == rows_of(mill, mill.run("/pipelines", body))


def test_pages_of_an_earlier_versions_lake_are_read_again(
    open_mill: Callable[[], Mill], tmp_path: Path, read: list[str]
) -> None:
    left = Left.by(VERSIONS[0])
    left.lay_out(tmp_path / "var")
    mill = open_mill()
    old = left.roles["completed"]
    again = enrich(mill, old)
    assert read, "pages, for nothing is kept of them"
    technologies = {row["domain"]: row["technologies"] for row in mill.rows(old, "enrich")}
    assert {row["domain"]: row["technologies"] for row in mill.rows(again, "enrich")} == technologies != {}


def test_a_changed_enricher_alone_looks_again(
    mill: Mill,
    body: dict[str, Any],
    read: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: Log,
) -> None:
    job = mill.run("/pipelines", body)

    def changed(enricher: Enricher) -> str | None:
        return "another" if enricher.name == "industries" else look_version(enricher)

    monkeypatch.setattr(looks, "look_version", changed)
    again = enrich(mill, job)
    assert read == [job, job]
    assert why(caplog, again) == "pages are read again (industries: another version of it had looked)"
    assert rows_of(mill, again) == rows_of(mill, job)


def test_pages_that_were_fetched_since_are_read(mill: Mill, body: dict[str, Any], read: list[str], caplog: Log) -> None:
    job = mill.run("/pipelines", body)
    fetched = mill.run("/pipelines", {**body, "stages": ["scrape"]})
    assert "fetched again since" in why(caplog, enrich(mill, job))
    assert read == [job, fetched]


def test_a_page_that_no_stage_reads_is_told_by_each_once(
    mill: Mill, server: HostileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that brought a process down: stage enrich, which opens none, tells of it as if it had come to it."""
    begin = JobStore.begin

    def refusing(store: JobStore, job: str, *rest: Any) -> Any:
        grant = begin(store, job, *rest)
        pages = [mark_name(page["company_id"], page["page_hash"]) for page in mill.rows(job, "scrape", "pages")]
        return replace(grant, refused=frozenset(pages[1:])) if isinstance(grant, Grant) else grant

    monkeypatch.setattr(JobStore, "begin", refusing)
    job = mill.run("/pipelines", {"company_urls": [server.url("farm")], "crawl": {"max_pages": 2}})
    pages = mill.rows(job, "scrape", "pages")
    assert len(pages) == 2 and len(mill.rows(job, "enrich")) == 1
    for stage in ("process", "enrich"):
        [error] = mill.rows(job, stage, "errors")
        assert (error["url"], error["scope"], error["stage"]) == (pages[1]["url"], "page", stage)


@pytest.mark.parametrize("own", [True, False])
def test_damaged_looks_cost_another_reading_alone(
    mill: Mill, body: dict[str, Any], read: list[str], monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    def damage(job: str) -> None:
        [file] = mill.lake.parts(job, "process", "looks")
        file.write_bytes(file.read_bytes()[:-20])

    if own:
        _between(mill, monkeypatch, damage)
    job = mill.run("/pipelines", body)
    if not own:
        damage(job)
        assert rows_of(mill, enrich(mill, job)) == rows_of(mill, job)
    assert read == [job, job]
    assert rows_of(mill, job) and _damaged(mill, job) == [f"jobs/{job}/looks"]
    mill.resume(job)
    status = mill.http.get(f"{V1}/jobs/status/{job}").json()["status"]
    assert (status, read, _damaged(mill, job)) == ("completed", [job, job], []), "no partition is made again for them"


def _damaged(mill: Mill, job: str) -> list[str]:
    return [one.file.rpartition("/")[0] for one in damages(mill.lake, job)]


def _between(mill: Mill, monkeypatch: pytest.MonkeyPatch, then: Callable[[str], None]) -> None:
    step = mill._step

    def stepped(job: str, unit: str, stage: str, epoch: int, index: int) -> bool:
        if stage == "enrich":
            then(job)
        return step(job, unit, stage, epoch, index)

    monkeypatch.setattr(mill, "_step", stepped)
