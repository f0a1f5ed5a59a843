"""`leadmill doctor --facts`: facts of a lake against its stored pages, kept, cleaned up and damaged."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cli.doctor.facts import check_facts
from data import snapshot
from data.lake import Lake, UnitFiles
from extraction.process import process_pages
from leadmill.ids import new_job_id
from tests.extraction.conftest import NOW, make_company, make_page
from tests.plans import write_plan

Run = Callable[..., Any]
JOBS = 3


def read_job(lake: Lake, domain: str, *, stored: bool = True, source: str | None = None) -> str:
    """A job that read a page of a company, with or without it; or that read it of another job."""
    job, page = (
        new_job_id(),
        make_page(
            f"<p>Korbwerk GmbH</p><p>Telefon +49 711 218430</p><p>Mail an werkstatt@{domain} \x1b[2J</p>", domain=domain
        ),
    )
    company = make_company(domain)
    rows, _ = process_pages([company], [page], now=NOW, on_progress=lambda done: None)  # type: ignore[list-item]
    plan = {
        **{name: company[name] for name in ("company_id", "domain", "url")},
        "bare": True,
        "partition": 0,
        "line": 1,
    }
    write_plan(UnitFiles(lake, job, "launch", "launch", 1), [{**plan, "source_job": source}])
    if stored:
        UnitFiles(lake, job, "scrape", "p0", 1).write([page], "pages")
    UnitFiles(lake, job, "process", "p0", 1).write(rows)
    for stage, unit in (("launch", "launch"), ("scrape", "p0"), ("process", "p0")):
        lake.expose(job, stage, unit, 1)
    return job


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "var")


@pytest.fixture
def jobs(lake: Lake) -> list[str]:
    first, gone = read_job(lake, "korbwerk.de"), read_job(lake, "alt.de", stored=False)
    return [first, gone, read_job(lake, "korbwerk.de", stored=False, source=first)]


def checked(lake: Lake, job: str | None = None) -> dict[str, Any]:
    return check_facts([lake], job).as_dict()


def test_a_sound_lake(leadmill: Run, lake: Lake, jobs: list[str]) -> None:
    """Also of a job that read another's pages; facts whose pages are gone are no fault."""
    ended = leadmill("doctor", "--facts", "--json")
    found = json.loads(ended.out)
    assert ended.code == 0 and found == checked(lake)
    assert (found["companies"], found["faults"], found["damaged_files"]) == (JOBS, [], [])
    assert found["checked"] == 2 * found["page_gone"] and found["facts"] == found["checked"] + found["page_gone"]
    one = json.loads(leadmill("doctor", "--facts", "--job", jobs[0], "--json").out)
    assert (one["companies"], one["pages"], one["page_gone"]) == (1, 1, 0)
    lines = leadmill("doctor", "--facts", "--sample", "1").out.splitlines()
    assert re.match(r"facts      \d+ of 1 company; ", lines[0]) and lines[1].startswith("evidence   ")


def test_a_quote_that_was_changed_is_shown(leadmill: Run, lake: Lake, jobs: list[str]) -> None:
    (part,) = lake.parts(jobs[0], "process")
    table = pq.read_table(part)
    rows = table.to_pylist(maps_as_pydicts="lossy")
    for fact in rows[0]["facts"]:
        if fact["field"] == "phone":
            fact["quote"] = "Ruf \x1b[31man: +49 30 1234567"
    pq.write_table(table.from_pylist(rows, schema=table.schema), part)
    fault, *_ = checked(lake)["faults"]
    assert fault["facts"] == 1 and fault["examples"][0]["domain"] == "korbwerk.de"
    ended = leadmill("doctor", "--facts", "--job", jobs[0])
    assert ended.code == 1 and "1 × its quote" in ended.out and "+49 30 1234567" in ended.out
    assert "\x1b" not in ended.out


def test_a_damaged_part_is_named_and_the_rest_is_checked(lake: Lake, jobs: list[str]) -> None:
    (part,) = lake.parts(jobs[0], "process")
    part.write_bytes(b"PAR1 no more")
    found = checked(lake)
    assert len(found["damaged_files"]) == 1 and found["companies"] == JOBS - 1
    assert part.exists()  # looking changes nothing


def test_what_was_cleaned_up_keeps_its_newest_evidence_and_no_other(lake: Lake, jobs: list[str]) -> None:
    """Rows go into the snapshot with their quotes and candidates; of jobs that went, nothing else is left of them."""
    with snapshot.exclusive(lake):
        snapshot.compact(lake, jobs)
    assert checked(lake)["companies"] == JOBS  # each counts once
    for job in jobs:
        lake.drop_job_data(job)
    rows = list(lake.iter_rows(lake.snapshot_files("process")))
    assert sorted(row["domain"] for row in rows) == ["alt.de", "korbwerk.de"]
    assert all(fact["quote"] or fact["words"] for row in rows for fact in row["facts"] if fact["field"] == "email")
    found = checked(lake)
    assert found["page_gone"] == found["facts"] > 0 and found["faults"] == []
    assert not [file for job in jobs for file in lake.job_dir(job).rglob("part-*")]


def test_no_more_than_a_partition_is_held(lake: Lake) -> None:
    """Forty partitions take no more memory than four."""
    for number in range(4):
        read_job(lake, f"c{number}.example")
    checked(lake)  # what is loaded once
    few = peak(lake)
    for number in range(4, 40):
        read_job(lake, f"c{number}.example")
    assert peak(lake) < few * 1.5


def peak(lake: Lake) -> int:
    """Most bytes of Python that a check holds."""
    tracemalloc.start()
    try:
        check_facts([lake])
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_what_does_not_go_together(leadmill: Run, jobs: list[str]) -> None:
    for typed, said in (
        (["doctor", "--sample", "5"], "go with --facts"),
        (["doctor", "--facts", "--job", f"job_{'z' * 20}"], "no job"),
    ):
        ended = leadmill(*typed)
        assert ended.code == 2 and said in ended.err
