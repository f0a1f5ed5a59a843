"""Legal forms of many countries, and the legal name of the company among all names with a form on its pages."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from extraction import company_row
from extraction.extractors import legal_forms
from extraction.extractors.legal_forms import has_form, without_form
from extraction.extractors.legal_lines import names_in
from extraction.process import extract
from extraction.text import squash
from tests.extraction.conftest import NOW, make_company, make_page

FORMS = tomllib.loads(Path(legal_forms.__file__).with_name("legal_forms.toml").read_text(encoding="utf-8"))


def test_the_list_has_sixty_countries_and_each_form_is_found() -> None:
    assert len(FORMS) >= 60
    for country, lists in FORMS.items():
        for form in (*lists.get("behind", ()), *lists.get("exact", ())):
            name = f"Quillbarrow {form}"
            assert legal_forms.may_have_form(name), (country, form)
            assert (without_form(name), has_form(name)) == ("Quillbarrow", True), (country, form)
            assert [named.text.rstrip(".") for named in names_in(f"{name}, Somewhere")] == [name.rstrip(".")], (
                country,
                form,
            )
        for form in lists.get("behind", ()):
            if len(squash(form)) > legal_forms.SHORT:
                assert has_form(f"QUILLBARROW {form.upper()}"), (country, form)
                assert has_form(f"Quillbarrow {form.replace('.', '')}"), (country, form)
        for form in (*lists.get("before", ()), *lists.get("first", ())):
            found = [named.text for named in names_in(f"{form} Quillbarrow", country)]
            assert found == [f"{form} Quillbarrow"], (country, form)


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("Acme S. r. l.", "Acme"),
        ("Acme GmbH&Co.KG", "Acme"),
        ("Acme UG (haftungsbeschränkt) & Co. KG", "Acme"),
        ("ACME GMBH", "ACME"),
        ("SARL Dupont", "Dupont"),
        ("ООО «Ромашка»", "Ромашка"),
        ("Acme Ltd. Şti.", "Acme"),
        ("Nordmarks Snickeri AS", "Nordmarks Snickeri"),
        # No forms: words, states, initials.
        ("Bella Spa", "Bella Spa"),
        ("SC Dental Group", "SC Dental Group"),
        ("SAS Institute", "SAS Institute"),
        ("L.P. Gas", "L.P. Gas"),
        ("Smith & Jones, PC", "Smith & Jones"),
        ("Gaming PC", "Gaming PC"),
        ("Acme Ltd, a", "Acme Ltd, a"),
        ("As You Like It", "As You Like It"),
        ("Team GBR", "Team GBR"),
        ("Jan Vos", "Jan Vos"),
        ("Pixel Ops", "Pixel Ops"),
    ],
)
def test_names_without_their_form(name: str, bare: str) -> None:
    assert (without_form(name), has_form(name)) == (bare, name != bare)


def test_a_foundation_keeps_its_word() -> None:
    assert (without_form("Bertelsmann Stiftung"), has_form("Bertelsmann Stiftung")) == ("Bertelsmann Stiftung", True)


@pytest.mark.parametrize(
    ("line", "country", "named"),
    [
        ("© 2014 Heron Fasteners UK Ltd All rights reserved. Site built &amp; maintained by Hatch IT Ltd", None,
         [("Heron Fasteners UK Ltd", "copyright"), ("Hatch IT Ltd", "other")]),
        ("Focal Furnishing (On-Line) Limited Registered in England No.6320933", None,
         [("Focal Furnishing (On-Line) Limited", "registered")]),
        ("2014 shop.example - Web Shop for Quill Production Tools Ltd - Registered in Scotland", None,
         [("Quill Production Tools Ltd", "owner")]),
        ("Biotegra Corporation © 2013", None, [("Biotegra Corporation", "copyright")]),
        ("© 2003-2014 Top Roofs, LLC", None, [("Top Roofs, LLC", "copyright")]),
        ("Kantoor Van der Berg & Zonen B.V. h/o Zonnig", None, [("Kantoor Van der Berg & Zonen B.V.", "registered")]),
        ("These terms are between you and Quill Tools Ltd (hereinafter the Company)", None,
         [("Quill Tools Ltd", "owner")]),
        ("Raison sociale : Boulangerie Leroy EURL", None, [("Boulangerie Leroy EURL", "label")]),
        ("Ragione sociale: Pasta Rossi S.n.c. - P.IVA 1", None, [("Pasta Rossi S.n.c.", "label")]),
        ("Bedrijfsnaam: Fietsen Zwaan vof", None, [("Fietsen Zwaan vof", "label")]),
        ("Razón social: Talleres Peña, S.L.U.", None, [("Talleres Peña, S.L.U.", "label")]),
        ("Företagsnamn: Snickeri Ek AB", None, [("Snickeri Ek AB", "label")]),
        ("Název společnosti: Autodoprava Liška a.s.", None, [("Autodoprava Liška a.s.", "label")]),
        ("Cégnév: Almafa Kereskedelmi Kft.", None, [("Almafa Kereskedelmi Kft.", "label")]),
        ("Nazwa firmy: Meble Wrzos Sp. z o.o. Sp. k.", None, [("Meble Wrzos Sp. z o.o. Sp. k.", "label")]),
        ("PT Maju Jaya Abadi, Jalan Sudirman", "ID", [("PT Maju Jaya Abadi", "text")]),
        ("PT Maju Jaya Abadi, Jalan Sudirman", "US", []),
        ("ООО «Ромашка», Москва", None, [("ООО «Ромашка»", "text")]),
        ("UAB „Baltija“", None, [("UAB „Baltija“", "alone")]),
        ("株式会社アクメ 東京都", None, [("株式会社アクメ", "text")]),
        ("Meneres & Associados, Sociedade de Advogados, SP, RL", None,
         [("Meneres & Associados, Sociedade de Advogados, SP, RL", "alone")]),
        ("Smith, Jones and Partners LLP", None, [("Smith, Jones and Partners LLP", "alone")]),
        ("Le site est édité par la SARL Bois Clair au capital de 9 000 €", None, [("SARL Bois Clair", "owner")]),
        ("Site hosted and operated by Serverhalle Ltd", None, [("Serverhalle Ltd", "other")]),
        ("Hosting: Serverhalle AG, Berlin", None, [("Serverhalle AG", "other")]),
        ("Réalisation : Studio Bleu SARL", None, [("Studio Bleu SARL", "other")]),
        # Words before a name that are none of it, small words within one, signs.
        ("Website van Fietsen Zwaan B.V.", None, [("Fietsen Zwaan B.V.", "text")]),
        ("Privacy Policy of Quill Tools Ltd", None, [("Quill Tools Ltd", "text")]),
        ("Tel. 0118-501234 Fietsen Zwaan B.V.", None, [("Fietsen Zwaan B.V.", "text")]),
        ("Home > Fietsen Zwaan B.V.", None, [("Fietsen Zwaan B.V.", "text")]),
        ("Die Kupfer Werke GmbH ist ein Betrieb", None, [("Kupfer Werke GmbH", "text")]),
        ("De kleine bakker B.V., Dorpsstraat 5", None, [("De kleine bakker B.V.", "text")]),
        ("van der Meer Bouw B.V.", None, [("van der Meer Bouw B.V.", "alone")]),
        ("Café 't Hoekje V.O.F.", None, [("Café 't Hoekje V.O.F.", "alone")]),
        ("Welkom bij Bouwbedrijf v/d Berg BV!", None, [("Bouwbedrijf v/d Berg BV", "text")]),
        ("Lumen® Lampen GmbH", None, [("Lumen Lampen GmbH", "alone")]),
        ("© Fietsen Zwaan BV 2012", None, [("Fietsen Zwaan BV", "copyright")]),
        ("Studio 9 BV", None, [("Studio 9 BV", "alone")]),
        ("ZWAAN BV, Dorpsstraat 5", None, [("ZWAAN BV", "text")]),
        ("UAB Baltijos mediena", "LT", [("UAB Baltijos mediena", "alone")]),
        ("bvba Bakkerij Peeters", "BE", [("bvba Bakkerij Peeters", "alone")]),
        ("Quill Tools,Inc.|Leeds", None, [("Quill Tools, Inc.", "text")]),
        ("©2012 Quill Tools P.L.C.", None, [("Quill Tools P.L.C.", "copyright")]),
        ("(Quill Tools (UK) Ltd)", None, [("Quill Tools (UK) Ltd", "alone")]),
        ("© 2012 KESTREL AS", None, [("KESTREL AS", "copyright")]),
        # Words of other languages are forms at home.
        ("Rossi Legnami snc", "IT", [("Rossi Legnami snc", "alone")]),
        ("Rossi Legnami snc", "DE", []),
        # Whose brand it is, whose site, in whose name.
        ("Zonnig is een handelsnaam van Bouw Terpstra B.V.", None, [("Bouw Terpstra B.V.", "brand")]),
        ("Nordkap – eine Marke der Fjell Handels GmbH", None, [("Fjell Handels GmbH", "brand")]),
        ("Vélo Clair est une marque déposée de Cycles Durand SARL", None, [("Cycles Durand SARL", "brand")]),
        ("La Casita es el nombre comercial de Hostelería Norte, S.L.", None, [("Hostelería Norte, S.L.", "brand")]),
        ("Pasta Bella è un marchio registrato Molini Riuniti S.r.l.", None, [("Molini Riuniti S.r.l.", "brand")]),
        ("Solglas är ett varumärke som ägs av Nordoptik AB", None, [("Nordoptik AB", "brand")]),
        ("Briller24 ejes og drives af Nordoptik ApS, CVR 12345678", None, [("Nordoptik ApS", "owner")]),
        ("Provozovatelem e-shopu je Papírna Beran s.r.o., IČO 12345678", None, [("Papírna Beran s.r.o.", "owner")]),
        ("Właścicielem marki Meblik jest Fabryka Wrzos Sp. z o.o.", None, [("Fabryka Wrzos Sp. z o.o.", "owner")]),
        ("Quill Tools LLC dba Red Top", None, [("Quill Tools LLC", "registered")]),
        ("Terpstra B.V. h.o.d.n. De Klusser", None, [("Terpstra B.V.", "registered")]),
        ("Persönlich haftende Gesellschafterin: Dorn Verwaltungs GmbH, HRB 5678", None,
         [("Dorn Verwaltungs GmbH", "other")]),
        # A small word leads to it: counts only where it is like the company.
        ("Angela visits Bergbau AG", None, [("Bergbau AG", "sentence")]),
        # A label that has the site's name in it, professional titles, brackets, partners, a trade in small letters.
        ("Éditeur du site : SARL BOIS CLAIR au capital de 9 000 €", None, [("SARL BOIS CLAIR", "label")]),
        ("Ann Lee, M.D., Inc. | 5 High Street", None, [("Ann Lee, M.D., Inc.", "text")]),
        ("Red Top (Quill Tools Sales, Inc.) | Leeds", None, [("Quill Tools Sales, Inc.", "text")]),
        ("Pasta Bella s.a.s. di Verdi Anna & C. - P.I. 1", "IT", [("Pasta Bella s.a.s. di Verdi Anna & C.", "text")]),
        ("Onda Società Cooperativa a r.l. - Via Roma 3", "IT", [("Onda Società Cooperativa a r.l.", "text")]),
        ("Auto centar Vrana d.o.o.", "HR", [("Auto centar Vrana d.o.o.", "alone")]),
        ("Gebr. de Wit B.V. - Polderweg 2", None, [("Gebr. de Wit B.V.", "text")]),
        ("M/s Quill Tools Pvt. Ltd.", None, [("Quill Tools Pvt. Ltd.", "alone")]),
        ("ALL SALES BY QUILL TOOLS, INC. ARE FINAL", None, [("QUILL TOOLS, INC.", "text")]),
        ("Partner van Fietsen Zwaan B.V.", None, [("Partner van Fietsen Zwaan B.V.", "other")]),
        # Where it is, and whether the data are in its hands.
        ("Wir nutzen die Wolke AG, mit Sitz in Bonn", None, [("Wolke AG", "seated")]),
        ("Buiten Online B.V., gevestigd te Zwolle, is verantwoordelijk voor de verwerking van gegevens", None,
         [("Buiten Online B.V.", "controller")]),
        ("Google Ireland Limited, with its office in Dublin, is the data controller", None,
         [("Google Ireland Limited", "seated")]),
        # None: states, capitals, words.
        ("Stores in Reno, NV and in Calgary, AB", None, []),
        ("Calgary AB T2P 1J9", None, []),
        ("THIS IS AS GOOD AS IT GETS", None, []),
        ("a limited offer, time limited", None, []),
        ("Download 512 KB", None, []),
    ],
)  # fmt: skip
def test_names_with_a_form_in_a_line(line: str, country: str | None, named: list[tuple[str, str]]) -> None:
    found = names_in(line.replace("&amp;", "&"), country)
    assert [(name.text, name.how) for name in found] == named


def legal_name(html: str, *, domain: str, kind: str = "imprint") -> str | None:
    page = make_page(f"<meta charset=utf-8>{html}", domain=domain, kind=kind)
    return company_row.settle(make_company(domain), extract(page), NOW)["legal_name"]


@pytest.mark.parametrize(
    ("html", "domain", "legal"),
    [
        ("<title>Dachs Möbel</title><p>Dachs Möbelwerkstätten<p>GmbH & Co. KG<p>Am Wall 3", "dachs-moebel.de",
         "Dachs Möbelwerkstätten GmbH & Co. KG"),
        ("<title>Metallbau Dorn</title><p>Metallbau Dorn GmbH<p>Datenschutzbeauftragter<p>Kolibri Datenschutz GmbH",
         "metallbau-dorn.de", "Metallbau Dorn GmbH"),
        ("<title>Vélo Clair</title><p>Éditeur du site<p>Atelier Clair SARL<p>Hébergement<p>Nuage SAS", "veloclair.fr",
         "Atelier Clair SARL"),
        ("<title>Impressum</title><p>Praxis Dorn<p>Aufsicht: Ärztliche Vereinigung KdöR, Ulm", "praxis-dorn.de", None),
        ("<title>Kontakt</title><p>Dorn ist eine Marke der Ulmer Werke GmbH", "dorn-moebel.de", "Ulmer Werke GmbH"),
        ("<title>Dachdecker Dorn</title><p>Lukarna® ist eine Marke der Ulmer Werke GmbH", "dachdecker-dorn.de", None),
        ("<title>Sunny Café</title><p>Sunny Café is a trading name of Brewhouse Holdings Ltd", "sunnycafe.co.uk",
         "Brewhouse Holdings Ltd"),
        ("<title>Zonnig</title><p>Webdesign: Pixelhuis B.V.<p>Zonnig Dakwerken B.V.<p>KvK 20550707", "zonnig.nl",
         "Zonnig Dakwerken B.V."),
        ("<title>Tischler Ahrendt</title><p>Tischlerei Ahrendt e.K.<p>Inhaber: Jo Ahrendt", "ahrendt.de",
         "Tischlerei Ahrendt e.K."),
        # In two lines: words that say too little, a linking word, a form that goes on, the domain's words.
        ("<title>GMH Gruppe</title><p>Georg Dorn<br>Holding GmbH<br>Werkstr. 1<br>49124 Hütten", "gmh-gruppe.de",
         "Georg Dorn Holding GmbH"),
        ("<title>MLK</title><p>MLK Maschinen-<br>und Anlagenbau GmbH<br>Am Hafen 2<br>26789 Leer", "mlk.de",
         "MLK Maschinen- und Anlagenbau GmbH"),
        ("<title>Nord</title><p>Agentur Nord UG<br>(haftungsbeschränkt)<br>Deich 1<br>25813 Husum", "agentur-nord.de",
         "Agentur Nord UG (haftungsbeschränkt)"),
        ("<title>Fliesen</title><p>Fliesen<br>Dorn GmbH<br>Ringstr. 4<br>08056 Zwickau", "fliesen-dorn.de",
         "Fliesen Dorn GmbH"),
        ("<title>Groupe Alto</title><p>Le site est édité par :<p>ALTO BOIS<br>SAS au capital de 9 000 €", "alto.fr",
         "ALTO BOIS SAS"),
        ("<title>Elfirman Lind</title><h1>Elfirman Lind</h1><p>Lind El & Data AB", "elfirman-lind.se",
         "Lind El & Data AB"),
        # Foundations have no form; of many firms in a text none is the company.
        ("<title>Klank</title><p>Stichting Muziekhuis Klank - KvK 41091234", "muziekhuisklank.nl",
         "Stichting Muziekhuis Klank"),
        ("<title>Blumen Dorn</title><p>Versand über die Paketdienst GmbH, mit Sitz in Bonn<p>Wolke AG, mit Sitz in Ulm",
         "blumen-dorn.de", None),
    ],
)  # fmt: skip
def test_the_companys_own_legal_name(html: str, domain: str, legal: str) -> None:
    assert legal_name(html, domain=domain) == legal


@pytest.mark.parametrize(
    ("said", "legal"),
    [
        ("This website is operated by Verdant Trading Ltd, a firm of Leeds.", "Verdant Trading Ltd"),
        ("Der Vertrag kommt zustande mit der Holzmann Versand GmbH (nachfolgend „Anbieter“).", "Holzmann Versand GmbH"),
        ("Verantwortlicher im Sinne der DSGVO ist:<p>Holzmann Versand GmbH<p>Am Sägewerk 3", "Holzmann Versand GmbH"),
        ("Payments are made by Clearpay Services, Inc.", None),
        ("In these terms Brightleaf, Inc. offers goods for sale.", "Brightleaf, Inc."),
    ],
)
def test_terms_and_texts_on_privacy_say_who_has_the_site_wherever_it_stands(said: str, legal: str | None) -> None:
    html = f"<title>Brightleaf</title><p>{said}" + "<p>More on returns, and what else there is to say." * 40
    assert legal_name(html, domain="brightleaf.example", kind="other") == legal


def test_the_lone_name_of_a_footer_is_believed_and_one_of_several_is_not() -> None:
    lone = "<title>Chas & Phil</title><p>Buy tackle<p>LEADAJES LLP<p>GB-898 6565 38"
    assert legal_name(lone, domain="chasandphil.co.uk", kind="contact") == "LEADAJES LLP"
    assert legal_name(lone + "<p>Rival Rods LLP", domain="chasandphil.co.uk", kind="contact") is None
