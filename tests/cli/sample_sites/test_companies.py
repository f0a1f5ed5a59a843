"""The sample companies are varied, and each says on its pages what its file claims that it says."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import phonenumbers
import pytest
from selectolax.lexbor import LexborHTMLParser

import cli.sample_sites
from cli.sample_sites.bulk import bulk_answer, bulk_sites, bulk_truth
from cli.sample_sites.hostile import trap
from cli.sample_sites.sites import Answer, Company, companies, companies_by_host
from cli.sample_sites.truth import company_urls, expected, spellings
from data.schemas import STAGE_SCHEMAS
from leadmill.errors import ErrorCategory
from leadmill.ids import parse_company_url

FOLDER = Path(cli.sample_sites.__file__).parent
WORKING = [company for company in companies() if "error_category" not in company.expected]
#: Of these, the ones with a name to be found: all but the hostile one.
HONEST = [company for company in WORKING if not company.hostile]


def html(answer: Answer, company: Company) -> str:
    body = gzip.decompress(answer.body) if company.gzip else answer.body
    return body.decode(company.charset)


def html_pages(company: Company) -> dict[str, str]:
    return {page.path: html(company.answers[page.path], company) for page in company.pages if page.type == "text/html"}


def all_text(company: Company) -> str:
    """Everything on its pages, entities resolved, white space made single."""
    return " ".join(unescape(" ".join(html_pages(company).values())).split())


def host(company: Company) -> str:
    return company.host


def test_they_are_many_and_varied() -> None:
    assert len(HONEST) >= 24
    assert len({company.expected["country"] for company in HONEST}) >= 8
    assert len({company.expected["language"] for company in HONEST}) >= 6
    assert len({company.layout for company in HONEST}) >= 5
    with_markup = [company for company in HONEST if company.jsonld]
    assert 0.4 <= len(with_markup) / len(HONEST) <= 0.7
    assert len(company_urls()) >= 30


def test_the_files_are_small() -> None:
    files = [file for file in FOLDER.rglob("*") if file.suffix in (".toml", ".html", ".py")]
    assert len(files) > 40
    assert sum(file.stat().st_size for file in files) < 300_000


def test_every_special_site_is_there() -> None:
    def one(is_meant: Callable[[Company], object]) -> Company:
        (company,) = filter(is_meant, companies())
        return company

    assert one(lambda company: company.down).expected == {"error_category": "network"}
    assert one(lambda company: "Disallow: /" in company.robots).expected == {"error_category": "data"}
    assert one(lambda company: not company.pages and not company.down).expected == {"error_category": "data"}
    assert one(lambda company: company.delay_s).delay_s == 0.5
    assert one(lambda company: company.first_answer).first_answer == 429
    assert one(lambda company: company.also_at).host.startswith("www.")
    assert one(lambda company: company.charset == "shift_jis").charset_in == "meta"
    assert one(lambda company: company.charset == "iso-8859-1").charset_in == "header"
    assert one(lambda company: company.gzip) and one(lambda company: company.hostile)
    broken, graphs = [], []
    for company in HONEST:
        if company.jsonld:
            try:
                markup = json.loads(company.jsonld)
            except json.JSONDecodeError:
                broken.append(company.host)
            else:
                graphs += [company.host] if "@graph" in markup else []
    assert broken == ["www.atelier-bois-lumiere.example"]
    assert graphs


@pytest.mark.parametrize("company", WORKING, ids=host)
def test_declared_phones_are_valid_and_stand_on_the_pages(company: Company) -> None:
    text = all_text(company)
    assert company.expected["phones"]
    for written, e164 in spellings([*company.expected["phones"], *company.expected.get("fax", [])]):
        number = phonenumbers.parse(written, company.expected["country"])
        assert phonenumbers.is_valid_number(number), written
        assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == e164
        assert written in text, written


@pytest.mark.parametrize("company", WORKING, ids=host)
def test_declared_emails_stand_on_the_pages(company: Company) -> None:
    text = all_text(company)
    assert company.expected["emails"]
    for written, address in spellings(company.expected["emails"]):
        assert written in text, written
        assert address == address.lower()
        domain = address.partition("@")[2]
        assert domain == "gmail.com" or domain in company.host, "an address of its own domain, or free mail"
        if domain == "gmail.com":
            assert "-" in address, "no account at Gmail can have a hyphen, so nobody gets this mail"


@pytest.mark.parametrize("company", HONEST, ids=host)
def test_other_claims_stand_on_the_pages(company: Company) -> None:
    text, truth = all_text(company), company.expected
    assert truth["name"] in text
    assert truth["legal_name"].lower() in text.lower()
    assert truth["city"] in text
    assert str(truth.get("founded", "")) in text
    for count in truth.get("employees", []):
        assert str(count) in text
    for url in company.social.values():
        assert f'href="{url}"' in text.replace(f"href={url}", f'href="{url}"').replace("HREF", "href")
        assert "sample" in url, "must not name somebody's real account"


@pytest.mark.parametrize("company", WORKING, ids=host)
def test_links_of_a_site_lead_to_its_pages(company: Company) -> None:
    linked = {"/"}
    for path, page in html_pages(company).items():
        for node in LexborHTMLParser(page).css("a[href]"):
            href = node.attributes["href"] or ""
            if re.match(r"(?i)mailto:|tel:|javascript:|file:|//\[|http://\[|http://127", href):
                continue
            url = urlsplit(urljoin(f"http://{company.host}{path}", href))
            if url.hostname == company.host:
                linked.add(url.path)
                assert url.path in company.answers or (company.hostile and trap(url.path)), href
    assert {page.path for page in company.pages} <= linked


def test_a_landing_page_stands_for_a_missing_home_page() -> None:
    company = companies_by_host()["vetro-laguna.example"]
    assert company.answers["/"].status == 302
    assert dict(company.answers["/"].headers) == {"Location": "/it/"}


def test_charsets_are_named_where_the_file_says() -> None:
    in_header = companies_by_host()["xn--kchenhaus-albers-jzb.example"].answers["/"]
    assert in_header.content_type == "text/html; charset=iso-8859-1"
    assert "Küchenhaus".encode("iso-8859-1") in in_header.body
    in_meta = companies_by_host()["www.sakura-seimitsu.example"].answers["/"]
    assert in_meta.content_type == "text/html"
    assert b"charset=shift_jis" in in_meta.body
    assert "部品".encode("shift_jis") in in_meta.body


def test_expected_has_column_names_and_plain_values() -> None:
    truths = expected()
    columns = {*STAGE_SCHEMAS["score"].names, "city"}
    assert set(truths) == {parse_company_url(url).domain for url in company_urls()}
    for truth in truths.values():
        assert set(truth) <= columns
        if "error_category" in truth:
            assert set(truth) == {"error_category"}
            assert ErrorCategory(truth["error_category"])
        else:
            assert all(isinstance(value, str) for value in truth["phones"] + truth["emails"])
    assert truths["brightforge.example"]["employees_min"] == 240
    assert truths["copperline-dental.example"]["emails"] == ["frontdesk@copperline-dental.example"]
    assert truths["hafenlicht-studio.example"] == truths["hafenlicht.example"]


def test_every_submitted_url_is_read_and_served() -> None:
    parsed = [parse_company_url(url) for url in company_urls()]
    assert {urlsplit(company.url).hostname for company in parsed} <= set(companies_by_host())
    assert any(company.bare for company in parsed) and not all(company.bare for company in parsed)
    assert len({company.domain for company in parsed}) == len(parsed) - 2, "two companies are named twice"
    assert all(company.bare or company.url.startswith("http:") for company in parsed), "there is no TLS here"


def test_an_unknown_key_in_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text('host = "x.example"\nsubmit = []\ncolour = "red"\n[expected]\n')
    with pytest.raises(TypeError, match="colour"):
        Company.load(tmp_path / "x.toml")


def test_a_company_can_be_changed_for_a_test() -> None:
    company = replace(companies_by_host()["hafenlicht.example"], robots="User-agent: *\nDisallow: /\n")
    assert company.answers["/robots.txt"].body == b"User-agent: *\nDisallow: /\n"


def test_bulk_companies_differ_and_are_valid() -> None:
    hosts = bulk_sites(300)
    assert (hosts[0], hosts[-1], len(set(hosts))) == ("c00001.example", "c00300.example", 300)
    for number in (1, 300, 99_999, 123_456):
        truth = bulk_truth(number)
        assert phonenumbers.is_valid_number(phonenumbers.parse(str(truth["phone"]), None))
        name = f"c{number:05d}.example"
        texts = [answer.body.decode() for path in ("/", "/about", "/contact") if (answer := bulk_answer(name, path))]
        assert len(texts) == 3
        assert all(str(truth[key]) in "".join(texts) for key in ("name", "email", "phone", "employees"))
        for path in re.findall(r"href=(/\w*)>", texts[0]):
            assert bulk_answer(name, path) in [Answer(body=text.encode()) for text in texts]
    assert len({bulk_truth(number)["phone"] for number in range(1, 301)}) == 300
    missing = bulk_answer("c00001.example", "/nothing")
    assert missing is not None and missing.status == 404
    assert bulk_answer("cat.example", "/") is None
