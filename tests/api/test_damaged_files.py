"""One damaged file costs its own rows until they are made again, never another reader."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient

from data import history
from data.covered import covered
from data.damage import DamagedPartError, damages
from data.job_files import JobFiles
from data.jobs import Grant, JobStore
from data.lake import Lake, UnitFiles
from data.snapshot import compact, exclusive
from leadmill.ids import company_id
from leadmill.settings import Settings
from pipelines.execution.plan import launch
from pipelines.execution.publish import publish
from pipelines.execution.redone import look_over
from pipelines.execution.running import run_unit
from pipelines.execution.unit_run import Runtime
from pipelines.intake import control
from pipelines.request.search import search
from tasks.maintenance.health import check_health
from tests.api.conftest import V1, post, status
from tests.plans import write_plan

CHAIN = ("scrape", "process", "enrich")


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def foreign(file: Path) -> None:
    """A sound Parquet file of other columns."""
    pq.write_table(pa.table({"company_id": [1], "domain": ["x"], "job_id": ["y"], "schema_version": [1]}), file)


def other_types(file: Path) -> None:
    table = pq.read_table(file, partitioning=None)
    for name in ("score", "scored_at", "name"):
        if name in table.column_names:
            i = table.column_names.index(name)
            table = table.set_column(i, name, pa.array([b"what"] * table.num_rows))
    table = table.set_column(table.column_names.index("url"), "url", pa.array([1] * table.num_rows))
    pq.write_table(table, file)


def leads_nowhere(file: Path) -> None:
    file.unlink()
    file.symlink_to("/nowhere")


def is_a_folder(file: Path) -> None:
    file.unlink()
    (file / "x").mkdir(parents=True)


DAMAGES: list[Callable[[Path], None]] = [truncated, emptied, foreign, other_types]


def row(domain: str, stage: str, **columns: Any) -> dict[str, Any]:
    at = {"scrape": "scraped_at", "process": "processed_at", "enrich": "enriched_at", "score": "scored_at"}[stage]
    return {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/", at: datetime.now(UTC),
            **columns}  # fmt: skip


PAGE = {
    "final_url": "x", "kind": "home", "depth": 0, "status": 200, "html": b"x", "page_hash": "0" * 16,
    "fetched_at": datetime.now(UTC),
}  # fmt: skip


class Jobs:
    """Whole jobs, their files written by the record's own moves; what a resume hands out is done again."""

    def __init__(self, client: TestClient, store: JobStore, lake: Lake, settings: Settings) -> None:
        self.client, self.store, self.lake = client, store, lake
        self.runtime = Runtime(settings, store, lake, lambda outs: None)
        self.done: list[str] = []

    def whole(self, *domains: str) -> str:
        job_id: str = post(self.client, body={"company_urls": list(domains), "stages": [*CHAIN, "score"]})["job_id"]
        self.go_on(job_id, domains)
        return job_id

    def go_on(self, job_id: str, domains: tuple[str, ...]) -> None:
        """Do everything that is handed out, until the job has ended."""
        while True:
            units = self.store.units(job_id)
            unit = next((name for name, state in units.items() if state["s"] == "h"), None)
            if unit is None:
                return
            state = units[unit]
            self.done.append(f"{unit}:{state['k']}")
            if unit == "publish":
                assert run_unit(self.runtime, publish, job_id, unit, 0, 0, owner="t:1", chained=False)
                continue
            grant = self.store.begin(job_id, unit, 0, state["k"], "t:1")
            assert isinstance(grant, Grant)
            fields: dict[str, Any] = {}
            stage = CHAIN[grant.index] if unit[0] == "p" else unit
            files = UnitFiles(self.lake, job_id, stage, unit, grant.epoch, int(unit[1:]) if unit[0] == "p" else 0)
            if unit == "launch":
                write_plan(files, ({**row(d, "scrape"), "bare": False, "partition": i} for i, d in enumerate(domains)))
                fields = {"pn": len(domains), "w": 2, "nc": len(domains), "close": "score;publish"}
            else:
                mine = [domains[int(unit[1:])]] if unit[0] == "p" else domains
                files.write(row(d, stage, score=50.0, name="n") if stage == "score" else row(d, stage) for d in mine)
                if stage == "scrape":
                    files.write([{**row(mine[0], "scrape"), **PAGE}], "pages")
            counts = None if unit == "launch" else ",".join(str(files.counts.get(k, 0)) for k in ("rows", "pages"))
            assert self.store.commit(grant, fields=fields, files=counts).refused is None
            self.lake.expose(job_id, stage, unit, grant.epoch)


