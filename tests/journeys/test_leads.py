"""Leads that are there already: narrowed, shared and taken away; and all that is known of one of them."""

from __future__ import annotations

import csv
import json

import pytest
from python_calamine import CalamineWorkbook

from cli.local_stack.stack import LocalStack
from leadmill import Client
from tests.journeys.person import Person

COMPANIES = ["alpenblick-treuhand.example", "nordwind-solar.example", "grachtenfiets.example",
             "lone-star-roofing.example", "pixelwerk-software.example"]  # fmt: skip


@pytest.fixture(scope="module")
def known(dashboard: LocalStack) -> None:
    """Companies that an earlier run has read."""
    with Client(dashboard.api_url) as client:
        assert client.submit(COMPANIES, tags=["known"]).wait(120).status == "completed"


@pytest.mark.usefixtures("known")
def test_a_view_is_narrowed_shared_left_and_taken_away(person: Person) -> None:
    person.open("/ui/leads?tag=known")
    person.sees("5 of", "best first")
    person.clicks("DE", ".facet", "a")
    person.until("location.search.includes('country=DE')")
    person.sees("2 of", "country DE", "tag known")
    names = "[...document.querySelectorAll('.who-is small a')].map(one => one.innerText)"
    shared, seen = person.path, person.evaluate(names)
    person.clicks("Take off country DE", ".chips")
    person.until("!location.search.includes('country')")
    person.goes_back()
    person.until("location.search.includes('country=DE')")
    person.open("/ui/jobs")
    person.open(shared)
    assert person.evaluate(names) == seen, "a colleague sees the same"
    tables = []
    with person.downloads("CSV", ".takes").open(encoding="utf-8-sig", newline="") as text:
        tables.append([row["domain"] for row in csv.DictReader(text)])
    tables.append([row["domain"] for row in json.loads(person.downloads("JSON", ".takes").read_text())])
    header, *lines = CalamineWorkbook.from_path(person.downloads("XLSX", ".takes")).get_sheet_by_index(0).to_python()
    tables.append([line[header.index("domain")] for line in lines])
    assert tables == [seen] * 3


@pytest.mark.usefixtures("known")
def test_a_fact_leads_to_the_page_where_it_stands_and_the_site_is_read_anew(person: Person) -> None:
    person.open("/ui/leads?text=grachtenfiets")
    person.clicks("Grachtenfiets", ".leads")
    person.comes_to("/ui/companies/grachtenfiets.example")
    person.clicks("", "dd:has([href^='mailto:'])", "summary")
    person.sees("sure", within="dd[open], dd:has([href^='mailto:']) .evidence")
    source = person.evaluate("document.querySelector(\"dd:has([href^='mailto:']) .evidence a\").href")
    assert "grachtenfiets.example/" in source, source
    person.clicks("Pages asked", ".tabs")
    person.until("location.pathname.endsWith('/pages')")
    person.sees("What was asked of the site", "answered 200")
    asked = person.evaluate("[...document.querySelectorAll('tbody a')].map(one => one.href)")
    assert source in asked
    person.clicks("About", ".tabs")
    person.sees("What runs found")
    assert len(person.rows("[aria-labelledby=history]")) == 1
    person.clicks("Read it anew", "main", "button")
    person.comes_to("/ui/jobs/job_")
    person.until("document.title.includes('completed')")
    person.clicks("Companies", ".tabs")
    person.until("location.pathname.endsWith('/companies')")
    person.clicks("Grachtenfiets", "main")
    person.comes_to("/ui/companies/grachtenfiets.example")
    person.sees("What runs found")
    assert len(person.rows("[aria-labelledby=history]")) == 2
