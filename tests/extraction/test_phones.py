"""Phone numbers as people write them: how they are joined, labelled, cut short, and what only looks like one."""

from __future__ import annotations

import re

import phonenumbers
import pytest

from extraction import company_row
from extraction.extractors import phone_numbers, phones
from extraction.process import extract

TABLE_HEAD = "<th>Team<th>Phone<th>Fax"
SAME = "<td>415-697-2204"
PHONE, FAX = "+497113487025", "+497113487028"
PHONE_AND_MOBILE = ["+497113487025", "+491716284413"]


def read_all(page, region=None):
    numbers = {"phone": [], "fax": []}
    for finding in phones.find(page):
        numbers[finding.field] += [number for number, _ in phone_numbers.read(finding.value, region)]
    return numbers


@pytest.mark.parametrize(
    "written",
    [
        *(f"0711 34870{dash}25" for dash in "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"),
        *(
            "0711\u202f34870\u202f25",
            "0711\u200b 34870\u200d-\u200d25",
            "0711 34870\u00ad25",
            "\u200e0711 3487025\u200e",
        ),
        *(
            "\uff10\uff17\uff11\uff11\uff0f\uff13\uff14\uff18\uff17\uff10\uff0d\uff12\uff15",
            "0711 34870-25\u00b2",
            "0711/34870-25\ufe0f",
        ),
    ],
)
def test_every_dash_and_hidden_sign_is_folded(document, written):
    assert read_all(document(f"<p>Telefon: {written}"), "DE")["phone"] == ["+497113487025"]


@pytest.mark.parametrize(
    ("text", "region", "phone"),
    [
        ("Telefon 0711 34870-25 und -26", "DE", ["+497113487025", "+497113487026"]),
        ("Telefon 0711 34870-0, -126 oder -127", "DE", ["+49711348700", "+4971134870126", "+4971134870127"]),
        ("Tel.: +49 711 34870-25/-26", "DE", ["+497113487025", "+497113487026"]),
        ("Tel.: 0711/34870-25/26/27", "DE", ["+497113487025", "+497113487026", "+497113487027"]),
        ("Phone 415-697-2201 or 2202", "US", ["+14156972201", "+14156972202"]),
        ("Tél. 04 72 41 18 60 ou 61", "FR", ["+33472411860", "+33472411861"]),
        ("Tel 0117 496 0841, 0117 496 0842", "GB", ["+441174960841", "+441174960842"]),
        ("(415) 697-2201 (415) 697-2202", "US", ["+14156972201", "+14156972202"]),
        ("0711 3487025 - 0171 6284413", "DE", ["+497113487025", "+491716284413"]),
        ("Telefon 0711 34870-25, Mo-Fr 9-17 und Sa 10-14 Uhr", "DE", ["+497113487025"]),
        ("Telefon 0711 34870-25 und 15 Filialen im Land", "DE", ["+497113487025"]),
        ("Phone 415-697-2201, 2019", "US", ["+14156972201"]),
        ("Call 416 - 697 - 2201", "CA", ["+14166972201"]),
        ("Call (415) 697-2201 x34 or ext. 35", "US", ["+14156972201"]),
        ("Call 415-697-2201x34", "US", ["+14156972201"]),
        ("Telefon: 0711 3487025Mobil: 0171 6284413", "DE", ["+497113487025", "+491716284413"]),
        ("Tel.0711 3487025", "DE", ["+497113487025"]),
        ("Telefoon:________0117- 49 62 71", "NL", ["+31117496271"]),
        ("Write to help@acme.org or (415) 697-2201", "US", ["+14156972201"]),
        ("post@acme.no (415) 697-2201", "US", ["+14156972201"]),
        ("415.697.COOK", "US", ["+14156972665"]),
        ("888.FAR.SIGHTED", "US", ["+18883277444"]),
        ("Serving you since 1987. 415.697.2201", "US", ["+14156972201"]),
        ("Telefoonnummer 020 624 1111", "NL", ["+31206241111"]),
        ("Tel. 567 310 177, 567 310 178", "CZ", ["+420567310177", "+420567310178"]),
        ("Tfno. 910.829.451", "ES", ["+34910829451"]),
        ("601 829 450", "PL", ["+48601829450"]),
        ("\u2706 04\u00b765\u00b771\u00b700\u00b712", "FR", ["+33465710012"]),
        ("Service 01805 226844 (14 ct/min)", "DE", ["+491805226844"]),
        ("手机：13812945670", "CN", ["+8613812945670"]),
    ],
)
def test_numbers_are_cut_and_split(document, text, region, phone):
    assert read_all(document(f"<p>{text}"), region) == {"phone": phone, "fax": []}


