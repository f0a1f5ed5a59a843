"""The console: one SELECT over the project's lake, which reads nothing else and changes nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import duckdb
import httpx2
import pytest
from fastapi.testclient import TestClient
from python_calamine import CalamineWorkbook

from api.auditing.tally import OF_ONE
from api.sql_console import confinement, running
from api.sql_console.forms import FORMS
from api.sql_console.guard import TABLE_FUNCTIONS, RefusedQueryError, one_select
from api.sql_console.running import Form, Question
from data.api_keys import KeyRegistry
from data.lake import Lake
from leadmill.access import Role
from leadmill.errors import UnavailableError
from leadmill.settings import Settings
from tests.api.conftest import V1, Worker, post, running_api

pytestmark = pytest.mark.stack

URL = f"{V1}/sql"


@pytest.fixture
def job(client: TestClient, worker: Worker) -> str:
    found = str(post(client)["job_id"])
    worker.finish(found)
    worker.rows(
        found, "score", ["shop.example", "agency.example"], name="=1+1", country="DE", score=80.0,
        emails=["a@shop.example"],
    )  # fmt: skip
    worker.error_rows(found, "scrape", ["quiet.example"])
    return found


def ask(client: TestClient, query: str, status: int = 200, **more: Any) -> Any:
    answer = client.get(URL, params={"query": query, **more})
    assert answer.status_code == status, (query, answer.text)
    return answer.json()


def test_one_select_over_what_is_open(client: TestClient, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told = ask(client, "SELECT domain, score, emails FROM companies ORDER BY domain;")
    assert told["rows"] == [["agency.example", 80.0, ["a@shop.example"]], ["shop.example", 80.0, ["a@shop.example"]]]
    assert [one["type"] for one in told["columns"]] == ["VARCHAR", "DOUBLE", "VARCHAR[]"] and told["total_is_exact"]
    assert ask(client, "SELECT domain, category FROM Errors")["rows"] == [["quiet.example", "network"]]
    for view in ("results", "pages", "people", "ledger"):
        assert ask(client, f"FROM {view}")["total"] == (2 if view == "results" else 0), view
    assert ask(client, "DESCRIBE companies")["total"] > 30
    few = ask(client, "SELECT * FROM range(12345)", limit=10)
    assert (len(few["rows"]), few["total"], few["total_is_exact"], few["cut_by"]) == (10, 12345, True, "limit")
    assert ask(client, "SELECT * FROM range(10)", limit=10)["cut_by"] is None
    odd = "SELECT 'nan'::DOUBLE, 1.10::DECIMAL(9,2), 12345678901234567890.5::DECIMAL(30,1), '\\xAA'::BLOB"
    assert ask(client, odd)["rows"] == [["nan", 1.1, "12345678901234567890.5", "aa"]]
    assert ask(client, "SELECT DATE '2027-01-01', '2027-01-01T00:00:00Z'::TIMESTAMPTZ")["rows"] == [
        ["2027-01-01", "2027-01-01T00:00:00Z"]
    ]
    wide = ask(client, "SELECT repeat('x', 1000000) FROM range(9)")
    assert len(wide["rows"]) < 3 and wide["total"] == 9, "an answer has an end"
    assert wide["cut_by"] == "size"
    page = client.get("/ui/sql", params={"query": "SELECT * FROM range(300)"}).text
    assert "200 of 300 rows" in page and "as many as a page shows; the files below hold all" in page
    monkeypatch.setattr(running, "COUNTS_S", 0)
    slow = ask(client, "SELECT * FROM range(12345)", limit=10)
    assert (len(slow["rows"]), slow["total"], slow["total_is_exact"]) == (10, 11, False), (
        "what takes long is not counted"
    )


def test_files_hold_all_of_the_result(client: TestClient, job: str) -> None:
    query = {"query": "SELECT i, name, '+1;=2' AS \"=h\" FROM companies, range(3000) r(i) ORDER BY i, domain"}
    text = client.get(f"{URL}.csv", params=query).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert len(rows) == 6001 and rows[0] == ["i", "name", "'=h"] and rows[2] == ["0", "'=1+1", "'+1;'=2"]
    found = client.get(f"{URL}.json", params=query).json()
    assert len(found) == 6000 and found[-1] == {"i": 2999, "name": "=1+1", "=h": "+1;=2"}
    book = client.get(f"{URL}.xlsx", params=query).content
    cells = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert len(cells) == 6001 and cells[1][1] == "=1+1"
    assert client.get(f"{URL}.json", params={"query": "SELECT 1 WHERE false"}).json() == []
    assert client.get(f"{URL}.csv", params={"query": "SELECT oops"}).status_code == 422


#: What an admin of one project may try; `{lake}` is the project's root, `{data}` that of all.
ATTACKS = [
    "COPY (SELECT 1) TO '{lake}/jobs/x.csv'", "EXPORT DATABASE '{lake}/jobs/x'", "ATTACH '{lake}/jobs/x.db'",
    "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list", "PRAGMA threads=4", "SET threads = 4", "RESET threads",
    "SET enable_external_access = true", "CALL pragma_version()", "SELECT 1; SELECT 2", "", "-- nothing",
    "EXPLAIN ANALYZE SELECT 1", "CREATE TABLE x AS SELECT 1", "DROP VIEW companies", "DELETE FROM companies",
    "PREPARE a AS SELECT 1", "CHECKPOINT", "VACUUM", "USE memory", "BEGIN", "SELECT $1", "SELECT getenv('PATH')",
    "SELECT * FROM '/etc/passwd'", "SELECT * FROM read_text('/etc/passwd')", "SELECT * FROM read_blob('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_json('/etc/passwd')", "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM sniff_csv('/etc/passwd')", "SELECT * FROM read_text('/proc/self/environ')",
    "SELECT * FROM glob('{data}/*')", "SELECT * FROM glob('{lake}/jobs/../*')", "SELECT * FROM glob('{data}/**')",
    "SELECT * FROM read_json('{data}/kept.json')", "SELECT * FROM read_json('{lake}/jobs/../kept.json')",
    "SELECT * FROM '{data}/projects/other/jobs/*/score/*.parquet'", "SELECT * FROM '{data}/**/*.parquet'",
    "SELECT * FROM '{lake}/jobs/../projects/other/jobs/*/score/*.parquet'",
    "SELECT * FROM '{lake}/jobs/*/../../projects/other/jobs/*/score/*.parquet'",
    "SELECT * FROM read_parquet('{lake}/jobs/way/other/jobs/*/score/*.parquet')",
    "SELECT * FROM query('SELECT 1')", "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
    "SELECT * FROM duckdb_secrets()", "SELECT * FROM 'http://127.0.0.1:{port}/x.parquet'",
    "SELECT * FROM read_parquet('https://127.0.0.1:{port}/x')", "SELECT * FROM 's3://bucket/x.parquet'",
    # By their type these are each a SELECT.
    "WITH x AS (COPY (SELECT 1) TO '{lake}/jobs/x.csv') SELECT 1",
    "SELECT (WITH x AS (COPY (SELECT 1) TO '{lake}/jobs/x.csv') SELECT 1)",
    "SELECT 1 UNION ALL (WITH x AS (COPY companies TO '{lake}/jobs/x.csv') SELECT 1)",
    "SELECT * FROM (WITH x AS (COPY (SELECT 1) TO '{part}' (FORMAT parquet, USE_TMP_FILE false)) SELECT 1)",
    "WITH x AS (DELETE FROM companies RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO companies SELECT * FROM companies RETURNING *) SELECT * FROM x",
    "FROM query('WITH x AS (COPY (SELECT 1) TO ''{lake}/jobs/x.csv'') SELECT 1')",
]  # fmt: skip


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        found.listen()
        found.settimeout(0)
        yield found


def state(data: Path) -> dict[str, tuple[int, int]]:
    found = {str(path): path.lstat() for path in data.rglob("*") if "run/" not in str(path)}
    return {path: (one.st_size, one.st_mtime_ns) for path, one in found.items() if path.endswith((".parquet", ".csv"))}


def test_nothing_else_is_read_and_nothing_is_written(
    client: TestClient, worker: Worker, job: str, settings: Settings, lake: Lake, listening: socket.socket
) -> None:
    data = settings.data_dir
    other = Worker(worker.store, lake.of("other"))
    other.rows(job, "score", ["secret.example"], name="theirs")
    (data / "kept.json").write_text('{"open": "sesame"}')
    (lake.jobs / "way").symlink_to(data / "projects")
    (part,) = lake.parts(job, "score")
    before = state(data)
    for attack in ATTACKS:
        filled = attack.format(lake=lake.root, data=data, part=part, port=listening.getsockname()[1])
        answer = client.get(URL, params={"query": filled})
        assert answer.status_code == 422, (filled, answer.text)
        assert "theirs" not in answer.text and "sesame" not in answer.text
    with pytest.raises(BlockingIOError):
        listening.accept()
    assert state(data) == before
    assert ask(client, "SELECT name FROM companies")["total"] == 2
    assert ask(client, f"SELECT name FROM read_parquet('{lake.jobs}/*/score/part-*.parquet')")["total"] == 2
    assert ask(client, "SELECT content FROM companies AS c(content) LIMIT 0")["rows"] == []


@pytest.mark.parametrize("name", sorted(TABLE_FUNCTIONS))
def test_what_may_stand_in_from_exists(name: str) -> None:
    with duckdb.connect() as con:
        known = con.execute("SELECT count(*) FROM duckdb_functions() WHERE function_name = $name", {"name": name})
        assert known.fetchall() != [(0,)] or name == "unnest"


def test_the_process_can_write_nothing_whatever_duckdb_is_made_to_do(tmp_path: Path) -> None:
    """Without the guard, and with DuckDB open: what the kernel alone refuses."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    for folder in (inside, outside):
        folder.mkdir()
        (folder / "kept.csv").write_text("a\n1\n")
    read, write = os.pipe()
    child = os.fork()
    if not child:  # pragma: no cover  in the child
        told: dict[str, str] = {}
        try:
            confinement.bound(30, 8 << 30)
            told["landlock"] = str(confinement.read_only([str(inside)]))
            for name, act in tries(inside, outside).items():
                try:
                    told[name] = f"done: {act()}"
                except OSError as error:
                    told[name] = type(error).__name__
        finally:
            os.write(write, json.dumps(told).encode())
            os._exit(0)
    os.close(write)
    told = json.loads(os.read(read, 60_000))
    os.waitpid(child, 0)
    assert told["read inside"] == "done: a\n1\n"
    if told["landlock"] == "False":
        pytest.skip("this kernel has no Landlock")
    assert told["connect"] in ("PermissionError", "ConnectionRefusedError")
    assert {name: one for name, one in told.items() if one.startswith("done")} == {"read inside": "done: a\n1\n"}
    assert (inside / "kept.csv").read_text() == "a\n1\n" and list(inside.iterdir()) == [inside / "kept.csv"]


