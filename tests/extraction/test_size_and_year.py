"""How many people a company has and since when it is: one clause with its subject, in twelve languages."""

from __future__ import annotations

import pytest

from extraction.clauses import clauses, is_own
from extraction.extractors import founded
from extraction.headcounts import sizes


@pytest.mark.parametrize(
    ("line", "year"),
    [
        ("Founded in 1987.", "1987"),
        ("Since 1987 we have been serving Denver", "1987"),
        ("Gegründet wurde unser Büro 2011.", "2011"),
        ("Das Haus, in dem wir arbeiten, wurde 1904 errichtet; Mitglied der Gesellschaft sind wir seit 1998", None),
        ("The town, founded in 1843, lies in Texas.", None),
        ("Acme was founded in Denver, Colorado, in 1987 by two brothers", "1987"),
        ("Im Jahr 1954 gründete Karl Meier die Firma", "1954"),
        ("Wir wurden 1954 gegründet", "1954"),
        ("La société a été créée en 1998", "1998"),
        ("Fondée en 1998, notre entreprise emploie 45 personnes", "1998"),
        ("Depuis 1985, nous fabriquons des meubles", "1985"),
        ("Année de création : 1987", "1987"),
        ("La ville fut fondée en 1260.", None),
        ("Fundada en 1975, la empresa", "1975"),
        ("Desde 1975 fabricamos muebles", "1975"),
        ("Año de fundación: 1987", "1987"),
        ("L'azienda è stata fondata nel 1962", "1962"),
        ("Nata nel 1962 come officina", "1962"),
        ("Dal 1962 produciamo mobili", "1962"),
        ("Anno di fondazione: 1987", "1987"),
        ("Het bedrijf is in 1978 opgericht", "1978"),
        ("Sinds 1978 uw partner in staal", "1978"),
        ("Företaget grundades 1956 av bröderna Holm", "1956"),
        ("Vi har funnits sedan 1985", "1985"),
        ("Virksomheden blev grundlagt i 1949", "1949"),
        ("Siden 1985 har vi bygget både", "1985"),
        ("Bedriften ble stiftet i 1949", "1949"),
        ("Firma została założona w 1991 roku", "1991"),
        ("W 1995 roku założyliśmy firmę", "1995"),
        ("Działamy od 1991 roku", "1991"),
        ("Rok założenia: 1991", "1991"),
        ("Společnost byla založena v roce 1992", "1992"),
        ("Obec byla založena roku 1350", None),
        ("A empresa foi fundada em 1969", "1969"),
        ("Yritys perustettiin vuonna 1985", "1985"),
        ("Peter Meier, geboren 1960, gründete die Firma 1990", "1990"),
        ("Our customer Siemens, founded in 1847, trusts us.", None),
        ("Copyright 1998-2026 Acme", None),
        ("Partner of the Chamber of Commerce, founded in 1850", None),
        ("Seit 2018 sind wir auch in Berlin", None),
        ("2019 feierten wir unser 25-jähriges Bestehen", "1994"),
        ("In 2015 we celebrated our 50th anniversary", "1965"),
        ("30 Jahre Erfahrung", None),
        ("Version 2.1 since 2012", None),
        ("Family owned since 1952", "1952"),
        ("Est. 1923", "1923"),
        ("Gegr. 1923", "1923"),
        ("Der Verein wurde 1898 gegründet", None),
        ("Unser Haus wurde 1898 gegründet", "1898"),
        ("We have worked with large companies since 1998", "1998"),
        ("Our partner brewery was founded in 1750.", None),
        ("The university where our founder studied was founded in 1409", None),
        ("We have been members of the guild since 1998", None),
        ("John has worked here since 2003", None),
        ("Quality since 1950", "1950"),
        ("founded 35 years ago", None),
        ("We opened our second branch in 2003", None),
        ("ISO 9001 certified since 2004", None),
        ("The building was established 1904", None),
        ("Our parent company, founded in 1890, is in Ulm", None),
        ("Seit 2010 Ausbildungsbetrieb", None),
        ("A cégünket 1991-ben alapítottuk", "1991"),
        ("Компания основана в 1998 году", "1998"),
        ("1962: Karl Holm gründet den Betrieb.", "1962"),
        ("1988 – Gründung der Niederlassung Ulm", None),
        ("1988: Umzug in die neue Halle", None),
        ("Our story starts in 1976 in a small garage.", "1976"),
        ("Our new shop started in 2015", None),
        ("The town's history begins in 1165", None),
        ("La empresa nació en 1974", "1974"),
        ("Eva Holm nació en 1974", None),
        ("L'azienda nasce nel 1974", "1974"),
        ("Unsere Firma geht auf 1931 zurück", "1931"),
        ("We celebrated 30 years in 2023", "1993"),
        ("2024 feiern wir 50 Jahre", "1974"),
        ("The firm was formed 12 years ago in 2002 as a supplier to trade customers", "2002"),
        ("Anna Holm and Ken Lund co-founded Acme in 2000 to serve other companies", "2000"),
    ],
)
def test_year_of_founding(line, year):
    assert [said for said, _ in founded.said(line, "")] == ([year] if year else [])


