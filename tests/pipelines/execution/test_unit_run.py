"""Runs of units against a real record and real files: what is counted, dropped and written whatever else happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.commits import committed_parts
from data.jobs import TERMINAL, Grant, HandOut, JobStore, NewJob, UnitStatus
from data.jobs.stored_names import UNIT_FIELDS
from data.lake import DamagedPartError, Lake, UnitFiles
from data.local_storage import LocalStorage
from data.mounts import opened
from data.schemas import SCHEMA_VERSION
from data.storage import Storage
from leadmill.errors import ErrorCategory
from leadmill.ids import company_id
from leadmill.rows import error_row
from leadmill.settings import Settings
from pipelines.committed import files_of, known_by
from pipelines.execution.plan import launch
from pipelines.execution.publish import publish
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime, UnitRun
from tests.plans import write_plan

JOB = "job_" + "0" * 20
CHAIN = ("scrape", "process", "enrich")


def identity(domain: str) -> dict[str, Any]:
    return {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/"}


def rows(*domains: str) -> list[dict[str, Any]]:
    return [{**identity(domain), "scraped_at": datetime.now(UTC)} for domain in domains]


@pytest.fixture
def lake(store: JobStore, storage: Storage) -> Lake:
    return Lake(storage.root, commits_of=known_by(store))


@pytest.fixture
def runtime(store: JobStore, lake: Lake) -> Runtime:
    """A job of one partition whose launch is done."""
    stages = (*CHAIN, "score")
    store.submit(NewJob(JOB, "pipeline", stages, CHAIN, {}, {}))
    grant = store.begin(JOB, "launch", 0, 0, "o:1")
    assert isinstance(grant, Grant)
    files = UnitFiles(lake, JOB, "launch", "launch", grant.epoch)
    write_plan(files, [{**identity("a.example"), "bare": False, "partition": 0}])
    store.commit(grant, fields={"pn": 1, "w": 2, "nc": 1, "close": "score;publish"})
    lake.expose(JOB, "launch", "launch", grant.epoch)
    return Runtime(Settings(data_url=str(lake.root)), store, lake, lambda outs: None)


def run(runtime: Runtime, body: Callable[[UnitRun], None], unit: str = "p0", index: int = 0) -> bool:
    return run_unit(runtime, body, JOB, unit, 0, index, owner=f"o:{index}", chained=False)


def test_a_commit_counts_its_files(runtime: Runtime) -> None:
    def scrape(unit: UnitRun) -> None:
        unit.write(rows("a.example"))
        unit.write(rows("b.example"))

    assert run(runtime, scrape)
    units = runtime.store.unit_states(JOB)
    assert units["p0"].files == ("2",)
    counts = committed_parts(units, CHAIN)["scrape", "p0"].counts
    assert counts == {"rows": 2, "pages": 0, "errors": 0, "people": 0, "looks": 0, "ledger": 0}
    seen: list[str] = []
    run(runtime, lambda unit: seen.extend(row["domain"] for row in unit.read()), index=1)
    assert seen == ["a.example", "b.example"]
    assert runtime.store.units(JOB)["p0"]["f"] == ["2", "0"]


@pytest.mark.parametrize("other", ["enrich", "publish", "cleanup"])
def test_another_stages_task_does_no_work_on_a_unit(runtime: Runtime, other: str) -> None:
    """Only a forged message names one; the unit is handed out again, and it counts as no death or failure."""
    sent: list[HandOut] = []
    seen = replace(runtime, dispatch=sent.extend)
    ran: list[UnitRun] = []
    assert not run_unit(seen, ran.append, JOB, "p0", 0, 0, owner="o:0", chained=False, task_stage=other)
    state = runtime.store.unit_states(JOB)["p0"]
    unit = runtime.store.units(JOB)["p0"]
    assert (
        not ran
        and state.status == UnitStatus.HANDED
        and not unit.keys() & {UNIT_FIELDS["tries"], UNIT_FIELDS["deaths"]}
    )
    assert [(out.unit, out.stage) for out in sent] == [("p0", "scrape")]
    assert run_unit(seen, ran.append, JOB, "p0", 0, 0, owner="o:0", chained=False, task_stage="scrape") and ran


def test_a_stale_run_that_met_damage_removes_nothing(runtime: Runtime) -> None:
    """Its unit was taken over and committed before it says that it must be made again."""
    store, lake = runtime.store, runtime.lake

    def body(unit: UnitRun) -> None:
        store.died(JOB, "p0", unit.grant.owner, "taken for dead")
        grant = store.begin(JOB, "p0", 2, 0, "other:1")
        assert isinstance(grant, Grant)
        files = UnitFiles(lake, JOB, "scrape", "p0", 2)
        files.write(rows("a.example"))
        assert store.commit(grant, files="1").refused is None
        lake.expose(JOB, "scrape", "p0", 2)
        raise DamagedPartError(lake.part_dir(JOB, "scrape") / "part-00000-0.parquet", OSError("torn"))

    run(runtime, body)
    assert [row["domain"] for row in lake.iter_rows(lake.parts(JOB, "scrape"))] == ["a.example"]


def test_what_is_made_again_leaves_nothing_of_the_older_epoch(runtime: Runtime) -> None:
    """Two files at first, one after the partition was made again; and what lies there beside does not count."""
    lake = runtime.lake

    def scrape(unit: UnitRun) -> None:
        unit.write(rows("a.example"))
        unit.write(rows("b.example"))

    def damaged(unit: UnitRun) -> None:
        assert len(list(unit.read())) == 2
        raise DamagedPartError(lake.part_dir(JOB, "scrape") / "part-00000-0.parquet", OSError("torn"))

    run(runtime, scrape)
    run(runtime, damaged, index=1)
    assert lake.parts(JOB, "scrape") == []
    state = runtime.store.units(JOB)["p0"]
    assert state["s"] == "w" and "c" not in state and "f" not in state
    runtime.store._clock = lambda: 2_000_000_000_000
    runtime.store.claim({})
    run(runtime, lambda unit: unit.write(rows("a.example")))
    stray = lake.part_dir(JOB, "scrape") / "part-00000-1.parquet"
    (part,) = lake.parts(JOB, "scrape")
    lake.storage.put(stray, b"".join(lake.storage.chunks(part, 0, 1 << 20)))
    units = runtime.store.unit_states(JOB)
    assert [file.name for file in files_of(lake, JOB, units, (*CHAIN, "score")).valid("scrape")] == [
        "part-00000-0-e2.parquet"
    ]
    assert [row["domain"] for row in lake.iter_rows(lake.parts(JOB, "scrape"))] == ["a.example"]


def test_looks_of_a_run_that_died_before_its_commit_do_not_count(runtime: Runtime) -> None:
    """Written and not committed: the next run makes them again, and those alone are read."""
    lake, store = runtime.lake, runtime.store
    run(runtime, lambda unit: unit.write(rows("a.example")))
    look = {**identity("a.example"), "versions": {"own": "1"}}
    grant = store.begin(JOB, "p0", 0, 1, "o:1")
    assert isinstance(grant, Grant)
    files = UnitFiles(lake, JOB, "process", "p0", grant.epoch)
    files.write(rows("a.example"))
    files.write([{**look, "looks": "of the dead"}], "looks")
    store.died(JOB, "p0", "o:1", "killed")

    def process(unit: UnitRun) -> None:
        assert unit.also == ["looks"]
        unit.write(rows("a.example"))
        unit.write_also("looks", [{**look, "looks": "again"}])

    assert run_unit(runtime, process, JOB, "p0", 2, 1, owner="o:2", chained=False)
    found: list[Any] = []
    assert run_unit(runtime, lambda unit: found.extend(unit.kept("looks")), JOB, "p0", 2, 2, owner="o:3", chained=False)
    assert [one["looks"] for one in found] == ["again"]
    assert [file.name for file in lake.parts(JOB, "process", "looks")] == ["part-00000-0-e2.parquet"]


def test_the_crawls_errors_are_given_within_its_job_and_to_a_later_one_of_process_alone(runtime: Runtime) -> None:
    lake, store, found = runtime.lake, runtime.store, []

    def scrape(unit: UnitRun) -> None:
        unit.write(rows("a.example"))
        error = error_row(identity("a.example"), "page", "scrape", ErrorCategory.DATA, "gone", unit.now, status=410)
        unit.write_errors([error])

    run(runtime, scrape)
    run(runtime, lambda unit: found.extend(unit.kept("errors")), index=1)
    other = "job_" + "1" * 20
    store.submit(NewJob(other, "process", ("process",), ("process",), {}, {}))
    grant = store.begin(other, "launch", 0, 0, "o:8")
    assert isinstance(grant, Grant)
    files = UnitFiles(lake, other, "launch", "launch", grant.epoch)
    write_plan(files, [{**identity("a.example"), "bare": False, "partition": 0, "source_job": JOB}])
    store.commit(grant, fields={"pn": 1, "w": 2, "nc": 1, "close": "publish"})
    lake.expose(other, "launch", "launch", grant.epoch)
    body = lambda unit: found.extend(unit.kept("errors"))  # noqa: E731
    assert run_unit(runtime, body, other, "p0", 0, 0, owner="o:9", chained=False)
    assert [(one["job_id"], one["status"], one["code"]) for one in found] == [(JOB, 410, None)] * 2


def test_a_committed_part_that_is_missing_is_made_again(runtime: Runtime) -> None:
    run(runtime, lambda unit: unit.write(rows("a.example")))
    [part] = runtime.lake.parts(JOB, "scrape")
    runtime.lake.storage.remove(part)
    run(runtime, lambda unit: unit.write(list(unit.read())), index=1)
    state = runtime.store.units(JOB)["p0"]
    assert (state["s"], state["k"]) == ("w", 0) and part.name in state["m"][1]


def test_a_commit_of_version_0_1_0_has_no_counts_and_what_lies_there_counts(runtime: Runtime) -> None:
    store, lake = runtime.store, runtime.lake
    grant = store.begin(JOB, "p0", 0, 0, "old:1")
    assert isinstance(grant, Grant)
    files = UnitFiles(lake, JOB, "scrape", "p0", 1)
    files.write(rows("a.example"))
    store.commit(grant)
    lake.expose(JOB, "scrape", "p0", 1)
    assert "f" not in store.units(JOB)["p0"]
    seen: list[str] = []
    run(runtime, lambda unit: seen.extend(row["domain"] for row in unit.read()), index=1)
    assert seen == ["a.example"]
    assert store.units(JOB)["p0"]["f"] == ["", "0"]


@pytest.mark.parametrize("storage", ["disk"], indirect=True)  # a store has no renames
def test_a_job_whose_renames_could_not_be_made_durable_does_not_end(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index, stage in enumerate(CHAIN):
        stamp = {"scrape": "scraped_at", "process": "processed_at", "enrich": "enriched_at"}[stage]
        assert run(
            runtime, lambda unit, at=stamp: unit.write([{**identity("a.example"), at: datetime.now(UTC)}]), index=index
        )
    scored = {**identity("a.example"), "score": 1.0, "scored_at": datetime.now(UTC)}
    assert run(runtime, lambda unit: unit.write([scored]), "score")

    def refuse(lake: Lake, job_id: str) -> None:
        raise OSError("the disk does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "sync", refuse)
        assert not run(runtime, publish, "publish")
    assert (runtime.store.read(JOB) or {})["status"] not in TERMINAL
    assert not (runtime.lake.job_dir(JOB) / "manifest.json").exists()


@pytest.mark.parametrize("storage", ["disk"], indirect=True)  # on a store no file changes under its name
@pytest.mark.parametrize("later", [True, False])
def test_what_a_later_version_wrote_is_given_back_and_is_no_failure(runtime: Runtime, later: bool) -> None:
    """The same column of another type from this version is damage."""
    assert run(runtime, lambda unit: unit.write(rows("a.example")))
    (file,) = runtime.lake.parts(JOB, "scrape")
    table = pq.read_table(opened(file))
    changed = {"url": pa.array([7]), "schema_version": pa.array([SCHEMA_VERSION + later], pa.int16())}
    for name, column in changed.items():
        table = table.set_column(table.schema.get_field_index(name), name, column)
    with runtime.lake.storage.create(file) as path:
        pq.write_table(table, path)
    assert not run(runtime, lambda unit: unit.write(list(unit.read())), index=1)
    state = runtime.store.unit_states(JOB)["p0"]
    if later:
        assert (state.status, state.epoch, state.stage_index, state.failure) == (UnitStatus.HANDED, 2, 1, None)
        assert runtime.lake.storage.stat(file), "it is another version's, and whole"
    else:
        assert (state.status, state.stage_index) == (UnitStatus.WAITING, 0)


def test_a_job_run_again_reads_what_was_committed_and_never_exposed(runtime: Runtime) -> None:
    """The process died between the two, and the job was cancelled: nobody has read it since."""
    store = runtime.store
    grant = store.begin(JOB, "p0", 0, 0, "o:1")
    assert isinstance(grant, Grant)
    UnitFiles(runtime.lake, JOB, "scrape", "p0", grant.epoch).write(rows("a.example"))
    store.commit(grant, files="1")
    store.cancel(JOB)
    again, chain = "job_" + "1" * 20, ("process", "enrich")
    store.submit(NewJob(again, "pipeline", (*chain, "score"), chain, {}, {"parent": JOB}))
    assert run_unit(runtime, launch, again, "launch", 0, 0, owner="o:2", chained=False)
    seen: list[str] = []

    def process(unit: UnitRun) -> None:
        seen.extend(row["domain"] for row in unit.read())

    run_unit(runtime, process, again, "p0", 0, 0, owner="o:3", chained=False)
    assert seen == ["a.example"]