def test_every_thread_of_a_query_is_confined(lake: Lake, tmp_path: Path) -> None:
    """A thread that DuckDB had before would open files for it that this one may not."""
    if not confinement.kernel_can():
        pytest.skip("this kernel has no Landlock")
    for form in FORMS:
        asked = Question(lake, "FROM companies", cast("Form", form)).told()
        script = (
            "import json, sys; from api.sql_console import child; asked = json.loads(sys.stdin.readline());"
            "child.FORMS[asked['form']](asked['guarded']); con = child._locked(asked);"
            "con.execute('SELECT count(*) FROM range(3000000) r(i) WHERE hash(i) % 7 = 1').fetchall();"
            "print('ready', flush=True); sys.stdin.read()"
        )
        pipe = subprocess.PIPE
        with subprocess.Popen([sys.executable, "-c", script], stdin=pipe, stdout=pipe, text=True) as process:
            assert process.stdin and process.stdout
            process.stdin.write(json.dumps(asked) + "\n")
            process.stdin.flush()
            assert process.stdout.readline() == "ready\n"
            states = [(task / "status").read_text() for task in Path(f"/proc/{process.pid}/task").iterdir()]
            process.stdin.close()
        assert len(states) > 1 and all("NoNewPrivs:\t1" in one for one in states), (form, states)


