"""What a company says it does: declared or its first paragraph, and nothing that merely stands there."""

from __future__ import annotations

import pytest

from extraction.extractors import descriptions

BREAD = (
    "We bake bread every morning for the whole town, with flour from the mill across the river, and deliver it to "
    "your home before seven."
)
BROT = (
    "Wir backen jeden Morgen Brot für die ganze Stadt, mit Mehl aus der Mühle am Fluss, und liefern es vor sieben nach "
    "Hause."
)


def told(*pages, language="en"):
    found = [finding for page in pages for finding in descriptions.find(page)]
    settled = descriptions.settle(found, language)
    return settled.value if settled else None


@pytest.mark.parametrize(
    "text",
    [
        # Templates.
        "Just another WordPress site, made with love and care",
        "Eine weitere WordPress-Website von uns für alle anderen",
        "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor.",
        "Enter your description here. This text is shown by search engines.",
        "This domain is for sale. Buy this domain today from our partner.",
        "This is a paragraph. Click here to add your own text and edit me. It is easy.",
        # Cookies and scripts.
        "We use cookies to make this website better. By using it you accept cookies and our privacy policy.",
        "Please enable JavaScript in your browser to see this page as it was meant.",
        "Wir verwenden Cookies. Mehr dazu in der Datenschutzerklärung. Cookies können Sie ablehnen.",
        # How to reach it.
        "Tel. 0113 496 0000, Fax 0113 496 0001, info@acme-tools.com",
        "Contact us: +44 113 496 0000 or mail info@acme-tools.com today",
        "Opening hours: Monday to Friday 9 to 17, Saturday 9 to 12, Sunday closed",
        "Öffnungszeiten: Montag bis Freitag 9 bis 17 Uhr, Samstag 9 bis 12 Uhr",
        "Call 608-555-0142 or visit us at 12 Main Street, Madison. Open Mon-Fri 9-5.",
        # The way there.
        "Coming from the north take exit 12 of the motorway, turn left at the traffic lights and go on for two miles.",
        "Auf der Autobahn A7 nehmen Sie die Ausfahrt Nord, dann biegen Sie rechts ab und fahren Sie bis zum Fluss.",
        "Neem op de snelweg afslag 12, ga bij de rotonde rechtsaf en volg de weg tot aan het water, daar zijn wij.",
        "Sur l'autoroute prenez la sortie 12, puis tournez au rond-point et continuez tout droit jusqu'à la rivière.",
        # Menus and lists of keywords.
        "Home About us Services Products Contact News Gallery Team Jobs",
        "Startseite Leistungen Über uns Kontakt Impressum Datenschutz Aktuelles",
        "bread, rolls, cakes, bakery, bakery Leeds, baker, organic bread, pastry, cake shop",
        "Brot; Brötchen; Kuchen; Bäckerei; Bäckerei Kiel; Torten; Konditorei; Bio-Brot",
    ],
)
def test_what_says_nothing_of_the_company(document, text):
    assert told(document(f'<title>A</title><meta name="description" content="{text}"><p>{text}<p>{BREAD}')) == BREAD


@pytest.mark.parametrize(
    "text",
    [
        BREAD,
        BROT,
        "Bakery in Leeds: bread, rolls and cakes.",
        "Family bakery since 1921. Bread, rolls, cakes, pastry, coffee, tea, sandwiches and more. Visit us in Leeds.",
        "Roof repairs, new roofs and gutters in Leeds and all of Yorkshire by craftsmen. Call 0113 496 0000.",
        "毎朝、町のみなさまにパンを焼いてお届けしています。",
        "We make software for hotels: bookings, cookies for guests' pillows and bills that people understand at once.",
    ],
)
def test_what_tells(document, text):
    page = document(f'<title>A</title><meta name="description" content="{text}"><p>Lorem ipsum')
    assert told(page, language=None) == text


def test_what_is_declared_comes_before_what_is_written(document):
    other = BREAD.replace("bread", "rolls")
    page = document(f'<meta property="og:description" content="{other}"><p>{BREAD}')
    assert told(page) == other
    title = "Acme Tools of Leeds, UK"
    page = document(f'<meta name="description" content="{title}"><title>{title}</title><p>{BREAD}')
    assert told(page) == BREAD


def test_the_first_good_paragraph(document):
    page = document(
        f"<p>Tel. 0113 496 0000, we are there for you by phone and mail from nine to five, info@acme.com<p>{BREAD}"
    )
    assert told(page) == BREAD


def test_another_language_comes_last(document):
    page = document(f'<meta name="description" content="{BROT}"><p>{BREAD}')
    assert told(page) == BREAD
    assert told(page, language="de") == BROT
    assert told(document(f'<meta name="description" content="{BROT}">')) == BROT


def test_a_long_one_ends_with_a_sentence(document):
    long = " ".join([BREAD] * 8)
    text = told(document(f"<p>{long}"))
    assert text == " ".join([BREAD] * 4)
    endless = "bread and rolls and " * 60
    text = told(document(f'<meta name="description" content="We bake {endless}">'))
    assert len(text) <= descriptions.MAX_DESCRIPTION
    assert text.endswith(("and…", "rolls…", "bread…"))
