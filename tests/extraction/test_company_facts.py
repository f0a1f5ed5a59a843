"""Names, addresses, countries, languages, profiles, page URLs and years: each rule on a page made for it."""

from __future__ import annotations

import time

import pytest

from extraction.extractors import (
    addresses,
    countries,
    descriptions,
    founded,
    languages,
    legal_names,
    names,
    page_urls,
)
from extraction.extractors.legal_forms import has_form, without_form


def name_of(page):
    name, legal = names.settle([*names.find(page), *legal_names.find(page)], page.domain)
    return (name.value if name else None, legal.value if legal else None)


@pytest.mark.parametrize(
    ("html", "domain", "expected"),
    [
        ("<title>Home | Mister Plumber</title>", "misterplumber.ca", ("Mister Plumber", None)),
        (
            "<title>Toronto Plumbers - 24h</title><h1>Mister Plumber is here</h1>",
            "misterplumber.ca",
            ("Mister Plumber", None),
        ),
        (
            "<title>Home &amp; Office Makeovers: design</title>",
            "homeandofficemakeovers.com",
            ("Home & Office Makeovers", None),
        ),
        (
            "<title>Employment Lawyers | Katz, Marshall &amp; Banks</title><p>© 2013 Katz, Marshall &amp; Banks, LLP",
            "kmblegal.com",
            ("Katz, Marshall & Banks", "Katz, Marshall & Banks, LLP"),
        ),
        (
            '<meta property="og:site_name" content="Acme Tools"><title>Buy drills online</title>',
            "acme-tools.com",
            ("Acme Tools", None),
        ),
        (
            '<script type="application/ld+json">{"@type":"Store","name":"Your Company Name"}</script><title>Acme Tools',
            "acme-tools.com",
            ("Acme Tools", None),
        ),
        ("<title>Welcome to Acme Tools!</title>", "acme-tools.com", ("Acme Tools", None)),
        ("<title>Untitled Document</title>", "acme-tools.com", ("Acme Tools", None)),
        ("<title>株式会社アクメ</title>", "acme.co.jp", ("アクメ", "株式会社アクメ")),
        ('<div class="logo"><img src="a.png" alt="Acme Tools logo"></div>', "acme-tools.com", ("Acme Tools", None)),
        (
            "<title>Innux: time</title><p>© 2020 Innux Technologies, Lda. Site by Pixels Ltd",
            "innux.com",
            ("Innux", "Innux Technologies, Lda."),
        ),
    ],
)
def test_name(document, html, domain, expected):
    assert name_of(document(html, domain=domain)) == expected


@pytest.mark.parametrize(
    ("html", "domain", "expected"),
    [
        # The domain's words go on behind an ampersand.
        (
            "<title>Lone Pine Roofs &amp; Gutters – Reno</title><p>Lone Pine Roofs &amp; Gutters LLC • 1 A Lane",
            "lone-pine-roofs.com",
            ("Lone Pine Roofs & Gutters", "Lone Pine Roofs & Gutters LLC"),
        ),
        # The domain spells the legal name, the site calls itself by less.
        (
            (
                '<title>Werkblick</title><script type="application/ld+json">{"@type":"Organization",'
                '"name":"Werkblick","legalName":"Werkblick Software GmbH"}</script>'
                "<p>© Werkblick Software GmbH, Am Tor 1, 80687 München"
            ),
            "werkblick-software.de",
            ("Werkblick", "Werkblick Software GmbH"),
        ),
        (
            "<title>あおぞら精機株式会社｜歯車の専門工場</title><p>あおぞら精機株式会社　〒392-0099 長野県諏訪市1-1",
            "aozora.co.jp",
            ("あおぞら精機", "あおぞら精機株式会社"),
        ),
        (
            '<title>Polder</title><script type="application/ld+json">{"@type":"Store","name":"Polder B.V."}</script>',
            "polder.nl",
            ("Polder", "Polder B.V."),
        ),
    ],
)
def test_name_and_legal_name(document, html, domain, expected):
    assert name_of(document(html, domain=domain)) == expected


