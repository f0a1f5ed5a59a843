"""A job's files cannot be read before what its commits named is exposed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from data.commits import Commits
from data.job_files import JobFiles
from data.lake import Lake, UnitFiles
from data.mounts import opened
from data.parts import Committed
from data.storage import Storage
from leadmill.ids import company_id
from tests.plans import write_plan

JOB = "job_" + "0" * 20
COMMITS: Commits = {
    ("launch", "launch"): Committed(2),
    ("scrape", "p0"): Committed(1, {"rows": 1}),
    ("score", "score"): Committed(2, {"rows": 1}),
    ("report", "render:csv"): Committed(1),
}


def identity(domain: str) -> dict[str, Any]:
    return {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/"}


@pytest.fixture
def disk(tmp_path: Path) -> Lake:
    return died(tmp_path)


@pytest.fixture
def lake(storage: Storage) -> Lake:
    return died(storage.root)


def died(root: Path) -> Lake:
    """A job whose processes all died between commit and exposure; render:html has not committed."""
    made = Lake(root)
    launch = UnitFiles(made, JOB, "launch", "launch", 2)
    with launch.write_input(["Record ID"]) as lines:
        lines.add(identity("a.example")["company_id"], 2, {"Record ID": "77"})
    write_plan(launch, [{**identity("a.example"), "bare": False, "partition": 0}], ["Record ID"])
    launch.write_json("manifest.json", {"status": "running"})
    UnitFiles(made, JOB, "scrape", "p0", 1).write([identity("a.example")])
    UnitFiles(made, JOB, "score", "score", 2).write([identity("a.example")])
    for name in ("csv", "html"):
        UnitFiles(made, JOB, "report", f"render:{name}", 1).write_json(f"reports/report.{name}", {})
    return made


def there(files: JobFiles, file: Path) -> bool:
    return files.there([file]) == [file]


READERS: dict[str, Callable[[JobFiles], object]] = {
    "plan": lambda files: files.plan(0),
    "plan_path": lambda files: there(files, files.plan_path()),
    "plan_column": lambda files: files.plan_column("domain"),
    "plan_values": lambda files: files.plan_values("domain"),
    "plan_rows": lambda files: files.plan_rows(),
    "plan_table": lambda files: files.plan_table().num_rows,
    "has_plan": lambda files: files.has_plan(),
    "input_headers": lambda files: files.input_headers() == ["Record ID"],
    "input_path": lambda files: there(files, files.input_path()),
    "manifest": lambda files: files.manifest(),
    "valid": lambda files: files.there(files.valid("scrape")),
    "all_valid": lambda files: files.all_valid(["scrape", "score"])["score", "rows"],
    "parts": lambda files: files.parts("score"),
    "all_parts": lambda files: files.all_parts(["scrape"])["scrape", "rows"],
    "remove_losers": lambda files: files.remove_losers(["scrape"], {"p0": 1})["scrape", "rows"],
    "as_committed": lambda files: files.as_committed(["scrape"], {"p0": 1})["scrape", "rows"],
    "report": lambda files: files.report("report.csv"),
    "run_file": lambda files: there(files, files.run_file("reports/report.csv")[0]),
}


@pytest.mark.parametrize("reader", READERS)
def test_every_reader_finds_what_was_committed(lake: Lake, reader: str) -> None:
    assert READERS[reader](JobFiles(lake, JOB, lambda: COMMITS))


def test_every_public_method_that_reads_is_among_them() -> None:
    other = {"unrecorded", "across", "commits", "expose", "there", "sync", "swap_manifest"}
    assert {name for name in vars(JobFiles) if name[0] != "_"} == READERS.keys() | other


def test_what_no_commit_names_stays_unseen(lake: Lake) -> None:
    files = JobFiles(lake, JOB, lambda: COMMITS)
    assert files.report("report.html") is None
    files.expose()
    assert files.report("report.html") is None and files.report("report.csv") is not None


def test_what_was_made_on_demand_has_no_run(lake: Lake) -> None:
    files, name = JobFiles(lake, JOB, lambda: COMMITS), "on-demand/report-0123.csv"
    assert files.report(name) is None
    with lake.storage.create(lake.job_dir(JOB) / "reports" / name) as path:
        path.write_text("made")
    assert files.report(name) is not None


def test_a_death_between_the_renames_of_plan_and_input_loses_neither(disk: Lake) -> None:
    lake = disk
    staged = lake.job_dir(JOB) / "_tmp"
    (staged / "launch.launch.2~plan.parquet").rename(lake.job_dir(JOB) / "plan.parquet")
    files = JobFiles(lake, JOB, lambda: COMMITS)
    assert files.input_headers() == ["Record ID"]
    assert pq.read_table(files.input_path())["values"].to_pylist() == [[("Record ID", "77")]]


def test_without_a_record_they_are_as_they_lie_on_a_disk(disk: Lake) -> None:
    lake = disk
    files = JobFiles.unrecorded(lake, JOB)
    assert files.manifest() is None and files.plan_column("domain") == [] and files.parts("scrape") == []
    assert len(lake.storage.staged(JOB)) == 5 and files.input_headers() == []


def test_on_a_disk_the_record_is_asked_once_and_only_if_something_is_owed(disk: Lake) -> None:
    lake = disk
    asked = 0

    def ask() -> Commits:
        nonlocal asked
        asked += 1
        return COMMITS

    files = JobFiles(lake, JOB, ask)
    files.expose(lambda stage, unit: stage == "enrich")
    assert asked == 0
    files.plan(), files.valid("scrape"), files.report("report.csv")
    assert asked == 1
    again = JobFiles(lake, JOB, ask)
    again.plan(), again.manifest(), again.parts("scrape")
    assert asked == 1, "nothing of these is staged any more"


def test_what_was_committed_between_two_looks_is_seen(lake: Lake) -> None:
    """The commits are asked for after the first look at what is staged: it is looked at again."""
    files = JobFiles(lake, JOB, lambda: {**COMMITS, ("process", "p0"): Committed(1, {"rows": 1})})
    files.expose(lambda stage, unit: stage == "enrich")
    UnitFiles(lake, JOB, "process", "p0", 1).write([identity("a.example")])
    assert len(files.there(files.valid("process"))) == 1


def test_a_manifest_that_another_one_replaced_is_not_written_over(lake: Lake) -> None:
    late = JobFiles(lake, JOB, lambda: COMMITS)
    assert late.manifest() == {"status": "running"}
    end = UnitFiles(lake, JOB, "publish", "publish", 1)
    end.write_json("manifest.json", {"status": "completed"})
    lake.expose(JOB, "publish", "publish", 1)
    assert not late.swap_manifest({"status": "cancelled"})
    assert late.manifest() == {"status": "completed"} and late.swap_manifest({"status": "cancelled"})


@pytest.mark.stack
def test_nothing_is_listed_inside_a_job(request: pytest.FixtureRequest) -> None:
    """On an object store: names follow from commits."""
    s3 = request.getfixturevalue("s3")
    lake = died(request.getfixturevalue("s3_root"))
    files = JobFiles(lake, JOB, lambda: COMMITS)
    s3.methods()
    assert files.plan(0) and files.report("report.csv") and files.input_headers()
    assert all(pq.read_table(opened(file)).num_rows for file in files.valid("scrape"))
    assert set(s3.methods()) == {"GET", "HEAD"}
    assert files.manifest() == {"status": "running"}
