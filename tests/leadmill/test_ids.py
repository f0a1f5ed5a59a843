"""Identities: what makes two URLs the same company, and which texts are no URL."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadmill.errors import InputError
from leadmill.ids import COMPANY_ID, JOB_ID, company_id, new_job_id, parse_company_url, registrable_domain


@pytest.mark.parametrize(
    ("text", "domain", "url"),
    [
        ("example.com", "example.com", "https://example.com/"),
        ("  https://www.Example.com  ", "example.com", "https://www.example.com/"),
        ("http://shop.acme.co.uk/about?x=1#top", "acme.co.uk", "http://shop.acme.co.uk/about?x=1"),
        ("foo.myshopify.com", "foo.myshopify.com", "https://foo.myshopify.com/"),
        ("http://münchen.de/", "xn--mnchen-3ya.de", "http://xn--mnchen-3ya.de/"),
        ("acme.example", "acme.example", "https://acme.example/"),
        ("www.acme.example:8443/x", "acme.example", "https://www.acme.example:8443/x"),
        ("http://127.0.0.1:8001/", "127.0.0.1:8001", "http://127.0.0.1:8001/"),
        ("http://[::1]:80/", "[::1]:80", "http://[::1]:80/"),
        ("HTTPS://EXAMPLE.ORG.", "example.org", "https://example.org/"),
    ],
)
def test_a_url_names_its_company(text: str, domain: str, url: str) -> None:
    found = parse_company_url(text)
    assert (found.domain, found.url) == (domain, url)
    assert found.company_id == "comp_" + hashlib.sha256(domain.encode()).hexdigest()[:16]
    assert found.bare == ("://" not in text)


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "ftp://example.com", "file:///etc/passwd", "javascript:alert(1)", "mailto:a@example.com",
        "http://", "http://user:pw@example.com", "nonsense", "http://exa mple.com", "http://example.com:99999",
        "http://a\\b.com", "http://-a.com", "http://1.2.3", "http://" + "a" * 2_100 + ".com", "http://ex\x00ample.com",
        "//example.com", "=cmd|calc",
    ],
)  # fmt: skip
def test_what_is_no_company_url_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_company_url(text)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:pl4nted@acme.example", "user:pl4nted@acme.example", "//user:pl4nted@acme.example",
        "https://user:pl4nted/x@acme.example", "https://user:pl4nted x@acme.example",
        "https:/user:pl4nted@acme.example",
        "https://user:12pl4nted@acme.example:99999", "ftp://user:pl4nted@acme.example", "https://pl4nted@acme.example",
        "https://user:pl4nted\u2100@acme.example", "https://user:" + "pl4nted" * 30 + "@acme.example",
    ],
)  # fmt: skip
def test_a_refused_url_is_repeated_without_its_password(url: str) -> None:
    with pytest.raises(InputError) as found:
        parse_company_url(url)
    assert "pl4nted" not in str(found.value)


@given(st.text(max_size=200))
def test_any_text_gives_a_company_or_an_input_error(text: str) -> None:
    try:
        found = parse_company_url(text)
    except InputError:
        return
    again = parse_company_url(found.url)
    assert (again.company_id, again.domain) == (found.company_id, found.domain)


def test_ids_have_their_form_and_sort_by_time() -> None:
    ids = [new_job_id() for _ in range(50)]
    assert all(JOB_ID.match(i) for i in ids)
    assert len(set(ids)) == 50
    assert ids[0][:14] <= ids[-1][:14]
    assert COMPANY_ID.match(company_id("example.com"))


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("cedar-lodge.business.site", "cedar-lodge.business.site"),
        ("www.mill.jimdofree.com", "mill.jimdofree.com"),
        ("mill.webnode.page", "mill.webnode.page"),
        ("mill.myshopify.com", "mill.myshopify.com"),
        ("www.weebly.com", "weebly.com"),
        ("help.weebly.com", "weebly.com"),
        ("weebly.com", "weebly.com"),
        ("www.mill.co.uk", "mill.co.uk"),
        ("shop.mill.de", "mill.de"),
    ],
)
def test_a_name_below_a_builders_host_is_a_company(host: str, domain: str) -> None:
    assert registrable_domain(host) == domain