@pytest.fixture
def jobs(client: TestClient, store: JobStore, settings: Settings) -> Jobs:
    return Jobs(client, store, Lake(settings.data_dir, store.critical), settings)


def domains_of(client: TestClient) -> list[str]:
    answer = client.get(f"{V1}/companies")
    assert answer.status_code == 200, answer.text
    return sorted(item["domain"] for item in answer.json()["items"])


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_score_of_an_ended_job(client: TestClient, jobs: Jobs, damage: Callable[[Path], None]) -> None:
    """Lists go on, it is told, and a resume of the completed job makes it again."""
    hurt, other = jobs.whole("a.example", "b.example"), jobs.whole("c.example")
    [part] = jobs.lake.parts(hurt, "score")
    damage(part)
    assert domains_of(client) == ["a.example", "b.example", "c.example"], "the enriched rows stand in"
    assert client.get(f"{V1}/companies/{company_id('c.example')}").status_code == 200
    assert client.get(f"{V1}/companies/{company_id('a.example')}").json()["score"] is None
    [event] = jobs.store.criticals()
    assert event["kind"] == "damaged_part" and event["file"] == f"jobs/{hurt}/score/{part.name}"
    health = client.get("/healthz").json()
    assert health["status"] == "fail" and part.name in health["warnings"][0]
    checks = {c["name"]: c for c in check_health(jobs.store, jobs.lake, jobs.runtime.settings, {})["checks"]}
    assert (
        checks["damaged files"]["status"] == "fail" and checks["damaged files"]["advice"] == f"leadmill resume {hurt}"
    )
    assert client.post(f"{V1}/jobs/{other}/resume").status_code == 409, "nothing of this one is damaged"
    answer = client.post(f"{V1}/jobs/{hurt}/resume")
    assert answer.status_code == 202, answer.text
    jobs.done.clear()
    jobs.go_on(hurt, ("a.example", "b.example"))
    assert jobs.done == ["launch:0", "score:0", "publish:0"]
    assert client.get(f"{V1}/companies/{company_id('a.example')}").json()["score"] == 50.0
    assert status(client, hurt)["status"] == "completed"
    assert client.get("/healthz").json()["status"] != "fail" and not list(jobs.lake.root.rglob("damaged-*"))


@pytest.mark.parametrize(("stage", "kind"), [("process", "rows"), ("enrich", "rows"), ("scrape", "pages")])
@pytest.mark.parametrize("units_kept", [True, False])
def test_a_damaged_part_has_its_partition_made_again(
    client: TestClient, jobs: Jobs, store: JobStore, stage: str, kind: Any, units_kept: bool
) -> None:
    hurt = jobs.whole("a.example", "b.example")
    part = jobs.lake.parts(hurt, stage, kind, 1)[0]
    truncated(part)
    jobs.lake.set_damaged_aside([part])
    if not units_kept:
        store.redis.delete(store.key(f"units:{hurt}"))
    assert client.post(f"{V1}/jobs/{hurt}/resume").status_code == 202
    jobs.done.clear()
    jobs.go_on(hurt, ("a.example", "b.example"))
    assert jobs.done == ["launch:0", "p1:0", "p1:1", "p1:2", "score:0", "publish:0"]
    record = store.read(hurt)
    assert record and (record["status"], record["pd"], record["scrape:d"]) == ("completed", "2", "2")
    assert float(record["coverage"]) == 1
    assert [file.name for file in jobs.lake.parts(hurt, stage, kind)] == [
        "part-00000-0.parquet",
        "part-00001-0-e2.parquet",
    ]
    assert not list(jobs.lake.job_dir(hurt).rglob("*part-00001-0.parquet")), "what was made again is gone"
    assert damages(jobs.lake) == [] and client.get("/healthz").json()["status"] != "fail"


@pytest.mark.parametrize("hurt_by", [Path.unlink, truncated])
@pytest.mark.parametrize(("stage", "kind"), [("enrich", "rows"), ("scrape", "pages"), ("score", "rows")])
def test_a_resume_of_a_completed_job_looks_for_what_nobody_has_read(
    client: TestClient, jobs: Jobs, hurt_by: Callable[[Path], None], stage: str, kind: Any
) -> None:
    hurt = jobs.whole("a.example", "b.example")
    hurt_by(jobs.lake.parts(hurt, stage, kind)[-1])
    answer = client.post(f"{V1}/jobs/{hurt}/resume")
    assert answer.status_code == 202, answer.text
    assert [event["kind"] for event in jobs.store.criticals()] == ["damaged_part"]
    jobs.done.clear()
    jobs.go_on(hurt, ("a.example", "b.example"))
    again = [] if stage == "score" else ["p1:0", "p1:1", "p1:2"]
    assert jobs.done == ["launch:0", *again, "score:0", "publish:0"]
    assert len(jobs.lake.parts(hurt, "score")) == 1 and damages(jobs.lake) == []
    assert client.post(f"{V1}/jobs/{hurt}/resume").status_code == 409, "now nothing is missing"


