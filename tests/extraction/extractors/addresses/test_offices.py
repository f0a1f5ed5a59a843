"""All offices of a company: each once, the head office first."""

from __future__ import annotations

import pytest

from extraction import company_row
from extraction.extractors import addresses
from extraction.process import extract
from tests.extraction.conftest import NOW, make_company, make_page

HAMBURG = "Am Sandkai 9<br>20457 Hamburg"
KIEL = "Hafenstieg 2<br>24103 Kiel"
LEEDS = "2 Bell Court<br>Leeds<br>LS1 4AP"


def row_of(*pages, domain="segelwerk.de"):
    found = [finding for page in pages for finding in extract(make_page(page[1], domain=domain, path=page[0]))]
    return company_row.settle(make_company(domain), found, NOW)


def towns(row):
    return [(office["city"], office["head_office"]) for office in row["locations"]]


def test_every_office_is_a_location_and_the_head_office_is_the_address():
    row = row_of(
        ("/", f"<footer><p>Segelwerk GmbH<br>{HAMBURG}</p></footer>"),
        ("/kontakt", f"<h2>Kiel</h2><p>{KIEL}</p><h2>Leeds</h2><p>{LEEDS}</p><footer><p>{HAMBURG}</p></footer>"),
    )
    assert towns(row) == [("Hamburg", True), ("Kiel", False), ("Leeds", False)]
    assert {"street": "Am Sandkai 9", "postcode": "20457"}.items() <= row["address"].items()
    assert row["locations"][0] == {**row["address"], "head_office": True}
    assert row["locations"][2]["country"] == "GB"
    told = {fact["value"]: fact["field"] for fact in row["facts"] if fact["field"] in ("address", "location")}
    assert told["Hafenstieg 2, Kiel, 24103, DE"] == "location"
    assert list(told.values()).count("address") == 1
    assert not [one for one in row["candidates"] if one["field"] == "address"]


@pytest.mark.parametrize(
    "label", ["Hauptsitz", "Head office:", "Headquarters", "Siège social", "Sede legale", "Registered Office & Works:"]
)
def test_what_is_called_the_head_office_is_it(label):
    row = row_of(("/", f"<p>{KIEL}</p><h3>{label}</h3><p>{HAMBURG}</p>"))
    assert towns(row) == [("Hamburg", True), ("Kiel", False)]


def test_one_address_written_in_several_ways_is_one_office():
    row = row_of(
        ("/", "<p>Segelwerk GmbH, Am Sandkai 9, D-20457 Hamburg | Tel. 040 123456"),
        ("/kontakt", f"<p>Haus B<br>{HAMBURG}"),
        ("/impressum", "<dl><dt>Straße<dd>Am Sandkai 9a<dt>PLZ / Ort<dd>20457 Hamburg</dl>"),
    )
    assert towns(row) == [("Hamburg", True)]


def test_branches_that_a_page_declares_are_offices():
    row = row_of(
        (
            "/",
            """<script type="application/ld+json">{"@type": "Organization", "name": "Segelwerk", "url": "/",
            "address": {"streetAddress": "Am Sandkai 9", "postalCode": "20457", "addressLocality": "Hamburg"},
            "department": [{"@type": "LocalBusiness", "name": "Segelwerk Kiel", "address": "Hafenstieg 2, 24103 Kiel"},
            {"@type": "LocalBusiness", "name": "Segelwerk Lyon", "address": {"streetAddress": "8 rue des Lilas",
            "postalCode": "69003", "addressLocality": "Lyon", "addressCountry": "FR"}}]}</script>""",
        )
    )
    assert towns(row) == [("Hamburg", True), ("Kiel", False), ("Lyon", False)]
    assert [office["street"] for office in row["locations"]] == ["Am Sandkai 9", "Hafenstieg 2", "8 rue des Lilas"]


def test_a_company_without_an_address_has_no_locations():
    row = row_of(("/", "<p>Founded in 1999, 40 people"))
    assert (row["address"], row["locations"]) == (None, [])


def test_two_streets_of_one_town_are_two_offices(document):
    page = document(f"<p>{HAMBURG}</p><p>Rosenweg 14<br>20457 Hamburg</p>", domain="segelwerk.de")
    found = addresses.offices(list(addresses.find(page)), "DE")
    assert [finding.value["street"] for finding in found] == ["Am Sandkai 9", "Rosenweg 14"]


@pytest.mark.parametrize(
    "others",
    [
        "<h2>Fahrräder</h2><p>Privat, Seeweg 3, 24105 Kiel</p><p>Privat, Rosenweg 9, 24106 Kiel</p>",
        "<h3>Konzert</h3><p>Ort: Stadthalle, Marktplatz 1, 24105 Kiel</p>",
        "<h2>Händler</h2><table><tr><td>Müller, Seeweg 3<td>24105 Kiel<tr><td>Maier, Hof 3<td>24106 Kiel</table>",
        "<h2>Where to eat nearby</h2><ul><li>Crab, Seeweg 3, 24105 Kiel<li>Eel, Rosenweg 9, 24106 Kiel</ul>",
    ],
)
def test_the_address_beside_the_companys_name_is_its_own(others):
    row = row_of(("/", f"{others}<footer>Segelwerk GmbH, Hafenstieg 2, 24103 Kiel</footer>"))
    assert row["address"]["street"] == "Hafenstieg 2"


def test_letters_to_a_box_reach_no_head_office():
    row = row_of(("/", f"<p>Postfach 1234, 24104 Kiel</p><p>Hafen<br>{KIEL}</p>"))
    assert row["address"]["street"] == "Hafenstieg 2"


def test_well_known_cities_tell_the_countries_of_bare_codes():
    text = "Kaistraße 5, 20457 Hamburg | Ringallee 45, 1060 Wien | Seestrasse 3, 8001 Zürich"
    row = row_of(("/", f"<p>{text}</p>"), domain="segelwerk.com")
    assert sorted(office["country"] for office in row["locations"]) == ["AT", "CH", "DE"]
