"""The sample sites, one click away where they are served: the job, who may start it, the form filled in with them."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from leadmill.sample_sites import SampleSites
from leadmill.settings import Settings
from tests.api.conftest import V1, status
from tests.api.pages.conftest import serve_samples
from tests.api.pages.test_access import OPENED, SENT, keys, made, sign_in

__all__ = ["keys", "made"]

_CLICKED = re.compile(r'<form method="post" action="(/ui/samples\?once=[\w-]+)">')
#: Pages that say how to begin while there is nothing.
EMPTY = ("/", "/ui/jobs", "/ui/leads", "/ui/statistics")


@pytest.fixture
def samples(settings: Settings) -> SampleSites:
    return serve_samples(settings)


@pytest.mark.parametrize("path", EMPTY)
def test_an_empty_page_offers_them(client: TestClient, samples: SampleSites, path: str) -> None:
    shown = client.get(path, headers=OPENED).text
    assert len(_CLICKED.findall(shown)) == 1 and "leadmill demo" not in shown


def test_a_click_makes_one_job_of_that_name(client: TestClient, samples: SampleSites) -> None:
    (address,) = _CLICKED.findall(client.get("/", headers=OPENED).text)
    clicked = [client.post(address, headers=SENT, follow_redirects=False) for _ in range(2)]
    assert [one.status_code for one in clicked] == [303, 303]
    (job_id,) = {one.headers["location"].removeprefix("/ui/jobs/") for one in clicked}
    assert status(client, job_id)["tags"] == ["sample sites"]
    assert "sample sites" in client.get(f"/ui/jobs/{job_id}", headers=OPENED).text
    again = client.get(f"/ui/new?job={job_id}", headers=OPENED).text
    assert "\n".join(samples.companies) in again.replace("\r", "")
    assert not _CLICKED.search(client.get("/", headers=OPENED).text), "it is no longer empty"


def test_where_none_are_served_none_are_offered(client: TestClient) -> None:
    for path in EMPTY:
        shown = client.get(path, headers=OPENED).text
        assert not _CLICKED.search(shown) and "leadmill demo" in shown
    assert "sample list" not in client.get("/ui/new", headers=OPENED).text
    refused = client.post("/ui/samples?once=once-1234", headers=SENT)
    assert refused.status_code == 409 and "leadmill up" in refused.text
    assert "made-up.example" not in client.get("/ui/new?samples=1", headers=OPENED).text


def test_the_form_of_a_new_run_is_filled_in_with_them(client: TestClient, samples: SampleSites) -> None:
    assert 'href="/ui/new?samples=1"' in client.get("/ui/new", headers=OPENED).text
    filled = client.get("/ui/new?samples=1", headers=OPENED).text
    assert "\n".join(samples.companies) in filled.replace("\r", "") and 'value="sample sites"' in filled


def test_who_may_look_starts_none(client: TestClient, keys: dict[str, str], samples: SampleSites) -> None:
    sign_in(client, keys["viewer"])
    assert client.post("/ui/samples?once=once-1234", headers=SENT).status_code == 403


def test_another_origin_starts_none(client: TestClient, samples: SampleSites) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Origin": "https://evil.example.com"}
    assert client.post("/ui/samples?once=once-1234", headers=foreign).status_code == 403
    assert client.get(f"{V1}/jobs/list").json()["items"] == []
