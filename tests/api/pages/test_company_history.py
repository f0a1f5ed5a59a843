"""What the history of a company tells: each run that found it, and what changed since the one before."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from api import company_changes
from data.lake import Lake
from tests.api.conftest import Worker, post
from tests.api.pages.made import HOSTILE
from tests.api.pages.test_access import OPENED

DOMAIN = "changing.example"
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)


def find(client: TestClient, worker: Worker, day: int, stage: str = "score", **columns: object) -> str:
    """A run that found the company so, on a day."""
    job = str(post(client, body={"company_urls": [DOMAIN]})["job_id"])
    at = FIRST + timedelta(days=day)
    before = {"processed_at": at, "enriched_at": at, "scored_at": at} if stage == "score" else {"processed_at": at}
    worker.rows(job, stage, [DOMAIN], **before, **columns)
    return job


def told(client: TestClient) -> list[str]:
    """The runs as the page has them, in words."""
    text = client.get(f"/ui/companies/{DOMAIN}/history", headers=OPENED).text
    assert not any(name in text for name in HOSTILE[:2])
    cards = re.findall(r'<section class="card changes".*?</section>', text, re.DOTALL)
    return [html.unescape(" ".join(re.sub("<[^>]*>", " ", card).split())) for card in cards]


def test_each_run_tells_what_it_changed(client: TestClient, worker: Worker, lake: Lake) -> None:
    jobs = [
        find(client, worker, 0, "process", name="Old & Co", emails=["a@x.example", "b@x.example"]),
        find(client, worker, 1, name="Old & Co", emails=["b@x.example"], score=40.0, tier="C", employees_min=3),
        find(client, worker, 2, name=HOSTILE[0], emails=["b@x.example", "c@x.example"], score=81.0, tier="A",
             country="DE", employees_min=3),
        find(client, worker, 3, name=HOSTILE[0], emails=["c@x.example", "b@x.example"], score=81.0, tier="A",
             country="DE", employees_min=3),
    ]  # fmt: skip
    same, second, first, oldest = told(client)
    assert all(job in card for job, card in zip(reversed(jobs), (same, second, first, oldest), strict=True))
    assert same.endswith("Nothing else than the run before."), "in another order is the same"
    assert f"Name no more: Old & Co now: {HOSTILE[0]}" in second and "Country now: Germany" in second
    assert "Tier no more: C now: A" in second and "E-mail now: c@x.example" in second and "People" not in second
    assert "E-mail no more: a@x.example" in first and "Score" not in first.partition("job_")[2], "none had been made"
    assert oldest.endswith("The first run that found it.")
    about = client.get(f"/ui/companies/{DOMAIN}", headers=OPENED).text
    assert f'href="/ui/companies/{DOMAIN}/history">What changed' in about
    for part in lake.parts(jobs[0], "process"):
        part.unlink()
    assert len(told(client)) == 3


def test_only_the_newest_runs_are_compared(client: TestClient, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(company_changes, "MOST_RUNS", 2)
    for day in range(4):
        find(client, worker, day, name=f"Name {day}")
    newest, second = told(client)
    assert "no more: Name 2 now: Name 3" in newest and "no more: Name 1 now: Name 2" in second
    assert "and 2 earlier runs" in client.get(f"/ui/companies/{DOMAIN}/history", headers=OPENED).text
    unknown = client.get("/ui/companies/nobody.example/history", headers=OPENED)
    assert unknown.status_code == 404
