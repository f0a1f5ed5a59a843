"""Whose a value is: what stands in the block of a maker, host, officer, authority or other firm is no lead's."""

from __future__ import annotations

from typing import Any

import pytest

from extraction import company_row
from extraction.process import extract
from tests.extraction.conftest import NOW, make_company, make_page

#: The company of these pages, as its own block says it: name, street, town, phone, mail.
OWN = (
    "<p>Brunnenhof Keramik GmbH<br>Töpfergasse 7<br>99084 Erfurt<br>Telefon: 0361 555123<br>"
    "E-Mail: post@brunnenhof-keramik.de</p>"
)
DOMAIN = "brunnenhof-keramik.de"
#: Another firm's.
OTHER = "<p>Zirbel Media GmbH<br>Hafenweg 12<br>48155 Münster<br>Tel.: 0251 555987<br>hallo@zirbel-media.de</p>"
FOOT = "<footer><p>© 2026 Brunnenhof Keramik</p></footer>"


def settled(html: str, *, domain: str = DOMAIN, path: str = "/impressum", kind: str = "imprint", **more: str) -> Any:
    """The row of a company whose pages are this one, and those of `more` by their kind."""
    pages = [make_page(html, domain=domain, path=path, kind=kind)]
    pages += [make_page(text, domain=domain, path=f"/{of}", kind=of) for of, text in more.items()]
    findings = [finding for page in pages for finding in extract(page)]
    return company_row.settle(make_company(domain, len(pages)), findings, NOW)


def assert_own(row: Any) -> None:
    assert row["phones"] == ["+49361555123"]
    assert row["emails"] == ["post@brunnenhof-keramik.de"]
    assert row["legal_name"] == "Brunnenhof Keramik GmbH"
    assert row["address"]["city"] == "Erfurt"


LABELS = [
    "Konzept und Umsetzung",
    "Gestaltung & Programmierung",
    "Technische Realisierung",
    "Webdesign",
    "Design and development",
    "Website by",
    "Website design and hosting by",
    "Website door",
    "Webbplatsen är gjord av",
    "Webové stránky vytvořilo",
    "Tvorba webu",
    "Sivuston toteutus",
    "Nettsiden er laget av",
    "Honlap készítette",
    "Hjemmesiden er lavet af",
    "Site design & build by",
    "Ontwerp en realisatie",
    "Webdesign en hosting",
    "Conception et réalisation",
    "Réalisation du site",
    "Diseño y desarrollo web",
    "Diseño web",
    "Realizzazione sito web",
    "Grafica e sviluppo",
    "Projekt i wykonanie",
    "Realizacja strony",
    "Design och produktion",
    "Webbdesign",
    "Design og udvikling",
    "Webbureau",
    "Design e desenvolvimento",
    "Criação do site",
    "Hosting",
    "Hébergeur",
    "Hébergement du site",
    "Alojamiento web",
    "Webhotell",
    "Datenschutzbeauftragter",
    "Externe Datenschutzbeauftragte",
    "Data protection officer",
    "Functionaris voor gegevensbescherming",
    "Délégué à la protection des données",
    "Delegado de protección de datos",
    "Responsabile della protezione dei dati",
    "Inspektor ochrony danych",
    "Dataskyddsombud",
    "Databeskyttelsesrådgiver",
    "Encarregado da proteção de dados",
    "Zuständige Aufsichtsbehörde",
    "Zuständige Kammer",
    "Supervisory authority",
    "Toezichthouder",
    "Autorité de contrôle",
    "Autoridad de control",
    "Autorità di controllo",
    "Organ nadzorczy",
    "Tillsynsmyndighet",
    "Tilsynsmyndighed",
    "Autoridade de controlo",
    "Schlichtungsstelle",
    "Médiateur de la consommation",
    "Berufshaftpflichtversicherung",
    "Professional indemnity insurance",
    "Assurance professionnelle",
    "Seguro de responsabilidad civil",
    "Ubezpieczenie OC",
    "Pressekontakt",
    "Press contact",
    "Ufficio stampa",
    "Unsere Partner",
    "Our partners",
    "Nos partenaires",
    "Onze klanten",
    "Fachhändler",
    "Stockists",
    "Rivenditori",
]
FORMS = [
    "{own}<h3>{label}</h3>{other}",
    "{own}<h4>{label}:</h4><div>{other}</div>",
    "<div>{own}</div><div><div><h3>{label}</h3></div><div>{other}</div></div>",
    "<h2>{label}</h2>{other}<h2>Anbieter</h2>{own}",
    "{own}<p><strong>{label}:</strong><br>{bare}</p>",
    "{own}<p><b>{label}</b></p>{other}",
    "<dl><dt>Anbieter</dt><dd>{own}</dd><dt>{label}</dt><dd>{other}</dd></dl>",
    "<table><tr><th>Anbieter</th><td>{own}</td></tr><tr><th>{label}</th><td>{other}</td></tr></table>",
]


