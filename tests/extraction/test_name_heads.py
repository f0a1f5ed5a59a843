"""The name that stands above an address, in twelve languages; and what stands there and is none."""

from __future__ import annotations

import pytest

from extraction import company_row
from extraction.process import extract
from tests.extraction.conftest import NOW, make_company, make_page


def name_of(html: str, domain: str, kind: str = "contact") -> str | None:
    title = "" if "<title>" in html else "<title>Contact</title>"
    page = make_page(f"<meta charset=utf-8>{title}{html}", domain=domain, kind=kind, path="/contact")
    return company_row.settle(make_company(domain), extract(page), NOW)["name"]


@pytest.mark.parametrize(
    ("domain", "lines"),
    [
        ("hoekman.nu", ("Slagerij Hoekman & Zonen", "Markt 4", "3621 AB Breukelen")),
        ("dbl.nl", ("De Bonte Bloem", "Kerkplein 3", "5401 GK Uden")),
        ("bmi-nw.com", ("Benton Marine Insulation", "1801 Harbor Way, Suite 4", "Everett, WA 98201")),
        ("oakj.co.uk", ("Brackwell Joinery", "17 Station Road", "Otley", "LS21 3HX")),
        ("mueller24.de", ("Malerbetrieb Karl Müller", "Bahnhofstraße 7", "72764 Reutlingen")),
        ("hofi.at", ("Gasthof Zum Hirschen", "Dorfplatz 1", "6060 Hall in Tirol")),
        ("lpb64.fr", ("Le Petit Bistrot", "12 rue des Halles", "64100 Bayonne")),
        ("orl.it", ("Trattoria Orlando", "Via Garibaldi 21", "37121 Verona")),
        ("lavand.es", ("Lavandería Sol", "Calle Mayor, 14", "28013 Madrid")),
        ("pdx.pt", ("Padaria Central", "Rua do Ouro, 8", "1100-062 Lisboa")),
        ("sk24.pl", ("Stolarnia Kowalczyk", "ul. Długa 5", "31-147 Kraków")),
        ("bgl.se", ("Bageri Lindgren", "Storgatan 4", "411 24 Göteborg")),
        ("mns.dk", ("Murermester Nielsen", "Nørregade 12", "5000 Odense C")),
        ("lpm.fi", ("Leipomo Metsola", "Kauppakatu 3", "33200 Tampere")),
    ],
)
@pytest.mark.parametrize(
    "maker", ["", "<p>© 2009 <a href='https://pixelhuis.example'>Pixelhuis</a>", "<p>© KWD DESIGN"]
)
def test_the_line_above_the_street_is_the_name(domain: str, lines: tuple[str, ...], maker: str) -> None:
    assert name_of(f"<h2>Contact</h2><p>{'<br>'.join(lines)}<p>info@{domain}{maker}", domain) == lines[0]


@pytest.mark.parametrize(
    ("html", "name"),
    [
        # A label, a person, a building between the name and the street; all in one line.
        ("<p>Kapsalon Yvonne<p>Bezoekadres:<p>Lange Nering 88<br>8302 EC Emmeloord", "Kapsalon Yvonne"),
        ("<p>Kapsalon Yvonne<br>t.a.v. Y. de Wit<br>Lange Nering 88<br>8302 EC Emmeloord", "Kapsalon Yvonne"),
        ("<p>Kapsalon Yvonne<br>Polderhuis Centrum<br>Lange Nering 88<br>8302 EC Emmeloord", "Kapsalon Yvonne"),
        ("<p>Kapsalon Yvonne<br>T: 0527-698765<br>Lange Nering 88<br>8302 EC Emmeloord", "Kapsalon Yvonne"),
        ("<p>© 2012 Kapsalon Yvonne | Lange Nering 88 | 8302 EC Emmeloord", "Kapsalon Yvonne"),
        ("<p>Kapsalon Yvonne B.V., Lange Nering 88, 8302 EC Emmeloord", "Kapsalon Yvonne"),
        ("<p>Adres: Kapsalon Yvonne, Lange Nering 88, 8302 EC Emmeloord", "Kapsalon Yvonne"),
        # None: labels, places, sentences, links, other firms.
        ("<p>Onze showroom<p>Lange Nering 88<br>8302 EC Emmeloord", "Krulz"),
        ("<p>Emmeloord<br>Lange Nering 88<br>8302 EC Emmeloord", "Krulz"),
        ("<p>Kom gerust eens langs<br>Lange Nering 88<br>8302 EC Emmeloord", "Krulz"),
        ("<p>Voor al uw vragen<br>Lange Nering 88<br>8302 EC Emmeloord", "Krulz"),
        ("<ul><li><a href=/m>Modellen</a></ul><p>Lange Nering 88<br>8302 EC Emmeloord", "Krulz"),
        ("<p>Website door<br>Bureau Inktvlek<br>Turfkade 3<br>9712 TA Groningen", "Krulz"),
        ("<p>Hoofdvestiging:<br>Lange Nering 88<br>8302 EC Emmeloord", "Krulz"),
    ],
)
def test_what_stands_above_the_street(html: str, name: str) -> None:
    assert name_of(html, "krulz.nl") == name