def test_a_manifest_names_no_file_elsewhere(jobs: Jobs) -> None:
    job_id = jobs.whole("a.example")
    path = jobs.lake.job_dir(job_id) / "manifest.json"
    names = ["../../part-00000-0.parquet", "/tmp/part-00000-0.parquet", "score/../../../part-00000-0.parquet", 7]
    path.write_text(json.dumps({**json.loads(path.read_text()), "parts": {"score": names}}))
    look_over(jobs.lake, JobFiles.unrecorded(jobs.lake, job_id))
    assert damages(jobs.lake) == []


@pytest.mark.parametrize("damage", DAMAGES)
def test_every_reader_goes_on(client: TestClient, jobs: Jobs, damage: Callable[[Path], None]) -> None:
    """Each reader is the first that meets the damage."""
    settings = jobs.runtime.settings
    readers: list[tuple[str, Callable[[str], object]]] = [
        ("score", lambda job: domains_of(client)),
        ("score", lambda job: client.get(f"{V1}/companies/{company_id('b.example')}").raise_for_status()),
        ("score", lambda job: client.get(f"{V1}/jobs/{job}/errors").raise_for_status()),
        ("score", lambda job: client.get(f"{V1}/jobs/{job}/report?format=csv&partial=true").raise_for_status()),
        ("enrich", lambda job: jobs.lake.newest("enrich")),
        ("enrich", lambda job: list(jobs.lake.rows_from("enrich", {job: [company_id("a.example")]}))),
        ("process", lambda job: search(settings, jobs.lake, ["a.example"], 5)),
        ("process", lambda job: compacted(jobs.lake, job)),
    ]
    for stage, read in readers:
        hurt = jobs.whole("a.example")
        jobs.whole("b.example", "a.example")
        for file in jobs.lake.parts(hurt, stage):
            damage(file)
        read(hurt)
        if damage in (truncated, emptied):
            assert [one.job_id for one in damages(jobs.lake)] == [hurt], stage
        assert domains_of(client) == ["a.example", "b.example"]
        client.post(f"{V1}/jobs/{hurt}/resume")
        for one in damages(jobs.lake):
            one.aside.unlink()


def compacted(lake: Lake, *job_ids: str) -> None:
    with exclusive(lake):
        compact(lake, job_ids)


def test_a_damaged_snapshot_and_its_manifest(client: TestClient, jobs: Jobs) -> None:
    job = jobs.whole("a.example", "b.example")
    compacted(jobs.lake, job)
    [first] = jobs.lake.snapshot_files("score")
    truncated(first)
    assert domains_of(client) == ["a.example", "b.example"], "their parts still lie in the job"
    assert client.get(f"{V1}/companies/{company_id('a.example')}").json()["score"] == 50.0
    assert client.get("/healthz").json()["status"] == "fail"
    compacted(jobs.lake, job)
    [second] = jobs.lake.snapshot_files("score")
    assert second.name > first.name


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:20])


@pytest.mark.parametrize("damage", [cut_off, is_a_folder])
def test_a_damaged_list_of_what_a_snapshot_covers(
    client: TestClient, jobs: Jobs, damage: Callable[[Path], None]
) -> None:
    """It is named and set aside, every part is read again, and the next compaction writes it anew."""
    job = jobs.whole("a.example", "b.example")
    compacted(jobs.lake, job)
    manifest = jobs.lake.companies / "enrich" / "manifest.json"
    for number in (2, 3):  # what was set aside before stands in no way
        damage(manifest)
        assert domains_of(client) == ["a.example", "b.example"]
        assert [one.file for one in damages(jobs.lake)] == ["companies/enrich/manifest.json"]
        assert client.get("/healthz").json()["status"] == "fail"
        if number == 2:
            (manifest.parent / "damaged-manifest.json").rename(manifest)  # as a backup that was restored brings it back
        compacted(jobs.lake, job)
        assert covered(jobs.lake, "enrich").keys() == {job} and damages(jobs.lake) == []
        [snapshot] = jobs.lake.snapshot_files("enrich")
        assert snapshot == max(manifest.parent.glob("snapshot-*.parquet"))


