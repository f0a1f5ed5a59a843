"""What a fact says of the page it came from, and what is kept of what was not taken."""

from __future__ import annotations

import json
from collections import Counter

from data.schemas import STAGE_SCHEMAS, table
from extraction.document import Document
from extraction.enrich import enrich_rows
from extraction.findings import MAX_CANDIDATES
from extraction.process import process_pages
from leadmill.fact_fields import MAX_QUOTE
from tests.extraction.conftest import NOW, make_company, make_page

IMPRINT = """<html lang="de-DE"><title>Impressum | Korbwerk</title><h1>Impressum</h1>
<p>Korbwerk GmbH<br>Am Wehr 3<br>70173 Stuttgart</p><p>Telefon: +49 711 2184 30</p><p>Fax: +49 711 2184 39</p>
<p>Wir freuen uns auf Ihre Nachricht an <b>werkstatt@korbwerk.de</b>, gern auch mit Skizze.</p>
<script src="https://cdn.shopify.com/s/x.js"></script></html>"""


def both(pages, domain):
    company = make_company(domain, pages=len(pages))
    rows, errors = process_pages([company], pages, now=NOW, on_progress=lambda done: None)
    enriched, more = enrich_rows(rows, pages, now=NOW, on_progress=lambda done: None)
    assert errors == more == [] and len(enriched) == 1
    return enriched[0]


def of(facts, field):
    return [fact for fact in facts if fact["field"] == field]


def test_a_fact_quotes_the_line_that_it_was_read_from():
    page = make_page(IMPRINT, domain="korbwerk.de", path="/impressum", kind="imprint")
    row = both([page], "korbwerk.de")
    lines = Document(page).lines
    for field, value in (
        ("email", "werkstatt@korbwerk.de"),
        ("phone", "2184 30"),
        ("fax", "2184 39"),
        ("legal_name", "Korbwerk GmbH"),
    ):
        (fact,) = of(row["facts"], field)
        assert value in fact["quote"] and fact["quote"] in lines[fact["line"]], field
    (address,) = of(row["facts"], "address")
    assert "70173 Stuttgart" in lines[address["line"]]


def test_a_rule_names_the_words_that_made_it_speak():
    page = make_page("<p>Handwerk seit langem, ohne Anschrift und Nummer.</p>", domain="korbwerk.de")
    row = both([page], "korbwerk.de")
    (country,) = of(row["facts"], "country")
    assert (country["method"], country["words"], country["quote"]) == ("cctld", [".de"], None)
    row = both([make_page(IMPRINT, domain="korbwerk.de", path="/impressum")], "korbwerk.de")
    (provider,) = of(row["facts"], "email_provider")
    assert provider["words"] == ["korbwerk.de"]
    (shop,) = of(row["facts"], "technology:shop")
    assert shop["words"] == ["https://cdn.shopify.com/s/x.js"]


def test_an_industry_names_its_words_and_those_that_came_behind():
    html = "<title>Zahnarztpraxis Dr. Kern</title>" + "<p>Zahnarzt, Implantate, Prophylaxe. Steuerberatung.</p>" * 3
    row = both([make_page(html, domain="kern.de")], "kern.de")
    (industry,) = of(row["facts"], "industry")
    assert industry["value"] == row["industry"] and any("zahn" in word for word in industry["words"])
    others = of(row["candidates"], "industry")
    assert others and all(one["confidence"] < industry["confidence"] and one["words"] for one in others)


def test_what_was_not_taken_is_apart_few_and_told():
    declared = {"@type": "Organization", "name": "Korbwerk", "foundingDate": "1952"}
    years = "".join(f"<p>Firm founded in {year}.</p>" for year in range(1960, 1990))
    pages = [
        make_page(f'<title>Korbwerk</title><script type="application/ld+json">{json.dumps(declared)}</script>{years}'),
        make_page(years, path="/about", kind="about"),
    ]
    row = both(pages, "acme-tools.com")
    assert row["founded"] == 1952
    assert [fact["value"] for fact in of(row["facts"], "founded")] == ["1952"]
    others = of(row["candidates"], "founded")
    assert len(others) == MAX_CANDIDATES and all(one["confidence"] < 0.95 for one in others)
    assert all(one["value"] in one["quote"] for one in others)
    assert max(Counter(one["field"] for one in row["candidates"]).values()) <= MAX_CANDIDATES
    taken = {(fact["field"], fact["value"].casefold()) for fact in row["facts"]}
    assert not taken & {(one["field"], one["value"].casefold()) for one in row["candidates"]}


def test_evidence_is_bounded_and_fits_the_lake():
    text = "<p>" + "Wir " * 2_000 + "ruf an: +49 711 218430 \x07\ufffe</p>" + "<p>x@korbwerk.de" + " ja" * 900 + "</p>"
    row = both([make_page(text, domain="korbwerk.de")], "korbwerk.de")
    assert of(row["facts"], "phone") and of(row["facts"], "email")
    assert all(len(fact["quote"] or "") <= MAX_QUOTE for fact in row["facts"] + row["candidates"])
    (stored,) = table([row], STAGE_SCHEMAS["enrich"], "job_x").to_pylist()
    assert stored["facts"][0]["quote"] == row["facts"][0]["quote"]
