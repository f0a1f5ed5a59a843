"""What the client's calls take beside the options, on the real API."""

from __future__ import annotations

import csv
import io
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from api.app import create_app
from cli.main import main
from data.jobs import JobStore
from leadmill import Client
from leadmill.client.errors import ApiError
from leadmill.client.options import JobFilter
from leadmill.errors import ErrorCode
from leadmill.settings import get_settings
from pipelines.execution.job_log import told
from pipelines.intake.schedules import Ticker
from reports.formats import FORMATS
from tests.api.test_events import Server
from tests.effects.conftest import Mill
from tests.tasks.scraping.hostile_server import HostileServer

LATER = "2036-01-31T08:00:00+00:00"


@pytest.fixture
def api(mill: Mill) -> Iterator[str]:
    server = Server(create_app(get_settings()))
    yield server.url
    server.stop()


def test_base_url_and_headers(api: str) -> None:
    with (
        Client(api, headers={"X-Request-ID": "ours-1"}) as client,
        pytest.raises(ApiError) as raised,
    ):
        client.status("job_" + "0" * 20)
    assert client.base_url == api and raised.value.request_id == "ours-1"


@pytest.mark.stack
def test_timeout() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        with Client(url, timeout=0.2, retries=0) as client, pytest.raises(ApiError):
            client.health()
        assert time.monotonic() - began < 10, "the usual timeout is three times that"


def test_a_query_of_ones_own(api: str, tmp_path: Path) -> None:
    query = "SELECT range AS n FROM range(1200)"
    with Client(api) as client:
        few = client.sql(query, limit=2)
        assert (few["columns"], few["rows"]) == ([{"name": "n", "type": "BIGINT"}], [[0], [1]])
        assert (few["total"], few["cut_by"], client.sql(query, limit=1200)["cut_by"]) == (1200, "limit", None)
        saved = client.download_sql(query, "json", path=tmp_path)
        assert saved.name == "leadmill-query.json" and len(json.loads(saved.read_text())) == 1200
        with pytest.raises(ApiError, match="LINE 1: SELECT oops") as refused:
            client.sql("SELECT oops")
        assert (refused.value.code, refused.value.field) == ("invalid_input", "query")


def test_limits_of_lists_and_events_after(api: str, mill: Mill, server: HostileServer) -> None:
    urls = [server.url(f"missing{n}") for n in range(3)]
    job = mill.run("/jobs/scrape/companies", {"company_urls": urls})
    with Client(api) as client:
        assert len(list(client.errors(job))) == 3 and len(list(client.errors(job, limit=2))) == 2
        assert not list(client.errors(job, code=ErrorCode.PARKED)) + list(client.job(job).errors(code=ErrorCode.PARKED))
        events = list(client.events(job))
        later = list(client.events(job, after=events[0].id, silence_s=5))
        assert [event.id for event in later] == [event.id for event in events[1:]]


def test_what_the_calls_for_jobs_and_companies_take(api: str, mill: Mill, server: HostileServer) -> None:
    with Client(api) as client:
        done = client.scrape_company(server.url("plain"), tags=["done"])
        mill.work(done.id)
        waiting = client.submit(["a.example"], tags=["fair"], run_at=LATER).id
        client.submit(["b.example"], tags=["spring"], run_at=LATER)
        soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        for listed, expected in (
            (client.list_jobs(status="completed"), [done.id]),
            (client.list_jobs(kind="scrape"), [done.id]),
            (client.list_jobs(tag="fair"), [waiting]),
            (client.list_jobs(text=waiting[-9:]), [waiting]),
            (client.list_jobs(since=soon), []),
        ):
            assert [one.id for one in listed] == expected
        assert len(list(client.list_jobs(limit=2))) == 2
        matching: JobFilter = {"tag": "fair"}
        assert client.bulk("cancel", matching, dry_run=True)["matched"] == 1
        assert client.job(waiting).status().status == "pending", "nothing was done"
        assert client.bulk("cancel", matching)["done"] == 1 and client.job(waiting).status().status == "cancelled"
        assert client.status(done.id).status == "completed" and list(client.dead()) == []
        for n in range(2):
            mill.run("/jobs/process/data", {"company_ids": [f"comp_{n:016x}"]})
        assert len(list(client.dead())) == 2 and len(list(client.dead(limit=1))) == 1


