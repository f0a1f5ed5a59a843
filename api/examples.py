"""An example of each body and each answer, for the OpenAPI document; a test holds them against their schemas."""

from __future__ import annotations

from typing import Any

from api.company_columns import SHORT

_JOB = "job_01m87y64dj5hb5nx2fnv"
_API = "/api/v1"
_LINKS = {
    "self": f"{_API}/jobs/status/{_JOB}",
    "events": f"{_API}/jobs/{_JOB}/events",
    "errors": f"{_API}/jobs/{_JOB}/errors",
    "report": f"{_API}/jobs/{_JOB}/report",
}
_DONE = {"total": 1, "done": 1, "failed": 0}
_TIMES = {"started_at": "2027-01-31T08:00:01.204Z", "finished_at": "2027-01-31T08:00:09.871Z"}


_PROJECT = {
    "name": "acme",
    "quotas": [
        {"name": "live_jobs", "limit": 10, "own": True, "used": 2, "left": 8, "resets_at": None},
        {
            "name": "companies_per_day",
            "limit": 5_000,
            "own": True,
            "used": 812,
            "left": 4_188,
            "resets_at": "2027-02-01T00:00:00+00:00",
        },
    ],
    "removal": None,
}


_BLOCK = {"domain": "acme.example", "reason": "asked us to stop", "since": "2027-01-31T08:00:00Z"}


def _stage(name: str, rows_in: int, rows_out: int) -> dict[str, Any]:
    counts = {"rows_in": rows_in, "rows_out": rows_out, "errors": rows_in - rows_out}
    return {"name": name, "status": "completed", "partitions": _DONE, **counts, **_TIMES}


_ENDED = {
    "job_id": _JOB,
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
    "links": {**_LINKS, "resume": f"{_API}/jobs/{_JOB}/resume"},
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
    "last_tick": {"planned": "2027-01-25T05:00:00+00:00", "job_id": _JOB},
    "created_at": "2027-01-20T15:12:03.114582+00:00",
    "fault": None,
}
_DEAD = {
    "job_id": _JOB,
    "kind": "pipeline",
    "status": "completed",
    "unit": "p3",
    "stage": "process",
    "category": "poison",
    "reason": "killed its process three times",
    "at": "2027-01-31T08:00:07.000Z",
    "links": {**{name: _LINKS[name] for name in ("self", "errors")}, "replay": f"{_API}/jobs/{_JOB}/replay"},
    "companies": 100,
}
_COMPANY = dict.fromkeys([*SHORT, "seen_at"]) | {
    "company_id": "comp_0123456789abcdef",
    "domain": "nordwind-solar.example",
    "url": "https://nordwind-solar.example/",
    "name": "Nordwind Solar",
    "emails": ["info@nordwind-solar.example"],
    "phones": ["+494012345678"],
    "country": "DE",
    "technologies": ["WordPress"],
    "score": 71.5,
    "tier": "A",
    "seen_at": "2027-01-31T08:00:09.512Z",
    "job_id": _JOB,
}

_EVIDENCE = {
    "field": "phone",
    "value": "+494012345678",
    "source": "https://nordwind-solar.example/kontakt",
    "page_hash": "9f2c4e8a1b3d5f70",
    "method": "text",
    "how": "in the text",
    "confidence": 0.9,
    "seen_at": "2027-01-31T08:00:03.120Z",
    "quote": "Telefon: 040 12345678",
    "words": None,
    "line": 17,
    "node": None,
    "place": "line 18 of its text",
    "why": "nothing else was read",
}

