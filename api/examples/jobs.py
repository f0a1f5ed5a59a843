"""Examples of what is asked and told of jobs: what starts one, its state, its errors, its log, schedules."""

from __future__ import annotations

from typing import Any

from api.examples.names import API, JOB

_LINKS = {
    "self": f"{API}/jobs/status/{JOB}",
    "events": f"{API}/jobs/{JOB}/events",
    "errors": f"{API}/jobs/{JOB}/errors",
    "report": f"{API}/jobs/{JOB}/report",
}
_DONE = {"total": 1, "done": 1, "failed": 0}
_TIMES = {"started_at": "2027-01-31T08:00:01.204Z", "finished_at": "2027-01-31T08:00:09.871Z"}


def _stage(name: str, rows_in: int, rows_out: int) -> dict[str, Any]:
    counts = {"rows_in": rows_in, "rows_out": rows_out, "errors": rows_in - rows_out}
    return {"name": name, "status": "completed", "partitions": _DONE, **counts, **_TIMES}


_ENDED = {
    "job_id": JOB,
    "kind": "pipeline",
    "status": "completed",
    "priority": "normal",
    "tags": ["spring"],
    "parent": None,
    "created_at": "2027-01-31T08:00:00.912Z",
    **_TIMES,
    "duration_s": 8.667,
    "progress": {
        "current_step": 5,
        "total_steps": 5,
        "percentage": 100.0,
        "message": "completed",
        "details": {
            "pages": 11,
            "pages_per_second": 1.6,
            "received_bytes": 381_044,
            "answers": {"2xx": 11, "4xx": 4},
            "hosts_waiting": {},
            "partitions": 1,
            "partitions_done": 1,
            "partitions_failed": 0,
        },
    },
    "coverage": 0.5,
    "waiting_for": None,
    "turn": None,
    "stages": [_stage("scrape", 2, 1), *(_stage(name, 1, 1) for name in ("process", "enrich", "score", "report"))],
    "error": None,
    "attempt": 1,
    "result": {
        "companies": 2,
        "good": 1,
        "missing": [
            {
                "category": "data",
                "code": None,
                "error": "robots.txt forbids …",
                "count": 1,
                "example": "www.quiet-archive.example",
            }
        ],
        "formats": ["csv", "html"],
    },
    "links": {**_LINKS, "resume": f"{API}/jobs/{JOB}/resume"},
}
_PIPELINE = {
    "company_urls": ["nordwind-solar.example", "https://donaukraft.example/"],
    "report": {"type": "leads", "formats": ["html", "csv"]},
    "crawl": {"max_pages": 5},
    "tags": ["spring"],
    "priority": "high",
    "min_coverage": 0.8,
    "deadline": 3600,
}
_IDS = {"company_ids": ["comp_0123456789abcdef"]}
_SCHEDULE = {"name": "monday-leads", "cron": "0 6 * * 1", "timezone": "Europe/Berlin"}
_SHOWN = {
    **_SCHEDULE,
    "explanation": "At 06:00 on Monday",
    "paused": False,
    "next_runs": ["2027-02-01T05:00:00+00:00"],
    "next_runs_local": ["2027-02-01T06:00:00+01:00"],
    "last_tick": {"planned": "2027-01-25T05:00:00+00:00", "job_id": JOB},
    "created_at": "2027-01-20T15:12:03.114582+00:00",
    "fault": None,
}
_DEAD = {
    "job_id": JOB,
    "kind": "pipeline",
    "status": "completed",
    "unit": "p3",
    "stage": "process",
    "category": "poison",
    "reason": "killed its process three times",
    "at": "2027-01-31T08:00:07.000Z",
    "links": {**{name: _LINKS[name] for name in ("self", "errors")}, "replay": f"{API}/jobs/{JOB}/replay"},
    "companies": 100,
}

#: Name of a schema → an example of it.
EXAMPLES: dict[str, dict[str, Any]] = {
    "PipelineBody": _PIPELINE,
    "ScrapeBody": {"company_urls": ["polderdata.example"]},
    "ScrapeOneBody": {"company_url": "polderdata.example"},
    "ScrapeBatchBody": {"search_queries": ["solar freiburg"], "max_results_per_query": 20},
    "CompaniesBody": _IDS,
    "ScoreBody": _IDS,
    "AnalysisBody": {"report_type": "quality"},
    "ReportBody": {"report_type": "summary", "formats": ["xlsx"]},
    "ScheduleBody": {**_SCHEDULE, "pipeline": {"search_queries": ["solar freiburg"], "tags": ["weekly"]}},
    "BulkBody": {"action": "cancel", "filter": {"tag": "spring", "status": "pending"}, "dry_run": True},
    "Common": {"tags": ["again"]},
    "RerunBody": {"tags": ["again"]},
    "Accepted": {
        "job_id": JOB,
        "kind": "pipeline",
        "status": "pending",
        "links": {**_LINKS, "cancel": f"{API}/jobs/cancel/{JOB}"},
    },
    "Job": _ENDED,
    "JobPage": {"items": [_ENDED], "next_cursor": None},
    "LogPage": {
        "items": [
            {
                "id": "1801382408871-0",
                "at": "2027-01-31T08:00:08.870Z",
                "level": "warning",
                "event": "companies failed",
                "stage": "scrape",
                "unit": "p2",
                "epoch": 1,
                "attempt": 1,
                "request_id": "crm-4711",
                "trace_id": None,
                "logger": "pipelines.execution.what_failed",
                "exception": None,
                "more": {
                    "companies": 1,
                    "categories": {"network": 1},
                    "examples": ["tideless-systems.example: no answer within 20 s"],
                },
            }
        ],
        "dropped": 0,
        "next_cursor": None,
    },
    "ErrorPage": {
        "items": [
            {
                "company_id": "comp_0123456789abcdef",
                "domain": "www.quiet-archive.example",
                "url": "https://www.quiet-archive.example/",
                "scope": "company",
                "stage": "scrape",
                "category": "data",
                "error": "robots.txt forbids https://www.quiet-archive.example/",
                "status": None,
                "code": None,
                "line": 3,
                "deferred_until": None,
                "at": "2027-01-31T08:00:03.870Z",
            }
        ],
        "next_cursor": None,
    },
    "DeadLetterPage": {"items": [_DEAD], "next_cursor": None},
    "BulkAnswer": {
        "action": "cancel",
        "dry_run": True,
        "matched": 2,
        "done": 1,
        "refused": 1,
        "refused_jobs": [{"job_id": JOB, "status": "completed", "reason": "it is completed already"}],
        "next_cursor": None,
    },
    "Schedule": _SHOWN,
    "SchedulePage": {"items": [_SHOWN], "next_cursor": None},
}
