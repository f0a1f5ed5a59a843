"""A fact is held against its stored page: what was read is found there, what was changed is not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from extraction import fact_check
from extraction.enrich import enrich_rows
from extraction.fact_check import StoredPage
from extraction.process import process_pages
from tests.extraction.conftest import NOW, make_company, make_page

DECLARED = {
    "@type": "LocalBusiness",
    "name": "Korbwerk GmbH",
    "telephone": "+49 711 218430",
    "url": "https://korbwerk.de/",
}
PAGE = make_page(
    f"""<html lang=de><title>Korbwerk GmbH &amp; mehr</title>
    <script type="application/ld+json">{json.dumps(DECLARED)}</script>
    <p>Korbwerk GmbH, Am Wehr 3, 70173 Stuttgart</p><p>Gegründet 1987.</p><p>Fax +49 711 2184-10 und -14</p>
    <p>Mail an werkstatt (at) korbwerk.de oder moc.elpmaxe</p>
    <script src="https://cdn.shopify.com/s/x.js?a=1&amp;b=2"></script>
    <iframe src="//player.vimeo.com/1?a=1&amp;b=2">""",
    domain="korbwerk.de", headers={"server": "nginx"},
)  # fmt: skip


def read() -> list[dict[str, Any]]:
    company = make_company("korbwerk.de")
    rows, _ = process_pages([company], [PAGE], now=NOW, on_progress=lambda done: None)
    (row,), _ = enrich_rows(rows, [PAGE], now=NOW, on_progress=lambda done: None)
    return [*row["facts"], *row["candidates"]]


def test_what_was_read_stands_in_its_page():
    stored, facts = StoredPage(PAGE), read()
    fields = {fact["field"] for fact in facts}
    assert fields >= {"name", "phone", "fax", "email", "address", "founded", "country", "technology:shop"}
    assert [(fact["field"], fault) for fact in facts for fault in stored.faults(fact)] == []


@pytest.mark.parametrize(
    ("field", "change", "fault"),
    [
        ("founded", {"quote": "Gegründet 1888."}, fact_check.NO_QUOTE),
        ("founded", {"line": 0}, fact_check.ELSEWHERE),
        ("founded", {"line": 999}, fact_check.ELSEWHERE),
        ("founded", {"quote": "Gegründet 1888.", "line": None}, fact_check.NO_QUOTE),
        ("phone", {"node": "json-ld:77"}, fact_check.NO_NODE),
        ("phone", {"quote": "+49 30 99999999"}, fact_check.NO_QUOTE),
        ("phone", {"value": "+493012345678"}, fact_check.NO_VALUE),
        ("fax", {"value": "+493012345678", "method": "text"}, fact_check.NO_VALUE),
        ("email", {"value": "vertrieb@korbwerk.de", "method": "text"}, fact_check.NO_VALUE),
        ("legal_name", {"value": "Holzfabrik AG", "method": "text"}, fact_check.NO_VALUE),
        ("country", {"words": [".fr"]}, fact_check.NO_WORDS),
    ],
)
def test_what_was_changed_is_found(field: str, change: dict[str, Any], fault: str):
    fact = next(fact for fact in read() if fact["field"] == field) | change
    assert fault in StoredPage(PAGE).faults(fact)


def test_a_fact_without_evidence_says_nothing_that_could_be_wrong():
    old = {"field": "name", "value": "Ganz anders", "method": "text", "quote": None, "words": None}
    assert list(StoredPage(PAGE).faults(old)) == []