@pytest.mark.parametrize(
    ("domain", "html", "name"),
    [
        # A trade and the town of the address are no name where another stands above it.
        (
            "dakdekker-groningen.nl",
            "<h1>Dakdekker Groningen</h1><p>Dakdekkersbedrijf Noorderlicht<br>Kade 20<br>9718 NH Groningen",
            "Dakdekkersbedrijf Noorderlicht",
        ),
        ("fysio-groningen.nl", "<h1>Fysio Groningen</h1><p>Kade 20<br>9718 NH Groningen", "Fysio Groningen"),
        # The firm above the address is not what its shop is called.
        ("stahlfix.de", "<h1>Stahlfix</h1><p>Nordmetall GmbH<br>Am Hafen 3<br>47119 Duisburg", "Stahlfix"),
        # Who bids welcome.
        ("bhi.nl", "<p>Welkom bij Bloemenhuis Iris!<p>Verse bloemen.", "Bloemenhuis Iris"),
        ("bhi.nl", "<p>Bloemenhuis Iris heet u van harte welkom<p>Verse bloemen.", "Bloemenhuis Iris"),
        ("bhi.de", "<p>Herzlich willkommen bei Blumenhaus Iris in Ulm<p>Frisch.", "Blumenhaus Iris"),
        ("bhi.com", "<p>Welcome to our new website<p>Welcome to the season.", "Bhi"),
        # What the page calls it; the rights; a picture that only its title, or its link's, names.
        ("bhi.nl", "<p>Handelsnaam: Bloemenhuis Iris<p>KvK: 12345678", "Bloemenhuis Iris"),
        ("bhi.nl", "<dl><dt>Bedrijfsnaam<dd>Bloemenhuis Iris</dl>", "Bloemenhuis Iris"),
        ("bhi.nl", "<form><p>Bedrijfsnaam:<p>Uw naam:</form>", "Bhi"),
        ("bhi.nl", "<p>Bloemenhuis Iris | Alle rechten voorbehouden", "Bloemenhuis Iris"),
        ("bhi.nl", "<p>© Copyright Bloemenhuis Iris. Website: Studio Negen", "Bloemenhuis Iris"),
        ("bhi.nl", "<p>Copyright © 2009-2012 | Bloemenhuis Iris", "Bloemenhuis Iris"),
        ("bhi.nl", "<a href='/' title='Bloemenhuis Iris'><img src=x.gif></a>", "Bloemenhuis Iris"),
        ("bhi.nl", "<div id=header><img src=x.gif alt='Bloemenhuis Iris'></div>", "Bloemenhuis Iris"),
        # A page's word at one end of its title, a slogan behind the name.
        ("bhi.nl", "<title>Contact Bloemenhuis Iris</title>", "Bloemenhuis Iris"),
        ("bhi.nl", "<title>Bloemenhuis Iris/Contact</title>", "Bloemenhuis Iris"),
        ("bhi.nl", "<title>Openingstijden van Bloemenhuis Iris</title>", "Bloemenhuis Iris"),
        ("home-comfort.nl", "<title>Home Comfort Groningen</title>", "Home Comfort"),
        ("bhi.nl", "<title>Bloemenhuis Iris, uw bloemist in Ede</title>", "Bloemenhuis Iris"),
        # Pictures that lead somewhere, and who made the site.
        ("bhi.nl", '<a href="/"><img class=logo src=a.png alt="Naar de homepage van Bloemenhuis Iris"></a>',
         "Bloemenhuis Iris"),
        ("bhi.nl", '<h1>x</h1><img src="/logo/b.png" alt="link naar Bovag">', "Bhi"),
        ("bhi.nl", "<p>© 2014 webdesign Studio Negen", "Bhi"),
        ("kwd.nl", "<p>© 2014 KWD Design", "KWD Design"),
    ],
)  # fmt: skip
def test_other_signs_of_a_name(domain: str, html: str, name: str) -> None:
    assert name_of(html, domain) == name
