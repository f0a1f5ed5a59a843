"""GET /companies/{id}/explain and `leadmill explain`: a field of a row that was read from stored pages."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.explanation import columns
from cli.explanation_card import explanation_card
from data.lake import UnitFiles
from data.schemas import STAGE_SCHEMAS
from extraction.enrich import enrich_rows
from extraction.process import process_pages
from leadmill.ids import company_id
from tests.api.conftest import V1, Worker, post
from tests.extraction.conftest import NOW, make_company, make_page
from tests.plans import write_plan

DOMAIN = "korbwerk.de"
HOME = """<html lang=de><title>Korbwerk</title><p>Willkommen bei der Korbwerk GmbH in Stuttgart.</p>
<p>Gegründet 1987 in Stuttgart.</p><p>Gegründet 1901 als Schreinerei.</p><p>Tel. +49 711 218430</p>"""
IMPRINT = f"<p>Korbwerk GmbH</p><p>Am Wehr 3</p><p>70173 Stuttgart</p><p>Mail: werkstatt@{DOMAIN} \x1b[31m=1+1</p>"


def stored(
    worker: Worker, job: str, *, stages: tuple[str, ...] = ("process", "enrich", "score"), **columns: Any
) -> None:
    """The parts of a job that read two pages of the company, up to these stages."""
    plan = {
        "company_id": company_id(DOMAIN), "domain": DOMAIN, "url": f"https://{DOMAIN}/", "bare": True, "partition": 0,
        "line": 1,
    }  # fmt: skip
    write_plan(UnitFiles(worker.lake, job, "launch", "launch", 1), [plan])
    worker.lake.expose(job, "launch", "launch", 1)
    pages = [make_page(HOME, domain=DOMAIN), make_page(IMPRINT, domain=DOMAIN, path="/impressum", kind="imprint")]
    company = make_company(DOMAIN, pages=2)
    rows, _ = process_pages([company], pages, now=NOW, on_progress=lambda done: None)  # type: ignore[list-item]
    enriched, _ = enrich_rows(rows, pages, now=NOW, on_progress=lambda done: None)  # type: ignore[arg-type]
    files = UnitFiles(worker.lake, job, "scrape", "p0", 1)
    files.write(pages, "pages")
    error = {
        **{name: plan[name] for name in ("company_id", "domain")}, "url": f"https://{DOMAIN}/agb", "scope": "page",
        "stage": "scrape", "category": "network", "error": "timed out", "at": NOW,
    }  # fmt: skip
    files.write([error], "errors")
    worker.lake.expose(job, "scrape", "p0", 1)
    for stage, found in (("process", rows), ("enrich", enriched), ("score", [{**enriched[0], "scored_at": NOW}])):
        if stage in stages:
            unit = UnitFiles(worker.lake, job, stage, "p0", 1)
            unit.write(found)
            worker.lake.expose(job, stage, "p0", 1)


@pytest.fixture
def job(client: TestClient, worker: Worker) -> str:
    made = str(post(client, body={"company_urls": [DOMAIN]})["job_id"])
    stored(worker, made)
    return made


def explained(client: TestClient, field: str, named: str = DOMAIN, **params: str) -> dict[str, Any]:
    answer = client.get(f"{V1}/companies/{named}/explain", params={"field": field, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_value_is_told_with_its_words_and_with_what_was_not_taken(client: TestClient, job: str) -> None:
    told = explained(client, "founded")
    (fact,), (other,) = told["facts"], told["candidates"]
    assert {told["value"], int(other["value"])} == {1901, 1987} and (told["state"], told["job_id"]) == ("found", job)
    assert fact["quote"].startswith(f"Gegründet {told['value']} ")
    assert fact["place"] == f"line {fact['line'] + 1} of its text"
    assert fact["source"] == f"https://{DOMAIN}/" and fact["how"] == "in the text" and fact["why"]
    assert other["value"] in other["quote"] and other["why"]
    assert told["pages"] == told["errors"] == []
    assert client.get(told["links"]["company"]).json()["founded"] == told["value"]


def test_a_field_is_named_by_its_column_or_by_its_facts(client: TestClient, job: str) -> None:
    for field, value in (
        ("emails", [f"werkstatt@{DOMAIN}"]), ("email", [f"werkstatt@{DOMAIN}"]), ("country", "DE"),
        ("email_provider", ["own_domain"]), ("phone", ["+49711218430"]), ("domain", DOMAIN),
    ):  # fmt: skip
        told = explained(client, field)
        assert (told["value"], told["state"]) == (value, "found") and told["told"], field


def test_every_column_can_be_explained(client: TestClient, job: str) -> None:
    assert set(columns()) == set(STAGE_SCHEMAS["score"].names) - {"facts", "candidates", "input"}
    for column in columns():
        told = explained(client, column, company_id(DOMAIN))
        assert told["told"] and told["state"] in ("found", "not_found"), column
        assert explanation_card(told, 80), column


def test_an_empty_field_names_the_pages_that_were_read(client: TestClient, job: str) -> None:
    told = explained(client, "pricing_url")
    assert (told["state"], told["value"], told["facts"]) == ("not_found", None, [])
    assert told["told"] == "nothing on the 2 pages that were read gave a value; 1 could not be read"
    assert {page["url"] for page in told["pages"]} == {f"https://{DOMAIN}/", f"https://{DOMAIN}/impressum"}
    assert [(error["url"], error["error"]) for error in told["errors"]] == [(f"https://{DOMAIN}/agb", "timed out")]
    assert "right check digits; 1 could not be read" in explained(client, "vat_id")["told"]
    assert explained(client, "error")["told"] == "the row is good: nothing went wrong"


def test_what_no_stage_has_tried_or_failed_is_told_as_that(client: TestClient, worker: Worker) -> None:
    processed = str(post(client, body={"company_urls": [DOMAIN]})["job_id"])
    stored(worker, processed, stages=("process",))
    assert explained(client, "industry")["state"] == "not_tried"
    failed = str(post(client, body={"company_urls": ["down.example"]})["job_id"])
    worker.rows(failed, "score", ["down.example"], error="no answer from down.example", error_category="network")
    told = explained(client, "phones", "down.example")
    assert (told["state"], told["told"]) == ("failed", "no answer from down.example")


def test_rows_of_an_earlier_version_say_what_they_know(client: TestClient, worker: Worker, job: str) -> None:
    old = str(post(client, body={"company_urls": ["old.example"]})["job_id"])
    fact = {"field": "name", "value": "Alt", "source": "https://old.example/", "page_hash": "0" * 16, "confidence": 0.9}
    worker.rows(old, "score", ["old.example"], name="Alt", facts=[fact | {"method": "title"}])
    told = explained(client, "name", "old.example")
    assert (told["value"], told["facts"][0]["quote"], told["candidates"]) == ("Alt", None, [])
    assert "less evidence" in told["told"]


def test_only_rows_of_the_job_count(client: TestClient, worker: Worker, job: str) -> None:
    newer = str(post(client, body={"company_urls": [DOMAIN]})["job_id"])
    worker.rows(newer, "score", [DOMAIN], name="Anders")
    assert explained(client, "name")["value"] == "Anders"
    assert explained(client, "name", job=job)["job_id"] == job
    assert client.get(f"{V1}/companies/{DOMAIN}/explain?field=name&job=job_{'z' * 20}").status_code == 404


def test_unknown_names_are_refused_with_what_there_is(client: TestClient, job: str) -> None:
    def refused(path: str) -> tuple[int, str, str]:
        answer = client.get(f"{V1}/companies/{path}")
        return answer.status_code, answer.json()["code"], answer.json()["detail"]

    status, code, detail = refused(f"{DOMAIN}/explain?field=phonez")
    assert (status, code) == (422, "invalid_input") and "did you mean 'phone" in detail
    assert refused(f"{DOMAIN}/explain?field=qqq")[2].count(",") > 20
    assert refused(f"{DOMAIN}/explain?field=city")[2].endswith("'city' is a part of 'address'")
    assert refused(f"{DOMAIN}/explain")[:2] == (422, "invalid_input")
    assert refused(f"{DOMAIN}/explain?field=name&job=x")[:2] == (422, "invalid_input")
    status, code, detail = refused("nobody.example/explain?field=phones")
    assert (status, code) == (404, "not_found") and "nothing is known of 'nobody.example'" in detail


def test_a_card_fits_the_terminal_and_obeys_no_page(client: TestClient, job: str) -> None:
    told = [explained(client, field) for field in ("emails", "founded", "pricing_url", "address", "technologies")]
    for one, width in itertools.product(told, (40, 80, 140, None)):
        lines = explanation_card(one, width)
        assert not any("\x1b" in line for line in lines)
        assert width is None or all(len(line) <= max(width, 60) for line in lines), "one long address stays whole"
    assert any("werkstatt@" in line and "“" in line for line in explanation_card(told[0], None))
