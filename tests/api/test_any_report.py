"""The report of an ended job in a form that it did not write: at once, by a job, and when its rows are gone."""

from __future__ import annotations

import csv
import io
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from data import history, keys
from data.jobs import JobRecord, JobStore
from data.lake import Lake, UnitFiles
from pipelines.intake.report_on_demand import FOLDER
from reports import layout_choice
from reports.formats import FORMATS
from tests.api.conftest import V1, Worker, post
from tests.plans import write_plan

GOOD = {"score": 50.0, "tier": "B"}


@pytest.fixture
def job(client: TestClient, worker: Worker) -> str:
    """An ended job of three companies that wrote an HTML report alone; one has no row."""
    job_id = str(post(client, body={"company_urls": ["a.example"], "report": {"formats": ["html"]}})["job_id"])
    worker.finish(job_id)
    worker.rows(job_id, "score", ["a.example", "b.example"], **GOOD)
    return job_id


def get(client: TestClient, job_id: str, **params: Any) -> Any:
    return client.get(f"{V1}/jobs/{job_id}/report", params=params)


def domains(text: str) -> list[str]:
    return sorted(row["domain"] for row in csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))


def kept(lake: Lake, job_id: str) -> list[str]:
    return [name for name in lake.storage.names(lake.job_dir(job_id) / "reports" / FOLDER) if name[0] != "."]


def test_another_form_is_rendered_once_and_kept(client: TestClient, lake: Lake, job: str) -> None:
    answer = get(client, job, format="csv")
    assert answer.status_code == 200 and domains(answer.text) == ["a.example", "b.example"]
    assert answer.headers["content-disposition"] == f'attachment; filename="leadmill-{job}.csv"'
    again = get(client, job, format="csv")
    assert again.headers["etag"] == answer.headers["etag"] and len(kept(lake, job)) == 1
    other = get(client, job, format="csv", type="leads", layout="crm", bom="false")
    assert other.status_code == 200 and other.headers["etag"] != answer.headers["etag"]
    assert answer.content[:3] == b"\xef\xbb\xbf" and other.content[:3] != b"\xef\xbb\xbf"
    assert "leads-crm" in other.headers["content-disposition"] and len(kept(lake, job)) == 2
    assert [get(client, job, format=name).status_code for name in FORMATS.names] == [200] * len(FORMATS.names)


def test_it_is_made_also_when_the_units_have_left_redis(client: TestClient, store: JobStore, job: str) -> None:
    """Within an hour of the end; of this job there is no manifest either."""
    store.redis.delete(store.key(keys.units(job)))
    assert domains(get(client, job, format="csv").text) == ["a.example", "b.example"]


def test_a_caller_that_has_it_gets_304(client: TestClient, job: str) -> None:
    tag = get(client, job, format="json").headers["etag"]
    url = f"{V1}/jobs/{job}/report?format=json"
    for told in (tag, f'"other", W/{tag}', "*"):
        answer = client.get(url, headers={"If-None-Match": told})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_title_of_the_job_is_in_the_name(client: TestClient, worker: Worker) -> None:
    job_id = post(client, body={"company_urls": ["a.example"], "tags": ['Messe: "München" 2027/1', "x"]})["job_id"]
    worker.finish(job_id)
    worker.rows(job_id, "score", ["a.example"], **GOOD)
    told = get(client, job_id, format="csv", type="quality").headers["content-disposition"]
    assert told == f"attachment; filename*=utf-8''leadmill-Messe-M%C3%BCnchen-2027-1-quality-{job_id}.csv"


def test_many_who_ask_at_once_get_one_rendering(client: TestClient, lake: Lake, job: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: get(client, job, format="xlsx"), range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["etag"] for answer in answers}) == 1, "a second rendering would have another time"
    assert len(kept(lake, job)) == 1


def test_what_a_killed_process_had_rendered_is_removed(
    client: TestClient, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, age_s in (("leadmill-report-lost", 7_200), ("leadmill-report-now", 0), ("another-program", 7_200)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.csv").write_text("half")
        os.utime(tmp_path / name, (time.time() - age_s,) * 2)
    assert get(client, job, format="csv").status_code == 200
    left = {
        name
        for name in ("leadmill-report-lost", "leadmill-report-now", "another-program")
        if (tmp_path / name).exists()
    }
    assert left == {"leadmill-report-now", "another-program"}


def test_new_rows_make_it_stale(client: TestClient, lake: Lake, job: str) -> None:
    before = get(client, job, format="csv")
    files = UnitFiles(lake, job, "score", "p0", 2)
    files.write([{"company_id": "comp_" + "0" * 16, "domain": "new.example", "scored_at": datetime.now(UTC), **GOOD}])
    lake.expose(job, "score", "p0", 2)
    after = get(client, job, format="csv")
    assert domains(after.text) == ["new.example"] and after.headers["etag"] != before.headers["etag"]
    assert len(kept(lake, job)) == 1, "the stale one is removed"


def test_another_text_of_a_layout_makes_it_stale(
    client: TestClient, lake: Lake, job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "layouts"
    folder.mkdir()
    monkeypatch.setattr(layout_choice, "_own_files", lambda: {file.stem: file for file in folder.iterdir()})
    for header in ("Site", "Host"):
        (folder / "ours.toml").write_text(f'[columns]\n{header} = "domain"\n')
        assert get(client, job, format="csv", layout="ours").text.lstrip("\ufeff").startswith(header)
    assert len(kept(lake, job)) == 1, "the stale one is removed"
    (folder / "ours.toml").write_text("[columns\nbroken")
    for wrong in (get(client, job, format="csv", layout="ours"), client.get(f"{V1}/companies.csv?layout=ours")):
        assert (wrong.status_code, wrong.json()["field"]) == (422, "layout"), "as at a submit"
        assert "layout ours.toml: cannot be read" in wrong.json()["detail"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"format": "xslx"}, "did you mean 'xlsx'?"),
        ({"type": "lead"}, "did you mean 'leads'?"),
        ({"format": "csv", "layout": "hubspott"}, "did you mean 'hubspot'?"),
        ({"format": "json", "layout": "crm"}, "csv and xlsx"),
    ],
)
def test_a_wrong_form_is_refused(client: TestClient, job: str, wrong: dict[str, str], told: str) -> None:
    answer = get(client, job, **wrong)
    assert answer.status_code == 422 and told in answer.json()["detail"], answer.text
    assert answer.json()["field"] == list(wrong)[-1]


