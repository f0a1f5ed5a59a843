"""From companies that somebody has, in whatever form, to leads: a list, addresses with faults, a search, a phone."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.journeys.person import ENTER, TAB, Person

LIST = """Firma;Ansprechpartner;Webseite;Record ID
Nordwind Solar GmbH;Frau Peters;http://www.nordwind-solar.example/;40311001
Donaukraft;Herr Gruber;donaukraft.example;40311002
Polderdata;;polderdata.example;40311003
Nordwind (alt);Herr Ott;nordwind-solar.example;40310999
Ohne Seite;Frau Lang;;40311004
"""


def test_of_an_own_list_the_first_lead_is_understood_and_goes_to_the_crm(person: Person, desk: Path) -> None:
    exported = desk / "kunden.csv"
    exported.write_text(LIST, encoding="utf-8")
    person.open()
    person.sees("Nothing has run yet")
    person.clicks("a new run", "main")
    person.comes_to("/ui/new")
    person.gives_file("or a list", exported)
    person.sees("What is understood", "3 companies", "1 repeated", "1 without address", within="#look")
    assert person.evaluate("document.querySelector('#look select').selectedOptions[0].innerText") == "Webseite"
    person.sees("3 columns of yours come back with the leads", "Ansprechpartner", "Record ID", within="#look")
    person.clicks("Job", "main", "summary")
    person.fills("Tags", "Messe")
    person.clicks("Start", "main", "button")

    person.comes_to("/ui/jobs/job_")
    person.until("document.title.startsWith('Messe – completed')")
    person.sees("3 of 3 companies", "1 line that names no company")
    person.clicks("what is wrong there", "main")
    person.sees("no address in this line", "line 6")
    person.clicks("Companies", ".tabs")
    person.comes_to("/ui/jobs/job_")
    person.clicks("Leads", "header")
    person.comes_to("/ui/leads")
    person.fills("Tag of a run", "Messe")
    person.presses(ENTER)
    person.sees("3 of 3 companies, best first")
    person.comes_to("/ui/leads")
    listed = person.rows()
    scores = [int(one.split()[0]) for one in listed]
    assert scores == sorted(scores, reverse=True) and len(scores) == 3, listed
    first, domain = (person.reads(f".who-is {what}") for what in ("a", ".at"))

    person.clicks(first, ".leads")
    person.comes_to("/ui/companies/")
    person.sees(first, within="h1")
    assert person.evaluate("document.querySelectorAll('.parts li').length") >= 3, "why it has these points"
    signed = person.evaluate("[...document.querySelectorAll('#score ~ h3 .n')].map(one => one.innerText)")
    assert all(one[0] in "+−0" for one in signed) and signed, signed
    person.goes_back()
    person.sees("3 of 3 companies, best first")
    person.clicks("Jobs", "header")
    person.comes_to("/ui/jobs")
    person.clicks("Messe", "main")
    person.comes_to("/ui/jobs/job_")
    file = person.downloads("hubspot", ".downloads")
    with file.open(encoding="utf-8-sig", newline="") as text:
        rows = list(csv.DictReader(text))
    assert {one["Company domain name"] for one in rows} >= {"nordwind-solar.example", "donaukraft.example"}
    assert {one["Record ID"] for one in rows} >= {"40311001", "40311002", "40311003"}
    best = max(rows, key=lambda one: float(one["Leadmill score"] or 0))
    assert best["Company domain name"] == domain and best["Record ID"], best


def test_pasted_addresses_are_mended_where_the_page_says_what_is_wrong(person: Person) -> None:
    person.open("/ui/new")
    person.fills("Addresses, one a line", "hafenlicht.example\nno address\nhttps://\nwww.hafenlicht.example\n")
    person.sees("1 company", "1 repeated", "1 without address", "1 refused", "line 2: no address", within="#look")
    person.fills("Addresses, one a line", "hafenlicht.example\nfjallvind.example\n")
    person.sees("2 companies", "0 without address", "0 refused", within="#look")
    person.clicks("Job", "main", "summary")
    person.fills("Tags", "pasted")
    person.fills("Give up after minutes", "0")
    person.clicks("Start", "main", "button")
    person.until("document.querySelector('[name=deadline][aria-invalid]') !== null")
    person.comes_to("/ui/new", status=422)
    assert person.evaluate("document.getElementById('company_urls').value").split() == [
        "hafenlicht.example",
        "fjallvind.example",
    ]
    person.fills("Give up after minutes", "5")
    person.clicks("Start", "main", "button")
    person.comes_to("/ui/jobs/job_")
    person.until("document.title.startsWith('pasted – completed')")
    person.sees("2 of 2 companies")


def test_a_search_becomes_leads(person: Person) -> None:
    person.open("/ui/new")
    person.fills("and searches, one a line", "software")
    person.clicks("Job", "main", "summary")
    person.fills("Tags", "searched")
    person.clicks("Command line", "#look", "summary")
    person.sees("leadmill run", "--search", within="#look")
    person.clicks("Start", "main", "button")
    person.comes_to("/ui/jobs/job_")
    person.until("document.title.startsWith('searched – completed')")
    person.sees("2 of 2 companies")
    person.clicks("Companies", ".tabs")
    person.until("location.pathname.endsWith('/companies')")
    person.sees("Oranmore Analytics", "Polderdata")


def test_by_keyboard_alone_on_a_phone_a_run_is_started_and_its_first_lead_read(person: Person) -> None:
    person.open(width=390, height=844)
    person.presses(TAB)
    person.tabs_to("New run")
    person.presses(ENTER)
    person.comes_to("/ui/new")
    person.tabs_to("Addresses, one a line")
    person.types("thistle-and-rye.example")
    person.sees("1 company", within="#look")
    person.tabs_to("Start")
    person.presses(ENTER)
    person.comes_to("/ui/jobs/job_")
    person.until("document.title.includes('completed')")
    person.tabs_to("Companies")
    person.presses(ENTER)
    person.until("location.pathname.endsWith('/companies')")
    person.sees("Thistle")
    person.comes_to("/ui/jobs/job_")
    person.tabs_to("Thistle")
    person.presses(ENTER)
    person.comes_to("/ui/companies/thistle-and-rye.example")
    person.sees("Score", "How to reach")
