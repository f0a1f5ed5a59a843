"""Persons of a company: who is told of in which words, and what only looks like somebody."""

from __future__ import annotations

import tracemalloc

import pytest

from extraction import people
from extraction.document import Document
from extraction.extractors import phone_numbers
from extraction.job_titles import class_names, title_in
from extraction.process import process_pages
from tests.extraction.conftest import NOW, make_company, make_page


def seen(html: str, kind: str = "team") -> list[tuple[str, str | None, str | None]]:
    """(name, role, class) of the sightings on a page."""
    found = people.find(Document(make_page(html, kind=kind)))
    return [(one.name, one.role and one.role.text, one.role and one.role.name) for one in found]


def rows(*pages: str) -> list[dict[str, object]]:
    """The persons of a company with these pages."""
    made: list[dict[str, object]] = []
    stored = [make_page(html, path=f"/{place}", kind="team") for place, html in enumerate(pages)]
    _, errors = process_pages([make_company()], stored, now=NOW, on_progress=lambda count: None, people=made)  # type: ignore[arg-type,list-item]
    assert not errors
    return made


@pytest.mark.parametrize(
    ("html", "name", "role", "role_class"),
    [
        ("<h3>Anna Schmidt</h3><p>Geschäftsführerin</p>", "Anna Schmidt", "Geschäftsführerin", "management"),
        (
            "<h3>Dr. Karl-Heinz von der Au</h3><p>Leiter Vertrieb",
            "Dr. Karl-Heinz von der Au",
            "Leiter Vertrieb",
            "sales",
        ),
        ("<p>Inhaberin: Maria Klein", "Maria Klein", "Inhaberin", "owner"),
        ("<p>Vertreten durch den Geschäftsführer: Hans Meier", "Hans Meier", "Geschäftsführer", "management"),
        ("<p>Vertreten durch:<p>Jürgen Öztürk", "Jürgen Öztürk", None, None),
        ("<p>Mary-Ann O'Neill (Managing Director)", "Mary-Ann O'Neill", "Managing Director", "management"),
        ("<p>Jane Doe, Head of Sales", "Jane Doe", "Head of Sales", "sales"),
        ("<li><img src=a.jpg><h4>JANE DOE</h4><span>Founder &amp; CEO</span>", "Jane Doe", "Founder & CEO", "owner"),
        ("<p>Directrice : Marie Le Goff", "Marie Le Goff", "Directrice", "management"),
        ("<h3>Sophie van den Berg</h3><p>Eigenaar", "Sophie van den Berg", "Eigenaar", "owner"),
        ("<h3>Juan García López</h3><p>Director gerente", "Juan García López", "Director gerente", "management"),
        ("<p>Titolare: Giulia D'Angelo", "Giulia D'Angelo", "Titolare", "owner"),
        ("<h3>João dos Santos</h3><p>Sócio-gerente", "João dos Santos", "Sócio-gerente", "owner"),
        ("<h3>Łukasz Żak</h3><p>Prezes zarządu", "Łukasz Żak", "Prezes zarządu", "management"),
        ("<h3>Åsa Öberg</h3><p>VD", "Åsa Öberg", "VD", "management"),
        ("<h3>Søren Kjær</h3><p>Direktør", "Søren Kjær", "Direktør", "management"),
        ("<h3>Petra Nováková</h3><p>Jednatelka", "Petra Nováková", "Jednatelka", "management"),
        (
            "<p>Acme GmbH, Hauptstr. 1, 10115 Berlin. Geschäftsführung: Ines Brandl. HRB 99, Amtsgericht Berlin.",
            "Ines Brandl",
            "Geschäftsführung",
            "management",
        ),
        (
            "<p>Acme Ltd, 1 High Street, London. Registered in England. Managing Director: Dr. Ann Lee; VAT on request",
            "Dr. Ann Lee",
            "Managing Director",
            "management",
        ),
        ("<h2>Acme Tools</h2><p>Inhaber", "Acme Tools", "Inhaber", "owner"),
        ("<tr><td>Tom Ray</td><td>IT Manager</td>", "Tom Ray", "IT Manager", "technology"),
    ],
)
def test_a_name_beside_a_role_is_a_person(html: str, name: str, role: str | None, role_class: str | None) -> None:
    assert seen(f"<table>{html}</table>" if html.startswith("<tr") else html) == [(name, role, role_class)]


def test_a_label_may_name_several() -> None:
    names = [name for name, *_ in seen("<p>Geschäftsführer: Max Mustermann, Dr. Erika Beispiel und Ben Cohen")]
    assert names == ["Max Mustermann", "Dr. Erika Beispiel", "Ben Cohen"]


def test_each_sentence_of_an_imprint_in_one_paragraph_may_name_somebody() -> None:
    found = seen(
        "<p>Vertreten durch den Geschäftsführer: Hans Meier. Prokuristin: Dr. Eva Klein. HRB 9. Sitz der Firma: Ulm"
    )
    assert found == [("Hans Meier", "Geschäftsführer", "management"), ("Dr. Eva Klein", "Prokuristin", "management")]


