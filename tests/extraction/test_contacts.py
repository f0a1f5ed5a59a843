"""E-mail addresses and phone numbers: the traps that real pages set, one by one."""

from __future__ import annotations

import time

import pytest

from extraction.extractors import emails, phone_numbers, phones


def found_emails(page):
    return {finding.value for finding in emails.find(page)}


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<a href="mailto:%20info@acme.com">x</a>', "info@acme.com"),
        ('<a href="MAILTO:info%40acme.com?subject=a">x</a>', "info@acme.com"),
        ('<a href="mailto:Jane%20Doe%20%3Cjane@acme.com%3E">x</a>', "jane@acme.com"),
        ("<p>info (at) acme (dot) com", "info@acme.com"),
        ("<p>info [at] acme.com", "info@acme.com"),
        ("<p>info{at}acme{punkt}de", "info@acme.de"),
        ("<p>write to info at acme dot com", "info@acme.com"),
        ("<p>Emailinfo@acme.com", "info@acme.com"),
        ("<p>E-mail:info@acme.comPhone: 1", "info@acme.com"),
        ("<p>info@acme.com.Call us", "info@acme.com"),
        ("<p>555-123-4567info@acme.com", "info@acme.com"),
        ('<a data-cfemail="422b2c242d0223212f276c212d2f">[email&#160;protected]</a>', "info@acme.com"),
        ('<a href="/cdn-cgi/l/email-protection#422b2c242d0223212f276c212d2f">x</a>', "info@acme.com"),
        (
            '<script type="application/ld+json">{"@type":"Store","email":"mailto:info@acme.com"}</script>',
            "info@acme.com",
        ),
        ("<p>INFO@ACME.CO.UK.", "info@acme.co.uk"),
    ],
)
def test_email_traps(document, html, expected):
    assert found_emails(document(html)) == {expected}


@pytest.mark.parametrize(
    "html",
    [
        "<p>logo@2x.png",
        "<p>you@example.com",
        "<p>your.name@yourcompany.com",
        "<p>3f2a9c0d1e4b5a6f7c8d9e0f1a2b3c4d@sentry.acme.com",
        "<p>follow @acme on x",
        "<p>a@b",
        "<p>we are at acme",
        '<a data-cfemail="zz">x</a>',
        "<p>info@acme.notatld",
    ],
)
def test_what_is_no_email(document, html):
    assert found_emails(document(html)) == set()


def test_the_reserved_example_counts_on_sample_sites_only(document):
    html = '<a href="mailto:hi@acme.example">x</a><p>jobs (at) acme (dot) example, you@example.com'
    assert found_emails(document(html, domain="acme.example")) == {"hi@acme.example", "jobs@acme.example"}
    assert found_emails(document(html, domain="acme.com")) == set()


def test_an_agency_beside_the_address_is_trusted_less(document):
    page = document("<p>info@acme.com<p>Web design by Pixels: hi@pixels.com")
    confidence = {finding.value: finding.confidence for finding in emails.find(page)}
    assert confidence["info@acme.com"] > 0.5 > confidence["hi@pixels.com"]


def read_all(page, region=None):
    numbers = {"phone": [], "fax": []}
    for finding in phones.find(page):
        numbers[finding.field] += [number for number, _ in phone_numbers.read(finding.value, region)]
    return numbers


@pytest.mark.parametrize(
    ("text", "region", "phone", "fax"),
    [
        ("Call (303) 333-7285 today", "US", ["+13033337285"], []),
        ("Call 303.333.PAUL", "US", ["+13033337285"], []),
        ("1-800-FLOWERS", "US", ["+18003569377"], []),
        ("Phone: +44 (0) 20 7629 1317", "GB", ["+442076291317"], []),
        ("+44 (0)20 7629 1317", "US", ["+442076291317"], []),
        ("T +44 (0)20 3167 4997 | F +44 (0)20 7629 1317", "GB", ["+442031674997"], ["+442076291317"]),
        ("Tel (780) 450-9444 Fax (780) 450-3848", "CA", ["+17804509444"], ["+17804503848"]),
        ("Telefax: 07361 987655", "DE", [], ["+497361987655"]),
        ("Tel/Fax: 01268 745421", "GB", ["+441268745421"], []),
        ("01268 745467 (fax)", "GB", [], ["+441268745467"]),
        ("Tel. 0265-551 3638 / 3639", "IN", ["+912655513638", "+912655513639"], []),
        ("0049 7361 9876550", "US", ["+4973619876550"], []),
        ("Toll free 1 (800) 232-2267, ext. 12", "US", ["+18002322267"], []),
        ("HRB 500123, Tel. 07361 987655", "DE", ["+497361987655"], []),
        ("phone 4165151212", "CA", ["+14165151212"], []),
    ],
)
def test_phone_traps(document, text, region, phone, fax):
    assert read_all(document(f"<p>{text}"), region) == {"phone": phone, "fax": fax}


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("12345678910", "US"),
        ("Tel: 12345678910", "US"),
        ("USt-IdNr.: DE 811234567", "DE"),
        ("VAT GB 123 4567 89", "GB"),
        ("VAT number: 020 7946 0018", "GB"),
        ("Company No. 01234567", "GB"),
        ("Registered in England No. 0207 9460018", "GB"),
        ("Handelsregister HRB 07361987655", "DE"),
        ("24.12.2025", "DE"),
        ("2025-12-24 10:00", "US"),
        ("1998 - 2026", "US"),
        ("12/24/2025", "US"),
        ("€ 1.299.000,00", "DE"),
        ("$4,165,151,212", "US"),
        ("020 7946 0018 EUR", "GB"),
        ("10.00 - 18.30", "GB"),
        ("192.168.100.200", "US"),
        ("ISBN 978-3-16-148410-0", "DE"),
        ("SKU 4165151212", "CA"),
        ("our item 4165151212 is one of the best sellers we ever had in the shop", "CA"),
        ("0000000000", "US"),
        ("4006381333931", "DE"),
    ],
)
def test_what_is_no_phone(document, text, region):
    assert read_all(document(f"<p>{text}"), region) == {"phone": [], "fax": []}


def test_tel_links_and_declared_numbers(document):
    page = document(
        '<a href="tel:%2B1-303-333-7285;ext=2">Call</a><a href="fax:+13033337286">x</a>'
        '<script type="application/ld+json">{"@type":"Dentist","telephone":"(303) 333-7287",'
        '"faxNumber":"303-333-7288"}</script>'
    )
    assert read_all(page, "US") == {
        "phone": ["+13033337287", "+13033337285"],
        "fax": ["+13033337288", "+13033337286"],
    }
    assert {finding.method for finding in phones.find(page)} == {"json-ld", "tel-link"}


def test_the_label_of_the_line_before_counts(document):
    assert read_all(document("<table><tr><td>Fax<td>(303) 333-7285</table>"), "US")["fax"] == ["+13033337285"]


@pytest.mark.parametrize(
    "text",
    [
        "@" * 1_400_000,
        "1" * 1_400_000,
        "1 " * 700_000,
        "a@" * 700_000,
        "a@b." * 350_000,
        "(at)" * 350_000,
        "+(0)" * 350_000,
    ],
)
def test_megabytes_of_signs_are_read_in_bounded_time(document, text):
    started = time.process_time()
    page = document(f"<p>{text}")
    list(emails.find(page))
    read_all(page, "US")
    assert time.process_time() - started < 8