@pytest.mark.parametrize(
    ("footer", "legal"),
    [
        ("ACME TOOLS CO., INC. - 4400 Dock Dr, Houston, TX 77015", "Acme Tools Co., Inc."),
        ("Acme Tools S.p.A., Via Roma 1, 30141 Murano (VE)", "Acme Tools S.p.A."),
        ("Acme Tools SARL au capital de 8 000 €, RCS Paris 999 999 999", "Acme Tools SARL"),
        ("Acme Tools, S.A. Paseo del Prado 9, Madrid", "Acme Tools, S.A."),
        ("Titular: Acme Tools S.L., inscrita en el Registro", "Acme Tools S.L."),
        ("Acme Tools e.K. • Dürener Str. 9 • 50931 Köln", "Acme Tools e.K."),
        ("Acme Tools Sp. z o.o., ul. Prosta 9, 00-001 Warszawa", "Acme Tools Sp. z o.o."),
        ("Acme Toolmaking Services Pty Ltd", "Acme Toolmaking Services Pty Ltd"),
        ("Acme Tools Ltd, London. Registered in England", "Acme Tools Ltd"),
        ("Acme Tools GmbH & Co. KG, Am Kai 1", "Acme Tools GmbH & Co. KG"),
        ("Website by Pixels Ltd", None),
        ("Our partner Bergbau AG visits us", None),
        ("Stores in Reno, NV and in Calgary, AB", None),
    ],
)
def test_legal_name_at_the_foot_of_any_page(document, footer, legal):
    page = document(f"<title>Acme Tools</title><p>Welcome<footer>{footer}</footer>", kind="other")
    assert name_of(page) == ("Acme Tools", legal)


def test_legal_name_from_the_imprint_and_not_from_a_sentence(document):
    page = document(
        "<p>Angela visits Bergbau AG<p>Firma: Berger Feinmechanik GmbH & Co. KG", domain="berger.de", kind="imprint"
    )
    assert name_of(page)[1] == "Berger Feinmechanik GmbH & Co. KG"


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("Acme GmbH & Co. KG", "Acme"),
        ("Acme S.p.A.", "Acme"),
        ("Acme Sp. z o.o.", "Acme"),
        ("Acme, Inc.", "Acme"),
        ("Acme Pty Ltd", "Acme"),
        ("株式会社アクメ", "アクメ"),
        ("アクメ(株)", "アクメ"),
        ("Acme A/S", "Acme"),
        ("Acme Tools", "Acme Tools"),
        ("Ltd", "Ltd"),
        ("The Roofing Company", "The Roofing Company"),
    ],
)
def test_legal_forms(name, bare):
    assert without_form(name) == bare
    assert has_form(name) == (name != bare)


def address_of(page, country=None):
    settled = addresses.settle(list(addresses.find(page)), country)
    return tuple(settled.value[part] for part in addresses.PARTS) if settled else None