@pytest.mark.parametrize(
    ("html", "region", "phone", "fax"),
    [
        ("<p>Tel.: 0711 34870-25, Fax: -29", "DE", ["+497113487025"], ["+497113487029"]),
        ("<p>Fax No. 0117 496 0842", "GB", [], ["+441174960842"]),
        ("<p>Facsimile: (415) 697-2203", "US", [], ["+14156972203"]),
        ("<p>Fax 0711 34870-28 oder 0711 34870-29", "DE", [], ["+497113487028", "+497113487029"]),
        ("<p>Telefon und Fax: 0711 3487025", "DE", ["+497113487025"], []),
        ("<p>Head office, Fax: 0711 3487025", "DE", [], ["+497113487025"]),
        ("<p>F (02) 5550 1429 | 1300 975 707", "AU", ["+611300975707"], ["+61255501429"]),
        ("<p>T 0711 3487025 · F 0711 3487028 • 0171 6284413", "DE", PHONE_AND_MOBILE, ["+497113487028"]),
        ("<p>Hotel Fax: 0711 3487025", "DE", [], ["+497113487025"]),
        ("<p><i class='fas fa-fax'></i> 0711 3487028<p><i class=x>gut</i> 0711 3487025", "DE", [PHONE], [FAX]),
        ("<p>415.697.2201 (Toll-free)<p>415.697.2203 (Fax)", "US", ["+14156972201"], ["+14156972203"]),
        ("<p>415-697-2201 Phone | 415-697-2203 Fax", "US", ["+14156972201"], ["+14156972203"]),
        ("<dl><dt>Phone<dt>Fax<dd>415-697-2201<dd>415-697-2203</dl>", "US", ["+14156972201"], ["+14156972203"]),
        (
            f"<table><tr>{TABLE_HEAD}<tr><td>Call us<td>415-697-2201<td>415-697-2203<tr><td>Archive{2 * SAME}</table>",
            "US",
            ["+14156972201", "+14156972204", "+14156972204"],
            ["+14156972203"],
        ),
    ],
)
def test_a_fax_is_told_by_its_label(document, html, region, phone, fax):
    assert read_all(document(html), region) == {"phone": phone, "fax": fax}


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("Kurs 02.07 - 18.07.24", "DE"),
        ("05.11-09.11.2024", "DE"),
        ("07/2016 - 04/2022 Hall in Mill Road", "US"),
        ("2014 - 04/2016 Hall in Mill Road", "US"),
        ("Mo-Fr 08.00-12.00 13.00-17.30", "DE"),
        ("IBAN NL20 INGB 0001 2345 67", "NL"),
        ("Rekening 20.62.41.112", "NL"),
        ("Erkenningsnummer 206241112", "NL"),
        ("Kundennummer: 0711 3487025", "DE"),
        ("Steuer-Nr.: 0711/34870/25", "DE"),
        ("EUR 206 241 111", "NL"),
        ("12.345.678 visitors, 910.829.451 views", "ES"),
        ("z. B. 0711 3487025", "DE"),
        ("Spares (Mark 1 140/155/170) 1999", "GB"),
        ("e.g. (415) 697-2201", "US"),
        ("사업자등록번호 : 120-81-12345", "KR"),
        ("REA MI-20624111 P.IVA 02624111223", "IT"),
        ("48.775846, 9.182932", "DE"),
        ("250 TRACTORS in stock", "US"),
    ],
)
def test_what_only_looks_like_a_number(document, text, region):
    assert read_all(document(f"<p>{text}"), region) == {"phone": [], "fax": []}


