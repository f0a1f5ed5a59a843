"""What a submission says of its companies, stages and report changes what its job makes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leadmill.ids import company_id, parse_company_url
from pipelines.intake.schedules import from_body
from pipelines.intake.submit import submit
from tests.effects.conftest import Mill
from tests.stand_ins.mail_server import mail_server
from tests.tasks.scraping.hostile_server import HostileServer

ONE_PAGE = {"max_pages": 1}


def reports(mill: Mill, job: str) -> list[str]:
    return sorted(file.name for file in (mill.lake.job_dir(job) / "reports").iterdir())


def test_stages_formats_and_type_of_a_pipeline(mill: Mill, server: HostileServer) -> None:
    body = {"company_urls": [server.url("plain"), server.url("missing")], "crawl": ONE_PAGE}
    job = mill.run("/pipelines", body)
    assert reports(mill, job) == ["report.csv", "report.html"] and len(mill.rows(job, "score")) == 2
    job = mill.run("/pipelines", {**body, "stages": ["scrape", "process"]})
    assert mill.rows(job, "process") and not (mill.lake.job_dir(job) / "score").exists()
    rows = {}
    for kind in ("comprehensive", "leads"):
        job = mill.run("/pipelines", {**body, "report": {"type": kind, "formats": ["json"]}})
        assert reports(mill, job) == ["report.json"]
        rows[kind] = json.loads((mill.lake.job_dir(job) / "reports" / "report.json").read_text())
    assert [len(found["rows"] if isinstance(found, dict) else found) for found in rows.values()] == [2, 1]


def test_companies_by_search_and_by_id(open_mill: Callable[..., Mill], server: HostileServer, tmp_path: Path) -> None:
    lines = [f"Plain {n},{server.url(f'plain{n}')},solar" for n in range(3)]
    (tmp_path / "list.csv").write_text("\n".join(["name,url,keywords", *lines]))
    mill = open_mill(LEADMILL_SEARCH_PROVIDER=f"directory:{tmp_path}/list.csv")

    def found(path: str, **body: Any) -> int:
        job = mill.run(path, {"search_queries": ["solar"], "crawl": ONE_PAGE, **body})
        return len(mill.rows(job, "scrape"))

    assert found("/pipelines") == found("/jobs/scrape/batch") == 3
    assert found("/pipelines", max_results_per_query=2) == found("/jobs/scrape/batch", max_results_per_query=2) == 2
    known = company_id(parse_company_url(server.url("plain1")).domain)
    job = mill.run("/pipelines", {"company_ids": [known], "stages": ["process", "enrich"]})
    assert [row["company_id"] for row in mill.rows(job, "enrich")] == [known]


def test_a_single_stage_over_companies_of_the_lake(mill: Mill, server: HostileServer) -> None:
    mill.run("/pipelines", {"company_urls": [server.url("plain1"), server.url("plain2")], "crawl": ONE_PAGE})
    ids = [company_id(parse_company_url(server.url(name)).domain) for name in ("plain1", "plain2")]
    for path, stage in (("data", "process"), ("enrich", "enrich"), ("scores", "score")):
        job = mill.run(f"/jobs/process/{path}", {"company_ids": ids[:1]})
        assert [row["company_id"] for row in mill.rows(job, stage)] == ids[:1]


def test_a_report_and_an_analysis_over_some_companies(mill: Mill, server: HostileServer) -> None:
    mill.run("/pipelines", {"company_urls": [server.url("plain1"), server.url("plain2")], "crawl": ONE_PAGE})
    some = [company_id(parse_company_url(server.url("plain1")).domain)]
    for path, count in (({}, 2), ({"company_ids": some}, 1)):
        job = mill.run("/jobs/analytics/report", {**path, "formats": ["json"], "report_type": "leads"})
        assert reports(mill, job) == ["report.json"]
        found = json.loads((mill.lake.job_dir(job) / "reports" / "report.json").read_text())
        assert len(found["rows"] if isinstance(found, dict) else found) == count
        job = mill.run("/jobs/analytics/analyze", {**path, "report_type": "summary"})
        result = mill.http.get(f"/api/v1/jobs/status/{job}").json()["result"]
        assert result["companies"] == count, result


def test_tags_are_found_again(mill: Mill) -> None:
    status, answer = mill.post("/pipelines", {"company_urls": ["a.example"], "tags": ["spring"]})
    assert status == 202
    assert mill.http.get("/api/v1/jobs/list?tag=spring").json()["items"][0]["job_id"] == answer["job_id"]


def test_layout_and_bom(mill: Mill, server: HostileServer) -> None:
    body = {"company_urls": [server.url("plain")], "crawl": ONE_PAGE}
    heads = []
    for given in ({}, {"layout": "crm", "bom": False}):
        job = mill.run("/pipelines", {**body, "report": {"formats": ["csv"], **given}})
        heads.append((mill.lake.job_dir(job) / "reports" / "report.csv").read_bytes().partition(b"\n")[0])
        job = mill.run("/jobs/analytics/report", {"formats": ["csv"], **given})
        heads.append((mill.lake.job_dir(job) / "reports" / "report.csv").read_bytes().partition(b"\n")[0])
    assert heads[0] == heads[1] and heads[2] == heads[3]
    assert heads[0].startswith(b"\xef\xbb\xbf") and not heads[2].startswith(b"\xef\xbb\xbf")
    assert heads[0].removeprefix(b"\xef\xbb\xbf") != heads[2]


def test_without_a_mail_server_no_report_is_mailed(mill: Mill) -> None:
    body = {"company_urls": ["a.example"], "report": {"mail_to": ["anna@example.com"]}}
    for path, given, field in (
        ("/pipelines", body, "report.mail_to"),
        ("/schedules", {"name": "n", "cron": "0 6 * * *", "pipeline": body}, "pipeline.report.mail_to"),
        ("/jobs/analytics/report", {"mail_to": ["anna@example.com"]}, "mail_to"),
    ):
        status, answer = mill.post(path, given)
        assert (status, answer["field"]) == (422, field) and "LEADMILL_SMTP_URL" in answer["detail"]


def test_a_report_is_mailed(open_mill: Callable[..., Mill], server: HostileServer) -> None:
    body = {"company_urls": [server.url("plain")], "crawl": ONE_PAGE, "tags": ["Süd"]}
    told = {"formats": ["csv"], "mail_to": ["anna@example.com", "b@example.com"]}
    with mail_server() as box:
        mill = open_mill(
            LEADMILL_SMTP_URL=f"smtp://127.0.0.1:{box.port}?from=a@b.example", LEADMILL_MAIL_FROM="leads@b.example",
            LEADMILL_MAIL_DOMAINS="example.com", LEADMILL_PUBLIC_URL="https://leads.example.com",
        )  # fmt: skip
        status, answer = mill.post("/pipelines", {**body, "report": {"mail_to": ["anna@example.com", "a@else.com"]}})
        assert (status, answer["field"]) == (422, "report.mail_to[1]")
        jobs = [mill.run("/pipelines", {**body, "report": told}), mill.run("/jobs/analytics/report", told)]
        until = time.monotonic() + 20
        while len(box.mails) < 4:
            assert time.monotonic() < until, box
            time.sleep(0.02)
        assert sorted(box.envelopes) == ["anna@example.com", "anna@example.com", "b@example.com", "b@example.com"]
        assert {mail["X-Leadmill-Job"] for mail in box.mails} == set(jobs)
        for mail in box.mails:
            job, texts = mail["X-Leadmill-Job"], {part.get_content_type(): part for part in mail.walk()}
            assert mail["From"] == "Leadmill <leads@b.example>"
            assert "1 lead of 1 company" in mail["Subject"]
            assert f"https://leads.example.com/api/v1/jobs/{job}/report?format=csv" in texts["text/plain"].get_content()
            report = mill.lake.job_dir(job) / "reports" / "report.csv"
            assert texts["text/csv"].get_payload(decode=True) == report.read_bytes()


def test_companies_that_are_only_fetched(mill: Mill, server: HostileServer) -> None:
    urls = [server.url("plain1"), server.url("plain2")]
    job = mill.run("/jobs/scrape/companies", {"company_urls": urls, "crawl": ONE_PAGE})
    assert [row["pages"] for row in mill.rows(job, "scrape")] == [1, 1]


def test_a_bare_csv_takes_the_same_in_its_address(mill: Mill) -> None:
    body = {
        "stages": ["scrape", "process", "enrich", "score", "report"], "tags": ["x", "y"], "priority": "high",
        "min_coverage": 0.5, "run_at": "2036-01-31T08:00:00Z", "deadline": 3_600, "crawl": {"max_pages": 2},
        "extract": {"people": True},
        "report": {"type": "leads", "formats": ["csv"]}, "scoring_model": "b2b-default",
        "icp": {"countries": {"wanted": ["DACH"]}}, "search_queries": ["solar"], "max_results_per_query": 3,
        "company_urls": ["b.example"], "company_ids": [company_id("c.example")],
    }  # fmt: skip
    query = {
        name: ",".join(value) if name in ("stages", "tags") else value[0] if isinstance(value, list)
        else value if isinstance(value, str) else json.dumps(value)
        for name, value in body.items()
    }  # fmt: skip
    csv = {"content": "url\na.example\n", "headers": {"Content-Type": "text/csv"}}
    told = []
    for answer in (
        mill.http.post("/api/v1/pipelines", params=query, **csv),
        mill.http.post("/api/v1/pipelines", params={"options": json.dumps(body)}, **csv),
        mill.http.post("/api/v1/pipelines", json=body),
    ):
        assert answer.status_code == 202, answer.text
        job = answer.json()["job_id"]
        source, spec = mill.store.asked(job)
        record = mill.store.record(job)
        assert record is not None
        told.append((
            {name: value for name, value in source.items() if name != "file"}, spec, record.tags, record.priority,
            record.min_coverage, record.stages, mill.http.get(f"/api/v1/jobs/status/{job}").json()["waiting_for"],
        ))  # fmt: skip
    assert told[0] == told[1] == told[2]


#: What is given beside a company → the field that is refused, and what is said of it.
IDLE = [
    ({"stages": ["process"], "crawl": {"max_pages": 2}}, "crawl", "no stage scrape"),
    ({"stages": ["scrape"], "extract": {"people": True}}, "extract", "no stage process"),
    ({"stages": ["scrape"], "report": {"formats": ["csv"]}}, "report", "no stage report"),
    ({"stages": ["scrape"], "scoring_model": "b2b-default"}, "scoring_model", "no stage score"),
    ({"stages": ["report"], "icp": {"hiring": {"wanted": True}}}, "icp", "no stage score"),
    ({"max_results_per_query": 5}, "max_results_per_query", "no search_queries"),
    ({"column": "Website"}, "column", "an uploaded file"),
    ({"report": {"formats": ["json"], "bom": False}}, "report.bom", "csv alone"),
    ({"report": {"formats": ["json"], "layout": "crm"}}, "report.layout", "csv and xlsx"),
]


def test_what_nothing_would_read_is_refused(mill: Mill) -> None:
    for given, field, said in IDLE:
        body = {"company_urls": ["a.example"], **given}
        status, answer = mill.post("/pipelines", body)
        assert (status, answer["field"]) == (422, field) and said in answer["detail"], answer
        status, answer = mill.post("/schedules", {"name": "weekly", "cron": "0 6 * * 1", "pipeline": body})
        assert (status, answer["field"]) == (422, f"pipeline.{field}") and said in answer["detail"], answer
    status, answer = mill.post("/jobs/analytics/report", {"formats": ["json"], "bom": False})
    assert (status, answer["field"]) == (422, "bom")
    csv = {"content": "url\na.example\n", "headers": {"Content-Type": "text/csv"}}
    bare = mill.http.post("/api/v1/pipelines", params={"stages": "process", "crawl": '{"max_pages": 2}'}, **csv)
    assert (bare.status_code, bare.json()["field"]) == (422, "crawl")


def test_what_was_kept_before_goes_on(mill: Mill, server: HostileServer) -> None:
    """A schedule that 0.2.0 kept, and a rerun that inherits, name what no stage of theirs reads."""
    kept = {
        "kind": "pipeline", "company_urls": [server.url("plain")], "stages": ["scrape"], "max_results_per_query": 20,
        "options": {"report": {"type": "leads", "formats": ["csv"]}, "crawl": {"max_pages": 2}}, "priority": 1,
    }  # fmt: skip
    accepted = submit(mill.store, mill.lake, lambda outs: None, from_body(kept))
    mill.work(accepted.job_id)
    job = mill.submit(f"/pipelines/{accepted.job_id}/rerun?from_stage=process", {})
    assert mill.store.asked(job)[1]["crawl"] == {"max_pages": 2}, "another rerun of it fetches as the first did"
