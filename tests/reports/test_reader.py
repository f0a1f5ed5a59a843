"""`from leadmill import Lake`: a data folder's rows for notebooks, found upwards, never written to."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

import pytest

import leadmill
from data.damage import DamagedPartError
from data.lake import Lake as Files
from data.lake import UnitFiles
from leadmill import Lake, Lead
from leadmill.errors import NotFoundError
from leadmill.settings import get_settings
from tests.small_lake import NOW, lead, scored_job

JOB = "job_0000000000000000000a"


@pytest.fixture
def job(lake: Files) -> str:
    return scored_job(lake)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_leads_come_best_first_and_typed(lake: Files, job: str) -> None:
    before = contents(lake.root)
    rows = list(Lake(lake.root).job(job).leads())
    assert [row["domain"] for row in rows] == [f"firm-{n}.example" for n in reversed(range(12))]
    assert set(rows[0]) == set(get_type_hints(Lead))
    assert rows[0]["scored_at"] == NOW
    assert rows[0]["social"] == {"linkedin": "https://www.linkedin.com/company/firm-11"}
    assert rows[0]["contributions"][0]["rule"] == "has_email"
    assert rows[0]["input"] == [{"line": 13, "values": {"Record ID": "R11"}}]
    assert contents(lake.root) == before


def test_companies_are_those_that_failed_too(lake: Files, job: str) -> None:
    companies = Lake(lake.root).job(job).companies()
    assert len(companies) == 13
    assert {row["domain"]: row["error"] for row in companies if row["error"]} == {
        "down.example": "no answer from down.example"
    }


def test_frames_tables_and_queries(lake: Files, job: str) -> None:
    found = Lake(lake.root).job(job)
    frame = found.leads().df()
    assert (len(frame), frame["domain"][0]) == (12, "firm-11.example")
    assert frame["social"][0] == {"linkedin": "https://www.linkedin.com/company/firm-11"}
    assert found.leads().arrow().column("score").to_pylist()[0] == 85.0
    query = "SELECT country, count(*) AS n FROM leads WHERE score > $least GROUP BY ALL ORDER BY n DESC, country"
    assert list(found.sql(query, {"least": 60})) == [
        {"country": "DE", "n": 2}, {"country": None, "n": 2}, {"country": "GB", "n": 1},
    ]  # fmt: skip
    assert found.sql("WITH best AS (FROM leads LIMIT 3) SELECT count(*) AS n FROM best").df()["n"][0] == 3
    assert "firm-11.example" in found.leads()._repr_html_()


def test_a_project_is_shown_its_own_jobs_and_companies(lake: Files, job: str) -> None:
    theirs = scored_job(lake.of("acme"), more=7)
    assert Lake(lake.root).jobs() == [job] and Lake(lake.root, project="acme").jobs() == [theirs]
    for found, score in ((Lake(lake.root), 85.0), (Lake(lake.root, project="acme"), 92.0)):
        assert next(iter(found.companies()))["score"] == score
    with pytest.raises(NotFoundError, match=r"no jobs of project 'other' in .*; there are: default, acme"):
        Lake(lake.root, project="other")
    with pytest.raises(NotFoundError, match=f"job {theirs} is not in"):
        Lake(lake.root).job(theirs)
    with pytest.raises(ValueError, match="not the name of a project"):
        Lake(lake.root, project="../acme")


def test_two_iterators_do_not_disturb_each_other(lake: Files, job: str) -> None:
    leads = Lake(lake.root).job(job).leads()
    first = iter(leads)
    assert next(first)["domain"] == next(iter(leads))["domain"]
    assert len(list(first)) == 11


def test_the_newest_row_of_each_company_counts_whichever_job_made_it(lake: Files, job: str) -> None:
    later = scored_job(lake, NOW + timedelta(days=1), more=7)
    found = Lake(lake.root)
    assert found.jobs() == sorted([job, later], reverse=True)
    assert {row["job_id"] for row in found.companies()} == {later}
    best = next(iter(found.companies()))
    assert (best["score"], best["input"]) == (92.0, None), "what a list says is its job's own"
    assert found.sql("SELECT count(*) AS n FROM leads").arrow().to_pylist() == [{"n": 24}]
    assert found.sql("SELECT count(*) AS n FROM companies").arrow().to_pylist() == [{"n": 12}]
    assert found.job().id == found.jobs()[0]


def test_only_what_was_committed_is_seen(lake: Files, job: str) -> None:
    UnitFiles(lake, job, "score", "score", 2).write([lead(99, 99.0, "GB")])
    before = contents(lake.root)
    assert len(Lake(lake.root).job(job).leads()) == 12
    assert contents(lake.root) == before, "nor is it made visible"


def test_a_damaged_file_is_named_and_stays(lake: Files, job: str) -> None:
    (part,) = lake.parts(job, "score")
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(DamagedPartError, match=part.name):
        Lake(lake.root).job(job).leads().df()
    assert part.exists()


def test_what_is_not_there_is_told(lake: Files, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError, match=f"with rows: {job}"):
        Lake(lake.root).job(JOB)
    with pytest.raises(NotFoundError, match="no job"):
        Lake(lake.root).job("../../etc")
    with pytest.raises(NotFoundError, match="not a data folder"):
        Lake(tmp_path / "nowhere")
    lake.drop_job_data(job)
    with pytest.raises(NotFoundError, match="any more"):
        Lake(lake.root).job(job)
    with pytest.raises(NotFoundError, match="scored rows yet"):
        Lake(lake.root).job()
    assert list(Lake(lake.root).companies()) == []


@pytest.fixture
def no_setting(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("LEADMILL_DATA_URL", raising=False)
    get_settings.cache_clear()
    return monkeypatch


def test_it_is_found_from_where_one_stands(tmp_path: Path, no_setting: pytest.MonkeyPatch) -> None:
    below = tmp_path / "notebooks" / "mine"
    below.mkdir(parents=True)
    no_setting.chdir(below)
    with pytest.raises(NotFoundError, match="run `leadmill demo`"):
        Lake()
    scored_job(Files(tmp_path / "var" / "demo"))
    assert Lake().path == tmp_path / "var" / "demo"
    scored_job(Files(tmp_path / "var"))
    assert Lake().path == tmp_path / "var", "the demo's only while there is nothing else"
    scored_job(Files(tmp_path / "notebooks" / "var"))
    assert Lake().path == tmp_path / "notebooks" / "var", "the nearest one"
    no_setting.setenv("LEADMILL_DATA_URL", str(tmp_path / "var" / "demo"))
    get_settings.cache_clear()
    assert Lake().path == tmp_path / "var" / "demo", "what a setting names comes first"
    get_settings.cache_clear()


def test_what_a_checker_reads_of_the_door_is_what_is_there() -> None:
    stub = Path(leadmill.__file__).with_suffix(".pyi").read_text()
    for name in leadmill.__all__:
        home = getattr(leadmill, name).__module__
        assert f"from {home} import {name} as {name}\n" in stub
    assert stub.count("import") == len(leadmill.__all__)
