"""`leadmill projects remove` as a person meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

V1 = "/api/v1"
Run = Callable[..., Any]


def test_a_project_is_removed(leadmill: Run, api: Any, at: Any, answer: Any, a_job: Any) -> None:
    detail = "the project acme still has 1 API key: end them first, or confirm by its name (confirm=acme)"
    problem = {"type": "about:blank", "title": "x", "status": 409, "code": "conflict", "detail": detail}
    path = f"{V1}/projects/acme"
    api.on("DELETE", path, answer(problem, 409), answer({"job_id": "job_1"}, 202))
    result = {"projects": [{"name": "acme", "jobs_cancelled": 1}]}
    api.on("GET", f"{V1}/jobs/status/job_1", answer(a_job(status="completed", result=result, kind="remove_project")))
    refused = leadmill("projects", "remove", "acme", env=at(api.url))
    assert refused.code == 2 and "still has 1 API key" in refused.err and refused.out == ""
    ended = leadmill("projects", "remove", "acme", "--confirm", "acme", env=at(api.url))
    assert ended.code == 0 and json.loads(ended.out) == result
    assert [asked.query for asked in api.asked("DELETE", path)] == [{}, {"confirm": "acme"}]


def test_a_project_that_is_being_removed_says_so(leadmill: Run, api: Any, at: Any, answer: Any) -> None:
    def project(job: str | None) -> dict[str, Any]:
        return {"name": "acme", "quotas": [], "removal": {"since": "2027-01-31T08:00:00+00:00", "job_id": job}}

    for job, told in ((None, "(go on: leadmill projects remove acme)"), ("job_1", "(job_1)")):
        api.on("GET", f"{V1}/projects", answer({"items": [project(job)], "next_cursor": None}))
        assert told in leadmill("projects", "list", env=at(api.url)).err