@pytest.mark.parametrize(
    ("html", "country", "expected"),
    [
        (
            "<p>1720 Kirkwood Drive, Fort Collins, CO 80525",
            None,
            ("1720 Kirkwood Drive", "Fort Collins", "CO", "80525", "US"),
        ),
        (
            "<p>1720 Kirkwood Drive<br>Fort Collins, Colorado 80525-1234",
            None,
            ("1720 Kirkwood Drive", "Fort Collins", "CO", "80525-1234", "US"),
        ),
        (
            "<p>440 Hall of Fame Avenue Springfield, MA 01105",
            None,
            ("440 Hall of Fame Avenue", "Springfield", "MA", "01105", "US"),
        ),
        (
            "<p>4020 South Industrial Drive<br>Suite 130<br>Austin, TX 78744",
            None,
            ("4020 South Industrial Drive, Suite 130", "Austin", "TX", "78744", "US"),
        ),
        (
            "<p>Acme Inc. 4299 Reynolds Drive, Hilliard, OH 43026",
            None,
            ("4299 Reynolds Drive", "Hilliard", "OH", "43026", "US"),
        ),
        ("<p>290 Moston Lane, Manchester M40 9WB", None, ("290 Moston Lane", "Manchester", None, "M40 9WB", "GB")),
        ("<p>1212 Yonge St., Toronto, ON M4T 1W1", None, ("1212 Yonge St.", "Toronto", "ON", "M4T 1W1", "CA")),
        ("<p>12 George Street, Sydney NSW 2000", None, ("12 George Street", "Sydney", "NSW", "2000", "AU")),
        ("<p>Industriestraße 17a<br>73430 Aalen", "DE", ("Industriestraße 17a", "Aalen", None, "73430", "DE")),
        ("<p>Industriestraße 17a, D-73430 Aalen", None, ("Industriestraße 17a", "Aalen", None, "73430", "DE")),
        ("<p>12 rue de la Paix<br>75002 Paris, France", None, ("12 rue de la Paix", "Paris", None, "75002", "FR")),
        ("<p>Keizersgracht 12<br>1015 CS Amsterdam", None, ("Keizersgracht 12", "Amsterdam", None, "1015 CS", "NL")),
        ("<p>Bahnhofstrasse 4<br>8001 Zürich", "CH", ("Bahnhofstrasse 4", "Zürich", None, "8001", "CH")),
        ("<p>ul. Prosta 51<br>00-838 Warszawa", None, ("ul. Prosta 51", "Warszawa", None, "00-838", "PL")),
        ("<p>Vegagatan 5<br>113 29 Stockholm", None, ("Vegagatan 5", "Stockholm", None, "113 29", "SE")),
        ("<p>Acme GmbH, Am Sandkai 9, 20457 Hamburg.", "DE", ("Am Sandkai 9", "Hamburg", None, "20457", "DE")),
        (
            "<p>Acme S.p.A., Fondamenta del Vetro 9, 30141 Murano (VE)",
            "IT",
            ("Fondamenta del Vetro 9", "Murano", "VE", "30141", "IT"),
        ),
        (
            "<p>Acme, S.A. Paseo del Prado 9, 28046 Madrid. Tel.: 1",
            "ES",
            ("Paseo del Prado 9", "Madrid", None, "28046", "ES"),
        ),
        ("<p>Bahnhofstrasse 9, 9000 St. Gallen", "CH", ("Bahnhofstrasse 9", "St. Gallen", None, "9000", "CH")),
        ("<p>〒392-0099 長野県諏訪市湖岸9-9", None, ("湖岸9-9", "諏訪市", "長野県", "392-0099", "JP")),
        ("<p>〒105-0011 東京都港区芝公園4-2-8", None, ("芝公園4-2-8", "港区", "東京都", "105-0011", "JP")),
    ],
)
def test_address(document, html, country, expected):
    assert address_of(document(html), country) == expected


@pytest.mark.parametrize(
    "html",
    [
        "<p>Founded in 2014 An Architect said",
        "<p>12345 Happy customers",
        "<p>We sold 8001 Widgets",
        "<p>WA is a nice state",
        "<p>call 80525 now",
    ],
)
def test_what_is_no_address(document, html):
    assert address_of(document(html), None) is None


def test_declared_address_comes_first(document):
    page = document(
        '<script type="application/ld+json">{"@type":"Hotel","address":{"streetAddress":"1 High St"'
        ',"addressLocality":"Leeds","postalCode":"LS1 1AA","addressCountry":{"@type":"Country","name":"UK"}}}</script>'
        "<p>290 Moston Lane, Manchester M40 9WB"
    )
    assert address_of(page) == ("1 High St", "Leeds", None, "LS1 1AA", "GB")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Deutschland", "DE"),
        ("UK", "GB"),
        ("usa", "US"),
        ("The Netherlands", "NL"),
        ("DEU", "DE"),
        ("Österreich", "AT"),
        ("Atlantis", None),
        ("", None),
        ("EN", None),
    ],
)
def test_country_names(text, code):
    assert countries.country_code(text) == code


def test_country_order():
    votes = [("US", "language"), ("FR", "cctld"), ("DE", "phone"), ("CH", "address"), ("DE", "phone")]
    assert countries.decide(votes) == ("CH", "address")
    assert countries.decide([v for v in votes if v[1] != "address"]) == ("DE", "phone")
    assert countries.decide([("FR", "cctld"), ("US", "language")]) == ("FR", "cctld")
    assert countries.decide([]) is None


@pytest.mark.parametrize(
    ("domain", "code"),
    [("a.co.uk", "GB"), ("a.de", "DE"), ("a.io", None), ("a.com", None), ("a.eu", None), ("a.com.au", "AU")],
)
def test_cctld(domain, code):
    assert countries.from_domain(domain) == code


