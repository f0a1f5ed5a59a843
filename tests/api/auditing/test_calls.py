"""What an entry says of a request's address: names, never what a caller may have put there."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from api.app import create_app
from api.auditing.calls import Calls, job_in
from leadmill.settings import Settings

V1 = "/api/v1"
JOB = "job_" + "0" * 20


@pytest.fixture(scope="module")
def calls() -> Calls:
    app: FastAPI = create_app(Settings())
    return Calls(iter_route_contexts(app.routes))


@pytest.mark.parametrize(
    ("method", "path", "action", "route", "named"),
    [
        ("POST", f"{V1}/pipelines", "submit_pipeline", f"{V1}/pipelines", None),
        ("DELETE", f"{V1}/jobs/cancel/{JOB}", "cancel", f"{V1}/jobs/cancel/{{job_id}}", JOB),
        ("POST", f"{V1}/jobs/lm_abcd1234_secret/resume", "resume", f"{V1}/jobs/{{job_id}}/resume", None),
        ("POST", f"{V1}/jobs/scrape/company", "scrape_company", f"{V1}/jobs/scrape/company", None),
        ("POST", f"{V1}/jobs/maintenance/cleanup", "cleanup", f"{V1}/jobs/maintenance/cleanup", None),
        ("DELETE", f"{V1}/schedules/daily", "delete_schedule", f"{V1}/schedules/{{name}}", "daily"),
        ("DELETE", f"{V1}/schedules/a/secret?", "delete_schedule", f"{V1}/schedules/{{name}}", None),
        ("GET", "/metrics", "metrics", "/metrics", None),
        ("POST", f"{V1}/hunter2", "no_such_call", None, None),
        ("PROPFIND", f"{V1}/pipelines", "no_such_call", None, None),
    ],
)
def test_a_request_that_was_refused_before_it_came_to_its_call(
    calls: Calls, method: str, path: str, action: str, route: str | None, named: str | None
) -> None:
    assert calls.of({"method": method, "path": path}) == ((action, route), named)


def test_the_job_that_an_answer_names() -> None:
    assert job_in([(b"content-type", b"x"), (b"location", f"{V1}/jobs/status/{JOB}".encode())]) == JOB
    assert job_in([(b"location", f"{V1}/schedules".encode())]) is None