@pytest.mark.parametrize(
    "html",
    [
        "<h3>Contact Us</h3><p>Sales Manager",
        "<h3>Our Team</h3><p>Management",
        "<h3>Berlin Mitte</h3><p>Vertrieb",
        "<h3>Anna Schmidt</h3><p>Lorem ipsum dolor sit amet.",
        "<p>Jane Doe, CEO at Marlow Brewing",
        "<p>Jane Doe, CEO, Marlow Brewing Ltd",
        "<h3>Acme Tools GmbH</h3><p>Geschäftsführer",
        "<li><a href=/a>Event Planning</a><li><a href=/b>Wedding Consultant</a>",
        "<h3>Project Manager</h3><p>Sales Manager",
        "<h1>Acme Tools</h1><p>Buchhaltung, die am Monatsende fertig ist<p>acme@acme-tools.com",
        "<h1>Acme Tools</h1><p>Logistics for the north<p>acme@acme-tools.com",
        "<h1>Acme Tools</h1><p>Architects, engineers and a chef under one roof",
        "<p>Wir liefern in 40 Länder. Buchhaltung: täglich. Vertrieb: Montag bis Freitag, auch in der Schweiz.",
        "<p>Amtsgericht Berlin<p>Geschäftsführer",
        "<h2>Impressum</h2><p>Acme GmbH<h3>Konzept &amp; Umsetzung</h3><p>Pixel GmbH<p>Geschäftsführer: Max Bauer",
    ],
)
def test_what_only_looks_like_a_person_is_none(html: str) -> None:
    assert seen(html) == []


def test_mail_and_phone_are_those_behind_the_name_and_shared_ones_are_nobodys() -> None:
    (anna, ben) = rows(
        "<p>Germany</p><address>Hauptstr. 1, 10115 Berlin</address><h3>Anna Schmidt</h3><p>Geschäftsführerin<p>"
        "Tel. 030 23125531<p><a href='mailto:anna.schmidt@acme-tools.com'>Mail</a><h3>Ben Cohen</h3><p>Werkstattmeister"
        "<p>info@acme-tools.com"
    )
    assert (anna["email"], anna["phone"]) == ("anna.schmidt@acme-tools.com", "+493023125531")
    assert (ben["email"], ben["phone"], ben["role_class"]) == (None, None, "operations")
    assert anna["quote"] == "Anna Schmidt · Geschäftsführerin" and str(anna["source"]).endswith("/0")


def test_a_department_is_a_role_only_beside_a_mail_of_that_name() -> None:
    mail = "<p>sophie.berg@acme-tools.com"
    assert [one["name"] for one in rows(f"<h3>Sophie Berg</h3><p>Marketing{mail}")] == ["Sophie Berg"]
    assert rows("<h3>Sophie Berg</h3><p>Marketing<p>x@acme-tools.com") == []


def test_the_same_person_on_two_pages_is_one_and_surer() -> None:
    (both,) = rows("<p>Jane Doe, CEO", "<h3>JANE DOE</h3><p>Chief Executive Officer<p>jane@acme-tools.com")
    (once,) = rows("<p>Jane Doe, CEO")
    assert both["email"] == "jane@acme-tools.com" and both["person_id"] == once["person_id"]
    assert float(both["confidence"]) > float(once["confidence"])  # type: ignore[arg-type]


def test_declared_people_of_the_company_and_nobody_elses() -> None:
    declared = (
        '<script type="application/ld+json">{"@type":"Organization","name":"Acme Tools",'
        '"url":"https://acme-tools.com/","founder":{"@type":"Person","name":"Ida Berg",'
        '"email":"mailto:ida@acme-tools.com"},"employee":[{"@type":"Person","name":"Tom Ray",'
        '"jobTitle":"Head of Robots","telephone":"+1 212 555 0100"}],"review":{"@type":"Review",'
        '"author":{"@type":"Person","name":"Dana Marlow","jobTitle":"CEO"}}}</script>'
    )
    found = {str(one["name"]): one for one in rows(declared)}
    assert set(found) == {"Ida Berg", "Tom Ray"}
    assert (found["Ida Berg"]["role_class"], found["Ida Berg"]["email"]) == ("owner", "ida@acme-tools.com")
    assert (found["Tom Ray"]["role"], found["Tom Ray"]["role_class"]) == ("Head of Robots", "lead")
    assert found["Tom Ray"]["phone"] == "+12125550100" and found["Tom Ray"]["method"] == "json-ld"


def test_nobody_is_looked_for_unless_asked() -> None:
    page = make_page("<p>Jane Doe, CEO", kind="team")
    (row,), _ = process_pages([make_company()], [page], now=NOW, on_progress=lambda count: None)  # type: ignore[list-item]
    assert "Jane" not in str(row)


def test_every_class_has_a_word_of_its_own() -> None:
    assert len(set(class_names())) == len(class_names()) and title_in("Leiter Einkauf") == (
        "Leiter Einkauf",
        "purchasing",
        True,
    )
    assert title_in("Lorem ipsum") is None and title_in("") is None and title_in("x" * 5_000) is None


def test_only_so_many_names_of_a_page_are_looked_at() -> None:
    names = ", ".join(f"Anna Berg{letter}" for letter in "abcdefghijklmnopqrst")
    page = f"{f'<p>Sekretariat: {names}' * 90}%s<h3>Karl Schmidt</h3><p>Geschäftsführer"
    assert seen(page % "") == [("Karl Schmidt", "Geschäftsführer", "management")]
    assert seen(page % (f"<p>Sekretariat: {names}" * 20)) == []


def test_long_roles_and_numbers_are_not_remembered() -> None:
    tracemalloc.start()
    try:
        for number in range(60):
            long = f"CEO {number} {'x' * 50_000}"
            assert title_in(long) is None and phone_numbers.read(long, None) == ()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
