"""What belongs to another project does not exist: every call, asked for everything that a project has by another one.

Whatever names something of project `ours` is sent from project `theirs`, and beside it the same with a name that nobody
has. Both answers are the same but for that name, and nothing of `ours` stands in either. A call, a parameter or a field
that no case here knows fails, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from data import snapshot
from data.api_keys import KeyRegistry
from data.jobs import JobStore
from data.lake import Lake
from data.unit_files import UnitFiles
from leadmill.access import DEFAULT_PROJECT, Role
from leadmill.ids import company_id
from leadmill.settings import Settings
from tests.api.conftest import V1, Worker, post
from tests.api.test_archived import archive

#: Stands in every text of `ours`.
MARK = "theirsalone"
OURS = f"{MARK}.example"
#: Nobody has these.
NO_JOB, NO_COMPANY, NO_NAME, NO_DOMAIN = "job_" + "z" * 20, "comp_" + "0" * 16, "nobody", "nobody.example"
NO_KEY = "zzzzzzzz"


class Projects:
    """Two of them, each with its keys; and whose the next request is."""

    def __init__(self, ours: str, theirs: str, folder: Path) -> None:
        self.ours, self.theirs = ours, theirs
        keys = KeyRegistry(folder)
        self.key_id = keys.create(MARK, Role.VIEWER, ours)[0].id
        self._secrets = {ours: keys.create(f"{MARK} admin", Role.ADMIN, ours)[1]}
        #: An admin, but of the default project: who is one of that may ask about all.
        role = Role.OPERATOR if theirs == DEFAULT_PROJECT else Role.ADMIN
        self._secrets[theirs] = keys.create("own", role, theirs)[1]
        self.second = keys.create("second", Role.OPERATOR, ours)[1]

    def turn_to(self, project: str, client: TestClient) -> None:
        """Ask as that project."""
        self.use(self._secrets[project], client)

    @staticmethod
    def use(secret: str, client: TestClient) -> None:
        client.headers["Authorization"] = f"Bearer {secret}"


@pytest.fixture
def names(request: pytest.FixtureRequest) -> tuple[str, str]:
    return getattr(request, "param", (f"{MARK}-1", "theirs"))


@pytest.fixture
def projects(names: tuple[str, str], settings: Settings) -> Projects:
    """Asked for before the client, so that the API finds the keys."""
    return Projects(*names, settings.data_dir)


@dataclass
class Things:
    """What `ours` has, by what it is named by."""

    project: str
    key_id: str
    jobs: dict[str, str] = field(default_factory=dict)
    cursors: list[str] = field(default_factory=list)

    @property
    def texts(self) -> list[str]:
        return [MARK, OURS, f"{MARK}-1", self.key_id, company_id(OURS), *self.jobs.values()]


def submitted(client: TestClient, **more: Any) -> str:
    body = {"company_urls": [OURS], "tags": [MARK], **more}
    return str(post(client, body=body, headers={"Idempotency-Key": f"key-{more.get('priority', 'normal')}"})["job_id"])


def fill(client: TestClient, worker: Worker, projects: Projects) -> Things:
    """One of each thing that a project can have."""
    made = Things(projects.ours, projects.key_id)
    store, lake = worker.store, worker.lake
    for name in ("running", "waiting", "dead", "cancelled", "archived", "done"):
        made.jobs[name] = str(post(client, body={"company_urls": [OURS], "tags": [MARK]})["job_id"])
    made.jobs["keyed"] = submitted(client)
    made.jobs["large"] = submitted(client, priority="high", run_at="2031-01-01T00:00:00Z")
    worker.launch(made.jobs["running"])
    worker.launch(made.jobs["dead"])
    worker.fail(made.jobs["dead"], "p0", error=f"{MARK} fault")
    client.delete(f"{V1}/jobs/cancel/{made.jobs['cancelled']}")
    for name in ("done", "archived"):
        job = made.jobs[name]
        worker.finish(job, coverage=0.5)
        rows(worker, job)
    snapshot.compact(lake, [made.jobs["archived"]], lambda: None)
    archive(store, lake, made.jobs["archived"])
    store.critical("poison", {"job": made.jobs["dead"], "error": MARK})
    for kind in ("report", "cleanup"):
        path = {"report": "/jobs/analytics/report", "cleanup": "/jobs/maintenance/cleanup"}[kind]
        made.jobs[kind] = str(post(client, path, {"tags": [MARK]})["job_id"])
    channel = client.put(f"{V1}/notices/channels/{MARK}", json={"url": f"https://{OURS}/hook"})
    assert channel.status_code == 200, channel.text
    schedule = {"name": MARK, "cron": "0 6 * * *", "pipeline": {"company_urls": [OURS]}}
    assert client.post(f"{V1}/schedules", json=schedule).status_code == 201
    return made


def rows(worker: Worker, job: str) -> None:
    worker.rows(job, "process", [OURS], name=MARK, country="DE", description=MARK)
    worker.rows(
        job, "score", [OURS, f"x{OURS}"], name=MARK, country="DE", industry=MARK, technologies=[MARK], score=80.0,
        tier="A",
    )  # fmt: skip
    worker.error_rows(job, "scrape", [f"y{OURS}"])
    asked = {"company_id": company_id(OURS), "domain": OURS, "host": OURS, "url": f"https://{OURS}/", "kind": "home"}
    files = UnitFiles(worker.lake, job, "scrape", "p0", 1)
    files.write([{**asked, "at": datetime.now(UTC), "outcome": "answered"}], "ledger")
    worker.lake.expose(job, "scrape", "p0", 1)
    reports = worker.lake.job_dir(job) / "reports"
    reports.mkdir(parents=True)
    for form in ("html", "csv"):
        (reports / f"report.{form}").write_text(MARK)


@pytest.fixture
def ours(projects: Projects, client: TestClient, store: JobStore, lake: Lake) -> Things:
    """All of it; then whoever asks is of `theirs`, which has a job and a company of its own."""
    projects.turn_to(projects.ours, client)
    made = fill(client, Worker(store.of(projects.ours), lake.of(projects.ours)), projects)
    for query in ("jobs/list", "jobs/dead", "companies", f"jobs/{made.jobs['done']}/errors"):
        answer = client.get(f"{V1}/{query}?limit=1").json()
        assert answer["items"], query
        made.cursors += [answer["next_cursor"]] if answer["next_cursor"] else []
    assert len(made.cursors) >= 2
    projects.turn_to(projects.theirs, client)
    worker = Worker(store.of(projects.theirs), lake.of(projects.theirs))
    own = str(post(client, body={"company_urls": ["own.example"], "tags": ["own"]})["job_id"])
    worker.finish(own)
    worker.rows(own, "score", ["own.example"], name="Own", country="DE", score=10.0, tier="C")
    return made


# ---- what is asked --------------------------------------------------------------------------------------------

#: A name of something that `ours` has, and one of the same form that nobody has.
Pair = tuple[str, str]


def in_path(path: str, name: str, made: Things) -> list[Pair]:
    if path.startswith(f"{V1}/projects/"):
        return [(made.project, NO_NAME)]
    return {
        "job_id": [(job, NO_JOB) for job in made.jobs.values()],
        "company_id": [(company_id(OURS), NO_COMPANY), (OURS, NO_DOMAIN)],
        "name": [(MARK, NO_NAME)],  # also of a channel
        "key_id": [(made.key_id, NO_KEY)],
        "domain": [(OURS, NO_DOMAIN)],
        "delivery_id": [(f"ntc_1-1%7C{made.project}:{MARK}", f"ntc_1-1%7C{made.project}:{NO_NAME}")],
    }[name]


def in_query(name: str, made: Things) -> list[Pair]:
    if name == "cursor":
        return [(cursor, cursor) for cursor in made.cursors]
    return {
        "job": [(made.jobs["done"], NO_JOB)],
        "id": [(made.jobs["done"], NO_JOB), (made.key_id, NO_KEY)],
        "key": [(made.key_id, NO_KEY)],
        "project": [(made.project, NO_NAME)],
        "tag": [(MARK, NO_NAME)],
        "channel": [(MARK, NO_NAME)],
        "text": [(MARK, NO_NAME)],
        "domain": [(OURS, NO_DOMAIN)],
        "company": [(OURS, NO_DOMAIN)],
        "industry": [(MARK, NO_NAME)],
        "technology": [(MARK, NO_NAME)],
        "query": [(f"FROM companies WHERE domain = '{OURS}'", f"FROM companies WHERE domain = '{NO_DOMAIN}'")],
    }[name]


#: Parameters that choose among what there is, by words that are the same in every project.
WORDS = {
    "status", "kind", "since", "until", "action", "limit", "field", "country", "tier", "min_score", "from_stage",
    "format", "result", "role_class", "outcome", "type", "layout", "bom", "partial", "older_than_days", "column",
    "language", "size", "has", "sort",
}  # fmt: skip


def bodies(made: Things) -> dict[str, list[tuple[Any, Any]]]:
    """Of each call with a body what names something of `ours`, and the same of nobody. None: its body names nothing."""
    companies = ({"company_ids": [company_id(OURS)]}, {"company_ids": [NO_COMPANY]})
    no_names: list[tuple[Any, Any]] = []
    return {
        f"{V1}/pipelines": [companies, ({"search_queries": [MARK]}, {"search_queries": [NO_NAME]})],
        f"{V1}/pipelines/preview": no_names,
        f"{V1}/pipelines/{{job_id}}/rerun": no_names,
        f"{V1}/jobs/bulk": [
            ({"action": action, "filter": {"tag": MARK}, "dry_run": dry},
             {"action": action, "filter": {"tag": NO_NAME}, "dry_run": dry})
            for action in ("cancel", "resume") for dry in (True, False)
        ] + [
            ({"action": "cancel", "filter": {"text": MARK}}, {"action": "cancel", "filter": {"text": NO_NAME}}),
            *(({"action": "cancel", "filter": {"kind": "scrape"}, "cursor": one},
               {"action": "cancel", "filter": {"kind": "scrape"}, "cursor": one}) for one in made.cursors[:1]),
        ],
        f"{V1}/jobs/scrape/companies": no_names,
        f"{V1}/jobs/scrape/company": no_names,
        f"{V1}/jobs/scrape/batch": [({"search_queries": [MARK]}, {"search_queries": [NO_NAME]})],
        f"{V1}/jobs/process/scores": [companies],
        f"{V1}/jobs/process/data": [companies],
        f"{V1}/jobs/process/enrich": [companies],
        f"{V1}/jobs/analytics/report": [
            companies,
            *(({"filter": {name: mine}}, {"filter": {name: nobodys}}) for name, mine, nobodys in (
                ("country", ["DE"], ["FR"]), ("industry", [MARK], [NO_NAME]),
            )),
        ],
        f"{V1}/jobs/analytics/analyze": [companies],
        f"{V1}/jobs/maintenance/cleanup": no_names,
        f"{V1}/jobs/maintenance/health-check": no_names,
        f"{V1}/jobs/maintenance/optimize-db": no_names,
        f"{V1}/schedules": no_names,
        f"{V1}/projects/{{name}}": no_names,
        f"{V1}/keys": no_names,
        f"{V1}/blocks/{{domain}}": no_names,
        f"{V1}/notices/channels/{{name}}": no_names,
        f"{V1}/notices/channels/{{name}}/rotate": no_names,
        f"{V1}/notices/rules": [({"rules": [{"channels": [MARK]}]}, {"rules": [{"channels": [NO_NAME]}]})],
        f"{V1}/keys/{{key_id}}/rotate": no_names,
    }  # fmt: skip


@dataclass(frozen=True)
class Asked:
    method: str
    url: str
    body: Any = None

    def send(self, client: TestClient) -> tuple[int, str]:
        """Status and text of the answer, without what this request itself names, and what differs each time."""
        answer = client.request(self.method, self.url, json=self.body)
        text = text_of(answer)
        if text and answer.headers["content-type"].startswith("application/problem+json"):
            text = json.dumps({name: told for name, told in answer.json().items() if name != "request_id"})
        elif text and self.url.startswith(f"{V1}/sql"):
            text = re.sub(r'"took_s":[^,}]*', "", text)
        elif self.url == "/metrics":  # which names the projects to a key of `default`, and nothing else of them
            text = re.sub(r'project="[^"]*"', "", text)
        elif text and self.url.startswith(f"{V1}/audit"):  # which tells what these very requests named
            text = json.dumps([one for one in answer.json()["items"] if one["name"] != "own"])
        elif self.url.startswith("/ui/audit"):  # the same
            rows = re.compile(r'<tr id="aud_.*?</tr>', re.S)
            text = rows.sub(lambda row: "" if "<bdi>own</bdi>" in row[0] else row[0], text)
        text = re.sub(r'nonce="[\w-]+"|name="once" value="[\w-]*"', "", text)  # of a page
        return answer.status_code, text + json.dumps(dict(answer.headers).get("location", ""))


def text_of(answer: Any) -> str:
    if not answer.content.startswith(b"PK"):
        return str(answer.text)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        return "".join(book.read(name).decode(errors="replace") for name in book.namelist())


def calls(app: FastAPI) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every call of the application, those that no document shows among them: method, address, description."""
    told = app.openapi()["paths"]
    for router in app.routes:
        for one in router.effective_route_contexts():  # type: ignore[attr-defined]
            for method in sorted(one.methods or ()):
                path = one.path.replace(":path", "")
                if path.startswith("/static/"):  # what pages are made of: the same for everybody
                    continue
                yield method, path, told.get(path, {}).get(method.lower(), {})


