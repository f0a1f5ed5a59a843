"""What a real run moves: the figures of the crawl, of stages and of files are those that the job itself tells."""

from __future__ import annotations

import urllib.request

from cli.local_stack.stack import LocalStack
from leadmill import Client
from leadmill.metrics import METRICS, MetricType
from tests.api.metrics.test_scrape import NOT_HERE, families

#: Beside `NOT_HERE`: what a run meets only where something goes wrong. tests/data/jobs/test_metrics.py meets it all.
NOT_WELL = {
    "leadmill_jobs_resumed_total", "leadmill_unit_retries_total", "leadmill_process_deaths_total",
    "leadmill_unit_recovery_seconds", "leadmill_messages_thrown_away", "leadmill_notices_total",
    "leadmill_notice_deliveries_total",
}  # fmt: skip


def counted(stack: LocalStack) -> dict[str, float]:
    """Every counter and histogram, by its name and labels; of a metric that is absent the name alone, as 0."""
    with urllib.request.urlopen(f"{stack.api_url}/metrics") as answer:
        found = families(answer.read().decode())
    counters = {name: metric for name, metric in METRICS.items() if metric.type is not MetricType.GAUGE}
    absent = {name: 0.0 for name in counters if name not in found}
    present = {
        ",".join([one.name, *(one.labels[label] for label in METRICS[name].labels)]): one.value
        for name, family in found.items()
        if name in counters
        for one in family.samples
        if "le" not in one.labels
    }
    return {**absent, **present}


def test_what_a_run_does_is_counted_once(stack: LocalStack) -> None:
    before = counted(stack)
    with Client(stack.api_url) as client:
        urls = ["nordwind-solar.example", "brightforge.example", "nowhere.invalid"]
        ended = client.submit(urls, report={"formats": ["csv"]}).wait(timeout=90)
        job = client.status(ended.id)
    after = counted(stack)
    grown = {name: value - before.get(name, 0) for name, value in after.items() if value > before.get(name, 0)}
    stages = {stage.name: stage for stage in job.stages}
    for name in ("scrape", "process", "enrich", "score"):
        stage = stages[name]
        assert grown[f"leadmill_units_ended_total,default,{name},done,"] == max(1, stage.done)
        assert grown[f"leadmill_rows_total,default,{name},out"] == stage.rows_out
        assert grown[f"leadmill_unit_wait_seconds_count,{_queue(name)},{name}"] == max(1, stage.done)
        assert grown[f"leadmill_unit_duration_seconds_count,{name}"] == max(1, stage.done)
    assert grown["leadmill_jobs_ended_total,default,pipeline,completed,"] == 1
    assert grown["leadmill_jobs_submitted_total,default,pipeline"] == 1
    assert grown["leadmill_crawl_pages_total,default"] >= 2
    answers = sum(n for name, n in grown.items() if name.startswith("leadmill_crawl_requests_total,default,"))
    assert answers > grown["leadmill_crawl_pages_total,default"], "robots.txt was asked for, too"
    assert grown["leadmill_crawl_bytes_total,default"] > 1_000
    assert grown["leadmill_lake_written_parts_total,default,scrape"] >= 2, "rows and pages"
    assert grown["leadmill_lake_written_bytes_total,default,score"] > 1_000
    unmoved = {name for name in METRICS if name in after and after[name] == 0}
    assert unmoved <= NOT_HERE.keys() | NOT_WELL, "declared, and not moved by a run"


def _queue(stage: str) -> str:
    return "scraping" if stage == "scrape" else "processing"