@pytest.mark.parametrize(
    ("label", "form"),
    # Each label in two forms, so that each form has labels of each kind.
    [(label, FORMS[(place + more) % len(FORMS)]) for place, label in enumerate(LABELS) for more in (0, 3)],
)
def test_what_stands_under_the_label_of_others_is_not_the_companys(label, form):
    bare = OTHER.removeprefix("<p>").removesuffix("</p>")
    html = form.format(own=OWN, other=OTHER, label=label, bare=bare)
    assert_own(settled(f"<h1>Impressum</h1>{html}{FOOT}"))


@pytest.mark.parametrize(
    "line",
    [
        "© 2026 Brunnenhof Keramik · Website by Zirbel Media GmbH · hallo@zirbel-media.de",
        "© 2026 Brunnenhof Keramik | Webdesign: Zirbel Media GmbH, Tel. 0251 555987",
        "Webdesign von Zirbel Media GmbH, Hafenweg 12, 48155 Münster, Tel. 0251 555987",
        "Umsetzung: Zirbel Media GmbH – hallo@zirbel-media.de – 0251 555987",
        "Designed and built by <a href='https://zirbel-media.de'>Zirbel Media GmbH</a> (0251 555987)",
        "Website door Zirbel Media GmbH, 0251 555987",
        "Site réalisé par Zirbel Media GmbH, hallo@zirbel-media.de",
        "Diseñado por Zirbel Media GmbH, hallo@zirbel-media.de",
        "Realizzato da Zirbel Media GmbH, hallo@zirbel-media.de",
        "Strona wykonana przez Zirbel Media GmbH, hallo@zirbel-media.de",
        "Hemsida av Zirbel Media GmbH, hallo@zirbel-media.de",
        "Hjemmeside lavet af Zirbel Media GmbH, hallo@zirbel-media.de",
        "Desenvolvido por Zirbel Media GmbH, hallo@zirbel-media.de",
        "Le site est hébergé par Zirbel Media GmbH, Hafenweg 12, 48155 Münster, 0251 555987",
        "Gehostet bei Zirbel Media GmbH, Hafenweg 12, 48155 Münster, Tel. 0251 555987",
        "Powered by <a href='mailto:hallo@zirbel-media.de'>Zirbel Media GmbH</a>",
    ],
)
def test_a_credit_in_a_footer_is_not_the_companys(line):
    row = settled(f"<h1>Kontakt</h1>{OWN}<footer><p>{line}</p></footer>", path="/kontakt", kind="contact")
    assert_own(row)


@pytest.mark.parametrize(
    "html",
    [
        # The officer is the company's own.
        "<h3>Datenschutzbeauftragter</h3><p>Ina Feld<br>Brunnenhof Keramik GmbH<br>Tel. 0361 555199</p>",
        "<h3>Datenschutzbeauftragter</h3><p>Ina Feld, Tel. 0361 555199, datenschutz@brunnenhof-keramik.de</p>",
        "<h3>Pressekontakt</h3><p>Ina Feld<br>0361 555199</p>",
        # Its own services and shops.
        "<h3>Unsere Partner beraten Sie gern</h3><p>0361 555199</p>",
        "<h3>Kunden</h3><p>Fragen? Rufen Sie uns an: 0361 555199</p>",
        "<h2>Filialen</h2><h3>Weimar</h3><p>Markt 3<br>99423 Weimar<br>Tel. 0361 555199</p>",
        "<h3>Händler</h3><p>0361 555199</p>",
        "<ul><li><a href='/p'>Partner</a></li><li><a href='/k'>Kontakt</a></li></ul><p>Tel. 0361 555199</p>",
    ],
)
def test_what_is_the_companys_own_stays(html):
    row = settled(f"<h1>Kontakt</h1>{OWN}{html}", path="/kontakt", kind="contact")
    assert "+49361555199" in row["phones"]


