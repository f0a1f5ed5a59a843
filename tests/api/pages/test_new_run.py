"""The page of a new run: what is filled in there is the request that the API would take, and becomes the same job."""

from __future__ import annotations

import json
import re
from itertools import product
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel
from starlette.datastructures import FormData

from api.bodies import PipelineBody
from api.field_words import field_words
from api.run_form import NewRun
from data.jobs import JobStore
from data.lake import Lake
from leadmill.access import Role
from leadmill.settings import Settings
from tests.api.conftest import V1, Worker, post
from tests.api.pages.made import HOSTILE
from tests.api.pages.test_access import OPENED, SENT, keys, made, sign_in
from tests.api.pages.typed import TYPED

__all__ = ["keys", "made"]

#: What is not asked for by a form: ids of rows, which no person types.
_NOT_TYPED = {"company_ids"}
CSV = "Firma,Homepage,Owner\nAcme,acme.example,Anna\nGlobex,globex.example,Bob\nAgain,www.acme.example,\nNone,,Carl\n"


def form(**typed: Any) -> NewRun:
    """The untouched form with some fields changed."""
    values = {**NewRun.empty().values, **{name.replace("__", "."): value for name, value in typed.items()}}
    pairs = [(name, one) for name, some in values.items() for one in ([some] if isinstance(some, str) else some)]
    return NewRun.sent(FormData(pairs))


def data(**typed: Any) -> dict[str, Any]:
    return {"once": "once-1234", **{name: list(some) for name, some in form(**typed).values.items()}}


def test_what_is_left_alone_is_not_asked_for() -> None:
    assert NewRun.empty().body() == {}
    assert form(company_urls="acme.example").body() == {"company_urls": ["acme.example"]}


@pytest.mark.parametrize("name", TYPED)
def test_each_field_becomes_that_of_the_body(name: str) -> None:
    typed, value = TYPED[name]
    body = form(**{name: typed}).body()
    for part in name.split("."):
        body = body[part]
    assert body == value


@pytest.mark.parametrize("name", TYPED)
def test_a_form_is_filled_in_again_as_it_was(name: str) -> None:
    body = form(**{"company_urls": TYPED["company_urls"][0], name: TYPED[name][0]}).body()
    body.pop("run_at", None)  # that time has come
    assert NewRun.of(body).body() == body and NewRun.of(body).untold(body) == []
    usual = {"report": {"formats": ["csv", "html"], "bom": True, "layout": "full"}, "priority": "normal"}
    assert NewRun.of(usual).untold(usual) == [], "what is asked for and usual, too"


def test_what_the_form_has_no_field_for_is_said(client: TestClient) -> None:
    body = {"company_urls": ["acme.example"], "crawl": {"max_pages": 4, "timeout_s": 3.0},
            "icp": {"name": "solar", "words": {"wanted": ["solar*"]}}}  # fmt: skip
    shown = client.get(f"/ui/new?job={post(client, body=body)['job_id']}", headers=OPENED).text
    assert "This form has no field for " in shown and "crawl.timeout_s" in shown and "icp" in shown


def test_a_job_is_changed_and_started_anew(client: TestClient) -> None:
    job = post(client, body={"company_urls": ["acme.example"], "crawl": {"max_pages": 4}, "tags": [HOSTILE[1]]})[
        "job_id"
    ]
    assert f'href="/ui/new?job={job}"' in client.get(f"/ui/jobs/{job}", headers=OPENED).text
    shown = client.get(f"/ui/new?job={job}", headers=OPENED).text
    assert "acme.example</textarea>" in shown and 'name="crawl.max_pages" type="number" value="4"' in shown
    assert f"/ui/jobs/{job}" in shown and HOSTILE[1] not in shown
    listed = client.post("/ui/new", data=data(), files={"file": ("crm.csv", CSV)}, headers=SENT, follow_redirects=False)
    again = client.get(f"/ui/new?job={listed.headers['location'].rpartition('/')[2]}", headers=OPENED).text
    assert "again" in again and ".csv</bdi>" in again
    assert client.get(f"/ui/new?job=job_{'z' * 20}", headers=OPENED).status_code == 404


def test_cells_stay_in_their_columns() -> None:
    cells = "\tHomepage\tOwner\nAcme\tacme.example\tAnna\n\tglobex.example\t\n"
    upload = form(company_urls=cells).upload()
    assert upload is not None and upload.file.read().decode().splitlines() == cells.splitlines()