def cases(app: FastAPI, made: Things) -> Iterator[tuple[Asked, Asked]]:
    """Each request that names something of `ours`, and the same with a name of nobody.

    Raises:
        KeyError: a call has a parameter or a body that no case knows.
    """
    known = bodies(made)
    for method, path, about in calls(app):
        names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
        queries = [one["name"] for one in about.get("parameters", ()) if one["in"] == "query"]
        fixed = "?from_stage=score" if "from_stage" in queries else "?field=name" if path.endswith("/explain") else ""
        some = known[path] if "requestBody" in about else []
        for name in names:
            for mine, nobodys in in_path(path, name, made):
                for rest in _rests(path, queries):
                    body: Any = {} if "requestBody" in about else None
                    urls = [path.replace(f"{{{name}}}", one) + (rest or fixed) for one in (mine, nobodys)]
                    yield Asked(method, urls[0], body), Asked(method, urls[1], body)
        if not names:
            yield Asked(method, path), Asked(method, path)
            for name in queries if method != "POST" else ():
                for mine, nobodys in in_query(name, made) if name not in WORDS else ():
                    yield Asked(method, f"{path}?{name}={mine}"), Asked(method, f"{path}?{name}={nobodys}")
        for mine, nobodys in some:
            yield Asked(method, path, mine), Asked(method, path, nobodys)


