"""A wrong value of a query parameter: the answer names it as it was written, and says what may be given."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from api.parameters import query_parameters
from api.routing import Route
from tests.api.conftest import V1

pytestmark = pytest.mark.stack

BROWSER = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
WRONG = ("", "-1", "1e9", "nonsense", "x" * 10_001)
#: What pydantic says, and where nobody asks for it in these words.
_OF_PYDANTIC = ("put should", "tring should", "unable to parse", "valid ")


def asked(app: FastAPI) -> list[tuple[str, str]]:
    """Every address that is asked with a query parameter, and that."""
    routes = [context.original_route for context in iter_route_contexts(app.router.routes)]
    return [
        (route.path.format_map(dict.fromkeys(route.param_convertors, "job_00000000000000000000")), name)
        for route in routes
        if isinstance(route, Route) and "GET" in (route.methods or ())
        for name, _ in query_parameters(route.dependant)
    ]


@pytest.mark.parametrize("wrong", WRONG, ids=["empty", "negative", "large", "nonsense", "long"])
def test_each_names_itself_and_says_what_may_be_given(client: TestClient, wrong: str) -> None:
    told: dict[str, str] = {}
    for path, name in asked(client.app):  # type: ignore[arg-type]
        answer = client.get(path, params={name: wrong}, headers={"Accept": "application/json"})
        assert answer.status_code < 500, (path, name, answer.text)
        if "problem+json" in answer.headers["content-type"] and (problem := answer.json()).get("field") == name:
            told[f"{path} {name}"] = problem["detail"]
    assert len(told) > (5 if wrong == "" else 25)
    said_little = {at: text for at, text in told.items() if any(words in text for words in _OF_PYDANTIC)}
    assert not said_little


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"min_score": "150"}, "min_score: give a number from 0 to 100, not '150'"),
        ({"min_score": "much"}, "min_score: give a number from 0 to 100, not 'much'"),
        ({"limit": "0"}, "limit: give a whole number from 1 to 200, not '0'"),
        ({"size": ["1-9", "5"]}, "size: no size '5'; known: 1-9, 10-49, 250+, 50-249"),
        ({"industry": ["retail", ""]}, "industry: give 1 to 100 characters"),
        ({"tag": "x" * 61}, "tag: give 1 to 60 characters"),
    ],
)
def test_a_filter_of_companies(client: TestClient, query: dict[str, Any], told: str) -> None:
    answer = client.get(f"{V1}/companies", params=query)
    name = told.partition(":")[0]
    assert (answer.status_code, answer.json()["field"], answer.json()["detail"]) == (422, name, told)


def test_a_page_calls_it_as_the_address_does(client: TestClient) -> None:
    for path, told in (
        ("/ui/leads?min_score=150", "<code>min_score</code>: give a number from 0 to 100, not &#39;150&#39;"),
        ("/ui/leads?tier=Q", "<code>tier</code>: no tier &#39;Q&#39;; known: A, B, C, D"),
        ("/ui/jobs?since=soon", "<code>since</code>: give a time with its zone, like 2027-01-31T08:00:00Z"),
        ("/ui/leads?job=%3Cb%3E", "<code>job</code>: not the id of a job"),
    ):
        answer = client.get(path, headers=BROWSER)
        assert answer.status_code == 422 and told in answer.text, answer.text
