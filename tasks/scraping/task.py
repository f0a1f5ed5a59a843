"""The scrape task: fetch a partition's companies."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from data.hosts import HostLeases
from extraction.budget import too_costly_row
from leadmill.errors import ErrorCategory, WorkError
from leadmill.ids import parse_company_url
from leadmill.retry import RETRY
from leadmill.rows import ErrorRow, PlanRow, ScrapedRow
from leadmill.sample_sites import sample_sites
from pipelines.execution.marks import mark_name, marks
from pipelines.execution.unit_run import UnitRun
from pipelines.request.asked import USER_AGENT_REFUSED
from tasks.scraping.contract import USER_AGENT, CrawlOptions, CrawlProgress, CrawlResult, Seed
from tasks.scraping.leaving import least_wait_s

if TYPE_CHECKING:
    from tasks.scraping.hosts import Hosts

#: Seconds in all for a partition that is crawled company by company; below `LEADMILL_TASK_TIME_LIMIT_S`.
ONE_BY_ONE_S = 120.0
NO_PAGES_LEFT = "the project's quota of pages a day is used up; resume the job after 00:00 UTC to go on"


def scrape(run: UnitRun) -> None:
    """Fetch the pages of a partition's companies (see tasks.scraping.crawl.crawl_companies).

    Raises:
        WorkError: the project may fetch no page more today.
    """
    if run.grant.pages_left == 0:
        raise WorkError(NO_PAGES_LEFT, ErrorCategory.QUOTA)
    given = [_seed(row) for row in run.companies()]
    seeds = [seed for seed in given if mark_name(seed.company_id) not in run.grant.refused]
    result = (_one_by_one if run.grant.company_by_company else _crawl)(run, seeds, _options(run))
    result.errors += [
        too_costly_row(seed._asdict(), "company", "scrape", run.now)
        for seed in given
        if mark_name(seed.company_id) in run.grant.refused
    ]
    run.outcome.metrics.update(_metrics(result))
    run.progress(1.0, pages=result.pages_fetched, traffic=result.traffic)
    _retry_outage(run, result.rows, result.errors)
    result.errors = [_left_for_later(run, error) for error in result.errors]
    run.outcome.rows_in = len(given)
    run.write(result.rows)
    run.write_also("ledger", result.ledger)
    run.write_errors(result.errors)


def _seed(row: PlanRow) -> Seed:
    further = [parse_company_url(url) for url in row.get("further") or ()]  # plans of 0.2 have no such column
    others = tuple((other.url, other.bare) for other in further)
    return Seed(row["company_id"], row["domain"], row["url"], row["bare"], others)


def _options(run: UnitRun) -> CrawlOptions:
    """What the job's record asks for; what it leaves out is as usual.

    Raises:
        WorkError: it names a User-Agent, and this worker allows none.
    """
    crawl = run.options.get("crawl") or {}
    names = [field.name for field in fields(CrawlOptions) if field.name != "only_given"]
    wanted = {name: crawl[name] for name in names if crawl.get(name) is not None}
    if "user_agent" in wanted and not run.runtime.settings.allow_user_agent:
        raise WorkError(f"crawl.user_agent: {USER_AGENT_REFUSED}", ErrorCategory.DATA)
    if run.runtime.settings.respect_signals:
        wanted["respect_signals"] = True
    # A scrape of one page is of the page that was given; what reads companies wants what their sites have.
    wanted["only_given"] = run.grant.stages == ("scrape",) and wanted.get("max_pages") == 1
    return CrawlOptions(**wanted)


def _crawl(
    run: UnitRun, seeds: Sequence[Seed], options: CrawlOptions, done: int = 0, before: CrawlResult | None = None
) -> CrawlResult:
    """One crawl, after those of `done` companies in the same run, with what came of them."""
    from tasks.scraping.crawl import crawl_companies  # Scrapy: only where pages are fetched

    def tell(at: CrawlProgress) -> None:
        if not run.lease.stop.is_set():  # the crawl ends by itself then, and keeps what it got until the check
            fetched = (before.pages_fetched if before else 0) + at.pages
            traffic = before.traffic.plus(at.traffic) if before else at.traffic
            share = (done + at.companies_done) / max(1, done + at.companies)
            run.progress(share, pages=fetched, traffic=traffic)

    def may_leave(until: float) -> bool:
        return _asked_again(run, datetime.fromtimestamp(until, UTC), datetime.now(UTC)) is not None

    with shared_hosts(run, options.user_agent) as hosts:
        hosts.want(url for seed in seeds for url in (seed.url, *(further for further, _ in seed.further)))
        return crawl_companies(
            seeds,
            options,
            on_pages=run.write_pages,
            on_progress=tell,
            stop=run.lease.stop,
            proxy=run.runtime.settings.http_proxy,
            egress_allow=run.runtime.settings.egress_allow,
            samples=sample_sites(run.runtime.settings),
            refused=run.grant.refused,
            hosts=hosts,
            may_leave=may_leave,
        )


@contextmanager
def shared_hosts(run: UnitRun, user_agent: str) -> Iterator[Hosts]:
    """The hosts of one crawl, taken and given back with those of all other crawls; their leases ride on the unit's."""
    from tasks.scraping.hosts import Hosts

    grant = run.grant
    agent = "" if user_agent == USER_AGENT else hashlib.sha256(user_agent.encode()).hexdigest()[:12]
    hosts = Hosts(HostLeases(run.runtime.store, f"{grant.job_id}|{grant.unit}", f"{grant.owner}|{grant.epoch}", agent))
    try:
        with run.lease.beside(hosts.look):
            yield hosts
    finally:
        hosts.close()


