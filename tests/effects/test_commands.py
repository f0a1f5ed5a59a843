"""Every option of the commands on the real API: what is typed arrives, and changes what is printed or done."""

from __future__ import annotations

import csv
import io
import json
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from api.app import create_app
from cli.main import main
from data.lake import UnitFiles
from leadmill.ids import company_id
from leadmill.settings import get_settings
from tests.api.test_events import Server
from tests.effects.conftest import Mill
from tests.tasks.scraping.hostile_server import HostileServer


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def ids(self) -> set[str]:
        """Of the jobs or companies of a table."""
        return {line.split("\t")[0] for line in self.out.splitlines()[1:]}


Run = Callable[..., Ended]


@pytest.fixture
def leadmill(
    mill: Mill, environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Carry out a command line against the mill's API."""
    server = Server(create_app(get_settings()))
    environment.setenv("LEADMILL_API_PORT", str(server.port))
    environment.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        get_settings.cache_clear()
        capsys.readouterr()
        code = main(arguments)
        return Ended(code, *capsys.readouterr())

    yield run
    server.stop()


@contextmanager
def working(mill: Mill, kind: str) -> Iterator[None]:
    """Meanwhile the work of the next job of a kind is done, as a command waits for it."""

    def work() -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            found = mill.http.get(f"/api/v1/jobs/list?kind={kind}&status=pending").json()["items"]
            if fresh := [one["job_id"] for one in found if one["job_id"] not in known]:
                return mill.work(fresh[0])
            time.sleep(0.02)

    known = {one["job_id"] for one in mill.http.get(f"/api/v1/jobs/list?kind={kind}").json()["items"]}
    worker = threading.Thread(target=work)
    worker.start()
    yield
    worker.join()


# ---- what a submission takes ---------------------------------------------------------------------------

LATER = "2036-01-31T08:00:00+00:00"
#: What is typed behind `a.example` → what the job's record then says.
SUBMITTED: list[tuple[list[str], Callable[[dict[str, Any]], Any], Any]] = [
    (["b.example"], lambda job: job["source"]["company_urls"], ["a.example", "b.example"]),
    (["--search", "solar", "--search", "wind"], lambda job: job["source"]["search_queries"], ["solar", "wind"]),
    (["--stages", "scrape,process"], lambda job: [stage["name"] for stage in job["stages"]], ["scrape", "process"]),
    (["--formats", "json,xlsx"], lambda job: job["spec"]["report"]["formats"], ["json", "xlsx"]),
    (["--layout", "hubspot"], lambda job: job["spec"]["report"]["layout"], "hubspot"),
    (["--no-bom"], lambda job: job["spec"]["report"]["bom"], False),
    (
        ["--mail-to", "a@b.example", "--mail-to", "c@d.example"],
        lambda job: job["spec"]["report"]["mail_to"],
        ["a@b.example", "c@d.example"],
    ),
    (["--max-pages", "2"], lambda job: job["spec"]["crawl"]["max_pages"], 2),
    (["--respect-signals"], lambda job: job["spec"]["crawl"], {"respect_signals": True}),
    (["--people"], lambda job: job["spec"]["extract"], {"people": True}),
    (["--min-coverage", "0.5"], lambda job: job["record"].min_coverage, 0.5),
    (["--priority", "high"], lambda job: job["priority"], "high"),
    (["--tag", "x", "--tag", "y"], lambda job: job["tags"], ["x", "y"]),
    (["--scoring-model", "b2b-default"], lambda job: job["spec"]["scoring_model"].partition("@")[0], "b2b-default"),
    (["--icp", "dach.toml"], lambda job: job["spec"]["icp"].partition("@")[0], "dach"),
    (["--run-at", LATER], lambda job: job["waiting_for"], "starts at 2036-01-31T08:00:00.000Z"),
]


def told_of(mill: Mill, job: str) -> dict[str, Any]:
    source, spec = mill.store.asked(job)
    return {**mill.http.get(f"/api/v1/jobs/status/{job}").json(), "source": source, "spec": spec,
            "record": mill.store.record(job)}  # fmt: skip


@pytest.mark.parametrize(("typed", "read", "expected"), SUBMITTED, ids=[one[0][0] for one in SUBMITTED])
def test_an_option_of_submit_is_in_the_record(
    leadmill: Run, mill: Mill, tmp_path: Path, environment: pytest.MonkeyPatch, typed: list[str],
    read: Callable[[Any], Any], expected: Any,
) -> None:  # fmt: skip
    environment.setenv("LEADMILL_SMTP_URL", "smtp://mail.example")
    (tmp_path / "dach.toml").write_text('[countries]\nwanted = ["DACH"]\n')
    ended = leadmill("submit", "a.example", *typed)
    assert ended.code == 0, ended.err
    assert read(told_of(mill, ended.out.strip())) == expected


def test_a_file_and_a_deadline(leadmill: Run, mill: Mill, tmp_path: Path) -> None:
    (tmp_path / "hosts.csv").write_text("website\na.example\n")
    job = json.loads(leadmill("submit", "hosts.csv", "--deadline", "1s", "--json").out)["job_id"]
    assert (mill.lake.job_dir(job) / "input" / "companies.csv").is_file()
    record = mill.store.read(job)
    assert record is not None and float(record["deadline"]) - float(record["created"]) == pytest.approx(1_000, abs=50)


def test_a_column_that_is_named(leadmill: Run, mill: Mill, tmp_path: Path) -> None:
    (tmp_path / "two.csv").write_text("Website,Alt\na.example,b.example\n")
    job = leadmill("submit", "two.csv", "--column", "Alt").out.strip()
    assert mill.store.asked(job)[0]["column"] == "Alt"
    typed = ("--column", "Alt", "--cron", "0 6 * * 1", "--json")
    made = json.loads(leadmill("schedules", "add", "weekly", "two.csv", *typed).out)
    assert [url.strip("/").rpartition("/")[2] for url in made["pipeline"]["company_urls"]] == ["b.example"]


def test_the_words_that_there_are_not_are_refused(leadmill: Run) -> None:
    for typed, meant in (
        (["--formats", "cvs"], "'csv'"),
        (["--stages", "scarpe"], "'scrape'"),
        (["--priority", "hihg"], "'high'"),
        (["--layout", "hubspt"], "hubspot"),
        (["--max-pages", "99"], "50"),
        (["--min-coverage", "2"], "1"),
    ):
        ended = leadmill("submit", "a.example", *typed)
        assert ended.code == 2 and meant in ended.err, (typed, ended)


# ---- jobs ----------------------------------------------------------------------------------------------


@pytest.fixture
def jobs(leadmill: Run, mill: Mill, server: HostileServer) -> dict[str, str]:
    """A job that ended, and two that wait; by their tags."""
    found = {
        tag: leadmill("submit", "a.example", "--tag", tag, "--run-at", LATER).out.strip() for tag in ("spring", "fair")
    }
    url = {"company_url": server.url("plain"), "crawl": {"max_pages": 1}, "tags": ["done"]}
    return {**found, "done": mill.run("/jobs/scrape/company", url)}


def test_list_by_each_filter(leadmill: Run, jobs: dict[str, str]) -> None:
    everything = set(jobs.values())
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for typed, expected in (
        ([], everything),
        (["--status", "completed"], {jobs["done"]}),
        (["--kind", "pipeline"], everything - {jobs["done"]}),
        (["--tag", "fair"], {jobs["fair"]}),
        (["--since", soon], set()),
        (["--since", "1h"], everything),
        (["--text", jobs["spring"][-9:]], {jobs["spring"]}),
        (["--dead"], set()),
    ):
        assert leadmill("list", *typed).ids == expected, typed
    assert len(leadmill("list", "--limit", "2").ids) == 2
    assert {one["job_id"] for one in json.loads(leadmill("list", "--json").out)} == everything


@pytest.mark.parametrize(
    "typed", [["--tag", "fair"], ["--text", "fair"], ["--status", "pending", "--kind", "pipeline", "--since", "1h"]]
)
def test_cancel_and_resume_all_that_match(leadmill: Run, jobs: dict[str, str], typed: list[str]) -> None:
    waiting = {jobs["fair"]} if "fair" in typed else {jobs["fair"], jobs["spring"]}
    assert leadmill("cancel", "--all", *typed).code == 2, "nobody was asked"
    assert json.loads(leadmill("cancel", "--all", "--yes", "--json", *typed).out)["done"] == len(waiting)
    assert leadmill("list", "--status", "cancelled").ids == waiting
    again = ["cancelled" if word == "pending" else word for word in typed]
    assert json.loads(leadmill("resume", "--all", "-y", "--json", *again).out)["done"] == len(waiting)
    assert leadmill("list", "--status", "cancelled").ids == set()


def test_one_job_by_its_id(leadmill: Run, jobs: dict[str, str]) -> None:
    assert leadmill("cancel", jobs["fair"]).out.strip() == jobs["fair"]
    assert json.loads(leadmill("status", jobs["fair"], "--json").out)["status"] == "cancelled"
    assert "Cancelled" in leadmill("status", jobs["fair"]).out
    assert leadmill("resume", jobs["fair"]).code == 0
    assert json.loads(leadmill("watch", jobs["done"], "--json").out)["status"] == "completed"


def test_report_format_output_and_partial(leadmill: Run, mill: Mill, server: HostileServer, tmp_path: Path) -> None:
    url = {"company_urls": [server.url("plain")], "crawl": {"max_pages": 1}, "report": {"formats": ["csv", "json"]}}
    job = mill.run("/pipelines", url)
    assert leadmill("report", job, "--format", "json", "--output", "out.json").code == 0
    assert json.loads((tmp_path / "out.json").read_text())
    waits = leadmill("submit", "a.example", "--run-at", LATER).out.strip()
    assert leadmill("report", waits, "--format", "csv", "--output", "x.csv").code == 2
    assert leadmill("cancel", waits).code == 0
    assert leadmill("report", waits, "--format", "csv", "--output", "x.csv", "--partial").code == 2


# ---- companies -----------------------------------------------------------------------------------------


@pytest.fixture
def companies(mill: Mill) -> None:
    rows = [
        {"domain": "a.example", "name": "Solar", "country": "DE", "industry": "Retail", "score": 80.0, "tier": "A",
         "technologies": ["Shopify"], "language": "de", "employees_min": 11, "emails": ["a@a.example"],
         "phones": ["+493012345"]},
        {"domain": "b.example", "name": "Boulangerie", "country": "FR", "score": 20.0, "tier": "D"},
    ]  # fmt: skip
    for row, tag in zip(rows, ("spring", "fair"), strict=True):
        job = mill.submit("/pipelines", {"company_urls": [row["domain"]], "tags": [tag]})
        row |= {"company_id": company_id(str(row["domain"])), "url": f"https://{row['domain']}/",
                "scored_at": datetime.now(UTC)}  # fmt: skip
        UnitFiles(mill.lake, job, "score", "score", 1).write([row])
        mill.lake.expose(job, "score", "score", 1)


@pytest.mark.usefixtures("companies")
def test_companies_by_each_filter(leadmill: Run) -> None:
    a, b = company_id("a.example"), company_id("b.example")
    for typed, expected in (
        ([], {a, b}),
        (["--country", "FR"], {b}),
        (["--tier", "A"], {a}),
        (["--tier", "A,D"], {a, b}),
        (["--tag", "spring"], {a}),
        (["--tag", "nobody"], set()),
        (["--job", f"job_{'0' * 20}"], set()),
        (["--domain", "b.example"], {b}),
        (["--industry", "retail"], {a}),
        (["--technology", "shopify"], {a}),
        (["--min-score", "50"], {a}),
        (["--text", "boulan"], {b}),
        (["--language", "DE"], {a}),
        (["--size", "10-49"], {a}),
        (["--has", "email", "--has", "phone"], {a}),
    ):
        assert leadmill("companies", *typed).ids == expected, typed
    assert len(leadmill("companies", "--limit", "1").ids) == 1
    for order, first in (("name", b), ("-name", a), ("score", b)):
        assert leadmill("companies", "--sort", order, "--limit", "1").ids == {first}, order
    assert json.loads(leadmill("companies", "a.example", "--json").out)["name"] == "Solar"


def test_people(leadmill: Run, mill: Mill, server: HostileServer) -> None:
    url = server.url("staff")
    job = leadmill("submit", url, "--people", "--max-pages", "1", "--stages", "scrape,process").out.strip()
    mill.work(job)
    for typed, names in (
        ([job], {"Anna Schmidt", "Ben Cohen"}),
        ([url], {"Anna Schmidt", "Ben Cohen"}),
        ([job, "--role", "sales", "--role", "owner"], {"Ben Cohen"}),
        ([job, "--role", "owner"], set()),
    ):
        assert {one["name"] for one in json.loads(leadmill("people", *typed, "--json").out)} == names, typed
    assert len(json.loads(leadmill("people", job, "--limit", "1", "--json").out)) == 1
    refused = leadmill("people", job, "--role", "bos")
    assert refused.code == 2 and "no class of roles 'bos'" in refused.err


def test_ledger(leadmill: Run, mill: Mill, server: HostileServer) -> None:
    url = server.url("deny-part")
    job = leadmill("submit", url, "--max-pages", "2", "--stages", "scrape").out.strip()
    mill.work(job)
    told = json.loads(leadmill("ledger", job, "--outcome", "refused", "--json").out)
    assert "Disallow: /contact" in {entry["robots"] for entry in told}
    assert json.loads(leadmill("ledger", url, "--outcome", "refused", "--json").out) == told
    assert len(json.loads(leadmill("ledger", url, "--since", "1d", "--limit", "1", "--json").out)) == 1
    assert "Disallow: /contact" in leadmill("ledger", job, "--outcome", "refused").out
    assert (
        "1 address not asked (at most 1: --limit)"
        in leadmill("ledger", job, "--outcome", "refused", "--limit", "1").err
    )
    assert "without --outcome" in leadmill("ledger", job, "--outcome", "failed", "--since", "1d").err
    refused = leadmill("ledger", "no domain")
    assert refused.code == 2 and "no domain, host or address" in refused.err


@pytest.mark.usefixtures("companies")
def test_sql(leadmill: Run, tmp_path: Path, environment: pytest.MonkeyPatch) -> None:
    ended = leadmill("sql", "SELECT domain, [score] AS scores FROM companies ORDER BY domain")
    assert ended.out.splitlines() == ["domain\tscores", "a.example\t[80.0]", "b.example\t[20.0]"], ended
    assert ended.err.endswith("2 rows\n")
    few = leadmill("sql", "FROM range(300)", "--limit", "7")
    assert few.out.count("\n") == 8
    assert few.err.endswith("7 of 300 rows (--limit 7); all of them: --output FILE.csv\n")
    wide = leadmill("sql", "SELECT repeat('x', 1000000) FROM range(9)")
    assert "of 9 rows (2 MB are shown at most)" in wide.err and wide.out.count("\n") < 5
    told = json.loads(leadmill("sql", "FROM range(300)", "--limit", "7", "--json").out)
    assert (len(told["rows"]), told["total"], told["cut_by"]) == (7, 300, "limit")
    environment.setattr("sys.stdin", io.StringIO("FROM range(300)"))
    assert leadmill("sql", "-", "--csv").out.split() == ["range", *map(str, range(300))]
    assert leadmill("sql", "SELECT 1 AS one", "--output", "one.json").out == "one.json\n"
    assert json.loads((tmp_path / "one.json").read_text()) == [{"one": 1}]
    wrong = leadmill("sql", "SELECT domain,\n  oops FROM companies")
    assert wrong.code == 2 and wrong.out == ""
    place, mark, error = wrong.err.splitlines()[-3:]
    assert place == "LINE 2:   oops FROM companies" and place[mark.index("^")] == "o"
    assert error.startswith('error: Binder Error: Referenced column "oops" not found')
    for typed, said in (
        (["DELETE FROM companies"], "only a SELECT is run here"),
        (["SELECT 1", "--csv", "--json"], "one can be had at a time"),
        (["SELECT 1", "--output", "rows.parquet"], "ends in .csv, .xlsx or .json"),
    ):
        ended = leadmill("sql", *typed)
        assert ended.code == 2 and said in ended.err and not list(tmp_path.glob("rows*"))


@pytest.mark.usefixtures("companies")
def test_one_field_is_explained(leadmill: Run) -> None:
    told = json.loads(leadmill("explain", "a.example", "industry", "--json").out)
    assert (told["value"], told["state"]) == ("Retail", "found")
    assert "Retail" in leadmill("explain", "https://www.a.example/about", "industry", "--job", told["job_id"]).out
    for typed, said in (
        (["a.example", "industri"], "did you mean 'industry'"),
        (["nobody.example", "industry"], "leadmill run nobody.example"),
        (["a.example", "industry", "--job", f"job_{'0' * 20}"], "nothing is known"),
    ):
        refused = leadmill("explain", *typed)
        assert refused.code == 2 and said in refused.err, typed


@pytest.mark.usefixtures("companies")
def test_a_report_of_each_filter(leadmill: Run, mill: Mill, tmp_path: Path) -> None:
    for typed, expected in (
        (["--tag", "fair"], ["b.example"]),
        (["--tier", "A,B"], ["a.example"]),
        (["--country", "FR"], ["b.example"]),
        (["--industry", "Retail"], ["a.example"]),
        (["--technology", "Shopify"], ["a.example"]),
        (["--min-score", "50"], ["a.example"]),
        (["--text", "boulan"], ["b.example"]),
        (["--language", "de", "--size", "10-49", "--has", "email"], ["a.example"]),
    ):
        with working(mill, "report"):
            ended = leadmill("report", *typed, "--format", "csv", "--output", "x.csv")
        assert ended.code == 0, ended.err
        lines = list(csv.DictReader((tmp_path / "x.csv").read_text("utf-8-sig").splitlines()))
        assert [line.get("website") or line.get("domain") for line in lines] != [], typed
        assert len(lines) == 1 and expected[0] in str(lines[0]), typed


def test_report_in_a_form_and_rerun(leadmill: Run, mill: Mill, server: HostileServer, tmp_path: Path) -> None:
    urls = [server.url("plain"), server.url("missing")]
    job = mill.run("/pipelines", {"company_urls": urls, "crawl": {"max_pages": 1}, "report": {"formats": ["csv"]}})
    told = []
    for typed in ([], ["--type", "leads"], ["--layout", "hubspot"], ["--no-bom"]):
        assert leadmill("report", job, "-f", "csv", "-o", "x.csv", *typed).code == 0
        told.append((tmp_path / "x.csv").read_bytes())
    assert len(set(told)) == 4 and [text.startswith(b"\xef\xbb\xbf") for text in told] == [True, True, True, False]
    with working(mill, "pipeline"):
        ended = leadmill("rerun", job, "--from", "score", "--tag", "again")
    assert ended.code == 0, ended.err
    [made] = leadmill("list", "--tag", "again").ids
    assert [stage["name"] for stage in told_of(mill, made)["stages"]] == ["score", "report"]


# ---- the rest ------------------------------------------------------------------------------------------


def test_data_names_the_folder_whose_stack_is_asked(
    leadmill: Run, environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.delenv("LEADMILL_API_PORT")
    ended = leadmill("list", "--data", str(tmp_path / "nobody"))
    assert ended.code == 2 and str(tmp_path / "nobody") in ended.err


def test_schedules(leadmill: Run, mill: Mill) -> None:
    typed = ["--cron", "30 8 * * 1", "--timezone", "Asia/Kathmandu", "--stages", "scrape", "--max-pages", "3"]
    made = json.loads(leadmill("schedules", "add", "weekly", "a.example", *typed, "--json").out)
    assert (made["cron"], made["timezone"], made["next_runs"][0][11:16]) == ("30 8 * * 1", "Asia/Kathmandu", "02:45")
    assert made["pipeline"]["stages"] == ["scrape"] and made["pipeline"]["crawl"] == {"max_pages": 3}
    ran = leadmill("schedules", "run", "weekly")
    assert ran.code == 0 and ran.err == f"follow it with: leadmill watch {ran.out.strip()}\n"
    assert json.loads(leadmill("status", ran.out.strip(), "--json").out)["tags"] == ["schedule:weekly", "run now"]
    assert leadmill("schedules", "run", "nobody").code != 0
    refused = leadmill("schedules", "add", "x", "a.example", "--cron", "0 6 * * 1", "--timezone", "Europe/Berln")
    assert refused.code == 2 and "did you mean 'Europe/Berlin'?" in refused.err
    refused = leadmill("schedules", "add", "x", "a.example", "--cron", "0 6 * * 1", "--run-at", LATER)
    assert refused.code == 2 and "No such option: --run-at" in refused.err


def test_what_a_worker_is_told_reaches_celery(environment: pytest.MonkeyPatch) -> None:
    became: list[list[str]] = []
    environment.setattr("os.execv", lambda path, command: became.append(command))
    assert main(["worker", "-Q", "scraping,analytics", "-c", "3", "--max-tasks-per-child", "5"]) == 0
    assert main(["worker"]) == 0
    words = became[0][became[0].index("worker") :]
    assert words[1:7] == ["-Q", "scraping,analytics", "-c", "3", "--max-tasks-per-child", "5"]
    assert "-Q" not in became[1] and "-c" not in became[1]
    assert main(["worker", "-c", "0"]) == 2 and len(became) == 2


def test_json_is_what_each_command_prints(leadmill: Run, jobs: dict[str, str], mill: Mill) -> None:
    leadmill("schedules", "add", "weekly", "a.example", "--cron", "0 6 * * 1")
    for typed in (
        ("list",), ("status",), ("status", jobs["done"]), ("watch", jobs["done"]), ("companies",), ("models",),
        ("schedules", "list"), ("submit", "a.example", "--run-at", LATER), ("cancel", "--all", "--tag", "x", "--yes"),
    ):  # fmt: skip
        ended = leadmill(*typed, "--json")
        assert ended.code == 0 and json.loads(ended.out) is not None, typed
        plain = leadmill(*typed)
        assert plain.code == 0 and plain.out != ended.out, typed


def test_watch_tells_and_no_watch_does_not(leadmill: Run, mill: Mill, server: HostileServer) -> None:
    url = {"company_urls": [server.url("plain")], "crawl": {"max_pages": 1}, "stages": ["scrape", "process", "enrich"]}
    job = mill.run("/pipelines", url)
    known = mill.rows(job, "enrich")[0]["company_id"]
    for typed, kind in (
        (("score", known), "score"),
        (("rerun", job, "--from", "score"), "pipeline"),
        (("report", "--min-score", "0", "-f", "csv", "-o", "x.csv"), "report"),
        (("run", server.url("plain"), "--max-pages", "1", "--formats", "csv"), "pipeline"),
    ):
        for watch in ("--watch", "--no-watch"):
            with working(mill, kind):
                ended = leadmill(*typed, watch)
            assert ended.code == 0, ended.err
            assert ("completed 100 %" in ended.err) is (watch == "--watch"), (typed, watch, ended.err)
    with working(mill, "score"):
        assert "completed 100 %" in leadmill("score", known).err


def test_a_score_and_a_rerun_are_by_what_is_typed(
    leadmill: Run, mill: Mill, server: HostileServer, tmp_path: Path
) -> None:
    (tmp_path / "dach.toml").write_text('[countries]\nwanted = ["DACH"]\n')
    body = {"company_urls": [server.url("plain")], "crawl": {"max_pages": 1}, "report": {"formats": ["csv"]}}
    job = mill.run("/pipelines", body)
    [row] = mill.rows(job, "score")
    for typed, kind in ((("score", row["company_id"]), "score"), (("rerun", job, "--from", "score"), "pipeline")):
        before = set(mill.lake.job_ids())
        with working(mill, kind):
            ended = leadmill(*typed, "--icp", "dach.toml")
        assert ended.code == 0, ended.err
        [made] = set(mill.lake.job_ids()) - before
        [scored] = mill.rows(made, "score")
        assert scored["model_version"].startswith("icp:dach") and not row["model_version"].startswith("icp:"), typed
        refused = leadmill(*typed, "--scoring-model", "b2b-defualt")
        assert refused.code == 2 and "did you mean 'b2b-default'?" in refused.err, refused
        with working(mill, kind):
            assert leadmill(*typed, "--scoring-model", "b2b-default").code == 0
        [made] = set(mill.lake.job_ids()) - before - {made}
        assert told_of(mill, made)["spec"]["scoring_model"].partition("@")[0] == "b2b-default"


def test_watch_tells_what_a_score_without_a_profile_does_not_say(
    leadmill: Run, mill: Mill, server: HostileServer
) -> None:
    body = {"company_urls": [server.url("plain")], "crawl": {"max_pages": 1}, "report": {"formats": ["csv"]}}
    for icp, told in (({}, True), ({"icp": {"countries": {"wanted": ["DACH"]}}}, False)):
        ended = leadmill("watch", mill.run("/pipelines", {**body, **icp}))
        assert ended.code == 0 and ("no ideal customer profile was given" in ended.err) is told, ended.err


#: What is typed behind `icp new shops` → what stands in the file.
WANTED = [
    (["--countries", "DACH,FR"], {"countries": {"wanted": ["DACH", "FR"]}}),
    (["--not-countries", "US"], {"countries": {"unwanted": ["US"]}}),
    (["--industries", "Retail"], {"industries": {"wanted": ["Retail"]}}),
    (["--not-industries", "Retail"], {"industries": {"unwanted": ["Retail"]}}),
    (["--size", "12-40"], {"size": {"min": 12, "max": 40}}),
    (["--technologies", "shopify"], {"technologies": {"wanted": ["shopify"]}}),
    (["--not-technologies", "shopify"], {"technologies": {"unwanted": ["shopify"]}}),
    (["--words", "wholesale"], {"words": {"wanted": ["wholesale"]}}),
    (["--not-words", "agency"], {"words": {"unwanted": ["agency"]}}),
    (["--hiring"], {"hiring": {"wanted": True}}),
    (["--size", "12-40", "--must", "size"], {"size": {"min": 12, "max": 40, "must": True}}),
    (["--not-words", "agency", "--veto", "words"], {"words": {"unwanted": ["agency"], "veto": True}}),
    (["--hiring", "--weight", "hiring=8"], {"hiring": {"wanted": True, "weight": 8}}),
]


@pytest.mark.parametrize(("typed", "written"), WANTED, ids=[" ".join(one[0]) for one in WANTED])
def test_an_option_of_icp_new_is_in_the_file(
    environment: pytest.MonkeyPatch, tmp_path: Path, typed: list[str], written: dict[str, Any]
) -> None:
    environment.chdir(tmp_path)
    assert main(["icp", "new", "shops", *typed, "--out", "mine.toml"]) == 0
    assert tomllib.loads((tmp_path / "mine.toml").read_text()) == {"name": "shops", **written}
