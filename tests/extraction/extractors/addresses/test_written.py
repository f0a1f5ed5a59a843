"""Addresses of 60 countries as sites write them, and everything that merely looks like one."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from extraction.extractors import addresses

WRITTEN = tomllib.loads(Path(__file__).with_name("written.toml").read_text("utf-8"))
CASES = [
    pytest.param(country, text, told, id=f"{country}-{place}")
    for country, cases in WRITTEN.items()
    for place, (text, told) in enumerate(cases)
]


def settled(document, markup, country, **page):
    found = addresses.settle(list(addresses.find(document(markup, **page))), country)
    return tuple(found.value[part] for part in addresses.PARTS) if found else None


def expected(told, country):
    street, city, region, postcode = (part.strip() or None for part in told.split(";"))
    return street, city, region, postcode, country


@pytest.mark.parametrize(("country", "text", "told"), CASES)
def test_an_address_is_read(document, country, text, told):
    domain = f"acme.{'co.uk' if country == 'GB' else country.lower()}"
    markup = "<p>" + text.replace("&", "&amp;").replace("\n", "<br>")
    assert settled(document, markup, country, domain=domain) == expected(told, country)


SIGNS = ["-", "–", "—", "|", "•", "·", "/", "*", "~", "::", ">", "+", "»", "›", "◆", "✦", "⦁", "■", "--"]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("cased", [str, str.upper])
def test_the_parts_of_a_line_may_be_parted_by_any_sign(document, sign, cased):
    parts = (
        "Harbour Milling Co., Inc.",
        "4400 Channel Dr",
        "Houston, TX 77015",
        "Phone 713.555.0190",
        "Fax 713.555.0191",
    )
    markup = "<p>" + cased(f" {sign} ".join(parts)).replace(">", "&gt;")
    street, city = cased("4400 Channel Dr"), cased("Houston")
    assert settled(document, markup, "US", domain="harbour-milling.com") == (street, city, "TX", "77015", "US")


NONE = [
    "Founded in 2014 An Architect said",
    "12345 Happy customers",
    "We sold 8001 Widgets",
    "WA is a nice state",
    "call 80525 now",
    "12.03.2024 Berlin",
    "Am 12.03.2024, 1900 Uhr, Berlin",
    "2010 Lisbon conference",
    "Room 5, 2010 Lisbon conference",
    "Monday 12 May 2014 London",
    "Mo-Fr 0800-1800 Uhr",
    "Order no. 20457 Hamburg edition",
    "Bestellnummer: 12345 Standard",
    "Telefon: 030 23125-453<br>Name",
    "Tel. (0231) 12 3456 Dortmund",
    "+49 7361 73430 Aalen",
    "from 1200 EUR",
    "1999 USD, 2049 CHF",
    "Over 1500 Projects in Europe",
    "HP 9000 Series<br>Call us",
    "© 2014 Acme Tools",
    "ISO 9001 Certified, ISO 14001 Certified",
    "HRB 12345 Amtsgericht Aalen",
    "Amtsgericht Hamburg, HRB 20457",
    "IBAN DE12 5001 0517 5407 3249 31",
    "12 years of experience, 2010 Award winner",
    "Version 2019 Update 3",
    "BT40 ER Collet Chucks",
    "Model M12 4XA",
    "Copyright 1998-2010 The Company",
    "Street Art 2019 Vienna festival opens soon",
    "Top 10000 Websites",
    "Page 1 of 12, 2011 Results",
    "5 stars | 1204 reviews",
    "Posted on May 29th, 2013 0 Comments",
    "SS5 4AD",
    "401-500 sq m<br>501-750 sq m<br>1001-2000 sq m",
    "3 Zimmer, 1050 Euro warm",
    "Deutschland",
    "1 High Street fashion label, since 1998 Trend",
    "555-1234 Springfield",
    "2014 UK Plumbing",
    "Granit X-Plus 54 STD<br>39372<br>Regular Price",
    "0 - 50 sq m<br>51-100 sq m",
    "May 19, 2014<br>Fort Myers<br>Florida",
]


@pytest.mark.parametrize("text", NONE)
@pytest.mark.parametrize("domain", ["acme-tools.com", "acme.de", "acme.co.uk", "acme.pt", "acme.jp", "acme.hu"])
def test_what_only_looks_like_an_address_is_none(document, text, domain):
    page = document(f"<p>{text}", domain=domain)
    assert [finding.value for finding in addresses.find(page)] == []