#: Name of a schema → an example of it.
_KEY: dict[str, Any] = {
    "id": "k7v2m9qa",
    "name": "crm-import",
    "role": "operator",
    "project": "default",
    "created_at": "2027-01-31T08:00:00+00:00",
    "last_used_at": "2027-01-31T08:04Z",
    "expires_at": None,
    "networks": ["10.1.0.0/16"],
    "revoked_at": None,
}
_CHANNEL = {
    "name": "crm",
    "type": "webhook",
    "service": "webhook",
    "target": "https://crm.example.com/…",
    "secrets": 1,
    "off": None,
    "from_settings": False,
    "made_at": "2027-01-31T08:00:00Z",
}
_RULE = {"kinds": ["job.failed"], "severity": "warning", "tags": ["spring"], "projects": [], "channels": ["crm"]}
_DELIVERY = {
    "id": "ntc_1795784400512-0|default:crm",
    "channel": "crm",
    "notice": "ntc_1795784400512-0",
    "kind": "job.failed",
    "severity": "warning",
    "job_id": _JOB,
    "title": "Job 'spring' failed: robots.txt forbids …",
    "result": "sent",
    "attempt": 2,
    "held": False,
    "at": "2027-01-31T08:00:07.122Z",
    "error": None,
    "status": 200,
    "took_s": 0.213,
}
EXAMPLES: dict[str, dict[str, Any]] = {
    "PipelineBody": _PIPELINE,
    "ScrapeBody": {"company_urls": ["polderdata.example"]},
    "ScrapeOneBody": {"company_url": "polderdata.example"},
    "ScrapeBatchBody": {"search_queries": ["solar freiburg"], "max_results_per_query": 20},
    "CompaniesBody": _IDS,
    "ScoreBody": _IDS,
    "AnalysisBody": {"report_type": "quality"},
    "ReportBody": {"report_type": "summary", "formats": ["xlsx"]},
    "BlockBody": {"reason": "asked us to stop"},
    "QuotasBody": {"live_jobs": 10, "companies_per_day": 5_000, "pages_per_day": None},
    "ScheduleBody": {**_SCHEDULE, "pipeline": {"search_queries": ["solar freiburg"], "tags": ["weekly"]}},
    "BulkBody": {"action": "cancel", "filter": {"tag": "spring", "status": "pending"}, "dry_run": True},
    "Common": {"tags": ["again"]},
    "RerunBody": {"tags": ["again"]},
    "Accepted": {
        "job_id": _JOB,
        "kind": "pipeline",
        "status": "pending",
        "links": {**_LINKS, "cancel": f"{_API}/jobs/cancel/{_JOB}"},
    },
    "Job": _ENDED,
    "JobPage": {"items": [_ENDED], "next_cursor": None},
    "ListPreview": {
        "format": "csv",
        "column": "Company Domain Name",
        "header_line": 1,
        "delimiter": ";",
        "encoding": "utf-8",
        "lines": 5,
        "companies": 3,
        "without_address": 1,
        "refused": 0,
        "repeated": 1,
        "merged": 0,
        "other_columns": ["Record ID"],
        "complete": True,
        "known": 2,
        "newest_known_at": "2026-03-01T12:00:04.512Z",
        "reasons": [{"reason": "no address", "count": 1, "examples": [{"line": 4, "text": ";0018"}]}],
        "first": [
            {
                "line": 2,
                "domain": "nordwind-solar.example",
                "url": "https://nordwind-solar.example/",
                "values": {"Record ID": "0017"},
            }
        ],
    },
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
    "PersonPage": {
        "items": [
            {
                "company_id": "comp_0123456789abcdef",
                "domain": "quiet-archive.example",
                "person_id": "per_0123456789abcdef0123",
                "name": "Anna Schmidt",
                "role": "Head of Sales",
                "role_class": "sales",
                "email": "anna.schmidt@quiet-archive.example",
                "phone": "+493023125431",
                "source": "https://quiet-archive.example/team",
                "page_hash": "0123456789abcdef",
                "method": "text",
                "confidence": 0.75,
                "quote": "Anna Schmidt · Head of Sales",
                "seen_at": "2027-01-31T08:00:03.870Z",
                "job_id": _JOB,
            }
        ],
        "next_cursor": None,
    },
    "LedgerPage": {
        "items": [
            {
                "company_id": "comp_0123456789abcdef",
                "domain": "quiet-archive.example",
                "host": "www.quiet-archive.example",
                "url": "https://www.quiet-archive.example/intern",
                "kind": "other",
                "at": "2027-01-31T08:00:03.870Z",
                "outcome": "refused",
                "status": None,
                "bytes": None,
                "took_ms": None,
                "robots": "Disallow: /intern",
                "reason": "robots.txt forbids /intern",
                "job_id": _JOB,
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
        "refused_jobs": [{"job_id": _JOB, "status": "completed", "reason": "it is completed already"}],
        "next_cursor": None,
    },
    "Statistics": {
        "at": "2027-01-31T08:00:00.000Z",
        "totals": {"jobs": 3, "by_status": {"completed": 2, "failed": 1}, "by_kind": {"pipeline": 3}},
        "durations": {"pipeline": {"count": 3, "mean_s": 9.1, "p50_s": 8.2, "p95_s": 12.9}},
        "rates": {"success": 0.6667, "failure": 0.3333},
        "queues": {"scraping": {"waiting": 12, "oldest_s": 3.2, "workers": 1, "processes": 4}},
        "workers": [
            {
                "name": "scraping@here",
                "queues": ["scraping"],
                "processes": 4,
                "host": "here",
                "pid": 4021,
                "started_at": "2027-01-31T07:00:00.000Z",
                "seen_at": "2027-01-31T08:00:00.000Z",
                "thrown_away": {},
            }
        ],
        "stages": {"scrape": {"begun": 96, "per_minute": 48.0}},
        "unreadable": [],
        "wrong_now": [
            {
                "kind": "beat.gone",
                "since": "2027-01-31T07:58:40.000Z",
                "text": "The scheduler (beat) is gone: schedules wait: not seen for 92 s",
                "remedy": "leadmill beat",
            }
        ],
        "critical_events": [],
        "health": {"status": "ok", "checked_at": "2027-01-31T07:30:00+00:00", "job_id": _JOB, "findings": []},
    },
    "Project": _PROJECT,
    "ProjectPage": {"items": [_PROJECT], "next_cursor": None},
    "Schedule": _SHOWN,
    "SchedulePage": {"items": [_SHOWN], "next_cursor": None},
    "AuditPage": {
        "items": [
            {
                "entry_id": "aud_01kt3hm7xg0000000400",
                "at": "2027-01-31T08:00:00.000Z",
                "key": "k7v2m9qa",
                "name": "crm-import",
                "role": "operator",
                "project": "default",
                "address": "10.1.4.7",
                "method": "POST",
                "route": "/api/v1/pipelines",
                "action": "submit_pipeline",
                "id": _JOB,
                "status": 202,
                "code": None,
                "request_id": "req_6f1d2c3b00000007",
                "count": 1,
            }
        ],
        "next_cursor": None,
    },
    "KeyBody": {"name": "crm-import", "role": "operator", "networks": ["10.1.0.0/16"]},
    "RotateBody": {"grace_s": 3600},
    "Block": _BLOCK,
    "BlockPage": {"items": [_BLOCK], "next_cursor": None},
    "ApiKeyPage": {"items": [_KEY], "next_cursor": None},
    "NewApiKey": {**_KEY, "last_used_at": None, "key": "lm_k7v2m9qa_…"},
    "ChannelBody": {"url": "mailtos://user:password@mail.example.com?from=leads@example.com&to=sales@example.com"},
    "RotateSecretBody": {"grace_s": 86_400},
    "RulesBody": {"rules": [{"kinds": ["job.*"], "severity": "warning", "channels": ["crm"]}]},
    "NoticeChannelPage": {"items": [_CHANNEL], "next_cursor": None},
    "NewNoticeChannel": {**_CHANNEL, "secret": "whsec_…"},
    "NoticeSecret": {"name": "crm", "secret": "whsec_…", "grace_s": 86_400},
    "ChannelTest": {"taken": False, "error": "answered 500"},
    "NoticeDeliveryPage": {"items": [_DELIVERY], "next_cursor": None},
    "NoticeRules": {"rules": [_RULE], "unnamed": ["mail"]},
    "Company": _COMPANY,
    "CompanyPage": {"items": [_COMPANY], "next_cursor": None},
    "CompanyFacets": {"companies": 34, "facets": {"country": [{"value": "DE", "companies": 12}]}},
    "QueryResult": {
        "columns": [{"name": "country", "type": "VARCHAR"}, {"name": "companies", "type": "BIGINT"}],
        "rows": [["DE", 12]],
        "total": 1,
        "total_is_exact": True,
        "took_s": 0.041,
    },
    "Explanation": {
        **{name: _COMPANY[name] for name in ("company_id", "domain", "job_id")},
        "field": "phones",
        "value": ["+494012345678"],
        "state": "found",
        "told": "found on the pages of its site",
        "facts": [_EVIDENCE],
        "candidates": [],
        "pages": [],
        "errors": [],
        "links": {"company": f"{_API}/companies/comp_0123456789abcdef", "job": f"{_API}/jobs/status/{_JOB}"},
    },
    "Health": {
        "status": "ok",
        "redis": "ok",
        "disk": "ok",
        "disk_free_bytes": 81_604_378_624,
        "companies": {"default": {"state": "ready", "companies": 34, "age_seconds": 0.3}},
        "warnings": [],
    },
    "Readiness": {"status": "ready", "workers": 2},
    "Problem": {
        "type": "urn:leadmill:problem:invalid_input",
        "title": "The request is wrong",
        "status": 422,
        "detail": "no query parameter 'teir'; did you mean 'tier'?",
        "code": "invalid_input",
        "request_id": "req_6f1d2c3b00000007",
        "field": "teir",
        "errors": [{"field": "teir", "message": "no query parameter 'teir'; did you mean 'tier'?"}],
    },
}
