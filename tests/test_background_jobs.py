"""One test for each kind of job and each of Celery's own commands, on the real stack, through the REST API."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.local_stack.stack import LocalStack
from data.lake import Lake
from leadmill import Client, Job
from leadmill.client.errors import ApiError
from leadmill.ids import company_id
from tests.pipelines.notices.receivers import receiver
from tests.valkey import free_port

PATIENCE_S = 90
#: Sample companies whose sites answer quickly, one that forbids robots, one that is down.
GOOD = ("nordwind-solar.example", "donaukraft.example", "polderdata.example")
FORBIDDEN = "quiet-archive.example"
DOWN = "tideless-systems.example"
IDS = [company_id(domain) for domain in GOOD]


def completed(job: Job, kind: str) -> Job:
    """The job ended well and is what was asked for."""
    assert (job.kind, job.status) == (kind, "completed"), job.raw
    assert job.progress.percentage == 100
    assert all(stage.status == "completed" for stage in job.stages), job.stages
    assert job.finished_at is not None
    return job


def rows(stack: LocalStack, job: Job, stage: str) -> dict[str, dict[str, Any]]:
    """The job's rows of a stage by domain."""
    lake = Lake(stack.data_dir)
    found = list(lake.iter_rows(lake.parts(job.id, stage)))
    assert len({row["company_id"] for row in found}) == len(found), "a company has one row"
    return {row["domain"]: row for row in found}


@pytest.fixture(scope="module")
def leads(client: Client) -> Job:
    """A finished pipeline over the good companies, for the kinds that read what is in the lake."""
    return completed(client.submit(GOOD, tags=["for-others"]).wait(PATIENCE_S), "pipeline")


def test_scraping_task(client: Client, stack: LocalStack) -> None:
    job = client.scrape_companies([*GOOD, f"www.{FORBIDDEN}", DOWN]).wait(PATIENCE_S)
    completed(job, "scrape")
    assert job.coverage == pytest.approx(3 / 5)
    found = rows(stack, job, "scrape")
    assert set(found) == set(GOOD)
    assert all(row["pages"] >= 2 for row in found.values())
    lake = Lake(stack.data_dir)
    pages = lake.table_of(job.id, "scrape", "pages").to_pylist()
    assert {page["domain"] for page in pages} == set(GOOD)
    assert all(page["html"] for page in pages)
    failed = {row["domain"]: row for row in client.errors(job.id) if row["scope"] == "company"}
    assert {domain: row["category"] for domain, row in failed.items()} == {FORBIDDEN: "data", DOWN: "network"}
    assert "robots" in failed[FORBIDDEN]["error"]


def test_scraping_one_company(client: Client, stack: LocalStack) -> None:
    job = completed(client.scrape_company(GOOD[0]).wait(PATIENCE_S), "scrape")
    assert set(rows(stack, job, "scrape")) == {GOOD[0]}


def test_search_task(client: Client, stack: LocalStack) -> None:
    job = completed(client.scrape_batch(["energy"], max_results_per_query=5).wait(PATIENCE_S), "scrape")
    assert set(rows(stack, job, "scrape")) == {"nordwind-solar.example", "donaukraft.example"}
    with receiver() as web:
        client.put_channel("night-watch", web.url("/good"))
        handle = client.scrape_batch(["zeppelins"])
        nothing = handle.wait(PATIENCE_S)
        until = time.monotonic() + PATIENCE_S
        while not (heard := [json.loads(got.body) for got in web.got if handle.id.encode() in got.body]):
            assert time.monotonic() < until, "somebody hears of it"
            time.sleep(0.02)
        client.delete_channel("night-watch")
    assert nothing.status == "failed" and heard[0]["type"] == "job.failed"
    assert nothing.error is not None and "LEADMILL_SEARCH_PROVIDER" in nothing.error["message"]


def test_process_task(client: Client, stack: LocalStack, leads: Job) -> None:
    job = completed(client.process([*IDS, company_id("unheard-of.example")]).wait(PATIENCE_S), "process")
    assert job.coverage == pytest.approx(3 / 4)
    found = rows(stack, job, "process")
    assert set(found) == set(GOOD)
    assert all(row["name"] and row["processed_at"] for row in found.values())


def test_enrich_task(client: Client, stack: LocalStack, leads: Job) -> None:
    job = completed(client.enrich(IDS).wait(PATIENCE_S), "enrich")
    found = rows(stack, job, "enrich")
    assert set(found) == set(GOOD)
    assert all(row["country"] and row["enriched_at"] for row in found.values())
    assert all(row["technologies"] for row in found.values()), "read from the pages of the job that fetched them"