@pytest.mark.parametrize(
    "html",
    [
        "<h2>Referenzen</h2><ul><li>Hotel Adler, Tel. 0251 555987<li>Gasthof Linde, Tel. 0251 555986</ul>",
        "<h2>Händler</h2><table><tr><td>Haus Nord<td>0251 555987<tr><td>Haus Süd<td>0251 555986</table>",
        "<h2>Ausflugsziele in der Umgebung</h2><p>Zoo – 0251 555987</p><p>Burg – 0251 555986</p>",
        "<h2>Restaurants nearby</h2><p>Blue Plate, 0251 555987</p><p>Red Spoon, 0251 555986</p>",
        "<blockquote>„Sehr gut!“ Jim Zirbel, 0251 555987</blockquote>",
        "<div class='testimonial'><p>Sehr gut! Jim Zirbel, 0251 555987</p></div>",
    ],
)
def test_numbers_in_lists_of_others_and_in_quotations(html):
    assert_own(settled(f"<h1>Kontakt</h1>{OWN}{html}{FOOT}", path="/kontakt", kind="contact"))


def test_a_page_whose_numbers_are_all_quoted_is_laid_out_so():
    assert_own(settled(f"<h1>Kontakt</h1><blockquote>{OWN}</blockquote>", path="/kontakt", kind="contact"))


BARE, OTHERS = OWN.removeprefix("<p>").removesuffix("</p>"), OTHER.removeprefix("<p>").removesuffix("</p>")
IN_LINE = "Zirbel Media GmbH, Hafenweg 12, 48155 Münster, Tel. 0251 555987, hallo@zirbel-media.de"