def _left_for_later(run: UnitRun, error: ErrorRow) -> ErrorRow:
    """The error of a company whose host said "later", as one for good where the job will not ask it again."""
    until = error["deferred_until"]
    return error if until is None else {**error, "deferred_until": _asked_again(run, until, error["at"])}


def _asked_again(run: UnitRun, until: datetime, said: datetime) -> datetime | None:
    """When the job asks a company again whose host said then that it waits until then; None when it does not."""
    again = max(until, said + timedelta(seconds=least_wait_s(run.grant.wave)))
    return again if run.grant.may_defer and again < _latest(run) else None


def _latest(run: UnitRun) -> datetime:
    """Companies whose hosts want to be asked later than this are not waited for."""
    latest = run.now + timedelta(seconds=run.runtime.settings.max_deferral_s)
    deadline = run.grant.deadline
    return latest if deadline is None else min(latest, datetime.fromtimestamp(deadline, UTC))


def _metrics(result: CrawlResult) -> dict[str, int]:
    """What metrics are told of a crawl."""
    return {
        **{f"crawl_requests:{status}": number for status, number in result.answers.items()},
        **{f"crawl_refused:{by}": number for by, number in result.refused.items()},
        "crawl_bytes": result.received,
        "crawl_pages": result.pages_fetched,
    }


def _one_by_one(run: UnitRun, seeds: Sequence[Seed], options: CrawlOptions) -> CrawlResult:
    """A crawl a company, each marked as a whole: should it kill the process, the company is known."""
    whole = CrawlResult()
    until = time.monotonic() + ONE_BY_ONE_S
    for number, seed in enumerate(seeds):
        run.lease.check()
        share = (until - time.monotonic()) / (len(seeds) - number)
        alone = replace(options, deadline_s=min(options.deadline_s, max(1.0, share)))
        with marks().at(seed.company_id):
            result = _crawl(run, [seed], alone, number, whole)
        whole.rows += result.rows
        whole.errors += result.errors
        whole.ledger += result.ledger
        whole.pages_fetched += result.pages_fetched
        whole.requests += result.requests
        whole.answers += result.answers
        whole.received += result.received
        whole.refused += result.refused
    return whole


def _retry_outage(run: UnitRun, rows: list[ScrapedRow], errors: list[ErrorRow]) -> None:
    """Try the partition again, a few times, when the network failed for every company in it (an outage on our side).

    The last try keeps the companies' own errors. One company alone says nothing about our side, and where a host said
    "later" it was reached.
    """
    failed = [row for row in errors if row["scope"] == "company"]
    if any(row["deferred_until"] for row in failed):
        return
    network = ErrorCategory.NETWORK
    outage = not rows and len(failed) > 1 and all(row["category"] == network for row in failed)
    if outage and run.grant.tries + 1 < RETRY[network].max_attempts:
        raise WorkError(f"no company of {len(failed)} could be reached; first: {failed[0]['error']}", network)