@pytest.mark.parametrize(
    ("line", "year"),
    [
        ("In 1987, John Smith founded the company.", "1987"),
        ("In 1987, brothers John and Jim Smith, both engineers, founded Acme Tools.", "1987"),
        ("Upon leaving college in 1993, she started Acme Tools, the valley's first design firm.", "1993"),
        ("In 1984, we opened our doors.", "1984"),
        ("In 1984 Acme Tools was born.", "1984"),
        ("In 1984, the company was founded by two brothers.", "1984"),
        ("Im Jahr 1987 eröffnete Hans Meier seine Werkstatt.", "1987"),
        ("En 1987, Jean Dupont crée la société.", "1987"),
        ("En 1987, Juan Pérez fundó la empresa.", "1987"),
        ("Nel 1987, Mario Rossi avvia la propria azienda.", "1987"),
        ("In 1987 begon Jan Jansen het bedrijf.", "1987"),
        ("I 1987 startede Jens Hansen virksomheden.", "1987"),
        ("W 1987 roku Jan Kowalski założył firmę.", "1987"),
        ("In 1950, our founder was born.", None),
        ("In 1995, the family purchased the business.", None),
        ("In 2001, he started work at Foo.", None),
        ("In 2005, we opened our second shop.", None),
        ("In 2003, the company started offering courses.", None),
        ("In 2003, Acme Tools opened a new branch in Reno.", None),
        ("In 2010, our partner founded the company Foo.", None),
        ("In 2008, we launched our website.", None),
        ("In 2001, the museum was founded.", None),
        ("She has written about finance since 2006.", None),
        ("Since 2006 the festival has grown.", None),
    ],
)
def test_a_story_tells_the_year_before_who_founded_what(line, year):
    assert [said for said, _ in founded.said(line, "acmetools")] == ([year] if year else [])


def test_the_company_is_surer_than_a_firm_of_which_nothing_is_known(document, now):
    page = document(
        "<p>Zeta was incorporated in 1969 as Zeta Data.<p>Acme Tools was founded in 1975.", domain="acmetools.de"
    )
    assert founded.settle(list(founded.find(page)), now).value == "1975"


def test_who_spells_the_domain_is_the_company():
    line = "The towns of Acme, Ohio, were founded in 1803; Acme Tools Association was founded in 1987"
    assert [year for year, _ in founded.said(line, "acmetools")] == ["1987"]


def test_the_date_of_founding_beside_its_label(document):
    page = document("<dl><dt>Firmengründung: 01.04.1987<dt>Stand: 01.05.2020</dl>")
    assert [finding.value for finding in founded.find(page)] == ["1987"]


def test_since_a_year_of_late_is_no_founding(document, now):
    page = document(f"<p>Seit {now.year - 2} bauen wir Treppen<p>Seit 1987 bauen wir Treppen")
    assert [finding.value for finding in founded.find(page)] == ["1987"]


