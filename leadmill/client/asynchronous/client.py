"""The Python client of the REST API: `async with AsyncClient() as client: handle = await client.submit([…])`.

Nothing waits unless asked to: a submission gives an `AsyncJobHandle` at once. Every submission carries an
Idempotency-Key, so that it may be repeated after a lost answer without doing the work twice.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, Unpack, cast

from leadmill.answers import (
    AuditEntry,
    BulkAction,
    BulkAnswer,
    Company,
    CompanyFacets,
    DeadLetter,
    ErrorEntry,
    Explanation,
    Health,
    LedgerEntry,
    LogLevel,
    LogLine,
    Person,
    QueryResult,
    Schedule,
    Statistics,
)
from leadmill.client.asynchronous.administration import AsyncAdministration
from leadmill.client.asynchronous.job_handle import AsyncJobHandle
from leadmill.client.asynchronous.submissions import AsyncSubmissions
from leadmill.client.asynchronous.transport import AsyncTransport
from leadmill.client.errors import ApiError
from leadmill.client.options import (
    AuditFilter,
    CompanyFilter,
    CompanySort,
    DownloadOptions,
    Facet,
    JobFilter,
    JobStatus,
    LedgerFilter,
    PersonFilter,
    PipelineOptions,
    body,
    check_names,
)
from leadmill.client.protocol import API, PAGE, QUERY_S, discover_base_url, file_at, filled, key_header, segment
from leadmill.client.results import Event, Job, Json
from leadmill.errors import ErrorCode


class AsyncClient(AsyncSubmissions, AsyncAdministration):
    """One API: `base_url`, else that of LEADMILL_API_URL or _HOST and _PORT, else that of the stack on the data folder.

    `timeout` is what one request may take, seconds; `retries` how often it is sent again when the API is
    busy or does not answer; `api_key` the key that it sends, else that of LEADMILL_API_KEY. Close it, or use it in an
    `async with`.

    Raises:
        InputError: `api_key` is none.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        headers: Mapping[str, str] | None = None,
        api_key: str | None = None,
    ) -> None:
        url = base_url or discover_base_url()
        sent = {**key_header(api_key), **(headers or {})}
        super().__init__(AsyncTransport(url, timeout_s=timeout, retries=retries, headers=sent))

    @property
    def base_url(self) -> str:
        return self._transport.base_url

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # Jobs

    def job(self, job_id: str) -> AsyncJobHandle:
        """A handle on a job whose id is known; asks nothing."""
        return AsyncJobHandle(self._transport, job_id)

    async def status(self, job_id: str) -> Job:
        return await self.job(job_id).status()

    def list_jobs(
        self,
        *,
        status: JobStatus | None = None,
        kind: str | None = None,
        tag: str | None = None,
        since: str | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[Job]:
        """Jobs, newest first, page after page; `limit` ends it early. `text`: part of id, tag, error or message."""
        wanted = {"status": status, "kind": kind, "tag": tag, "since": since, "text": text}
        return (Job.of(raw) async for raw in self._transport.pages(f"{API}/jobs/list", wanted, limit))

    def errors(
        self, job_id: str, *, code: ErrorCode | None = None, limit: int | None = None
    ) -> AsyncIterator[ErrorEntry]:
        """The companies and pages of a job that failed, each with category and reason; those with a `code` alone."""
        return self.job(job_id).errors(code=code, limit=limit)

    def logs(
        self,
        job_id: str,
        *,
        level: LogLevel | None = None,
        stage: str | None = None,
        since: str | None = None,
        limit: int | None = None,
        follow: bool = False,
    ) -> AsyncIterator[LogLine]:
        """A job's own log, oldest first (see `AsyncJobHandle.logs`)."""
        return self.job(job_id).logs(level=level, stage=stage, since=since, limit=limit, follow=follow)

    def events(self, job_id: str, *, after: str | None = None, silence_s: float = 60.0) -> AsyncIterator[Event]:
        """The job's events as they come (see `AsyncJobHandle.events`)."""
        return self.job(job_id).events(after=after, silence_s=silence_s)

    async def cancel(self, job_id: str) -> None:
        """Ask a job to end; nothing of it runs 2 seconds later."""
        await self.job(job_id).cancel()

    async def resume(self, job_id: str) -> AsyncJobHandle:
        """Hand out again what is not done of a job that failed, was cancelled or is incomplete."""
        return await self.job(job_id).resume()

    async def replay(self, job_id: str) -> AsyncJobHandle:
        """Resume the job of a dead letter."""
        return await self.job(job_id).replay()

    def dead(self, *, limit: int | None = None) -> AsyncIterator[DeadLetter]:
        """Units that failed for good, newest first."""
        return cast(AsyncIterator[DeadLetter], self._transport.pages(f"{API}/jobs/dead", {}, limit))

    async def bulk(
        self, action: Literal["cancel", "resume"], filter: JobFilter | None = None, *, dry_run: bool = False
    ) -> BulkAction:
        """Cancel or resume every job that matches; `filter` as in `list_jobs`, none: every job.

        Doing it twice does no harm.
        """
        wanted = {name: value for name, value in (filter or {}).items() if value is not None}
        total = BulkAction(action=action, dry_run=dry_run, matched=0, done=0, refused=0, refused_jobs=[])
        cursor: str | None = None
        while True:
            asked = {"action": action, "filter": wanted, "dry_run": dry_run, "cursor": cursor}
            answer: BulkAnswer = await self._transport.json("POST", f"{API}/jobs/bulk", json=asked)
            for name in ("matched", "done", "refused"):
                total[name] += answer[name]
            total["refused_jobs"] = [*total["refused_jobs"], *answer["refused_jobs"]][:PAGE]
            cursor = answer.get("next_cursor")
            if not cursor:
                return total

    # Schedules

    async def schedules(self) -> list[Schedule]:
        """Recurring pipelines by name."""
        return [cast(Schedule, one) async for one in self._transport.pages(f"{API}/schedules", {}, None)]

    async def create_schedule(
        self,
        name: str,
        cron: str,
        company_urls: Iterable[str] | None = None,
        *,
        timezone: str | None = None,
        **pipeline: Unpack[PipelineOptions],
    ) -> Schedule:
        """Submit a pipeline again and again; `pipeline` as for `submit`, `cron` like "0 6 * * 1".

        `cron` is read by the clock of `timezone`, an IANA name like Europe/Berlin; none: UTC.
        """
        content = body({"company_urls": company_urls}, pipeline, PipelineOptions)
        zone = {} if timezone is None else {"timezone": timezone}
        sent = {"name": name, "cron": cron, **zone, "pipeline": content}
        return cast(Schedule, await self._transport.json("POST", f"{API}/schedules", json=sent))

    async def pause_schedule(self, name: str) -> Schedule:
        """Submit nothing of it until it is resumed."""
        return cast(Schedule, await self._transport.json("POST", f"{API}/schedules/{segment(name)}/pause"))

    async def resume_schedule(self, name: str) -> Schedule:
        """Let it go on with its next planned time."""
        return cast(Schedule, await self._transport.json("POST", f"{API}/schedules/{segment(name)}/resume"))

    async def delete_schedule(self, name: str) -> None:
        """Remove it; the jobs that it made stay."""
        await self._transport.request("DELETE", f"{API}/schedules/{segment(name)}")

    # Statistics, reports

    async def statistics(self) -> Statistics:
        """Totals by status and kind, durations, rates, queues, workers, units a minute, critical events, health."""
        return cast(Statistics, await self._transport.json("GET", f"{API}/jobs/statistics"))

    async def download_report(
        self,
        job_id: str,
        format: str = "html",
        path: str | os.PathLike[str] | None = None,
        **options: Unpack[DownloadOptions],
    ) -> Path:
        """Save a job's report and return where (see `AsyncJobHandle.report`)."""
        return await self.job(job_id).report(format, path, **options)

    # Companies and the server

    def companies(
        self, *, limit: int | None = None, sort: CompanySort | None = None, **filters: Unpack[CompanyFilter]
    ) -> AsyncIterator[Company]:
        """Companies of the lake, newest row of each; best score first, unless sorted otherwise."""
        check_names(filters, CompanyFilter)
        params = {**filters, "sort": sort}
        return cast(AsyncIterator[Company], self._transport.pages(f"{API}/companies", params, limit))

    async def facets(
        self, field: Facet | Sequence[Facet] = (), *, limit: int | None = None, **filters: Unpack[CompanyFilter]
    ) -> CompanyFacets:
        """How many companies match, and of each field (none named: of all) the `limit` most frequent values."""
        check_names(filters, CompanyFilter)
        params = filled({**filters, "field": field, "limit": limit})
        return cast(CompanyFacets, await self._transport.json("GET", f"{API}/companies/facets", params=params))

    async def download_companies(
        self,
        format: Literal["csv", "xlsx", "json"] = "csv",
        path: str | os.PathLike[str] | None = None,
        *,
        layout: str | None = None,
        bom: bool | None = None,
        sort: CompanySort | None = None,
        **filters: Unpack[CompanyFilter],
    ) -> Path:
        """Save every company that matches as a table and return where; a folder (default: this one) gets a file.

        `layout`: its columns (docs/layouts.md); `bom`: if a CSV begins with a byte-order mark.

        Raises:
            ApiError: refused, or there is nothing to tell of yet.
            OSError: the place cannot be written.
        """
        check_names(filters, CompanyFilter)
        more = {"layout": layout, "bom": None if bom is None else str(bom).lower(), "sort": sort}
        params = filled({**filters, **more})
        target = file_at(path, f"leadmill-companies.{format}")
        await self._transport.download(f"{API}/companies.{format}", target, params=params)
        return target

    async def company(self, company_id: str) -> Json:
        """One company by its id or its domain: all columns, those of plug-ins too, with its facts and `history`.

        What a job's list says of it is not told here: it comes back with that job's leads.
        """
        return dict(await self._transport.json("GET", f"{API}/companies/{segment(company_id)}"))

    def people(self, *, limit: int | None = None, **filters: Unpack[PersonFilter]) -> AsyncIterator[Person]:
        """Persons of a job's companies, or of a company, surest first; of jobs that asked for them (`extract`)."""
        check_names(filters, PersonFilter)
        return cast(AsyncIterator[Person], self._transport.pages(f"{API}/people", filters, limit))

    def ledger(self, *, limit: int | None = None, **filters: Unpack[LedgerFilter]) -> AsyncIterator[LedgerEntry]:
        """What crawls asked of a site, and what they did not, the latest first."""
        check_names(filters, LedgerFilter)
        return cast(AsyncIterator[LedgerEntry], self._transport.pages(f"{API}/ledger", filters, limit))

    async def explain(self, company_id: str, field: str, *, job: str | None = None) -> Explanation:
        """Where a field's value of a company comes from: quotes, places, what was not taken, and why.

        `company_id`: also its domain; `field`: a column, or the field of a fact (`email`, `social:linkedin`); `job`:
        only rows of it count.

        Raises:
            ApiError: no such field (`invalid_input`), or nothing is known of the company (`not_found`).
        """
        path = f"{API}/companies/{segment(company_id)}/explain"
        return cast(Explanation, await self._transport.json("GET", path, params=filled({"field": field, "job": job})))

    async def sql(self, query: str, *, limit: int | None = None) -> QueryResult:
        """The rows of one SELECT over the project's companies, results, errors, pages, people and ledger; for admins.

        `rows` has `limit` of them at most (1,000 unless given, up to 10,000) and 2 MB; `total` tells how many there
        are, `cut_by` why not all came.

        Raises:
            ApiError: it is no single SELECT, or DuckDB refuses it (`invalid_input`, in its words).
        """
        params, timeout = filled({"query": query, "limit": limit}), self._transport.timeout_of(QUERY_S)
        return cast(QueryResult, await self._transport.json("GET", f"{API}/sql", params=params, timeout=timeout))

    async def download_sql(
        self,
        query: str,
        format: Literal["csv", "xlsx", "json"] = "csv",
        path: str | os.PathLike[str] | None = None,
    ) -> Path:
        """Save all rows of one SELECT and return where; a folder (default: this one) gets a file.

        Raises:
            ApiError: as `sql`, or there are more rows than a file has.
            OSError: the place cannot be written.
        """
        target = file_at(path, f"leadmill-query.{format}")
        await self._transport.download(f"{API}/sql.{format}", target, params={"query": query}, least_s=QUERY_S)
        return target

    def audit(self, *, limit: int | None = None, **filters: Unpack[AuditFilter]) -> AsyncIterator[AuditEntry]:
        """Who did what, newest first; it takes a key of an admin."""
        check_names(filters, AuditFilter)
        return cast(AsyncIterator[AuditEntry], self._transport.pages(f"{API}/audit", filters, limit))

    async def health(self) -> Health:
        """What /healthz says."""
        return cast(Health, await self._transport.json("GET", "/healthz"))

    async def is_ready(self) -> bool:
        """True when every queue has a listener; one try, no waiting."""
        try:
            async with self._transport.stream("/readyz"):
                return True
        except ApiError:
            return False