# ---- by a job ---------------------------------------------------------------------------------------


@pytest.fixture
def large(client: TestClient, worker: Worker) -> str:
    """An ended job of more rows than a workbook is made of within a request."""
    job_id = str(post(client, body={"company_urls": ["a.example"], "tags": ["fair"]})["job_id"])
    worker.finish(job_id)
    rows = FORMATS.load("xlsx").rows_at_once + 1
    worker.rows(job_id, "score", [f"c{i}.example" for i in range(rows)], **GOOD)
    return job_id


def test_a_large_one_is_made_by_one_job_and_then_served(
    client: TestClient, worker: Worker, store: JobStore, lake: Lake, large: str
) -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: get(client, large, format="xlsx", type="leads"), range(6)))
    assert [answer.status_code for answer in answers] == [202] * 6
    [child] = {answer.json()["job_id"] for answer in answers}
    assert answers[0].headers["location"] == f"{V1}/jobs/status/{child}" and answers[0].headers["retry-after"]
    record = store.record(child)
    assert record and (record.kind, record.parent, list(record.tags)) == ("report", large, ["fair"])
    assert store.asked(child)[1]["report"]["formats"] == ["xlsx"]
    worker.finish(child)
    written = Path(lake.job_dir(child) / "reports" / "report.xlsx")
    written.parent.mkdir(parents=True)
    written.write_bytes(b"made")
    done = get(client, large, format="xlsx", type="leads")
    assert (done.status_code, done.content) == (200, b"made")
    assert f"leadmill-fair-leads-{large}.xlsx" in done.headers["content-disposition"]
    assert get(client, large, format="parquet").status_code == 200, "another format may be small"


def test_a_job_that_ended_without_it_is_told_and_asking_again_makes_another(
    client: TestClient, worker: Worker, large: str
) -> None:
    child = get(client, large, format="xlsx").json()["job_id"]
    client.delete(f"{V1}/jobs/cancel/{child}")
    answer = get(client, large, format="xlsx")
    assert answer.status_code == 409 and child in answer.json()["detail"] and "cancelled" in answer.json()["detail"]
    again = get(client, large, format="xlsx")
    assert again.status_code == 202 and again.json()["job_id"] != child


def test_a_report_over_the_lake_is_made_again_by_a_job(client: TestClient, worker: Worker, lake: Lake) -> None:
    job_id = post(client, "/jobs/analytics/report", {"formats": ["csv"]})["job_id"]
    worker.finish(job_id)
    write_plan(
        UnitFiles(lake, job_id, "launch", "launch", 1),
        [{"company_id": "comp_" + "0" * 16, "domain": "a.example", "bare": False}],
    )
    lake.expose(job_id, "launch", "launch", 1)
    assert get(client, job_id, format="html").status_code == 202


# ---- nothing to make it of ----------------------------------------------------------------------------


def test_after_cleanup_what_is_left_is_served_and_the_rest_is_gone(
    client: TestClient, store: JobStore, lake: Lake, job: str
) -> None:
    written = lake.job_dir(job) / "reports" / "report.html"
    written.parent.mkdir(exist_ok=True)
    written.write_bytes(b"<p>hi")
    get(client, job, format="csv", type="leads")
    [record] = [record for record in store.records([job]) if isinstance(record, JobRecord)]
    history.append(lake, [record], datetime.now(UTC))
    store.forget(job)
    lake.drop_job_data(job)
    assert get(client, job).content == b"<p>hi"
    assert domains(get(client, job, format="csv", type="leads").text) == ["a.example", "b.example"]
    gone = get(client, job, format="xlsx")
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    url = f"{V1}/jobs/{job}/report?format="
    assert gone.json()["available"] == [f"{url}html", f"{url}csv&type=leads&layout=full"]
    assert [client.get(left).status_code for left in gone.json()["available"]] == [200, 200]


def test_a_job_without_scored_rows_says_so(client: TestClient, worker: Worker) -> None:
    job_id = post(client, "/jobs/scrape/companies", {"company_urls": ["a.example"]})["job_id"]
    worker.finish(job_id)
    answer = get(client, job_id)
    assert answer.status_code == 404 and "no scored rows" in answer.json()["detail"]
