"""Whoever can write to Redis can write any record. What it asks for is checked where a stage reads it: the job fails
and says why, nothing outside its folder is read, and no other job waits for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from data.jobs import TERMINAL, Grant, HandOut, NewJob
from leadmill.ids import new_job_id
from pipelines.execution import canvas
from pipelines.execution.recovery import Node, Reconciler
from pipelines.intake.submission import Submission
from pipelines.stages import KINDS, partition_stages
from tests.stand_ins.stack import Spine

pytestmark = pytest.mark.timeout(120)

SECRET = "leaked-secret.example"
WRONG = "the job's record is wrong: "
URLS = ["https://a.example/"]

#: Source that is planted → what the job's error says.
SOURCES: list[tuple[Any, str]] = [
    ({"file": "{secret}"}, "file: "),
    ({"file": "../../../../secret.csv"}, "file: "),
    ({"file": ["companies.csv"]}, "file: "),
    ({"file": "companies.csv"}, "input: companies.csv is not in the job's folder"),
    ({"json": "{secret}"}, "json: "),
    ({"json": "../../../../secret.json"}, "json: "),
    ({"json": {"a": 1}}, "json: "),
    ({"json": "input.json"}, "input: input.json is not in the job's folder"),
    ({"company_urls": "https://a.example/"}, "company_urls: "),
    ({"company_urls": [{"a": 1}]}, "company_urls: "),
    ({"company_urls": URLS * 10_001}, "company_urls: "),
    ({"company_ids": ["../../x"]}, "company_ids[0]: "),
    ({"company_ids": {"a": 1}}, "company_ids: "),
    ({"parent": "../../../jobs"}, "parent: "),
    ({"parent": {"a": 1}}, "parent: "),
    ({"search_queries": [["a"]]}, "search_queries: "),
    ({"search_queries": ["a" * 501]}, "search_queries: "),
    ({"search_queries": ["a"], "max_results_per_query": 10**9}, "max_results_per_query: "),
    ({"search_queries": ["a"], "max_results_per_query": "all"}, "max_results_per_query: "),
    (["https://a.example/"], "input: "),
    ("not JSON", "input: "),
]
#: Options that are planted → what the job's error says.
OPTIONS: list[tuple[Any, str]] = [
    ({"crawl": {"max_pages": 10**9}}, "crawl.max_pages: "),
    ({"crawl": {"max_pages": "6"}}, "crawl.max_pages: "),
    ({"crawl": {"max_depth": True}}, "crawl.max_depth: "),
    ({"crawl": {"respect_robots": "no"}}, "crawl.respect_robots: "),
    ({"crawl": {"deadline_s": float("nan")}}, "crawl.deadline_s: "),
    ({"crawl": {"user_agent": "a\r\nX: y"}}, "crawl.user_agent: "),
    ({"crawl": ["max_pages"]}, "crawl: "),
    ({"report": "html"}, "report: "),
    ({"report": {"type": {"a": 1}}}, "report.type: "),
    ({"report": {"formats": "html"}}, "report.formats: "),
    ({"report": {"formats": ["../../evil"]}}, "report.formats: "),
    ({"report": {"formats": ["html", "html"]}}, "report.formats: "),
    ({"report": {"formats": [f"f{n}" for n in range(50)]}}, "report.formats: "),
    ({"scoring_model": "../../rules"}, "scoring_model: "),
    ({"scoring_model": "shops@../../etc"}, "scoring_model: "),
    ({"icp": "../../icp@12345678"}, "icp: "),
    ({"icp": 7}, "icp: "),
    ({"older_than_days": -1}, "older_than_days: "),
    ([], "options: "),
    ("[" * 100_000, "options: "),
]
#: Fields of the record that are planted → what the job's error says.
FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"stages": "evil"}, "stages: "),
    ({"stages": "scrape,evil"}, "stages: "),
    ({"stages": "enrich,scrape"}, "stages: "),
    ({"stages": "launch"}, "stages: "),
    ({"stages": ""}, "stages: "),
    ({"kind": "evil"}, "kind: "),
]


@pytest.fixture(scope="module")
def spine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spine]:
    with Spine(tmp_path_factory.mktemp("hostile"), app="tasks.app") as stack:
        yield stack


def plant(
    spine: Spine,
    source: Any = None,
    options: Any = None,
    fields: dict[str, Any] | None = None,
    kind: str = "pipeline",
) -> tuple[str, list[HandOut]]:
    """A record that no submission would write."""
    job = NewJob(
        new_job_id(),
        kind,
        KINDS[kind].stage_names,
        partition_stages(KINDS[kind].stage_names),
        {},
        {"company_urls": URLS},
    )
    answer = spine.store.submit(job)
    key = spine.store.key(f"doc:{job.job_id}")
    for name, value in (("input", source), ("spec", options)):
        if value is not None:
            spine.store.redis.hset(key, name, value if isinstance(value, str) else json.dumps(value))
    for name, value in (fields or {}).items():
        spine.store.redis.hset(spine.store.key(f"job:{job.job_id}"), name, value)
    return job.job_id, answer.send


def ended(spine: Spine, job_id: str, seconds: float = 60) -> dict[str, str]:
    """The fields of a job's record as they stand in Redis, once it has ended: nobody else would read some of these."""
    redis, key = spine.store.redis, spine.store.key
    until = time.monotonic() + seconds
    while (status := redis.hget(key(f"job:{job_id}"), "status")) not in TERMINAL:
        assert time.monotonic() < until, (status, spine.store.units(job_id), spine.log())
        time.sleep(0.02)
    return {**redis.hgetall(key(f"job:{job_id}")), **redis.hgetall(key(f"doc:{job_id}"))}


