"""Who sees which page, and who may change something by one: as the API has it."""

from __future__ import annotations

import html
import json
import shlex
import time
from datetime import UTC, datetime

import duckdb
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from api.assets import assets
from api.run_form import _put
from data.api_keys import KeyRegistry
from data.input_columns import headers_metadata
from leadmill.access import Role
from leadmill.settings import Settings
from tests.api.conftest import V1, Worker, post, status
from tests.api.pages.addresses import of_all
from tests.api.pages.made import HOSTILE, fill
from tests.api.pages.typed import TYPED

#: What browsers say of a person who opens a page, who sends a form of one, and of a script of a page.
OPENED = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
SENT = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
ASKED = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "same-origin", "HX-Request": "true", "Accept": "text/html"}


@pytest.fixture
def made(client: TestClient, worker: Worker) -> dict[str, str]:
    return fill(lambda **body: str(post(client, body={"company_urls": ["acme.example"], **body})["job_id"]), worker)


@pytest.fixture
def keys(settings: Settings, client: TestClient, made: dict[str, str]) -> dict[str, str]:
    registry = KeyRegistry(settings.data_dir)
    found = {
        "viewer": registry.create("Vera", Role.VIEWER)[1],
        "operator": registry.create("Ada", Role.OPERATOR)[1],
        "admin": registry.create("Root", Role.ADMIN)[1],
        "stranger": registry.create("Sam", Role.ADMIN, "other")[1],
    }
    end = time.monotonic() + 30
    newest = {"X-API-Key": found["stranger"]}  # the others were written before it
    while client.get(f"{V1}/jobs/list", headers=newest).status_code != 200 or client.get(f"{V1}/jobs/list").is_success:
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def sign_in(client: TestClient, secret: str) -> None:
    answer = client.post("/sign-in", data={"key": secret}, headers=SENT, follow_redirects=False)
    assert answer.status_code == 303, answer.text


def test_who_is_not_signed_in_is_led_there_and_back(client: TestClient, keys: dict[str, str]) -> None:
    answer = client.get("/ui/jobs?status=failed", headers=OPENED, follow_redirects=False)
    assert answer.status_code == 303 and answer.headers["location"] == "/sign-in?next=/ui/jobs%3Fstatus%3Dfailed"
    assert client.get("/ui/jobs", headers=ASKED, follow_redirects=False).status_code == 401, "a part of a page is not"
    for file in assets().values():
        assert client.get(file.address).content == file.content, "what the page that asks for a key is made of"


def test_a_viewer_sees_all_and_can_change_nothing(
    client: TestClient, keys: dict[str, str], made: dict[str, str]
) -> None:
    sign_in(client, keys["viewer"])
    shown = client.get("/ui/jobs", headers=OPENED)
    assert made["pending"] in shown.text and "Vera" in shown.text and "/ui/jobs/act" in shown.text
    assert '<button class="plain" name="action"' not in shown.text
    for method in ("GET", "POST"):
        refused = client.request(method, f"/ui/jobs/act?action=cancel&job={made['pending']}", headers=SENT)
        assert refused.status_code == 403 and refused.headers["content-type"].startswith("text/html")
        assert "needs a key with the role operator" in refused.text and "Vera" in refused.text
    assert status(client, made["pending"])["status"] == "pending"
    about = client.get(f"/ui/jobs/{made['completed 1']}", headers=OPENED).text
    assert "Downloads" in about and "The same request" not in about and '<form method="post" action="/ui' not in about
    companies = client.get(f"/ui/jobs/{made['completed 1']}/companies", headers=OPENED).text
    assert "<bdi>müller.example</bdi>" in companies, "as people read it"


def test_another_project_sees_nothing(client: TestClient, keys: dict[str, str], made: dict[str, str]) -> None:
    sign_in(client, keys["stranger"])
    for address in of_all(made):
        shown = client.get(address, headers=OPENED).text
        assert not [job for job in made.values() if job in shown and job not in address], address
        assert "Autumn" not in shown and "scraping" not in shown, address
    gone = client.post(f"/ui/jobs/act?action=cancel&job={made['pending']}", headers=SENT)
    assert gone.status_code == 200 and "0 jobs cancelled" in gone.text