def test_threads_that_run_already_are_not_taken_for_confined() -> None:
    if not confinement.kernel_can():
        pytest.skip("this kernel has no Landlock")
    script = (
        "import threading; from api.sql_console import confinement;"
        "threading.Thread(target=threading.Event().wait, daemon=True).start();"
        "confinement.read_only([])"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert b"RuntimeError: threads" in ended.stderr and ended.returncode == 1


def tries(inside: Path, outside: Path) -> dict[str, Callable[[], Any]]:
    return {
        "read inside": (inside / "kept.csv").read_text,
        "read outside": (outside / "kept.csv").read_text,
        "list outside": lambda: list(outside.iterdir()),
        "write": lambda: (inside / "kept.csv").write_text("b"),
        "empty": lambda: os.close(os.open(inside / "kept.csv", os.O_WRONLY | os.O_TRUNC)),
        "make": (inside / "new.csv").touch,
        "remove": (inside / "kept.csv").unlink,
        "rename": lambda: (inside / "kept.csv").rename(inside / "moved.csv"),
        "link": lambda: (inside / "way").symlink_to(outside),
        "connect": lambda: socket.create_connection(("127.0.0.1", 9), 1),
    }


def test_a_query_that_is_no_single_select_is_refused_in_words() -> None:
    with duckdb.connect() as con:
        for query, words in (
            ("SELECT 1; SELECT 2", "this is 2"), ("", "this is none"), ("COPY x TO 'y'", "this is COPY"),
            ("WITH x AS (COPY (SELECT 1) TO 'y') SELECT 1", "there is COPY"), ("FROM query('SELECT 1')", "query()"),
            ("SELECT $name", "no parameters"),
        ):  # fmt: skip
            with pytest.raises(RefusedQueryError, match=words.replace("(", r"\(").replace(")", r"\)")):
                one_select(con, query)
        for query in ("FROM range(3)", "VALUES (1)", "SELECT 1 UNION SELECT 2 ORDER BY 1", "SUMMARIZE SELECT 1",
                      "WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM x WHERE i < 3) FROM x",
                      "SELECT [y + 1 FOR y IN [1, 2]], (SELECT 1), 'COPY_QUERY_NODE' AS \"type\""):  # fmt: skip
            assert con.execute(one_select(con, query)).fetchall()


def test_a_query_ends_in_time_and_with_whoever_asked(settings: Settings, tmp_path: Path) -> None:
    endless = "SELECT count(*) FROM range(1000000000000) a(i) WHERE hash(i) % 7 = 1"
    with running_api(settings, tmp_path) as url:
        with pytest.raises(httpx2.TimeoutException):
            httpx2.get(f"{url}{URL}", params={"query": endless}, timeout=2, trust_env=False)
        end = time.monotonic() + 10
        while children("api.sql_console.child"):
            assert time.monotonic() < end, "its process is killed"
            time.sleep(0.1)
        large = "SELECT list(i) FROM range(1000000000) r(i)"
        answer = httpx2.get(f"{url}{URL}", params={"query": large}, timeout=60, trust_env=False)
        assert answer.status_code == 422 and "emory" in answer.text, answer.text


def test_what_is_told_of_a_result_has_an_end(client: TestClient, job: str) -> None:
    wide = "SELECT * FROM " + ", ".join(f"companies c{n}" for n in range(40)) + " WHERE false"
    assert "1,000 columns" in ask(client, wide, 422)["detail"]
    kind = ", ".join(f"a{n} INTEGER" for n in range(500))
    [column] = ask(client, f"SELECT NULL::STRUCT({kind})")["columns"]
    assert len(column["type"]) == len(column["name"]) == 1_000
    assert "too deep" in ask(client, "SELECT " + "[" * 900 + "]" * 900, 422)["detail"]
    assert "emory" in ask(client, "SELECT repeat('x', 2000000000)", 422)["detail"], "also of what DuckDB does not count"


def test_no_link_of_another_site_runs_a_query(client: TestClient, job: str) -> None:
    query = {"query": "SELECT 41 + 1"}
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    for site in ("cross-site", "same-site"):
        for way in (URL, f"{URL}.csv", f"{URL}.json", f"{URL}.xlsx"):
            assert client.get(way, params=query, headers=link | {"Sec-Fetch-Site": site}).status_code == 403, way
        shown = client.get("/ui/sql", params=query, headers=link | {"Sec-Fetch-Site": site})
        assert shown.status_code == 200 and "came with a link" in shown.text
    own = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    assert client.get(f"{URL}.csv", params=query, headers=own).status_code == 200
    assert '<td class="n">42</td>' in client.get("/ui/sql", params=query, headers=own).text
    signed_in = own | {"Referer": "http://testserver/sign-in?next=%2Fui%2Fsql%3Fquery%3DSELECT"}
    assert "came with a link" in client.get("/ui/sql", params=query, headers=signed_in).text


def test_a_project_leaves_places_to_others(lake: Lake) -> None:
    with running._place("mine"), running._place("mine"):
        with pytest.raises(UnavailableError, match="2 queries"), running._place("mine"):
            pass
        with running._place("other"):
            pass
        with running._place("other"), running._place("third"), running._place("third"), running._place("fourth"):
            for one in ("other", "fifth"):
                with pytest.raises(UnavailableError, match="6 queries"), running._place(one):
                    pass
    assert not running._under_way


def children(named: str) -> list[int]:
    found = []
    for place in Path("/proc").iterdir():
        if place.name.isdigit():
            try:
                command = (place / "cmdline").read_bytes()
            except OSError:
                continue
            if named.encode() in command:
                found.append(int(place.name))
    return found


def test_admins_alone_ask_of_their_own_project_and_the_audit_tells(
    client: TestClient, worker: Worker, job: str, settings: Settings, lake: Lake
) -> None:
    Worker(worker.store, lake.of("other")).rows(job, "score", ["theirs.example"], name="theirs")
    registry = KeyRegistry(settings.data_dir)
    secrets = {role: registry.create(role.value, role)[1] for role in Role}
    stranger = registry.create("Sam", Role.ADMIN, "other")[1]
    end = time.monotonic() + 30
    while client.get(URL, params={"query": "SELECT 1"}).status_code != 401:
        assert time.monotonic() < end
        time.sleep(0.05)
    query = "SELECT domain\nFROM companies ORDER BY 1"
    for role, secret in secrets.items():
        answer = client.get(URL, params={"query": query}, headers={"X-API-Key": secret})
        assert answer.status_code == (200 if role is Role.ADMIN else 403), role
    theirs = client.get(URL, params={"query": query}, headers={"X-API-Key": stranger}).json()
    assert theirs["rows"] == [["theirs.example"]]
    for place in (lake.jobs, lake.companies):
        mine = f"SELECT * FROM read_parquet('{place}/**/*.parquet')"
        assert client.get(URL, params={"query": mine}, headers={"X-API-Key": stranger}).status_code == 422
    client.get(URL, params={"query": "SELECT oops"}, headers={"X-API-Key": stranger})
    admin = {"X-API-Key": secrets[Role.ADMIN]}
    entries = client.get(f"{V1}/audit?action=sql", headers=admin).json()["items"]
    told = {(one["name"], one["id"], one["status"]) for one in entries}
    one_line = " ".join(query.split())
    assert {("admin", one_line, 200), ("Sam", one_line, 200), ("Sam", "SELECT oops", 422)} <= told


def test_the_audit_has_the_text_of_each_query_whatever_comes_of_it(
    client: TestClient, job: str, settings: Settings
) -> None:
    admin = {"X-API-Key": KeyRegistry(settings.data_dir).create("Ada", Role.ADMIN)[1]}
    end = time.monotonic() + 30
    while client.get(URL, params={"query": "SELECT 1"}).status_code != 401:
        assert time.monotonic() < end
        time.sleep(0.05)

    def told() -> list[str]:
        return [one["id"] for one in client.get(f"{V1}/audit?limit=200", headers=admin).json()["items"]]

    polled = client.get("/ui/sql", params={"query": "SELECT 'polled'"}, headers=admin | {"HX-Request": "true"})
    assert polled.status_code == 200 and "SELECT 'polled'" in told()
    padded = f"SELECT /*{'x' * 6_000}*/ 'behind'"
    ask_as = client.get(URL, params={"query": padded}, headers=admin)
    assert ask_as.status_code == 200 and padded in told()
    for _ in range(OF_ONE + 5):  # what is told one by one of refusals has an end
        assert client.post(f"{V1}/jobs/none/cancel", headers=admin).status_code in (404, 405)
    assert client.get(URL, params={"query": "SELECT error('leaks')"}, headers=admin).status_code == 422
    assert "SELECT error('leaks')" in told()