def test_what_the_calls_for_lists_and_schedules_take(api: str, tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("Website,Alt\na.example,b.example\n")
    with Client(api) as client:
        assert client.preview(tmp_path / "two.csv")["column"] == "Website"
        assert client.preview(tmp_path / "two.csv", column="Alt")["first"][0]["domain"] == "b.example"
        made = client.create_schedule("weekly", "30 8 * * 1", ["c.example"], timezone="Asia/Kathmandu")
        assert (made["name"], made["cron"], made["next_runs"][0][11:16]) == ("weekly", "30 8 * * 1", "02:45")
        assert [url.strip("/").rpartition("/")[2] for url in made["pipeline"]["company_urls"]] == ["c.example"]
        once = [client.run_schedule("weekly", idempotency_key="today").id for _ in range(2)]
        assert len(set(once)) == 1 and client.run_schedule("weekly").id != once[0]
        assert client.status(once[0]).tags == ("schedule:weekly", "run now")


def test_what_was_run_now_is_no_tick_to_an_emptied_server(api: str, mill: Mill, server: HostileServer) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    with Client(api) as client:
        client.create_schedule("hourly", "0 * * * *", [server.url("plain")], crawl={"max_pages": 1})
        [kept] = (mill.lake.root / "schedules").glob("hourly-*.json")
        made = json.loads(kept.read_text()) | {"created_at": (now - timedelta(hours=9)).isoformat()}
        kept.write_text(json.dumps(made))
        done = client.run_schedule("hourly").id
        mill.work(done)
        assert client.status(done).tags == ("schedule:hourly", "run now")
        mill.store.redis.flushall()
        ticker = Ticker(mill.store, mill.lake, lambda outs: None)
        assert "hourly" in ticker.tick(now + timedelta(minutes=1)), "its planned time is due all the same"
        assert "hourly" not in ticker.tick(now + timedelta(minutes=2))
        (last,) = (one["last_tick"] for one in client.schedules())
        assert last is not None and last["job_id"] != done


def test_a_company_by_its_id_so_many_and_a_report_of_some(
    api: str, mill: Mill, server: HostileServer, tmp_path: Path
) -> None:
    for url in (server.url("plain0"), server.url("plain1")):
        mill.run("/pipelines", {"company_urls": [url], "crawl": {"max_pages": 1}, "report": {"formats": ["csv"]}})
    with Client(api) as client:
        both = list(client.companies())
        assert len(both) == 2 and len(list(client.companies(limit=1))) == 1
        newest, oldest = (next(iter(client.companies(sort=sort)))["domain"] for sort in ("-seen_at", "seen_at"))
        assert {newest, oldest} == {one["domain"] for one in both}
        table = client.download_companies("csv", tmp_path / "leads.csv", sort="-seen_at").read_text("utf-8-sig")
        assert [line["domain"] for line in csv.DictReader(io.StringIO(table))] == [newest, oldest]
        assert client.company(both[1]["company_id"])["domain"] == both[1]["domain"]
        told = client.explain(both[1]["company_id"], "name", job=both[1]["job_id"])
        assert (told["domain"], told["value"]) == (both[1]["domain"], both[1]["name"])
        job = mill.run("/pipelines", {"company_urls": [server.url("staff")], "extract": {"people": True}})
        assert len(list(client.people(job=job))) == 2 and len(list(client.people(job=job, limit=1))) == 1
        asked = list(client.ledger(job=job, outcome="answered"))
        assert {entry["kind"] for entry in asked} >= {"robots", "home"}
        assert len(list(client.ledger(domain=server.url("staff"), since="2026-01-01T00:00:00Z", limit=1))) == 1
        for text, status in (("nobody", "failed"), (both[1]["domain"], "completed")):
            handle = client.report(formats=["csv"], filter={"text": text})
            mill.work(handle.id)
            assert handle.status().status == status, text


@pytest.mark.stack
def test_an_event_stream_that_is_silent_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with Client(f"http://127.0.0.1:{silent.getsockname()[1]}", retries=0) as client:
            for events in (client.events("job_" + "0" * 20, silence_s=0.2), client.job("job_1").events(silence_s=0.2)):
                with pytest.raises(ApiError):
                    next(iter(events))


def test_a_report_in_another_form_and_by_a_job(
    api: str, mill: Mill, server: HostileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = {"company_urls": [server.url("plain"), server.url("missing")], "report": {"formats": ["csv"]}}
    job = mill.run("/pipelines", body)
    with Client(api) as client:
        handle = client.job(job)
        full = handle.report("csv", tmp_path / "full.csv").read_bytes()
        crm = handle.report("csv", tmp_path / "crm.csv", type="leads", layout="crm", bom=False).read_bytes()
        assert full.startswith(b"\xef\xbb\xbf") and not crm.startswith(b"\xef\xbb\xbf")
        assert full.partition(b"\n")[0] != crm.partition(b"\n")[0]
        assert (full.count(server.host("missing").partition(":")[0].encode()) > 0) and b"missing" not in crm
        monkeypatch.setitem(FORMATS._loaded, "json", replace(FORMATS.load("json"), rows_at_once=0))
        told: list[str] = []

        def made(report_job: str) -> None:
            told.append(report_job)
            Thread(target=mill.work, args=(report_job,)).start()

        assert handle.report("json", tmp_path / "made.json", on_wait=made).stat().st_size > 100
    assert len(told) == 1


def test_a_jobs_own_log(
    api: str, mill: Mill, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    job = mill.run("/jobs/scrape/companies", {"company_urls": ["a.example"]})
    store = JobStore.connect(get_settings().redis_url, get_settings().key_prefix)
    for level, stage, at in (("warning", "scrape", 1e9), ("error", "scrape", 1.7e9), ("error", "publish", 1.8e9)):
        said = {"event": f"{level} \x1b[2Jof {stage}", "stage": stage, "why": "x y"}
        store.add_lines(job, [(level, told(said, at))])
    with Client(api) as client:
        everything = [line["event"] for line in client.logs(job)]
        assert everything[-3:] == ["warning �[2Jof scrape", "error �[2Jof scrape", "error �[2Jof publish"]
        assert [line["event"] for line in client.logs(job, follow=True)] == everything
        assert len(list(client.logs(job, limit=2))) == 2 == len(list(client.logs(job, limit=2, follow=True)))
        assert [line["stage"] for line in client.logs(job, level="error", since="2027-01-01T00:00:00Z")] == ["publish"]
        assert all(line["stage"] == "publish" for line in client.logs(job, stage="publish", follow=True))
        assert list(client.job(job).logs(level="error", stage="scrape"))[-1]["at"].startswith("2023-11-14")
    environment.setenv("LEADMILL_API_PORT", api.rpartition(":")[2])
    get_settings.cache_clear()
    for command, wanted in (
        (["logs", job], 3),
        (["logs", job, "--level", "ERROR"], 2),
        (["logs", job, "--stage", "publish", "--follow"], 1),
        (["logs", job, "--since", "2027-01-01T00:00", "--level", "error"], 1),
    ):
        assert main(command) == 0
        shown = capsys.readouterr().out.splitlines()
        assert len([line for line in shown if "�[2Jof " in line]) == wanted, shown
    assert shown[-1] == '2027-01-15 08:00:00.000Z ERROR    publish  error �[2Jof publish · why="x y"'
    assert main(["logs", job, "--json", "--follow", "--level", "error"]) == 0
    assert [json.loads(line)["level"] for line in capsys.readouterr().out.splitlines()] == ["error", "error"]
    assert main(["logs", job, "--level", "eror"]) == 2 and "did you mean 'error'?" in capsys.readouterr().err