def test_what_is_no_number_is_told_by_the_rule_of_the_body(client: TestClient, store: JobStore) -> None:
    answer = client.post(
        "/ui/new",
        data=data(company_urls="acme.example", crawl__max_pages="many", tags="kept as typed"),
        headers=SENT,
    )
    assert answer.status_code == 422 and "crawl.max_pages" in answer.text
    assert 'value="many"' in answer.text and "kept as typed" in answer.text and "<details open>" in answer.text
    nothing = client.post("/ui/new", data=data(), headers=SENT)
    assert nothing.status_code == 422 and not client.get(f"{V1}/jobs/list").json()["items"]


def test_numbers_beyond_all_bounds_are_refused_as_numbers(client: TestClient) -> None:
    for name, typed in product(("min_coverage", "deadline", "crawl__max_pages"), ("9" * 400, "1e308", "inf", "nan")):
        sent = data(company_urls="acme.example", **{name: typed})
        assert client.post("/ui/new/look", data=sent, headers=SENT).status_code == 200, (name, typed)
        refused = client.post("/ui/new", data=sent, headers=SENT)
        assert refused.status_code == 422 and 'class="fault"' in refused.text, (name, typed)


def test_a_page_takes_forms_as_the_api_does(client: TestClient) -> None:
    body = '--x\r\nContent-Disposition: form-data; name="company_urls"\r\n\r\n\\ud800\r\n--x--\r\n'
    lists = "/ui/new", "/ui/new/look", f"{V1}/pipelines"
    for path in (*lists, "/ui/keys"):
        for charset in ("unicode_escape", "punycode", "undefined", "utf-16"):
            media = f"multipart/form-data; boundary=x; charset={charset}"
            refused = client.post(path, content=body, headers={**SENT, "Content-Type": media})
            assert refused.status_code == 422 and "UTF-8" in refused.text, (path, charset)
    for path in lists:
        large = client.post(path, headers={**SENT, "Content-Length": "45000000", "Content-Type": "text/plain"})
        assert large.status_code != 413, (path, large.text)


@pytest.mark.parametrize("between", ["&", ";", "a=&"])
def test_a_form_of_nothing_but_fields_is_refused_before_it_is_taken_apart(client: TestClient, between: str) -> None:
    media = {"Content-Type": "application/x-www-form-urlencoded"}
    for path in ("/ui/new", "/ui/new/look"):
        refused = client.post(path, content=between * 100_000, headers=SENT | media)
        assert refused.status_code == 422 and "it has more than" in refused.text, path


def test_the_form_has_every_field(settings: Settings, client: TestClient) -> None:
    shown = set(re.findall(r'name="([a-z_.]+)"', client.get("/ui/new", headers=OPENED).text))
    wanted = set(_fields(PipelineBody)) - _NOT_TYPED - {"column", "search_queries", "max_results_per_query", "icp"}
    assert wanted - shown == {"crawl.timeout_s", "crawl.user_agent"}, "how a request is made is for programs"
    assert wanted - {"crawl.timeout_s", "crawl.user_agent", "notify", "report.mail_to"} <= {*TYPED}
    # A provider of searches and profiles are shown where there are any; a column with the list it is of.
    assert not {"search_queries", "icp", "column"} & shown


def _fields(model: type[BaseModel], above: str = "") -> Any:
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _fields(inner, f"{name}.")
        else:
            yield above + name


def test_what_is_wrong_names_a_field_as_the_form_does(client: TestClient) -> None:
    pages = "".join(client.get(path, headers=OPENED).text for path in ("/ui/new", "/ui/leads?text=nobody"))
    labels = re.findall(r'<label (?:class="unseen" )?for="([a-z_.]+)">([^<]+)</label>', pages)
    assert {"company_urls", "crawl.max_pages", "report.mail_to", "min_score", "tag"} <= dict(labels).keys()
    named_otherwise = {("text", "Part of name, domain or description")}  # the field shows no words but its button's
    unlike = [one for one in labels if field_words(one[0]).casefold() not in one[1].casefold()]
    assert set(unlike) <= named_otherwise


