"""A real server, a lake in a folder of its own, and a driver that takes jobs to their end by the record's own moves."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from data import keys
from data.jobs import Grant, JobStore, NewJob
from data.lake import Lake, UnitFiles
from data.parts import short
from data.schemas import MADE_AT
from data.storage import Storage
from leadmill.ids import company_id, job_id_at
from pipelines.committed import known_by
from tests.plans import write_plan
from tests.valkey import Valkey

PREFIX = "test:"
CHAIN = ("scrape", "process", "enrich")


class Killed(BaseException):
    """Ends a run where it stands, past every handler for errors."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with Valkey(tmp_path_factory.mktemp("valkey"), aof=False) as running:
        assert running.process is not None
        answering = redis.Redis.from_url(running.url).info("server")["process_id"]
        assert answering == running.process.pid, "another server holds the port"
        yield running


class Driver:
    """Makes jobs. `clock_ms` is the time that the record sees."""

    def __init__(self, client: redis.Redis, lake: Lake) -> None:
        self.now = datetime.now(UTC)
        self.clock_ms = int(self.now.timestamp() * 1000)
        self.store = JobStore(client, PREFIX, clock=lambda: self.clock_ms)
        self.lake = Lake(lake.data, commits_of=known_by(self.store))
        self._made = 0

    def of(self, project: str) -> Driver:
        """Another one, on the same server and data folder, for the jobs of a project; its ids are others."""
        seen = copy.copy(self)
        seen.store = JobStore(self.store.redis, PREFIX, clock=lambda: seen.clock_ms).of(project)
        seen.lake = self.lake.of(project)
        seen._made = self._made + 500
        return seen

    def at(self, days_ago: float) -> datetime:
        """Set the record's clock."""
        at = self.now - timedelta(days=days_ago)
        self.clock_ms = int(at.timestamp() * 1000)
        return at

    def job_id(self) -> str:
        self._made += 1
        return job_id_at(self.clock_ms, self._made)

    def submit(self, *, kind: str = "pipeline", stages: Sequence[str] = (*CHAIN, "score"), **more: Any) -> str:
        job_id = self.job_id()
        chain = tuple(stage for stage in stages if stage in CHAIN)
        more = {"tags": ("t",), "spec": {"crawl": {}}, "source": {"company_urls": ["https://a.example/"]}, **more}
        self.store.submit(NewJob(job_id=job_id, kind=kind, stages=tuple(stages), partition_stages=chain, **more))
        return job_id

    def begin(self, job_id: str, unit: str, index: int = 0) -> Grant:
        if unit == "launch":  # no job waits for another's turn
            window = dict.fromkeys(("scraping", "processing"), 100)
            self.store.redis.hset(self.store.key(keys.WINDOW), mapping=window)
        grant = self.store.begin(job_id, unit, 0, index, "owner:1")
        assert isinstance(grant, Grant), grant
        return grant

    def launch(
        self, job_id: str, domains: Sequence[str], close: str = "score;publish", source: str | None = None
    ) -> None:
        grant = self.begin(job_id, "launch")
        files = UnitFiles(self.lake, job_id, "launch", "launch", grant.epoch)
        plan = [{**_identity(domain), "bare": False, "partition": 0, "source_job": source} for domain in domains]
        write_plan(files, plan)
        chain = [stage for stage in grant.stages if stage in CHAIN]
        self.store.commit(grant, fields={"pn": bool(chain) + 0, "w": 2, "nc": len(domains), "close": close})
        self.lake.expose(job_id, "launch", "launch", grant.epoch)

    def stage(
        self,
        job_id: str,
        unit: str,
        stage: str,
        domains: Sequence[str],
        index: int = 0,
        settle: bool = True,
        **values: Any,
    ) -> None:
        grant = self.begin(job_id, unit, index)
        files = UnitFiles(self.lake, job_id, stage, unit, grant.epoch, int(unit[1:]) if unit[1:].isdigit() else 0)
        at = {MADE_AT[stage]: datetime.fromtimestamp(self.clock_ms / 1000, UTC)}
        rows = [{**_identity(domain), **at, **values} for domain in domains]
        files.write(rows)
        if stage == "scrape":
            files.write(
                [
                    {**row, "final_url": row["url"], "kind": "home", "depth": 0, "status": 200, "html": b"x" * 500,
                     "page_hash": "0" * 16, "fetched_at": at["scraped_at"]}
                    for row in rows
                ],
                "pages",
            )  # fmt: skip
        self.store.commit(grant, rows_out=len(rows), files=short(files.counts))
        if settle:
            self.lake.expose(job_id, stage, unit, grant.epoch)

    def publish(self, job_id: str, status: str = "completed", coverage: float = 1.0) -> None:
        grant = self.begin(job_id, "publish")
        files = UnitFiles(self.lake, job_id, "publish", "publish", grant.epoch)
        manifest = {"job_id": job_id, "attempt": grant.attempt, "status": status, "stages": [*grant.stages],
                    "units": self.store.units(job_id)}  # fmt: skip
        files.write_json("manifest.json", manifest)
        files.write_json("reports/report.json", {"leads": []})
        result = json.dumps({"companies": 1, "good": 1})
        self.store.commit(grant, status=status, fields={"coverage": coverage}, doc={"result": result})
        self.lake.expose(job_id, "publish", "publish", grant.epoch)

    def completed(self, domains: Sequence[str], days_ago: float, **values: Any) -> str:
        """A pipeline that ended well so many days ago, a second after it began."""
        self.at(days_ago)
        job_id = self.submit()
        self.launch(job_id, domains)
        self.clock_ms += 1_000
        for index, stage in enumerate(CHAIN):
            self.stage(job_id, "p0", stage, domains, index)
        self.stage(job_id, "score", "score", domains, **values)
        self.publish(job_id)
        self.at(0)
        return job_id

    def cancelled(self, domains: Sequence[str], days_ago: float) -> str:
        """A pipeline that was cancelled after its first stage."""
        self.at(days_ago)
        job_id = self.submit()
        self.launch(job_id, domains)
        self.stage(job_id, "p0", "scrape", domains)
        self.store.cancel(job_id)
        self.at(0)
        return job_id

    def newest(self) -> dict[str, list[tuple[Any, ...]]]:
        """What every stage's look-up says of every company."""
        return {
            stage: [(row["company_id"], row["job_id"], row["at"]) for row in self.lake.newest(stage)]
            for stage in MADE_AT
        }


def _identity(domain: str) -> dict[str, Any]:
    return {"company_id": company_id(domain), "domain": domain, "url": f"https://{domain}/"}


@pytest.fixture
def driver(server: Valkey, tmp_path: Path) -> Iterator[Driver]:
    client = redis.Redis.from_url(server.url, decode_responses=True)
    client.flushall()
    yield Driver(client, Lake(tmp_path / "data"))
    client.close()


@pytest.fixture
def kept(server: Valkey, storage: Storage) -> Iterator[Driver]:
    """The same over a storage of each kind."""
    client = redis.Redis.from_url(server.url, decode_responses=True)
    client.flushall()
    yield Driver(client, Lake(storage.root))
    client.close()
