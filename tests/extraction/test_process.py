"""The process stage through its public door: one row or one error a company, whatever the pages hold."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data.schemas import ERRORS, STAGE_SCHEMAS, table
from extraction import process
from extraction.budget import CompanyBudgets
from extraction.process import process_pages
from tests.extraction.conftest import NOW, make_company, make_page


def run(companies, pages, progress=None):
    rows, errors = process_pages(companies, pages, now=NOW, on_progress=progress or (lambda done: None))
    assert table(rows, STAGE_SCHEMAS["process"], "job_x").num_rows == len(rows)
    assert table(errors, ERRORS, "job_x").num_rows == len(errors)
    return rows, errors


def facts_of(row, field):
    return [fact for fact in row["facts"] if fact["field"] == field]


def test_a_shop_with_broken_json_ld(stored):
    page = stored("shop_home.html", domain="hollisbrook.co.uk")
    (row,), errors = run([make_company("hollisbrook.co.uk")], [page])
    assert errors == []
    expected = {
        "name": "Hollis & Brook",
        "legal_name": "Hollis and Brook Ltd",
        "description": "Hollis & Brook forges and sells hand tools for joiners, luthiers and toolmakers.",
        "emails": ["hello@hollisbrook.co.uk"],
        "phones": ["+441144960123"],
        "fax": ["+441144960124"],
        "address": {
            "street": "12 Cutlers Row",
            "city": "Sheffield",
            "region": None,
            "postcode": "S1 2AB",
            "country": "GB",
        },
        "country": "GB",
        "language": "en",
        "social": {"instagram": "https://www.instagram.com/hollisbrook", "x": "https://x.com/hollisbrook"},
        "founded": 1987,
        "logo_url": "https://hollisbrook.co.uk/img/logo.svg",
        "careers_url": "https://hollisbrook.co.uk/careers/",
        "pricing_url": "https://hollisbrook.co.uk/prices",
        "contact_url": "https://hollisbrook.co.uk/contact",
        "pages": 1,
        "processed_at": NOW,
    }
    assert {name: row[name] for name in expected} == expected
    assert row["quality"] > 0.8


def test_a_german_imprint_in_latin_1_that_calls_itself_english(stored):
    page = stored("imprint_de.html", domain="berger-feinmechanik.de", path="/impressum", kind="imprint")
    (row,), _ = run([make_company("berger-feinmechanik.de")], [page])
    assert row["name"] == "Berger Feinmechanik"
    assert row["legal_name"] == "Berger Feinmechanik GmbH & Co. KG"
    assert row["emails"] == ["info@berger-feinmechanik.de"]
    assert (row["phones"], row["fax"]) == (["+49736198760"], ["+497361987655"])
    assert row["address"] == {
        "street": "Industriestraße 17a",
        "city": "Aalen",
        "region": None,
        "postcode": "73430",
        "country": "DE",
    }
    assert (row["country"], row["language"], row["founded"]) == ("DE", "de", 1954)


def test_every_value_has_a_fact_with_its_source(stored):
    page = stored("shop_home.html", domain="hollisbrook.co.uk")
    (row,), _ = run([make_company("hollisbrook.co.uk")], [page])
    single = (
        "name",
        "legal_name",
        "description",
        "country",
        "language",
        "logo_url",
        "careers_url",
        "pricing_url",
        "contact_url",
    )
    for field in single:
        assert [fact["value"] for fact in facts_of(row, field)] == [row[field]], field
    for field, column in (("email", "emails"), ("phone", "phones"), ("fax", "fax")):
        assert [fact["value"] for fact in facts_of(row, field)] == row[column]
    assert facts_of(row, "address")[0]["value"] == "12 Cutlers Row, Sheffield, S1 2AB, GB"
    assert facts_of(row, "phone")[0]["method"] == "json-ld"
    for fact in row["facts"]:
        assert fact["source"] == page["final_url"]
        assert fact["page_hash"] == page["page_hash"]
        assert fact["seen_at"] == NOW
        assert 0 < fact["confidence"] <= 1


def test_country_order_address_phone_cctld_language():
    def country(html, domain):
        (row,), _ = run([make_company(domain)], [make_page(html, domain=domain)])
        return row["country"]

    assert country("<p>D-80331 München<p>Marienplatz 1, D-80331 München<p>Tel +43 1 5880039", "acme.fr") == "DE"
    assert country("<p>Tel +43 1 5880039", "acme.fr") == "AT"
    assert country("<p>bonjour", "acme.fr") == "FR"
    assert country('<html lang="pl"><p>x', "acme.com") == "PL"
    assert country('<html lang="en"><p>x', "acme.com") is None


SPANISH = "<p>Diseñamos depuradoras, redes de riego y planes de inundación para ayuntamientos de todo el país y más."
GERMAN = "<p>Wir fertigen seit drei Generationen Drehteile und Frästeile für den Maschinenbau in ganz Europa."
ENGLISH = "<p>We have been making turned parts and milled parts for mechanical engineering in all of Europe for long."


@pytest.mark.parametrize(
    ("html", "country", "phones"),
    [
        # The postcode has five digits as in Spain, the number nine.
        (f"{SPANISH * 2}<p>Paseo del Prado 9, 28046 Madrid<p>Tel. 910 55 01 23", "ES", ["+34910550123"]),
        (f"{SPANISH * 2}<p>Tel. 55 5128 4067", "MX", ["+525551284067"]),
        # British by its looks, but nobody writes German there.
        (f"{GERMAN * 2}<p>Tel. 07361 987655", "DE", ["+497361987655"]),
        (f"{ENGLISH * 2}<p>Phone 020 7946 0018", "GB", ["+442079460018"]),
        (SPANISH * 2, None, []),
    ],
)
def test_where_only_the_language_is_known_the_numbers_tell_the_country(html, country, phones):
    (row,), _ = run([make_company("acme.com")], [make_page(html, domain="acme.com")])
    assert (row["country"], row["phones"]) == (country, phones)


def test_numbers_without_country_code_are_read_by_the_companys_country():
    html = "<p>Marienplatz 1, D-80331 München<p>Tel 089 2180 0"
    (row,), _ = run([make_company("acme.com")], [make_page(html, domain="acme.com")])
    assert row["phones"] == ["+498921800"]


def test_agency_and_foreign_addresses_stay_out_where_there_is_an_own_one():
    html = "<p>info@acme-tools.com<p>Website by Pixels: hi@pixels.com<p>acme@gmail.com<p>bob@supplier.com"
    (row,), _ = run([make_company()], [make_page(html)])
    assert row["emails"] == ["info@acme-tools.com", "acme@gmail.com"]
    (row,), _ = run([make_company()], [make_page("<p>office@acmegroup.com")])
    assert row["emails"] == ["office@acmegroup.com"]


def test_pages_come_in_any_order_and_are_streamed():
    domains = [f"firm{n}.com" for n in range(5)]
    pages = [
        make_page(f"<title>Firm{d[4]}</title><p>a{n}@{d}", domain=d, path=f"/{n}") for n in range(3) for d in domains
    ]
    alive = []
    seen = []

    def stream():
        for page in pages:
            alive.append(page)
            yield dict(page)

    rows, errors = run([make_company(d) for d in domains], stream(), seen.append)
    assert errors == []
    assert [row["domain"] for row in rows] == domains
    assert all(row["emails"] == [f"a{n}@{row['domain']}" for n in range(3)] for row in rows)
    assert seen == [*range(1, 16), 5]
    assert run([make_company(d) for d in domains], reversed(pages))[0][0]["emails"] == rows[0]["emails"]


def test_a_company_without_pages_is_a_data_error():
    rows, errors = run([make_company("a.com"), make_company("b.com")], [make_page("<p>x", domain="b.com")])
    assert [row["domain"] for row in rows] == ["b.com"]
    assert [(e["domain"], e["scope"], e["stage"], e["category"], e["error"]) for e in errors] == [
        ("a.com", "company", "process", "data", "no pages: scrape again")
    ]


def test_pages_of_strangers_are_passed_over():
    assert run([], [make_page("<p>x")]) == ([], [])


def test_a_page_that_breaks_the_extractor_costs_only_itself(monkeypatch):
    whole = process._EXTRACTORS

    def breaks(page):
        if "boom" in page.html:
            raise RuntimeError("boom\x00")
        return iter(())

    monkeypatch.setattr(process, "_EXTRACTORS", (*whole, breaks))
    good, bad = make_page("<p>info@acme-tools.com"), make_page("<p>boom", path="/bad")
    (row,), errors = run([make_company()], [bad, good])
    assert row["emails"] == ["info@acme-tools.com"]
    assert [(e["scope"], e["url"], e["category"]) for e in errors] == [("page", bad["url"], "system")]
    rows, errors = run([make_company()], [bad])
    assert rows == []
    assert [(e["scope"], e["category"]) for e in errors] == [("page", "system"), ("company", "system")]


def test_markup_in_values_is_kept_as_text_and_bounded():
    evil = "<img src=x onerror=alert(1)>" + "\u202e\x07" + "A" * 5_000
    declared = json.dumps({"@type": "Store", "name": "<b>Acme</b> Tools", "description": evil})
    html = f"<script type='application/ld+json'>{declared}</script>"
    (row,), _ = run([make_company()], [make_page(html)])
    assert row["name"] == "<b>Acme</b> Tools"
    assert row["description"].startswith("<img src=x onerror=alert(1)>AAA")
    assert len(row["description"]) == 600
    assert all(len(fact["value"]) <= 500 for fact in row["facts"])


def test_more_values_than_anyone_has_are_bounded():
    html = "".join(f"<p>a{n}@acme-tools.com<p>Tel +49 89 {2180000 + n}" for n in range(3_000))
    pages = [make_page(html, path=f"/{n}") for n in range(3)]
    (row,), _ = run([make_company()], pages)
    assert len(row["emails"]) == len(row["phones"]) == 20
    assert len(row["facts"]) <= 200


def test_quality_is_the_weighted_sum_of_confident_fields():
    from extraction.quality import WEIGHTS, quality

    assert sum(WEIGHTS.values()) == pytest.approx(1)
    sure = [{"field": field, "confidence": 1.0} for field in ("name", "email", "social:x")]
    assert quality({"name": "A", "emails": ["a"], "social": {"x": "y"}}, sure) == pytest.approx(0.41)
    assert quality({"name": "A"}, [{"field": "name", "confidence": 0.5}]) == pytest.approx(0.1)
    assert quality({"name": None}, sure) == 0


HTML_PIECES = st.sampled_from(
    [
        *(
            "<script type='application/ld+json'>",
            "</script>",
            '{"@type":"Store","name":',
            '{"@type":"Store","address":{',
            '"parentOrganization":{"@id":"#a","@type":"NGO"},',
            "<p typeof='Store Person' resource='#a' property='address founder' rel=about>",
            "<p class='vcard h-card org fn tel adr street-address'>",
            "<div itemscope itemid='#a' itemref='a b' id=a itemprop='address department location'>",
            "<meta property='business:contact_data:locality' content='",
        ),
        *(
            "<a href='tel:",
            "<a href='mailto:",
            "<title>",
            "<meta name=description content='",
            "<html lang='",
            "@acme.com",
        ),
        *(
            "+44 (0)20 7946 0018",
            " fax ",
            "D-80331 München",
            "Marienplatz 1<br>",
            "since 1999",
            "©",
            "'>",
            '"',
            "}",
            "]",
        ),
        *("<div itemscope itemtype='http://schema.org/Store'>", "<b itemprop='telephone'>", "\x00", "\ud7ff", "\u202e"),
        *("<img alt='logo' src='", "https://facebook.com/x", "numberOfEmployees", "foundingDate", "120 employees"),
        *("999999999999", "&#xD800;", "&#0;", "١٢٣٤٥٦٧٨٩"),
    ]
)
#: Any bytes, and bytes that come near to what the extractors look for.
HTML = st.one_of(
    st.binary(max_size=2_000),
    st.lists(st.one_of(HTML_PIECES, st.text(max_size=12)), max_size=40).map(
        lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
    ),
)
CHARSETS = st.sampled_from(
    [
        None,
        "utf-8",
        "utf-16",
        "utf-16-le",
        "iso-8859-1",
        "shift_jis",
        "gb18030",
        "base64",
        "idna",
        "",
        "\x00",
        "utf-7",
        "unicode_escape",
    ]
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(html=HTML, charset=CHARSETS, kind=st.sampled_from(["home", "contact", "imprint", "about", "other"]))
def test_any_bytes_give_a_row_that_fits_the_schema(html, charset, kind):
    (row,), errors = run([make_company()], [make_page(html, charset=charset, kind=kind)])
    assert errors == []
    assert 0 <= row["quality"] <= 1
    assert set(row) | {"job_id", "schema_version"} == set(STAGE_SCHEMAS["process"].names)
    json.dumps(row, default=str).encode()


def _raises_too_costly(page):
    while True:
        re.match(r"(a+)+$", "a" * 60 + "b")


def test_a_page_too_costly_to_read_is_an_error_and_its_company_goes_on(monkeypatch):
    monkeypatch.setattr(process, "CompanyBudgets", lambda: CompanyBudgets(page_s=0.05))
    monkeypatch.setattr(process, "_EXTRACTORS", (_on_hostile_pages(_raises_too_costly), *process._EXTRACTORS))
    good = make_page("<title>Acme Tools</title><p>Phone 020 7946 0018", path="/good")
    (row,), (error,) = run([make_company()], [make_page("<p>hostile"), good])
    assert row["name"] == "Acme Tools"
    assert (error["scope"], error["category"], error["error"]) == ("page", "data", "too costly to read")
    assert error["url"] == "https://acme-tools.com/"


def test_a_company_with_nothing_but_pages_too_costly_costs_no_neighbour(monkeypatch):
    monkeypatch.setattr(process, "_EXTRACTORS", (_on_hostile_pages(_raises_too_costly), *process._EXTRACTORS))
    monkeypatch.setattr(process, "CompanyBudgets", lambda: CompanyBudgets(page_s=0.02, company_s=0.05))
    companies = [make_company("hostile.com"), make_company("neighbour.com")]
    pages = [make_page("<p>hostile", domain="hostile.com", path=f"/{n}") for n in range(50)]
    (row,), errors = run(companies, [*pages, make_page("<title>Neighbour</title>", domain="neighbour.com")])
    assert row["domain"] == "neighbour.com"
    assert [error["scope"] for error in errors] == ["page"] * 50 + ["company"]
    assert {(error["category"], error["error"]) for error in errors} == {("data", "too costly to read")}


def test_a_company_too_costly_to_settle_costs_no_neighbour(monkeypatch):
    settle = process.company_row.settle
    hostile = make_company("hostile.com")["company_id"]

    def slow(row, findings, now):
        return _raises_too_costly(row) if row["company_id"] == hostile else settle(row, findings, now)

    monkeypatch.setattr(process.company_row, "settle", slow)
    monkeypatch.setattr(process, "SETTLE_S", 0.05)
    domains = ("hostile.com", "neighbour.com")
    (row,), (error,) = run([make_company(d) for d in domains], [make_page("<p>x", domain=d) for d in domains])
    assert (row["domain"], error["scope"], error["error"]) == ("neighbour.com", "company", "too costly to read")


def _on_hostile_pages(extractor):
    return lambda page: extractor(page) if "hostile" in page.html else iter(())


@pytest.mark.parametrize(
    "html",
    [
        """<script type="application/ld+json">{"@type":"Organization","name":"A\\ud800cme",
        "logo":{"url":"/l\\udfff.png"},        "telephone":"020 7946\\ud801 0018","sameAs":["https://x.com/ac\\ud800me"],"email":"a\\ud800@acme-tools.com"}
        </script>""",
        '<img src="/logo&#xD800;.png"><a href="/contact&#xDFFF;">Contact</a><title>A&#xD800;</title>',
        f'<script type="application/ld+json">&quot;&#{"1" * 5_000};</script>',
    ],
)
def test_characters_that_no_file_takes_are_gone_before_the_row_is_written(html):
    (row,), errors = run([make_company()], [make_page(html + "<p>x")])
    assert errors == []
    json.dumps(row, default=str, ensure_ascii=False).encode()  # nothing that UTF-8 cannot spell


@pytest.mark.parametrize(
    "hostile",
    [
        b'<script type="application/ld+json">{"a":' + b'"\\' * 150_000 + b"</script>",
        b"<!--><p>" + b"<div>" * 295_000,
        b"<svg><title>" + b"<div>" * 295_000,
        b"<optgroup>" * 140_000,
        b"".join(b"<html a%d=1>" % number for number in range(100_000)),
        (b"<a" + b"x" * 498) * 2_990,
        b"<p>" + b"".join(b"<font a=%d>" % number for number in range(1_000)) + b"</p><p>x" * 100_000,
    ],
)
def test_pages_made_to_be_costly_are_read_within_their_budget(hostile):
    """Each held a process for minutes, or killed it, and its neighbours were lost."""
    domains = ("hostile.com", "neighbour.com")
    pages = [make_page(hostile, domain=domains[0]), make_page("<title>Neighbour</title><p>x", domain=domains[1])]
    rows, errors = run([make_company(domain) for domain in domains], pages)
    assert (len(rows), errors) == (2, [])


def test_company_that_moved_is_read_by_the_domain_that_it_moved_to():
    html = """<title>Segelwerk Kappeln</title><h1>Segelwerk Kappeln</h1><p>Schreiben Sie an buero@segelwerk-kappeln.de
    oder wie bisher an post@tuchmacher-meier.de</p><p>Anzeigen: anzeigen@hafenblatt.de</p>"""
    page = {**make_page(html, domain="tuchmacher-meier.de"), "final_url": "https://segelwerk-kappeln.de/"}
    company = {**make_company("tuchmacher-meier.de"), "url": page["final_url"], "alias": "segelwerk-kappeln.de"}
    (row,), _ = run([company], [page])
    assert (row["domain"], row["alias"]) == ("tuchmacher-meier.de", "segelwerk-kappeln.de")
    assert sorted(row["emails"]) == ["buero@segelwerk-kappeln.de", "post@tuchmacher-meier.de"]
    assert row["name"] == "Segelwerk Kappeln"