@pytest.mark.parametrize("damage", [leads_nowhere, is_a_folder])
def test_what_is_no_file_in_the_place_of_a_snapshot(jobs: Jobs, damage: Callable[[Path], None]) -> None:
    """Scrape's, which nobody lists between compactions."""
    job = jobs.whole("a.example")
    compacted(jobs.lake, job)
    [snapshot] = jobs.lake.snapshot_files("scrape")
    damage(snapshot)
    compacted(jobs.lake, job, jobs.whole("b.example"))
    again = jobs.lake.snapshot_files("scrape")[-1]
    assert again != snapshot and pq.read_table(again).num_rows == 2


def test_a_damaged_history_file(client: TestClient, jobs: Jobs, store: JobStore) -> None:
    job, other = jobs.whole("a.example"), jobs.whole("b.example")
    for one in (job, other):
        record = store.record(one)
        assert record is not None
        history.append(jobs.lake, [record], datetime.now(UTC))
        store.forget(one)
    first = min(jobs.lake.history.rglob("history-*.parquet"), key=lambda file: file.stat().st_mtime_ns)
    truncated(first)
    answer = client.get(f"{V1}/jobs/list")
    assert answer.status_code == 200, answer.text
    assert [item["job_id"] for item in answer.json()["items"]] == [other]
    assert client.get(f"{V1}/jobs/statistics").status_code == 200
    assert status(client, job)["status"] == "completed", "its manifest tells"
    assert [one.file for one in damages(jobs.lake)] == [str(first.relative_to(jobs.lake.root))]


def test_a_damaged_manifest_is_named_and_breaks_no_list(client: TestClient, jobs: Jobs, store: JobStore) -> None:
    hurt, other = jobs.whole("a.example"), jobs.whole("b.example")
    manifest = jobs.lake.job_dir(hurt) / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:50])
    assert client.get(f"{V1}/jobs/list").status_code == 200 and status(client, hurt)["status"] == "completed"
    with pytest.raises(DamagedPartError, match=f"{hurt}/manifest.json"):
        JobFiles.unrecorded(jobs.lake, hurt).manifest()
    # Without units in the record a resume takes what the parts tell.
    store.redis.hset(store.key(f"job:{hurt}"), "coverage", "0.5")
    store.redis.delete(store.key(f"units:{hurt}"))
    assert client.post(f"{V1}/jobs/{hurt}/resume").status_code == 202
    jobs.done.clear()
    jobs.go_on(hurt, ("a.example",))
    assert jobs.done == ["launch:0", "score:0", "publish:0"]
    assert (JobFiles.unrecorded(jobs.lake, hurt).manifest() or {})["status"] == "completed"
    # Once its record is gone, too, the answer names the file.
    manifest.write_text("[")
    store.forget(hurt)
    answer = client.get(f"{V1}/jobs/status/{hurt}")
    assert answer.status_code == 503 and f"{hurt}/manifest.json is damaged" in answer.json()["detail"]
    assert status(client, other)["status"] == "completed"


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_plan_is_told_and_made_anew(client: TestClient, jobs: Jobs, damage: Callable[[Path], None]) -> None:
    job = jobs.whole("a.example", "b.example")
    plan = JobFiles.unrecorded(jobs.lake, job).plan_path()
    damage(plan)
    for _ in range(2):
        assert client.get(f"{V1}/jobs/{job}/errors").status_code == 200
    assert plan.exists(), "a job without its plan looks like one that was never planned"
    if damage is not other_types:  # the answer above takes no notice of those columns
        health = client.get("/healthz").json()
        assert health["status"] == "fail" and "plan.parquet" in health["warnings"][0]
    assert domains_of(client) == ["a.example", "b.example"]
    assert client.get(f"{V1}/jobs/dead").status_code == 200
    assert client.post(f"{V1}/jobs/{job}/resume").status_code == 202
    [event] = jobs.store.criticals()
    assert event["kind"] == "damaged_part" and event["file"] == f"jobs/{job}/plan.parquet"
    jobs.done.clear()
    jobs.go_on(job, ("a.example", "b.example"))
    assert {"p0:0", "p1:0", "p0:2", "p1:2"} <= set(jobs.done), "who was in which partition is not known"
    assert status(client, job)["status"] == "completed" and len(JobFiles.unrecorded(jobs.lake, job).plan()) == 2
    assert client.get("/healthz").json()["status"] != "fail" and damages(jobs.lake) == []


