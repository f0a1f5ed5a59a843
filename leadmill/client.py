"""The Python client of the REST API: `Client().submit(company_urls=[…]).wait()`.

Nothing blocks unless asked to: a submission gives a `JobHandle` at once. Every submission carries an
Idempotency-Key, so that it may be repeated after a lost answer without doing the work twice.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from leadmill.client_results import Event, Job, Json
from leadmill.client_transport import ApiError, Transport, csv_upload, discover_base_url
from leadmill.job_handle import JobHandle

Priority = Literal["high", "normal", "low"]
API = "/api/v1"
_PAGE = 100


class Client:
    """One API: `base_url`, else LEADMILL_API_HOST/PORT, else that of the stack on the data folder.

    `timeout` is what one request may take, seconds; `retries` how often it is sent again when the API is
    busy or does not answer. May be used from several threads; close it, or use it in a `with`.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        timeout: float = 30.0,
        retries: int = 3,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        url = base_url or discover_base_url()
        self._transport = Transport(url, timeout_s=timeout, retries=retries, headers=headers or {})

    @property
    def base_url(self) -> str:
        return self._transport.base_url

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Submissions. `options` everywhere: priority, idempotency_key, min_coverage, deadline, run_at, tags.

    def submit(
        self,
        company_urls: Iterable[str] | None = None,
        *,
        search_queries: Iterable[str] | None = None,
        max_results_per_query: int | None = None,
        company_ids: Iterable[str] | None = None,
        csv: str | os.PathLike[str] | None = None,
        stages: Iterable[str] | None = None,
        report: Mapping[str, Any] | None = None,
        crawl: Mapping[str, Any] | None = None,
        scoring_model: str | None = None,
        **options: Any,
    ) -> JobHandle:
        """Run a pipeline over companies named by URLs, searches, ids or a CSV file (sent as it is).

        Raises:
            ApiError: refused; `field` says which entry is wrong.
            OSError: the CSV cannot be read.
        """
        body = {
            "company_urls": _list(company_urls),
            "search_queries": _list(search_queries),
            "max_results_per_query": max_results_per_query,
            "company_ids": _list(company_ids),
            "stages": _list(stages),
            "report": report,
            "crawl": crawl,
            "scoring_model": scoring_model,
        }
        return self._submit("/pipelines", body, options, csv=csv)

    def rerun(self, job_id: str, from_stage: str) -> JobHandle:
        """A new job that takes the parent's parts up to a stage and works from there."""
        return self._submit(f"/pipelines/{job_id}/rerun", None, {}, params={"from_stage": from_stage})

    def scrape_companies(self, company_urls: Iterable[str], **options: Any) -> JobHandle:
        return self._submit("/jobs/scrape/companies", {"company_urls": _list(company_urls)}, options)

    def scrape_company(self, company_url: str, **options: Any) -> JobHandle:
        return self._submit("/jobs/scrape/company", {"company_url": company_url}, options)

    def scrape_batch(
        self, search_queries: Iterable[str], *, max_results_per_query: int | None = None, **options: Any
    ) -> JobHandle:
        body = {"search_queries": _list(search_queries), "max_results_per_query": max_results_per_query}
        return self._submit("/jobs/scrape/batch", body, options)

    def process(self, company_ids: Iterable[str], **options: Any) -> JobHandle:
        return self._submit("/jobs/process/data", {"company_ids": _list(company_ids)}, options)

    def enrich(self, company_ids: Iterable[str], **options: Any) -> JobHandle:
        return self._submit("/jobs/process/enrich", {"company_ids": _list(company_ids)}, options)

    def score(self, company_ids: Iterable[str], **options: Any) -> JobHandle:
        return self._submit("/jobs/process/scores", {"company_ids": _list(company_ids)}, options)

    def report(
        self, company_ids: Iterable[str] = (), *, report_type: str = "comprehensive", **options: Any
    ) -> JobHandle:
        """A report over companies already in the lake; none named: over all."""
        body = {"company_ids": _list(company_ids), "report_type": report_type}
        return self._submit("/jobs/analytics/report", body, options)

    def analyze(
        self, company_ids: Iterable[str] = (), *, report_type: str = "comprehensive", **options: Any
    ) -> JobHandle:
        """The figures of a report without its files."""
        body = {"company_ids": _list(company_ids), "report_type": report_type}
        return self._submit("/jobs/analytics/analyze", body, options)

    def cleanup(self, older_than_days: int | None = None) -> JobHandle:
        params = {} if older_than_days is None else {"older_than_days": older_than_days}
        return self._submit("/jobs/maintenance/cleanup", None, {}, params=params)

    def health_check(self) -> JobHandle:
        return self._submit("/jobs/maintenance/health-check", None, {})

    def optimize_db(self) -> JobHandle:
        return self._submit("/jobs/maintenance/optimize-db", None, {})

    # Jobs

    def job(self, job_id: str) -> JobHandle:
        """A handle on a job whose id is known; asks nothing."""
        return JobHandle(self, job_id)

    def status(self, job_id: str) -> Job:
        return Job.of(self._transport.json("GET", f"{API}/jobs/status/{job_id}"))

    def list_jobs(
        self,
        *,
        status: str | None = None,
        kind: str | None = None,
        tag: str | None = None,
        since: str | None = None,
        text: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """Jobs, newest first, page after page; `limit` ends it early. `text`: part of id, tag, error or message."""
        wanted = {"status": status, "kind": kind, "tag": tag, "since": since, "text": text}
        return (Job.of(raw) for raw in self._pages(f"{API}/jobs/list", wanted, limit))

    def errors(self, job_id: str, *, limit: int | None = None) -> Iterator[Json]:
        """The companies and pages of a job that failed, each with category and reason."""
        return self._pages(f"{API}/jobs/{job_id}/errors", {}, limit)

    def events(self, job_id: str, *, after: str | None = None, silence_s: float = 60.0) -> Iterator[Event]:
        """The job's events as they come, those kept since its start first, until the server ends the stream.

        Raises:
            ApiUnreachableError: no answer, or not a byte for `silence_s`.
            ApiError: no such job, or a server without event streams.
        """
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": after} if after else {})}
        path = f"{API}/jobs/{job_id}/events"
        with self._transport.stream(path, headers=headers, read_timeout_s=silence_s) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                raise ApiError("this API has no event stream", status=501, code="no_event_stream")
            import httpx2

            for event in httpx2.EventSource(response):
                data = event.json() if event.data else {}
                yield Event(event.id, event.event, data if isinstance(data, dict) else {"value": data})

    def cancel(self, job_id: str) -> None:
        """Ask a job to end; nothing of it runs 2 seconds later."""
        self._transport.request("DELETE", f"{API}/jobs/cancel/{job_id}")

    def resume(self, job_id: str) -> JobHandle:
        """Hand out again what is not done of a job that failed, was cancelled or is incomplete."""
        return self._submit(f"/jobs/{job_id}/resume", None, {})

    def statistics(self) -> Json:
        """Totals by status and kind, durations, rates, queue lengths and ages, workers."""
        return dict(self._transport.json("GET", f"{API}/jobs/statistics"))

    def download_report(
        self,
        job_id: str,
        format: str = "html",
        path: str | os.PathLike[str] | None = None,
        *,
        partial: bool = False,
    ) -> Path:
        """Save a job's report and return where; a folder (default: this one) gets `<job id>.<format>`.

        Raises:
            ApiError: not written yet, no such format, or cancelled (`partial=True` takes what there is).
            OSError: the place cannot be written.
        """
        target = Path(path or ".")
        if target.is_dir():
            target = target / f"{job_id}.{format}"
        params: dict[str, str] = {"format": format, **({"partial": "true"} if partial else {})}
        unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with (
                self._transport.stream(f"{API}/jobs/{job_id}/report", params=params) as response,
                unfinished.open("wb") as file,
            ):
                for chunk in response.iter_bytes():
                    file.write(chunk)
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
        return target

    # Companies and the server

    def companies(self, *, limit: int | None = None, **filters: Any) -> Iterator[Json]:
        """Companies of the lake, newest row of each; the filters are those of GET /companies."""
        return self._pages(f"{API}/companies", filters, limit)

    def company(self, company_id: str) -> Json:
        """One company with its history and facts."""
        return dict(self._transport.json("GET", f"{API}/companies/{company_id}"))

    def health(self) -> Json:
        """What /healthz says."""
        return dict(self._transport.json("GET", "/healthz"))

    def is_ready(self) -> bool:
        """True when every queue has a listener; one try, no waiting."""
        try:
            with self._transport.stream("/readyz"):
                return True
        except ApiError:
            return False

    def _submit(
        self,
        path: str,
        body: Mapping[str, Any] | None,
        options: Mapping[str, Any],
        *,
        csv: str | os.PathLike[str] | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> JobHandle:
        given = dict(options)
        key = given.pop("idempotency_key", None) or secrets.token_urlsafe(18)
        sent: dict[str, Any] = {"headers": {"Idempotency-Key": key}, "params": params}
        content = {name: value for name, value in {**(body or {}), **given}.items() if value is not None}
        if csv is not None:
            name, raw = csv_upload(csv)
            sent |= {"files": {"file": (name, raw, "text/csv")}, "data": {"options": json.dumps(content)}}
        elif body is not None:
            sent["json"] = content
        answer = self._transport.json("POST", API + path, **sent)
        return JobHandle(self, str(answer["job_id"]), submitted=answer)

    def _pages(self, path: str, filters: Mapping[str, Any], limit: int | None) -> Iterator[Json]:
        left = limit
        params = {name: value for name, value in filters.items() if value is not None}
        while left is None or left > 0:
            params["limit"] = _PAGE if left is None else min(_PAGE, left)
            page = self._transport.json("GET", path, params=params)
            items = page["items"] if left is None else page["items"][:left]
            yield from items
            left = None if left is None else left - len(items)
            if not page.get("next_cursor"):
                return
            params["cursor"] = page["next_cursor"]


def _list(values: Iterable[str] | None) -> list[str] | None:
    if values is None:
        return None
    if isinstance(values, str):
        raise TypeError("a list of texts is wanted, not one text")
    return list(values)