@pytest.mark.parametrize(
    "html",
    [
        # flat br
        f"<p>{BARE}<br><br>Webdesign:<br>{OTHERS}</p>",
        # flat br DPO
        f"<div>{BARE}<br><br>Datenschutzbeauftragter:<br>{OTHERS}<br><br>Alle Angaben ohne Gewähr.</div>",
        # label value in p
        f"{OWN}<p>Webdesign: {OTHERS}</p>",
        # label value middle
        f"<p>{BARE}<br>Webdesign: {IN_LINE}</p>",
        # label value before
        f"<p>Webdesign: {IN_LINE}<br>{BARE}</p>",
        # dpo sentence
        f"{OWN}<p>Unseren Datenschutzbeauftragten erreichen Sie unter {IN_LINE}.</p>",
        # dpo sentence colon
        f"{OWN}<p>Unseren Datenschutzbeauftragten erreichen Sie unter:</p><p>{OTHERS}</p>",
        # dpo sentence 2
        f"{OWN}<p>Als externer Datenschutzbeauftragter ist bestellt:<br>{OTHERS}</p>",
        # host prose fr
        f"{OWN}<p>L'hébergement du site est assuré par la société {IN_LINE}.</p>",
        # host prose fr2
        f"{OWN}<p>Ce site est hébergé par :</p><p>{OTHERS}</p>",
        # google
        f"{OWN}<h2>Datenschutz</h2><p>Wir nutzen Google Maps der Google Ireland Limited, Gordon House, Barrow Street, Dublin 4, Irland. Tel. +353 1 543 1000</p>",
        # partner cards
        f"{OWN}<h2>Unsere Partner</h2><div><div><h3>Zirbel Media GmbH</h3><p>Hafenweg 12<br>48155 Münster<br>Tel. 0251 555987</p><a href='https://zirbel-media.de'>Website</a></div><div><h3>Kreisel AG</h3><p>Tel. 0251 555986</p><p><a href='https://kreisel.de'>kreisel.de</a></p></div></div>",
        # partner list
        f"{OWN}<h2>Händler</h2><ul><li>Zirbel Media GmbH, 48155 Münster, Tel. 0251 555987</li><li>Kreisel AG, Tel. 0251 555986</li></ul>",
        # partner table
        f"{OWN}<h2>Händler</h2><table><tr><td>Zirbel Media GmbH</td><td>48155 Münster</td><td>0251 555987</td></tr><tr><td>Kreisel AG</td><td>48155 Münster</td><td>0251 555986</td></tr></table>",
        # kg
        OWN.replace("Keramik GmbH", "Keramik GmbH & Co. KG")
        + "<p>Persönlich haftende Gesellschafterin:<br>Brunnenhof Verwaltungs GmbH<br>Amtsgericht Jena, HRB 4711</p>",
        # member
        f"{OWN}<p>Mitglied der Handwerkskammer Erfurt, Fischmarkt 13, 99084 Erfurt, Tel. 0361 67070</p>",
        # kammer colon
        f"{OWN}<p>Zuständige Kammer: Handwerkskammer Erfurt, Fischmarkt 13, 99084 Erfurt, Tel. 0361 67070, info@hwk-erfurt.de</p>",
        # gewerbe
        f"{OWN}<p>Aufsichtsbehörde:<br>Ordnungsamt Erfurt<br>Bürgermeister-Wagner-Str. 1<br>99084 Erfurt<br>Tel. 0361 6550</p>",
        # foto
        f"{OWN}<h3>Bildnachweis</h3><p>{OTHERS}</p>",
        # text&redaktion
        f"{OWN}<h4>Redaktion, Text und Fotografie</h4><p>{OTHERS}</p>",
        # betreut
        f"{OWN}<h4>Technische Umsetzung und Betreuung der Website</h4><p>{OTHERS}</p>",
        # inline footer agency
        f"{OWN}<footer><div>© 2026 Brunnenhof Keramik GmbH</div><div>Made with ♥ by <a href='https://zirbel-media.de'>Zirbel Media GmbH</a></div></footer>",
        # insurer
        f"{OWN}<p><b>Berufshaftpflichtversicherung:</b> {IN_LINE}</p>",
        # insurer2
        f"{OWN}<p>Angaben zur Berufshaftpflichtversicherung<br>Name und Sitz des Versicherers:<br>{OTHERS}<br>Geltungsraum: Deutschland</p>",
        # press
        f"{OWN}<h3>Pressekontakt</h3><p>{OTHERS}</p>",
        # dl dt two dd
        "<dl><dt>Anbieter</dt><dd>Brunnenhof Keramik GmbH</dd><dd>Töpfergasse 7</dd><dd>99084 Erfurt</dd><dd>Telefon: 0361 555123</dd><dd>post@brunnenhof-keramik.de</dd><dt>Hosting</dt><dd>Zirbel Media GmbH</dd><dd>Hafenweg 12</dd><dd>48155 Münster</dd><dd>0251 555987</dd></dl>",
        # h2 agency first
        f"<h2>Webdesign</h2>{OTHER}<h2>Angaben gemäß § 5 DDG</h2>{OWN}",
        # label p, p p
        f"{OWN}<p>Webdesign</p>{OTHER}",
        # span label
        f"{OWN}<div><span class='l'>Gestaltung und Technik</span><br>{OTHERS}</div>",
        # div heading
        f"{OWN}<div class='hd'>Realisation</div><div>{OTHERS}</div>",
        # two col
        f"<div class='row'><div class='col'><h3>Kontakt</h3>{OWN}</div><div class='col'><h3>Webdesign</h3>{OTHER}</div></div>",
        # odr
        f"{OWN}<h3>Verbraucherstreitbeilegung</h3><p>Zuständig ist die Allgemeine Verbraucherschlichtungsstelle, Straßburger Straße 8, 77694 Kehl, Tel. 07851 7957940, mail@verbraucher-schlichter.de</p>",
    ],
)
@pytest.mark.parametrize("kind", ["imprint", "contact"])
def test_passages_of_others_in_many_shapes(html, kind):
    row = settled(f"<h1>Impressum</h1>{html}{FOOT}", path=f"/{kind}", kind=kind)
    assert row["legal_name"].startswith("Brunnenhof Keramik GmbH")
    assert_own({**row, "legal_name": "Brunnenhof Keramik GmbH"})


def block(name: str, street: str, town: str, phone: str, mail: str = "") -> str:
    return f"<p>{name}<br>{street}<br>{town}<br>Tel. {phone}<br>{mail}</p>"