def test_each_fails_and_says_why_and_nobody_waits(spine: Spine) -> None:
    secret = spine.folder / "data" / "secret.csv"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text(f"url\nhttps://{SECRET}/\n")
    secret.with_suffix(".json").write_text(json.dumps({"company_urls": [f"https://{SECRET}/"]}))
    planted: dict[str, str] = {}
    outs: list[HandOut] = []
    for source, text in SOURCES:
        told = json.loads(json.dumps(source).replace("{secret}", str(secret)))
        job_id, send = plant(spine, source=told)
        folder = spine.lake.job_dir(job_id) / "input"
        folder.mkdir(parents=True)
        for name in ("companies.csv", "input.json"):
            (folder / name).symlink_to(secret.with_suffix(name[name.index(".") :]))
        planted[job_id] = text
        outs += send
    for options, text in OPTIONS:
        job_id, send = plant(spine, options=options)
        planted[job_id] = text
        outs += send
    for fields, text in FIELDS:
        job_id, send = plant(spine, fields=fields)
        planted[job_id] = text
        outs += send
    canvas.dispatch(spine.celery, outs)
    healthy = spine.submit_job(Submission("health_check"))
    assert spine.wait(healthy, 60) == ["completed"]
    for job_id, text in planted.items():
        record = ended(spine, job_id)
        assert record["status"] == "failed"
        assert record["error"].startswith(WRONG + text), (text, record["error"])
        assert record["category"] == "data"
        assert SECRET not in json.dumps(record)
    for file in (spine.folder / "data" / "jobs").rglob("*"):
        assert not file.is_file() or file.is_symlink() or SECRET.encode() not in file.read_bytes(), file
    assert SECRET not in spine.log(10_000_000)
    retried = [
        job
        for job in planted
        for _, kind, data in spine.store.events(job)
        if kind == "unit" and data["state"] == "waiting"
    ]
    assert retried == [], "another try changes nothing"


@pytest.mark.parametrize(
    ("fields", "text"),
    [({"min": "abc"}, "min"), ({"min": "nan"}, "min"), ({"nc": "1e9"}, "nc"), ({"nc": "-1"}, "nc")],
)
def test_numbers_that_publish_reads(spine: Spine, fields: dict[str, str], text: str) -> None:
    job_id, _ = plant(spine, kind="health_check")
    store = spine.store
    launch = store.begin(job_id, "launch", 0, 0, "by hand")
    assert isinstance(launch, Grant)
    (out,) = store.commit(launch, fields={"close": "publish"}).send
    store.redis.hset(store.key(f"job:{job_id}"), mapping=fields)
    canvas.dispatch(spine.celery, [out])
    record = ended(spine, job_id)
    assert record["status"] == "failed"
    assert text in record["error"]


@pytest.mark.stack
@pytest.mark.parametrize(
    ("chain", "close"),
    [
        ("scrape,../../x", "publish"), ("evil", "publish"), ("score", "publish"), ("scrape,process,enrich", "evil"),
        ("scrape,process,enrich", "score;../../x"), ("scrape,process,enrich", "render:../../../x;publish"),
        ("scrape,process,enrich", "score"), ("scrape,process,enrich", ";;"), ("scrape,process,enrich", "p0;publish"),
        ("scrape,process,enrich", "launch;launch"), ("", "publish"),
    ],
)  # fmt: skip
def test_units_that_no_message_can_be_made_of_end_their_job(tmp_path: Path, chain: str, close: str) -> None:
    """Whatever stages and steps a record names, each job ends, and what is handed out beside it is sent."""
    with Spine(tmp_path, workers=0) as spine:
        store = spine.store
        reconciler = Reconciler(spine.celery, store, spine.lake, Node("by hand", ("scraping",), 1))
        job_id, _ = plant(spine)
        launch = store.begin(job_id, "launch", 0, 0, "by hand")
        assert isinstance(launch, Grant)
        store.redis.hset(store.key(f"job:{job_id}"), "ps", chain)
        outs = store.commit(launch, fields={"pn": 1, "w": 2, "nc": 1, "close": close}).send
        _, neighbour = plant(spine)
        sent: list[HandOut] = [*outs, *neighbour]
        for _ in range(20):
            reconciler.send(sent)
            assert canvas.build(spine.celery, neighbour), "the neighbour's message"
            if spine.status(job_id) in ("failed", "completed"):
                break
            sent = finish_by_hand(spine, job_id)
        assert spine.status(job_id) in ("failed", "completed"), store.units(job_id)


def finish_by_hand(spine: Spine, job_id: str) -> list[HandOut]:
    """Do what is handed out of a job, as workers would, where that can be done at all; what follows from it."""
    out: list[HandOut] = []
    for unit, state in spine.store.units(job_id).items():
        if state["s"] == "h":
            grant = spine.store.begin(job_id, unit, 0, state["k"], "by hand")
            assert isinstance(grant, Grant)
            what = {"status": "completed", "fields": {"coverage": 1}} if unit == "publish" else {}
            out += spine.store.commit(grant, **what).send
    return out


def test_a_schedule_that_names_a_file_copies_none(spine: Spine) -> None:
    from leadmill.errors import InputError
    from pipelines.intake.schedules import from_body

    with pytest.raises(InputError, match="it names a file"):
        from_body({"kind": "pipeline", "priority": 1, "file": "/etc/hostname"})


@pytest.mark.parametrize(
    ("options", "field"), [({"crawl": {"max_pages": 99}}, "crawl.max_pages"), ({"report": 1}, "report")]
)
def test_the_same_rules_hold_where_a_submission_enters(options: dict[str, Any], field: str) -> None:
    from leadmill.errors import InputError

    with pytest.raises(InputError) as caught:
        Submission("pipeline", company_urls=URLS, options=options).check()
    assert caught.value.field == field