GERMAN = "<p>Wir fertigen seit drei Generationen Drehteile und Frästeile für den Maschinenbau in ganz Europa."
ENGLISH = "<p>We have been making turned parts and milled parts for mechanical engineering in all of Europe for long."


@pytest.mark.parametrize(
    ("html", "country", "expected"),
    [
        (f'<html lang="en">{GERMAN}{GERMAN}', "DE", "de"),
        (f'<html lang="en-gb">{ENGLISH}{ENGLISH}', "US", "en"),
        (f'<html lang="en_US">{ENGLISH}{ENGLISH}', "US", "en-US"),
        (f'<html lang="en">{ENGLISH}{ENGLISH}<div>Улица Ленина</div><div>Картографические данные</div>', "US", "en"),
        ('<html lang="de-AT"><p>Kurz', "AT", "de-AT"),
        ("<p>x", None, None),
        ('<html lang="javascript:alert(1)"><p>x', None, None),
    ],
)
def test_language(document, html, country, expected):
    settled = languages.settle(list(languages.find(document(html))), country)
    assert (settled.value if settled else None) == expected


def test_page_urls(document):
    page = document(
        """<a href="/blog">News about careers of great people in this world</a><a href="/kontakt.html">Kontakt</a>
        <a href="/de/karriere/">Karriere</a><a href="/tarife/">Preise</a><a href="javascript:x()">Contact</a>
        <a href="https://other.com/contact">Contact</a><img src="/i/logo.png">"""
    )
    urls = {f.field: f.value for f in page_urls.find(page)}
    assert urls == {
        "contact_url": "https://acme-tools.com/kontakt.html",
        "careers_url": "https://acme-tools.com/de/karriere/",
        "pricing_url": "https://acme-tools.com/tarife/",
        "logo_url": "https://acme-tools.com/i/logo.png",
    }


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Founded in 1987, we", 1987),
        ("Gegründet im Jahre 1954", 1954),
        ("fondée en 1921", 1921),
        ("Family-owned since 1899", 1899),
        ("Fundada em 1947, a oficina", 1947),
        ("Constituida en 1998, la plantilla", 1998),
        ("Firma powstała w 1992 roku w garażu", 1992),
        ("Företaget grundades 2001 och", 2001),
        ("設立 1968年4月", 1968),
        ("1968年に創業しました", 1968),
        ("<table><tr><td>設立<td>1968年</table>", 1968),
        ("Gründungsjahr:<br>1954", 1954),
        ("設立 電話 0266-55-1968", None),
        ("© since 2009", None),
        ("founded in 2087", None),
        ("member since 1999", None),
        ("in 1987 it rained", None),
    ],
)
def test_founded(document, now, text, year):
    settled = founded.settle(list(founded.find(document(f"<p>{text}"))), now)
    assert (int(settled.value) if settled else None) == year


def test_description_is_text(document):
    page = document('<meta name="description" content="We make &lt;b&gt;tools&lt;/b&gt;\x07 for   people who care.">')
    assert next(iter(descriptions.find(page))).value == "We make <b>tools</b> for people who care."


@pytest.mark.parametrize(
    "text",
    [
        "Aa " * 60_000,
        "A" * 200_000 + " 12345",
        "1 High St, " * 20_000,
        "a & " * 50_000,
        "Ltd " * 50_000,
        "since " * 40_000,
        "A, " * 70_000,
    ],
)
def test_hostile_text_is_read_in_bounded_time(document, now, text):
    started = time.process_time()
    # Cut into many lines as well as one: every rule looks at each line.
    for html in (
        f"<title>{text[:500]}</title><p>{text}",
        "".join(f"<p>{text[i : i + 300]} 12345 1998" for i in range(0, 100_000, 300)),
    ):
        page = document(html, domain="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.com", kind="imprint")
        names.settle([*names.find(page), *legal_names.find(page)], page.domain)
        addresses.settle(list(addresses.find(page)), None)
        founded.settle(list(founded.find(page)), now)
        languages.settle(list(languages.find(page)), None)
    assert time.process_time() - started < 10