class Answers:
    """Of each request status and text; asked once where a repeat changes nothing."""

    def __init__(self, client: TestClient) -> None:
        self._client, self._known = client, dict[str, tuple[int, str]]()

    def of(self, asked: Asked) -> tuple[int, str]:
        if asked.body is not None:
            return asked.send(self._client)
        name = f"{asked.method} {asked.url}"
        if name not in self._known:
            self._known[name] = asked.send(self._client)
        return self._known[name]


def _rests(path: str, queries: list[str]) -> list[str]:
    if "partial" not in queries:
        return [""]
    return ["", *(f"?format={form}{more}" for form in ("html", "xlsx") for more in ("", "&partial=true"))]


@pytest.mark.parametrize("names", [("default", "theirs"), (f"{MARK}-1", "default")], ids=" to ".join, indirect=True)
def test_nothing_of_another_project_exists_or_can_be_changed(
    app: FastAPI, projects: Projects, client: TestClient, ours: Things
) -> None:
    projects.turn_to(projects.ours, client)
    before = seen(client, ours)
    projects.turn_to(projects.theirs, client)
    wrong, sent, missing, answers = [], 0, 0, Answers(client)
    for asked, of_nobody in cases(app, ours):
        status, text = asked.send(client)
        expected = answers.of(of_nobody)
        sent += 1
        missing += status == 404
        named = [one for one in ours.texts if one in asked.url or one in json.dumps(asked.body)]
        clean, nobody = text, expected[1]
        for one in sorted(named, key=len, reverse=True):
            clean = clean.replace(one, "…")
        clean = clean.replace(f"'{ours.project}'", "'…'")
        for one in (NO_JOB, NO_COMPANY, NO_DOMAIN, NO_NAME, NO_KEY):
            nobody = nobody.replace(one, "…")
        if told := [one for one in ours.texts if one in clean]:
            wrong.append(f"{asked}: {status} tells {told}: {text[:300]}")
        if asked != of_nobody and status != expected[0]:
            wrong.append(f"{asked}: {status}, of nobody's {expected[0]}: {text[:200]} {expected[1][:200]}")
        if status >= 400 and clean != nobody:
            wrong.append(f"{asked}: {clean[:300]}, of nobody's {nobody[:300]}")
        if "{" in asked.url:
            wrong.append(f"{asked}: an address that is not filled")
    assert not wrong, f"{len(wrong)} of {sent}:\n" + "\n".join(wrong[:20])
    assert sent > 300 and missing > 200
    projects.turn_to(projects.ours, client)
    assert seen(client, ours) == before