@pytest.mark.parametrize(
    ("domain", "html", "legal", "phones", "city"),
    [
        # domain, html, expect legal, phones exact, city
        (
            "brunnenhof-keramik.de",
            block("Brunnenhof Handel GmbH", "Marktweg 2", "07743 Jena", "03641 555222")
            + block("Brunnenhof Keramik GmbH", "Töpfergasse 7", "99084 Erfurt", "0361 555123"),
            "Brunnenhof Keramik GmbH",
            None,
            "Erfurt",
        ),
        (
            "acorncameras.co.uk",
            "<h1>Legal</h1><p>Acorn Cameras is a trading name of Wexley Retail Limited, registered in England No. 1234567. Registered office: 4 Mill Lane, Leeds LS1 4BR. Tel 0113 496 0071</p>",
            "Wexley Retail Limited",
            ["+441134960071"],
            "Leeds",
        ),
        (
            "acorncameras.co.uk",
            "<h1>Legal</h1><p>Site operator</p><p>Wexley Retail Ltd</p><p>4 Mill Lane<br>Leeds LS1 4BR<br>0113 496 0071</p><p>Acorn Cameras is part of Grandholm Group plc, 1 King Street, Aberdeen AB24 5AA, 01224 496007</p>",
            "Wexley Retail Ltd",
            None,
            "Leeds",
        ),
        (
            "fuchsbau.de",
            "<h3>Muttergesellschaft</h3>"
            + block("Birkenau Holding GmbH", "Kaiserwall 4", "45657 Recklinghausen", "02361 555301")
            + "<h3>Betreiber</h3>"
            + block("Fuchsbau Spielgeräte GmbH", "Am Schacht 11", "44649 Herne", "02323 555302"),
            "Fuchsbau Spielgeräte GmbH",
            ["+492323555302"],
            "Herne",
        ),
        (
            "fuchsbau.de",
            block("Birkenau Holding GmbH", "Kaiserwall 4", "45657 Recklinghausen", "02361 555301", "info@fuchsbau.de"),
            "Birkenau Holding GmbH",
            ["+492361555301"],
            "Recklinghausen",
        ),
        (
            "metallbau-dorn.de",
            "<h2>Dorn Gruppe</h2><div><h3>Metallbau Dorn GmbH</h3><p>Hüttenweg 21<br>57072 Siegen<br>0271 555305</p></div><div><h3>Dorn Immobilien GmbH</h3><p>Bahnhofstr. 1<br>57072 Siegen<br>0271 555399</p></div><div><h3>Kettler Stahl AG</h3><p>Werkstr. 1<br>45127 Essen<br>0201 555399</p></div>",
            "Metallbau Dorn GmbH",
            None,
            "Siegen",
        ),
        (
            "velo-nord.fr",
            "<h1>Mentions légales</h1><p>Éditeur : Vélo Nord SARL, 8 rue des Tilleuls, 59000 Lille, Tél. 03 20 55 51 23</p><p>Vélo Nord est une filiale de Groupe Roulant S.A., 3 avenue Foch, 75016 Paris, Tél. 01 44 55 51 24</p>",
            "Vélo Nord SARL",
            ["+33320555123"],
            "Lille",
        ),
        (
            "dorn.nl",
            block("Dorn Techniek B.V.", "Havenweg 3", "3011 TX Rotterdam", "010 207 1442")
            + "<p>Dorn Techniek B.V. is onderdeel van Zeeman Holding B.V.</p>",
            "Dorn Techniek B.V.",
            ["+31102071442"],
            "Rotterdam",
        ),
        (
            "brunnenhof.de",
            block("Brunnenhof Keramik GmbH & Co. KG", "Töpfergasse 7", "99084 Erfurt", "0361 555123")
            + "<p>Komplementärin: Brunnenhof Verwaltungs GmbH, Töpfergasse 7, 99084 Erfurt</p>",
            "Brunnenhof Keramik GmbH & Co. KG",
            ["+49361555123"],
            "Erfurt",
        ),
    ],
)
def test_of_several_firms_the_one_whose_site_it_is_is_chosen(domain, html, legal, phones, city):
    row = settled(html, domain=domain)
    assert (row["legal_name"], row["address"]["city"]) == (legal, city)
    assert row["phones"] == phones or phones is None


@pytest.mark.parametrize(
    "sentence",
    [
        "All our pots are made by the Feld family: call 0361 555199.",
        "Wir sind Ihr Partner für Keramik: 0361 555199.",
        "Entwickelt von uns, gebrannt bei uns: Fragen an 0361 555199",
    ],
)
def test_a_sentence_about_makers_is_no_credit(sentence):
    filler = "<p>Wir drehen Krüge und Schalen, glasieren und brennen sie selbst.</p>" * 6
    row = settled(f"<h1>Keramik</h1><p>{sentence}</p>{filler}{FOOT}", path="/", kind="home")
    assert row["phones"] == ["+49361555199"]


def test_an_officer_without_mail_and_firm_is_known_by_the_address():
    officer = "<h3>Datenschutzbeauftragte</h3><p>Dr. Ina Feld<br>Zirkusgasse 1<br>20359 Hamburg<br>Tel. 040 555306</p>"
    assert_own(settled(f"<h1>Impressum</h1>{OWN}{officer}{FOOT}"))


