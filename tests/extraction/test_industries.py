"""The industry by words in twelve languages, compound words and the domain; and what is said of it in passing."""

from __future__ import annotations

import pytest

from extraction.enrichers import industries
from tests.extraction.conftest import make_company


def industry(page, name=None):
    findings = list(industries.ENRICHER.look(page))
    row = {**make_company(), "name": name, "legal_name": None}
    return industries.ENRICHER.settle(row, findings).columns["industry"]


@pytest.mark.parametrize(
    ("title", "text", "leaf"),
    [
        ("Kindertandartspraktijk Jansen", "Onze tandartsen werken met zorg", "Dentists"),
        ("Zahnarztpraxis Dr. Weber", "Implantologie und Prophylaxe", "Dentists"),
        ("Cabinet dentaire du Parc", "Votre dentiste", "Dentists"),
        ("Clínica dental Sol", "Ortodoncia", "Dentists"),
        ("Gabinet stomatologiczny Uśmiech", "Leczenie", "Dentists"),
        ("Tandläkare i Lund", "Välkommen", "Dentists"),
        ("Hovedgadens Tandklinik", "Velkommen", "Dentists"),
        ("Tannlege Berg", "Velkommen", "Dentists"),
        ("Zubní ordinace Nováková", "Vítejte", "Dentists"),
        ("Hammaslääkäri Laine", "Tervetuloa", "Dentists"),
        ("Studio dentistico Rossi", "Benvenuti", "Dentists"),
        ("Clínica dentária Silva", "Bem-vindo", "Dentists"),
        ("De Boer | Loodgieter in Utrecht", "Voor dak en sanitair", "Building trades"),
        ("Meier Metallbau", "Geländer und Tore", "Metal and components manufacturing"),
        ("Keller Hochbau", "Wir bauen Häuser", "Construction"),
        ("Advocatenkantoor Visser", "Arbeidsrecht", "Legal services"),
        ("Åkeri Holm", "Transporter i hela landet", "Transport and logistics"),
        ("Realitní kancelář Domov", "Prodej bytů", "Real estate"),
        ("Bakkerij Smit", "Brood en banket", "Restaurants and catering"),
        ("Falegnameria Bianchi", "Infissi in legno", "Building trades"),
        ("Biuro rachunkowe Liczba", "Księgowość", "Accounting and tax"),
    ],
)
def test_words_of_each_language(document, title, text, leaf):
    assert industry(document(f"<title>{title}</title><h1>{title}</h1><p>{text}")) == leaf


def test_a_long_word_that_the_domain_spells_counts(document):
    html = "<title>Welkom</title><p>Wij helpen u graag"
    assert industry(document(html, domain="schildersbedrijfvos.nl")) == "Building trades"
    assert industry(document(html, domain="vos.nl")) is None


def test_a_shop_on_the_web_is_what_it_sells(document):
    page = document("<title>Meubelzaak Vos</title><p>In onze webshop: winkelwagen, gratis verzending, webshop, webshop")
    assert industry(page) == "Furniture and home decor"


@pytest.mark.parametrize(
    "text",
    ["Unser Haus liegt neben dem Neubau", "Das Barometer steigt", "Wir danken für das Vertrauen", "Erpel und Enten"],
)
def test_parts_of_other_words_say_nothing(document, text):
    assert industry(document(f"<title>Meier</title><p>{text}")) is None


def test_words_are_as_the_file_says_they_are():
    for entry in industries._entries():
        words = [*entry["keywords"], *(word for those in entry["words"].values() for word in those)]
        assert all(word == word.lower().strip() and len(word.removeprefix("-")) >= 2 for word in words)
        assert set(entry["words"]) == {"nl", "de", "fr", "es", "it", "pt", "sv", "da", "no", "pl", "cs", "fi"}
