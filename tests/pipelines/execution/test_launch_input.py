"""What launch keeps of the other columns of a list, against a real record and real files."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from data.damage import damages
from data.job_files import JobFiles
from data.jobs import JobStore
from data.lake import Lake
from data.mounts import opened
from data.schemas import INPUT
from data.storage import Storage
from leadmill.ids import company_id
from leadmill.settings import Settings
from pipelines.committed import recorded_files
from pipelines.execution.plan import launch
from pipelines.execution.redone import clear_redone
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime, UnitRun
from pipelines.intake import control
from pipelines.intake.submission import Submission
from pipelines.intake.submit import record

LIST = 'Record ID,website,"Owner, full"\n11,a.example,Zoë\n12,no host,\n13,b.example,\n14,https://www.a.example/x,Ada\n'
LINES = [
    (company_id("a.example"), 2, [("Record ID", "11"), ("Owner, full", "Zoë")]),
    ("", 3, [("Record ID", "12")]),
    (company_id("b.example"), 4, [("Record ID", "13")]),
    (company_id("a.example"), 5, [("Record ID", "14"), ("Owner, full", "Ada")]),
]


@pytest.fixture
def lake(storage: Storage) -> Lake:
    return Lake(storage.root)


@pytest.fixture
def runtime(store: JobStore, lake: Lake) -> Runtime:
    return Runtime(Settings(data_url=str(lake.root)), store, lake, lambda outs: None)


def submitted(runtime: Runtime, tmp_path: Path, text: str = LIST) -> str:
    file = tmp_path / "list.csv"
    file.write_text(text)
    return record(runtime.store, runtime.lake, Submission("pipeline", file=file)).job_id


def launched(runtime: Runtime, job: str, epoch: int = 0, body: Callable[[UnitRun], None] = launch) -> JobFiles:
    assert run_unit(runtime, body, job, "launch", epoch, 0, owner=f"o:{epoch}", chained=False)
    return recorded_files(runtime.store, runtime.lake, job)


def kept(files: JobFiles) -> list[tuple[Any, ...]]:
    found = pq.read_table(opened(files.input_path()))
    assert found.schema.equals(INPUT) and set(found["job_id"].to_pylist()) == {files.job_id}
    return [(row["company_id"], row["line"], row["values"]) for row in found.to_pylist()]


def test_every_line_is_kept_with_its_company_in_the_order_of_the_list(runtime: Runtime, tmp_path: Path) -> None:
    files = launched(runtime, submitted(runtime, tmp_path))
    assert kept(files) == LINES
    assert files.input_headers() == ["Record ID", "Owner, full"]


def test_a_list_without_other_columns_has_no_file(runtime: Runtime, tmp_path: Path) -> None:
    files = launched(runtime, submitted(runtime, tmp_path, "website\na.example\n"))
    assert files.input_headers() == [] and files.there([files.input_path()]) == []


def test_headers_that_are_alike_or_empty_are_told_apart(runtime: Runtime, tmp_path: Path) -> None:
    files = launched(runtime, submitted(runtime, tmp_path, "Id,,url,Id,Id 2\n1,2,a.example,3,4\n"))
    assert files.input_headers() == ["Id", "column 2", "Id 2", "Id 2 2"]
    assert [text for _, text in kept(files)[0][2]] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("storage", ["disk"], indirect=True)  # of a process that asks a store none may be forked
def test_a_launch_that_dies_between_input_and_plan_leaves_neither(runtime: Runtime, tmp_path: Path) -> None:
    job = submitted(runtime, tmp_path)

    def dies(run: UnitRun) -> None:
        with run.files.write_input(["half"]) as lines:
            lines.add("", 1, {"half": "written"})
        os.kill(os.getpid(), signal.SIGKILL)

    process = multiprocessing.get_context("fork").Process(target=launched, args=(runtime, job, 0, dies))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    runtime.store.died(job, "launch", "o:0", "killed")
    assert kept(launched(runtime, job, 2)) == LINES
    assert not list((runtime.lake.job_dir(job) / "_tmp").glob("*"))


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_a_lost_file_is_made_again_by_a_resume(runtime: Runtime, tmp_path: Path, fault: str) -> None:
    job = submitted(runtime, tmp_path)
    path = launched(runtime, job).input_path()
    if fault == "missing":
        runtime.lake.storage.remove(path)
    else:
        runtime.lake.storage.put(path, runtime.lake.storage.read(path).data[:-9] + b"torn")
    control.cancel(runtime.store, runtime.lake, job)
    control.resume(runtime.store, runtime.lake, lambda outs: None, job)
    assert kept(launched(runtime, job, 2)) == LINES
    if fault == "damaged":
        [one] = damages(runtime.lake)
        assert one.file == str(path.relative_to(runtime.lake.root)), "it is named"
    clear_redone(
        runtime.lake, recorded_files(runtime.store, runtime.lake, job), ["scrape"]
    )  # as the end of the job does
    assert damages(runtime.lake) == []


def test_a_rerun_has_its_parents_lines(runtime: Runtime, tmp_path: Path) -> None:
    job = submitted(runtime, tmp_path)
    launched(runtime, job)
    control.cancel(runtime.store, runtime.lake, job)
    child = record(runtime.store, runtime.lake, control.rerun(runtime.store, runtime.lake, job, "scrape")).job_id
    files = launched(runtime, child)
    assert kept(files) == LINES and files.input_headers() == ["Record ID", "Owner, full"]


def test_a_resume_of_a_job_that_the_server_lost_still_knows_its_lines(runtime: Runtime, tmp_path: Path) -> None:
    job = submitted(runtime, tmp_path)
    launched(runtime, job)
    runtime.store.redis.flushall()
    control.existing(runtime.store, runtime.lake, job)
    control.resume(runtime.store, runtime.lake, lambda outs: None, job)
    epoch = runtime.store.unit_states(job)["launch"].epoch
    files = launched(runtime, job, epoch)
    assert kept(files) == LINES and files.input_headers() == ["Record ID", "Owner, full"]
