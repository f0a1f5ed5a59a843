"""Examples of what is asked and told of an installation: projects, keys, notices, audit, health."""

from __future__ import annotations

from typing import Any

from api.examples.names import JOB

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
    "job_id": JOB,
    "title": "Job 'spring' failed: robots.txt forbids …",
    "result": "sent",
    "attempt": 2,
    "held": False,
    "at": "2027-01-31T08:00:07.122Z",
    "error": None,
    "status": 200,
    "took_s": 0.213,
}

#: Name of a schema → an example of it.
EXAMPLES: dict[str, dict[str, Any]] = {
    "QuotasBody": {"live_jobs": 10, "companies_per_day": 5_000, "pages_per_day": None},
    "Statistics": {
        "at": "2027-01-31T08:00:00.000Z",
        "totals": {"jobs": 3, "by_status": {"completed": 2, "failed": 1}, "by_kind": {"pipeline": 3}},
        "durations": {
            "pipeline": {"count": 3, "mean_s": 9.1, "p50_s": None, "p95_s": None, "fastest_s": 6.2, "slowest_s": 12.9}
        },
        "rates": {"success": 0.6667, "failure": 0.3333},
        "queues": {"scraping": {"waiting": 12, "oldest_s": 3.2, "workers": 1, "processes": 4}},
        "workers": [
            {
                "name": "scraping@here",
                "queues": ["scraping"],
                "processes": 4,
                "host": "here",
                "pid": 4021,
                "version": "0.3.0",
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
        "health": {"status": "ok", "checked_at": "2027-01-31T07:30:00+00:00", "job_id": JOB, "findings": []},
    },
    "Project": _PROJECT,
    "ProjectPage": {"items": [_PROJECT], "next_cursor": None},
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
                "id": JOB,
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
