"""What goes otherwise than it should: hosts that fail, a run that was a mistake; and what runs again and again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cli.sample_sites.server import SampleServer
from tests.journeys.person import Person


def starts(person: Person, addresses: str, tag: str) -> None:
    person.open("/ui/new")
    person.fills("Addresses, one a line", addresses)
    person.clicks("Job", "main", "summary")
    person.fills("Tags", tag)
    person.clicks("Start", "main", "button")
    person.comes_to("/ui/jobs/job_")
    person.sees(tag, within="h1")


def confirms(person: Person, act: str, question: str, done: str) -> None:
    """Of a job that is open, press an act, read what it would do, and do it."""
    job = person.path
    person.clicks(f"{act}…", "main", "button")
    person.comes_to("/ui/jobs/act")
    person.sees(question)
    person.clicks(f"{act} 1 job", "main", "button")
    person.sees(done)
    person.clicks("Back to the list", "main")
    person.comes_to("/ui/jobs")
    person.clicks(job_name := person.evaluate(f"document.querySelector('a[href=\"{job}\"]').innerText"), "main")
    person.comes_to(job)
    person.sees(job_name, within="h1")


@contextmanager
def down(sites: SampleServer, *hosts: str) -> Iterator[None]:
    sites.down.update(hosts)
    try:
        yield
    finally:
        sites.down.clear()


def test_why_companies_are_missing_leads_to_what_helps(person: Person, own_sites: SampleServer) -> None:
    with down(own_sites, "www.copperline-dental.example", "copperline-dental.example"):
        starts(person, "copperline-dental.example\nbrightforge.example\ngone-fishing.example", "missing")
        person.until("document.title.startsWith('missing – completed')")
        person.sees("1 of 3 companies", "Why companies are missing", "Resume asks these sites once more")
        person.clicks("Each of them", "main")
        person.until("location.pathname.endsWith('/errors')")
        person.sees("copperline-dental.example", "gone-fishing.example")
        person.clicks("Progress", ".tabs")
        person.until("!location.pathname.endsWith('/errors')")
    confirms(person, "Resume", "Resume 1 job?", "1 job resumed")
    person.until("document.title.startsWith('missing – completed')")
    person.sees("2 of 3 companies", "attempt 2")
    person.does_not_see("copperline", within=".causes")


def test_a_run_that_was_a_mistake_is_cancelled_and_goes_on_later(person: Person, own_sites: SampleServer) -> None:
    own_sites.delay_s = 60
    try:
        starts(person, "vetro-laguna.example\nbursztyn-meble.example", "hasty")
        person.until("document.title.startsWith('hasty – 0 %')")
        confirms(person, "Cancel", "Cancel 1 job?", "1 job cancelled")
        person.until("document.title.startsWith('hasty – cancelled')")
    finally:
        own_sites.delay_s = 0
    confirms(person, "Resume", "Resume 1 job?", "1 job resumed")
    person.until("document.title.startsWith('hasty – completed')")
    person.sees("2 of 2 companies")


def test_a_run_is_repeated_paused_and_given_up(person: Person) -> None:
    person.open("/ui/new")
    person.fills("Addresses, one a line", "officine-bellavita.example")
    person.clicks("Repeat", "main", "summary")
    person.fills("When", "0 7 * * 8")
    person.fills("Time zone", "Europe/Rome")
    person.fills("Name of the schedule", "mondays")
    person.clicks("Start", "main", "button")
    person.until("document.querySelector('[name=cron][aria-invalid]') !== null")
    person.comes_to("/ui/new", status=422)
    person.fills("When", "0 7 * * 1")
    person.clicks("Start", "main", "button")
    person.comes_to("/ui/schedules")
    person.sees("Schedule mondays is made", "Europe/Rome", "07:00")
    times = person.evaluate("[...document.querySelectorAll('[data-name=Next] time')].map(one => one.dateTime)")
    assert times == sorted(times) and len(times) >= 2, times
    person.clicks("Run now: mondays", "main", "button")
    person.sees("schedule:mondays")
    person.open("/ui/schedules")
    person.clicks("Pause mondays", "main", "button")
    person.sees("paused", "not while it is paused")
    person.clicks("Resume mondays", "main", "button")
    person.sees("active", "07:00")
    person.clicks("Delete mondays", "main")
    person.comes_to("/ui/schedules/delete")
    person.clicks("Delete", "main", "button")
    person.sees("Nothing is repeated yet")
