"""The newest release before this tree, and this tree, at work together: one server, one lake, one broker.

Its commit is checked out beside, installed by its own lock, and nothing of it is changed. What a worker of either
leaves when it is killed the other one goes on with.
"""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from cli.sample_sites.server import SampleServer, bulk_sites
from data import keys
from data.jobs.stored_names import UNIT_FIELDS
from data.lake import Lake
from leadmill import Client
from leadmill.client.errors import ApiError
from tests.releases.checkout import Checkout
from tests.releases.side_by_side import PREFIX, Api, SideBySide, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

#: The newest one that may work beside this tree.
BESIDE = "0.2.0"
STAGES = ("scrape", "process", "enrich", "score")
JOBS, COMPANIES, MANY = 20, 6, 60
#: What it does not know.
LATER: dict[str, Any] = {"report": {"formats": ["csv"]}, "extract": {"people": True}}


@pytest.fixture(scope="module")
def earlier(request: pytest.FixtureRequest) -> Checkout:
    cache: Any = request.config.cache
    return Checkout.of(BESIDE, cache.mkdir("releases"))


@pytest.fixture(scope="module")
def both(earlier: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SideBySide]:
    """Sites that take a moment to answer, so that whoever is killed is at work."""
    with SampleServer(delay_s=0.1) as sites, SideBySide(tmp_path_factory.mktemp("both"), sites.url) as running:
        yield running


@pytest.fixture(scope="module")
def old(both: SideBySide, earlier: Checkout) -> Api:
    """The release's API."""
    return both.api(earlier)


@pytest.fixture(scope="module")
def new(both: SideBySide) -> Client:
    """This tree's API."""
    return both.api(Checkout.present()).client


def lists() -> Iterator[list[str]]:
    """A large list of companies, then small ones, of which none has a company of another."""
    sites = bulk_sites(MANY + JOBS * COMPANIES)
    yield sites[:MANY]
    for first in range(MANY, len(sites), COMPANIES):
        yield sites[first : first + COMPANIES]


def form(both: SideBySide) -> int:
    return int(str(both.redis.get(PREFIX + keys.RECORD_VERSION_KEY)))


def each_company_stands_once(data: Path, job: str, companies: list[str]) -> None:
    """In the rows of each stage, as the record and the manifest of the job name their files."""
    lake = Lake(data)
    for stage in STAGES:
        found = Counter(row["domain"] for row in lake.iter_rows(lake.parts(job, stage)) if not row.get("error"))
        assert found == Counter(companies), f"{stage} of {job}"


def is_under_way(client: Client, jobs: Iterable[str]) -> bool:
    return any(client.status(job).status in ("pending", "running", "retry") for job in jobs)


def holds_work(both: SideBySide, worker: subprocess.Popen[bytes], jobs: Iterable[str]) -> bool:
    """Whether a process of the worker runs a unit: who holds one is named by its pid."""
    pids = {str(child.pid) for child in psutil.Process(worker.pid).children()}
    states = [unit for job in jobs for unit in cast("list[str]", both.redis.hvals(f"{PREFIX}{keys.units(job)}"))]
    owners = (json.loads(state).get(UNIT_FIELDS["owner"]) for state in states)
    return any(owner and owner.partition(":")[2] in pids for owner in owners)


def test_all_processes_are_replaced_while_jobs_run_and_workers_of_either_are_killed(
    both: SideBySide, earlier: Checkout, old: Api, request: pytest.FixtureRequest
) -> None:
    """First all are of the release, at the end none is. Between, workers of both take from the same queues."""
    present, companies, asked = Checkout.present(), lists(), dict[str, list[str]]()

    def submit(api: Client, jobs: int) -> None:
        for mine in islice(companies, jobs):
            asked[api.submit(mine, report={"formats": ["html", "csv"]}).id] = mine

    def killed_at_work(of: Checkout, worker: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        until(lambda: holds_work(both, worker, asked), 60, f"{of.version} at work", both.log)
        both.kill(worker)
        return both.worker(of)

    old_worker, beat = both.worker(earlier), both.beat(earlier)
    submit(old.client, 6)
    new_worker = both.worker(present)
    new: Client = request.getfixturevalue("new")
    submit(new, 5)
    old_worker = killed_at_work(earlier, old_worker)
    new_worker = killed_at_work(present, new_worker)
    submit(old.client, 5)
    until(lambda: both.is_up(old_worker, new_worker), 60, "both up again", both.log)
    assert is_under_way(new, asked), "the jobs were done before the release left"
    with pytest.raises(ApiError, match=rf"earlier version .*{both.running[old_worker]}") as refused:
        new.submit(bulk_sites(COMPANIES), **LATER)
    assert (refused.value.status, refused.value.code) == (503, "earlier_workers")
    both.stop(beat, old.process)
    both.beat(present)
    submit(new, 5)
    both.stop(old_worker)
    until(lambda: not is_under_way(new, asked), 90, "every job ended", both.log)
    assert len(asked) == JOBS + 1
    for job, mine in asked.items():
        found = new.status(job)
        assert (found.status, found.coverage) == ("completed", 1), found.raw
        each_company_stands_once(both.data, job, mine)
    assert form(both) == keys.OLDEST_BESIDE and both.redis.zrange(PREFIX + keys.DUE, 0, -1) == []
    assert "Traceback" not in both.log(1_000_000)


def test_a_job_that_the_release_does_not_know_shuts_it_out_until_the_job_has_ended(
    both: SideBySide, earlier: Checkout, new: Client
) -> None:
    """With a sentence, and not with a traceback."""
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    job = new.submit(bulk_sites(COMPANIES), run_at=later, **LATER)
    assert form(both) == keys.RECORD_VERSION
    worker = both.worker(earlier)
    name = both.running[worker]
    assert both.ended(worker) == 2
    told = (both.folder / f"{name}.log").read_text()
    assert "a later version of Leadmill has written" in told and "Traceback" not in told
    job.cancel()
    assert form(both) == keys.OLDEST_BESIDE


def test_a_clone_without_the_commit_says_so(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path / "clone")], check=True)
    with pytest.raises(LookupError, match=r"cloned without its history\. Try: git fetch --unshallow"):
        Checkout.of(BESIDE, tmp_path, tmp_path / "clone")
