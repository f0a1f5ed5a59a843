"""The main job, on machines that share nothing but Redis and a bucket: the same rows as on a folder."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cli.local_stack.stack import LocalStack
from data.jobs import JobStore
from data.lake import Lake
from data.parts import kinds_of
from leadmill import Client, Job
from leadmill.declared import ROW_STAGES
from leadmill.settings import get_settings
from tests.machines.machines import Machines

GOOD = ("nordwind-solar.example", "donaukraft.example", "polderdata.example")
FORBIDDEN = "quiet-archive.example"
PATIENCE_S = 90
A_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*\+00:00")
#: What is of a run, not of what was found; looks number the pages in the order in which they came.
OF_A_RUN = {"job_id", "headers", "took_ms", "looks"}


def pipeline(client: Client) -> Job:
    """A job over some companies, one of which no robot may read."""
    job = client.submit([*GOOD, FORBIDDEN], report={"formats": ["html", "csv", "xlsx", "json"]}).wait(PATIENCE_S)
    assert job.status == "completed", job.raw
    return job


@pytest.fixture(scope="module")
def job(machines: Machines) -> Job:
    with Client(machines.api_url) as client:
        return pipeline(client)


@pytest.fixture(scope="module")
def local(client: Client) -> Job:
    """The same on a folder of one machine."""
    return pipeline(client)


def without_times(value: Any) -> Any:
    """A value without what differs from run to run, in whatever it is nested."""
    match value:
        case str():
            return A_TIME.sub("", value)
        case dict():
            return {name: without_times(inner) for name, inner in value.items() if name != "seen_at"}
        case list() | tuple():
            return [without_times(inner) for inner in value]
    return value


def digests(lake: Lake, job_id: str) -> dict[tuple[str, str], list[str]]:
    """Of each stage and kind a digest of each row, without ids, epochs and times."""
    found = {}
    for stage in ROW_STAGES:
        for kind in kinds_of(stage):
            made = lake.table_of(job_id, stage, kind)
            kept = [
                field.name
                for field in made.schema
                if not pa.types.is_timestamp(field.type) and field.name not in OF_A_RUN
            ]
            told = made.select(kept).to_pylist()
            # One of the sites says once in its life that it is asked too often; and who asked a host before, as another
            # test on the shared stack may have, still knows its robots.txt.
            told = [row for row in told if row.get("status") != 429 and row.get("kind") != "robots"]
            rows = [repr(without_times(row)) for row in told]
            found[stage, kind] = sorted(hashlib.sha256(row.encode()).hexdigest() for row in rows)
    return found


def test_its_rows_are_those_of_a_folder(machines: Machines, job: Job, stack: LocalStack, local: Job) -> None:
    ours, theirs = digests(Lake(machines.root), job.id), digests(Lake(stack.data_dir), local.id)
    assert ours == theirs and len(ours["score", "rows"]) == 4 and ours["scrape", "pages"]
    assert job.result["good"] == local.result["good"] == 3


def test_its_reports_are_downloaded(machines: Machines, job: Job, tmp_path: Path) -> None:
    with Client(machines.api_url) as client:
        sizes = {
            name: client.download_report(job.id, name, tmp_path / name).stat().st_size for name in ("html", "xlsx")
        }
        assert min(sizes.values()) > 5_000
        assert (tmp_path / "html").read_bytes().startswith(b"<!DOCTYPE html>")


def ask_an_hour_later(api_url: str, redis_url: str, job: Job, folder: Path) -> None:
    """The units have left Redis then; whatever is asked of the job is answered as before."""
    with JobStore.connect(redis_url, get_settings().key_prefix).redis as redis, Client(api_url) as client:
        assert redis.delete(*redis.scan_iter(f"*units:{job.id}")) == 1
        told = client.download_report(job.id, "csv", folder / "leads", type="leads", layout="crm").read_text()
        assert all(name in told for name in GOOD)
        again = client.rerun(job.id, "score")
        assert again.wait(PATIENCE_S).result["good"] == 3
        assert all(name in again.report("csv", folder / "again").read_text() for name in GOOD)
        about = client.report(filter={"text": "donaukraft"}, formats=["csv"])
        about.wait(PATIENCE_S)
        assert "donaukraft.example" in about.report("csv", folder / "about").read_text()
        assert client.explain(GOOD[0], "name", job=job.id)["value"]
        assert client.resume(job.id).wait(PATIENCE_S).result["good"] == 3


def test_an_hour_after_its_end_all_of_it_is_there(machines: Machines, job: Job, tmp_path: Path) -> None:
    ask_an_hour_later(machines.api_url, machines.server.url, job, tmp_path)


def test_so_it_is_on_a_folder(stack: LocalStack, local: Job, tmp_path: Path) -> None:
    ask_an_hour_later(stack.api_url, stack.redis_url, local, tmp_path)


def test_no_two_machines_write_one_file(machines: Machines, job: Job) -> None:
    written = [machine.written() for machine in (machines.front, machines.one, machines.two)]
    assert not written[1] & written[2] | written[0] & (written[1] | written[2])
    folders = [machine.folder for machine in (machines.front, machines.one, machines.two)]
    for own, files in zip(folders, written, strict=True):
        assert not [file for file in files for other in folders if other != own and Path(file).is_relative_to(other)]
    assert not (Path("/dev/null/s3")).exists() and not list(machines.one.folder.glob("*/jobs"))


def test_no_key_is_in_a_log(machines: Machines, job: Job) -> None:
    logs = "".join(machine.log() for machine in (machines.front, machines.one, machines.two))
    assert machines.place.options["secret_access_key"] not in logs and "Traceback" not in logs