@pytest.mark.parametrize(
    ("href", "phone"),
    [
        ("https://wa.me/497113487025?text=Hello%204971134870", ["+497113487025"]),
        ("https://api.whatsapp.com/send?phone=%2B497113487025&amp;text=x", ["+497113487025"]),
        ("whatsapp://send?phone=497113487025", ["+497113487025"]),
        ("//api.whatsapp.com/send/?phone=%2B497113487025&amp;text", ["+497113487025"]),
        ("sms:+497113487025?body=Call%20me", ["+497113487025"]),
        ("callto:+49 711 3487025", ["+497113487025"]),
        ("tel:+14156972201x34", ["+14156972201"]),
        ("tel:+14156972201,,34", ["+14156972201"]),
        ("tel:1-800-COOKING", ["+18002665464"]),
        ("https://wa.me/?text=0711%203487025", []),
        ("https://wa.me/message/QX497113487025A1", []),
        ("https://chat.whatsapp.com/497113487025", []),
        ("https://x.com/intent/follow?user_id=4156972201", []),
        ("https://www.facebook.com/pages/Acme/4156972201", []),
    ],
)
def test_links_that_call_or_write(document, href, phone):
    assert read_all(document(f'<a href="{href}">Here</a>'), "DE") == {"phone": phone, "fax": []}


@pytest.mark.parametrize(
    ("declared", "phone"),
    [
        ("+49 711 34870-25 (Eva)", ["+497113487025"]),
        ("Eva: +49 711 34870-25", ["+497113487025"]),
        ("+49 711 34870-25, Mo-Fr 9-17 Uhr", ["+497113487025"]),
        ("+49 711 34870-25 ext. 12", ["+497113487025"]),
        ("+49 711 3487025 / +49 171 6284413", ["+497113487025", "+491716284413"]),
        ("+49 711 3487025; 0171 6284413", ["+497113487025", "+491716284413"]),
    ],
)
def test_declared_numbers_may_carry_more(document, declared, phone):
    page = document(
        f'<script type="application/ld+json">{{"@type": "Organization", "telephone": "{declared}"}}</script>'
    )
    assert read_all(page, "DE")["phone"] == phone


def test_a_label_says_more_than_a_link_that_dials(page, company, now):
    html = '<p>Phone (415) 697-2201<p>Fax: <a href="tel:+14156972203">(415) 697-2203</a>'
    row = company_row.settle(company(), extract(page(html)), now)
    assert (row["phones"], row["fax"]) == (["+14156972201"], ["+14156972203"])


@pytest.mark.parametrize(("line", "kept"), [("0171 6284413", False), ("Mobil 0171 6284413", True)])
def test_a_bare_number_of_a_page_aside_counts_where_no_labelled_one_is(page, company, now, line, kept):
    aside = page(f"<p>{line}", path="/cafes", kind="other")
    alone = company_row.settle(company(), extract(aside), now)
    beside = company_row.settle(company(), [*extract(page("<p>Telefon: +49 711 3487025")), *extract(aside)], now)
    assert alone["phones"] == (["+491716284413"] if alone["country"] == "DE" else [])
    assert ("+491716284413" in beside["phones"]) is kept


def test_a_number_exists_where_the_library_says_so_and_is_of_the_region_that_it_tells() -> None:
    told = 0
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (0, 1, 3, 5):
            example = phonenumbers.example_number_for_type(region, kind)
            if example is None:
                continue
            for change in (0, 1, 7_000_000):
                one = phonenumbers.PhoneNumber()
                one.merge_from(example)
                one.national_number += change
                written = phonenumbers.format_number(one, phonenumbers.PhoneNumberFormat.E164)
                valid = phonenumbers.is_valid_number(one)
                expected = ((written, phonenumbers.region_code_for_number(one)),) if valid else ()
                if not re.search(r"123456|234567|345678|987654|(\d)\1{6}", written):
                    told += valid
                    assert phone_numbers.read(written, None) == expected, written
    assert told > 500
