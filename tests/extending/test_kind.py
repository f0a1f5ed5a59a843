"""The recipe of a kind of job on the real stack: by the API, the client, the CLI and its schedule."""

from __future__ import annotations

import json

from tests.extending.conftest import Extended

PATIENCE_S = 60
_BY_CLIENT = "from leadmill import Client; print(Client().submit_kind('ping', count=2).wait(60).result)"
_BY_SCHEDULE = """
from datetime import UTC, datetime, timedelta
from data.jobs import JobStore
from data.lake import Lake
from leadmill.settings import get_settings
from pipelines.intake.schedules import Ticker

settings = get_settings()
store = JobStore.connect(settings.redis_url, settings.key_prefix, lake=settings.data_dir)
ticker = Ticker(store, Lake(settings.data_dir), lambda outs: None)
ticker.tick(datetime.now(UTC))
assert "ping" in ticker.tick(datetime.now(UTC) + timedelta(minutes=10))
"""


def test_by_the_api(extended: Extended) -> None:
    client = extended.client
    answer = client._transport.json("POST", "/api/v1/jobs/maintenance/ping", params={"count": 3})
    job = client.job(answer["job_id"]).wait(PATIENCE_S)
    assert (job.kind, job.status, job.result) == ("ping", "completed", {"pong": 3})
    assert job.id in [one.id for one in client.list_jobs(kind="ping")]
    assert client.statistics()["totals"]["by_kind"]["ping"] >= 1


def test_by_the_client(extended: Extended) -> None:
    assert extended.run("-c", _BY_CLIENT).strip() == "{'pong': 2}"


def test_by_the_cli(extended: Extended) -> None:
    assert "See that a job runs." in extended.run("-m", "cli.main", "maintenance", "--help")
    told = extended.run("-m", "cli.main", "maintenance", "ping", "--count", "4")
    assert json.loads(told) == {"pong": 4}


def test_by_its_schedule(extended: Extended) -> None:
    extended.run("-c", _BY_SCHEDULE)
    [job] = extended.client.list_jobs(kind="ping", tag="scheduled")
    job = extended.client.job(job.id).wait(PATIENCE_S)
    assert (job.status, job.result) == ("completed", {"pong": 1})
