"""GET /audit: filters, pages, and the project of who asks."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from data.audit import AuditFiles, AuditStream, Entry
from data.jobs import JobStore
from leadmill.access import Caller, Role
from leadmill.settings import Settings
from tests.api.conftest import V1, post

JOB = "job_" + "0" * 20


@pytest.fixture
def filled(client: TestClient, store: JobStore, settings: Settings) -> TestClient:
    """Six entries: two in a file, four in the stream."""
    files, stream = AuditFiles(settings.data_dir), AuditStream(store)
    ada = {"key": "aaaa1111", "name": "ada", "project": "default"}
    otto = {"key": "bbbb2222", "name": "otto", "project": "acme"}
    for number, about in enumerate([
        {**ada, "action": "submit_pipeline", "id": JOB, "status": 202},
        {**ada, "action": "cancel", "id": JOB, "status": 202},
        {**otto, "action": "submit_pipeline", "status": 422}, {"action": "list_jobs", "status": 401, "key": "cccc3333"},
        {**ada, "action": "create_schedule", "id": "daily", "status": 201}, {**otto, "action": "cancel", "status": 403},
    ]):  # fmt: skip
        stream.append([Entry(**about).text()], files.newest)
        if number == 1:
            with files.exclusive(1):
                files.flush(stream)
    return client


def asked(client: TestClient, **wanted: Any) -> list[tuple[str | None, str, int]]:
    answer = client.get(f"{V1}/audit", params=wanted)
    assert answer.status_code == 200, answer.text
    return [(one["name"], one["action"], one["status"]) for one in answer.json()["items"]]


EVERYTHING = [
    ("otto", "cancel", 403), ("ada", "create_schedule", 201), (None, "list_jobs", 401),
    ("otto", "submit_pipeline", 422), ("ada", "cancel", 202), ("ada", "submit_pipeline", 202),
]  # fmt: skip


def test_each_filter(filled: TestClient) -> None:
    assert asked(filled) == EVERYTHING
    assert asked(filled, key="cccc3333") == [EVERYTHING[2]]
    assert asked(filled, project="acme") == [EVERYTHING[0], EVERYTHING[3]]
    assert asked(filled, action="cancel") == [EVERYTHING[0], EVERYTHING[4]]
    assert asked(filled, id=JOB) == EVERYTHING[4:]
    assert asked(filled, status=202) == EVERYTHING[4:]
    assert asked(filled, since="2020-01-01T00:00:00Z") == EVERYTHING
    assert asked(filled, since="2035-01-01T00:00:00Z") == asked(filled, until="2020-01-01T00:00:00Z") == []
    middle = filled.get(f"{V1}/audit").json()["items"][4]["at"]
    assert set(asked(filled, since=middle)) | set(asked(filled, until=middle)) == set(EVERYTHING)
    assert filled.get(f"{V1}/audit", params={"status": 9}).status_code == 422


def test_pages_hold_all_of_it_once(filled: TestClient) -> None:
    found, cursor = [], None
    while True:
        answer = filled.get(f"{V1}/audit", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        assert len(answer["items"]) <= 2
        found += [(one["name"], one["action"], one["status"]) for one in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
    assert found == EVERYTHING
    for wrong in ("WyJ4Il0", "x", "WyJhdWRfdXV1dXV1dXV1dXV1dXV1dXV1dXUiXQ"):
        assert filled.get(f"{V1}/audit", params={"cursor": wrong}).status_code == 422


def test_an_admin_of_another_project_sees_its_own_part(filled: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    otto = Caller("otto", Role.ADMIN, "acme", "bbbb2222", "10.0.0.1")
    monkeypatch.setattr(Caller, "local", lambda address: otto)
    own = [EVERYTHING[0], EVERYTHING[3]]
    assert asked(filled) == asked(filled, project="acme") == own
    assert asked(filled, project="default") == asked(filled, key="aaaa1111") == []


def test_without_a_key_only_a_change_of_who_may_do_what_is_audited(
    client: TestClient, store: JobStore, settings: Settings
) -> None:
    job_id = post(client)["job_id"]
    assert client.delete(f"{V1}/jobs/cancel/{job_id}").status_code == 202
    assert client.post(f"{V1}/pipelines", json={}).status_code == 422
    assert client.get(f"{V1}/jobs/list", headers={"Host": "evil.example"}).status_code == 421
    assert AuditStream(store).length() == 0 and not AuditFiles(settings.data_dir).folder.exists()
    assert client.put(f"{V1}/projects/acme", json={"live_jobs": 5}).status_code == 200
    [one] = client.get(f"{V1}/audit").json()["items"]
    assert (one["name"], one["action"], one["id"], one["status"]) == ("local", "set_quotas", "acme", 200)