def test_it_becomes_the_job_that_the_api_would_make(client: TestClient, store: JobStore) -> None:
    left = {"search_queries", "max_results_per_query", "callback_url"}  # this installation has no provider, no secret
    typed = {name: value for name, (value, _) in TYPED.items() if name not in left and name != "stages"}
    run = form(**typed)
    answer = client.post("/ui/new", data=data(**typed), headers=SENT, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    job = answer.headers["location"].rpartition("/")[2]
    same = client.post(f"{V1}/pipelines", json=run.body()).json()["job_id"]
    assert store.asked(job) == store.asked(same)
    told = [client.get(f"{V1}/jobs/status/{one}").json() for one in (job, same)]
    assert told[0]["tags"] == ["fair 2027", "de"] and told[0]["priority"] == "high"
    for name in ("kind", "status", "tags", "priority", "min_coverage", "run_at", "stages"):
        assert told[0].get(name) == told[1].get(name), name
    again = client.post("/ui/new", data=data(**typed), headers=SENT, follow_redirects=False)
    assert again.headers["location"] == answer.headers["location"], "a button pressed twice makes one job"


def test_a_list_keeps_its_columns_chosen_or_pasted(client: TestClient, lake: Lake) -> None:
    pasted = client.post("/ui/new", data=data(company_urls=CSV), headers=SENT, follow_redirects=False)
    chosen = client.post(
        "/ui/new", data=data(once="once-5678"), files={"file": ("crm.csv", CSV)}, headers=SENT, follow_redirects=False
    )
    for answer in (pasted, chosen):
        assert answer.status_code == 303, answer.text
        folder = lake.job_dir(answer.headers["location"].rpartition("/")[2]) / "input"
        assert CSV.split() in [path.read_text().split() for path in folder.iterdir()]
    both = client.post("/ui/new", data=data(company_urls=CSV), files={"file": ("crm.csv", CSV)}, headers=SENT)
    assert both.status_code == 422 and "not both" in both.text
    broken = client.post("/ui/new", data=data(), files={"file": ("crm.xlsx", b"PK\x03\x04")}, headers=SENT)
    assert broken.status_code == 422 and "choose <bdi>crm.xlsx</bdi> again" in broken.text


def test_what_is_wrong_is_told_where_it_was_typed_in_words_of_the_form(client: TestClient) -> None:
    nothing = client.post("/ui/new", data=data(), headers=SENT)
    assert nothing.status_code == 422 and "Which companies? Paste addresses" in nothing.text
    assert "search_queries" not in nothing.text and "company_ids" not in nothing.text
    pasted = client.post("/ui/new", data=data(company_urls="hello world\n???"), headers=SENT).text
    assert re.search(r'id="company_urls-fault">no column is called url', pasted) and "file:" not in pasted
    assert "by <code>column</code>" in pasted
    nameless = client.post("/ui/new", data=data(company_urls="acme.example", cron="0 7 * * 1"), headers=SENT).text
    assert "Name: is required" in nameless


def test_a_list_names_its_job_unless_a_tag_does(client: TestClient, store: JobStore) -> None:
    named = {"Kunden \u202e2027.csv": ["Kunden 2027"], "x" * 70 + ".csv": ["x" * 60], ".csv": [".csv"]}
    for number, (file_name, tags) in enumerate(named.items()):
        sent = {"data": data(once=f"once-{number:04}"), "files": {"file": (file_name, CSV)}}
        answer = client.post("/ui/new", **sent, headers=SENT, follow_redirects=False)  # type: ignore[arg-type]
        assert answer.status_code == 303, answer.text
        job = answer.headers["location"].rpartition("/")[2]
        assert client.get(f"{V1}/jobs/status/{job}").json()["tags"] == tags
    tagged = {"data": data(once="once-tagged", tags="fair"), "files": {"file": ("crm.csv", CSV)}}
    answer = client.post("/ui/new", **tagged, headers=SENT, follow_redirects=False)  # type: ignore[arg-type]
    job = answer.headers["location"].rpartition("/")[2]
    assert client.get(f"{V1}/jobs/status/{job}").json()["tags"] == ["fair"]


def test_a_look_tells_and_makes_nothing(client: TestClient, store: JobStore) -> None:
    hostile = "Firma,Homepage\n" + f'"{HOSTILE[1].replace(chr(34), chr(34) * 2)}",acme.example\nx,{HOSTILE[0]}\n'
    for sent in (data(company_urls=CSV, crawl__max_pages="3"), data(company_urls=hostile, tags=HOSTILE[0])):
        shown = client.post("/ui/new/look", data=sent, headers=SENT)
        assert shown.status_code == 200 and "What is understood" in shown.text and "curl -s http" in shown.text
        assert not any(name in shown.text for name in HOSTILE[:2])
    first = client.post("/ui/new/look", data=data(company_urls=CSV, crawl__max_pages="3"), headers=SENT).text
    assert "<td><bdi>Anna</bdi></td>" in first and "line 5: <bdi>no address</bdi>" in first and "max_pages" in first
    column = client.post("/ui/new/look", data=data(company_urls=CSV, column="Owner"), headers=SENT).text
    assert "<option selected>" not in column.partition('id="column"')[2] or "Owner" in column
    for sent in (data(), data(company_urls="acme.example", min_coverage="300"), data(company_urls="\x00")):
        assert client.post("/ui/new/look", data=sent, headers=SENT).status_code == 200
    assert not client.get(f"{V1}/jobs/list").json()["items"]


def test_a_look_tells_what_is_known_already(client: TestClient, worker: Worker) -> None:
    job = str(post(client, body={"company_urls": ["acme.example"]})["job_id"])
    known = "Of 2 companies 1 is known already, the newest from"
    typed = data(company_urls=CSV), data(company_urls="acme.example\nglobex.example")
    for sent in typed:
        shown = client.post("/ui/new/look", data=sent, headers=SENT).text
        assert known not in shown and "No run has found any of them before" in shown
    worker.rows(job, "process", ["acme.example"])
    for sent in typed:
        assert known in client.post("/ui/new/look", data=sent, headers=SENT).text


def test_who_may_start_and_what_the_audit_tells(client: TestClient, keys: dict[str, str], store: JobStore) -> None:
    sign_in(client, keys["viewer"])
    shown = client.get("/ui/new", headers=OPENED)
    assert shown.status_code == 200 and "<button>Start" not in shown.text and Role.OPERATOR.name.lower() in shown.text
    for address in ("/ui/new", "/ui/new/look"):
        assert client.post(address, data=data(company_urls="acme.example"), headers=SENT).status_code == 403
    sign_in(client, keys["operator"])
    foreign = client.post("/ui/new", data=data(company_urls="a.example"), headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403
    assert client.post("/ui/new/look", data=data(company_urls="acme.example"), headers=SENT).status_code == 200
    job = client.post("/ui/new", data=data(company_urls="acme.example"), headers=SENT, follow_redirects=False)
    admin = {"X-API-Key": keys["admin"]}
    entries = client.get(f"{V1}/audit", headers=admin).json()["items"]
    told = [(one["action"], one["id"]) for one in entries if one["status"] < 300]
    assert ("submit_pipeline", job.headers["location"].rpartition("/")[2]) in told
    assert not [one for one in told if "look" in one[0]], json.dumps(entries)


def test_a_schedule_is_made_and_wrong_ones_are_refused(client: TestClient) -> None:
    typed = {"company_urls": "acme.example", "cron": "0 7 * * 1", "timezone": "Europe/Berlin", "name": "weekly"}
    made = client.post("/ui/new", data=data(**typed), headers=SENT, follow_redirects=False)
    assert (made.status_code, made.headers["location"]) == (303, "/ui/schedules?made=weekly")
    assert "Schedule <b><bdi>weekly</bdi></b> is made" in client.get("/ui/schedules?made=weekly", headers=OPENED).text
    [found] = client.get(f"{V1}/schedules").json()["items"]
    assert (found["name"], found["cron"], found["timezone"]) == ("weekly", "0 7 * * 1", "Europe/Berlin")
    for wrong in (
        {"cron": "now"},
        {"timezone": "Mars"},
        {"name": ""},
        {"company_urls": CSV},
        {"crawl__max_pages": "0"},
    ):
        refused = client.post("/ui/new", data=data(**{**typed, "name": "other", **wrong}), headers=SENT)
        assert refused.status_code == 422 and "fault" in refused.text, wrong
    assert len(client.get(f"{V1}/schedules").json()["items"]) == 1


def test_a_column_is_pasted_with_its_header_and_a_wrong_address_is_no_header(
    client: TestClient, store: JobStore
) -> None:
    column = "Website\nacme.example\nhttps://www.globex.example/about"
    looked = client.post("/ui/new/look", data=data(company_urls=column), headers=SENT).text
    assert figures(looked)[:2] == [("2", "companies"), ("0", "repeated")]
    started = client.post("/ui/new", data=data(company_urls=column), headers=SENT, follow_redirects=False)
    assert started.status_code == 303, started.text
    for typed, line in (("acme.example\nnowhere", 2), ("nowhere\nacme.example", 1)):
        looked = client.post("/ui/new/look", data=data(company_urls=typed), headers=SENT).text
        assert figures(looked) == [("1", "company"), ("0", "repeated"), ("0", "without address"), ("1", "refused")]
        assert f"line {line}: <bdi>nowhere</bdi>" in looked
        refused = client.post("/ui/new", data=data(company_urls=typed), headers=SENT)
        assert refused.status_code == 422 and "nowhere" in refused.text


def figures(shown: str) -> list[tuple[str, str]]:
    """The numbers of a look, with their names."""
    return re.findall(r"<b>(.*?)</b><span>(.*?)</span>", shown.partition('id="look"')[2])