@pytest.mark.parametrize(
    ("line", "people"),
    [
        ("We have 45 employees", "45-45"),
        (
            "Mit 12 Leuten betreuen wir 4.000 Kunden, vor allem Unternehmen mit 50 bis 200 Mitarbeitern.",
            "12-12",
        ),
        ("over 50 employees worldwide", "50+"),
        ("Our team of twelve", "12-12"),
        ("Wir sind zu acht", "8-8"),
        ("Our parent company employs 12,000 people", None),
        ("Nous accompagnons des PME de 20 à 250 salariés", None),
        ("Wir beraten KMU mit 20 bis 250 Mitarbeitern", None),
        ("Anzahl Mitarbeitende: 14 (davon 3 Lernende)", "14-14"),
        ("We are 12 people", "12-12"),
        ("Wir sind zwölf Leute", "12-12"),
        ("Wir sind ein Team von 8 Spezialisten", "8-8"),
        ("ein zehnköpfiges Team", "10-10"),
        ("Nous sommes 15 collaborateurs", "15-15"),
        ("Une équipe de douze personnes", "12-12"),
        ("Notre société emploie 45 salariés", "45-45"),
        ("Somos 20 profesionales", "20-20"),
        ("Un equipo de 30 personas", "30-30"),
        ("Contamos con más de 100 empleados", "100+"),
        ("Con oltre 60 dipendenti", "60+"),
        ("Siamo in 12", "12-12"),
        ("Il nostro team di 25 persone", "25-25"),
        ("Met 35 medewerkers", "35-35"),
        ("Wij zijn met twaalf collega's", "12-12"),
        ("Een team van ruim 40 mensen", "40+"),
        ("Vi är 14 anställda", "14-14"),
        ("Företaget har cirka 80 medarbetare", "80-80"),
        ("Vi er 22 ansatte", "22-22"),
        ("Virksomheden beskæftiger 60 medarbejdere", "60-60"),
        ("Zatrudniamy ponad 120 pracowników", "120+"),
        ("Nasz zespół liczy 15 osób", "15-15"),
        ("Máme 30 zaměstnanců", "30-30"),
        ("Zaměstnáváme 45 lidí", "45-45"),
        ("A nossa equipa de 18 pessoas", "18-18"),
        ("Temos mais de 200 funcionários", "200+"),
        ("We help companies with 50 employees", None),
        ("for companies with 10 to 500 employees", None),
        ("Unternehmen mit 50 bis 200 Mitarbeitern", None),
        ("We trained 500 employees of our customers", None),
        ("Our customers employ 10,000 people", None),
        ("The town has 4,000 people", None),
        ("up to 20 people", None),
        ("meeting rooms for 12 people", None),
        ("Our partner employs another 300 people", None),
        ("The association has 500 members with 20,000 employees", None),
        ("between 200 and 500 employees", "200-500"),
        ("200-500 employees", "200-500"),
        ("Mitarbeiter: 45", "45-45"),
        ("Employees 51-200", "51-200"),
        ("Number of employees: 250+", "250+"),
        ("Employees: approx. 120", "120-120"),
        ("1,200 employees in 14 countries", "1200-1200"),
        ("We employ 45 engineers", "45-45"),
        ("a 12-strong team", "12-12"),
        ("We are a team of 30 vets", "30-30"),
        ("We are 100% independent", None),
        ("We are 24/7 available", None),
        ("We are 5 minutes from the station", None),
        ("Wir sind 2 km entfernt", None),
        ("We are hiring 5 engineers", None),
        ("Wir suchen 3 Mitarbeiter", None),
        ("30 Jahre Erfahrung, 45 Mitarbeiter", "45-45"),
        ("A team with 30 years of experience", None),
        ("Team of 5 years", None),
        ("Rund 250 Beschäftigte arbeiten bei uns", "250-250"),
        ("Das Unternehmen beschäftigt rund 250 Menschen", "250-250"),
        ("Die Firma hat zwölf Mitarbeiter", "12-12"),
        ("The company employs twelve", "12-12"),
        ("12 employees work at our headquarters", "12-12"),
        ("Ein Betrieb mit 15 Mitarbeitern", "15-15"),
        ("Familienbetrieb mit 15 Mitarbeitern in dritter Generation", "15-15"),
        ("An accounting firm with 8 staff", "8-8"),
        ("Als Partner von Siemens beschäftigen wir 45 Mitarbeiter", "45-45"),
        ("Together with our partners we employ 45 people", "45-45"),
        ("2012 people came", None),
        ("We support 300 employers and 5,000 employees", None),
        ("Kurse für 10 Personen", None),
        ("30 specialists", None),
        ("従業員数は118名です", "118-118"),
    ],
)
def test_number_of_people(line, people):
    said = [f"{size.least}+" if size.most is None else f"{size.least}-{size.most}" for size, _ in sizes(line, "", True)]
    assert said == ([people] if people else [])


@pytest.mark.parametrize(
    ("line", "word", "own"),
    [
        ("Unser Partner in Tirol beschäftigt 300", "300", False),
        ("Als Partner der Bahn beschäftigen wir 300", "300", True),
        ("The house in which we work, built in 1904", "1904", False),
        ("Our house, built in 1904", "1904", True),
        ("We serve companies with 50", "50", False),
        ("Gegründet wurde unser Büro 2011", "2011", True),
        ("1240 wurde die Stadt gegründet", "1240", False),
        ("Founded in 1987", "1987", None),
    ],
)
def test_whose_a_number_is(line, word, own):
    (clause,) = [clause for clause in clauses(line) if word in clause.text]
    start = clause.text.index(word)
    assert is_own(clause, start, start + len(word)) is own


def test_a_point_of_a_shortening_or_within_a_number_ends_no_sentence():
    assert [clause.text for clause in clauses("Gegr. 1923. Wir haben 1.200 Leute, z. B. in Rom.")] == [
        "Gegr. 1923.",
        "Wir haben 1.200 Leute",
        "z. B. in Rom.",
    ]
