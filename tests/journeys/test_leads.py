"""Leads that are there already: narrowed, shared and taken away; and all that is known of one of them."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator

import pytest
from python_calamine import CalamineWorkbook

from api.pages.sql import EXAMPLES
from cli.local_stack.stack import LocalStack
from docs.chromium import Chromium
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


@pytest.mark.usefixtures("known")
def test_each_example_of_the_console_finds_something_and_is_taken_away(person: Person) -> None:
    person.open()
    person.clicks("More", "header", "summary")
    person.clicks("SQL", "header")
    person.comes_to("/ui/sql")
    for words in EXAMPLES:
        person.clicks(words, "aside")
        person.until(f"document.getElementById('query').value === {json.dumps(EXAMPLES[words])}")
        person.sees("row", within="#rows")
        assert person.rows("#result"), words
    with person.downloads("CSV", ".takes").open(encoding="utf-8-sig", newline="") as text:
        assert len(list(csv.DictReader(text))) >= len(COMPANIES)


@pytest.fixture
def without_scripts(browser: Chromium) -> Iterator[None]:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    yield
    browser.call("Emulation.setScriptExecutionDisabled", value=False)


@pytest.mark.usefixtures("without_scripts")
def test_without_scripts_addresses_become_leads_whose_values_tell_where_they_stand(person: Person) -> None:
    person.open("/ui/new")
    person.fills("Addresses, one a line", "lone-star-roofing.example\nnowhere")
    person.clicks("Job", "main", "summary")
    person.fills("Tags", "plain")
    person.clicks("Look first", "main", "button")
    person.comes_to("/ui/new/look")
    person.sees("1 company", "1 refused", "line 2: nowhere", within="#look")
    person.fills("Addresses, one a line", "lone-star-roofing.example")
    person.clicks("Start", "main", "button")
    person.comes_to("/ui/jobs/job_")
    ends = time.monotonic() + 60
    while "plain – completed" not in person.evaluate("document.title"):
        assert time.monotonic() < ends, person.reads()
        person.clicks("Reload", "main")
        time.sleep(0.3)
        person.comes_to("/ui/jobs/job_")
    person.clicks("Companies", ".tabs")
    person.until("location.pathname.endsWith('/companies')")
    person.clicks("Narrow, sort and choose columns", "main")
    person.comes_to("/ui/leads")
    person.sees("1 of", "Lone Star Roofing")
    person.clicks(person.reads("[data-name=Phone] a"), ".leads", "a.why")
    person.comes_to("/ui/companies/lone-star-roofing.example/why")
    person.sees("Phone of lone-star-roofing.example", "% sure", "see it there")
    person.clicks("All about it", "main")
    person.comes_to("/ui/companies/lone-star-roofing.example")
    person.clicks("Leads", "header")
    person.comes_to("/ui/leads")
    person.fills("Part of name, domain or description", "lone-star")
    person.clicks("Search", "main", "button")
    person.until("location.search.includes('text=lone-star')")
    assert "lone-star-roofing.example" in person.downloads("CSV", ".takes").read_text(encoding="utf-8-sig")
