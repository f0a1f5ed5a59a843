"""A field that a body does not have is refused, with the nearest that it has: at any depth, in every form of a body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import V1

URLS = {"company_urls": ["a.example"]}


@pytest.mark.parametrize(
    ("path", "body", "field", "told"),
    [
        ("/pipelines", {"company_url": ["a.example"]}, "company_url", "did you mean 'company_urls'?"),
        ("/pipelines", {**URLS, "crawl": {"max_page": 3}}, "crawl.max_page", "did you mean 'max_pages'?"),
        (
            "/pipelines",
            {**URLS, "report": {"colour": 1}},
            "report.colour",
            "known: bom, formats, layout, mail_to, type",
        ),
        ("/jobs/scrape/companies", {**URLS, "prioritty": "high"}, "prioritty", "did you mean 'priority'?"),
        ("/jobs/analytics/report", {"filter": {"teir": ["A"]}}, "filter.teir", "did you mean 'tier'?"),
        (
            "/schedules",
            {"name": "n", "cron": "0 6 * * *", "pipeline": {**URLS, "report": {"formts": ["csv"]}}},
            "pipeline.report.formts",
            "did you mean 'formats'?",
        ),
    ],
)
def test_the_nearest_field_is_named(client: TestClient, path: str, body: Any, field: str, told: str) -> None:
    answer = client.post(V1 + path, json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": field, "message": f"no such field; {told}"}]


def test_also_beside_a_file(client: TestClient) -> None:
    options = {"options": json.dumps({"tag": ["x"]})}
    answer = client.post(
        f"{V1}/pipelines", data=options, files={"file": ("l.csv", b"website\na.example\n", "text/csv")}
    )
    assert answer.json()["errors"] == [{"field": "tag", "message": "no such field; did you mean 'tags'?"}]
