"""Keys: made, used by a program, revoked; what a viewer may not; what another project does not see.

The last module of the journeys: from the first key on nobody comes in without one.
"""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from cli.local_stack.stack import LocalStack
from docs.chromium import Chromium
from leadmill import Client
from tests.journeys.person import Person

FIRST = "Ada"


def made(person: Person, name: str, role: str, project: str = "") -> str:
    """The secret of a key that somebody makes at the page of keys."""
    person.fills("Name", name)
    person.chooses("Role", role)
    if project:
        person.fills("Project", project)
    person.clicks("Make the key", "main", "button")
    person.until("document.title.startsWith('Key made')")
    return person.reads(".command code")


@pytest.fixture(scope="module")
def admin(dashboard: LocalStack, browser: Chromium, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The secret of the first key, made by whoever reached the page of keys first."""
    person = Person(browser, dashboard.api_url, tmp_path_factory.mktemp("first"))
    person.open("/ui/keys")
    person.sees("Nobody is asked for a key yet")
    return made(person, FIRST, "admin")


def enters(person: Person, key: str, path: str) -> None:
    person.open(path)
    person.sees("Sign in")
    person.signs_in(key)
    person.comes_to(path)


def status_for(stack: LocalStack, key: str) -> int:
    """What a program is answered that lists jobs by it."""
    return httpx2.get(f"{stack.api_url}/api/v1/jobs/list", headers={"X-API-Key": key}, trust_env=False).status_code


def test_a_key_is_made_used_by_a_program_and_revoked(person: Person, dashboard: LocalStack, admin: str) -> None:
    enters(person, admin, "/ui/keys")
    key = made(person, "crm-import", "operator")
    assert status_for(dashboard, key) == 200
    person.clicks("I have kept it", "main")
    person.comes_to("/ui/keys")
    person.sees("crm-import", FIRST)
    assert key not in person.evaluate("document.documentElement.outerHTML")
    person.clicks("Revoke crm-import", "main")
    person.comes_to("/ui/keys/")
    person.sees("Whoever uses it is let in no more")
    person.clicks("Revoke the key", "main", "button")
    person.sees("Revoked or expired")
    assert status_for(dashboard, key) == 401
    person.clicks("Keys", "header", "summary")
    person.clicks("Audit", "header")
    person.comes_to("/ui/audit")
    person.sees(f"{FIRST} admin", "create key", "revoke key", "401 key revoked")


def test_a_viewer_sees_all_and_changes_nothing(
    person: Person, dashboard: LocalStack, admin: str, tmp_path: Path
) -> None:
    with Client(dashboard.api_url, api_key=admin) as client:
        job = client.submit(["marlow-whitfield.example"], tags=["shown"]).wait(60)
    enters(person, admin, "/ui/keys")
    key = made(person, "Vera", "viewer")
    person.clicks("Sign out", "header", "button")
    person.sees("Sign in")
    person.signs_in(key)
    person.comes_to("/")
    person.sees("Vera", "viewer", within="header")
    assert "Keys" not in person.evaluate("document.querySelector('header').textContent")
    person.clicks("Jobs", "header")
    person.comes_to("/ui/jobs")
    person.clicks("shown", "main")
    person.comes_to(f"/ui/jobs/{job.id}")
    person.sees("1 of 1 company", "Downloads")
    assert person.downloads("CSV", ".downloads").read_text(encoding="utf-8-sig").count("marlow-whitfield.example")
    for path in (f"/ui/jobs/{job.id}", "/ui/jobs", "/ui/leads", "/ui/companies/marlow-whitfield.example", "/ui/new",
                 "/ui/schedules"):  # fmt: skip
        person.open(path)
        person.comes_to(path)
        acts = person.evaluate(
            "[...document.querySelectorAll('main form[method=post] button')].map(one => one.innerText)"
        )
        assert acts == [], path
    person.open("/ui/keys")
    person.sees("admin")
    assert person.evaluate("document.querySelector('main form') === null")


def test_another_project_is_entered_and_sees_nothing_of_the_first(person: Person, admin: str) -> None:
    enters(person, admin, "/ui/keys")
    key = made(person, "Olga", "operator", "atelier")
    person.open("/ui/jobs")
    job = person.evaluate("document.querySelector('.jobs .name a').getAttribute('href')")
    person.clicks("Sign out", "header", "button")
    person.sees("Sign in")
    person.signs_in(key)
    person.comes_to("/")
    person.sees("project atelier", within="header")
    person.sees("Nothing has run yet")
    person.open(job)
    person.sees("No job")
    person.comes_to(job, status=404)
    person.clicks("New run", "header")
    person.comes_to("/ui/new")
    person.fills("Addresses, one a line", "azulejo-norte.example")
    person.clicks("Start", "main", "button")
    person.comes_to("/ui/jobs/job_")
    own = person.path
    person.until("document.title.includes('completed')")
    person.clicks("Leads", "header")
    person.sees("1 company, best first", "Azulejo Norte")
    person.clicks("Sign out", "header", "button")
    person.sees("Sign in")
    person.signs_in(admin)
    person.comes_to("/")
    person.open(own)
    person.sees("No job")
    person.comes_to(own, status=404)
