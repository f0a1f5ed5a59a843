"""Pages for who administers: schedules, keys, audit, health, models, statistics; who may see and do what by them."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from data.api_keys import KeyRegistry
from leadmill.settings import Settings
from tests.api.conftest import V1
from tests.api.pages.made import HOSTILE
from tests.api.pages.test_access import OPENED, SENT, keys, made, sign_in

__all__ = ["keys", "made"]

FOREIGN = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
SECRET = re.compile(r"lm_[0-9a-z]{8}_[A-Za-z0-9_-]{43}")
FURTHER = ("/ui/schedules", "/ui/models", "/ui/statistics", "/ui/health")
OF_ADMINS = ("/ui/keys", "/ui/sql", "/ui/audit")


def done(client: TestClient, secret: str) -> list[tuple[str, str, int]]:
    """What the audit has of pages, newest first: who did what, with which answer."""
    entries = client.get(f"{V1}/audit?limit=50", headers={"X-API-Key": secret}).json()["items"]
    return [(one["name"], one["action"], one["status"]) for one in entries if (one["route"] or "").startswith("/ui")]


def test_each_sees_the_places_that_the_role_may(client: TestClient, keys: dict[str, str]) -> None:
    for role, seen in (("viewer", FURTHER), ("operator", FURTHER), ("admin", FURTHER + OF_ADMINS)):
        sign_in(client, keys[role])
        behind = client.get("/ui/jobs", headers=OPENED).text.partition('<details class="more">')[2]
        menu = behind.partition("</details>")[0]
        assert re.findall(r'href="(/ui/[^"]+)"', menu) == sorted(seen, key=[*FURTHER, *OF_ADMINS].index), role
        for address in FURTHER:
            assert client.get(address, headers=OPENED).status_code == 200, (role, address)
        for address in OF_ADMINS:
            assert client.get(address, headers=OPENED).status_code == (200 if role == "admin" else 403), (role, address)
    sign_in(client, keys["viewer"])
    assert "<form method" not in client.get("/ui/schedules", headers=OPENED).text
    for address in ("/ui/schedules/pause?name=weekly", "/ui/schedules/delete?name=weekly", "/ui/keys"):
        assert client.post(address, headers=SENT).status_code == 403, address


def test_a_schedule_is_paused_resumed_and_deleted(client: TestClient, keys: dict[str, str]) -> None:
    sign_in(client, keys["operator"])
    shown = client.get("/ui/schedules", headers=OPENED).text
    assert "At 07:00 on Monday" in shown and "Europe/Berlin" in shown and ", 07:00</time>" in shown
    assert HOSTILE[0] not in shown and HOSTILE[0] in html.unescape(shown)
    assert "cannot be read" in shown and 'href="/ui/jobs/job_' in shown
    run = re.search(r'formaction="(/ui/schedules/run\?name=weekly[^"]*)"', shown)
    assert run is not None
    assert client.post(html.unescape(run[1]), headers=FOREIGN).status_code == 403
    sent = [client.post(html.unescape(run[1]), headers=SENT, follow_redirects=False) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [303, 303] and sent[0].headers["location"].startswith("/ui/jobs/")
    assert sent[0].headers["location"] == sent[1].headers["location"], "sent twice it makes one job"
    for act, paused in (("pause", True), ("resume", False)):
        assert client.post(f"/ui/schedules/{act}?name=weekly", headers=FOREIGN).status_code == 403
        answer = client.post(f"/ui/schedules/{act}?name=weekly", headers=SENT, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/ui/schedules")
        [found] = [one for one in client.get(f"{V1}/schedules").json()["items"] if one["name"] == "weekly"]
        assert found["paused"] is paused
    asked = client.get("/ui/schedules/delete?name=weekly", headers=OPENED)
    assert "Delete the schedule" in asked.text and "weekly" in asked.text
    for name in ("weekly", HOSTILE[0]):
        answer = client.post("/ui/schedules/delete", params={"name": name}, headers=SENT, follow_redirects=False)
        assert answer.status_code == 303
    assert client.get(f"{V1}/schedules").json()["items"] == []
    assert "Nothing is repeated yet" in client.get("/ui/schedules", headers=OPENED).text
    assert client.post("/ui/schedules/pause?name=weekly", headers=SENT).status_code == 404
    acts = [(name, action) for name, action, status in done(client, keys["admin"]) if status == 303]
    assert acts == [("Ada", f"{act}_schedule") for act in ("delete", "delete", "resume", "pause", "run")]
    kept = client.get(f"{V1}/audit", headers={"X-API-Key": keys["admin"]}).text
    assert "weekly" in kept and "taken" not in kept, "what has not the form of a name is not kept"


def test_a_secret_is_shown_once(client: TestClient, keys: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    sign_in(client, keys["admin"])
    typed = {"name": HOSTILE[1], "role": "viewer", "project": "", "expires_at": "", "networks": "10.0.0.0/8, ::1"}
    assert client.post("/ui/keys", data=typed, headers=FOREIGN).status_code == 403
    answer = client.post("/ui/keys", data=typed, headers=SENT)
    [secret] = set(SECRET.findall(answer.text))
    assert answer.status_code == 201 and answer.headers["cache-control"] == "no-store"
    assert HOSTILE[1] not in answer.text and secret not in str(answer.url)
    key_id = secret[3:11]
    listed = client.get("/ui/keys", headers=OPENED)
    assert key_id in listed.text and secret not in listed.text and not SECRET.search(listed.text)
    assert "10.0.0.0/8" in listed.text and listed.headers["cache-control"] == "no-store"
    assert "A new secret for" in client.get(f"/ui/keys/{key_id}/rotate", headers=OPENED).text
    anew = client.post(f"/ui/keys/{key_id}/rotate", data={"grace_s": "3600"}, headers=SENT)
    [second] = set(SECRET.findall(anew.text))
    assert second != secret and anew.headers["cache-control"] == "no-store"
    assert client.post(f"/ui/keys/{key_id}/rotate", data={"grace_s": "x"}, headers=SENT).status_code == 422
    assert "cannot be taken back" in client.get(f"/ui/keys/{key_id}/revoke", headers=OPENED).text
    gone = client.post(f"/ui/keys/{key_id}/revoke", headers=SENT, follow_redirects=False)
    assert (gone.status_code, gone.headers["location"]) == (303, "/ui/keys")
    assert "revoked" in client.get("/ui/keys", headers=OPENED).text
    acts = [(name, action) for name, action, status in done(client, keys["admin"]) if status < 400]
    assert acts == [("Root", f"{act}_key") for act in ("revoke", "rotate", "create")]
    told = client.get(f"{V1}/audit", headers={"X-API-Key": keys["admin"]}).text + caplog.text
    assert secret not in told and second not in told and key_id in told


def test_what_was_typed_stays_where_a_key_is_refused(client: TestClient, keys: dict[str, str]) -> None:
    sign_in(client, keys["admin"])
    for wrong, words in (
        ({"networks": "10.0.0.0/99"}, "networks"),
        ({"expires_at": "2020-01-01T00:00"}, "over already"),
        ({"project": "Not A Project"}, "a-z"),
        ({"role": "king"}, "role"),
        ({"name": "Ada"}, "there is a key"),
    ):
        answer = client.post("/ui/keys", data={"name": "kept as typed", "role": "operator", **wrong}, headers=SENT)
        assert answer.status_code in (409, 422) and words in answer.text.lower(), wrong
        assert "name" in wrong or 'value="kept as typed"' in answer.text
        assert not SECRET.search(answer.text)


def test_an_admin_of_a_project_has_its_own_keys_and_audit(
    settings: Settings, client: TestClient, keys: dict[str, str]
) -> None:
    sign_in(client, keys["stranger"])
    shown = client.get("/ui/keys", headers=OPENED).text
    assert "Sam" in shown and not [name for name in ("Vera", "Ada", "Root") if name in shown]
    of_ada = next(key for key in KeyRegistry(settings.data_dir).table().keys.values() if key.name == "Ada").id
    for act in ("rotate", "revoke"):
        for method in ("GET", "POST"):
            assert client.request(method, f"/ui/keys/{of_ada}/{act}", headers=SENT).status_code == 404, (method, act)
    elsewhere = client.post("/ui/keys", data={"name": "x", "role": "admin", "project": "default"}, headers=SENT)
    assert elsewhere.status_code == 403 and "administers the project other" in elsewhere.text
    audit = client.get("/ui/audit", headers=OPENED).text
    assert "Sam" in audit and not [name for name in ("Vera", "Ada", "Root") if name in audit]
    assert "No entry matches" in client.get("/ui/audit?project=default", headers=OPENED).text
    health = client.get("/ui/health", headers=OPENED).text
    assert "Queues" not in health and "Where everything is kept" not in health and "Beat" not in health


def test_the_audit_is_narrowed_by_its_address(client: TestClient, keys: dict[str, str]) -> None:
    sign_in(client, keys["viewer"])
    for _ in range(3):
        client.post("/ui/schedules/pause?name=weekly", headers=SENT)
    sign_in(client, keys["admin"])
    shown = client.get("/ui/audit?status=403&action=pause_schedule&key=&since=", headers=OPENED).text
    rows = shown.partition("<tbody>")[2]
    assert rows.count("<tr id=") == 3 and "Vera" in rows and "Root" not in rows
    assert "No entry matches" in client.get("/ui/audit?until=2001-01-01T00:00:00Z", headers=OPENED).text
    for wrong in ("status=abc", "since=yesterday", "cursor=x", "who=Vera"):
        assert client.get(f"/ui/audit?{wrong}", headers=OPENED).status_code == 422, wrong


def test_the_first_key_is_made_in_the_browser(client: TestClient) -> None:
    shown = client.get("/ui/keys", headers=OPENED).text
    assert "Nobody is asked for a key yet" in shown and "<option selected>admin" in shown
    refused = client.post("/ui/keys", data={"name": "me", "role": "viewer"}, headers=SENT)
    assert refused.status_code == 409 and "the first key must be" in refused.text.lower()
    answer = client.post("/ui/keys", data={"name": "me", "role": "admin"}, headers=SENT)
    [secret] = set(SECRET.findall(answer.text))
    assert "/sign-in?next=/ui/keys" in answer.text
    end = time.monotonic() + 30
    while client.get("/ui/keys", headers=OPENED, follow_redirects=False).status_code != 303:
        assert time.monotonic() < end
        time.sleep(0.02)
    sign_in(client, secret)
    assert "yours" in client.get("/ui/keys", headers=OPENED).text
    assert ("local", "create_key", 201) in done(client, secret), "told also before anybody was asked for a key"


def test_health_tells_what_is_wrong_and_mends_it(client: TestClient, made: dict[str, str]) -> None:
    shown = client.get("/ui/health", headers=OPENED).text
    assert "CONFIG SET appendonly yes" in shown and "No worker listens on" in shown and "leadmill beat" in shown
    assert "noeviction" in shown and "Missed ticks" in shown and HOSTILE[1] not in shown


def test_models_tell_their_rules(client: TestClient) -> None:
    shown = client.get("/ui/models", headers=OPENED).text
    assert "E-mail found" in shown and "+14" in shown and "A from 70" in shown and "leadmill models default" in shown
    unknown = client.get("/ui/models?scoring_model=b2b-defualt", headers=OPENED)
    assert unknown.status_code == 422 and "b2b-default" in unknown.text
    named = html.unescape(client.get("/ui/models?scoring_model=b2b-default", headers=OPENED).text)
    assert "--scoring-model b2b-default" in named and '"scoring_model": "b2b-default"' in named


def test_profiles_and_files_that_are_wrong(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "shops.toml").write_text('name = "shops"\n[countries]\nwanted = ["DACH"]\n')
    with TestClient(create_app(settings.model_copy(update={"models_dir": tmp_path})), "http://localhost") as client:
        profile = client.get("/ui/models?icp=shops", headers=OPENED).text
        assert "in DACH, as wanted" in profile and "--icp shops" in profile and "leadmill icp check shops" in profile
        (tmp_path / "broken.toml").write_text("[[rule]\n")
        broken = client.get("/ui/models?scoring_model=broken", headers=OPENED)
        assert broken.status_code == 200 and "not valid TOML" in broken.text


def test_statistics_of_the_last_days(client: TestClient, made: dict[str, str]) -> None:
    shown = client.get("/ui/statistics", headers=OPENED).text
    assert "9 jobs, 3 failed" in shown and "% of 6" in shown and '<rect width="67.0%"' in shown
    assert "No job of kind score was made" in client.get("/ui/statistics?kind=score", headers=OPENED).text
    assert client.get("/ui/statistics?kind=nothing", headers=OPENED).status_code == 422