@pytest.mark.parametrize(
    ("domain", "html"),
    [
        ("zirbel-media.de", f"<h1>Webdesign &amp; Hosting</h1><p>Wir bauen Websites.</p><h2>Webdesign</h2>{OTHER}"),
        ("zirbel-media.de", f"<h2>Konzept &amp; Umsetzung</h2>{OTHER}<footer>Website by Zirbel Media GmbH</footer>"),
        ("zirbel.de", "<h2>Hosting</h2><p>Zirbel Media GmbH<br>Hafenweg 12<br>48155 Münster<br>Tel.: 0251 555987</p>"),
    ],
)
def test_an_agency_keeps_what_is_its_own(domain, html):
    row = settled(html, domain=domain, path="/", kind="home")
    assert row["phones"] == ["+49251555987"]
    assert row["address"]["city"] == "Münster"


@pytest.mark.parametrize(
    "html",
    [
        "<blockquote>Wonderful pots. – Dana Holt, Marlow Brewing Inc., dana@marlowbrewing.com</blockquote>",
        "<div class='testimonial'><p>Good.</p><p>Dana Holt, Marlow Brewing Inc.</p><p>dana@marlowbrewing.com</p></div>",
        "<ol class='comment-list'><li><p>Nice. Write me: dana@marlowbrewing.com</p></li></ol>",
        "<h2>Was unsere Kunden sagen</h2><p>Schöne Krüge. Dana Holt, Marlow Brewing Inc., dana@marlowbrewing.com</p>",
    ],
)
def test_customers_words_are_not_the_companys(html):
    row = settled(html, path="/", kind="home", imprint=f"<h1>Impressum</h1>{OWN}")
    assert_own(row)


def test_what_a_code_sample_shows_is_nobodys():
    html = "<p>So geht es:</p><pre><code>mail.send(to='dev@brunnenhof-keramik.de', tel='0361 555777');</code></pre>"
    assert_own(settled(html, path="/", kind="home", imprint=f"<h1>Impressum</h1>{OWN}"))


HOLDING = (
    "<p>Birkenau Holding GmbH<br>Kaiserwall 4<br>45657 Recklinghausen<br>Telefon: 02361 555301<br>"
    "info@birkenau-holding.de</p>"
)


@pytest.mark.parametrize(
    "html",
    [
        f"<h3>Herausgeber</h3>{HOLDING}<h3>Betreiber dieser Seite</h3>{OWN}",
        f"<h3>Betreiber dieser Seite</h3>{OWN}<h3>Ein Unternehmen der</h3>{HOLDING}",
        f"{HOLDING}{OWN}",
        f"<div>{OWN}</div><div>{HOLDING}</div>",
        f"<table><tr><td>{OWN}</td><td>{HOLDING}</td></tr></table>",
        f"<ul><li>{HOLDING}</li><li>{OWN}</li></ul>",
        (OWN + HOLDING).replace("</p><p>", "<br><br>"),
        (OWN + HOLDING).replace("<br>", "</p><p>"),
        (HOLDING + OWN).replace("<br>", "</div><div>").replace("p>", "div>"),
    ],
)
def test_a_holding_and_its_firm_are_never_mixed(html):
    row = settled(
        f"<h1>Impressum</h1>{html}{FOOT}", home="<title>Brunnenhof Keramik</title><h1>Brunnenhof Keramik</h1>"
    )
    assert_own(row)
    related = [fact for fact in row["facts"] if fact["field"] == "related_company"]
    assert [fact["value"].split(",")[0] for fact in related] == ["Birkenau Holding GmbH"]
    assert "45657" in related[0]["value"]


def test_a_firm_named_otherwise_than_its_domain_keeps_its_imprint():
    html = OWN.replace("post@brunnenhof-keramik.de", "post@toepferei.de")
    row = settled(f"<h1>Impressum</h1>{html}", domain="toepferei.de")
    assert row["legal_name"] == "Brunnenhof Keramik GmbH"
    assert row["phones"] == ["+49361555123"]


def test_what_was_not_taken_says_whose_it_is():
    row = settled(f"<h1>Impressum</h1>{OWN}<h3>Webdesign</h3>{OTHER}")
    passed = {fact["field"]: fact["why"] for fact in row["candidates"] if fact["why"]}
    assert passed["phone"] == passed["email"] == "stands under “Webdesign”"
