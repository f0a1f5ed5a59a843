"""Scores and leads of many companies: the same as of few, in memory that does not grow with the rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import data.duck
import tasks.analytics.leads
import tasks.input_lines
import tasks.processing.score
from data.duck import connection, holding_little
from data.input_columns import InputWriter
from data.schemas import ERRORS, PLAN, STAGE_SCHEMAS, table
from leadmill.ids import company_id
from pipelines.scoring.rules import load_rules
from reports.rows import sql_type
from tasks.input_lines import ALL, Share, shares
from tasks.processing.score import score_leads

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
#: Of a query over rows of 100 MB, with nothing spilt.
MEMORY = "130MB"
JOB, OTHER = "job_0123456789abcdefghjk", "job_0123456789abcdefghjm"


def company(domain: str, **values: Any) -> dict[str, Any]:
    return {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/", **values}


def write(path: Path, rows: list[dict[str, Any]], schema: pa.Schema, job: str = JOB) -> Path:
    pq.write_table(table(rows, schema, job), path, row_group_size=1_000)
    return path


def planned(folder: Path, *rows: dict[str, Any]) -> Path:
    return write(folder / "plan.parquet", [{"bare": False, "partition": 0, **row} for row in rows], PLAN)


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    with InputWriter(tmp_path / "columns.parquet", ["CRM"], JOB) as writer:
        for line, domain in enumerate(["good.com", "planned.com", "good.com", "nothing.com"], 2):
            writer.add(company_id(domain), line, {"CRM": f"c{line}"})
        writer.add("", 6, {"CRM": "no company"})
    return tmp_path / "columns.parquet"


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    return planned(
        tmp_path,
        company("good.com"),
        company("twice.com", url=None),
        company("planned.com", partition=None, error_category="data", error="not a host name"),
        company("own.com"),
        company("unit.com", partition=1),
        company("nothing.com"),
        {
            "company_id": "",
            "domain": "line 6",
            "line": 6,
            "partition": None,
            "error_category": "data",
            "error": "no URL",
        },
    )


def compared(monkeypatch: pytest.MonkeyPatch, module: Any, make: Any, out: Path) -> list[dict[str, Any]]:
    """What is made of many companies, which is what is made of few."""
    made = []
    for few in (10_000, 0):
        monkeypatch.setattr(module, "FEW_ROWS", few)
        make()
        made.append(sorted(pq.read_table(out).to_pylist(), key=lambda row: str(row["domain"])))
    assert made[0] == made[1]
    return made[1]


def test_scores_of_many_are_those_of_few(
    tmp_path: Path, plan: Path, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = STAGE_SCHEMAS["enrich"]
    rows = [
        write(tmp_path / "a.parquet", [company("good.com"), company("twice.com", name="old", enriched_at=NOW)], schema),
        write(
            tmp_path / "b.parquet",
            [company("twice.com", name="new", enriched_at=NOW + timedelta(hours=1)), company("stranger.com")],
            schema,
        ),
    ]
    error = {"scope": "company", "stage": "scrape", "category": "network", "error": "timed out", "at": NOW}
    errors = [write(tmp_path / "e.parquet", [company("own.com", **error)], ERRORS)]
    out = tmp_path / "out.parquet"

    def make() -> None:
        score_leads(
            connection().cursor(), plan=plan, rows=rows, row_errors=errors, unit_errors={1: ("system", "died")},
            model=load_rules(None), job_id=JOB, now=NOW, out=out, lines=lines, input_headers=["CRM"],
        )  # fmt: skip

    found = {row["domain"]: row for row in compared(monkeypatch, tasks.processing.score, make, out)}
    assert {domain: row["error"] for domain, row in found.items()} == {
        "good.com": None,
        "twice.com": None,
        "planned.com": "not a host name",
        "own.com": "timed out",
        "unit.com": "died",
        "nothing.com": tasks.processing.score.UNEXPLAINED,
        "line 6": "no URL",
    }
    assert (found["twice.com"]["name"], found["twice.com"]["url"]) == ("new", "https://twice.com/")
    told = {domain: [line["line"] for line in row["input"] or ()] for domain, row in found.items()}
    assert told["good.com"] == [2, 4] and told["line 6"] == [6] and told["own.com"] == []


def test_shares_of_a_plan_are_the_plan(
    tmp_path: Path, plan: Path, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks.input_lines, "_SHARE_BYTES", 300)
    rows = [write(tmp_path / "a.parquet", [company("good.com"), company("twice.com")], STAGE_SCHEMAS["enrich"])]

    def scored(share: Share) -> list[dict[str, Any]]:
        out = tmp_path / "out.parquet"
        score_leads(
            connection().cursor(), plan=plan, rows=rows, row_errors=[], unit_errors={}, model=load_rules(None),
            job_id=JOB, now=NOW, out=out, lines=lines, input_headers=["CRM"], share=share,
        )  # fmt: skip
        return pq.read_table(out).to_pylist()

    parts = [scored(share) for share in shares(lines)]
    assert len(parts) > 3 and len([part for part in parts if part]) > 1
    whole = scored(ALL)
    assert sorted((row for part in parts for row in part), key=str) == sorted(whole, key=str)
    assert {line["line"] for row in whole for line in row["input"] or ()} == {2, 3, 4, 5, 6}


def test_shares_are_as_many_as_the_lines_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.input_lines, "_SHARE_BYTES", 1_000_000)

    def of(cells: int, text: str) -> int:
        file = tmp_path / "columns.parquet"
        with InputWriter(file, [f"h{n}" for n in range(cells)], JOB) as writer:
            for line in range(1_000):
                writer.add(f"comp_{line:016x}", line, {f"h{n}": f"{line}{text}" for n in range(cells)})
        return len(shares(file))

    assert shares(None) == [ALL]
    assert of(1, "x") == 1
    assert of(50, "x") >= 3, "many cells"
    assert of(1, "long " * 1_000) >= 5, "long texts"


def test_leads_of_many_are_those_of_few(
    tmp_path: Path, plan: Path, lines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = STAGE_SCHEMAS["score"]
    late = NOW + timedelta(days=400)
    rows = [
        write(tmp_path / "a.parquet", [company("good.com", scored_at=NOW), company("twice.com", name="wanted",
              scored_at=NOW)], schema),
        write(tmp_path / "b.parquet", [company("twice.com", name="newer", scored_at=late), company("good.com",
              name="newest", scored_at=late), company("own.com", error="e", error_category="network")], schema, OTHER),
    ]  # fmt: skip
    out = tmp_path / "out.parquet"

    def make() -> None:
        tasks.analytics.leads._collect(connection().cursor(), plan, rows, wanted, ["CRM"], lines, out)

    wanted = [JOB]
    found = {row["domain"]: row for row in compared(monkeypatch, tasks.analytics.leads, make, out)}
    assert (found["twice.com"]["name"], found["good.com"]["name"]) == ("wanted", None)
    assert [found[domain]["error"] for domain in ("good.com", "own.com", "planned.com", "nothing.com")] == [
        None,
        "e",
        "not a host name",
        "no scored row: run score first",
    ]
    wanted = []
    found = {row["domain"]: row for row in compared(monkeypatch, tasks.analytics.leads, make, out)}
    assert (found["twice.com"]["name"], found["good.com"]["name"]) == ("newer", "newest")
    assert [line["line"] for line in found["good.com"]["input"]] == [2, 4]
    del rows[1]  # and no company stands twice
    wanted = [JOB]
    found = {row["domain"]: row for row in compared(monkeypatch, tasks.analytics.leads, make, out)}
    assert found["twice.com"]["name"] == "wanted" and found["own.com"]["error"] is not None


#: How the columns of many rows are made of their number `i`.
MADE_UP = {
    "company_id": "'comp_' || format('{:016x}', i)",
    "domain": "'c' || i || '.example'",
    "url": "'https://c' || i || '.example/'",
    "description": "repeat('c' || i || ' builds. ', 200)",
    "bare": "false",
    "partition": "0",
    "job_id": f"'{JOB}'",
    "schema_version": "1",
}


def write_many(path: Path, schema: pa.Schema, numbers: str) -> Path:
    con = connection().cursor()
    columns = (f'CAST({MADE_UP.get(c.name, "NULL")} AS {sql_type(con, c.type)}) AS "{c.name}"' for c in schema)
    query = f"SELECT {', '.join(columns)} FROM {numbers} AS t(i)"
    con.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)")
    return path


def test_lines_pass_by_in_shares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.processing.score, "ROW_GROUP", 2_048)
    plan = write_many(tmp_path / "plan.parquet", PLAN, "range(40_000)")
    rows = write_many(tmp_path / "rows.parquet", STAGE_SCHEMAS["enrich"], "range(40_000)")
    with InputWriter(tmp_path / "columns.parquet", ["CRM"], JOB) as writer:
        for number in range(40_000):
            writer.add(f"comp_{number:016x}", number, {"CRM": f"{number} note " * 150})

    def score(share: Share) -> int:
        with duckdb.connect(config={"threads": 1, "memory_limit": "200MB", "temp_directory": ""}) as con:
            return score_leads(
                con, plan=plan, rows=[rows], row_errors=[], unit_errors={}, model=load_rules(None), job_id=JOB,
                now=NOW, out=tmp_path / "out.parquet", lines=tmp_path / "columns.parquet", share=share,
            ).rows  # fmt: skip

    with pytest.raises(duckdb.OutOfMemoryException):
        score(ALL)
    assert sum(score(Share(number, 4)) for number in range(4)) == 40_000


@pytest.mark.parametrize("stage", ["score", "leads"])
def test_wide_rows_pass_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    monkeypatch.setattr(tasks.processing.score, "ROW_GROUP", 2_048)
    monkeypatch.setattr(tasks.analytics.leads, "ROW_GROUP", 2_048)
    schema = STAGE_SCHEMAS["enrich" if stage == "score" else "score"]
    plan = write_many(tmp_path / "plan.parquet", PLAN, "range(40_000)")
    files = [
        write_many(tmp_path / f"{n}.parquet", schema, f"range({n * 19_000}, {n * 20_000 + 20_000})") for n in (0, 1)
    ]
    out = tmp_path / "out.parquet"
    with duckdb.connect(config={"threads": 1, "memory_limit": MEMORY, "temp_directory": ""}) as con:
        if stage == "score":
            score_leads(
                con, plan=plan, rows=files, row_errors=[], unit_errors={}, model=load_rules(None), job_id=JOB,
                now=NOW, out=out,
            )  # fmt: skip
        else:
            tasks.analytics.leads._collect(con, plan, files, [JOB], [], None, out)
    made = pq.ParquetFile(out).metadata
    assert made.num_rows == 40_000
    assert max(made.row_group(n).num_rows for n in range(made.num_row_groups)) <= 2 * 2_048, "readers hold one of them"


def test_a_query_gets_more_memory_only_if_it_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data.duck, "_HELD", ("50MB", "100MB", "200MB"))
    folder, limits = tmp_path / "spill", []

    def query(con: Any) -> int:
        [(limit, spill)] = con.execute(
            "SELECT current_setting('memory_limit'), current_setting('temp_directory')"
        ).fetchall()
        limits.append(limit)
        assert spill == str(folder)
        folder.mkdir()
        (folder / "spilt").write_bytes(b"much")
        if len(limits) < enough:
            raise duckdb.OutOfMemoryException("more")
        return 7

    enough = 2
    assert holding_little(10_001, folder, query) == 7
    assert limits == ["47.6 MiB", "95.3 MiB"] and not folder.exists()
    enough = 9
    with pytest.raises(duckdb.OutOfMemoryException):
        holding_little(10_001, folder, query)
    assert len(limits) == 5 and not folder.exists()


def test_few_rows_are_asked_on_the_connection_of_the_process(tmp_path: Path) -> None:
    connection().execute("CREATE OR REPLACE TEMP TABLE known_here AS SELECT 1")
    holding_little(10_000, tmp_path / "spill", lambda con: con.execute("FROM duckdb_settings()").fetchall())
    assert not (tmp_path / "spill").exists()