def test_an_operator_cancels_what_was_selected_and_the_audit_tells(
    client: TestClient, keys: dict[str, str], made: dict[str, str]
) -> None:
    sign_in(client, keys["operator"])
    address = f"/ui/jobs/act?action=cancel&job={made['pending']}&job={made['failed 0']}"
    for headers in (
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
    ):
        foreign = client.post(address, headers={**headers, "Sec-Fetch-Mode": "navigate", "Accept": "text/html"})
        assert foreign.status_code == 403 and "cross_origin" in foreign.text, headers
    impact = client.get(address, headers=OPENED)
    assert "Cancel 1 job?" in impact.text and "it is failed already" in impact.text
    assert status_of(client, made["pending"], keys) == "pending", "nothing was done before it was confirmed"
    done = client.post(address, headers=SENT)
    assert done.status_code == 200 and "1 job cancelled" in done.text
    assert status_of(client, made["pending"], keys) == "cancelled"
    assert "0 jobs cancelled" in client.post(address, headers=SENT).text, "twice does no harm"
    admin = {"X-API-Key": keys["admin"]}
    entries = client.get(f"{V1}/audit?action=cancel_all", headers=admin).json()["items"]
    told = [(one["name"], one["count"], one["id"]) for one in entries if one["status"] == 200]
    assert ("Ada", 1, made["pending"]) in told
    one = client.get(f"/ui/jobs/act?action=resume&job={made['pending']}", headers=OPENED).text
    assert f'href="/ui/jobs/{made["pending"]}">Back, change nothing' in one and "What is not done of it" in one
    assert "The rows that it has:" in client.get(f"/ui/jobs/{made['pending']}", headers=OPENED).text
    unknown = client.post("/ui/jobs/act?action=cancel&job=job_" + "z" * 20, headers=SENT)
    assert "0 jobs cancelled" in unknown.text and "cleaned up" in unknown.text
    for wrong in (
        "action=cancel",
        "action=cancel&all=1&job=" + made["pending"],
        "action=delete&all=1",
        "action=cancel&job=x",
    ):
        assert client.post(f"/ui/jobs/act?{wrong}", headers=SENT).status_code == 422, wrong


def status_of(client: TestClient, job_id: str, keys: dict[str, str]) -> str:
    return str(client.get(f"{V1}/jobs/status/{job_id}", headers={"X-API-Key": keys["viewer"]}).json()["status"])


def test_pages_without_keys_and_their_policy(client: TestClient, made: dict[str, str]) -> None:
    shown = client.get("/", headers=OPENED)
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ") and "unsafe" not in policy
    assert not any(name in shown.text for name in HOSTILE[:2]) and "http://" not in shown.text.replace("http://127", "")
    assert "no-store" in shown.headers["cache-control"] and shown.headers["x-frame-options"] == "DENY"
    file = assets()["leadmill.css"].address
    kept = client.get(file)
    assert "immutable" in kept.headers["cache-control"] and kept.headers["content-type"].startswith("text/css")
    folder = file.rpartition("/")[0]
    for path in (
        f"{folder}/live.js",
        f"{folder}/nothing.css",
        f"{folder}/..%2f..%2fpage.py",
        f"/static/{'0' * 16}/live.js",
    ):
        assert client.get(path).status_code == 404, path


def test_the_overview_leads_to_what_completed_last(client: TestClient, made: dict[str, str]) -> None:
    text = client.get("/", headers=OPENED).text.partition('id="completed"')[2].partition("</section>")[0]
    completed = sorted((job for name, job in made.items() if name.startswith("completed")), reverse=True)
    shown = [line.partition('"')[0] for line in text.split('href="/ui/jobs/')[1:]]
    assert shown == completed[:5] and made["failed 0"] not in text and made["cancelled"] not in text
    assert f'href="/ui/leads?job={completed[0]}"' in text


