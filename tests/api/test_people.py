"""GET /people: pages of persons, whatever lies in the parts they are read from."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from data.lake import UnitFiles
from leadmill.ids import company_id, new_job_id
from tests.api.conftest import V1, Worker
from tests.extraction.conftest import NOW

DOMAIN = "acme-tools.com"


def person(number: int) -> dict[str, Any]:
    return {
        "company_id": company_id(DOMAIN), "domain": DOMAIN, "person_id": f"per_{number:020x}",
        "name": f"Anna Berg{number}", "source": f"https://{DOMAIN}/", "page_hash": "0" * 16, "method": "text",
        "confidence": 0.7, "seen_at": NOW,
    }  # fmt: skip


@pytest.fixture
def job(worker: Worker) -> str:
    made = new_job_id()
    UnitFiles(worker.lake, made, "process", "p0", 1).write([person(number) for number in range(3)], "people")
    worker.lake.expose(made, "process", "p0", 1)
    return made


def names(client: TestClient, **params: Any) -> list[str]:
    answer = client.get(f"{V1}/people", params=params)
    assert answer.status_code == 200, answer.text
    return [one["name"] for one in answer.json()["items"]]


def test_pages_follow_each_other_and_no_other_call_s_cursor_is_taken(client: TestClient, job: str) -> None:
    first = client.get(f"{V1}/people", params={"job": job, "limit": 2}).json()
    rest = names(client, job=job, cursor=first["next_cursor"])
    assert [one["name"] for one in first["items"]] + rest == names(client, job=job) == names(client, company=DOMAIN)
    for cursor in ("AAAA", first["next_cursor"] + "x", "WyJhIiwgbnVsbCwgImIiXQ"):
        assert client.get(f"{V1}/people", params={"job": job, "cursor": cursor}).status_code == 422


@pytest.mark.parametrize(
    ("column", "values", "left"),
    [
        ("role", None, 3),  # as a version may write that does not know it
        ("confidence", pa.array(["high"] * 3), 0),
        ("confidence", pa.array([0.5, None, None]), 1),
        ("company_id", pa.array([7] * 3), 0),
        ("email", pa.array([b"\xff\xfe"] * 3), 0),
        ("role_class", pa.array([["owner"]] * 3), 0),
    ],
)
def test_parts_of_other_columns_are_no_error(
    client: TestClient, worker: Worker, job: str, column: str, values: pa.Array | None, left: int
) -> None:
    (file,) = worker.lake.parts(job, "process", "people")
    table = pq.read_table(file, partitioning=None)
    place = table.column_names.index(column)
    pq.write_table(table.remove_column(place) if values is None else table.set_column(place, column, values), file)
    assert len(names(client, job=job)) == len(names(client, company=DOMAIN)) == left
