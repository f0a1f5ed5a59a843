"""A line for each request: which call, how it was answered, for whom; nothing of what a caller put into it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from leadmill import log
from leadmill.log import ACCESS_FIELDS, FIELDS
from leadmill.settings import Settings
from tests.api.conftest import V1


@pytest.fixture(autouse=True)
def own_logging(settings: Settings) -> Iterator[None]:
    yield
    log.configure(settings)


def requests_told(text: str) -> list[dict[str, Any]]:
    return [line for line in map(json.loads, text.splitlines()) if line["logger"] == log.ACCESS]


def test_each_request_is_one_line(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    in_json = settings.model_copy(update={"log_format": "json"})
    with TestClient(create_app(in_json), "http://localhost") as machine:
        made = machine.post(f"{V1}/pipelines", json={"company_urls": ["a.example"]}, headers={"X-Request-ID": "mine-1"})
        job = made.json()["job_id"]
        machine.get(
            f"{V1}/jobs/status/{job}?%0asecret=s3cret&secret=s3cret", headers={"X-API-Key": "lm_aaaaaaaa_s3cret"}
        )
        machine.get("/s3cret?x=s3cret", headers={"X-Request-ID": "not one\x07"})
        machine.get("/healthz")
    told = capsys.readouterr().err
    first, second, third = requests_told(told)
    wanted = {"method": "POST", "route": f"{V1}/pipelines", "status": 202, "job": job, "request_id": "mine-1"}
    assert first.items() >= wanted.items() and first["ms"] > 0 and first["level"] == "info"
    assert (second["route"], second["job"]) == (f"{V1}/jobs/status/{{job_id}}", job)
    assert second["parameters"] == "\nsecret,secret" and second["status"] in (401, 422)
    assert (third["status"], third.get("route"), third["parameters"]) == (404, None, "x")
    assert third["request_id"].startswith("req_") and "s3cret" not in told
    assert all(set(line) <= {*FIELDS, *ACCESS_FIELDS} for line in (first, second, third))


def test_people_are_not_told_of_each_request(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    client.get(f"{V1}/jobs/list")
    assert log.ACCESS not in capsys.readouterr().err and not logging.getLogger(log.ACCESS).isEnabledFor(logging.INFO)