def test_lists_are_narrowed_by_their_address(client: TestClient, made: dict[str, str]) -> None:
    failed = client.get("/ui/jobs?status=failed&kind=&tag=&since=&text=", headers=OPENED)
    assert made["failed 0"] in failed.text and made["running"] not in failed.text, "an empty field is none"
    first = client.get("/ui/jobs?limit=3", headers=OPENED).text
    older = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = client.get(older, headers=OPENED).text
    assert sum(f'id="row-{job}"' in first for job in made.values()) == 3
    assert not [job for job in made.values() if f'id="row-{job}"' in first and f'id="row-{job}"' in second]
    wrong = client.get("/ui/jobs?cursor=x", headers=OPENED)
    assert wrong.status_code == 422 and wrong.headers["content-type"].startswith("text/html")
    assert client.get("/ui/jobs?cursor=x").headers["content-type"] == "application/problem+json", "to a program as ever"


def test_a_job_is_run_again_once(client: TestClient, made: dict[str, str]) -> None:
    job = made["completed 0"]
    shown = client.get(f"/ui/jobs/{job}", headers=OPENED).text
    address = shown.partition('<form method="post" action="')[2].partition('"')[0].replace("&amp;", "&")
    assert address.startswith(f"/ui/jobs/{job}/rerun?from_stage=")
    made_by = [client.post(address, headers=SENT, follow_redirects=False).headers["location"] for _ in range(2)]
    assert made_by[0] == made_by[1] != f"/ui/jobs/{job}"
    assert status(client, made_by[0].rpartition("/")[2])["parent"] == job
    again = client.post(f"/ui/jobs/{made['running']}/rerun?from_stage=score&once=0123456789", headers=SENT)
    assert again.status_code == 409 and "wait until it has ended" in again.text
    assert client.post(address, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_the_same_request_is_told_as_one_would_type_it(client: TestClient, made: dict[str, str]) -> None:
    body = {
        "company_urls": ["a.example", "https://b.example/it's"], "tags": ["it's"], "crawl": {"max_pages": 3},
        "report": {"formats": ["csv"], "layout": "hubspot"},
    }  # fmt: skip
    shown = html.unescape(client.get(f"/ui/jobs/{post(client, body=body)['job_id']}", headers=OPENED).text)
    assert "leadmill run a.example" in shown and "--layout hubspot --max-pages 3 --tag" in shown.replace("\n", " ")
    command = shown.partition("curl -s ")[2].partition("</code>")[0]
    words = shlex.split(command.replace("\\\n", " "))
    sent = json.loads(words[words.index("-d") + 1])
    assert sent == {**body, "crawl": {"max_pages": 3}}
    code = shown.partition("from leadmill import Client")[2].partition("</code>")[0]
    compile(code, "page", "exec")
    assert "'https://b.example/it\\'s'" in code or '"https://b.example/it\'s"' in code
    assert "left out here" not in shown
    typed = {name: value for name, (_, value) in TYPED.items() if name not in ("callback_url", "search_queries")}
    whole: dict[str, object] = {}
    for name, value in typed.items():
        if name not in (
            "run_at",
            "max_results_per_query",
            "stages",
        ):  # the time has come; no searches; a report is wanted
            _put(whole, name, value, even_empty=True)
    shown = html.unescape(client.get(f"/ui/jobs/{post(client, body=whole)['job_id']}", headers=OPENED).text)
    words = shlex.split(shown.partition("curl -s ")[2].partition("</code>")[0].replace("\\\n", " "))
    assert json.loads(words[words.index("-d") + 1]) == whole
    many = post(client, body={"company_urls": [f"c{n}.example" for n in range(201)]})["job_id"]
    assert "1 address of it is left out here" in client.get(f"/ui/jobs/{many}", headers=OPENED).text, (
        "never cut silently"
    )


def test_what_helps_stands_beside_the_causes(
    client: TestClient, made: dict[str, str], worker: Worker, keys: dict[str, str]
) -> None:
    job = made["completed 1"]
    for role in ("operator", "viewer"):
        sign_in(client, keys[role])
        for address in (f"/ui/jobs/{job}", f"/ui/jobs/{job}/errors"):
            shown = client.get(address, headers=OPENED).text
            beside = shown.partition('<div class="acts beside-causes">')[2].partition("</div>")[0]
            assert ("Resume what failed" in beside and "Run all of it again" in beside) == (role == "operator"), address
    sign_in(client, keys["operator"])
    again = html.unescape(client.get(f"/ui/jobs/{job}/errors", headers=OPENED).text.partition('beside-causes">')[2])
    address = again.partition('method="post" action="')[2].partition('"')[0]
    made_now = client.post(address, headers=SENT, follow_redirects=False)
    assert made_now.status_code == 303
    sign_in(client, keys["viewer"])
    told = client.get(f"{V1}/jobs/status/{made_now.headers['location'].rpartition('/')[2]}").json()
    assert told["parent"] == job and told["stages"][0]["name"] == "scrape"


def test_leads_are_narrowed_counted_and_taken_away(client: TestClient, made: dict[str, str]) -> None:
    whole = client.get("/ui/leads", headers=OPENED).text
    assert "4 companies, best first" in whole
    assert [whole.count(f'class="none {state}"') > 0 for state in ("not_found", "not_tried", "failed")] == [True] * 3
    narrowed = client.get("/ui/leads?tier=A&text=&tag=&min_score=", headers=OPENED).text
    assert "2 of 4 companies" in narrowed and "halfway" not in narrowed
    off = narrowed.partition('aria-label="Take off tier A"')[0].rpartition('href="')[2].partition('"')[0]
    assert off == "/ui/leads"
    first = client.get("/ui/leads?limit=1&columns=email", headers=OPENED).text
    following = html.unescape(first.partition('rel="next" href="')[2].partition('"')[0])
    second = client.get(following, headers=OPENED).text
    assert "columns=email" in following and 'data-name="Phone"' not in second
    assert first.count("<tr id=") == second.count("<tr id=") == 1 and "https://nordwind" not in second
    for form in ("csv", "xlsx", "json"):
        address = html.unescape(narrowed.partition(f'href="{V1}/companies.{form}')[2].partition('"')[0])
        assert address == "?tier=A" and client.get(f"{V1}/companies.{form}{address}").status_code == 200


def test_leads_are_narrowed_by_run_and_tag_with_the_counts_that_follow(
    client: TestClient, made: dict[str, str], worker: Worker
) -> None:
    """Also of a company whose newest row another job made."""
    for tags, domains in ((["twice <b>", "both"], ["own.example", "two.example"]), (["both"], ["own.example"])):
        job = post(client, body={"company_urls": [f"{name}" for name in domains], "tags": tags})["job_id"]
        worker.finish(job)
        worker.rows(job, "score", domains, name="Own", score=50.0, tier="B")
        made["first" if tags[0] == "twice <b>" else "second"] = job
    counted = client.get(f"{V1}/companies/facets?field=job").json()["facets"]["job"]
    found = {one["value"]: one["companies"] for one in counted}
    assert (found[made["first"]], found[made["second"]], found[made["completed 1"]]) == (2, 1, 2)
    for job, companies in found.items():
        assert client.get(f"{V1}/companies/facets?field=tier&job={job}").json()["companies"] == companies
    whole = client.get("/ui/leads?tier=B", headers=OPENED).text
    links = {html.unescape(one.partition('"')[0]): one for one in whole.split('href="')[1:]}
    link = f"/ui/leads?tier=B&job={made['first']}"
    assert "twice &lt;b&gt;, " in links[link] and '<span class="n">2</span>' in links[link]
    narrowed = client.get(link, headers=OPENED).text
    assert ">2 of 6 companies" in narrowed and '<span class="soft">run</span> <bdi>twice &lt;b&gt;, ' in narrowed
    links = {html.unescape(one.partition('"')[0]): one for one in narrowed.split('href="')[1:]}
    assert 'aria-current="true"' in links["/ui/leads?tier=B"].partition(">")[0], "to take it off"
    assert f"/ui/leads?tier=B&job={made['second']}" in links, "another run instead of it, not beside it"
    tagged = client.get("/ui/leads?tag=both", headers=OPENED).text
    assert ">2 of 6 companies" in tagged and 'href="/ui/leads" aria-current="true"><bdi>both<' in tagged
    assert 'href="/ui/leads?tag=twice+%3Cb%3E"' in tagged and made["completed 1"] not in tagged


def test_leads_are_sorted_by_their_heads(client: TestClient, made: dict[str, str]) -> None:
    whole = client.get("/ui/leads?country=DE&columns=country&limit=1", headers=OPENED).text
    assert 'class="n" aria-sort="descending"' in whole and whole.count("aria-sort") == 1
    heads = whole.partition("<thead>")[2].partition("</thead>")[0]
    found = [html.unescape(one.partition('"')[0]) for one in heads.split('href="')[1:]]
    wanted = [f"sort={by}" for by in ("score", "name", "country", "-seen_at")]
    assert [one.rpartition("&")[2] for one in found] == wanted and all("columns=country" in one for one in found)
    by_name = client.get(found[1], headers=OPENED).text
    assert ">2 of 4 companies, by name<" in by_name
    following = html.unescape(by_name.partition('rel="next" href="')[2].partition('"')[0])
    second = client.get(following, headers=OPENED).text
    assert by_name.count("<tr id=") == second.count("<tr id=") == 1 and "sort=name" in following
    for form in ("csv", "xlsx", "json"):
        assert f'href="{V1}/companies.{form}?country=DE&amp;sort=name"' in by_name
    assert client.get("/ui/leads?sort=domain", headers=OPENED).status_code == 422
    assert client.get("/ui/leads?columns=nothing", headers=OPENED).status_code == 422


def test_a_query_in_a_link_of_another_site_waits_for_its_reader(client: TestClient, made: dict[str, str]) -> None:
    asked = "/ui/sql?query=SELECT+41+%2B+1+AS+n,+'<b>'+AS+\"<i>\""
    for site, is_run in (("none", True), ("same-origin", True), ("same-site", False), ("cross-site", False)):
        shown = client.get(asked, headers={**OPENED, "Sec-Fetch-Site": site})
        assert shown.status_code == 200 and (">42<" in shown.text) == is_run, site
        assert "SELECT 41 + 1 AS n" in shown.text and "<b>&" not in shown.text and "<i>" not in shown.text
    wrong = client.get("/ui/sql?query=SELECT+1+FROM+nothing", headers=OPENED)
    assert wrong.status_code == 422 and "Table with name nothing does not exist" in html.unescape(wrong.text)
    sql = client.get("/ui/leads/sql?country=DE", headers=OPENED).text
    to_edit = html.unescape(sql.partition('href="/ui/sql?')[2].partition('"')[0])
    assert "press <b>Run</b>" in client.get(f"/ui/sql?{to_edit}", headers=OPENED).text
    run = client.get(f"/ui/sql?{to_edit.replace('edit=1', 'edit=0')}", headers=OPENED)
    assert ">2 rows<" in run.text, "the shown SQL of the list is what the console runs"


def test_columns_of_a_list_are_shown_with_its_job_alone(
    client: TestClient, made: dict[str, str], worker: Worker
) -> None:
    job = post(client, body={"company_urls": ["own.example"], "tags": ["own"]})["job_id"]
    worker.finish(job)
    lines = [{"line": n, "values": {"CRM <id>": f"<b>{n}</b>"}} for n in (2, 3)]
    worker.rows(job, "score", ["own.example"], score=1.0, input=lines)
    worker.rows(made["completed 2"], "score", ["bare.example"], score=2.0)
    for part in worker.lake.parts(job, "score"):
        pq.write_table(pq.read_table(part).replace_schema_metadata(headers_metadata(["CRM <id>"])), part)
    column = "columns=email&columns=input.CRM+%3Cid%3E"
    for narrowed in (f"job={job}", "tag=own"):
        shown = client.get(f"/ui/leads?{narrowed}&{column}", headers=OPENED).text
        cells = shown.replace("<wbr>", "")
        assert 'data-name="CRM &lt;id&gt;"><bdi>&lt;b&gt;2&lt;/b&gt;; &lt;b&gt;3&lt;/b&gt;</bdi></td>' in cells
        assert 'value="input.CRM &lt;id&gt;" checked' in shown
    unasked = client.get(f"/ui/leads?job={job}", headers=OPENED).text
    assert 'value="input.CRM &lt;id&gt;">' in unasked and "&lt;b&gt;2" not in unasked
    assert "CRM &lt;" not in client.get(f"/ui/leads?{column}", headers=OPENED).text.partition("<thead>")[2]


@pytest.mark.parametrize(
    "query",
    ["", "country=DE&technology=shopify&has=email", "text=it's $1 \" --", "size=1-9", "sort=-name", "sort=seen_at"],
)
def test_the_sql_of_a_list_gives_its_rows(client: TestClient, made: dict[str, str], worker: Worker, query: str) -> None:
    """Also where a company has rows of several stages and jobs, or its job scored it without a good row."""
    worker.rows(made["completed 2"], "process", ["nordwind.example", "stuck.example"], country="DE", emails=["a@b.c"])
    worker.rows(made["completed 2"], "enrich", ["nordwind.example", "stuck.example"], country="DE")
    worker.rows(made["completed 2"], "score", ["stuck.example"], error="no", error_category="data")
    shown = client.get(f"/ui/leads/sql?{query}", headers=OPENED).text
    sql = html.unescape(shown.partition("<pre")[2].partition("<code>")[2].partition("</code>")[0])
    with duckdb.connect() as con:
        found = con.execute(sql)
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    asked = client.get(f"{V1}/companies?{query}").json()["items"]
    assert [(row["domain"], row["job_id"], row["name"]) for row in rows] == [
        (row["domain"], row["job_id"], row["name"]) for row in asked
    ]
    assert "=" in query or len(rows) == 4


def test_a_company_is_told_with_why_and_read_anew_once(
    client: TestClient, made: dict[str, str], worker: Worker
) -> None:
    parts = [("has_email", "reach", 20.0, "names an e-mail address"), ("parked", "fit", -7.5, HOSTILE[0])]
    worker.rows(
        made["completed 0"], "score", ["told.example"], score=52.0, tier="C", url="javascript:alert(1)",
        emails=["info@told.example"], social={"x": "javascript:alert(1)"},
        contributions=[dict(zip(("rule", "axis", "points", "reason"), part, strict=True)) for part in parts],
        facts=[{"field": "email", "value": "info@told.example", "source": "https://told.example/contact",
                "page_hash": "0" * 16, "method": "mailto", "confidence": 0.9, "seen_at": datetime.now(UTC),
                "quote": HOSTILE[1], "words": None, "line": 3, "node": None, "why": None}],
        candidates=[],
    )  # fmt: skip
    shown = client.get("/ui/companies/told.example", headers=OPENED).text
    for text in ("+20", "−7.5", "90 % sure", "line 4 of its text", 'href="/ui/jobs/' + made["completed 0"]):
        assert text in shown, text
    assert 'href="javascript' not in shown and "<script>document" not in shown and "<img" not in shown
    address = html.unescape(shown.partition('<form class="end" method="post" action="')[2].partition('"')[0])
    made_by = [client.post(address, headers=SENT, follow_redirects=False).headers["location"] for _ in range(2)]
    assert made_by[0] == made_by[1] and status(client, made_by[0].rpartition("/")[2])["kind"] == "pipeline"
    assert client.post(address, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    why = client.get("/ui/companies/told.example/why?field=emails", headers=OPENED).text
    assert "https://told.example/contact" in why and 'rel="noreferrer noopener nofollow"' in why
    assert client.get("/ui/companies/nobody.example", headers=OPENED).status_code == 404