def test_a_lost_plan_is_made_anew(client: TestClient, jobs: Jobs) -> None:
    job = jobs.whole("a.example", "b.example")
    JobFiles.unrecorded(jobs.lake, job).plan_path().unlink()
    assert client.get(f"{V1}/jobs/{job}/errors").status_code == 200
    assert client.post(f"{V1}/jobs/{job}/resume").status_code == 202
    jobs.done.clear()
    jobs.go_on(job, ("a.example", "b.example"))
    assert {"p0:0", "p1:0"} <= set(jobs.done) and status(client, job)["status"] == "completed"


def test_a_launch_makes_a_plan_anew_that_fits_the_partitions(client: TestClient, jobs: Jobs) -> None:
    """The real launch, with fewer processes than at the first time."""
    domains = tuple(f"c{i}.example" for i in range(5))
    job = jobs.whole(*domains)
    truncated(JobFiles.unrecorded(jobs.lake, job).plan_path())
    client.get(f"{V1}/jobs/{job}/errors")
    assert client.post(f"{V1}/jobs/{job}/resume").status_code == 202
    assert run_unit(jobs.runtime, launch, job, "launch", 0, 0, owner="t:1", chained=False)
    assert {row["partition"] for row in JobFiles.unrecorded(jobs.lake, job).plan()} == set(range(5))
    assert status(client, job)["stages"][0]["partitions"]["total"] == 5 and damages(jobs.lake) == []
    jobs.go_on(job, domains)
    assert status(client, job)["status"] == "completed"


def test_a_folder_in_the_place_of_a_plan(client: TestClient, jobs: Jobs) -> None:
    job = jobs.whole("a.example")
    is_a_folder(JobFiles.unrecorded(jobs.lake, job).plan_path())
    assert client.get(f"{V1}/jobs/{job}/errors").status_code == 200
    assert client.post(f"{V1}/jobs/{job}/resume").status_code == 202
    jobs.go_on(job, ("a.example",))
    assert status(client, job)["status"] == "completed" and len(JobFiles.unrecorded(jobs.lake, job).plan()) == 1
    assert client.get("/healthz").json()["status"] != "fail"


@pytest.mark.parametrize("damage", [leads_nowhere, is_a_folder])
@pytest.mark.parametrize("stage", ["score", "enrich"])
def test_what_is_no_file_in_the_place_of_a_part(
    client: TestClient, jobs: Jobs, stage: str, damage: Callable[[Path], None]
) -> None:
    hurt, _ = jobs.whole("a.example"), jobs.whole("c.example")
    [part] = jobs.lake.parts(hurt, stage)
    damage(part)
    if stage == "enrich":
        jobs.lake.set_damaged_aside([part])
    assert domains_of(client) == ["a.example", "c.example"]
    assert client.get(f"{V1}/jobs/{hurt}/errors").status_code == 200
    assert client.get(f"{V1}/companies/{company_id('a.example')}").status_code == 200
    assert client.get("/healthz").json()["status"] == "fail"
    assert client.post(f"{V1}/jobs/{hurt}/resume").status_code == 202
    jobs.go_on(hurt, ("a.example",))
    assert status(client, hurt)["status"] == "completed"
    assert client.get("/healthz").json()["status"] != "fail" and not list(jobs.lake.root.rglob("damaged-*"))


def test_a_resume_marks_what_it_knows_of(jobs: Jobs, store: JobStore) -> None:
    """Lost error rows are not worth a partition: they are done with at the end of the next resume."""
    job = jobs.whole("a.example", "b.example")
    folder = jobs.lake.part_dir(job, "enrich", "errors")
    folder.mkdir(parents=True)
    (folder / "part-00001-0.parquet").write_bytes(b"torn")
    jobs.lake.set_damaged_aside([folder / "part-00001-0.parquet"])
    control.resume(store, jobs.lake, lambda outs: None, job)
    jobs.done.clear()
    jobs.go_on(job, ("a.example", "b.example"))
    assert jobs.done == ["launch:0", "score:0", "publish:0"] and damages(jobs.lake) == []


def test_notes_are_plain_files(jobs: Jobs) -> None:
    job = jobs.whole("a.example")
    [part] = jobs.lake.parts(job, "score")
    truncated(part)
    jobs.lake.set_damaged_aside([part])
    [note] = (jobs.lake.root / "damaged").iterdir()
    about = json.loads(note.read_text())
    assert about["file"] == f"jobs/{job}/score/{part.name}" and about["error"] and about["at"]
    note.write_text("{")
    assert damages(jobs.lake) == [], "an unreadable note hides nothing else"