def test_a_name_that_two_projects_have_is_two_things(projects: Projects, client: TestClient, ours: Things) -> None:
    schedule = {"name": MARK, "cron": "0 7 * * *", "pipeline": {"company_urls": ["own.example"]}}
    assert client.post(f"{V1}/schedules", json=schedule).status_code == 201
    body, key = {"company_urls": [OURS], "tags": [MARK]}, {"Idempotency-Key": "key-normal"}
    again = client.post(f"{V1}/pipelines", json=body, headers=key)
    assert again.status_code == 202 and "Idempotency-Replayed" not in again.headers
    assert again.json()["job_id"] not in ours.jobs.values()
    assert client.delete(f"{V1}/schedules/{MARK}").status_code == 204
    projects.turn_to(projects.ours, client)
    assert [one["name"] for one in client.get(f"{V1}/schedules").json()["items"]] == [MARK]
    replayed = client.post(f"{V1}/pipelines", json=body, headers=key)
    assert replayed.json()["job_id"] == ours.jobs["keyed"] and replayed.headers["Idempotency-Replayed"] == "true"


def test_a_key_is_not_answered_with_another_keys_job(projects: Projects, client: TestClient) -> None:
    """Of one project, too: the same Idempotency-Key of two callers is two jobs, of a caller that comes again one."""
    sent: dict[str, Any] = {"headers": {"Idempotency-Key": "k"}}
    projects.turn_to(projects.ours, client)
    first = post(client, **sent)["job_id"]
    projects.use(projects.second, client)
    assert post(client, **sent)["job_id"] != first
    projects.turn_to(projects.ours, client)
    assert post(client, **sent)["job_id"] == first


def seen(client: TestClient, made: Things) -> Any:
    """What `ours` sees of itself, but for what time changes."""
    errors = f"jobs/{made.jobs['done']}/errors"
    paths = ("jobs/list?limit=100", "companies?limit=100", "schedules", "jobs/dead", errors)
    return [without_times(client.get(f"{V1}/{path}").json()) for path in paths]


def without_times(found: Any) -> Any:
    if isinstance(found, dict):
        timed = ("waiting_for", "turn", "next_runs", "next_runs_local", "duration_s")
        return {name: without_times(value) for name, value in found.items() if name not in timed}
    return [without_times(one) for one in found] if isinstance(found, list) else found