def test_score_task(client: Client, stack: LocalStack, leads: Job) -> None:
    job = completed(client.score(IDS).wait(PATIENCE_S), "score")
    found = rows(stack, job, "score")
    assert set(found) == set(GOOD)
    for row in found.values():
        assert 0 < row["score"] <= 100
        assert row["tier"] in "ABCD"
        assert row["contributions"]


def test_leads_are_ranked_by_how_well_they_fit(
    client: Client, stack: LocalStack, leads: Job, stack_env: dict[str, str], tmp_path: Path
) -> None:
    icp = {"name": "solar", "countries": {"wanted": ["DACH"], "must": True}, "words": {"wanted": ["solar*"]}}
    handle = client.rerun(leads.id, "score", icp=icp)
    found = rows(stack, completed(handle.wait(PATIENCE_S), "pipeline"), "score")
    told = {domain: (row["fit"], row["tier"], row["score"] == row["fit"]) for domain, row in found.items()}
    solar, hydro, elsewhere = GOOD
    assert told == {solar: (100, "A", True), hydro: (50, "B", True), elsewhere: (0, "D", True)}
    assert found[solar]["reach"] > 0 and found[elsewhere]["reach"] is None, "nobody is to reach whom it excludes"
    assert all(row["model_version"].startswith("icp:solar-") for row in found.values())
    with handle.report("csv", tmp_path).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["domain"] for line in lines] == [solar, hydro, elsewhere]
    assert "in DACH, as wanted" in lines[0]["contributions"] and "says “solar*”, as wanted" in lines[0]["contributions"]
    assert "outside DACH: excluded" in lines[2]["contributions"]
    by_command = subprocess.run(
        [sys.executable, "-m", "cli.main", "score", IDS[0], "--icp", "hiring.toml", "--json"],
        cwd=tmp_path, env=stack_env, capture_output=True, text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip
    assert by_command.returncode == 2 and "hiring.toml: cannot be read" in by_command.stderr
    (tmp_path / "hiring.toml").write_text("[hiring]\nwanted = true\n")
    by_command = subprocess.run(
        by_command.args, cwd=tmp_path, env=stack_env, capture_output=True, text=True, check=True
    )
    job = client.job(json.loads(by_command.stdout)["job_id"]).wait(PATIENCE_S)
    assert rows(stack, job, "score")[solar]["model_version"].startswith("icp:hiring-")


def test_report_task(client: Client, leads: Job, tmp_path: Path) -> None:
    handle = client.report(IDS, report_type="leads")
    completed(handle.wait(PATIENCE_S), "report")
    html = handle.report("html", tmp_path).read_text()
    lines = handle.report("csv", tmp_path).read_text().splitlines()
    assert all(domain in html for domain in GOOD)
    assert len(lines) == 1 + len(GOOD)


def test_analyze_task(client: Client, leads: Job) -> None:
    job = completed(client.analyze(IDS).wait(PATIENCE_S), "analyze")
    assert job.result["companies"] == len(GOOD)
    assert job.result["analysis"]


def test_pipeline_task(client: Client, stack: LocalStack, tmp_path: Path) -> None:
    handle = client.submit([*GOOD, DOWN], report={"formats": ["html", "csv"]}, priority="high", tags=["all-stages"])
    job = completed(handle.wait(PATIENCE_S), "pipeline")
    assert [stage.name for stage in job.stages] == ["scrape", "process", "enrich", "score", "report"]
    assert job.result["formats"] == ["csv", "html"]
    found = rows(stack, job, "score")
    assert set(found) == {*GOOD, DOWN}, "each company has a row, failed ones too"
    assert found[DOWN]["error_category"] == "network"
    assert all(found[domain]["error"] is None for domain in GOOD)
    page = handle.report("html", tmp_path).read_text()
    assert job.created_at is not None
    assert f"Submitted {job.created_at.day} {job.created_at:%B %Y, %H:%M} UTC" in page
    assert "<h1><bdi>all-stages</bdi></h1>" in page, "the job's tag is the page's title"
    assert [listed.id for listed in client.list_jobs(tag="all-stages")] == [job.id]
    named = {company["domain"] for company in client.companies()}
    assert named >= set(GOOD)


def test_resumed_task(client: Client) -> None:
    handle = client.scrape_companies([GOOD[0], DOWN])
    assert handle.wait(PATIENCE_S).coverage == 0.5
    handle.resume()
    job = handle.wait(PATIENCE_S)
    assert (job.status, job.attempt, job.coverage) == ("completed", 2, 0.5)


def test_cancelled_task(client: Client, stack: LocalStack, tmp_path: Path) -> None:
    # A site that takes half a second for each answer keeps the job busy until it is cancelled.
    handle = client.submit(["oranmore-analytics.example"])
    until = time.monotonic() + 30
    while handle.status().status == "pending":
        assert time.monotonic() < until
        time.sleep(0.02)
    handle.cancel()
    job = handle.wait(5)
    assert job.status == "cancelled", job.raw
    time.sleep(2)
    assert handle.status().raw == job.raw, "nothing moves 2 s after a cancel"
    with pytest.raises(ApiError) as refused:
        handle.report("html", tmp_path)
    assert refused.value.status == 409


def test_cleanup_task(client: Client, stack: LocalStack, leads: Job) -> None:
    job = completed(client.cleanup(older_than_days=30).wait(PATIENCE_S), "cleanup")
    assert job.result, "says what it removed"
    assert Lake(stack.data_dir).parts(leads.id, "score"), "nothing here is so old"


def test_health_check_task(client: Client) -> None:
    job = completed(client.health_check().wait(PATIENCE_S), "health_check")
    assert job.result


def test_optimize_db_task(client: Client, leads: Job) -> None:
    job = completed(client.optimize_db().wait(PATIENCE_S), "optimize_db")
    assert job.result
    assert {company["domain"] for company in client.companies()} >= set(GOOD), "the newest rows are still found"


def test_statistics_count_the_jobs(client: Client, leads: Job) -> None:
    figures = client.statistics()
    assert figures["totals"]["by_kind"]["pipeline"] >= 1
    assert figures["totals"]["by_status"]["completed"] >= 1
    assert set(figures["queues"]) == {"scraping", "processing", "analytics", "maintenance"}
    assert len(figures["workers"]) == 2


Celery = Callable[..., Any]


@pytest.fixture(scope="module")
def celery(stack_env: dict[str, str], root: Path) -> Celery:
    """`celery -A tasks.app …` as a user types it; its JSON answer."""

    def run(*arguments: str) -> Any:
        command = [sys.executable, "-m", "celery", "-A", "tasks.app", *arguments, "--json", "--timeout", "4"]
        done = subprocess.run(command, env=stack_env, cwd=root, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    return run


def test_inspect_ping(celery: Celery) -> None:
    assert list(celery("inspect", "ping").values()) == [{"ok": "pong"}] * 2


def test_inspect_active(celery: Celery) -> None:
    assert all(isinstance(tasks, list) for tasks in celery("inspect", "active").values())


def test_inspect_stats(celery: Celery, leads: Job) -> None:
    stats = celery("inspect", "stats")
    assert {about["pool"]["max-concurrency"] for about in stats.values()} == {2}
    ran: dict[str, int] = {}
    for about in stats.values():
        ran |= about["total"]
    assert {"leadmill.scrape", "leadmill.process", "leadmill.enrich", "leadmill.score", "leadmill.report"} <= set(ran)


def test_inspect_active_queues(celery: Celery) -> None:
    queues = sorted(sorted(queue["name"] for queue in found) for found in celery("inspect", "active_queues").values())
    assert queues == [["analytics", "maintenance", "processing"], ["scraping"]]


@pytest.mark.timeout(240)
def test_flower_lists_workers_and_a_finished_task(
    client: Client, stack: LocalStack, stack_env: dict[str, str], root: Path, tmp_path: Path
) -> None:
    port = free_port()
    env = {**stack_env, "FLOWER_BASIC_AUTH": "user:secret", "FLOWER_PORT": str(port), "FLOWER_ADDRESS": "127.0.0.1"}
    command = [sys.executable, "-m", "celery", "-A", "tasks.app", "flower", "--inspect-timeout=5000"]
    log = tmp_path / "flower.log"
    with log.open("wb") as output:
        flower = subprocess.Popen(command, env=env, cwd=root, stdout=output, stderr=output)
    try:
        workers = _eventually(lambda: _flower(port, "/api/workers?refresh=1"), lambda found: len(found) == 2, log)
        assert all("active_queues" in about for about in workers.values())
        client.health_check().wait(PATIENCE_S)
        tasks = _eventually(
            lambda: _flower(port, "/api/tasks?state=SUCCESS"),
            lambda found: "leadmill.health_check" in {task["name"] for task in found.values()},
            log,
        )
        assert all(task["worker"] in workers for task in tasks.values())
    finally:
        flower.terminate()
        flower.wait(20)


def _flower(port: int, path: str) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    request.add_header("Authorization", "Basic " + b64encode(b"user:secret").decode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=15) as answer:
            return json.load(answer)
    except OSError:  # not up yet
        return {}


def _eventually(ask: Callable[[], Any], good: Callable[[Any], bool], log: Path, patience_s: float = PATIENCE_S) -> Any:
    until = time.monotonic() + patience_s
    while not good(found := ask()):
        assert time.monotonic() < until, f"{str(found)[:1_000]}\n{log.read_text()[-3_000:]}"
        time.sleep(0.3)
    return found
