"""The OpenAPI document: valid, with an example of every body and answer that its own schema takes."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from api.app import create_app
from api.company_columns import SHORT
from api.examples import EXAMPLES
from data.schemas import STAGE_SCHEMAS
from leadmill.answers import Company
from leadmill.settings import Settings

DOCUMENT = create_app(Settings()).openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]


def contents() -> list[Any]:
    """The JSON of every body, and of every answer that is no error."""
    found = []
    for calls in DOCUMENT["paths"].values():
        for call in calls.values():
            answers = [answer for status, answer in call["responses"].items() if status < "400"]
            for holder in [call.get("requestBody", {}), *answers]:
                found += [c["schema"] for media, c in holder.get("content", {}).items() if media == "application/json"]
    return found


def test_every_body_and_answer_has_a_form_and_an_example() -> None:
    named = set()
    for schema in contents():
        for one in schema.get("anyOf", [schema]):
            if one not in ({"type": "null"}, {}):  # a report as JSON holds whatever its rows do
                named.add(one["$ref"].rpartition("/")[2])
    assert named - {"CompanyDetail"} <= EXAMPLES.keys(), "add an example to api/examples/"
    assert EXAMPLES.keys() <= SCHEMAS.keys()


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples_are_what_their_schemas_say(name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    jsonschema_rs.Draft202012Validator(schema).validate(EXAMPLES[name])


def test_every_error_is_a_problem() -> None:
    for path, calls in DOCUMENT["paths"].items():
        for method, call in calls.items():
            for status, answer in call["responses"].items():
                if status >= "400" and method != "head":
                    named = answer.get("$ref", "").rpartition("/")[2]
                    found = DOCUMENT["components"]["responses"][named] if named else answer
                    assert "application/problem+json" in found["content"], (method, path, status)


def test_fields_are_described_where_the_code_does() -> None:
    assert SCHEMAS["Job"]["properties"]["waiting_for"]["description"] == "Why it stands still, in words."
    assert SCHEMAS["DeadLetter"]["properties"]["unit"]["description"], "of a class that another one extends, too"


def test_companies_have_the_columns_of_the_lake() -> None:
    assert set(Company.__annotations__) == {*SHORT, "seen_at"}
    of_one = SCHEMAS["CompanyDetail"]["properties"]
    for name, field in SCHEMAS["Company"]["properties"].items():
        assert field | {"description": ""} == of_one[name] | {"description": ""}, "its type is the column's"
    assert set(of_one) == {*STAGE_SCHEMAS["score"].names, "seen_at", "history"} - {"input"}
